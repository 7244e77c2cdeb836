"""The connection to the database: opened once per process, pooled, the same three engines everywhere."""

import select
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import peewee
from playhouse.pool import MaxConnectionsExceeded, PooledMySQLDatabase, PooledPostgresqlDatabase, PooledSqliteDatabase
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential
from typing_extensions import override

ENGINES = ("sqlite", "postgresql", "mysql")
_POOL = {"max_connections": 64, "stale_timeout": 300, "timeout": 10}
_STATEMENT_S = 20
_LOCK_S = 15
# A transaction sees what others have committed meanwhile: what a claim has taken can then be read, too.
_POSTGRES = {
    "options": r"-c default_transaction_isolation=read\ committed "
    f"-c statement_timeout={_STATEMENT_S}s -c lock_timeout={_LOCK_S}s "
    f"-c idle_in_transaction_session_timeout={_STATEMENT_S * 3}s",
    "connect_timeout": 5,
    "tcp_user_timeout": _STATEMENT_S * 1000,
}
_MARIADB = {
    "charset": "utf8mb4",
    "init_command": "SET tx_isolation='READ-COMMITTED', "
    f"max_statement_time={_STATEMENT_S}, innodb_lock_wait_timeout={_LOCK_S}",
    "connect_timeout": 5,
    "read_timeout": _STATEMENT_S + 10,
    "write_timeout": _STATEMENT_S + 10,
}
_PATIENT = {"options": f"-c lock_timeout={_LOCK_S}s", "connect_timeout": 5}
_PATIENT_MARIADB = {
    "charset": "utf8mb4",
    "init_command": f"SET innodb_lock_wait_timeout={_LOCK_S}",
    "connect_timeout": 5,
}
_SQLITE_PRAGMAS = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "busy_timeout": _LOCK_S * 1000}

_VICTIM_TRIES = 6
_POSTGRES_VICTIM = {"40001", "40P01"}  # serialization_failure, deadlock_detected
_MARIADB_VICTIM = {1205, 1213}  # lock wait timeout, deadlock

T = TypeVar("T")
database = peewee.DatabaseProxy()


# peewee leaves what fails while rows are fetched as sqlite3 raised it
FAULTS = (peewee.DatabaseError, peewee.InterfaceError, sqlite3.Error, MaxConnectionsExceeded)


class StoreUnavailable(Exception):
    """The database did not answer, is full or refuses writes; nothing was stored."""


class _Socket(Protocol):
    def fileno(self) -> int: ...


def _hung_up(connection: _Socket) -> bool:
    """Tell whether the server has ended an idle connection: then there is something to read, the end."""
    poll = select.poll()
    try:
        poll.register(connection, select.POLLIN | select.POLLPRI)
    except (OSError, ValueError):
        return True
    return bool(poll.poll(0))


class _Postgresql(PooledPostgresqlDatabase):
    """Leaves connections that a restart of the server has ended in the pool no longer than until they are wanted."""

    def _is_closed(self, conn: Any) -> bool:  # noqa: ANN401 - psycopg.Connection
        return super()._is_closed(conn) or _hung_up(conn)


class _Mariadb(PooledMySQLDatabase):
    """The same for MariaDB."""

    @override
    def _connect(self) -> Any:
        try:
            return super()._connect()
        except (TypeError, ValueError, AttributeError) as unusable:  # what pymysql makes of options it does not know
            raise peewee.InterfaceError(str(unusable)) from unusable

    def _is_closed(self, conn: Any) -> bool:  # noqa: ANN401 - pymysql.Connection
        return not conn.open or _hung_up(conn._sock)  # noqa: SLF001 - pymysql offers no other way to its socket


class _Cursor(sqlite3.Cursor):
    """Lets go of a statement that failed at once, not when the garbage collector finds it in the error's traceback.

    The collector may run in a thread that holds SQLite's write lock, and would wait there for the connection of another
    thread, which waits for that lock: both until the busy timeout.
    """

    @override
    def execute(self, sql: str, parameters: Any = ()) -> Self:
        try:
            return super().execute(sql, parameters)
        except sqlite3.Error:
            self.close()
            raise


class _Connection(sqlite3.Connection):
    @override
    def cursor(self, factory: type[_Cursor] = _Cursor) -> _Cursor:  # type: ignore[override] # of one kind only
        return super().cursor(factory)


def open_database(url: str, *, patient: bool = False) -> peewee.Database:
    """Point the store at the database of this URL; connections are made when first used.

    `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://…` or `mysql://…`. With `patient`, statements may
    take as long as they take, as migrations of large tables do. The former database's idle connections are closed.
    Raises ValueError for any other scheme.
    """
    opened = _database(url, patient=patient)
    if database.obj is not None:
        drop_connections()
    database.initialize(opened)
    return opened


def _database(url: str, *, patient: bool) -> peewee.Database:
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(unquote(parts.path[1:]))
    network = {
        "host": parts.hostname,
        "port": parts.port,
        "user": unquote(parts.username or "") or None,
        "password": unquote(parts.password or "") or None,
        **{name: _option(name, value) for name, value in parse_qsl(parts.query)},
    }
    given = {key: value for key, value in network.items() if value is not None}
    name = unquote(parts.path[1:])
    if parts.scheme == "postgresql":
        field_types = {"LONGTEXT": "TEXT"}
        return _Postgresql(
            name, prefer_psycopg3=True, field_types=field_types, **_POOL, **(_PATIENT if patient else _POSTGRES) | given
        )
    if parts.scheme == "mysql":
        return _Mariadb(name, mariadb=True, **_POOL, **(_PATIENT_MARIADB if patient else _MARIADB) | given)
    raise ValueError(f"unknown database scheme {parts.scheme!r}: use one of {', '.join(ENGINES)}")


def _option(name: str, value: str) -> str | int:
    return int(value) if name.endswith("_timeout") and value.isdecimal() else value


def _sqlite(path: str) -> peewee.Database:
    if not path:
        raise ValueError("sqlite needs a file: sqlite:///var/portal.db")
    with suppress(OSError):  # where there can be no folder, the engine says that there is no file
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    return PooledSqliteDatabase(
        path,
        pragmas=_SQLITE_PRAGMAS,
        lock_type="IMMEDIATE",
        check_same_thread=False,
        factory=_Connection,
        field_types={"LONGTEXT": "TEXT"},
        **_POOL,
    )


def engine() -> str:
    """Name the engine in use: sqlite, postgresql or mysql."""
    kind = database.obj
    if isinstance(kind, peewee.SqliteDatabase):
        return "sqlite"
    return "postgresql" if isinstance(kind, peewee.PostgresqlDatabase) else "mysql"


def drop_connections() -> None:
    """Close the pooled connections that nobody uses, after a fault.

    SQLite opens a database that cannot be written for reading only, and such a connection would go on refusing writes.
    """
    database.obj.close_idle()


@contextmanager
def connected() -> Iterator[None]:
    """Hold one pooled connection for the block; faults of the engine become StoreUnavailable."""
    try:
        with database.connection_context():
            yield
    except FAULTS as fault:
        drop_connections()
        raise StoreUnavailable(type(fault).__name__) from fault


@contextmanager
def transaction() -> Iterator[None]:
    """Commit the block's writes together, or none of them."""
    with database.atomic():
        yield


def in_transaction(work: Callable[[], T]) -> T:
    """Run `work` in a transaction, commit, and return what it returned.

    When the engine ends it to resolve a deadlock, it is run again from the start, so it must do nothing but read and
    write the store. Inside another transaction it is part of that one.
    """
    if database.in_transaction():
        return work()
    for attempt in Retrying(
        retry=retry_if_exception(_is_victim),
        stop=stop_after_attempt(_VICTIM_TRIES),
        wait=wait_random_exponential(multiplier=0.02, max=0.5),
        reraise=True,
    ):
        with attempt, database.atomic():
            return work()
    raise AssertionError("tenacity ends with a result or an error")


def _is_victim(fault: BaseException) -> bool:
    """Tell whether the engine gave up this transaction in favour of another one."""
    original = getattr(fault, "orig", None)
    if getattr(original, "sqlstate", None) in _POSTGRES_VICTIM:
        return True
    codes = getattr(original, "args", ())
    return bool(codes) and codes[0] in _MARIADB_VICTIM


def compact() -> None:
    """Have SQLite write its file anew, so that nothing of what was deleted is left in it; servers do so by themselves.

    As long as it takes, nobody else writes.
    """
    if engine() == "sqlite":
        database.execute_sql("VACUUM")
        database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def ping() -> None:
    """Ask the database for one row; raises StoreUnavailable when it does not answer."""
    with connected():
        database.execute_sql("SELECT 1").fetchone()
