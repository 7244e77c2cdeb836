"""Files in quarantine: what the virus scan keeps from everybody, what they belong to, and their ways out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from peewee import fn

from service.store import documents
from service.store.dateien import CLEAN, QUARANTINE
from service.store.models import AnhangRow, DateiRow, DokumentRow, DokumentZielRow, VorgangRow
from service.store.query import Query, affected, chunks, dicts, tuples
from service.store.records import Anhang, Datei

if TYPE_CHECKING:
    from service.store.holds import Held

_COLUMNS = [getattr(DateiRow, name) for name in Datei.__slots__]


@dataclass(frozen=True, slots=True)
class Dokumente:
    """The documents for residents that a file is the bytes of: one of their ids, how many, and for how many."""

    dokument_id: str
    dateiname: str
    bytes: int
    sha256: str
    count: int
    recipients: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A file in quarantine and what it belongs to: a file of a Vorgang or draft, documents, or both.

    `meldenummer` is that of its Vorgang, else "".
    """

    datei: Datei
    anhang: Anhang | None
    meldenummer: str
    dokumente: Dokumente | None

    @property
    def of_resident(self) -> bool:
        """Tell whether a resident has uploaded it."""
        return self.anhang is not None and self.anhang.dokument_id is None


def page(mandant: str, *, after: UUID | None, limit: int) -> list[Quarantined]:
    """Return up to `limit` files of a Mandant in quarantine whose bytes are here, in the order of their ids."""
    here = (DateiRow.mandant == mandant) & _kept_back()
    if after is not None:
        here &= DateiRow.id > after
    return _found(DateiRow.select(*_COLUMNS).where(here).order_by(DateiRow.id).limit(limit))


def by_id(mandanten: Sequence[str], file_id: UUID) -> Quarantined | None:
    """Return a file of one of these Mandanten, if it is in quarantine and its bytes are here."""
    here = (DateiRow.id == file_id) & DateiRow.mandant.in_(list(mandanten)) & _kept_back()
    found = _found(DateiRow.select(*_COLUMNS).where(here))
    return found[0] if found else None


def anything(mandant: str) -> bool:
    """Tell whether any file of a Mandant is in quarantine."""
    here = (DateiRow.mandant == mandant) & _kept_back()
    return bool(tuples(DateiRow.select(DateiRow.id).where(here).limit(1)))


def _kept_back() -> Query:
    return DateiRow.scan.in_(QUARANTINE) & DateiRow.scan_at.is_null()


def _found(query: Query) -> list[Quarantined]:
    files = [Datei(**row) for row in dicts(query)]
    ids = [file.id for file in files]
    anhaenge = {row["id"]: Anhang(**row) for row in dicts(documents.files().where(AnhangRow.id.in_(ids)))}
    of_vorgaenge = [anhang.vorgang_id for anhang in anhaenge.values() if anhang.vorgang_id is not None]
    numbers = dict(
        tuples(VorgangRow.select(VorgangRow.id, VorgangRow.meldenummer).where(VorgangRow.id.in_(of_vorgaenge)))
    )
    dokumente = {row.pop("file_id"): Dokumente(**row) for row in dicts(_dokumente(ids))}
    return [
        Quarantined(
            file,
            anhang := anhaenge.get(file.id),
            numbers.get(anhang.vorgang_id, "") if anhang is not None else "",
            dokumente.get(file.id),
        )
        for file in files
    ]


def _dokumente(ids: Sequence[UUID]) -> Query:
    said: dict[str, Any] = {
        "dokument_id": fn.MIN(DokumentRow.dokument_id),
        "dateiname": fn.MIN(DokumentRow.dateiname),
        "bytes": fn.MIN(DokumentRow.bytes),
        "sha256": fn.MIN(DokumentRow.sha256),
        "count": fn.COUNT(DokumentRow.id.distinct()),
        "recipients": fn.COUNT(DokumentZielRow.ziel),
    }
    columns = [value.alias(name) for name, value in said.items()]
    query: Query = DokumentRow.select(DokumentRow.file_id, *columns)
    with_ziele = query.left_outer_join(DokumentZielRow, on=(DokumentZielRow.dokument == DokumentRow.id))
    return with_ziele.where(DokumentRow.file_id.in_(list(ids))).group_by(DokumentRow.file_id)


def release(file_id: UUID, now: datetime) -> bool:
    """Let a file go as if it were clean; False when it is not in quarantine any more. Inside a transaction.

    The scanner's word stays. Documents that are its bytes are here only since now.
    """
    if not affected(DateiRow.update(scan=CLEAN).where((DateiRow.id == file_id) & _kept_back())):
        return False
    affected(DokumentRow.update(stored_at=now).where(DokumentRow.file_id == file_id))
    return True


def discard(file_id: UUID, now: datetime) -> bool:
    """Forget the key of a file whose bytes are to go; that something was found stays known. False as `release`."""
    here = (DateiRow.id == file_id) & _kept_back()
    return affected(DateiRow.update(sealed_key=None, scan_at=now).where(here)) == 1


def purge(*, before: datetime, now: datetime, held: "Held", limit: int) -> list[UUID]:
    """Discard files that came before a time, but none that a legal hold keeps; returns which."""
    here = _kept_back() & (DateiRow.created_at < before)
    if held.owners or held.vorgang_ids:
        here &= ~of_held(held)
    ids = [row[0] for row in tuples(DateiRow.select(DateiRow.id).where(here).limit(limit))]
    for some in chunks(ids):
        affected(DateiRow.update(sealed_key=None, scan_at=now).where(DateiRow.id.in_(some)))
    return ids


def still(file_id: UUID, state: str, found: str) -> None:
    """Note what a scan has said anew of a file that stays in quarantine."""
    affected(DateiRow.update(scan=state, found=found).where((DateiRow.id == file_id) & _kept_back()))


def hand_in(file_id: UUID, aktivitaet_id: UUID) -> None:
    """Note by which Aktivität immotion gets a file, since its own delivery has gone without it."""
    affected(AnhangRow.update(nachgereicht=aktivitaet_id).where(AnhangRow.id == file_id))


def of_held(held: "Held") -> Query:
    """Match files of what a legal hold keeps: of a Vorgang, a draft, or documents of somebody who is held."""
    return DateiRow.id.in_(_anhaenge(held)) | DateiRow.id.in_(_held_dokumente(held))


def _anhaenge(held: "Held") -> Query:
    theirs = VorgangRow.owner.in_(list(held.owners)) | VorgangRow.id.in_(list(held.vorgang_ids))
    return AnhangRow.select(AnhangRow.id).where(
        AnhangRow.vorgang_id.in_(VorgangRow.select(VorgangRow.id).where(theirs))
    )


def _held_dokumente(held: "Held") -> Query:
    of_ziele = DokumentZielRow.select(DokumentZielRow.dokument).where(DokumentZielRow.ziel.in_(list(held.ziele)))
    theirs = DokumentRow.id.in_(of_ziele) | DokumentRow.vorgang_id.in_(list(held.vorgang_ids))
    return DokumentRow.select(DokumentRow.file_id).where(DokumentRow.file_id.is_null(False) & theirs)


def is_held(file_id: UUID, held: "Held") -> bool:
    """Tell whether a legal hold keeps a file."""
    return bool(tuples(DateiRow.select(DateiRow.id).where((DateiRow.id == file_id) & of_held(held)).limit(1)))
