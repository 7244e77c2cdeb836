"""The two shapes in which rows leave a query; peewee's own types do not know them."""

from collections.abc import Sequence
from typing import Any

import peewee

from service.store.database import database

Query = Any  # peewee's stubs type a query by its model only, whatever shape its rows take


def dicts(query: Query) -> list[dict[str, Any]]:
    """Run the query and return its rows as dicts, each value converted by its field."""
    return list(query.dicts())


def first(query: Query) -> dict[str, Any] | None:
    """Run the query for one row."""
    found: dict[str, Any] | None = query.dicts().first()
    return found


def tuples(query: Query) -> list[tuple[Any, ...]]:
    """Run the query and return its rows as tuples in the order of the selected columns."""
    return list(query.tuples())


def affected(query: Query) -> int:
    """Run an INSERT … ON CONFLICT, UPDATE or DELETE and return how many rows it touched."""
    return int(query.execute())


def many(query: Query, rows: Sequence[Sequence[Any]]) -> int:
    """Run one statement for each row of values, in one go, and return how many rows of the table were touched.

    `query` shows the statement's form and has as many values, in the same order, as each row. The values must be as the
    driver takes them: `field.db_value(value)`.
    """
    sql, _ = query.sql()
    with peewee.__exception_wrapper__:  # type: ignore[attr-defined] # not in the stubs
        cursor = database.connection().cursor()
        cursor.executemany(sql, rows)
        return int(cursor.rowcount)
