"""How a Vorgang of the demo went: what was reported and what happened then, as data without dates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

_SUNDAY = 7


@dataclass(frozen=True, slots=True)
class Sachbearbeiter:
    nr: str
    name: str
    team: str
    telefon: str

    def wire(self) -> dict[str, str]:
        """Return the form of the Vorgang interface."""
        return {"nr": self.nr, "anzeigeName": self.name, "team": self.team, "telefon": self.telefon}


REICHELT = Sachbearbeiter("SB07", "Dörte Reichelt", "Technische Bestandsbetreuung", "030 23125 520")
OKONKWO = Sachbearbeiter("SB11", "Chidi Okonkwo", "Technik Heizung", "030 23125 521")
BRANDT = Sachbearbeiter("SB02", "Silke Brandt", "Kundenbetreuung", "030 23125 510")
SALIHU = Sachbearbeiter("SB04", "Arben Salihu", "Betriebskosten", "030 23125 512")
NOWAK = Sachbearbeiter("SB15", "Tomasz Nowak", "Hauswart", "030 23125 530")
LINDQVIST = Sachbearbeiter("SB05", "Elin Lindqvist", "Sozialmanagement", "030 23125 514")
KAYA = Sachbearbeiter("SB03", "Deniz Kaya", "WEG-Verwaltung", "030 23125 516")


@dataclass(frozen=True, slots=True)
class Schritt:
    """One thing that happened `stunden` after the report.

    `typ` is an event of the Vorgang interface, or MIETER for what the resident added. In an appointment's `daten`,
    `tage` counts from the report.
    """

    stunden: float
    typ: str
    daten: Mapping[str, object] = field(default_factory=dict)
    foto: str = ""


@dataclass(frozen=True, slots=True)
class Fall:
    """A Vorgang: whose, when (days before the demo's first start, local time), what, and how it went on.

    `angaben` are fields of a Meldung; `stapel` has the stand-in take it for a later batch import.
    """

    person: str
    tage: int
    uhr: str
    typ: str
    angaben: Mapping[str, str]
    verlauf: tuple[Schritt, ...] = ()
    fotos: tuple[str, ...] = ()
    vertrag: str = ""
    antworten: Mapping[str, str] = field(default_factory=dict)
    zusatz: Mapping[str, str] = field(default_factory=dict)
    stapel: bool = False


def status(stunden: float, code: str, text: str = "") -> Schritt:
    """Let the clerk set a status of immotion's, with words for the resident if there are any."""
    return Schritt(stunden, "STATUS", {"status": {"code": code, **({"textMieter": text} if text else {})}})


def bei(stunden: float, wer: Sachbearbeiter) -> Schritt:
    """Give the Vorgang to a Sachbearbeiter."""
    return Schritt(stunden, "ZUORDNUNG", {"aufgabentraeger": wer.wire()})


def schreibt(stunden: float, wer: Sachbearbeiter, text: str) -> Schritt:
    """Let the clerk write to the resident."""
    return Schritt(stunden, "AKTIVITAET", {"art": "NACHRICHT", "text": text, "autor": wer.name})


def brief(stunden: float, titel: str, dokumentart: str) -> Schritt:
    """Let the clerk provide a document."""
    return Schritt(stunden, "DOKUMENT", {"titel": titel, "dokumentart": dokumentart})


def termin(stunden: float, tage: int, uhr: str, firma: str) -> Schritt:
    """Agree on an appointment of two hours, `tage` days after the report; see `no_sunday`."""
    return Schritt(stunden, "TERMIN", {"tage": tage, "uhr": uhr, "firma": firma})


def mieter(stunden: float, art: str, text: str = "", *, foto: str = "", bewertung: int | None = None) -> Schritt:
    """Let the resident add something: ANTWORT, ANHANG, RUECKZUG, WIEDEROEFFNUNG or BEWERTUNG."""
    return Schritt(stunden, "MIETER", {"art": art, "text": text, "bewertung": bewertung}, foto)


def schaden(ort: str, art: str, text: str, **more: str) -> dict[str, str]:
    """Return the fields of a damage report; the Kategorie is the first half of the Art's code."""
    return {
        "schadensort": ort,
        "schadenskategorie": art.partition(".")[0],
        "schadensart": art,
        "beschreibung": text,
        **more,
    }


def no_sunday(day: date) -> date:
    """Return this day, or the Saturday before when it is a Sunday: whatever day the demo is started on."""
    return day - timedelta(days=1) if day.isoweekday() == _SUNDAY else day
