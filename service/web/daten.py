"""`konto/daten`: what residents may do about their data; `konto/daten/auskunft.zip`: take all of it away."""

from dataclasses import dataclass
from typing import ClassVar

import falcon
import structlog

from service.access import audit
from service.access.audit import Event
from service.access.weiter import Weiter
from service.store.belongings import Whose
from service.web.aenderung import PATH as AENDERUNG
from service.web.auskunft import Auskunft, zip_of
from service.web.client import source_of
from service.web.context import Reader, Room, reader_of
from service.web.dokumente import reader_leser
from service.web.guest import write
from service.web.headers import FILE_POLICY
from service.web.kontakt import STAMMDATEN
from service.web.level2 import insist
from service.web.pages import Way
from service.web.session import RESIDENT

log = structlog.get_logger()

PATH, ZIP = "konto/daten", "konto/daten/auskunft.zip"


@dataclass(frozen=True, slots=True)
class DatenPage:
    """What is kept, how long, and what can be done about it."""

    template: ClassVar[str] = "pages/daten.html"
    title: str
    facts: tuple[tuple[str, str], ...]
    ways: tuple[Way, ...]
    notes: tuple[str, ...]


class Daten:
    """`/{mandant}/konto/daten`."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show how long what is kept, and lead to the export and to the form of changes."""
        reader = reader_of(req)
        words = reader.words
        page = DatenPage(title=words("Meine Daten"), facts=_facts(reader), ways=_ways(reader), notes=_notes(reader))
        write(resp, reader, page)


class DatenZip:
    """`/{mandant}/konto/daten/auskunft.zip`: everything about the reader, and whom they act for now."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Stream it, to somebody with a second factor alone; each is counted and noted in the audit log."""
        reader = reader_of(req)
        insist(reader, Weiter(ZIP, page=PATH))
        visitor = reader.signed_in
        self._room.rates.hit("export_account", mandant, visitor.account)
        audit.note(Event.EXPORTED, source_of(req))
        log.info("exported", request_id=req.context.request_id)
        persons = () if visitor.person is None else (visitor.person,)
        asked = Auskunft(
            whose=Whose(mandant, persons, (visitor.account,), visitor.owners),
            leser=reader_leser(reader),
            house=reader.mandant.name,
            words=reader.words,
            now=self._room.clock().astimezone(self._room.zone),
        )
        resp.stream = zip_of(asked, self._room.intake.storage)
        resp.content_type = "application/zip"
        resp.downloadable_as = f"Auskunft-{reader.today.isoformat()}.zip"
        resp.set_header("Content-Security-Policy", FILE_POLICY)


def _facts(reader: Reader) -> tuple[tuple[str, str], ...]:
    words, kept, service = reader.words, reader.mandant.retention, reader.room.settings.service
    years = (
        words("{n} Jahre nach dem Abschluss", n=kept.vorgang_years)
        if kept.vorgang_years
        else words("so lange Ihre Verwaltung sie braucht")
    )
    return (
        (words("Vorgänge mit Dateien"), years),
        (words("Dokumente"), words("so lange, wie Ihre Verwaltung es für jedes festlegt")),
        (words("Entwürfe"), words("{n} Tage", n=kept.draft_days or service.draft_days)),
        (words("Sicherheitsprotokoll"), words("{n} Tage", n=kept.audit_days or service.audit_days)),
    )


def _ways(reader: Reader) -> tuple[Way, ...]:
    words = reader.words
    change = Way(
        words("Anschrift oder Kontaktdaten ändern"),
        reader.link(AENDERUNG),
        hint=words("Die Verwaltung prüft die Änderung"),
    )
    hint = words("Alles, was hier über Sie gespeichert ist, als ZIP-Datei")
    export = Way(words("Auskunft herunterladen"), reader.link(ZIP), hint=hint)
    changes = (change,) if STAMMDATEN in reader.house.catalog.kontaktthemen else ()
    return (*changes, *((export,) if reader.mandant.level2 is not None else ()))


def _notes(reader: Reader) -> tuple[str, ...]:
    words = reader.words
    erase = words("Möchten Sie, dass Ihre Daten gelöscht werden? Schreiben Sie Ihrer Verwaltung.")
    if reader.mandant.level2 is not None:
        return (words("Für die Auskunft brauchen Sie einen zweiten Faktor: Sie enthält alles."), erase)
    return (words("Eine Auskunft über Ihre Daten erhalten Sie von Ihrer Verwaltung."), erase)
