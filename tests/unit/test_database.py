"""What the store does with a connection, where the engine leaves room for mistakes."""

import sqlite3
from pathlib import Path

import pytest
from peewee import IntegrityError

from service.store.database import connected, database, open_database


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
