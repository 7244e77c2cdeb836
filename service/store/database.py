"""The connection to the database: opened once per process, pooled, the same three engines everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import peewee
from playhouse.pool import MaxConnectionsExceeded, PooledMySQLDatabase, PooledPostgresqlDatabase, PooledSqliteDatabase

ENGINES = ("sqlite", "postgresql", "mysql")
_POOL = {"max_connections": 64, "stale_timeout": 300, "timeout": 10}
_SQLITE_PRAGMAS = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "busy_timeout": 15_000}

database = peewee.DatabaseProxy()


FAULTS = (peewee.DatabaseError, peewee.InterfaceError, MaxConnectionsExceeded)


class StoreUnavailable(Exception):
    """The database did not answer, is full or refuses writes; nothing was stored."""


def open_database(url: str) -> peewee.Database:
    """Point the store at the database of this URL; connections are made when first used.

    `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://…` or `mysql://…`.
    Raises ValueError for any other scheme.
    """
    opened = _database(url)
    database.initialize(opened)
    return opened


def _database(url: str) -> peewee.Database:
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(unquote(parts.path[1:]))
    network = {
        "host": parts.hostname,
        "port": parts.port,
        "user": unquote(parts.username or "") or None,
        "password": unquote(parts.password or "") or None,
        **dict(parse_qsl(parts.query)),
    }
    given = {key: value for key, value in network.items() if value is not None}
    name = unquote(parts.path[1:])
    if parts.scheme == "postgresql":
        return PooledPostgresqlDatabase(
            name,
            prefer_psycopg3=True,
            field_types={"LONGTEXT": "TEXT"},
            options="-c statement_timeout=20000 -c lock_timeout=15000",
            connect_timeout=5,
            **_POOL,
            **given,
        )
    if parts.scheme == "mysql":
        return PooledMySQLDatabase(
            name,
            mariadb=True,
            charset="utf8mb4",
            connect_timeout=5,
            read_timeout=30,
            write_timeout=30,
            **_POOL,
            **given,
        )
    raise ValueError(f"unknown database scheme {parts.scheme!r}: use one of {', '.join(ENGINES)}")


def _sqlite(path: str) -> peewee.Database:
    if not path:
        raise ValueError("sqlite needs a file: sqlite:///var/portal.db")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return PooledSqliteDatabase(
        path,
        pragmas=_SQLITE_PRAGMAS,
        lock_type="IMMEDIATE",
        check_same_thread=False,
        field_types={"LONGTEXT": "TEXT"},
        **_POOL,
    )


def engine() -> str:
    """Name the engine in use: sqlite, postgresql or mysql."""
    kind = database.obj
    if isinstance(kind, peewee.SqliteDatabase):
        return "sqlite"
    return "postgresql" if isinstance(kind, peewee.PostgresqlDatabase) else "mysql"


@contextmanager
def connected() -> Iterator[None]:
    """Hold one pooled connection for the block; faults of the engine become StoreUnavailable."""
    try:
        with database.connection_context():
            yield
    except FAULTS as fault:
        raise StoreUnavailable(type(fault).__name__) from fault


@contextmanager
def transaction() -> Iterator[None]:
    """Commit the block's writes together, or none of them."""
    with database.atomic():
        yield


def ping() -> None:
    """Ask the database for one row; raises StoreUnavailable when it does not answer."""
    with connected():
        database.execute_sql("SELECT 1").fetchone()
