"""Rows that are worked off by whoever claims them: with a lease, and a fence that counts the claims.

A result is written only under the fence of its own claim. A table of such rows has the columns `id`, `mandant`,
`state` ("waiting" until it is over), `fence`, and, in this order, `next_at`, `lease_until` and `touched_at`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import peewee
from peewee import fn

from service.store.database import engine, in_transaction
from service.store.models import Row
from service.store.query import Query, affected, many, tuples

_AHEAD = timedelta(minutes=1)
_SET_RIGHT_AT_ONCE = 5000


class Claimed(Protocol):
    """What every claimed row tells of itself."""

    @property
    def id(self) -> int: ...

    @property
    def fence(self) -> int: ...


T = TypeVar("T", bound=Claimed)


class Claims(Generic[T]):
    """Claims rows of one table as items of one (frozen) class; no lease is longer than `lease_max`."""

    def __init__(self, row: type[Row], item: type[T], *, lease_max: timedelta) -> None:
        self._row: Any = row
        self._item = item
        self._lease_max = lease_max
        self._columns = [getattr(row, field.name) for field in fields(item)]  # type: ignore[arg-type] # a dataclass

    def due(self, now: datetime) -> Query:
        """Match the rows that wait, whose time has come and that nobody holds."""
        row = self._row
        free = row.lease_until.is_null() | (row.lease_until < now)
        return (row.state == "waiting") & (row.next_at <= now) & free

    def held(self, row_id: int, fence: int) -> Query:
        """Match a row as long as nobody else has claimed it since."""
        return (self._row.id == row_id) & (self._row.fence == fence) & (self._row.state == "waiting")

    def take(self, due: Query, *, now: datetime, lease: timedelta, also: Mapping[str, Any] | None = None) -> list[T]:
        """Claim the rows whose ids a query selects, and set `also`; those that others are just claiming are left."""
        return in_transaction(lambda: self._take(due, now, lease, also or {}))

    def _take(self, due: Query, now: datetime, lease: timedelta, also: Mapping[str, Any]) -> list[T]:
        row = self._row
        taken = row.update(fence=row.fence + 1, lease_until=now + lease, touched_at=now, **also)
        if engine() == "mysql":  # MariaDB's UPDATE neither returns rows nor reads the table it changes
            ids = [found[0] for found in tuples(due.for_update("FOR UPDATE SKIP LOCKED"))]
            affected(taken.where(row.id.in_(ids)))
            rows: Query = row.select(*self._columns).where(row.id.in_(ids))
        else:
            rows = taken.where(_among(row.id, due)).returning(*self._columns)
        return sorted((self._item(*found) for found in tuples(rows)), key=lambda item: item.id)

    def settle(self, item: T, changes: Mapping[str, Any]) -> bool:
        """Write what became of a claimed row, and let it go; False if it was taken over meanwhile."""
        return affected(self._row.update(lease_until=None, **changes).where(self.held(item.id, item.fence))) == 1

    def set_right(self, mandant: str, now: datetime) -> int:
        """Correct rows that a clock which was ahead of this one has made due, postponed or leased; returns how many.

        A wait becomes as long, from now, as it was meant to be, and a lease no longer than any may be: whoever still
        works on the row lengthens it, a dead worker does not.
        """
        row = self._row
        wrong = (row.touched_at > now + _AHEAD) | (row.lease_until > now + self._lease_max)
        columns = (row.id, row.fence, row.next_at, row.lease_until, row.touched_at)
        here = (row.mandant == mandant) & (row.state == "waiting") & wrong
        found = tuples(row.select(*columns).where(here).limit(_SET_RIGHT_AT_ONCE))
        # peewee sets columns in the order in which the model declares them
        form = row.update(next_at=0, lease_until=0, touched_at=0).where(self.held(0, 0))
        value = row.next_at.db_value
        rows = [
            (*(value(moment) for moment in self._times(times, now)), row_id, fence, "waiting")
            for row_id, fence, *times in found
        ]
        return in_transaction(lambda: many(form, rows)) if rows else 0

    def _times(self, times: Sequence[datetime | None], now: datetime) -> tuple[datetime | None, ...]:
        """Return `next_at`, `lease_until` and `touched_at` as they should be."""
        next_at, lease_until, touched_at = times
        if next_at and touched_at and touched_at > now + _AHEAD:
            next_at, touched_at = now + max(next_at - touched_at, timedelta(0)), now
        return next_at, min(lease_until, now + self._lease_max) if lease_until else None, touched_at


def _among(key: peewee.Field, due: Query) -> Query:
    """Match the rows whose ids a query selects, and keep others from them.

    PostgreSQL may run the subquery of an IN anew for every row of the table, as long as it takes that for small, and
    each run locks the next rows: then far more are claimed than were asked for, and it takes very long. What an array
    is made of is run once.
    """
    if engine() == "sqlite":
        return key.in_(due)
    return key == fn.ANY(fn.ARRAY(due.for_update("FOR UPDATE SKIP LOCKED")))
