"""Packages of the file drop: numbered without a gap, once per outbox record, with what the ERP answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from peewee import fn

from service.store import outbox
from service.store.clean import line
from service.store.database import engine, in_transaction
from service.store.models import FiledropNummerRow, FiledropRow, OutboxRow
from service.store.query import Query, affected, dicts, first, tuples
from service.store.records import Answer, OutboxItem, Paket

REFUSED = "FEHLER"
_THE_VORGANG = UUID(int=0)
_FIELDS = [getattr(FiledropRow, name) for name in Paket.__slots__]


def find(mandant: str, vorgang_id: UUID, aktivitaet_id: UUID | None = None) -> Paket | None:
    """Return the package of a Vorgang, or of an Aktivität of it; None if it has no number yet."""
    row = first(
        FiledropRow.select(*_FIELDS).where(
            (FiledropRow.mandant == mandant)
            & (FiledropRow.vorgang_id == vorgang_id)
            & (FiledropRow.aktivitaet_key == (aktivitaet_id or _THE_VORGANG))
        )
    )
    return Paket(**row) if row else None


def number_held(item: OutboxItem, *, now: datetime) -> Paket | None:
    """Return the package of a claimed row, numbered if it was not; None if the row is no longer held by this claim."""

    def held() -> Paket | None:
        return number(item.mandant, item.vorgang_id, item.aktivitaet_id, now=now) if outbox.hold(item) else None

    return in_transaction(held)


def number(mandant: str, vorgang_id: UUID, aktivitaet_id: UUID | None, *, now: datetime) -> Paket:
    """Return the package of this outbox record, with the next number if it has none: the same one for ever after."""
    return find(mandant, vorgang_id, aktivitaet_id) or in_transaction(
        lambda: _number(mandant, vorgang_id, aktivitaet_id, now)
    )


def _number(mandant: str, vorgang_id: UUID, aktivitaet_id: UUID | None, now: datetime) -> Paket:
    _hold_counter(mandant)
    # whoever held the counter before may have numbered the same record
    found = find(mandant, vorgang_id, aktivitaet_id)
    if found is not None:
        return found
    counter = FiledropNummerRow.mandant == mandant
    FiledropNummerRow.update(letzte=FiledropNummerRow.letzte + 1).where(counter).execute()
    seq = int(FiledropNummerRow.select(FiledropNummerRow.letzte).where(counter).scalar())
    FiledropRow.insert(
        mandant=mandant,
        seq=seq,
        vorgang_id=vorgang_id,
        aktivitaet_key=aktivitaet_id or _THE_VORGANG,
        name=f"VG_{mandant}_{now:%Y%m%dT%H%M%SZ}_{seq:08d}",
        created_at=now,
    ).execute()
    numbered = find(mandant, vorgang_id, aktivitaet_id)
    if numbered is None:
        raise LookupError("a package that was just numbered is gone")
    return numbered


def _hold_counter(mandant: str) -> None:
    """Keep every other worker from numbering until the transaction ends; a first read would be too early."""
    keys = [] if engine() == "mysql" else [FiledropNummerRow.mandant]
    FiledropNummerRow.insert(mandant=mandant, letzte=0).on_conflict(
        conflict_target=keys or None, update={FiledropNummerRow.letzte: FiledropNummerRow.letzte}
    ).as_rowcount().execute()


def mark_written(item: OutboxItem, paket: Paket, now: datetime) -> bool:
    """Note that the package lies in the ERP's folder, complete; False if its row is no longer held by this claim."""

    def held() -> bool:
        if not outbox.hold(item):
            return False
        FiledropRow.update(written_at=now).where(FiledropRow.id == paket.id).execute()
        return True

    return in_transaction(held)


def reopen(outbox_ids: Sequence[int]) -> None:
    """Forget that the ERP refused the packages of these rows, which the operator has tried again.

    Inside the transaction of the retry, which holds the rows. The answer itself is kept: it counts only once.
    """
    here = OutboxRow.id.in_(list(outbox_ids))
    query = OutboxRow.select(OutboxRow.mandant, OutboxRow.vorgang_id, OutboxRow.aktivitaet_id).where(here)
    records = {(mandant, vorgang, added or _THE_VORGANG) for mandant, vorgang, added in tuples(query)}
    refused = FiledropRow.select(
        FiledropRow.id, FiledropRow.mandant, FiledropRow.vorgang_id, FiledropRow.aktivitaet_key
    ).where(
        FiledropRow.mandant.in_({mandant for mandant, *_ in records})
        & FiledropRow.vorgang_id.in_({vorgang for _, vorgang, _ in records})
        & (FiledropRow.result == REFUSED)
    )
    ids = [paket_id for paket_id, *record in tuples(refused) if tuple(record) in records]
    if ids:
        FiledropRow.update(acknowledged_at=None, result="").where(FiledropRow.id.in_(ids)).execute()


def by_names(mandant: str, names: Sequence[str]) -> dict[str, Paket]:
    """Return these packages by name; unknown ones are missing."""
    query = FiledropRow.select(*_FIELDS).where((FiledropRow.mandant == mandant) & FiledropRow.name.in_(list(names)))
    return {row["name"]: Paket(**row) for row in dicts(query)} if names else {}


def acknowledge(paket: Paket, answer: Answer, now: datetime) -> bool:
    """Write what the ERP answered, and what follows for the outbox; False if it was written meanwhile.

    A refusal parks the outbox row, so that the operator sees it; an acceptance ends a row that was parked.
    """

    def write() -> bool:
        # first the outbox row, as everybody who locks both does: else two would wait for each other
        _lock(paket)
        written = FiledropRow.update(
            acknowledged_at=now,
            result=answer.result,
            answer=answer.digest,
            immotion_id=answer.immotion_id,
            vorgangsnummer=answer.vorgangsnummer,
            grund=answer.grund,
        ).where((FiledropRow.id == paket.id) & (FiledropRow.answer == paket.answer))
        if affected(written) != 1:
            return False
        if answer.result == REFUSED:
            _change(paket, {"sent", "waiting"}, _parked(answer.grund))
        else:
            _change(paket, {"parked"}, {"state": "sent", "sent_at": now, "last_error": ""})
        return True

    return in_transaction(write)


def _parked(grund: str) -> dict[str, Any]:
    # the fence moves on: a worker that still holds the row cannot write over it
    error = line(f"{REFUSED}: {grund}", 255)
    return {"state": "parked", "last_error": error, "lease_until": None, "fence": OutboxRow.fence + 1}


def owe_again(paket: Paket, now: datetime) -> bool:
    """Have an unanswered package handed over once more: the ERP answers DUBLETTE to what it has.

    The days after which a delivery is given up count from now.
    """
    fresh = outbox.due_anew(now) | {"created_at": now, "sent_at": None, "outcome_unknown": True}
    return _change(paket, {"sent"}, fresh)


def _change(paket: Paket, states: set[str], columns: dict[str, Any]) -> bool:
    return affected(OutboxRow.update(**columns).where(_owing(paket) & OutboxRow.state.in_(list(states)))) > 0


def _lock(paket: Paket) -> None:
    if engine() != "sqlite":
        tuples(OutboxRow.select(OutboxRow.id).where(_owing(paket)).for_update())


def _owing(paket: Paket) -> Query:
    """Match the outbox row that a package carries."""
    of_record = OutboxRow.aktivitaet_id.is_null()
    if paket.aktivitaet_id:
        of_record = OutboxRow.aktivitaet_id == paket.aktivitaet_id
    return (OutboxRow.mandant == paket.mandant) & (OutboxRow.vorgang_id == paket.vorgang_id) & of_record


def unanswered(mandant: str, *, written_before: datetime, limit: int) -> list[Paket]:
    """Return packages that have waited for their acknowledgement since before a time, lowest number first."""
    return _pakete(_open(mandant) & (FiledropRow.written_at < written_before), limit)


def skipped(mandant: str, *, passed_before: datetime, limit: int) -> list[Paket]:
    """Return packages not answered although one with a higher number was, before a time: gaps in the answers."""
    highest = tuples(
        FiledropRow.select(fn.MAX(FiledropRow.seq)).where(
            (FiledropRow.mandant == mandant) & (FiledropRow.acknowledged_at < passed_before)
        )
    )[0][0]
    return [] if highest is None else _pakete(_open(mandant) & (FiledropRow.seq < highest), limit)


def _open(mandant: str) -> Query:
    return (FiledropRow.mandant == mandant) & FiledropRow.acknowledged_at.is_null()


def _pakete(condition: Query, limit: int) -> list[Paket]:
    query = FiledropRow.select(*_FIELDS).where(condition).order_by(FiledropRow.seq).limit(limit)
    return [Paket(**row) for row in dicts(query)]
