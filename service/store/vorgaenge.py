"""Vorgänge, their timeline and their files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any
from uuid import UUID

import peewee

from service.store import dateien, documents, dokumente
from service.store.database import engine
from service.store.models import AktivitaetRow, AnhangRow, NummernkreisRow, OutboxRow, VorgangRow
from service.store.query import ByKeys, Query, affected, dicts, first, tuples
from service.store.records import Aktivitaet, Anhang, Datei, Vorgang, VorgangLine

_OWED = ("waiting", "parked")
_LINE = [getattr(VorgangRow, name) for name in VorgangLine.__slots__ if name != "withdrawn_at"]


class ImmotionIdTaken(Exception):
    """immotion gave two Vorgänge of a Mandant the same id."""


class FormAlreadyFiled(Exception):
    """Another request with the same form key was committed first."""


def insert(vorgang: Vorgang) -> None:
    """Store a new Vorgang; raises FormAlreadyFiled when its form key is there already."""
    try:
        VorgangRow.insert(**asdict(vorgang)).execute()
    except peewee.IntegrityError as clash:
        raise FormAlreadyFiled from clash


def next_meldenummer(mandant: str, year: int) -> str:
    """Give out the next number of this Mandant and year, as 2026-000123; only inside a transaction."""
    keys = [] if engine() == "mysql" else [NummernkreisRow.mandant, NummernkreisRow.jahr]
    # one statement: reading or inserting first would take a weaker lock that MariaDB cannot raise without deadlocks
    NummernkreisRow.insert(mandant=mandant, jahr=year, letzte=1).on_conflict(
        conflict_target=keys or None, update={NummernkreisRow.letzte: NummernkreisRow.letzte + 1}
    ).as_rowcount().execute()
    here = (NummernkreisRow.mandant == mandant) & (NummernkreisRow.jahr == year)
    return f"{year}-{NummernkreisRow.select(NummernkreisRow.letzte).where(here).scalar():06d}"


def by_id(mandant: str, vorgang_id: UUID) -> Vorgang | None:
    """Return the Vorgang of this Mandant, whoever owns it."""
    return _one(VorgangRow.select().where((VorgangRow.mandant == mandant) & (VorgangRow.id == vorgang_id)))


def owned(mandant: str, owners: Sequence[str], vorgang_id: UUID) -> Vorgang | None:
    """Return the Vorgang if it belongs to one of these owners; None also when it belongs to somebody else."""
    return _one(
        VorgangRow.select().where(
            (VorgangRow.id == vorgang_id) & (VorgangRow.mandant == mandant) & VorgangRow.owner.in_(list(owners))
        )
    )


def by_form_key(form_key: UUID) -> Vorgang | None:
    """Return what was filed with this idempotency key."""
    return _one(VorgangRow.select().where(VorgangRow.form_key == form_key))


def by_immotion_id(mandant: str, immotion_id: str) -> Vorgang | None:
    """Return the Vorgang that immotion knows by this id."""
    return _one(VorgangRow.select().where((VorgangRow.mandant == mandant) & (VorgangRow.immotion_id == immotion_id)))


def by_immotion_ids(mandant: str, immotion_ids: Sequence[str]) -> dict[str, Vorgang]:
    """Return the Vorgänge that immotion knows by these ids, by their ids."""
    query = VorgangRow.select().where((VorgangRow.mandant == mandant) & VorgangRow.immotion_id.in_(list(immotion_ids)))
    return {row["immotion_id"]: Vorgang(**row) for row in dicts(query)} if immotion_ids else {}


def page(
    mandant: str, owners: Sequence[str], *, offen: bool | None = None, before: UUID | None = None, limit: int
) -> list[VorgangLine]:
    """Return up to `limit` Vorgänge, newest first, those older than `before`; a keyset page, never an offset."""
    condition = (VorgangRow.mandant == mandant) & VorgangRow.owner.in_(list(owners))
    if offen is not None:
        condition &= VorgangRow.offen == offen
    if before is not None:
        condition &= VorgangRow.id < before
    columns = (*_LINE, _withdrawn_at().alias("withdrawn_at"))
    query = VorgangRow.select(*columns).where(condition).order_by(VorgangRow.id.desc()).limit(limit)
    return [_line(row) for row in dicts(query)]


def _withdrawn_at() -> Query:
    """Select within the list's own statement when a resident withdrew a Vorgang and has not reopened it since."""
    latest = peewee.fn.MAX(AktivitaetRow.zeit)
    withdrawal = peewee.fn.MAX(peewee.Case(AktivitaetRow.art, [("RUECKZUG", AktivitaetRow.zeit)], 0))
    here = (AktivitaetRow.vorgang_id == VorgangRow.id) & AktivitaetRow.art.in_(["RUECKZUG", "WIEDEROEFFNUNG"])
    return AktivitaetRow.select(latest).where(here).group_by(AktivitaetRow.vorgang_id).having(latest == withdrawal)


def _line(row: dict[str, Any]) -> VorgangLine:
    withdrawn_at = AktivitaetRow.zeit.python_value(row.pop("withdrawn_at"))
    return VorgangLine(**row, withdrawn_at=withdrawn_at)


def set_facts(vorgang_id: UUID, facts: Mapping[str, Any]) -> None:
    """Write `vorgangsnummer` and, if it is not known yet, `immotion_id`; raises ImmotionIdTaken."""
    changes = dict(facts)
    if "immotion_id" in changes:
        changes["immotion_id"] = peewee.fn.COALESCE(VorgangRow.immotion_id, changes["immotion_id"])
    try:
        VorgangRow.update(**changes).where(VorgangRow.id == vorgang_id).execute()
    except peewee.IntegrityError as clash:
        raise ImmotionIdTaken from clash


def update_latest(vorgang_id: UUID, what: str, seq: int, tie: str, changes: Mapping[str, Any]) -> bool:
    """Write these columns unless a later event has set them; `what` is status, sachbearbeiter or termin.

    Later is a higher `seq`; of equal ones, the greater `tie`, so that any two events have an order.
    """
    seqs, ties = getattr(VorgangRow, f"{what}_seq"), getattr(VorgangRow, f"{what}_tie")
    earlier = (seqs < seq) | ((seqs == seq) & (ties.is_null() | (ties < tie)))
    order = {f"{what}_seq": seq, f"{what}_tie": tie}
    return affected(VorgangRow.update(**changes, **order).where((VorgangRow.id == vorgang_id) & earlier)) == 1


def count_unread(vorgang_id: UUID, art: str) -> frozenset[str]:
    """Note that the resident has news of this kind; returns the kinds that had come since they last read.

    Inside a transaction.
    """
    here = VorgangRow.id == vorgang_id
    affected(VorgangRow.update(unread=VorgangRow.unread + 1).where(here))
    found = first(VorgangRow.select(VorgangRow.told_arten).where(here))
    before = frozenset((found["told_arten"] or "").split(",")) - {""} if found else frozenset()
    if art not in before:
        affected(VorgangRow.update(told_arten=",".join(sorted({*before, art}))).where(here))
    return before


def mark_read(vorgang_id: UUID) -> None:
    """Forget that messages were unread."""
    here = (VorgangRow.id == vorgang_id) & (VorgangRow.unread > 0)
    VorgangRow.update(unread=0, told_arten="").where(here).execute()


def add_aktivitaet(aktivitaet: Aktivitaet) -> bool:
    """Store an entry of the timeline; False if one with this id is there already."""
    return affected(AktivitaetRow.insert(**asdict(aktivitaet)).on_conflict_ignore().as_rowcount()) == 1


def aktivitaet(aktivitaet_id: UUID) -> Aktivitaet | None:
    """Return one entry."""
    row = first(AktivitaetRow.select().where(AktivitaetRow.id == aktivitaet_id))
    return Aktivitaet(**row) if row else None


def timeline(vorgang_id: UUID) -> list[tuple[Aktivitaet, bool]]:
    """Return the entries, oldest first, each with whether immotion still has to receive it."""
    rows = (
        AktivitaetRow.select(AktivitaetRow, OutboxRow.state.alias("outbox_state"))
        .join(OutboxRow, peewee.JOIN.LEFT_OUTER, on=(OutboxRow.aktivitaet_id == AktivitaetRow.id))
        .where(AktivitaetRow.vorgang_id == vorgang_id)
        .order_by(AktivitaetRow.zeit, AktivitaetRow.id)
    )
    return [_entry(row) for row in dicts(rows)]


def by_ids(ids: Sequence[UUID]) -> dict[UUID, Vorgang]:
    """Return these Vorgänge by id; those that are gone are missing."""
    return {row[0]: Vorgang(*row) for row in _BY_IDS.tuples(ids)}


def aktivitaeten(ids: Sequence[UUID]) -> dict[UUID, Aktivitaet]:
    """Return these entries by id."""
    query = AktivitaetRow.select().where(AktivitaetRow.id.in_(list(ids)))
    return {row["id"]: Aktivitaet(**row) for row in dicts(query)} if ids else {}


def anhaenge_of(ids: Sequence[UUID]) -> list[Anhang]:
    """Return the files of all these Vorgänge and of their timelines, in order."""
    return [Anhang(*row) for row in _FILES_OF.tuples(ids)]


def anhaenge(vorgang_id: UUID) -> list[Anhang]:
    """Return all files of a Vorgang and of its timeline, in order; not what immotion has withdrawn."""
    return _files(AnhangRow.vorgang_id == vorgang_id)


def draft_anhaenge(draft_id: UUID) -> list[Anhang]:
    """Return the files uploaded to a form that has not been sent."""
    return _files((AnhangRow.draft_id == draft_id) & AnhangRow.vorgang_id.is_null())


def anhang(anhang_id: UUID) -> Anhang | None:
    """Return one file's row; None also when immotion has withdrawn it."""
    row = first(documents.files().where((AnhangRow.id == anhang_id) & documents.shown()))
    return Anhang(**row) if row else None


def add_anhaenge(files: Iterable[Anhang]) -> None:
    """Store rows of files whose bytes are already kept; a row that is there already stays as it is."""
    new = {file.id: file for file in files}
    known = _anhang_ids(list(new)) if new else set()
    rows = [file for file_id, file in new.items() if file_id not in known]
    if rows:
        AnhangRow.insert_many([documents.row_of(file) for file in rows]).execute()
        dateien.add(Datei(one.id, one.mandant, one.created_at, one.sealed_key, one.scan) for one in rows)


def give_anhaenge(draft_id: UUID, vorgang_id: UUID, aktivitaet_id: UUID | None = None) -> None:
    """Hand a draft's files to the Vorgang (or Aktivität) that it has become."""
    AnhangRow.update(draft_id=None, vorgang_id=vorgang_id, aktivitaet_id=aktivitaet_id).where(
        (AnhangRow.draft_id == draft_id) & AnhangRow.vorgang_id.is_null()
    ).execute()


def remove_draft_anhang(draft_id: UUID, anhang_id: UUID) -> bool:
    """Forget one file of a draft; True if it was there."""
    return affected(AnhangRow.delete().where((AnhangRow.id == anhang_id) & (AnhangRow.draft_id == draft_id))) == 1


def known_files(ids: Sequence[UUID]) -> set[UUID]:
    """Return which of these files have a row, of a Vorgang or of a document; the others are orphans."""
    return _anhang_ids(ids) | dokumente.known_files(ids)


def _anhang_ids(ids: Sequence[UUID]) -> set[UUID]:
    return {row[0] for row in tuples(AnhangRow.select(AnhangRow.id).where(AnhangRow.id.in_(list(ids))))}


def _files(condition: Query) -> list[Anhang]:
    return [Anhang(**row) for row in dicts(_files_where(condition))]


def _files_where(condition: Query) -> Query:
    rows = documents.files().where(condition & documents.shown())
    return rows.order_by(AnhangRow.created_at, AnhangRow.position)


_COLUMNS = [getattr(VorgangRow, field.name) for field in fields(Vorgang)]
_BY_IDS = ByKeys(VorgangRow.id, lambda ids: VorgangRow.select(*_COLUMNS).where(VorgangRow.id.in_(ids)), _COLUMNS)
_FILES_OF = ByKeys(AnhangRow.vorgang_id, lambda ids: _files_where(AnhangRow.vorgang_id.in_(ids)), documents.FILE)


def _entry(row: dict[str, Any]) -> tuple[Aktivitaet, bool]:
    state = row.pop("outbox_state")
    return Aktivitaet(**row), state in _OWED


def _one(query: Query) -> Vorgang | None:
    row = first(query)
    return Vorgang(**row) if row else None
