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

from service.store import clean, dateien, outbox
from service.store.database import engine
from service.store.dokument_records import (
    BENACHRICHTIGT,
    EINGESTELLT,
    FEED,
    Angekuendigt,
    Dokument,
    DokumentFilter,
    Empfaenger,
    Known,
    Leser,
    NeuesDokument,
    Stored,
    Ziel,
    Zustellung,
)
from service.store.dokument_ways import (
    Shape,
    Ways,
    by_any,
    handed_out,
    held,
    places,
    readable_by,
    shown,
    stored,
    ways_of,
)
from service.store.models import AnhangRow, DateiRow, DokumentRow, DokumentZielRow, LesungRow
from service.store.query import Query, affected, chunks, dicts, tuples
from service.store.records import Announced
from service.store.written import Written, place

_ERROR_MAX = 80
_ELSEWHERE = {"opened_at", "sealed_key", "scan"}
_COLUMNS = [getattr(DokumentRow, name) for name in Dokument.__slots__ if name not in _ELSEWHERE]
_SEEN = [*_COLUMNS, LesungRow.opened_at, DateiRow.sealed_key, DateiRow.scan]
_ESCAPE = "!"
_DUE = [getattr(DokumentRow, name) for name in ("id", "mandant", "dokument_id", "dateiname", "bytes", "sha256")]


class OtherContent(Exception):
    """A document of this id is there, with other bytes."""


def find(mandant: str, dokument_ids: Sequence[str]) -> dict[str, Known]:
    """Return those of these documents that are known, by the id that they came with."""
    found: dict[str, Known] = {}
    columns = [getattr(DokumentRow, name) for name in Known._fields]
    for some in chunks(dokument_ids):
        here = (DokumentRow.mandant == mandant) & DokumentRow.dokument_id.in_(some)
        rows = tuples(DokumentRow.select(DokumentRow.dokument_id, *columns).where(here))
        found |= {name: Known(*facts) for name, *facts in rows}
    return found


def announce(
    mandant: str, neu: NeuesDokument, ziele: Sequence[Ziel], unbekannt: Sequence[Empfaenger], *, now: datetime
) -> UUID:
    """Note a document whose bytes are not here yet, and whom it is for; the same again adds those it did not name.

    Raises OtherContent when the same id stands for other bytes.
    """
    row = _row(mandant, neu, now) | {"unbekannt": [asdict(one) for one in unbekannt] or None, "fetch_since": now}
    fresh = affected(DokumentRow.insert(**row).on_conflict_ignore().as_rowcount()) == 1
    known = find(mandant, [neu.dokument_id])[neu.dokument_id]
    if not fresh and _differs(neu, known.sha256, known.bytes):
        raise OtherContent(neu.dokument_id)
    add_ziele([(known.id, ziel, neu.von, neu.bis) for ziel in ziele], now=now)
    return known.id


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
        "meldet": True,
    }


def add_ziele(rows: Sequence[tuple[UUID, Ziel, str, str]], *, now: datetime) -> int:
    """Note whom documents are for, each with its period; returns how many had not been, to whom it is news."""
    made = [_ziel(key, ziel, von, bis) | {"news_at": now} for key, ziel, von, bis in rows]
    return sum(_add_some(some) for some in chunks(made))


def _ziel(key: UUID, ziel: Ziel, von: str, bis: str) -> dict[str, Any]:
    told = {"ziel": ziel.key, "vertrag_nr": ziel.vertrag_nr, "rolle": ziel.rolle, "viele": ziel.viele or None}
    return {"dokument": key, "von": von, "bis": bis, **told}


def _add_some(made: list[dict[str, Any]]) -> int:
    added = affected(DokumentZielRow.insert_many(made).on_conflict_ignore().as_rowcount())
    if added:  # also where it seems to be news still: whoever is just taking that back has to wait, or comes first
        here = DokumentRow.id.in_(sorted({row["dokument"] for row in made})) & DokumentRow.stored_at.is_null(False)
        affected(DokumentRow.update(news=True).where(here))
    return added


# What is to be fetched


def due(mandant: str, now: datetime, *, limit: int) -> list[Angekuendigt]:
    """Return documents whose bytes are to be had now: first those never tried.

    A document of a Vorgang takes the bytes of the Vorgang's own file, once they are here.
    """
    file = AnhangRow.alias()
    same = (file.mandant == DokumentRow.mandant) & (file.dokument_id == DokumentRow.dokument_id)
    here = same & file.stored_at.is_null(False) & ~fn.EXISTS(held(file.id))
    theirs = file.select(file.id).where(here).order_by(file.id).limit(1)
    ready = DokumentRow.vorgang_id.is_null() | fn.EXISTS(file.select(peewee.SQL("1")).where(here))
    query = (
        DokumentRow.select(
            *_DUE, DokumentRow.unbekannt, DokumentRow.fetch_attempts, DokumentRow.fetch_since, theirs.alias("anhang_id")
        )
        .where(_waiting(mandant) & (DokumentRow.fetch_at.is_null() | (DokumentRow.fetch_at <= now)) & ready & shown())
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

    So it is not taken away by its age while another row begins to name it. One whose bytes were deleted in quarantine
    is none: what comes again is scanned anew.
    """
    file = DateiRow.alias()
    purged = (file.id == DokumentRow.file_id) & file.scan.in_(dateien.QUARANTINE) & file.scan_at.is_null(False)
    lost = fn.EXISTS(file.select(peewee.SQL("1")).where(purged))
    here = (DokumentRow.mandant == mandant) & (DokumentRow.sha256 == sha256) & stored() & ~lost
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
    here = DokumentRow.mandant.in_(list(mandanten)) & _aside() & shown()
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


# What immotion hears


def provided(mandant: str, *, limit: int) -> list[tuple[UUID, str]]:
    """Return documents, and where they are from, that residents see and that nothing was said of to immotion yet."""
    here = (DokumentRow.mandant == mandant) & (DokumentRow.meldet == True) & handed_out()  # noqa: E712 - a condition
    query = DokumentRow.select(DokumentRow.id, DokumentRow.quelle).where(here).order_by(DokumentRow.id).limit(limit)
    return [(key, quelle) for key, quelle in tuples(query)]


def note_provided(ids: Sequence[UUID], now: datetime) -> bool:
    """Note that residents see these from now on; False if somebody else has noted so of one meanwhile."""
    here = DokumentRow.id.in_(list(ids)) & (DokumentRow.meldet == True)  # noqa: E712 - a condition of the query
    return affected(DokumentRow.update(meldet=False, eingestellt_at=now).where(here)) == len(ids)


def note_notified(mandant: str, ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """Note that somebody was told by mail of these documents of the feed; returns those of which nobody had been."""
    untold = DokumentRow.benachrichtigt_at.is_null() & (DokumentRow.quelle == FEED) & (DokumentRow.mandant == mandant)
    told = DokumentRow.update(benachrichtigt_at=now)
    return [key for key in ids if affected(told.where((DokumentRow.id == key) & untold))]


def zustellungen(ids: Sequence[UUID]) -> dict[tuple[UUID, str], Zustellung]:
    """Return of these documents what immotion hears of their delivery, by the kind of its Quittung."""
    columns = (DokumentRow.id, DokumentRow.dokument_id, DokumentRow.eingestellt_at, DokumentRow.benachrichtigt_at)
    rows = tuples(DokumentRow.select(*columns).where(DokumentRow.id.in_(list(ids)))) if ids else []
    return {
        (key, art): Zustellung(dokument_id, art, zeit)
        for key, dokument_id, *zeiten in rows
        for art, zeit in zip((EINGESTELLT, BENACHRICHTIGT), zeiten, strict=True)
        if zeit is not None
    }


# What a reader sees


def page(leser: Leser, wanted: DokumentFilter, *, limit: int) -> list[Dokument]:
    """Return up to `limit` of a reader's documents, newest first; a keyset page, never an offset, in one query."""
    ways, (day, key) = ways_of(leser), wanted.after or ("", None)
    values = ways.values() | {"jahr": wanted.jahr, "art": wanted.art, "day": day, "id": DokumentRow.id.db_value(key)}
    values |= {f"word{at}": _pattern(word) for at, word in enumerate(wanted.words)}
    by = (bool(wanted.jahr), bool(wanted.art), len(wanted.words), wanted.unread, wanted.after is not None)
    return [Dokument(**row) for row in _PAGE.dicts(values, ways.shape, by, limit)]


def _page(shape: Shape, by: tuple[bool, bool, int, bool, bool], limit: int) -> Query:
    ways = places(shape)
    jahr, art, words, unread, after = by
    condition = readable_by(ways)
    if jahr:
        condition &= DokumentRow.jahr == place("jahr")
    if art:
        condition &= DokumentRow.art == place("art")
    for at in range(words):
        pattern = peewee.NodeList((place(f"word{at}"), peewee.SQL(f"ESCAPE '{_ESCAPE}'")))
        condition &= peewee.Expression(DokumentRow.suche, peewee.OP.ILIKE, pattern)
    if unread:
        condition &= LesungRow.id.is_null()
    if after:
        day = place("day")
        condition &= (DokumentRow.datum < day) | ((DokumentRow.datum == day) & (DokumentRow.id < place("id")))
    return _documents(ways).where(condition).order_by(DokumentRow.datum.desc(), DokumentRow.id.desc()).limit(limit)


def _pattern(word: str) -> str:
    """Return what matches a text with this word in it, none of whose characters stands for others."""
    for special in (_ESCAPE, "%", "_"):
        word = word.replace(special, _ESCAPE + special)
    return f"%{word}%"


def readable(leser: Leser, key: UUID) -> Dokument | None:
    """Return a document if this reader may see it; None also for one that is somebody else's, or not there."""
    return _one(leser, "id", DokumentRow.id.db_value(key))


def readable_by_name(leser: Leser, dokument_id: str) -> Dokument | None:
    """Return the document of immotion's id if this reader may see it."""
    return _one(leser, "dokument_id", dokument_id)


def _one(leser: Leser, column: str, value: object) -> Dokument | None:
    ways = ways_of(leser)
    rows = _ONE.dicts(ways.values() | {"one": value}, ways.shape, column)
    return Dokument(**rows[0]) if rows else None


def _one_by(shape: Shape, column: str) -> Query:
    ways = places(shape)
    return _documents(ways).where((getattr(DokumentRow, column) == place("one")) & readable_by(ways)).limit(1)


def ways(leser: Leser, ids: Sequence[UUID]) -> list[tuple[UUID, str, str]]:
    """Return by which keys and contracts these documents are a reader's: (document, key, contract or "")."""
    here = DokumentZielRow.dokument.in_(list(ids)) & by_any(ways_of(leser))
    columns = (DokumentZielRow.dokument, DokumentZielRow.ziel, DokumentZielRow.vertrag_nr)
    return [(dokument, ziel, nr) for dokument, ziel, nr in tuples(DokumentZielRow.select(*columns).where(here))]


def choices(leser: Leser) -> list[tuple[int, str]]:
    """Return the years and kinds that occur together among a reader's documents, in one query."""
    ways = ways_of(leser)
    return [(jahr, art) for jahr, art in _CHOICES.tuples(ways.values(), ways.shape)]


def _choices(shape: Shape) -> Query:
    return DokumentRow.select(DokumentRow.jahr, DokumentRow.art).where(readable_by(places(shape))).distinct()


_PAGE, _ONE = Written(_page, _SEEN), Written(_one_by, _SEEN)
_CHOICES = Written(_choices, (DokumentRow.jahr, DokumentRow.art))


def unread_as(what: int, leser: Leser) -> Query:
    """Return the query of how many of a reader's documents they have not opened: (what, "", number)."""
    read = (LesungRow.dokument == DokumentRow.id) & (LesungRow.leser == leser.key)
    unread = ~fn.EXISTS(LesungRow.select(peewee.SQL("1")).where(read))
    columns = (peewee.SQL(str(what)).alias("what"), peewee.SQL("''").alias("form"), fn.COUNT(DokumentRow.id))
    return DokumentRow.select(*columns).where(readable_by(ways_of(leser)) & unread)


def _documents(ways: Ways) -> Query:
    read = (LesungRow.dokument == DokumentRow.id) & (LesungRow.leser == ways.key)
    query: Query = DokumentRow.select(*_SEEN).join(LesungRow, peewee.JOIN.LEFT_OUTER, on=read)
    return query.switch(DokumentRow).join(DateiRow, peewee.JOIN.LEFT_OUTER, on=(DateiRow.id == DokumentRow.file_id))


# What is over


def remove(ids: Sequence[UUID]) -> list[UUID]:
    """Remove documents with all that is noted about them; returns their files, which may be those of others too.

    Inside a transaction.
    """
    gone = list(ids)
    here = DokumentRow.id.in_(gone) & DokumentRow.file_id.is_null(False)
    files = [row[0] for row in tuples(DokumentRow.select(DokumentRow.file_id).where(here))]
    affected(DokumentZielRow.delete().where(DokumentZielRow.dokument.in_(gone)))
    outbox.drop_quittungen(gone)
    affected(LesungRow.delete().where(LesungRow.dokument.in_(gone)))
    affected(DokumentRow.delete().where(DokumentRow.id.in_(gone)))
    return files


def known_files(ids: Sequence[UUID]) -> set[UUID]:
    """Return which of these files belong to a document."""
    return {row[0] for row in tuples(DokumentRow.select(DokumentRow.file_id).where(DokumentRow.file_id.in_(list(ids))))}


def shown_with(file_id: Query) -> Query:
    """Select the documents of this file that immotion has not withdrawn."""
    return DokumentRow.select(peewee.SQL("1")).where((DokumentRow.file_id == file_id) & shown())
