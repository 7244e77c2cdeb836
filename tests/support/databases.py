"""A new, empty database for whoever asks, on the engine that this run of the tests was given (`--engine`)."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

import psycopg
import pymysql

from tests.support.engines import Server, server

ENGINES = ("sqlite", "postgresql", "mariadb")
_engine = "sqlite"
_running: list[Server] = []
_stack = ExitStack()


def use(engine: str) -> None:
    """Choose the engine of this run."""
    global _engine  # noqa: PLW0603 - one engine a run
    _engine = engine


def stop() -> None:
    """Stop the server."""
    _stack.close()


def new_database(directory: Path) -> str:
    """Return the URL of an empty database; its server runs until the tests end."""
    if _engine == "sqlite":
        return f"sqlite:///{directory}/portal.db"
    if not _running:
        _running.append(_stack.enter_context(server(_engine, Path(mkdtemp(prefix=_engine)))))
    base, _, own = _running[0].url.rpartition("/")
    name = f"t{uuid4().hex}"
    if _engine == "postgresql":
        with psycopg.connect(f"{base}/{own}", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
    else:
        port = int(base.rpartition(":")[2])
        with pymysql.connect(host="127.0.0.1", port=port, user="root") as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    return f"{base}/{name}"
