"""What is known of kept files beside what they belong to: the key of each, and what the virus scan said."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from peewee import fn

from service.store.models import AnhangRow, DateiRow, DokumentRow, OutboxRow
from service.store.query import affected, chunks, dicts, first, tuples
from service.store.records import Datei

PENDING, CLEAN, QUARANTINE = "pending", "clean", ("infected", "unscannable")
_COLUMNS = [getattr(DateiRow, name) for name in Datei.__slots__]


def add(files: Iterable[Datei]) -> None:
    """Note the keys and states of files; nothing for those that have neither, and one that is there stays as it is."""
    new = {file.id: file for file in files if file.sealed_key is not None or file.scan is not None}
    if new:
        known = {row[0] for row in tuples(DateiRow.select(DateiRow.id).where(DateiRow.id.in_(list(new))))}
        rows = [_row(file) for file_id, file in new.items() if file_id not in known]
        if rows:
            DateiRow.insert_many(rows).execute()


def replace(file: Datei) -> None:
    """Note the key and state of a file that was written anew."""
    forget([file.id])
    add([file])


def forget(ids: Sequence[UUID]) -> None:
    """Forget files that are gone; without their keys nobody can read what may be left of them elsewhere."""
    for some in chunks(ids):
        affected(DateiRow.delete().where(DateiRow.id.in_(some)))


def sealed(ids: Sequence[UUID]) -> dict[UUID, Datei]:
    """Return those of these files that have a key."""
    query = DateiRow.select(*_COLUMNS).where(DateiRow.id.in_(list(ids)) & DateiRow.sealed_key.is_null(False))
    return {row["id"]: Datei(**row) for row in dicts(query)}


def digests(ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """Return Mandant and SHA-256 of the files that a row names; the others are missing."""
    of_files = AnhangRow.select(AnhangRow.id, AnhangRow.mandant, AnhangRow.sha256).where(AnhangRow.id.in_(list(ids)))
    columns = (DokumentRow.file_id, DokumentRow.mandant, DokumentRow.sha256)
    of_documents = DokumentRow.select(*columns).where(DokumentRow.file_id.in_(list(ids)))
    rows = [*tuples(of_documents), *tuples(of_files)]
    return {file_id: (mandant, sha256) for file_id, mandant, sha256 in rows}


def drop_key(file_id: UUID) -> None:
    """Take the key of a file away; what is known of its scan stays."""
    DateiRow.update(sealed_key=None).where(DateiRow.id == file_id).execute()


def set_key(file_id: UUID, mandant: str, sealed_key: str, now: datetime) -> bool:
    """Give a file a key; False when it has one already."""
    bare = (DateiRow.id == file_id) & DateiRow.sealed_key.is_null()
    if affected(DateiRow.update(sealed_key=sealed_key, created_at=now).where(bare)):
        return True
    fresh = DateiRow.insert(id=file_id, mandant=mandant, created_at=now, sealed_key=sealed_key)
    return affected(fresh.on_conflict_ignore().as_rowcount()) == 1


def with_keys(mandant: str, *, after: UUID | None, limit: int) -> list[Datei]:
    """Return files of a Mandant that have a key, in the order of their ids."""
    here = (DateiRow.mandant == mandant) & DateiRow.sealed_key.is_null(False)
    if after is not None:
        here &= DateiRow.id > after
    query = DateiRow.select(*_COLUMNS).where(here).order_by(DateiRow.id).limit(limit)
    return [Datei(**row) for row in dicts(query)]


def seal_anew(file_id: UUID, *, old: str, new: str) -> bool:
    """Put a key sealed under a newer one in place of the former; False when that has changed meanwhile."""
    here = (DateiRow.id == file_id) & (DateiRow.sealed_key == old)
    return affected(DateiRow.update(sealed_key=new).where(here)) == 1


def to_scan(now: datetime, *, limit: int) -> list[Datei]:
    """Return files that wait for the scan and are due, those that were never tried first."""
    due = (DateiRow.scan == PENDING) & (DateiRow.scan_at.is_null() | (DateiRow.scan_at <= now))
    query = DateiRow.select(*_COLUMNS).where(due).order_by(DateiRow.scan_attempts, DateiRow.created_at).limit(limit)
    return [Datei(**row) for row in dicts(query)]


def scan_later(file: Datei, at: datetime) -> None:
    """Note that a scan has failed, and when the next is due."""
    here = (DateiRow.id == file.id) & (DateiRow.scan == PENDING)
    DateiRow.update(scan_attempts=file.scan_attempts + 1, scan_at=at).where(here).execute()


def settle_scan(file_id: UUID, state: str, found: str) -> bool:
    """Write what the scan said; False when another worker has done so."""
    here = (DateiRow.id == file_id) & (DateiRow.scan == PENDING)
    return affected(DateiRow.update(scan=state, found=found, scan_at=None).where(here)) == 1


def quarantined(file_id: UUID) -> str:
    """Return the state of a file that is in quarantine; "" for any other."""
    here = (DateiRow.id == file_id) & DateiRow.scan.in_(QUARANTINE)
    row = first(DateiRow.select(DateiRow.scan).where(here))
    return str(row["scan"]) if row else ""


def vorgang_of(file_id: UUID) -> UUID | None:
    """Return which Vorgang a file belongs to, if any."""
    row = first(AnhangRow.select(AnhangRow.vorgang_id).where(AnhangRow.id == file_id))
    return row["vorgang_id"] if row else None


def release(vorgang_id: UUID, now: datetime) -> None:
    """Let what a Vorgang owes be sent at once, since its file has been scanned; what a worker holds is left alone."""
    here = (OutboxRow.vorgang_id == vorgang_id) & (OutboxRow.state == "waiting") & OutboxRow.lease_until.is_null()
    OutboxRow.update(next_at=now, touched_at=now).where(here & (OutboxRow.next_at > now)).execute()


def counts(mandanten: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return how many files of each Mandant the scan has left in each state; CLEAN is not counted."""
    query = (
        DateiRow.select(DateiRow.mandant, DateiRow.scan, fn.COUNT(DateiRow.id))
        .where(DateiRow.mandant.in_(list(mandanten)) & DateiRow.scan.is_null(False) & (DateiRow.scan != CLEAN))
        .group_by(DateiRow.mandant, DateiRow.scan)
    )
    found: dict[str, dict[str, int]] = {mandant: {} for mandant in mandanten}
    for mandant, state, count in tuples(query):
        found[mandant][state] = count
    return found


def oldest_pending(mandant: str) -> datetime | None:
    """Return since when the file that has waited longest has waited for the scan."""
    here = (DateiRow.mandant == mandant) & (DateiRow.scan == PENDING)
    row = first(DateiRow.select(fn.MIN(DateiRow.created_at).alias("oldest")).where(here))
    oldest = row["oldest"] if row else None
    return DateiRow.created_at.python_value(oldest) if isinstance(oldest, int) else oldest


def _row(file: Datei) -> dict[str, Any]:
    return {name: getattr(file, name) for name in Datei.__slots__}
