"""Bring the tables to this version; run only by `mieterportal migrate`, one at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playhouse.migrations import Runner

from service.store.database import connected, database, engine

_DIRECTORY = Path(__file__).parent / "migrations"
_LOCK_NUMBER = 7_203_114_950
_LOCK_WAIT_S = 60


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
    take, release = {
        "sqlite": (None, None),  # SQLite has one writer and migrations run in a write transaction
        "postgresql": (f"SELECT pg_advisory_lock({_LOCK_NUMBER})", f"SELECT pg_advisory_unlock({_LOCK_NUMBER})"),
        "mysql": (f"SELECT GET_LOCK('mieterportal', {_LOCK_WAIT_S})", "SELECT RELEASE_LOCK('mieterportal')"),
    }[engine()]
    if take is None:
        yield
        return
    row = database.execute_sql(take).fetchone()
    if row[0] == 0:
        raise MigrationBusy("another migration is running")
    try:
        yield
    finally:
        database.execute_sql(release)
