"""Packages of the file drop: numbered without a gap, once per outbox record, with what the ERP answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from peewee import fn

from service.store import outbox
from service.store.database import engine, in_transaction
from service.store.models import FiledropNummerRow, FiledropRow, OutboxRow
from service.store.query import Query, affected, dicts, first, tuples
from service.store.records import Answer, Paket

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


def mark_written(paket: Paket, now: datetime) -> None:
    """Note that the package lies in the ERP's folder, complete."""
    FiledropRow.update(written_at=now).where(FiledropRow.id == paket.id).execute()


def reopen(paket: Paket) -> None:
    """Forget that the ERP refused the package: it is handed over again. The refusal itself counts only once."""
    FiledropRow.update(acknowledged_at=None, result="").where(
        (FiledropRow.id == paket.id) & (FiledropRow.result == REFUSED)
    ).execute()


def by_names(mandant: str, names: Sequence[str]) -> dict[str, Paket]:
    """Return these packages by name; unknown ones are missing."""
    query = FiledropRow.select(*_FIELDS).where((FiledropRow.mandant == mandant) & FiledropRow.name.in_(list(names)))
    return {row["name"]: Paket(**row) for row in dicts(query)} if names else {}


def acknowledge(paket: Paket, answer: Answer, now: datetime) -> bool:
    """Write what the ERP answered, and what follows for the outbox; False if it was written meanwhile.

    A refusal parks the outbox row, so that the operator sees it; an acceptance ends a row that was parked.
    """

    def write() -> bool:
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
    error = f"{REFUSED}: {grund}"[:255]
    return {"state": "parked", "last_error": error, "lease_until": None, "fence": OutboxRow.fence + 1}


def owe_again(paket: Paket, now: datetime) -> bool:
    """Have an unanswered package handed over once more: the ERP answers DUBLETTE to what it has.

    The days after which a delivery is given up count from now.
    """
    fresh = outbox.due_anew(now) | {"created_at": now, "sent_at": None, "outcome_unknown": True}
    return _change(paket, {"sent"}, fresh)


def _change(paket: Paket, states: set[str], columns: dict[str, Any]) -> bool:
    of_record = OutboxRow.aktivitaet_id.is_null()
    if paket.aktivitaet_id:
        of_record = OutboxRow.aktivitaet_id == paket.aktivitaet_id
    here = (OutboxRow.mandant == paket.mandant) & (OutboxRow.vorgang_id == paket.vorgang_id) & of_record
    return affected(OutboxRow.update(**columns).where(here & OutboxRow.state.in_(list(states)))) > 0


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
