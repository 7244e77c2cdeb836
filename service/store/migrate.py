"""Bring the tables to this version; run only by `mieterportal migrate`, one at a time."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from playhouse.migrations import Runner

from service.store.database import connected, database, engine

_DIRECTORY = Path(__file__).parent / "migrations"
_LOCK_NUMBER = 7_203_114_950
_LOCK_WAIT_S = 60
_LOOK_S = 0.1
_LOCKS = {
    "postgresql": (f"SELECT pg_try_advisory_lock({_LOCK_NUMBER})", f"SELECT pg_advisory_unlock({_LOCK_NUMBER})"),
    "mysql": ("SELECT GET_LOCK('mieterportal', 0)", "SELECT RELEASE_LOCK('mieterportal')"),
}


class MigrationBusy(Exception):
    """Another migration has held the lock for a minute."""


def migrate(target: str | None = None) -> list[str]:
    """Apply what is missing, up to `target` if given, and return the names applied.

    Holds an advisory lock, so that several hosts may start it at once. Raises MigrationBusy, StoreUnavailable.
    """
    with connected(), _lock():
        return list(Runner(database.obj, str(_DIRECTORY)).up(target))


def missing() -> list[str]:
    """Name the migrations that this database still lacks."""
    with connected():
        return [m.name for m in Runner(database.obj, str(_DIRECTORY)).status() if m.applied is None]


def versions() -> list[str]:
    """Name every migration there is, oldest first."""
    return [m.name for m in Runner(database.obj, str(_DIRECTORY)).migrations()]


@contextmanager
def _lock() -> Iterator[None]:
    """Wait for the lock by asking again and again: what the engines wait themselves, their own time-outs end."""
    with _taker() as take:
        until = time.monotonic() + _LOCK_WAIT_S
        while not take():
            if time.monotonic() > until:
                raise MigrationBusy("another migration is running")
            time.sleep(_LOOK_S)
        yield


@contextmanager
def _taker() -> Iterator[Callable[[], bool]]:
    """Yield what tries to take the lock; it is given back when the block ends."""
    if engine() == "sqlite":
        with _folder() as folder:
            yield partial(_flock, folder)
        return
    take, release = _LOCKS[engine()]
    taken = False

    def try_it() -> bool:
        nonlocal taken
        taken = bool(database.execute_sql(take).fetchone()[0])
        return taken

    try:
        yield try_it
    finally:
        if taken:
            database.execute_sql(release)


@contextmanager
def _folder() -> Iterator[int]:
    """Open the folder of SQLite's file: a lock on it leaves nothing behind, and ends with the process."""
    descriptor = os.open(Path(database.obj.database).absolute().parent, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
