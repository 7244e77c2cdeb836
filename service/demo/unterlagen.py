"""Documents of the demo that belong to no Vorgang: statements, contracts, letters to a house and to all. Pure data."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from service.demo.people import BY_NR, EINHEITEN, GEBAEUDE, VERTRAEGE


@dataclass(frozen=True, slots=True)
class Unterlage:
    """A document provided `tage` days before the demo's first start; `jahr` counts back from then to what it is about.

    `an` are its recipients: numbers of persons, contracts or buildings, or nobody for all.
    """

    tage: int
    art: str
    titel: str
    an: tuple[str, ...] = ()
    jahr: int = 0
    stufe: int = 0


UNTERLAGEN = (
    Unterlage(2400, "MIETVERTRAG", "Mietvertrag", ("V-10101",), stufe=2),
    Unterlage(1900, "HAUSORDNUNG", "Hausordnung", ("G100", "G200", "G300"), stufe=1),
    Unterlage(405, "BK_ABRECHNUNG", "Betriebskostenabrechnung {jahr}", ("V-10101",), jahr=2),
    Unterlage(210, "ETV_PROTOKOLL", "Protokoll der Eigentümerversammlung", ("G300",)),
    Unterlage(60, "ANSCHREIBEN", "Neue Sprechzeiten unserer Geschäftsstelle", stufe=1),
    Unterlage(41, "BK_ABRECHNUNG", "Betriebskostenabrechnung {jahr}", ("V-10101",), jahr=1),
    Unterlage(41, "P35A", "Bescheinigung nach § 35a EStG für {jahr}", ("V-10101",), jahr=1),
    Unterlage(40, "BK_ABRECHNUNG", "Betriebskostenabrechnung {jahr}", ("V-10201",), jahr=1),
    Unterlage(40, "BK_ABRECHNUNG", "Betriebskostenabrechnung {jahr}", ("V-10701",), jahr=1),
    Unterlage(35, "HAUSGELD", "Hausgeldabrechnung {jahr}", ("V-10301", "V-10302"), jahr=1),
    Unterlage(20, "MIETANPASSUNG", "Anpassung Ihrer Miete", ("V-10401",)),
    Unterlage(9, "ANSCHREIBEN", "Ablesung der Heizkostenverteiler", ("G100",)),
    Unterlage(4, "MIETSCHULDENFREI", "Bescheinigung über Mietschuldenfreiheit", ("0004711",)),
)


def daten_of(number: int, one: Unterlage, today: date) -> dict[str, Any]:
    """Return what the event says of a document, but for its file."""
    datum, jahr = today - timedelta(days=one.tage), today.year - one.jahr
    zeitraum = {"zeitraum": {"von": f"{jahr}-01-01", "bis": f"{jahr}-12-31"}} if one.jahr else {}
    return {
        "dokumentId": f"demo-u{number:02d}-{one.art.lower()}",
        "version": 1,
        "dokumentart": one.art,
        "titel": one.titel.format(jahr=jahr),
        "datum": datum.isoformat(),
        "empfaenger": [*map(_empfaenger, one.an)] or [{"alle": True}],
        "zustellung": "PORTAL",
        **zeitraum,
        **({"stufe": one.stufe} if one.stufe else {}),
    }


def _empfaenger(nr: str) -> dict[str, str]:
    kind = {"V": "vertragNr", "G": "gebaeudeNr"}.get(nr[0], "personNr")
    return {kind: nr}


def addressee(one: Unterlage) -> tuple[str, str, str]:
    """Return the name, address and contract that stand in the letter."""
    vertrag = next((v for v in VERTRAEGE if v.nr in one.an or v.person in one.an), None)
    if vertrag is None:
        houses = [gebaeude.strasse for gebaeude in GEBAEUDE if gebaeude.nr in one.an]
        return "Bewohnerinnen und Bewohner", ", ".join(houses) or "Musterbau eG", "aller Wohnungen"
    einheit = next(e for e in EINHEITEN if e.nr == vertrag.einheit)
    haus = next(g for g in GEBAEUDE if g.nr == einheit.gebaeude)
    return BY_NR[vertrag.person].name, f"{haus.strasse}, {einheit.lage}", vertrag.nr
