"""A portal whose immotion provides letters, statements and contracts, for a tenant and an owner with two homes each."""

import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import requests
from click.testing import CliRunner

from service.cli import main
from service.demo.papers import letter
from tests.support.dokumente import daten
from tests.support.portal import MANDANT, Installation

YEAR = datetime.now(UTC).year
BEGAN, LEFT, MOVED = f"{YEAR - 7}-04-01", f"{YEAR - 2}-09-30", f"{YEAR - 2}-10-01"
HOUSES = {"G1": ("Amselgasse 3", "99871"), "G2": ("Lindenhofer Straße 12", "99873")}
FLATS = {"G1": "1. Obergeschoss rechts", "G2": "2. Obergeschoss links"}
STRANGE = ("Rundschreiben vor dem Einzug", "Rundschreiben nach dem Auszug")
_numbers = count(1)
T = TypeVar("T")


@dataclass(frozen=True)
class Brief:
    """A document of immotion: kind, title, whom it is for, its day, and what it is about."""

    art: str
    titel: str
    an: dict[str, str]
    datum: str
    zeitraum: str = ""


@dataclass
class Bewohner:
    """Somebody with two contracts, and the documents that are theirs alone, by title."""

    person: str
    rolle: str
    content: dict[str, bytes] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def first(self) -> str:
        """The contract in the house G1; a tenant's is over."""
        return f"V{self.person}1"

    @property
    def second(self) -> str:
        """The contract in the house G2."""
        return f"V{self.person}2"


@dataclass
class Letterbox:
    """The installation, with immotion's side of it at hand."""

    portal: Installation

    def tell(self, *changes: tuple[str, str, dict[str, Any]]) -> None:
        said = [{"art": art, "nr": nr, "geloescht": False, "daten": of} for art, nr, of in changes]
        self._post("stammdaten", said)

    def moves_in(self, rolle: str) -> Bewohner:
        """Let immotion tell of somebody new, and provide what is theirs."""
        who = Bewohner(f"9{next(_numbers):03}", rolle)
        ende = {"ende": LEFT} if rolle == "MIETER" else {}
        begin = MOVED if rolle == "MIETER" else BEGAN
        nr = who.person
        self.tell(
            ("PERSON", nr, {"personNr": nr, "name": "Zoë Müller"}),
            *(("EINHEIT", f"E{nr}{g}", _einheit(f"E{nr}{g}", g)) for g in HOUSES),
            ("VERTRAG", who.first, _vertrag(who.first, who, "G1", beginn=BEGAN, **ende)),
            ("VERTRAG", who.second, _vertrag(who.second, who, "G2", beginn=begin)),
        )
        for brief in _of_tenant(who) if rolle == "MIETER" else _of_owner(who):
            self.provide(who, brief)
        return who

    def provide(self, who: Bewohner, brief: Brief, **more: str) -> str:
        """Let immotion provide a document, perhaps in answer to a Vorgang; returns its id."""
        name = f"D-{who.person}-{len(who.ids)}"
        content = letter(
            brief.titel, name="Zoë Müller", adresse="Auenfurt", vertrag=who.second, datum=f"{brief.datum} ({name})"
        )
        file = {"data": content, "headers": {"Content-Type": "application/pdf"}}
        url = f"{self.portal.standin_url}/_standin/dokumente/{name}?dateiname={brief.art}.pdf"
        requests.put(url, timeout=30, **file).raise_for_status()
        zeitraum = {"von": f"{brief.zeitraum}-01-01", "bis": f"{brief.zeitraum}-12-31"}
        said = daten(
            name,
            content,
            dokumentart=brief.art,
            titel=brief.titel,
            dateiname=f"{brief.titel}.pdf",
            datum=brief.datum,
            empfaenger=[brief.an],
            **({"zeitraum": zeitraum} if brief.zeitraum else {}),
        )
        event = {"typ": "DOKUMENT", "mandant": MANDANT, "sichtbarkeit": "MIETER", "daten": said} | more
        self._post("ereignisse", event)
        who.content[brief.titel], who.ids[brief.titel] = content, name
        return name

    def publish(self) -> None:
        """Publish what is for whole houses from a folder, as an operator does."""
        folder = self.portal.directory / "haeuser"
        folder.mkdir()
        rows = [row for nr in HOUSES for row in _of_house(nr)]
        for name, _, titel, _, nr in rows:
            paper = letter(titel, name="Alle im Haus", adresse=HOUSES[nr][0], vertrag=nr, datum="heute")
            Path(folder, name).write_bytes(paper)
        with Path(folder, "dokumente.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";").writerows([("datei", "art", "titel", "datum", "gebaeudeNr"), *rows])
        options = ["--config", str(self.portal.config), "document", "publish", MANDANT, str(folder), "--yes"]
        done = CliRunner().invoke(main, options)
        assert done.exit_code == 0, done.output

    def acknowledged(self, name: str) -> list[tuple[str, str]]:
        """Return what immotion has been told of a document."""
        return patiently(
            lambda: [
                (one["art"], one["personNr"])
                for one in self._get(f"dokumente/{name}")["quittungen"]
                if one["art"] == "ERSTMALS_GEOEFFNET"
            ]
        )

    def filed(self, externe_id: str) -> bool:
        """Tell whether immotion has this Vorgang."""
        return externe_id in {row["externeId"] for row in self.portal.ledger()}

    def _post(self, path: str, said: object) -> None:
        requests.post(f"{self.portal.standin_url}/_standin/{path}", json=said, timeout=30).raise_for_status()

    def _get(self, path: str) -> dict[str, Any]:
        return requests.get(f"{self.portal.standin_url}/_standin/{path}", timeout=30).json()


def patiently(check: Callable[[], T]) -> T:
    """Return what comes within three minutes; asked seldom, as asking costs more than waiting."""
    for _ in range(360):
        if found := check():
            return found
        time.sleep(0.5)
    raise AssertionError("did not happen within three minutes")


def opened_letterbox(directory: Path, *origins: str) -> Iterator[Letterbox]:
    """Start portal, immotion and sync; what is for the houses is there, and nobody lives in them yet."""
    portal = Installation(directory, host="localhost", origins=origins, level2='actions = ["nachrichten"]')
    box = Letterbox(portal)
    try:
        portal.start_standin()
        portal.start_portal()
        box.tell(*(("GEBAEUDE", nr, _gebaeude(nr)) for nr in HOUSES))
        portal.start_sync()
        box.publish()
        yield box
    finally:
        portal.stop_all()


def _of_tenant(who: Bewohner) -> list[Brief]:
    return [
        Brief("MIETVERTRAG", "Mietvertrag Lindenhofer Straße", {"vertragNr": who.second}, f"{YEAR - 2}-09-10"),
        Brief(
            "BK_ABRECHNUNG",
            f"Betriebskostenabrechnung {YEAR - 3}",
            {"vertragNr": who.first},
            f"{YEAR - 2}-08-03",
            str(YEAR - 3),
        ),
        Brief(
            "BK_ABRECHNUNG",
            f"Betriebskostenabrechnung {YEAR - 2}",
            {"vertragNr": who.second},
            f"{YEAR - 1}-08-03",
            str(YEAR - 2),
        ),
        Brief("ANSCHREIBEN", "Ablesung der Heizkostenverteiler", {"personNr": who.person}, f"{YEAR - 1}-11-02"),
    ]


def _of_owner(who: Bewohner) -> list[Brief]:
    year, titel = str(YEAR - 2), f"Hausgeldabrechnung {YEAR - 2}"
    return [
        Brief("HAUSGELD", titel, {"vertragNr": who.first}, f"{YEAR - 1}-06-01", year),
        Brief("HAUSGELD", f"{titel}, Lindenhof", {"vertragNr": who.second}, f"{YEAR - 1}-06-02", year),
        Brief("WIRTSCHAFTSPLAN", "Wirtschaftsplan", {"vertragNr": who.second}, f"{YEAR - 2}-03-01"),
        Brief("ANSCHREIBEN", "Einladung zur Versammlung", {"personNr": who.person}, f"{YEAR - 1}-05-01"),
    ]


def _of_house(nr: str) -> list[tuple[str, str, str, str, str]]:
    own = {
        "G1": (f"nach-{nr}.pdf", "ANSCHREIBEN", STRANGE[1], f"{YEAR - 1}-02-01", nr),
        "G2": (f"vor-{nr}.pdf", "ANSCHREIBEN", STRANGE[0], f"{YEAR - 3}-02-01", nr),
    }
    return [
        (f"hausordnung-{nr}.pdf", "HAUSORDNUNG", f"Hausordnung {HOUSES[nr][0]}", f"{YEAR - 6}-01-01", nr),
        (f"protokoll-{nr}.pdf", "ETV_PROTOKOLL", f"Protokoll {HOUSES[nr][0]}", f"{YEAR - 1}-04-01", nr),
        own[nr],
    ]


def _gebaeude(nr: str) -> dict[str, str]:
    strasse, plz = HOUSES[nr]
    return {"gebaeudeNr": nr, "strasse": strasse, "plz": plz, "ort": "Auenfurt"}


def _einheit(nr: str, gebaeude: str) -> dict[str, str]:
    return {"einheitNr": nr, "gebaeudeNr": gebaeude, "lage": FLATS[gebaeude]}


def _vertrag(nr: str, who: Bewohner, gebaeude: str, **more: str) -> dict[str, str]:
    einheit = f"E{who.person}{gebaeude}"
    return {"vertragNr": nr, "personNr": who.person, "einheitNr": einheit, "rolle": who.rolle} | more
