"""How rows leave a query, which peewee's own types do not know, and statements for many rows at once."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar

import peewee

from service.store.database import database, engine

Query = Any  # peewee's stubs type a query by its model only, whatever shape its rows take
T = TypeVar("T")
_CHUNK = 200


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


def chunks(values: Sequence[T]) -> Iterator[list[T]]:
    """Yield the values, so many at a time as one statement takes on every engine."""
    for start in range(0, len(values), _CHUNK):
        yield list(values[start : start + _CHUNK])


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


class Columns:
    """What a query selects: turns the driver's rows into ours, and converts only what is not as it should be."""

    def __init__(self, columns: Sequence[peewee.Field | peewee.Alias]) -> None:
        self._names = [column.name for column in columns]
        fields = [(at, column) for at, column in enumerate(columns) if isinstance(column, peewee.Field)]
        self._converted = [(at, field.python_value) for at, field in fields if _converts(field)]

    def tuple(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """Return one row in the order of the columns."""
        made = list(row)
        for at, convert in self._converted:
            made[at] = convert(made[at])
        return tuple(made)

    def dict(self, row: Sequence[Any]) -> dict[str, Any]:
        """Return one row by the columns' names."""
        return dict(zip(self._names, self.tuple(row), strict=True))


class ByKeys:
    """A statement for the rows of many keys (`… AND key IN (…)`), as one of the forwarder's batches needs it.

    peewee takes longer to write such a list, and to dress up what comes back, than the database takes to answer. So its
    text is written once for each power of two of keys (the last key fills the list), and only those values are
    converted that the driver does not give as they should be.
    """

    def __init__(
        self, key: peewee.Field, form: Callable[[list[Any]], Query], columns: Sequence[peewee.Field | peewee.Alias]
    ) -> None:
        """Take the column of the keys, what makes the query of a list of keys, and the columns that it returns.

        The list must be what comes last of the query's values.
        """
        self._key = key
        self._form = form
        self._columns = Columns(columns)
        self._texts: dict[tuple[str, int], str] = {}

    def tuples(self, keys: Collection[Any], *others: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - any column's
        """Return the rows of these keys; `others` are the query's other values, as the driver takes them."""
        rows = [] if not keys else self._run(keys, others).fetchall()
        return [self._columns.tuple(row) for row in rows]

    def dicts(self, keys: Collection[Any]) -> list[dict[str, Any]]:
        """Return the rows of these keys by the columns' names."""
        rows = [] if not keys else self._run(keys, ()).fetchall()
        return [self._columns.dict(row) for row in rows]

    def affected(self, keys: Collection[Any], *others: Any) -> int:  # noqa: ANN401 - any column's
        """Run it, and return how many rows were touched."""
        return int(self._run(keys, others).rowcount) if keys else 0

    def _run(self, keys: Collection[Any], others: Sequence[Any]) -> Any:  # noqa: ANN401 - the driver's cursor
        given = [self._key.db_value(key) for key in keys]
        size = 1 << (len(given) - 1).bit_length()
        given += [given[-1]] * (size - len(given))
        kind = (engine(), size)
        if kind not in self._texts:
            self._texts[kind], _ = self._form(given).sql()
        return database.execute_sql(self._texts[kind], [*others, *given])


def _converts(column: peewee.Field) -> bool:
    """Tell whether what the driver gives for a column may not be what it should be."""
    plain = type(column).python_value is peewee.Field.python_value
    return not plain or isinstance(column, peewee.BooleanField)
