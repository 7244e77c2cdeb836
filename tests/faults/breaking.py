"""Ways to keep a running portal from writing, each with its mending; nothing of the portal is restarted."""

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.engines import Server
from tests.support.portal import Installation

_BALLAST = "ballast"
_BYTES = 8 * 2**20
_SERVER_BYTES = 384 * 2**20  # what a new PostgreSQL or MariaDB takes, twice
# Less than the upload, more than the log: the write of the upload is cut in its middle.
HALF = 384 * 1024
# Only a connection itself can be told how many pages its database may have and how long to wait for a lock. The
# product's code is untouched: Python loads this at start, since it lies on PYTHONPATH.
_PRAGMAS = """
import sqlite3
from pathlib import Path

_HERE = Path(__file__).parent / "pragmas"
_connect = sqlite3.connect


class _Told:
    def cursor(self, *given, **named):
        for pragma in _HERE.read_text().split():
            super().cursor().execute(f"PRAGMA {pragma}").fetchall()
        return super().cursor(*given, **named)


def connect(*given, factory=sqlite3.Connection, **named):
    return _connect(*given, factory=type("Told", (_Told, factory), {}), **named)


sqlite3.connect = sqlite3.dbapi2.connect = connect
"""
# Each says everything: a connection that rests in the pool hears only the last.
_USUAL = "max_page_count=4294967294 busy_timeout=15000"
_NOT_ONE_PAGE_MORE = "max_page_count=1 busy_timeout=15000"
_IMPATIENT = "max_page_count=4294967294 busy_timeout=200"


class Unavailable(Exception):
    """This machine cannot make this fault; the message says why."""


@dataclass(frozen=True)
class Fault:
    """One thing that breaks.

    `reads`: pages that write nothing are still there meanwhile. `files_lost`: the folder takes no files. `words_fit`:
    forms without files are stored all the same. `may_fit`: now and then the database finds room all the same. `mute`:
    the log cannot be written either. `upload`: a form with files sends this one instead, and one without is not tried.
    """

    name: str
    start: Callable[[], None]
    mend: Callable[[], None]
    files_lost: bool = False
    words_fit: bool = False
    may_fit: bool = False
    mute: bool = False
    upload: str = ""

    @property
    def noticed(self) -> bool:
        """Tell whether the log of the worker is sure to say so."""
        return not (self.words_fit or self.may_fit or self.mute)

    reads: bool = True


@dataclass
class Ground(Installation):
    """An installation whose database and whose files lie in folders of their own, so that each can be filled."""

    def __post_init__(self) -> None:
        self.store, self.disk = self.directory / "store", self.directory / "disk"
        self.files, self.patches = self.disk / "files", self.directory / "patches"
        for folder in (self.store, self.files, self.patches):
            folder.mkdir(parents=True, exist_ok=True)
        (self.patches / "sitecustomize.py").write_text(_PRAGMAS)
        _tell(self, _USUAL)
        self.database = self.database or f"sqlite:///{self.store}/portal.db"
        super().__post_init__()

    def environment(self, **more: str) -> dict[str, str]:
        path = os.pathsep.join(part for part in (str(self.patches), os.environ.get("PYTHONPATH")) if part)
        return super().environment(PYTHONPATH=path, MIETERPORTAL_SERVICE__FILES=str(self.files), **more)


@contextmanager
def small_disks(ground: Ground) -> Iterator[None]:
    """Put the database on a small disk and the files on a small file system in memory; raises Unavailable."""
    image = ground.directory / "store.img"
    ways = [
        (["mount", "-t", "tmpfs", "-o", f"size={4 * _BYTES}", "tmpfs", ground.disk], ground.disk),
        (["truncate", "-s", str(2 * _BYTES), image], None),
        (["mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal", image], None),
        (["mount", "-o", "loop", image, ground.store], ground.store),
    ]
    mounted = []
    try:
        for command, folder in ways:
            _do(*command)
            if folder is not None:
                mounted.append(folder)
        yield
    finally:
        for folder in mounted:
            _do("umount", "--lazy", folder)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Put a database server's folder on a small file system in memory; raises Unavailable."""
    _do("mount", "-t", "tmpfs", "-o", f"size={_SERVER_BYTES}", "tmpfs", folder)
    try:
        yield
    finally:
        _do("umount", "--lazy", folder)


def full(server: Server, folder: Path) -> Fault:
    """Return a full disk under a database server; if the server ends for it, it is started again as systemd would."""

    def mend() -> None:
        _empty(folder)
        if server.process is not None and server.process.poll() is not None:
            server.start()

    return Fault("disk of the database server full", lambda: _fill(folder), mend, may_fit=True, reads=False)


def cut_writes(ground: Ground) -> Fault:
    """Return a limit on the size of files that an upload exceeds when part of it is written already."""
    return Fault(
        f"RLIMIT_FSIZE {HALF // 1024} KiB, in the middle of an upload",
        lambda: _limit(ground, HALF),
        lambda: _limit(ground, -1),
        files_lost=True,
        words_fit=True,
        mute=True,
        upload="big.pdf",
    )


def full_and_read_only(ground: Ground) -> list[Fault]:
    """Return the faults of small disks."""
    return [
        Fault("disk of the database full", lambda: _fill_store(ground), lambda: _empty(ground.store)),
        Fault("database read-only", lambda: _fixed(ground, "+i"), lambda: _fixed(ground, "-i")),
        Fault(
            "tmpfs of the files full",
            lambda: _fill(ground.disk),
            lambda: _empty(ground.disk),
            files_lost=True,
            words_fit=True,
        ),
        Fault(
            "file folder read-only",
            lambda: _do("mount", "-o", "remount,ro", ground.disk),
            lambda: _do("mount", "-o", "remount,rw", ground.disk),
            files_lost=True,
            words_fit=True,
        ),
    ]


def refused_writes(ground: Ground) -> list[Fault]:
    """Return what can break on SQLite and any disk."""
    return [
        Fault("RLIMIT_FSIZE 0", lambda: _limit(ground, 0), lambda: _limit(ground, -1), files_lost=True, mute=True),
        Fault("max_page_count reached", lambda: _no_page_more(ground), lambda: _tell(ground, _USUAL), may_fit=True),
        _locked(ground),
        _no_folder(ground),
    ]


def _no_page_more(ground: Ground) -> None:
    """Let the database grow no more, and have no page left that it could use again."""
    with closing(sqlite3.connect(ground.store / "portal.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE IF NOT EXISTS ballast (bytes BLOB)")
        while other.execute("PRAGMA freelist_count").fetchone()[0]:
            other.execute("INSERT INTO ballast VALUES (zeroblob(4000))")
    _tell(ground, _NOT_ONE_PAGE_MORE)


def _locked(ground: Ground) -> Fault:
    other = sqlite3.connect(ground.store / "portal.db", isolation_level=None, check_same_thread=False)

    def lock() -> None:
        _tell(ground, _IMPATIENT)
        other.execute("BEGIN IMMEDIATE")

    def unlock() -> None:
        other.execute("ROLLBACK")
        _tell(ground, _USUAL)

    return Fault("database locked", lock, unlock)


def _no_folder(ground: Ground) -> Fault:
    away = ground.disk / "files.away"

    def replace() -> None:
        ground.files.rename(away)
        ground.files.touch()

    def put_back() -> None:
        ground.files.unlink()
        away.rename(ground.files)

    return Fault("file folder gone, a file in its place", replace, put_back, files_lost=True, words_fit=True)


def stopped(server: Server) -> list[Fault]:
    """Return the ways in which a database server is away."""
    ways = [way for way in ("fast", "kill") if way in server.ends]
    return [
        Fault(f"database server stopped ({way})", lambda way=way: server.stop(way), server.start, reads=False)
        for way in ways
    ]


def processes_of(ground: Ground, *names: str) -> set[int]:
    """Return these programs of an installation with all their children."""
    sessions = {ground.processes[name].pid for name in names}
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, session, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(session) in sessions and state != "Z":
            found.add(int(folder.name))
    return found


def _limit(ground: Ground, most: int) -> None:
    """Limit the size of every file that the portal and the worker write, their log's too."""
    for pid in processes_of(ground, "portal", "sync"):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if most < 0 else most, hard))


def _tell(ground: Ground, pragmas: str) -> None:
    """Give every connection of the installation these pragmas before its next statement."""
    fresh = ground.patches / "pragmas.new"
    fresh.write_text(pragmas)
    fresh.replace(ground.patches / "pragmas")


def _fill(folder: Path) -> None:
    """Leave not one block."""
    with (folder / _BALLAST).open("wb", buffering=0) as ballast:
        for size in (64 * 1024, 4096, 1):
            try:
                while ballast.write(b"\0" * size):
                    pass
            except OSError:
                continue
    assert shutil.disk_usage(folder).free == 0


def _fill_store(ground: Ground) -> None:
    """Leave not one block, and none in SQLite's log, whose old pages would be written anew."""
    with closing(sqlite3.connect(ground.store / "portal.db", isolation_level=None, timeout=15)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _fill(ground.store)


def _empty(folder: Path) -> None:
    (folder / _BALLAST).unlink()


def _fixed(ground: Ground, change: str) -> None:
    """Make the database unchangeable, for programs that have it open too; its index of pages lies in memory."""
    _do("chattr", change, *(path for path in ground.store.glob("portal.db*") if not path.name.endswith("-shm")))


def _do(*command: str | Path) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (subprocess.CalledProcessError, FileNotFoundError) as refused:
        raise Unavailable(f"{command[0]} needs root and must be installed") from refused
