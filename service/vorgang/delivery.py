"""Delivery to immotion as the operator sees and steers it: on the command line, in the CMS's back end, in metrics."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from service.store import alarms, breakers, clean, deliveries, documents, heartbeats, mails, vorgaenge
from service.store.database import in_transaction
from service.store.records import Alarm, Backlog, BreakerState, MailBacklog, OwedRow, Vorgang

BATCH = 500
BY_HAND = "parked by hand"


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """One Mandant: the backlog, the breaker (None: never anything but closed), when worker and feeds last worked.

    `documents_parked` counts documents of immotion that could not be fetched, by the reason.
    `mails` is what is owed to residents.
    """

    backlog: Backlog
    breaker: BreakerState | None
    alarms: tuple[Alarm, ...]
    worker_seen: datetime | None
    feeds_read: dict[str, datetime]
    mails: MailBacklog
    documents_parked: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does: rows, of how many Vorgänge; `held` rows are being tried by a worker at this moment."""

    rows: int
    vorgaenge: int
    held: int = 0


@dataclass(frozen=True, slots=True)
class Quittung:
    """A document's receipts as they are owed, by the id that their rows have in place of a Vorgang's."""

    id: UUID
    mandant: str
    meldezeit: datetime
    meldenummer: str = ""
    vorgangsnummer: str | None = None
    typ: str = ""
    status: str = ""
    routing: Mapping[str, Any] = field(default_factory=dict)


Owing = Vorgang | Quittung


def _nothing() -> None:
    """Use up no token: the command line has none."""


def status(mandanten: Sequence[str], now: datetime) -> list[DeliveryStatus]:
    """Return how delivery stands for each of these Mandanten, in their order; ten queries whatever their number."""
    backlogs, known = deliveries.backlogs(mandanten, now), breakers.of(mandanten)
    standing, beats = alarms.standing(mandanten), heartbeats.last(mandanten)
    mailed = mails.backlogs(mandanten, now)
    aside = documents.parked(mandanten)
    return [
        DeliveryStatus(
            backlog=backlogs[name],
            breaker=known.get(name),
            alarms=tuple(alarm for alarm in standing if alarm.mandant == name),
            worker_seen=beats.get((name, heartbeats.WORKER)),
            feeds_read={
                what: moment for (whose, what), moment in beats.items() if whose == name and what != heartbeats.WORKER
            },
            mails=mailed[name],
            documents_parked=aside.get(name, {}),
        )
        for name in mandanten
    ]


def find(mandanten: Sequence[str], name: str) -> list[Owing]:
    """Return what of these Mandanten has this id or Meldenummer; a number may exist once per Mandant."""
    found: list[Owing | None] = []
    for mandant in mandanten:
        vorgang_id = clean.uuid_of(name) or deliveries.vorgang_of(mandant, name)
        found.append(by_id(mandant, vorgang_id) if vorgang_id else None)
    return [one for one in found if one is not None]


def by_id(mandant: str, owing_id: UUID) -> Owing | None:
    """Return what the rows with this id are owed of: a Vorgang, or a document."""
    vorgang = vorgaenge.by_id(mandant, owing_id)
    rows = [] if vorgang else deliveries.rows_of(mandant, owing_id)
    return Quittung(owing_id, mandant, rows[0].created_at) if rows else vorgang


def effect_of_retry(vorgang: Owing, now: datetime) -> Effect:
    """Return what a retry of this Vorgang would do now."""
    owed = [row for row in deliveries.rows_of(vorgang.mandant, vorgang.id) if row.state in deliveries.OWED]
    held = sum(is_held(row, now) for row in owed)
    return Effect(len(owed) - held, int(len(owed) > held), held)


def effect_of_park(vorgang: Owing) -> Effect:
    """Return what parking this Vorgang would do now."""
    owed = [row for row in deliveries.rows_of(vorgang.mandant, vorgang.id) if row.state in deliveries.OWED]
    parks = bool(owed) and owed[0].state == deliveries.WAITING
    return Effect(int(parks), int(parks))


def is_held(row: OwedRow, now: datetime) -> bool:
    """Tell whether a worker is trying this row at this moment."""
    return row.state == deliveries.WAITING and row.lease_until is not None and row.lease_until >= now


def retry(vorgang: Owing, *, now: datetime, spend: Callable[[], None] = _nothing) -> Effect:
    """Make all that a Vorgang owes due now, in its order, with attempts and age counted anew.

    `spend` runs inside the transaction; whatever it raises, nothing is changed.
    """

    def change() -> Effect:
        spend()
        ids = [row_id for row_id, _state, _lease in deliveries.lock_vorgang(vorgang.mandant, vorgang.id)]
        rows = _make_due(vorgang.mandant, ids, now)
        return Effect(rows, int(rows > 0), held=len(ids) - rows)

    return in_transaction(change)


def retry_parked(mandant: str, *, clock: Callable[[], datetime], spend: Callable[[], None] = _nothing) -> Iterator[int]:
    """Make every parked row of a Mandant due now, in batches; yields how many rows each batch changed.

    Each batch has a transaction of its own; `spend` runs in the first. A row that is parked again meanwhile stays so.
    """
    begun = clock()
    while True:
        rows = in_transaction(partial(_retry_batch, mandant, begun, clock(), spend))
        if rows:
            yield rows
        if rows < BATCH:
            return
        spend = _nothing


def _retry_batch(mandant: str, begun: datetime, now: datetime, spend: Callable[[], None]) -> int:
    spend()
    ids = deliveries.lock_parked(mandant, retried_before=begun, limit=BATCH)
    return _make_due(mandant, ids, now)


def _make_due(mandant: str, ids: Sequence[int], now: datetime) -> int:
    """Make rows due, and have immotion asked at once even if the connection pauses: somebody may have mended it."""
    if not ids:
        return 0
    breakers.end_pause(mandant, now)
    return deliveries.retry(ids, now)


def park(vorgang: Owing, *, reason: str = "", spend: Callable[[], None] = _nothing) -> Effect:
    """Put the next row of a Vorgang aside, also out of a worker's hands; its later rows wait behind it.

    `rows` is 0 when nothing is owed or the next row is parked already. `held` is 1 when a worker was sending it:
    immotion may have it, and is asked before it is ever sent again.
    """

    def change() -> Effect:
        spend()
        owed = deliveries.lock_vorgang(vorgang.mandant, vorgang.id)
        if not owed or owed[0][1] == deliveries.PARKED:
            return Effect(0, 0)
        row_id, _state, lease = owed[0]
        rows = int(deliveries.park(row_id, f"{BY_HAND}: {reason}" if reason else BY_HAND))
        return Effect(rows, rows, held=int(lease is not None))

    return in_transaction(change)
