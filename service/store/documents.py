"""Documents of immotion: announced and to be fetched, put aside, withdrawn."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import peewee
from peewee import fn

from service.store import dokumente
from service.store.models import AnhangRow, DateiRow, RueckzugRow, VorgangRow
from service.store.query import Query, affected, dicts, tuples
from service.store.records import Anhang, Announced

if TYPE_CHECKING:
    from service.store.holds import Held

_OF_THE_FILE = {"sealed_key", "scan"}
FILE = [getattr(DateiRow if name in _OF_THE_FILE else AnhangRow, name) for name in Anhang.__slots__]


def files(*more: Query) -> Query:
    """Return the query of the columns of `Anhang`, and more of its row."""
    of_the_file = DateiRow.id == AnhangRow.id
    return AnhangRow.select(*FILE, *more).join(DateiRow, peewee.JOIN.LEFT_OUTER, on=of_the_file)


def row_of(anhang: Anhang) -> dict[str, Any]:
    """Return the columns of `AnhangRow`; the others are in `DateiRow`."""
    return {name: getattr(anhang, name) for name in Anhang.__slots__ if name not in _OF_THE_FILE}


def shown() -> Query:
    """Return the condition that a file is not a document that immotion has withdrawn."""
    return ~fn.EXISTS(_withdrawal())


def _withdrawal() -> Query:
    same = (RueckzugRow.mandant == AnhangRow.mandant) & (RueckzugRow.dokument_id == AnhangRow.dokument_id)
    return RueckzugRow.select(peewee.SQL("1")).where(same)


def withdraw(mandant: str, dokument_id: str, now: datetime) -> bool:
    """Hide a document for good, whether it has been announced or will be; False when it was withdrawn before."""
    fresh = RueckzugRow.insert(mandant=mandant, dokument_id=dokument_id, withdrawn_at=now)
    return affected(fresh.on_conflict_ignore().as_rowcount()) == 1


def withdrawn_from(vorgang_id: UUID) -> set[UUID]:
    """Return the entries of a Vorgang's timeline that have lost a document."""
    here = (AnhangRow.vorgang_id == vorgang_id) & AnhangRow.dokument_id.is_null(False) & fn.EXISTS(_withdrawal())
    return {row[0] for row in tuples(AnhangRow.select(AnhangRow.aktivitaet_id).where(here).distinct())}


def due(mandant: str, now: datetime, *, limit: int) -> list[Announced]:
    """Return documents of this Mandant that are to be fetched now: first those that were never tried.

    So what cannot be had never stands before what nobody has asked for yet.
    """
    time = AnhangRow.fetch_at.is_null() | (AnhangRow.fetch_at <= now)
    here = (AnhangRow.mandant == mandant) & AnhangRow.stored_at.is_null() & AnhangRow.parked_at.is_null() & time
    query = (
        files(AnhangRow.fetch_attempts, AnhangRow.fetch_since, AnhangRow.fetch_at)
        .where(here & shown())
        .order_by(AnhangRow.fetch_at.asc(nulls="first"))
        .limit(limit)
    )
    return [_announced(row, now) for row in dicts(query)]


def _announced(row: dict[str, Any], now: datetime) -> Announced:
    attempts, since, at = row.pop("fetch_attempts"), row.pop("fetch_since"), row.pop("fetch_at")
    return Announced(Anhang(**row), attempts or 0, since or now, at)


def claim(seen: Announced, *, until: datetime) -> bool:
    """Take a document to fetch it, for as long as until then; False when another worker has it.

    Two that keep one file at a time would each seal it under a key of their own.
    """
    same = AnhangRow.fetch_at.is_null() if seen.fetch_at is None else AnhangRow.fetch_at == seen.fetch_at
    free = AnhangRow.stored_at.is_null() & AnhangRow.parked_at.is_null()
    return affected(AnhangRow.update(fetch_at=until).where((AnhangRow.id == seen.anhang.id) & same & free)) == 1


def mark_fetched(anhang_id: UUID, *, mime: str, size: int, sha256: str, now: datetime) -> None:
    """Note that the bytes of an announced file are kept."""
    AnhangRow.update(mime=mime, bytes=size, sha256=sha256, stored_at=now).where(AnhangRow.id == anhang_id).execute()


def withdrawn_bytes(held: "Held", *, limit: int) -> list[UUID]:
    """Return documents that immotion has withdrawn and whose bytes are still here, for nothing else; none held."""
    withdrawn = AnhangRow.dokument_id.is_null(False) & AnhangRow.stored_at.is_null(False) & fn.EXISTS(_withdrawal())
    here = withdrawn & ~fn.EXISTS(dokumente.shown_with(AnhangRow.id))
    if held.owners or held.vorgang_ids:
        theirs = VorgangRow.owner.in_(list(held.owners)) | VorgangRow.id.in_(list(held.vorgang_ids))
        here &= AnhangRow.vorgang_id.not_in(VorgangRow.select(VorgangRow.id).where(theirs))
    return [row[0] for row in tuples(AnhangRow.select(AnhangRow.id).where(here).limit(limit))]


def forget_bytes(ids: Sequence[UUID]) -> None:
    """Note that the bytes of these documents are not here; their rows stay, for what their Vorgang says of them."""
    AnhangRow.update(stored_at=None).where(AnhangRow.id.in_(list(ids))).execute()


def note_failure(seen: Announced, error: str, *, next_at: datetime | None, now: datetime) -> bool:
    """Write that fetching failed and when the next attempt is due; with None, put the document aside.

    False, and nothing is written, when another worker has been at it meanwhile.
    """
    changes = dokumente.after_failure(seen, error, next_at=next_at, now=now)
    same = fn.COALESCE(AnhangRow.fetch_attempts, 0) == seen.attempts
    free = AnhangRow.stored_at.is_null() & AnhangRow.parked_at.is_null()
    return affected(AnhangRow.update(**changes).where((AnhangRow.id == seen.anhang.id) & same & free)) == 1


def parked(mandanten: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return how many documents of each of these Mandanten are put aside, by the reason; none: it is missing."""
    query = (
        AnhangRow.select(AnhangRow.mandant, AnhangRow.fetch_error, fn.COUNT(AnhangRow.id))
        .where(_parked(mandanten) & shown())
        .group_by(AnhangRow.mandant, AnhangRow.fetch_error)
        .order_by(AnhangRow.mandant, AnhangRow.fetch_error)
    )
    found: dict[str, dict[str, int]] = {}
    for mandant, reason, count in tuples(query):
        found.setdefault(mandant, {})[reason or ""] = count
    for mandant, reason, count in dokumente.parked(mandanten):
        of_mandant = found.setdefault(mandant, {})
        of_mandant[reason] = of_mandant.get(reason, 0) + count
    return found


def retry_parked(mandant: str, now: datetime) -> int:
    """Have everything of a Mandant that was put aside fetched now, attempts and age counted anew; returns how many."""
    anew = AnhangRow.update(**dokumente.fetched_anew(now)).where(_parked([mandant]))
    return affected(anew) + dokumente.retry_parked(mandant, now)


def _parked(mandanten: Sequence[str]) -> Query:
    return AnhangRow.mandant.in_(list(mandanten)) & AnhangRow.stored_at.is_null() & AnhangRow.parked_at.is_null(False)
