"""What the store does with a connection, where the engine leaves room for mistakes."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from peewee import IntegrityError

from service.store import migrate
from service.store.database import StoreUnavailable, connected, database, open_database, ping
from tests.support.databases import empty_database, new_database


def test_a_statement_that_failed_on_sqlite_is_let_go_at_once(tmp_path: Path) -> None:
    opened = open_database(f"sqlite:///{tmp_path}/portal.db")
    with connected():
        database.execute_sql("CREATE TABLE once (key INTEGER UNIQUE)")
        database.execute_sql("INSERT INTO once VALUES (1)")
        with pytest.raises(IntegrityError) as failed:
            database.execute_sql("INSERT INTO once VALUES (1)")
        frames, step = [], failed.tb
        while step is not None:
            frames.append(step.tb_frame)
            step = step.tb_next
        cursors = [value for frame in frames for value in frame.f_locals.values() if isinstance(value, sqlite3.Cursor)]
        assert cursors
        for cursor in cursors:
            with pytest.raises(sqlite3.ProgrammingError, match="closed"):
                cursor.fetchone()
    opened.close_all()


def test_many_migrations_of_an_empty_database_at_once_make_its_tables_once(tmp_path: Path) -> None:
    opened = open_database(empty_database(tmp_path), patient=True)
    with ThreadPoolExecutor(3) as pool:
        applied = list(pool.map(lambda _: migrate.migrate(), range(3)))
    assert sorted(applied, key=len) == [[], [], migrate.versions()]
    opened.close_all()


def test_whoever_waits_too_long_for_another_migration_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_database(new_database(tmp_path), patient=True)
    monkeypatch.setattr(migrate, "_LOCK_WAIT_S", 0.2)
    begun, done = Event(), Event()

    def other() -> None:
        with connected(), migrate._lock():
            begun.set()
            done.wait(10)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(other)
        assert begun.wait(10)
        with pytest.raises(migrate.MigrationBusy):
            migrate.migrate()
        done.set()
    assert migrate.migrate() == []
    opened.close_all()


@pytest.mark.parametrize(
    "url",
    ["mysql://u@127.0.0.1:1/x?foo=bar", "mysql://u@127.0.0.1:1/x?ssl=true", "sqlite:////dev/null/nowhere/portal.db"],
)
def test_a_database_that_can_never_be_opened_is_one_that_does_not_answer(url: str) -> None:
    opened = open_database(url)
    with pytest.raises(StoreUnavailable):
        ping()
    opened.close_all()


def test_time_outs_of_a_url_are_numbers() -> None:
    opened = open_database("mysql://u@127.0.0.1:1/x?connect_timeout=3&user=7")
    assert (opened.connect_params["connect_timeout"], opened.connect_params["user"]) == (3, "7")
