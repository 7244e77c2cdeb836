"""Who has opened which document first, and when."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from service.store.dokument_records import Dokument, Lesung
from service.store.models import DokumentRow, LesungRow
from service.store.query import affected, dicts


def note(dokument: Dokument, leser: str, person: str | None, now: datetime) -> UUID | None:
    """Note that a reader has opened a document; returns the note's id, None when they had done so before."""
    key = uuid5(dokument.id, leser)
    row = {"id": key, "mandant": dokument.mandant, "dokument": dokument.id, "leser": leser, "person": person}
    fresh = LesungRow.insert(**row, opened_at=now).on_conflict_ignore().as_rowcount()
    return key if affected(fresh) == 1 else None


def by_ids(ids: Sequence[UUID]) -> dict[UUID, Lesung]:
    """Return these first openings, with immotion's ids of their documents."""
    query = (
        LesungRow.select(LesungRow.id, LesungRow.person, LesungRow.opened_at, DokumentRow.dokument_id)
        .join(DokumentRow, on=(DokumentRow.id == LesungRow.dokument))
        .where(LesungRow.id.in_(list(ids)))
    )
    return {row["id"]: Lesung(**row) for row in dicts(query)} if ids else {}
