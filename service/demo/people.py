"""Who lives where at Musterbau eG: invented buildings, flats, people and contracts. Pure data."""

import hmac
from dataclasses import dataclass
from typing import Any

MANDANT = "musterbau"
COMPANY = "Musterbau eG"
CONNECTION = "website"
OWN_LOGIN = "portal"
HOTLINE = "030 23125 500"  # of the block of numbers that is kept free for film and fiction
LINDENHOF_HOTLINE = "030 23125 533"
OFFICE = "030 23125 0"
DEMO_PASSWORD = "wohnen"  # noqa: S105 - printed on the login page; the people are invented and the site is local


@dataclass(frozen=True, slots=True)
class Gebaeude:
    nr: str
    wirtschaftseinheit: str
    name: str
    strasse: str
    plz: str
    ort: str = "Auenfurt"


@dataclass(frozen=True, slots=True)
class Einheit:
    nr: str
    gebaeude: str
    lage: str


@dataclass(frozen=True, slots=True)
class Vertrag:
    """A contract; dates as YYYY-MM-DD, `ende` None while it runs."""

    nr: str
    person: str
    einheit: str
    beginn: str
    rolle: str = "MIETER"
    ende: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A resident or owner; `login` is the name at the company's site."""

    nr: str
    login: str
    name: str
    telefon: str
    sprache: str = "de"

    @property
    def email(self) -> str:
        """The address; example.org receives nothing."""
        return f"{self.login}@example.org"


GEBAEUDE = (
    Gebaeude("G100", "WE01", "Amselhof", "Amselgasse 3", "99871"),
    Gebaeude("G200", "WE02", "Lindenhof", "Lindenhofer Straße 12", "99873"),
    Gebaeude("G300", "WE03", "Haus am Wehr", "Am Mühlenwehr 7", "99871"),
)
EINHEITEN = (
    Einheit("E101", "G100", "Erdgeschoss links"),
    Einheit("E102", "G100", "1. Obergeschoss rechts"),
    Einheit("E103", "G100", "2. Obergeschoss links"),
    Einheit("E104", "G100", "3. Obergeschoss rechts"),
    Einheit("E201", "G200", "Erdgeschoss rechts"),
    Einheit("E202", "G200", "1. Obergeschoss Mitte"),
    Einheit("E203", "G200", "2. Obergeschoss rechts"),
    Einheit("E204", "G200", "4. Obergeschoss links"),
    Einheit("E205", "G200", "Stellplatz 14, Tiefgarage"),
    Einheit("E301", "G300", "Hochparterre"),
    Einheit("E302", "G300", "1. Obergeschoss"),
    Einheit("E303", "G300", "2. Obergeschoss"),
    Einheit("E304", "G300", "Dachgeschoss"),
    Einheit("E305", "G300", "Laden im Erdgeschoss"),
)
PERSONEN = (
    Person("0004711", "zoe.mueller", "Zoë Müller", "030 23125 601"),
    Person("0004712", "mehmet.yildiz", "Mehmet Yıldız", "030 23125 602"),
    Person("0004713", "jana.oesterreich", "Jana Österreich-Groß", "030 23125 603"),
    Person("0004714", "oleksandr.koval", "Oleksandr Kowal", "030 23125 604", "en"),
    Person("0004715", "grete.suessmilch", "Grete Süßmilch", "030 23125 605"),
    Person("0004716", "amina.haddad", "Amina Haddad", "030 23125 606"),
    Person("0004717", "tran.minh", "Trần Minh Châu", "030 23125 607"),
    Person("0004718", "pawel.wisniewski", "Paweł Wiśniewski", "030 23125 608"),
    Person("0004719", "ingrid.thorvaldsen", "Ingrid Thorvaldsen", "030 23125 609", "en"),
    Person("0004720", "kofi.mensah", "Kofi Mensah", "030 23125 610"),
    Person("0004721", "baerbel.jaeger", "Bärbel Jäger", "030 23125 611"),
    Person("0004722", "lucia.fernandez", "Lucía Fernández", "030 23125 612"),
)
VERTRAEGE = (
    Vertrag("V-10101", "0004711", "E102", "2019-04-01"),
    Vertrag("V-10102", "0004711", "E205", "2021-09-01"),
    Vertrag("V-10201", "0004712", "E203", "2015-11-01"),
    Vertrag("V-10301", "0004713", "E304", "2012-02-01", "EIGENTUEMER"),
    Vertrag("V-10302", "0004713", "E302", "2017-06-01", "EIGENTUEMER"),
    Vertrag("V-10401", "0004714", "E101", "2023-03-15"),
    Vertrag("V-10501", "0004715", "E201", "1984-08-01"),
    Vertrag("V-10601", "0004716", "E204", "2020-10-01"),
    Vertrag("V-10701", "0004717", "E103", "2018-01-01", ende="2025-01-31"),
    Vertrag("V-10702", "0004717", "E301", "2025-02-01"),
    Vertrag("V-10801", "0004718", "E104", "2016-05-01"),
    Vertrag("V-10901", "0004719", "E202", "2024-07-01"),
    Vertrag("V-11001", "0004720", "E103", "2025-03-01"),
    Vertrag("V-11101", "0004721", "E303", "1998-12-01"),
    Vertrag("V-11102", "0004721", "E305", "2010-01-01", "EIGENTUEMER"),
    Vertrag("V-11201", "0004722", "E302", "2022-08-15"),
)
BY_NR = {person.nr: person for person in PERSONEN}
BY_LOGIN = {person.login: person for person in PERSONEN}


def authenticate(login: str, password: str) -> Person | None:
    """Return who this is; None for a wrong name or password alike."""
    known = hmac.compare_digest(password.encode(), DEMO_PASSWORD.encode())
    return BY_LOGIN.get(login.strip().lower()) if known else None


def roles_of(person: Person) -> tuple[str, ...]:
    """Return the roles that the site's tokens name: mieter, eigentuemer."""
    held = {vertrag.rolle for vertrag in VERTRAEGE if vertrag.person == person.nr}
    return tuple(name for rolle, name in (("MIETER", "mieter"), ("EIGENTUEMER", "eigentuemer")) if rolle in held)


def home_of(person: Person) -> str:
    """Return the address and floor of a person's first contract that runs, for people to recognise."""
    vertrag = next(v for v in VERTRAEGE if v.person == person.nr and v.ende is None)
    einheit = next(e for e in EINHEITEN if e.nr == vertrag.einheit)
    gebaeude = next(g for g in GEBAEUDE if g.nr == einheit.gebaeude)
    return f"{gebaeude.strasse}, {einheit.lage}"


def stammdaten() -> list[dict[str, Any]]:
    """Return everything as changes of the Vorgang interface's master data, in an order that never dangles."""
    return [
        *(
            _change(
                "GEBAEUDE",
                g.nr,
                gebaeudeNr=g.nr,
                wirtschaftseinheitNr=g.wirtschaftseinheit,
                strasse=g.strasse,
                plz=g.plz,
                ort=g.ort,
            )
            for g in GEBAEUDE
        ),
        *(_change("EINHEIT", e.nr, einheitNr=e.nr, gebaeudeNr=e.gebaeude, lage=e.lage) for e in EINHEITEN),
        *(_change("PERSON", p.nr, personNr=p.nr, name=p.name, email=p.email, telefon=p.telefon) for p in PERSONEN),
        *(
            _change(
                "VERTRAG",
                v.nr,
                vertragNr=v.nr,
                personNr=v.person,
                einheitNr=v.einheit,
                rolle=v.rolle,
                beginn=v.beginn,
                ende=v.ende,
            )
            for v in VERTRAEGE
        ),
    ]


def _change(art: str, nr: str, **daten: str | None) -> dict[str, Any]:
    return {"art": art, "nr": nr, "geloescht": False, "daten": daten}
