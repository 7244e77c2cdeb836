"""What immotion is owed: written in the transaction of the Vorgang, claimed with a lease and a fencing number."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from peewee import fn

from service.store.claims import Claims
from service.store.clean import line
from service.store.database import engine, in_transaction
from service.store.dokument_records import BENACHRICHTIGT, EINGESTELLT
from service.store.models import OutboxRow
from service.store.query import ByKeys, Query, affected, chunks, many, tuples
from service.store.records import OutboxCounts, OutboxItem

LEASE_MAX = timedelta(seconds=60)  # what a dead worker held moves within a minute (immotion.md)
_claims = Claims(OutboxRow, OutboxItem, lease_max=LEASE_MAX)


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


def owe_quittung(mandant: str, lesung_id: UUID, *, request_id: str, now: datetime) -> None:
    """Note that immotion is to be told that a document was opened; it waits for nothing else that is owed."""
    OutboxRow.insert(
        mandant=mandant,
        vorgang_id=lesung_id,
        lesung_id=lesung_id,
        created_at=now,
        next_at=now,
        touched_at=now,
        request_id=request_id,
    ).execute()


def owe_zustellungen(mandant: str, dokumente: Sequence[UUID], quittung: str, *, request_id: str, now: datetime) -> None:
    """Note that immotion is to be told of these documents that they were provided, or told of by mail."""
    rows = [
        {
            "mandant": mandant,
            "vorgang_id": uuid5(key, quittung),
            "dokument": key,
            "quittung": quittung,
            "created_at": now,
            "next_at": now,
            "touched_at": now,
            "request_id": request_id,
        }
        for key in dokumente
    ]
    for some in chunks(rows):
        affected(OutboxRow.insert_many(some).as_rowcount())


def drop_quittungen(dokumente: Sequence[UUID]) -> None:
    """Owe immotion nothing more of documents that are removed: there is nothing left to tell of them."""
    for some in chunks(dokumente):
        names = [uuid5(key, quittung) for key in some for quittung in (EINGESTELLT, BENACHRICHTIGT)]
        here = OutboxRow.vorgang_id.in_(names) & OutboxRow.state.in_(["waiting", "parked"])
        affected(OutboxRow.update(state="dropped", fence=OutboxRow.fence + 1, lease_until=None).where(here))


def owed(vorgang_id: UUID) -> bool:
    """Tell whether immotion was ever to receive this Vorgang."""
    here = (OutboxRow.vorgang_id == vorgang_id) & OutboxRow.aktivitaet_id.is_null()
    return bool(tuples(OutboxRow.select(OutboxRow.id).where(here).limit(1)))


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
    unknown = OutboxRow.outcome_unknown | OutboxRow.lease_until.is_null(False)
    return _claims.take(due, now=now, lease=lease, also={"outcome_unknown": unknown})


def renew(items: Sequence[OutboxItem], until: datetime) -> None:
    """Lengthen the leases of rows that are still being delivered; those taken over meanwhile stay as they are."""
    form = OutboxRow.update(lease_until=0).where(_claims.held(0, 0))
    value = OutboxRow.lease_until.db_value(until)
    in_transaction(lambda: many(form, [(value, item.id, item.fence, "waiting") for item in items]))


def _due(mandant: str, now: datetime, limit: int) -> Query:
    earlier = OutboxRow.alias()
    return (
        OutboxRow.select(OutboxRow.id)
        .where(
            _claims.due(now)
            & (OutboxRow.mandant == mandant)
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


def mark_sent(items: Sequence[OutboxItem], now: datetime) -> set[int]:
    """Write that immotion has them; returns the ids written: without those that another worker has taken over."""
    fences = dict(_FENCES.tuples([item.id for item in items], "waiting"))
    held = {item.id for item in items if fences.get(item.id) == item.fence}
    _SENT.affected(held, "sent", None, OutboxRow.sent_at.db_value(now), "")
    return held


def _locked(ids: list[int]) -> Query:
    rows = OutboxRow.select(OutboxRow.id, OutboxRow.fence).where((OutboxRow.state == "waiting") & OutboxRow.id.in_(ids))
    return rows if engine() == "sqlite" else rows.for_update()


def _sent(ids: list[int]) -> Query:
    return OutboxRow.update(state="sent", sent_at=0, lease_until=None, last_error="").where(OutboxRow.id.in_(ids))


_FENCES = ByKeys(OutboxRow.id, _locked, [OutboxRow.id, OutboxRow.fence])
_SENT = ByKeys(OutboxRow.id, _sent, [])


def hold(item: OutboxItem) -> bool:
    """Keep a claimed row from everybody else until the transaction ends; False if it was taken over, parked or sent.

    Not an update that counts rows: MariaDB counts none that the update leaves as they were.
    """
    query = OutboxRow.select(OutboxRow.id).where(_claims.held(item.id, item.fence))
    return bool(tuples(query if engine() == "sqlite" else query.for_update()))


def postpone(item: OutboxItem, *, next_at: datetime, error: str, outcome_unknown: bool, counted: bool = True) -> bool:
    """Write that this attempt failed and when the next is due; False if the row was taken over.

    Not `counted` is an attempt that says nothing of this row.
    """
    return _claims.settle(
        item,
        {
            "next_at": next_at,
            "attempts": item.attempts + counted,
            "outcome_unknown": outcome_unknown,
            "last_error": line(error, 255),
        },
    )


def park(item: OutboxItem, *, error: str) -> bool:
    """Put the row aside for the operator; later rows of its Vorgang wait behind it."""
    return _claims.settle(item, {"state": "parked", "attempts": item.attempts + 1, "last_error": line(error, 255)})


def give_back(items: Sequence[OutboxItem], *, outcome_unknown: bool) -> None:
    """Give claimed rows back without counting an attempt; `outcome_unknown` when they were on their way already."""
    form = OutboxRow.update(outcome_unknown=True, lease_until=None).where(_claims.held(0, 0))
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
    """Correct what a clock which was ahead of this one has written; returns how many rows (`Claims.set_right`)."""
    return _claims.set_right(mandant, now)


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
