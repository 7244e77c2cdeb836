"""What immotion is owed: written in the transaction of the Vorgang, claimed with a lease and a fencing number."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from peewee import fn

from service.store.database import engine, in_transaction
from service.store.models import OutboxRow
from service.store.query import Query, affected, dicts, many, tuples
from service.store.records import OutboxCounts, OutboxItem

LEASE_MAX = timedelta(seconds=60)  # what a dead worker held moves within a minute (immotion.md)
_AHEAD = timedelta(minutes=1)
_SET_RIGHT_AT_ONCE = 5000
_FIELDS = [getattr(OutboxRow, name) for name in OutboxItem.__slots__]


def owe(mandant: str, vorgang_id: UUID, *, aktivitaet_id: UUID | None = None, request_id: str, now: datetime) -> None:
    """Note that immotion has to receive this Vorgang, or this Aktivität of it."""
    OutboxRow.insert(
        mandant=mandant,
        vorgang_id=vorgang_id,
        aktivitaet_id=aktivitaet_id,
        created_at=now,
        next_at=now,
        touched_at=now,
        request_id=request_id,
    ).execute()


def anything_due(mandant: str, now: datetime) -> bool:
    """Tell whether a claim would find something; an idle worker asks this first, which locks nothing."""
    return bool(tuples(_due(mandant, now, 1)))


def claim(mandant: str, *, now: datetime, lease: timedelta, limit: int, tried: bool | None = None) -> list[OutboxItem]:
    """Take up to `limit` due rows that nobody holds, at most one per Vorgang, for the length of the lease.

    With `tried`, only rows that have failed before; with False only those that have not.

    A row is due only when every earlier row of its Vorgang is sent, which keeps the order within a Vorgang. The fence
    counts the claims of a row; a result is written only under the fence of its own claim. A row whose lease ran out
    was perhaps delivered by a worker that could not say so any more: its outcome is unknown.
    """
    due = _due(mandant, now, limit)
    if tried is not None:
        due = due.where(OutboxRow.attempts > 0 if tried else OutboxRow.attempts == 0)
    return in_transaction(lambda: _take(due, now, lease))


def _take(due: Query, now: datetime, lease: timedelta) -> list[OutboxItem]:
    taken = OutboxRow.update(
        fence=OutboxRow.fence + 1,
        outcome_unknown=OutboxRow.outcome_unknown | OutboxRow.lease_until.is_null(False),
        lease_until=now + lease,
        touched_at=now,
    )
    if engine() == "mysql":  # MariaDB's UPDATE neither returns rows nor reads the table it changes
        ids = [row[0] for row in tuples(due.for_update("FOR UPDATE SKIP LOCKED"))]
        affected(taken.where(OutboxRow.id.in_(ids)))
        rows: Query = OutboxRow.select(*_FIELDS).where(OutboxRow.id.in_(ids))
    else:
        due = due if engine() == "sqlite" else due.for_update("FOR UPDATE SKIP LOCKED")
        rows = taken.where(OutboxRow.id.in_(due)).returning(*_FIELDS)
    return sorted((OutboxItem(**row) for row in dicts(rows)), key=lambda item: item.id)


def renew(items: Sequence[OutboxItem], until: datetime) -> None:
    """Lengthen the leases of rows that are still being delivered; those taken over meanwhile stay as they are."""
    form = OutboxRow.update(lease_until=0).where(_held(0, 0))
    value = OutboxRow.lease_until.db_value(until)
    in_transaction(lambda: many(form, [(value, item.id, item.fence, "waiting") for item in items]))


def _due(mandant: str, now: datetime, limit: int) -> Query:
    earlier = OutboxRow.alias()
    return (
        OutboxRow.select(OutboxRow.id)
        .where(
            (OutboxRow.state == "waiting")
            & (OutboxRow.next_at <= now)
            & (OutboxRow.mandant == mandant)
            & _free(now)
            & ~fn.EXISTS(
                earlier.select(earlier.id).where(
                    (earlier.vorgang_id == OutboxRow.vorgang_id)
                    & earlier.state.in_(["waiting", "parked"])
                    & (earlier.id < OutboxRow.id)
                )
            )
        )
        .order_by(OutboxRow.next_at)
        .limit(limit)
    )


def _free(now: datetime) -> Query:
    return OutboxRow.lease_until.is_null() | (OutboxRow.lease_until < now)


def mark_sent(items: Sequence[OutboxItem], now: datetime) -> set[int]:
    """Write that immotion has them; returns the ids written: without those that another worker has taken over."""
    rows = OutboxRow.select(OutboxRow.id, OutboxRow.fence).where(
        OutboxRow.id.in_([item.id for item in items]) & (OutboxRow.state == "waiting")
    )
    fences = dict(tuples(rows if engine() == "sqlite" else rows.for_update()))
    held = {item.id for item in items if fences.get(item.id) == item.fence}
    if held:
        sent = OutboxRow.update(state="sent", sent_at=now, lease_until=None, last_error="")
        affected(sent.where(OutboxRow.id.in_(list(held))))
    return held


def hold(item: OutboxItem) -> bool:
    """Keep a claimed row from everybody else until the transaction ends; False if it was taken over, parked or sent.

    Not an update that counts rows: MariaDB counts none that the update leaves as they were.
    """
    query = OutboxRow.select(OutboxRow.id).where(_held(item.id, item.fence))
    return bool(tuples(query if engine() == "sqlite" else query.for_update()))


def postpone(item: OutboxItem, *, next_at: datetime, error: str, outcome_unknown: bool, counted: bool = True) -> bool:
    """Write that this attempt failed and when the next is due; False if the row was taken over.

    Not `counted` is an attempt that says nothing of this row.
    """
    return _settle(
        item,
        {
            "next_at": next_at,
            "attempts": item.attempts + counted,
            "outcome_unknown": outcome_unknown,
            "lease_until": None,
            "last_error": error[:255],
        },
    )


def park(item: OutboxItem, *, error: str) -> bool:
    """Put the row aside for the operator; later rows of its Vorgang wait behind it."""
    return _settle(
        item, {"state": "parked", "attempts": item.attempts + 1, "lease_until": None, "last_error": error[:255]}
    )


def give_back(items: Sequence[OutboxItem], *, outcome_unknown: bool) -> None:
    """Give claimed rows back without counting an attempt; `outcome_unknown` when they were on their way already."""
    form = OutboxRow.update(outcome_unknown=True, lease_until=None).where(_held(0, 0))
    rows = [(outcome_unknown or item.outcome_unknown, None, item.id, item.fence, "waiting") for item in items]
    in_transaction(lambda: many(form, rows))


def due_anew(now: datetime) -> dict[str, Any]:
    """Return the columns of a row that is due now as if it had never been tried, out of the hands of whoever had it."""
    return {
        "state": "waiting",
        "next_at": now,
        "touched_at": now,
        "retried_at": now,
        "attempts": 0,
        "lease_until": None,
        "fence": OutboxRow.fence + 1,
    }


def set_right(mandant: str, now: datetime) -> int:
    """Correct rows that a clock which was ahead of this one has made due, postponed or leased; returns how many.

    A wait becomes as long, from now, as it was meant to be, and a lease no longer than any may be: whoever still works
    on the row lengthens it, a dead worker does not.
    """
    wrong = (OutboxRow.touched_at > now + _AHEAD) | (OutboxRow.lease_until > now + LEASE_MAX)
    columns = (OutboxRow.id, OutboxRow.fence, OutboxRow.next_at, OutboxRow.lease_until, OutboxRow.touched_at)
    here = (OutboxRow.mandant == mandant) & (OutboxRow.state == "waiting") & wrong
    found = tuples(OutboxRow.select(*columns).where(here).limit(_SET_RIGHT_AT_ONCE))
    form = OutboxRow.update(next_at=0, lease_until=0, touched_at=0).where(_held(0, 0))
    value = OutboxRow.next_at.db_value
    rows = [
        (*(value(moment) for moment in _set_right(times, now)), row_id, fence, "waiting")
        for row_id, fence, *times in found
    ]
    return in_transaction(lambda: many(form, rows)) if rows else 0


def _set_right(times: Sequence[datetime | None], now: datetime) -> tuple[datetime | None, ...]:
    """Return `next_at`, `lease_until` and `touched_at` as they should be."""
    next_at, lease_until, touched_at = times
    if next_at and touched_at and touched_at > now + _AHEAD:
        next_at, touched_at = now + max(next_at - touched_at, timedelta(0)), now
    return next_at, min(lease_until, now + LEASE_MAX) if lease_until else None, touched_at


def _settle(item: OutboxItem, changes: dict[str, Any]) -> bool:
    return affected(OutboxRow.update(**changes).where(_held(item.id, item.fence))) == 1


def _held(item_id: int, fence: int) -> Query:
    """Match a row as long as nobody else has claimed it since."""
    return (OutboxRow.id == item_id) & (OutboxRow.fence == fence) & (OutboxRow.state == "waiting")


def counts() -> list[OutboxCounts]:
    """Count the rows of each Mandant by state, in one query."""
    query = OutboxRow.select(
        OutboxRow.mandant, OutboxRow.state, fn.COUNT(OutboxRow.id), fn.MIN(OutboxRow.created_at)
    ).group_by(OutboxRow.mandant, OutboxRow.state)
    by_mandant: dict[str, dict[str, tuple[int, datetime]]] = {}
    for mandant, state, count, oldest in tuples(query):
        by_mandant.setdefault(mandant, {})[state] = (count, oldest)
    return [_counts(mandant, states) for mandant, states in sorted(by_mandant.items())]


def _counts(mandant: str, states: dict[str, tuple[int, datetime]]) -> OutboxCounts:
    waiting, oldest = states.get("waiting", (0, None))
    parked, _ = states.get("parked", (0, None))
    sent, _ = states.get("sent", (0, None))
    return OutboxCounts(mandant=mandant, waiting=waiting, parked=parked, sent=sent, oldest_waiting=oldest)
