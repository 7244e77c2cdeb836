"""A document that is asked for and is there already: the request is answered by it, and immotion is not troubled."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from service.store import dokumente
from service.store.dokument_records import LAST_DAY, Dokument, DokumentFilter, Leser
from service.store.records import Aktivitaet, Vorgang
from service.vorgang.assess import Assessed
from service.vorgang.catalog import Catalog
from service.vorgang.dokumente import leser_of
from service.vorgang.types import House, Melder, Meldung, Vorgangstyp

ANSWERED = "BEANTWORTET"
ANSWERED_BY = "beantwortet_mit"
_CERTIFICATE_HOLDS = timedelta(days=31)
_LOOKED_AT = 50
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_OF_A_YEAR = "STATEMENT"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request asks for: a kind of document, its group in the catalog, the period as it was typed."""

    art: str
    group: str
    zeitraum: str


def answer_to(meldung: Meldung, assessed: Assessed, melder: Melder, house: House, *, today: date) -> Dokument | None:
    """Return the document that answers a request, if the reader has it; None for whatever a person should read.

    A certificate must be of these days, unless a year is asked for; of anything else the newest does. Where a year is
    asked for, the document must be of it.
    """
    if meldung.typ is not Vorgangstyp.DOKUMENT or meldung.beschreibung:
        return None
    vertraege = [assessed.vertrag] if assessed.vertrag else []
    home = assessed.vertrag.nr if assessed.vertrag else ""
    leser = leser_of(house.mandant, [melder.owner], vertraege, today, home=home)
    group = house.catalog.dokumentarten[meldung.dokumentart].group
    return _found(leser, _Asked(meldung.dokumentart, group, meldung.zusatz.get("zeitraum", "")), today)


def there_already(vorgang: Vorgang, leser: Leser, catalog: Catalog, *, today: date) -> Dokument | None:
    """Return the document that a request asks for, if this reader has it; the request itself may wait for a person.

    None for one that a document has answered: that is in its timeline.
    """
    art = catalog.dokumentarten.get(str(vorgang.details.get("dokumentart", "")))
    if art is None or is_answered(vorgang):
        return None
    return _found(leser, _Asked(art.code, art.group, str(vorgang.details.get("zeitraum", ""))), today)


def _found(leser: Leser, asked: _Asked, today: date) -> Dokument | None:
    found = dokumente.page(leser, DokumentFilter(art=asked.art), limit=_LOOKED_AT)
    return next((one for one in found if _answers(one, asked, today)), None)


def _answers(one: Dokument, asked: _Asked, today: date) -> bool:
    years, group = _YEAR.findall(asked.zeitraum), asked.group
    if years:
        return len(set(years)) == 1 and _is_of(one, years[0], group)
    if asked.zeitraum:
        return False  # in words: only a person can tell
    return group != "CERT" or date.fromisoformat(one.datum) >= today - _CERTIFICATE_HOLDS


def _is_of(one: Dokument, year: str, group: str) -> bool:
    """Tell whether a document is of a year: by the period it is about, its title, or, but for statements, its day."""
    told = one.von != one.datum or one.bis not in {one.datum, LAST_DAY}
    if told:
        return one.von[:4] <= year <= one.bis[:4] and one.bis != LAST_DAY
    return year in one.titel or (group != _OF_A_YEAR and one.datum[:4] == year)


def answered(vorgang_id: UUID, dokument: Dokument, now: datetime) -> Aktivitaet:
    """Return the entry of the timeline that brings the document."""
    told = {"id": str(dokument.id), "dateiname": dokument.dateiname, "bytes": dokument.bytes}
    return Aktivitaet(uuid7(), vorgang_id, now, "DOKUMENT", "VERWALTUNG", "", dokument.titel, {"dokumente": [told]})


def is_answered(vorgang: Vorgang) -> bool:
    """Tell whether a document answered this request, so that immotion was never owed it."""
    return ANSWERED_BY in vorgang.details


def documents_of(daten: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the documents that an entry of the timeline refers to."""
    return list(daten.get("dokumente", ()))
