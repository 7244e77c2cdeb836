"""Stored values become views: in the reader's language, with URLs that lead where they should."""

from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from service.files.scan import ScanState
from service.store.clean import moment
from service.store.records import Anhang, Vorgang, VorgangLine
from service.vorgang.anforderung import ANSWERED
from service.vorgang.assess import BETREFF_MAX
from service.vorgang.betreff import default_betreff
from service.vorgang.catalog import TenantStatus
from service.vorgang.status import DELETED, WITHDRAWN, standing
from service.web.context import Reader
from service.web.pages import FileView, VorgangView
from service.web.text import mark

# The subject of a change of address or contact details, whoever reads it.
KONTAKTDATEN = mark("Änderung von Kontaktdaten")

_TONES = {
    "UEBERMITTLUNG": "wait",
    "UEBERGEBEN": "wait",
    "EINGEGANGEN": "wait",
    "IN_BEARBEITUNG": "work",
    "BEAUFTRAGT": "work",
    "TERMIN": "work",
    "RUECKFRAGE": "ask",
    "DOKUMENT_BEREIT": "ask",
    ANSWERED: "done",
    "ERLEDIGT": "done",
    "ABGELEHNT": "no",
    "ZURUECKGEZOGEN": "no",
    "ZUSAMMENGEFUEHRT": "no",
    DELETED: "no",
    WITHDRAWN: "wait",
}
_Shown = TypeVar("_Shown", Vorgang, VorgangLine)


def as_it_stands(vorgang: _Shown, withdrawn_at: datetime | None) -> _Shown:
    """Return an open Vorgang that its resident has withdrawn as withdrawn; any other as it is."""
    if not vorgang.offen:
        return vorgang
    return replace(vorgang, status=standing(vorgang.status, vorgang.status_at, withdrawn_at))


def line_view(line: VorgangLine, reader: Reader) -> VorgangView:
    """Return a Vorgang of a list as it stands."""
    return vorgang_view(as_it_stands(line, line.withdrawn_at), reader)


def vorgang_view(vorgang: Vorgang | VorgangLine, reader: Reader) -> VorgangView:
    """Return a Vorgang as a list shows it."""
    typen = reader.house.catalog.vorgangstypen
    return VorgangView(
        url=reader.link(f"vorgaenge/{vorgang.id}"),
        number=vorgang.meldenummer,
        kind=typen[vorgang.typ].label.text(reader.lang) if vorgang.typ in typen else vorgang.typ,
        betreff=betreff_of(vorgang, reader),
        filed=reader.words.minute(vorgang.meldezeit),
        filed_iso=vorgang.meldezeit.isoformat(),
        status=status_label(vorgang.status, reader),
        tone=_TONES.get(vorgang.status, "work"),
        next_step=status_text(vorgang, reader),
        unread=vorgang.unread,
        zeichen=vorgang.vorgangsnummer or "",
    )


def betreff_of(vorgang: Vorgang | VorgangLine, reader: Reader) -> str:
    """Return the subject: as the resident wrote it, or in the reader's language what it was named after.

    It is stored in German then, as the clerks read it.
    """
    if vorgang.betreff == KONTAKTDATEN:
        return reader.words(KONTAKTDATEN)
    if vorgang.betreff != default_betreff(vorgang.labels, "de")[:BETREFF_MAX]:
        return vorgang.betreff
    return default_betreff(vorgang.labels, reader.lang)


def status_label(status: str, reader: Reader) -> str:
    """Return a status in plain words; the portal's own are not the catalog's."""
    if status == "UEBERMITTLUNG":
        return reader.words("Gespeichert, wird übermittelt")
    if status == "UEBERGEBEN":
        return reader.words("An die Verwaltung übergeben")
    if status == DELETED:
        return reader.words("Von der Verwaltung gelöscht")
    if status == WITHDRAWN:
        return reader.words("Zurückgezogen, Bestätigung folgt")
    if status == ANSWERED:
        return reader.words("Dokument liegt bereit")
    known = _tenant_status(status, reader)
    return known.label.text(reader.lang) if known else status


def status_text(vorgang: Vorgang | VorgangLine, reader: Reader) -> str:
    """Return what the status means and what comes next."""
    words = reader.words
    if vorgang.status == "UEBERGEBEN":
        return words("Ihre Meldung liegt der Verwaltung vor. Das Zeichen folgt.")
    if vorgang.status == DELETED:
        said = words("Die Verwaltung führt diesen Vorgang nicht mehr. Bitte melden Sie neu, was noch offen ist.")
        return f"{said} {vorgang.status_text}".rstrip()
    if vorgang.status == ANSWERED:
        return words("Das Dokument war schon da. Ist es nicht das richtige, schreiben Sie uns hier.")
    if vorgang.status == WITHDRAWN:
        return words("Sie haben das Anliegen zurückgezogen. Abgeschlossen ist es, wenn die Verwaltung das bestätigt.")
    known = _tenant_status(vorgang.status, reader)
    if known is None:
        return vorgang.status_text
    facts = {
        "nummer": vorgang.vorgangsnummer or vorgang.meldenummer,
        "sachbearbeiter": vorgang.sachbearbeiter or words("Die Verwaltung"),
        "termin": termin_text(vorgang, reader) or words("Zeit folgt"),
        "grund": vorgang.status_text or words("siehe Nachrichten"),
    }
    text = known.text_for(vorgang.typ).text(reader.lang)
    for name, fact in facts.items():
        text = text.replace("{" + name + "}", fact)
    return text


def termin_text(vorgang: Vorgang | VorgangLine, reader: Reader) -> str:
    """Return an appointment in words; whatever immotion sent that is no time is shown as it is."""
    if not vorgang.termin:
        return ""
    von, bis, firma = (str(vorgang.termin.get(part) or "") for part in ("von", "bis", "firma"))
    return ", ".join(part for part in (_span(von, bis, reader), firma) if part)


def _span(von: str, bis: str, reader: Reader) -> str:
    begin, end = moment(von), moment(bis)
    if begin and end:
        return reader.words.span(begin, end)
    words = ((reader.words.minute(time) if time else text) for text, time in ((von, begin), (bis, end)) if text)
    return " – ".join(words)


def file_view(anhang: Anhang, reader: Reader) -> FileView:
    """Return a file with where to download it."""
    path = f"vorgaenge/{anhang.vorgang_id}/anhaenge/{anhang.id}"
    there, picture = bool(anhang.vorgang_id) and anhang.ready, anhang.mime.startswith("image/")
    return FileView(
        id=str(anhang.id),
        name=anhang.dateiname,
        size=reader.words.size(anhang.bytes),
        url=reader.link(path) if there else "",
        sha256=anhang.sha256,
        picture=picture,
        note=_file_note(anhang, reader),
        small_url=reader.link(f"{path}/bild") if there and picture and anhang.dokument_id is None else "",
    )


def _file_note(anhang: Anhang, reader: Reader) -> str:
    """Say why a file cannot be downloaded; "" where it can."""
    words = reader.words
    if anhang.stored_at is None:
        return words("wird noch bereitgestellt")
    notes = {
        ScanState.PENDING: words("wird noch auf Viren geprüft"),
        ScanState.INFECTED: words(
            "gesperrt: Die Virenprüfung hat Schadsoftware gefunden. Die Datei wird nicht weitergegeben."
        ),
        ScanState.UNSCANNABLE: words(
            "gesperrt: Die Datei ließ sich nicht auf Viren prüfen. Sie wird nicht weitergegeben."
        ),
    }
    return notes.get(ScanState(anhang.scan), "") if anhang.scan else ""


def _tenant_status(status: str, reader: Reader) -> TenantStatus | None:
    return reader.house.catalog.tenant_statuses.get(status)
