"""The five folders of a file drop: complete files only go in, complete files only are taken out."""

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from hashlib import sha256
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO
from uuid import uuid4

MARKER = ".ok"
REASON = ".grund.txt"
_UNFINISHED = (".tmp", ".part", ".filepart", ".crdownload", MARKER)
_DIGEST = re.compile(rb"\s*([0-9a-fA-F]{64})\b")
_MARKER_MAX = 1000
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EBADF, errno.ENOTSUP}
_CHUNK = 256 * 1024


class Place(StrEnum):
    """The folders; seen from the ERP, `in` comes in and `out` goes out."""

    IN = "in"
    OUT = "out"
    QUITTUNG = "quittung"
    FEHLER = "fehler"
    ARCHIV = "archiv"


_MARKED = (Place.IN, Place.QUITTUNG, Place.OUT)


class Mark(StrEnum):
    """What the marker beside a file says."""

    NONE = "none"
    EMPTY = "empty"
    SAME = "same digest"
    OTHER = "other digest"


@dataclass(frozen=True, slots=True)
class Signature:
    """What changes when a file is written to."""

    inode: int
    size: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file of the ERP's, as it lay there when it was looked at; `age` in seconds since it last changed."""

    path: Path
    signature: Signature
    age: float
    marker_ns: int

    @property
    def marked(self) -> bool:
        """Tell whether a marker lies beside it."""
        return self.marker_ns > 0


def _nothing() -> None:
    """Nothing has to hold before a file is renamed."""


class Folders:
    """The folders below `root`, which an operator has made: a share that is not mounted must not look like one."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, place: Place, name: str = "") -> Path:
        """Return a folder's path, or that of a file in it."""
        return self.root / place / name

    def problems(self) -> list[str]:
        """Return what keeps the folders from being used, each with its path; tries to write into each."""
        return [problem for place in Place if (problem := _problem(self.path(place)))]

    def arrived(self, place: Place, suffixes: tuple[str, ...], now: float) -> Iterator[Arrived]:
        """Yield the files that are not visibly unfinished, by name; `now` in seconds since 1970. Raises OSError."""
        with os.scandir(self.path(place)) as entries:
            names = {entry.name for entry in entries}
        for name in sorted(names):
            if name.startswith((".", "~")) or name.endswith(_UNFINISHED) or not name.lower().endswith(suffixes):
                continue
            status = _status(self.path(place, name))
            if status is None:
                continue
            marker = _status(self.path(place, name + MARKER)) if name + MARKER in names else None
            yield Arrived(
                self.path(place, name),
                Signature(status.st_ino, status.st_size, status.st_ctime_ns),
                now - status.st_ctime,
                marker.st_ctime_ns if marker else 0,
            )

    def write(
        self, place: Place, name: str, fill: Callable[[BinaryIO], None], *, before: Callable[[], None] = _nothing
    ) -> None:
        """Write a file so that nobody ever sees a part of it, and it survives a power cut; then its marker.

        The same name again replaces the file as a whole. `before` runs when all but the renaming is done; whatever it
        raises, nothing is seen of the file. Raises OSError.
        """
        digest = self._write(place, name, fill, before)
        text = f"{digest}  {name}\n".encode()
        self._write(place, name + MARKER, lambda file: file.write(text), _nothing)

    def _write(self, place: Place, name: str, fill: Callable[[BinaryIO], object], before: Callable[[], None]) -> str:
        # a name of its own: another worker may be writing the same file, and neither may see half of the other's
        unfinished = self.path(place, f"{name}.{uuid4().hex[:12]}.tmp")
        try:
            with unfinished.open("x+b") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
                digest = _digest(file)
            before()
            unfinished.rename(self.path(place, name))
        except BaseException:
            _remove(unfinished)
            raise
        _sync_folder(self.path(place))
        return digest

    def sweep_unfinished(self, older_than: float) -> list[str]:
        """Remove packages that killed workers never finished, last changed before `older_than`; returns their names.

        Raises OSError.
        """
        left = self.path(Place.IN).glob("VG_*.tmp")
        return [path.name for path in left if _remove_older(path, older_than)]

    def sweep_markers(self, older_than: float) -> list[str]:
        """Remove markers whose file is not there, last changed before `older_than`; returns their paths in the drop.

        A file comes before its marker, so that one of those is never the marker of a file that is still to come.
        Raises OSError.
        """
        markers = [path for place in _MARKED for path in self.path(place).glob(f"*{MARKER}")]
        lone = [path for path in markers if not _exists(path.with_name(path.name[: -len(MARKER)]))]
        return [str(path.relative_to(self.root)) for path in lone if _remove_older(path, older_than)]

    def put_away(self, path: Path, place: Place, name: str, reason: str = "") -> None:
        """Move a file to archiv/ or fehler/, with the reason beside it, its marker gone; one that is gone is fine.

        Raises OSError when the file must stay where it is.
        """
        target = self.path(place, name)
        if not target.parent.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "is no folder", str(target.parent))
        if reason:
            target.with_name(name + REASON).write_text(reason + "\n", encoding="utf-8")
        with suppress(FileNotFoundError):  # another worker, or the ERP, was quicker
            self._move(path, place, name)
        _remove(path.with_name(path.name + MARKER))

    def _move(self, path: Path, place: Place, name: str) -> None:
        """Rename a file; where its folder is a share of its own, copy it as completely as all that is written."""
        try:
            path.rename(self.path(place, name))
        except OSError as fault:
            if fault.errno != errno.EXDEV:
                raise
            with path.open("rb") as file:
                self._write(place, name, partial(copyfileobj, file), _nothing)
            path.unlink()


def _status(path: Path) -> os.stat_result | None:
    """Return the status of a regular file; None for one that is gone, a link, a pipe: those are never opened."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def mark_of(file: Arrived, digest: str) -> Mark:
    """Return what the marker beside a file says of it. Raises OSError."""
    if not file.marked:
        return Mark.NONE
    try:
        with file.path.with_name(file.path.name + MARKER).open("rb") as marker:
            stated = _DIGEST.match(marker.read(_MARKER_MAX))
    except FileNotFoundError:
        return Mark.NONE
    if stated is None:
        return Mark.EMPTY
    return Mark.SAME if stated[1].decode().lower() == digest else Mark.OTHER


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex. Raises OSError."""
    with path.open("rb") as file:
        return _digest(file)


def _digest(file: BinaryIO) -> str:
    digest = sha256()
    file.seek(0)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _exists(path: Path) -> bool:
    """Tell whether anything has this name, be it a link that leads nowhere."""
    return os.path.lexists(path)


def _remove_older(path: Path, older_than: float) -> bool:
    """Remove a file if it has not changed since; False if it stays, or is gone. Raises OSError."""
    status = _status(path)
    if status is None or status.st_ctime >= older_than:
        return False
    path.unlink(missing_ok=True)
    return True


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # what was to be removed is of no use to anybody, and its folder may be gone


def _problem(folder: Path) -> str:
    probe = folder / f".probe-{uuid4().hex}"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as fault:
        return f"{folder} cannot be written ({fault.strerror})"
    return ""


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as fault:
        if fault.errno not in _NO_FOLDER_SYNC:  # some network file systems cannot, and write through anyway
            raise
    finally:
        os.close(descriptor)
