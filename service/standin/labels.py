"""German words for the codes and names of the interface, as the clerk pages show them."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from service.standin.words import parse_time

ZONE = ZoneInfo("Europe/Berlin")

STATUS = {
    "NEU": "Neu",
    "ZUGEWIESEN": "Zugewiesen",
    "IN_PRUEFUNG": "In Prüfung",
    "RUECKFRAGE": "Rückfrage an den Mieter",
    "WARTET_INTERN": "Wartet (intern)",
    "WARTET_EXTERN": "Wartet (extern)",
    "BEAUFTRAGT": "Beauftragt",
    "TERMINIERT": "Terminiert",
    "IN_AUSFUEHRUNG": "In Ausführung",
    "AUSGEFUEHRT": "Ausgeführt",
    "DOKUMENT_BEREIT": "Dokument bereit",
    "ERLEDIGT": "Erledigt",
    "ABGELEHNT": "Abgelehnt",
    "STORNIERT": "Storniert",
    "DUBLETTE": "Dublette",
    "WIEDERVORLAGE": "Wiedervorlage",
    "WIEDERGEOEFFNET": "Wiedergeöffnet",
}
TYP = {
    "SCHADEN": "Schadensmeldung",
    "BESCHWERDE": "Beschwerde",
    "DOKUMENT": "Dokumentanforderung",
    "KONTAKT": "Kontaktanfrage",
}
AKTIVITAET = {
    "ANTWORT": "Antwort des Mieters",
    "ANHANG": "Nachgereichte Dateien",
    "RUECKZUG": "Mieter zieht zurück",
    "WIEDEROEFFNUNG": "Mieter meldet: nicht behoben",
    "TERMINWUNSCH": "Terminwunsch des Mieters",
    "BEWERTUNG": "Bewertung des Mieters",
}
EREIGNIS = {
    "VORGANG_ANGELEGT": "Vorgang angelegt",
    "VORGANG_ABGEWIESEN": "Vorgang abgewiesen",
    "STATUS": "Status",
    "ZUORDNUNG": "Zuordnung",
    "TERMIN": "Termin",
    "AKTIVITAET": "Nachricht",
    "DOKUMENT": "Dokument",
    "DOKUMENT_ZURUECKGEZOGEN": "Dokument zurückgezogen",
    "GELOESCHT": "Gelöscht",
    "KATALOG_NEU": "Neuer Katalog",
}
PRIORITAET = {"P1": "P1 Notfall", "P2": "P2 dringend", "P3": "P3 normal", "P4": "P4 planbar"}
QUITTUNG = {
    "EINGESTELLT": "im Portal eingestellt",
    "BENACHRICHTIGT": "Mieter benachrichtigt",
    "ERSTMALS_GEOEFFNET": "erstmals geöffnet",
}
SECTIONS = {
    "": "Meldung",
    "melder": "Wer meldet",
    "objekt": "Objekt",
    "schaden": "Schaden",
    "kontakt": "Kontakt",
    "beschwerde": "Beschwerde",
    "dokument": "Gewünschtes Dokument",
    "zugang": "Zugang zur Wohnung",
    "vorschlag": "Vorschlag des Portals",
    "verknuepfung": "Verknüpfung",
}
NAMES = {
    "externeId": "Kennung des Portals",
    "mandant": "Mandant",
    "typ": "Vorgangstyp",
    "meldezeit": "Meldezeit",
    "kanal": "Kanal",
    "personNr": "Personennummer",
    "rolle": "Rolle",
    "vertragNr": "Vertrag",
    "einheitNr": "Einheit",
    "name": "Name",
    "email": "E-Mail",
    "telefon": "Telefon",
    "sprache": "Sprache",
    "wirtschaftseinheitNr": "Wirtschaftseinheit",
    "gebaeudeNr": "Gebäude",
    "schadensort": "Schadensort",
    "schadenskategorie": "Schadenskategorie",
    "schadensart": "Schadensart",
    "katalogVersion": "Katalogversion",
    "antworten": "Antworten",
    "notfallAnzeige": "Notfallhinweis",
    "regel": "Regel",
    "bestaetigtUm": "Bestätigt",
    "art": "Art",
    "laermprotokoll": "Lärmprotokoll",
    "dokumentart": "Dokumentart",
    "zeitraum": "Zeitraum",
    "zweck": "Zweck",
    "zeitfenster": "Erreichbar",
    "anwesenheit": "Anwesenheit nötig",
    "vorgangsart": "Vorgangsart",
    "prioritaet": "Priorität",
    "aufgabentraeger": "Aufgabenträger",
    "sachbearbeiter": "Sachbearbeiter",
    "ausfuehrungsfrist": "Ausführungsfrist",
    "thema": "Thema",
    "hauptVorgangId": "Hauptvorgang",
    "von": "von",
    "bis": "bis",
}
_VALUES: Mapping[str, Mapping[str, str]] = {
    "typ": TYP,
    "prioritaet": PRIORITAET,
    "rolle": {"MIETER": "Mieter", "EIGENTUEMER": "Eigentümer", "BEVOLLMAECHTIGT": "Bevollmächtigt"},
    "kanal": {"PORTAL_WEB": "Portal", "PORTAL_IFRAME": "Portal, eingebettet", "PORTAL_STAFF": "Portal, Mitarbeiter"},
}
_TIMES = frozenset({"meldezeit", "bestaetigtUm", "von", "bis"})


def moment(text: str) -> str:
    """Return a time of the wire as people write it, in German time; what is no time there comes back as it is."""
    try:
        local = parse_time(text).astimezone(ZONE)
    except (ValueError, OverflowError):
        return text
    return local.strftime("%d.%m.%Y, %H:%M Uhr")


def value_text(name: str, value: Any) -> str:  # noqa: ANN401 - any JSON that the portal sent
    """Return a value of the wire as text for people; `name` is the field it stands in."""
    if isinstance(value, dict):
        return "; ".join(f"{NAMES.get(key, key)}: {value_text(key, inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(value_text(name, inner) for inner in value)
    if isinstance(value, bool):
        return "ja" if value else "nein"
    text = "" if value is None else str(value)
    return moment(text) if name in _TIMES else _VALUES.get(name, {}).get(text, text)
