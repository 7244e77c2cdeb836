"""A database that fails is StoreUnavailable, wherever its library lets the fault through."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store.database import StoreUnavailable, connected, database, open_database


@pytest.fixture
def store(tmp_path: Path) -> Iterator[None]:
    opened = open_database(f"sqlite:///{tmp_path}/portal.db")
    yield
    opened.close_all()


@pytest.mark.usefixtures("store")
def test_what_fails_while_rows_are_fetched_is_a_fault_of_the_store_too() -> None:
    second_row_fails = "SELECT abs(x) FROM (SELECT 1 AS x UNION ALL SELECT -9223372036854775808)"
    with pytest.raises(StoreUnavailable), connected():
        database.execute_sql(second_row_fails).fetchall()


@pytest.mark.usefixtures("store")
def test_after_a_fault_no_resting_connection_is_used_again() -> None:
    with connected():
        before = database.connection()
    with pytest.raises(StoreUnavailable), connected():
        assert database.connection() is before
        database.execute_sql("SELECT nothing")
    with connected():
        assert database.connection() is not before
