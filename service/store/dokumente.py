"""Documents for residents: announced, stored, read. Whoever reads says by which ways (`Zugang`); nothing else is found.

What a reader may see is found from their own keys, by index: it costs what is theirs, however much there is.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee
from peewee import fn
from uuid_utils.compat import uuid7

from service.store import clean
from service.store.database import engine
from service.store.dokument_records import (
    Angekuendigt,
    Dokument,
    DokumentFilter,
    Empfaenger,
    Fresh,
    Leser,
    NeuesDokument,
    Stored,
    Ziel,
    Zugang,
)
from service.store.models import AnhangRow, DateiRow, DokumentRow, DokumentZielRow, LesungRow, RueckzugRow
from service.store.query import Query, affected, chunks, dicts, first, tuples
from service.store.records import Announced

_ERROR_MAX = 80
_ELSEWHERE = {"opened_at", "sealed_key", "scan"}
_COLUMNS = [getattr(DokumentRow, name) for name in Dokument.__slots__ if name not in _ELSEWHERE]
_DUE = [getattr(DokumentRow, name) for name in ("id", "mandant", "dokument_id", "dateiname", "bytes", "sha256")]


class OtherContent(Exception):
    """A document of this id is there, with other bytes."""


def find(mandant: str, dokument_ids: Sequence[str]) -> dict[str, tuple[UUID, str, int]]:
    """Return id, SHA-256 and size (as told or as stored) of those of these documents that are known."""
    found: dict[str, tuple[UUID, str, int]] = {}
    columns = (DokumentRow.dokument_id, DokumentRow.id, DokumentRow.sha256, DokumentRow.bytes)
    for some in chunks(dokument_ids):
        here = (DokumentRow.mandant == mandant) & DokumentRow.dokument_id.in_(some)
        rows = tuples(DokumentRow.select(*columns).where(here))
        found |= {name: (key, sha256, size) for name, key, sha256, size in rows}
    return found


def announce(
    mandant: str, neu: NeuesDokument, ziele: Sequence[Ziel], unbekannt: Sequence[Empfaenger], *, now: datetime
) -> UUID:
    """Note a document whose bytes are not here yet, and whom it is for; the same again adds those it did not name.

    Raises OtherContent when the same id stands for other bytes.
    """
    row = _row(mandant, neu, now) | {"unbekannt": [asdict(one) for one in unbekannt] or None, "fetch_since": now}
    fresh = affected(DokumentRow.insert(**row).on_conflict_ignore().as_rowcount()) == 1
    known, sha256, size = find(mandant, [neu.dokument_id])[neu.dokument_id]
    if not fresh and _differs(neu, sha256, size):
        raise OtherContent(neu.dokument_id)
    add_ziele([(known, ziel, neu.von, neu.bis) for ziel in ziele])
    return known


def _differs(neu: NeuesDokument, sha256: str, size: int) -> bool:
    if neu.sha256 and sha256:
        return neu.sha256 != sha256
    return bool(neu.bytes and size and neu.bytes != size)


def add_stored(mandant: str, rows: Sequence[tuple[NeuesDokument, Stored]], *, now: datetime) -> None:
    """Note documents whose bytes are kept; those that are there already stay as they are."""
    made = [_row(mandant, neu, now) | _kept(stored, now) | {"dateiname": neu.dateiname} for neu, stored in rows]
    for some in chunks(made):
        affected(DokumentRow.insert_many(some).on_conflict_ignore().as_rowcount())


def _row(mandant: str, neu: NeuesDokument, now: datetime) -> dict[str, Any]:
    return {**asdict(neu), "id": uuid7(), "mandant": mandant, "jahr": int(neu.datum[:4]), "created_at": now}


def _kept(stored: Stored, now: datetime) -> dict[str, Any]:
    return {
        "file_id": stored.file_id,
        "mime": stored.paper.mime,
        "seiten": stored.paper.seiten,
        "bytes": stored.bytes,
        "sha256": stored.sha256,
        "stored_at": now,
        "news": True,
    }


def add_ziele(rows: Sequence[tuple[UUID, Ziel, str, str]]) -> int:
    """Note whom documents are for, each with its period; returns how many had not been."""
    made = [
        {"dokument": key, "ziel": ziel.key, "vertrag_nr": ziel.vertrag_nr, "rolle": ziel.rolle, "von": von, "bis": bis}
        for key, ziel, von, bis in rows
    ]
    return sum(affected(DokumentZielRow.insert_many(some).on_conflict_ignore().as_rowcount()) for some in chunks(made))


# What is to be fetched


def due(mandant: str, now: datetime, *, limit: int) -> list[Angekuendigt]:
    """Return documents whose bytes are to be had now: first those never tried.

    A document of a Vorgang takes the bytes of the Vorgang's own file, once they are here.
    """
    file = AnhangRow.alias()
    same = (file.mandant == DokumentRow.mandant) & (file.dokument_id == DokumentRow.dokument_id)
    here = same & file.stored_at.is_null(False) & ~fn.EXISTS(_held(file.id))
    theirs = file.select(file.id).where(here).order_by(file.id).limit(1)
    ready = DokumentRow.vorgang_id.is_null() | fn.EXISTS(file.select(peewee.SQL("1")).where(here))
    query = (
        DokumentRow.select(
            *_DUE, DokumentRow.unbekannt, DokumentRow.fetch_attempts, DokumentRow.fetch_since, theirs.alias("anhang_id")
        )
        .where(_waiting(mandant) & (DokumentRow.fetch_at.is_null() | (DokumentRow.fetch_at <= now)) & ready & _shown())
        .order_by(DokumentRow.fetch_at.asc(nulls="first"))
        .limit(limit)
    )
    return [_angekuendigt(row, now) for row in dicts(query)]


def _angekuendigt(row: dict[str, Any], now: datetime) -> Angekuendigt:
    unbekannt = tuple(Empfaenger(**one) for one in row.pop("unbekannt") or ())
    attempts, since = row.pop("fetch_attempts"), row.pop("fetch_since")
    anhang = row.pop("anhang_id")
    anhang_id = AnhangRow.id.python_value(anhang) if anhang is not None else None
    return Angekuendigt(**row, unbekannt=unbekannt, anhang_id=anhang_id, attempts=attempts, since=since or now)


def _waiting(mandant: str) -> Query:
    return (DokumentRow.mandant == mandant) & DokumentRow.stored_at.is_null() & DokumentRow.parked_at.is_null()


def kept_file(mandant: str, sha256: str) -> UUID | None:
    """Return the file of this Mandant with these bytes, if one is kept, and hold its row until the transaction ends.

    So it is not taken away by its age while another row begins to name it.
    """
    here = (DokumentRow.mandant == mandant) & (DokumentRow.sha256 == sha256) & _stored()
    query: Query = DokumentRow.select(DokumentRow.file_id).where(here).limit(1)
    found = tuples(query if engine() == "sqlite" else query.for_update())
    return found[0][0] if found else None


def mark_stored(key: UUID, stored: Stored, dateiname: str, *, now: datetime) -> bool:
    """Note that a document's bytes are kept, which shows it to whom it is for; False if it was already."""
    changes = _kept(stored, now) | {"dateiname": dateiname, "unbekannt": None, "fetch_error": None}
    here = (DokumentRow.id == key) & DokumentRow.stored_at.is_null()
    return affected(DokumentRow.update(**changes).where(here)) == 1


def note_failure(seen: Angekuendigt, error: str, *, next_at: datetime | None, now: datetime) -> bool:
    """Write that fetching failed and when the next attempt is due; with None, put the document aside.

    False, and nothing is written, when another worker has been at it meanwhile.
    """
    changes = after_failure(seen, error, next_at=next_at, now=now)
    same = (DokumentRow.id == seen.id) & (DokumentRow.fetch_attempts == seen.attempts)
    free = DokumentRow.stored_at.is_null() & DokumentRow.parked_at.is_null()
    return affected(DokumentRow.update(**changes).where(same & free)) == 1


def after_failure(
    seen: Angekuendigt | Announced, error: str, *, next_at: datetime | None, now: datetime
) -> dict[str, Any]:
    """Return what a row says of its bytes after one more failure; without a next attempt, it is put aside."""
    changes: dict[str, Any] = {
        "fetch_attempts": seen.attempts + 1,
        "fetch_since": seen.since,
        "fetch_at": next_at,
        "fetch_error": clean.text(error, _ERROR_MAX),
    }
    return changes | ({"parked_at": now} if next_at is None else {})


def parked(mandanten: Sequence[str]) -> list[tuple[str, str, int]]:
    """Return Mandant, reason and number of the documents that are put aside."""
    here = DokumentRow.mandant.in_(list(mandanten)) & _aside() & _shown()
    columns = (DokumentRow.mandant, DokumentRow.fetch_error)
    query = DokumentRow.select(*columns, fn.COUNT(DokumentRow.id)).where(here).group_by(*columns).order_by(*columns)
    return [(mandant, reason or "", count) for mandant, reason, count in tuples(query)]


def retry_parked(mandant: str, now: datetime) -> int:
    """Have everything of a Mandant that was put aside fetched now; returns how many."""
    return affected(DokumentRow.update(**fetched_anew(now)).where((DokumentRow.mandant == mandant) & _aside()))


def fetched_anew(now: datetime) -> dict[str, Any]:
    """Return what a row says of its bytes when they are to be fetched now, attempts and age counted anew."""
    return {"parked_at": None, "fetch_at": now, "fetch_since": now, "fetch_attempts": 0}


def _aside() -> Query:
    return DokumentRow.stored_at.is_null() & DokumentRow.parked_at.is_null(False)


def _shown() -> Query:
    same = (RueckzugRow.mandant == DokumentRow.mandant) & (RueckzugRow.dokument_id == DokumentRow.dokument_id)
    return ~fn.EXISTS(RueckzugRow.select(peewee.SQL("1")).where(same))


# What is news


def news(mandant: str, *, limit: int) -> list[Fresh]:
    """Return documents that are here and that nobody was told of yet; without those that are not handed out (yet)."""
    here = (DokumentRow.mandant == mandant) & (DokumentRow.news == True)  # noqa: E712 - a condition of the query
    columns = (DokumentRow.id, DokumentRow.vorgang_id, DokumentRow.stored_at)
    ready = here & _shown() & ~fn.EXISTS(_held(DokumentRow.file_id))
    return [
        Fresh(*row) for row in tuples(DokumentRow.select(*columns).where(ready).order_by(DokumentRow.id).limit(limit))
    ]


def ziele(ids: Sequence[UUID]) -> list[str]:
    """Return the keys of whom these documents are for."""
    found: dict[str, None] = {}
    for some in chunks(ids):
        here = DokumentZielRow.dokument.in_(some)
        found |= dict.fromkeys(key for (key,) in tuples(DokumentZielRow.select(DokumentZielRow.ziel).where(here)))
    return list(found)


def no_news(ids: Sequence[UUID]) -> None:
    """Note that everybody was told of these who wanted to be."""
    for some in chunks(ids):
        affected(DokumentRow.update(news=False).where(DokumentRow.id.in_(some)))


# What a reader sees


def page(leser: Leser, wanted: DokumentFilter, *, limit: int) -> list[Dokument]:
    """Return up to `limit` of a reader's documents, newest first; a keyset page, never an offset, in one query."""
    condition = _readable(leser)
    if wanted.jahr:
        condition &= DokumentRow.jahr == wanted.jahr
    if wanted.art:
        condition &= DokumentRow.art == wanted.art
    for word in wanted.words:
        condition &= DokumentRow.suche.contains(word)
    if wanted.unread:
        condition &= LesungRow.id.is_null()
    if wanted.after is not None:
        day, key = wanted.after
        condition &= (DokumentRow.datum < day) | ((DokumentRow.datum == day) & (DokumentRow.id < key))
    query = _documents(leser).where(condition).order_by(DokumentRow.datum.desc(), DokumentRow.id.desc()).limit(limit)
    return [Dokument(**row) for row in dicts(query)]


def readable(leser: Leser, key: UUID) -> Dokument | None:
    """Return a document if this reader may see it; None also for one that is somebody else's, or not there."""
    row = first(_documents(leser).where((DokumentRow.id == key) & _readable(leser)))
    return Dokument(**row) if row else None


def readable_by_name(leser: Leser, dokument_id: str) -> Dokument | None:
    """Return the document of immotion's id if this reader may see it."""
    row = first(_documents(leser).where((DokumentRow.dokument_id == dokument_id) & _readable(leser)))
    return Dokument(**row) if row else None


def ways(leser: Leser, ids: Sequence[UUID]) -> list[tuple[UUID, str, str]]:
    """Return by which keys and contracts these documents are a reader's: (document, key, contract or "")."""
    here = DokumentZielRow.dokument.in_(list(ids)) & _by_any(leser.zugaenge)
    columns = (DokumentZielRow.dokument, DokumentZielRow.ziel, DokumentZielRow.vertrag_nr)
    return [(dokument, ziel, nr) for dokument, ziel, nr in tuples(DokumentZielRow.select(*columns).where(here))]


def choices(leser: Leser) -> list[tuple[int, str]]:
    """Return the years and kinds that occur together among a reader's documents, in one query."""
    columns = (DokumentRow.jahr, DokumentRow.art)
    return [(jahr, art) for jahr, art in tuples(DokumentRow.select(*columns).where(_readable(leser)).distinct())]


def unread_as(what: int, leser: Leser) -> Query:
    """Return the query of how many of a reader's documents they have not opened: (what, "", number)."""
    read = (LesungRow.dokument == DokumentRow.id) & (LesungRow.leser == leser.key)
    unread = ~fn.EXISTS(LesungRow.select(peewee.SQL("1")).where(read))
    columns = (peewee.SQL(str(what)).alias("what"), peewee.SQL("''").alias("form"), fn.COUNT(DokumentRow.id))
    return DokumentRow.select(*columns).where(_readable(leser) & unread)


def _documents(leser: Leser) -> Query:
    read = (LesungRow.dokument == DokumentRow.id) & (LesungRow.leser == leser.key)
    columns = (*_COLUMNS, LesungRow.opened_at, DateiRow.sealed_key, DateiRow.scan)
    query: Query = DokumentRow.select(*columns).join(LesungRow, peewee.JOIN.LEFT_OUTER, on=read)
    return query.switch(DokumentRow).join(DateiRow, peewee.JOIN.LEFT_OUTER, on=(DateiRow.id == DokumentRow.file_id))


def _readable(leser: Leser) -> Query:
    mine = DokumentZielRow.select(DokumentZielRow.dokument).where(_by_any(leser.zugaenge))
    kept = DokumentRow.loeschen_nach.is_null() | (DokumentRow.loeschen_nach >= leser.today)
    here = DokumentRow.id.in_(mine) & (fn.COALESCE(DokumentRow.mandant, "") == leser.mandant)
    return here & _stored() & kept & _shown() & ~fn.EXISTS(_held(DokumentRow.file_id))


def _stored() -> Query:
    """Match what is stored, by no index: SQLite would take it for few rows, and read everything of a Mandant."""
    return fn.COALESCE(DokumentRow.stored_at, 0) > 0


def _held(file_id: Query) -> Query:
    """Select the file if it is not to be handed out: not scanned yet, or in quarantine."""
    file = DateiRow.alias()
    return file.select(peewee.SQL("1")).where((file.id == file_id) & file.scan.is_null(False) & (file.scan != "clean"))


def _by_any(zugaenge: Sequence[Zugang]) -> Query:
    """Match what is for one of these keys, and by this key: the keys alone let an engine go by its index."""
    whole = {one.key for one in zugaenge if one == Zugang(one.key)}
    limited = [_by(one) for one in zugaenge if one.key not in whole]
    ways = [DokumentZielRow.ziel.in_(sorted(whole))] if whole else []
    return DokumentZielRow.ziel.in_([one.key for one in zugaenge]) & _any_of([*ways, *limited])


def _by(zugang: Zugang) -> Query:
    period = (DokumentZielRow.bis >= zugang.beginn) & (DokumentZielRow.von <= zugang.ende)
    rolle = DokumentZielRow.rolle.in_(["", zugang.rolle])
    here = (DokumentZielRow.ziel == zugang.key) & period & rolle
    return here & DokumentZielRow.vertrag_nr.in_(["", zugang.vertrag_nr]) if zugang.vertrag_nr else here


def _any_of(conditions: Sequence[Query]) -> Query:
    """Join conditions as a balanced tree: engines refuse a chain of hundreds, which an owner of a house would make."""
    if not conditions:
        return peewee.Value(1) == 0
    if len(conditions) == 1:
        return conditions[0]
    middle = len(conditions) // 2
    return _any_of(conditions[:middle]) | _any_of(conditions[middle:])


# What is over


def remove(ids: Sequence[UUID]) -> list[UUID]:
    """Remove documents with all that is noted about them; returns their files, which may be those of others too.

    Inside a transaction.
    """
    gone = list(ids)
    here = DokumentRow.id.in_(gone) & DokumentRow.file_id.is_null(False)
    files = [row[0] for row in tuples(DokumentRow.select(DokumentRow.file_id).where(here))]
    affected(DokumentZielRow.delete().where(DokumentZielRow.dokument.in_(gone)))
    affected(LesungRow.delete().where(LesungRow.dokument.in_(gone)))
    affected(DokumentRow.delete().where(DokumentRow.id.in_(gone)))
    return files


def known_files(ids: Sequence[UUID]) -> set[UUID]:
    """Return which of these files belong to a document."""
    return {row[0] for row in tuples(DokumentRow.select(DokumentRow.file_id).where(DokumentRow.file_id.in_(list(ids))))}


def shown_with(file_id: Query) -> Query:
    """Select the documents of this file that immotion has not withdrawn."""
    return DokumentRow.select(peewee.SQL("1")).where((DokumentRow.file_id == file_id) & _shown())
