"""The outbox as the operator sees and steers it. Every query runs on an index; none reads all rows that were sent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from uuid import UUID

import peewee
from peewee import Case, fn

from service.store import filedrop, outbox
from service.store.clean import line
from service.store.database import engine
from service.store.models import AktivitaetRow, DeliveredRow, EreignisRow, OutboxRow, VorgangRow
from service.store.query import Query, affected, dicts, first, tuples
from service.store.records import Backlog, OwedRow, OwedVorgang

WAITING, PARKED, SENT, DROPPED = "waiting", "parked", "sent", "dropped"
OWED = (WAITING, PARKED)
_SETTLED = timedelta(hours=2)  # longer than a worker's clock may be behind: no row is sent earlier than this any more


def backlogs(mandanten: Sequence[str], now: datetime) -> dict[str, Backlog]:
    """Return what each Mandant owes immotion and how fast it goes, in five queries whatever their number."""
    names = list(mandanten)
    owed = {(mandant, state): (count, oldest) for mandant, state, count, oldest in tuples(_owed(names))}
    rates = {mandant: (hour, int(recent or 0)) for mandant, hour, recent in tuples(_rates(names, now))}
    totals = _totals(names)
    nothing = (0, None)
    return {
        name: Backlog(
            mandant=name,
            waiting=owed.get((name, WAITING), nothing)[0],
            oldest_waiting=owed.get((name, WAITING), nothing)[1],
            parked=owed.get((name, PARKED), nothing)[0],
            sent=totals[name],
            sent_5min=rates.get(name, (0, 0))[1],
            sent_hour=rates.get(name, (0, 0))[0],
        )
        for name in names
    }


def _owed(names: list[str]) -> Query:
    return (
        OutboxRow.select(OutboxRow.mandant, OutboxRow.state, fn.COUNT(OutboxRow.id), fn.MIN(OutboxRow.created_at))
        .where(OutboxRow.mandant.in_(names) & OutboxRow.state.in_(OWED))
        .group_by(OutboxRow.mandant, OutboxRow.state)
    )


def _rates(names: list[str], now: datetime) -> Query:
    recent = Case(None, [(OutboxRow.sent_at > now - timedelta(minutes=5), 1)], 0)
    return (
        OutboxRow.select(OutboxRow.mandant, fn.COUNT(OutboxRow.id), fn.SUM(recent))
        .where(OutboxRow.mandant.in_(names) & (OutboxRow.sent_at > now - timedelta(hours=1)))
        .group_by(OutboxRow.mandant)
    )


def _totals(names: list[str]) -> dict[str, int]:
    """Return how much was ever delivered: what `count_delivered` has added up, and what was sent since."""
    known = DeliveredRow.select().where(DeliveredRow.mandant.in_(names))
    counted = {row["mandant"]: row for row in dicts(known)}
    totals = {name: int(counted[name]["total"]) if name in counted else 0 for name in names}
    # a join would be one condition, but PostgreSQL and MariaDB then read every row that was ever sent
    since = [
        (OutboxRow.mandant == name) & (OutboxRow.sent_at > (counted[name]["counted_until"] if name in counted else 0))
        for name in names
    ]
    if since:
        query = OutboxRow.select(OutboxRow.mandant, fn.COUNT(OutboxRow.id)).where(reduce(or_, since))
        for mandant, count in tuples(query.group_by(OutboxRow.mandant)):
            totals[mandant] += count
    return totals


def count_delivered(mandant: str, now: datetime) -> None:
    """Add what was delivered up to two hours ago to the running total; several workers may do so at once."""
    until = now - _SETTLED
    row = first(DeliveredRow.select(DeliveredRow.counted_until).where(DeliveredRow.mandant == mandant))
    if row is None:
        begin = {"mandant": mandant, "total": _sent_between(mandant, 0, until), "counted_until": until}
        DeliveredRow.insert(**begin).on_conflict_ignore().as_rowcount().execute()
        return
    more = _sent_between(mandant, row["counted_until"], until)
    if more:
        here = (DeliveredRow.mandant == mandant) & (DeliveredRow.counted_until == row["counted_until"])
        DeliveredRow.update(total=DeliveredRow.total + more, counted_until=until).where(here).execute()


def _sent_between(mandant: str, after: datetime | int, until: datetime) -> int:
    here = (OutboxRow.mandant == mandant) & (OutboxRow.sent_at > after) & (OutboxRow.sent_at <= until)
    return int(OutboxRow.select(fn.COUNT(OutboxRow.id)).where(here).scalar())


def last_sent(mandant: str) -> datetime | None:
    """Return when immotion last accepted a row of this Mandant."""
    here = (OutboxRow.mandant == mandant) & OutboxRow.sent_at.is_null(False)
    row = first(OutboxRow.select(OutboxRow.sent_at).where(here).order_by(OutboxRow.sent_at.desc()))
    return row["sent_at"] if row else None


def parked_events(mandant: str) -> bool:
    """Tell whether an event of this Mandant was put aside."""
    here = (EreignisRow.state == PARKED) & (EreignisRow.mandant == mandant)
    return first(EreignisRow.select(EreignisRow.id).where(here)) is not None


def owing(mandant: str, state: str, *, after: int, limit: int) -> list[OwedVorgang]:
    """Return Vorgänge whose next row is in this state, the longest owed first, those behind the row `after`.

    In the order of an index, not of the ids: for that, PostgreSQL and MariaDB would read every row that was sent.
    """
    earlier = OutboxRow.alias()
    blocked = earlier.select(earlier.id).where(
        (earlier.vorgang_id == OutboxRow.vorgang_id) & earlier.state.in_(OWED) & (earlier.id < OutboxRow.id)
    )
    here = (OutboxRow.mandant == mandant) & (OutboxRow.state == state) & ~fn.EXISTS(blocked)
    last = first(OutboxRow.select(OutboxRow.created_at).where(OutboxRow.id == after)) if after else None
    if last is not None:
        moment = last["created_at"]
        here &= (OutboxRow.created_at >= moment) & ((OutboxRow.created_at > moment) | (OutboxRow.id > after))
    query = _rows().where(here).order_by(OutboxRow.created_at, OutboxRow.id).limit(limit)
    return _owed_vorgaenge([OwedRow(art=None, **row) for row in dicts(query)])


def _rows() -> Query:
    return OutboxRow.select(*[getattr(OutboxRow, name) for name in OwedRow.__slots__ if name != "art"])


def _owed_vorgaenge(heads: list[OwedRow]) -> list[OwedVorgang]:
    ids = [head.vorgang_id for head in heads]
    numbers = VorgangRow.select(VorgangRow.id, VorgangRow.meldenummer, VorgangRow.vorgangsnummer, VorgangRow.typ)
    facts = {row[0]: row[1:] for row in tuples(numbers.where(VorgangRow.id.in_(ids)))}
    counted = OutboxRow.select(OutboxRow.vorgang_id, fn.COUNT(OutboxRow.id)).where(
        OutboxRow.vorgang_id.in_(ids) & OutboxRow.state.in_(OWED)
    )
    rows = dict(tuples(counted.group_by(OutboxRow.vorgang_id)))
    gone = ("", None, "")
    return [OwedVorgang(head, *facts.get(head.vorgang_id, gone), rows=rows.get(head.vorgang_id, 1)) for head in heads]


def rows_of(mandant: str, vorgang_id: UUID) -> list[OwedRow]:
    """Return everything that immotion was and is owed of a Vorgang, in the order it goes, with what each row is."""
    query = (
        _rows()
        .select_extend(AktivitaetRow.art)
        .join(AktivitaetRow, peewee.JOIN.LEFT_OUTER, on=(AktivitaetRow.id == OutboxRow.aktivitaet_id))
        .where((OutboxRow.vorgang_id == vorgang_id) & (OutboxRow.mandant == mandant))
        .order_by(OutboxRow.id)
    )
    return [OwedRow(**row) for row in dicts(query)]


def parked(mandant: str) -> tuple[int, int]:
    """Return how many rows are parked, and of how many Vorgänge."""
    here = (OutboxRow.mandant == mandant) & (OutboxRow.state == PARKED)
    ((rows, vorgaenge),) = tuples(
        OutboxRow.select(fn.COUNT(OutboxRow.id), fn.COUNT(OutboxRow.vorgang_id.distinct())).where(here)
    )
    return rows, vorgaenge


def lock_vorgang(mandant: str, vorgang_id: UUID) -> list[tuple[int, str, datetime | None]]:
    """Lock what a Vorgang owes until the transaction ends; returns id, state and lease of each row, in order."""
    here = (OutboxRow.vorgang_id == vorgang_id) & (OutboxRow.mandant == mandant) & OutboxRow.state.in_(OWED)
    query = OutboxRow.select(OutboxRow.id, OutboxRow.state, OutboxRow.lease_until).where(here).order_by(OutboxRow.id)
    return [(row_id, state, lease) for row_id, state, lease in tuples(_locked(query))]


def lock_parked(mandant: str, *, retried_before: datetime, limit: int) -> list[int]:
    """Lock parked rows of a Mandant until the transaction ends, those not retried since; returns their ids."""
    untouched = OutboxRow.retried_at.is_null() | (OutboxRow.retried_at < retried_before)
    here = (OutboxRow.mandant == mandant) & (OutboxRow.state == PARKED) & untouched
    query = OutboxRow.select(OutboxRow.id).where(here).order_by(OutboxRow.created_at).limit(limit)
    return [row[0] for row in tuples(_locked(query))]


def _locked(query: Query) -> Query:
    """Lock the rows where the engine has row locks; SQLite's write transaction locks everything."""
    return query if engine() == "sqlite" else query.for_update()


def retry(ids: Sequence[int], now: datetime) -> int:
    """Make rows due at once, parked or waiting, with attempts and the age that gives up counted anew.

    A row that a worker holds stays as it is: it is being tried. One that sleeps past its lease cannot write its result
    over this any more. A package of the file drop that the ERP refused is open again from here on, and by nobody else:
    a worker that wakes up late must not undo a refusal. Inside a transaction. Returns how many rows were changed.
    """
    filedrop.reopen(ids)
    free = (OutboxRow.state == PARKED) | OutboxRow.lease_until.is_null() | (OutboxRow.lease_until < now)
    unknown = OutboxRow.outcome_unknown | OutboxRow.lease_until.is_null(False)
    changes = outbox.due_anew(now) | {"outcome_unknown": unknown}
    return affected(OutboxRow.update(**changes).where(OutboxRow.id.in_(list(ids)) & OutboxRow.state.in_(OWED) & free))


def park(row_id: int, error: str) -> bool:
    """Put a waiting row aside; whoever holds it cannot write its result any more.

    Such a delivery may have arrived, so that immotion is asked before the row is ever sent again.
    """
    changes = {
        "state": PARKED,
        "fence": OutboxRow.fence + 1,
        "outcome_unknown": OutboxRow.outcome_unknown | OutboxRow.lease_until.is_null(False),
        "lease_until": None,
        "last_error": line(error, 255),
    }
    return affected(OutboxRow.update(**changes).where((OutboxRow.id == row_id) & (OutboxRow.state == WAITING))) == 1


def drop(vorgang_id: UUID) -> int:
    """Owe nothing of a Vorgang any more; whoever is sending a row cannot write its result. Returns how many rows."""
    here = (OutboxRow.vorgang_id == vorgang_id) & OutboxRow.state.in_(OWED)
    return affected(OutboxRow.update(state=DROPPED, fence=OutboxRow.fence + 1, lease_until=None).where(here))


def waits_since(mandant: str, before: datetime) -> datetime | None:
    """Return since when the oldest event waits for its Vorgang, if it came before a time; None otherwise."""
    here = (EreignisRow.state == WAITING) & (EreignisRow.mandant == mandant) & (EreignisRow.received_at < before)
    oldest: datetime | None = None
    for (moment,) in tuples(EreignisRow.select(EreignisRow.received_at).where(here).order_by(EreignisRow.id).limit(1)):
        oldest = moment
    return oldest


def vorgang_of(mandant: str, meldenummer: str) -> UUID | None:
    """Return the Vorgang with this Meldenummer."""
    here = (VorgangRow.mandant == mandant) & (VorgangRow.meldenummer == meldenummer)
    row = first(VorgangRow.select(VorgangRow.id).where(here))
    return row["id"] if row else None
