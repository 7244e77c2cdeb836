"""Queries whose text is written once, for those that nearly every request asks.

peewee takes ten times as long to write such a query as a database takes to answer it.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import peewee

from service.store.database import database, engine
from service.store.query import Columns, Query

_KEPT = 64


@dataclass(frozen=True, slots=True)
class _Open:
    name: str


def place(name: str) -> Any:  # noqa: ANN401 - stands where a value of any type would
    """Return what stands in a query's form for the value that each run gives by this name."""
    return peewee.Value(_Open(name), converter=False, unpack=False)


class Written:
    """A query with places for its values, written once for each engine and each shape that it is asked in."""

    def __init__(self, form: Callable[..., Query], columns: Sequence[peewee.Field | peewee.Alias]) -> None:
        """Take what makes the query of a shape, and the columns that it selects."""
        self._form = form
        self._columns = Columns(columns)
        self._text = lru_cache(maxsize=_KEPT)(self._write)

    def tuples(self, values: Mapping[str, object], *shape: Hashable) -> list[tuple[Any, ...]]:
        """Run it and return its rows; `values` are as the driver takes them, `shape` goes to the form.

        Nothing of `shape` may come from outside but as a number or a yes: each other one is written anew.
        """
        return [self._columns.tuple(row) for row in self._rows(values, shape)]

    def dicts(self, values: Mapping[str, object], *shape: Hashable) -> list[dict[str, Any]]:
        """Run it as `tuples` does and return its rows by the columns' names."""
        return [self._columns.dict(row) for row in self._rows(values, shape)]

    def _rows(self, values: Mapping[str, object], shape: tuple[Hashable, ...]) -> list[Sequence[Any]]:
        text, parameters = self._text(engine(), shape)
        given = [values[one.name] if isinstance(one, _Open) else one for one in parameters]
        return list(database.execute_sql(text, given).fetchall())

    def _write(self, _engine: str, shape: tuple[Hashable, ...]) -> tuple[str, list[object]]:
        text, parameters = self._form(*shape).sql()
        return text, parameters
