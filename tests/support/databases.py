"""A new database for whoever asks, on the engine that this run of the tests was given (`--engine`)."""

import shutil
import subprocess
import sys
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

from tests.support.engines import Server, server

ENGINES = ("sqlite", "postgresql", "mariadb")
_engine = "sqlite"
_running: list[Server] = []
_stack = ExitStack()


_MIGRATE = """
import sys
from service.store.database import open_database
from service.store.migrate import migrate
opened = open_database(sys.argv[1])
migrate()
opened.close_all()
"""


def use(engine: str) -> None:
    """Choose the engine of this run."""
    global _engine  # noqa: PLW0603 - one engine a run
    _engine = engine


def stop() -> None:
    """Stop the server."""
    _stack.close()


def empty_database(directory: Path) -> str:
    """Return the URL of a database without tables; its server runs until the tests end."""
    return f"sqlite:///{directory}/portal.db" if _engine == "sqlite" else _create()


def new_database(directory: Path) -> str:
    """Return the URL of a database whose tables are of this version and hold no rows.

    It is migrated once in a process of the tests, and copied from then on.
    """
    if _engine == "sqlite":
        shutil.copyfile(_migrated(), directory / "portal.db")
        return f"sqlite:///{directory}/portal.db"
    if _engine == "postgresql":
        return _create(f"TEMPLATE {_name_of(_migrated())}")
    url = _create()
    subprocess.run([*_client("mariadb", url), _name_of(url)], input=_tables(), check=True)
    return url


@cache
def _migrated() -> str:
    """Return the URL of the one that is copied; a file's path for SQLite."""
    directory = Path(mkdtemp(prefix="migrated"))
    _stack.callback(shutil.rmtree, directory)
    url = empty_database(directory)
    subprocess.run([sys.executable, "-c", _MIGRATE, url], check=True)
    return str(directory / "portal.db") if _engine == "sqlite" else url


@cache
def _tables() -> bytes:
    """Return what creates them in MariaDB, which cannot copy a database."""
    url = _migrated()
    return subprocess.run([*_client("mariadb-dump", url), _name_of(url)], capture_output=True, check=True).stdout


def _create(how: str = "") -> str:
    if not _running:
        directory = Path(mkdtemp(prefix=_engine))
        _stack.callback(shutil.rmtree, directory)
        _running.append(_stack.enter_context(server(_engine, directory)))
    base, _, own = _running[0].url.rpartition("/")
    name = f"t{uuid4().hex}"
    if _engine == "postgresql":
        with psycopg.connect(f"{base}/{own}", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} {how}")
    else:
        subprocess.run([*_client("mariadb", base), "-e", f"CREATE DATABASE {name} CHARACTER SET utf8mb4"], check=True)
    return f"{base}/{name}"


def _name_of(url: str) -> str:
    return url.rpartition("/")[2]


def _client(program: str, url: str) -> list[str]:
    return [program, "--no-defaults", "--host=127.0.0.1", f"--port={urlsplit(url).port}", "--user=root"]
