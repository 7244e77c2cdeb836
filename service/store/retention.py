"""What is deleted once its time is over and is not held: in batches, each inside a transaction of the caller's."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import peewee
from peewee import fn

from service.store import audit, clean, dateien, dokumente
from service.store.database import engine
from service.store.deliveries import OWED
from service.store.holds import Held
from service.store.models import (
    MODELS,
    AktivitaetRow,
    AnhangRow,
    DokumentRow,
    DokumentZielRow,
    DraftRow,
    EreignisRow,
    FiledropRow,
    GeloeschtRow,
    HoldRow,
    MailRow,
    OutboxRow,
    VorgangRow,
)
from service.store.query import Query, affected, chunks, tuples

EMPTIED = "emptied"
_SETTLED = ["applied", "foreign", "hidden", "kept"]


class Kind(StrEnum):
    """What a policy may be about, by the table."""

    VORGANG = "vorgang"
    DOKUMENT = "dokument"
    DRAFT = "draft"
    MAIL = "mail"
    EREIGNIS = "ereignis"
    AUDIT = "audit"


_KEPT = [model for model in MODELS if model._meta.table_name in set(Kind)]  # noqa: SLF001 - peewee's own way


@dataclass(frozen=True, slots=True)
class Over:
    """What of a kind is over: of which Mandant, since before when; `held` is left alone.

    Documents go by their own last day: for them, `before` lies in the first day that is not over yet. With `arten`, it
    is documents of these kinds that have no last day, by their date and the end of what they are about.
    """

    kind: Kind
    mandant: str
    before: datetime
    held: Held
    arten: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Removed:
    """What a batch did: how many rows, which files nothing names any more; `last` row, where the next goes on."""

    rows: int
    files: tuple[UUID, ...] = ()
    last: int | None = None


def count(over: Over) -> int:
    """Return how many there are; of events, those of a Mandant that would be looked at."""
    if over.kind is Kind.AUDIT:
        return audit.count_due(over.mandant, over.before, over.held)
    model, condition = _due(over)
    return int(model.select(fn.COUNT(model.id)).where(condition).scalar())


def remove(over: Over, *, limit: int, after: int = 0) -> Removed:
    """Remove up to `limit` of them; of events, go on after the one with the id `after`."""
    if over.kind is Kind.AUDIT:
        return Removed(audit.forget(over.mandant, over.before, over.held, limit=limit))
    if over.kind is Kind.EREIGNIS:
        return _empty(over, limit=limit, after=after)
    model, condition = _due(over)
    query: Query = model.select(model.id).where(condition).order_by(model.id).limit(limit)
    ids = [row[0] for row in tuples(query if engine() == "sqlite" else query.for_update())]
    if not ids:
        return Removed(0)
    return Removed(len(ids), _removed(over, ids))


def _removed(over: Over, ids: list[Any]) -> tuple[UUID, ...]:
    """Remove these rows of a kind; returns the files that nothing names any more."""
    if over.kind is Kind.VORGANG:
        return remove_vorgaenge(over.mandant, ids, now=over.before)
    if over.kind is Kind.DOKUMENT:
        return unnamed(dokumente.remove(ids))
    if over.kind is Kind.DRAFT:
        return remove_drafts(ids)
    affected(MailRow.delete().where(MailRow.id.in_(ids)))
    return ()


def _due(over: Over) -> tuple[Any, Query]:
    """Return table and condition of a kind."""
    model, condition = {
        Kind.VORGANG: _vorgaenge,
        Kind.DOKUMENT: _dokumente,
        Kind.DRAFT: _drafts,
        Kind.MAIL: _mails,
        Kind.EREIGNIS: _ereignisse,
    }[over.kind](over)
    return model, (model.mandant == over.mandant) & condition


def _vorgaenge(over: Over) -> tuple[Any, Query]:
    """Match what is closed since, and immotion is owed nothing of."""
    before, held = over.before, over.held
    here = (VorgangRow.offen == False) & (VorgangRow.status_at < before) & ~owed_of(VorgangRow.id)  # noqa: E712 - SQL
    if held.owners:
        here &= VorgangRow.owner.not_in(list(held.owners))
    if held.vorgang_ids:
        here &= VorgangRow.id.not_in(list(held.vorgang_ids))
    return VorgangRow, here


def owed_of(key: Any) -> Query:  # noqa: ANN401 - the id of a Vorgang, or of an opening
    """Match what immotion has not got everything of yet."""
    owed = (OutboxRow.vorgang_id == key) & OutboxRow.state.in_(OWED)
    return fn.EXISTS(OutboxRow.select(peewee.SQL("1")).where(owed))


def _dokumente(over: Over) -> tuple[Any, Query]:
    held, day = over.held, over.before.date().isoformat()
    here = _without_last_day(over.arten, day) if over.arten else DokumentRow.loeschen_nach < day
    if held.ziele:
        theirs = (DokumentZielRow.dokument == DokumentRow.id) & DokumentZielRow.ziel.in_(list(held.ziele))
        here &= ~fn.EXISTS(DokumentZielRow.select(peewee.SQL("1")).where(theirs))
    if held.vorgang_ids:
        here &= DokumentRow.vorgang_id.is_null() | DokumentRow.vorgang_id.not_in(list(held.vorgang_ids))
    return DokumentRow, here


def _without_last_day(arten: Sequence[str], day: str) -> Query:
    past = (DokumentRow.datum < day) & (DokumentRow.bis < day)
    return DokumentRow.art.in_(list(arten)) & past & DokumentRow.loeschen_nach.is_null()


def _drafts(over: Over) -> tuple[Any, Query]:
    held, here = over.held, DraftRow.updated_at < over.before
    if held.accounts:
        here &= DraftRow.account.not_in(list(held.accounts))
    if held.owners:
        here &= DraftRow.owner.is_null() | DraftRow.owner.not_in(list(held.owners))
    return DraftRow, here


def _mails(over: Over) -> tuple[Any, Query]:
    """Match what was sent since before, and what was parked and nobody has sent again."""
    before, held = over.before, over.held
    sent = (MailRow.state == "sent") & (MailRow.sent_at < before)
    parked = (MailRow.state == "parked") & (MailRow.next_at < before)
    here = sent | parked
    return MailRow, here & MailRow.account.not_in(list(held.accounts)) if held.accounts else here


def _ereignisse(over: Over) -> tuple[Any, Query]:
    return EreignisRow, EreignisRow.state.in_(_SETTLED) & (EreignisRow.received_at < over.before)


def _empty(over: Over, *, limit: int, after: int) -> Removed:
    """Empty settled events: that they were seen is kept for good, what they said is not."""
    model, condition = _due(over)
    columns = (EreignisRow.id, EreignisRow.externe_id, EreignisRow.immotion_id, EreignisRow.body)
    query = model.select(*columns).where(condition & (EreignisRow.id > after)).order_by(EreignisRow.id).limit(limit)
    batch = tuples(query)
    kept = _of_held(over, batch)
    empty_events([row[0] for row in batch if row[0] not in kept])
    return Removed(len(batch) - len(kept), last=batch[-1][0] if len(batch) == limit else None)


def _of_held(over: Over, batch: Sequence[tuple[Any, ...]]) -> set[int]:
    """Return which of these events are about a Vorgang or a person that is held."""
    held = over.held
    if not held.owners and not held.vorgang_ids:
        return set()
    ids = [key for _, externe, _, _ in batch if (key := clean.uuid_of(externe))]
    names = [immotion for _, _, immotion, _ in batch if immotion]
    theirs = VorgangRow.owner.in_(list(held.owners)) | VorgangRow.id.in_(list(held.vorgang_ids))
    known = VorgangRow.id.in_(ids) | VorgangRow.immotion_id.in_(names)
    here = (VorgangRow.mandant == over.mandant) & theirs & known
    found = tuples(VorgangRow.select(VorgangRow.id, VorgangRow.immotion_id).where(here))
    about = {str(key) for key, _ in found} | {immotion for _, immotion in found if immotion}
    return {
        event
        for event, externe, immotion, body in batch
        if {externe.lower(), immotion} & about or names_any(body, held.persons)
    }


def names_any(body: Mapping[str, Any], words: Sequence[str]) -> bool:
    """Tell whether one of these words is a value in what an event said."""
    said = json.dumps(body, ensure_ascii=False)
    return any(json.dumps(word, ensure_ascii=False) in said for word in words)


def empty_events(ids: Sequence[int]) -> int:
    """Forget what these events said; returns how many."""
    emptied: dict[str, Any] = {"body": {}, "state": EMPTIED}
    return affected(EreignisRow.update(**emptied).where(EreignisRow.id.in_(list(ids)))) if ids else 0


def remove_vorgaenge(mandant: str, ids: Sequence[UUID], *, now: datetime) -> tuple[UUID, ...]:
    """Remove Vorgänge with all that belongs to them, and note that they were here; returns files nobody names now.

    Inside a transaction. What immotion still tells of them is then passed over (`gone`).
    """
    files: list[UUID] = []
    for some in chunks(ids):
        of_vorgang = AnhangRow.vorgang_id.in_(some)
        files += [row[0] for row in tuples(AnhangRow.select(AnhangRow.id).where(of_vorgang))]
        affected(AnhangRow.delete().where(of_vorgang))
        affected(AktivitaetRow.delete().where(AktivitaetRow.vorgang_id.in_(some)))
        affected(OutboxRow.delete().where(OutboxRow.vorgang_id.in_(some)))
        affected(FiledropRow.update(grund="").where(FiledropRow.vorgang_id.in_(some)))
        affected(DokumentRow.update(vorgang_id=None).where(DokumentRow.vorgang_id.in_(some)))
        affected(HoldRow.delete().where(HoldRow.vorgang_id.in_(some)))
        _remember(mandant, some, now)
        affected(VorgangRow.delete().where(VorgangRow.id.in_(some)))
    return unnamed(files)


def _remember(mandant: str, ids: Sequence[UUID], at: datetime) -> None:
    columns = (VorgangRow.id, VorgangRow.immotion_id)
    found = tuples(VorgangRow.select(*columns).where(VorgangRow.id.in_(list(ids))))
    rows = [{"vorgang_id": key, "mandant": mandant, "immotion_id": name, "deleted_at": at} for key, name in found]
    if rows:
        affected(GeloeschtRow.insert_many(rows).on_conflict_ignore().as_rowcount())


def gone(mandant: str, ids: Sequence[UUID], immotion_ids: Sequence[str]) -> set[str]:
    """Return which of these Vorgänge, by either id, were deleted here."""
    here = GeloeschtRow.vorgang_id.in_(list(ids)) | GeloeschtRow.immotion_id.in_(list(immotion_ids))
    query = GeloeschtRow.select(GeloeschtRow.vorgang_id, GeloeschtRow.immotion_id)
    found = tuples(query.where((GeloeschtRow.mandant == mandant) & here))
    return {str(key) for key, _ in found} | {name for _, name in found if name}


def remove_drafts(ids: Sequence[UUID]) -> tuple[UUID, ...]:
    """Remove drafts; returns their files."""
    files: list[UUID] = []
    for some in chunks(ids):
        theirs = AnhangRow.draft_id.in_(some)
        files += [row[0] for row in tuples(AnhangRow.select(AnhangRow.id).where(theirs))]
        affected(AnhangRow.delete().where(theirs))
        affected(DraftRow.delete().where(DraftRow.id.in_(some)))
    return unnamed(files)


def unnamed(files: Sequence[UUID]) -> tuple[UUID, ...]:
    """Return those of these files that no row names any more, and forget their keys: nobody can read them now."""
    free: list[UUID] = []
    for some in chunks(files):
        by_vorgang = {row[0] for row in tuples(AnhangRow.select(AnhangRow.id).where(AnhangRow.id.in_(some)))}
        gone_files = sorted(set(some) - by_vorgang - dokumente.known_files(some))
        dateien.forget(gone_files)
        free += gone_files
    return tuple(free)


def mandanten() -> list[str]:
    """Return the Mandanten that anything is kept of, also those no longer in the settings; found by index."""
    return sorted({name for model in _KEPT for name in _names(model)})


def _names(model: Any) -> Iterator[str]:  # noqa: ANN401 - any table of a Mandant
    last = ""
    while found := tuples(model.select(fn.MIN(model.mandant)).where(model.mandant > last)):
        if found[0][0] is None:
            return
        last = found[0][0]
        yield last
