"""Real database servers on loopback, started for the tests and stopped after them."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pymysql
import pytest

from tests.support.portal import free_port

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]


@contextmanager
def postgresql(directory: Path) -> Iterator[str]:
    """Run PostgreSQL and give its URL."""
    if not POSTGRES:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    binaries, data, port = POSTGRES[0], directory / "data", free_port()
    account = _account("postgres", directory)
    subprocess.run(
        [*account, binaries / "initdb", "-D", data, "-A", "trust", "-U", "postgres"], check=True, capture_output=True
    )
    server = subprocess.Popen(
        [
            *account,
            binaries / "postgres",
            "-D",
            data,
            "-p",
            str(port),
            "-k",
            directory,
            "-h",
            "127.0.0.1",
            "-c",
            "fsync=off",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _until(lambda: psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres").close())
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(20)


@contextmanager
def mariadb(directory: Path) -> Iterator[str]:
    """Run MariaDB and give its URL."""
    if shutil.which("mariadbd") is None and not Path("/usr/sbin/mariadbd").exists():
        pytest.skip("MariaDB is not installed (apt-get install mariadb-server)")
    data, port, user = (
        directory / "data",
        free_port(),
        "mysql" if os.geteuid() == 0 else os.environ.get("USER", "mysql"),
    )
    _account(user, directory)
    options = ["--no-defaults", f"--datadir={data}", f"--user={user}"]
    subprocess.run(
        ["mariadb-install-db", *options, "--auth-root-authentication-method=normal"], check=True, capture_output=True
    )
    server = subprocess.Popen(
        [
            "/usr/sbin/mariadbd",
            *options,
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--socket={directory}/m.sock",
            f"--pid-file={directory}/m.pid",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _until(lambda: pymysql.connect(host="127.0.0.1", port=port, user="root").close())
        with pymysql.connect(host="127.0.0.1", port=port, user="root") as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE portal CHARACTER SET utf8mb4")
        yield f"mysql://root@127.0.0.1:{port}/portal"
    finally:
        server.terminate()
        server.wait(20)


def _account(name: str, directory: Path) -> list[str]:
    """Let an unprivileged account own the folder, since the servers refuse to run as root."""
    if os.geteuid() != 0:
        return []
    shutil.chown(directory, name)
    for parent in directory.parents:
        if parent != Path("/") and parent.owner() == "root":
            parent.chmod(parent.stat().st_mode | 0o055)
    return ["setpriv", f"--reuid={name}", f"--regid={name}", "--clear-groups"]


def _until(attempt, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            attempt()
        except (psycopg.OperationalError, pymysql.OperationalError):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return
