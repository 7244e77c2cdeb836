"""Real database servers on loopback, started for the tests and stopped after them."""

import atexit
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pymysql
import pytest

from tests.support.ports import free_port

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
_STOPS_WITHIN_S = 20


@dataclass
class Server:
    """A database server that can be stopped, killed and started again on the same port and the same data."""

    url: str
    command: Sequence[str | Path]
    ask: Callable[[], None]
    ends: dict[str, signal.Signals]
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self, seconds: float = 60) -> None:
        """Return when it accepts connections; one that ends at once, since its predecessor is not gone, is started
        again."""
        until = time.monotonic() + seconds
        while True:
            self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self._answers(until):
                return
            self.process.wait()
            assert time.monotonic() < until, f"{self.command[0]} does not start"

    def _answers(self, until: float) -> bool:
        assert self.process is not None
        while self.process.poll() is None:
            try:
                self.ask()
            except (psycopg.OperationalError, pymysql.OperationalError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
            else:
                return True
        return False

    def stop(self, how: str = "fast") -> None:
        """End it: `fast` in good order, `immediate` without (PostgreSQL only), `kill` by kill -9."""
        if self.process is None:
            return
        self.process.send_signal(self.ends[how])
        try:
            self.process.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


@contextmanager
def server(engine: str, directory: Path) -> Iterator[Server]:
    """Run the server of an engine (`postgresql` or `mariadb`) and give the handle to restart it by."""
    if engine == "postgresql":
        with postgresql_server(directory) as running:
            yield running
    else:
        with mariadb_server(directory) as running:
            yield running


@contextmanager
def postgresql(directory: Path) -> Iterator[str]:
    """Run PostgreSQL and give its URL."""
    with postgresql_server(directory) as running:
        yield running.url


@contextmanager
def mariadb(directory: Path) -> Iterator[str]:
    """Run MariaDB and give its URL."""
    with mariadb_server(directory) as running:
        yield running.url


@contextmanager
def postgresql_server(directory: Path) -> Iterator[Server]:
    """Run PostgreSQL and give its handle."""
    if not POSTGRES:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    binaries, data, port = POSTGRES[0], directory / "data", free_port()
    account = _account("postgres", directory)
    _copy(_new_postgresql(), data)
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    where = ["-D", data, "-p", str(port), "-k", directory, "-h", "127.0.0.1"]
    running = Server(
        url,
        [*account, binaries / "postgres", *where, "-c", "fsync=off", "-c", "max_connections=500"],
        lambda: psycopg.connect(url).close(),
        {"fast": signal.SIGINT, "immediate": signal.SIGQUIT, "kill": signal.SIGKILL},
    )
    try:
        running.start()
        yield running
    finally:
        running.stop()


@contextmanager
def mariadb_server(directory: Path) -> Iterator[Server]:
    """Run MariaDB and give its handle."""
    if shutil.which("mariadbd") is None and not Path("/usr/sbin/mariadbd").exists():
        pytest.skip("MariaDB is not installed (apt-get install mariadb-server)")
    data, port, user = (
        directory / "data",
        free_port(),
        "mysql" if os.geteuid() == 0 else os.environ.get("USER", "mysql"),
    )
    # not below a folder that others may close, as pytest does with its own when it starts once more
    temporary = Path(mkdtemp(prefix="mariadb"))
    _account(user, directory)
    _account(user, temporary)
    # in a folder of its own: a server that starts removes every temporary table it finds, those of others too
    options = ["--no-defaults", f"--datadir={data}", f"--tmpdir={temporary}", f"--user={user}"]
    _copy(_new_mariadb(user), data)
    where = [
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={directory}/m.sock",
        f"--pid-file={directory}/m.pid",
        "--max-connections=500",
        "--innodb-flush-log-at-trx-commit=2",  # what was committed survives kill -9, and that is all tests can do
        "--innodb-flush-method=nosync",
        "--innodb-doublewrite=0",
        "--sync-frm=0",
    ]
    running = Server(
        f"mysql://root@127.0.0.1:{port}/portal",
        ["/usr/sbin/mariadbd", *options, *where],
        lambda: pymysql.connect(host="127.0.0.1", port=port, user="root").close(),
        {"fast": signal.SIGTERM, "kill": signal.SIGKILL},
    )
    try:
        running.start()
        with pymysql.connect(host="127.0.0.1", port=port, user="root") as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE portal CHARACTER SET utf8mb4")
        yield running
    finally:
        running.stop()
        shutil.rmtree(temporary)


@cache
def _new_postgresql() -> Path:
    """Make the files of a new server once: that takes longer than to copy them."""
    place = _kept("postgres")
    made = [*_account("postgres", place), POSTGRES[0] / "initdb", "-D", place / "data", "-A", "trust", "-U", "postgres"]
    subprocess.run(made, check=True, capture_output=True)
    return place / "data"


@cache
def _new_mariadb(user: str) -> Path:
    """Make the files of a new server once."""
    place = _kept(user)
    made = ["mariadb-install-db", "--no-defaults", f"--datadir={place}/data", f"--tmpdir={place}", f"--user={user}"]
    subprocess.run([*made, "--auth-root-authentication-method=normal"], check=True, capture_output=True)
    return place / "data"


def _kept(account: str) -> Path:
    place = Path(mkdtemp(prefix="new"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    _account(account, place)
    return place


def _copy(made: Path, data: Path) -> None:
    subprocess.run(["cp", "--archive", made, data], check=True)  # with their owners


def _account(name: str, directory: Path) -> list[str]:
    """Let an unprivileged account own the folder, since the servers refuse to run as root."""
    if os.geteuid() != 0:
        return []
    shutil.chown(directory, name)
    for parent in directory.parents:
        if parent != Path("/") and parent.owner() == "root":
            parent.chmod(parent.stat().st_mode | 0o055)
    return ["setpriv", f"--reuid={name}", f"--regid={name}", "--clear-groups"]
