"""What the catalog and the house's rules make of a report, before anything is stored."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from service.store.records import Vertrag
from service.vorgang.betreff import default_betreff
from service.vorgang.catalog import Catalog, Label, Question, Schadensfall, UnknownSchadensfall
from service.vorgang.emergency import EmergencyNotice, calls_of, notice_for
from service.vorgang.hotlines import merged, only_at
from service.vorgang.routing import Routing, RoutingCase, route
from service.vorgang.tenancy import offered
from service.vorgang.types import House, Melder, Meldung, MeldungRefused, Problem, Vorgangstyp

BETREFF_MAX = 120
BESCHREIBUNG_MAX = 4000
_ANSWER_MAX = 500
_PHONE = re.compile(r"^[+0(][0-9 ()/.-]{3,}$")
THEMA = {
    Vorgangstyp.KONTAKT: "kontaktthema",
    Vorgangstyp.BESCHWERDE: "beschwerdeart",
    Vorgangstyp.DOKUMENT: "dokumentart",
}


@dataclass(frozen=True, slots=True)
class Assessed:
    """A report that may be filed: its labels and codes at this time, and where it should go."""

    labels: Mapping[str, Any]
    details: Mapping[str, Any]
    routing: Routing
    betreff: str
    vertrag: Vertrag | None


@dataclass(frozen=True, slots=True)
class _Case:
    """A report with everything that is needed to decide about it."""

    meldung: Meldung
    house: House
    vertrag: Vertrag | None
    now: datetime

    @property
    def building(self) -> str:
        return self.vertrag.gebaeude_nr if self.vertrag else ""


def assess(meldung: Meldung, melder: Melder, house: House, *, now: datetime) -> Assessed:
    """Check a report against the catalog and decide about it; raises MeldungRefused with every problem."""
    vertraege = _offered(meldung, melder, house, now)
    vertrag = _vertrag_of(meldung, vertraege)
    problems = _texts(meldung)
    if vertrag is None and vertraege:
        problems.append(Problem("vertrag", "not_allowed" if meldung.vertrag_nr else "choose"))
    if melder.vertraege and not vertraege and meldung.typ is not Vorgangstyp.KONTAKT:
        problems.append(Problem("vertrag", "no_contract_now"))
    case = _Case(meldung, house, vertrag, now)
    return _schaden(case, problems) if meldung.typ is Vorgangstyp.SCHADEN else _thema(case, problems)


def assess_light(meldung: Meldung, vertrag: Vertrag | None, house: House, *, now: datetime) -> Assessed:
    """Decide about a damage or a Kontakt that is filed by one tap: its codes exist, and nothing else is asked."""
    case = _Case(meldung, house, vertrag, now)
    if meldung.typ is Vorgangstyp.SCHADEN:
        fall = house.catalog.triple(meldung.schadensort, meldung.schadenskategorie, meldung.schadensart)
        return _assessed(case, _fall_labels(fall), _fall_codes(fall) | {"antworten": {}}, meldung.betreff, None)
    thema = house.catalog.kontaktthemen[meldung.kontaktthema]
    labels = {"kontaktthema": _both(thema.label)}
    return _assessed(case, labels, {"kontaktthema": thema.code}, meldung.betreff, None)


def _offered(meldung: Meldung, melder: Melder, house: House, now: datetime) -> Sequence[Vertrag]:
    return offered(melder.vertraege, meldung.typ, now.astimezone(house.zone).date())


def _vertrag_of(meldung: Meldung, vertraege: Sequence[Vertrag]) -> Vertrag | None:
    """Return the contract that a report is about: the one chosen, or the only one there is."""
    if not meldung.vertrag_nr and len(vertraege) == 1:
        return vertraege[0]
    return next((vertrag for vertrag in vertraege if vertrag.nr == meldung.vertrag_nr), None)


def notice_of(meldung: Meldung, melder: Melder, house: House, *, now: datetime) -> EmergencyNotice | None:
    """Return the emergency notice that this damage report fires, as far as it is filled in.

    While no home is chosen, it fires if it does in one of them. Where the homes' buildings have different numbers, each
    names its building, also that of the home chosen.
    """
    vertraege = _offered(meldung, melder, house, now)
    chosen = _vertrag_of(meldung, vertraege)
    homes: Sequence[Vertrag | None] = vertraege if chosen is None and vertraege else [chosen]
    cases = (_Case(meldung, house, vertrag, now) for vertrag in homes)
    fired = {case.building: notice for case in cases if (notice := _notice(case)) is not None}
    if not fired:
        return None
    first = next(iter(fired.values()))
    buildings = [vertrag.gebaeude_nr for vertrag in vertraege] or [""]
    calls = merged({nr: calls_of(house.catalog, first.rule, house.notfall_for(nr)) for nr in buildings})
    return replace(first, calls=only_at(calls, fired))


def _notice(case: _Case) -> EmergencyNotice | None:
    house, meldung = case.house, case.meldung
    art = house.catalog.schadensarten.get(meldung.schadensart)
    if art is None:
        return None
    settings = house.notfall_for(case.building)
    return notice_for(house.catalog, art, meldung.antworten, settings=settings, now=case.now)


def _schaden(case: _Case, problems: list[Problem]) -> Assessed:
    meldung, house = case.meldung, case.house
    notice, fall = _notice(case), None
    try:
        fall = house.catalog.triple(meldung.schadensort, meldung.schadenskategorie, meldung.schadensart)
    except UnknownSchadensfall as unknown:
        problems.append(Problem(unknown.field, "not_allowed" if getattr(meldung, unknown.field) else "choose"))
    questions = _asked(case)
    problems += _schaden_problems(case, questions, notice)
    if problems or fall is None:
        raise MeldungRefused(problems)
    given = {q.id: meldung.antworten[q.id] for q in questions if meldung.antworten.get(q.id)}
    details = _fall_codes(fall) | {"antworten": given}
    if notice is not None and notice.is_emergency:
        details["notfall"] = {"regel": notice.rule_id, "bestaetigt_um": case.now.isoformat()}
    labels = _fall_labels(fall) | {"antworten": [_answer_label(q, given[q.id]) for q in questions if q.id in given]}
    emergency = notice.rule_id if notice is not None and notice.is_emergency else None
    betreff = meldung.betreff or default_betreff(labels, "de")
    return _assessed(case, labels, details, betreff, emergency)


def _asked(case: _Case) -> tuple[Question, ...]:
    """Return what the Art asks, wherever the damage is; nothing while no Art is chosen."""
    catalog = case.house.catalog
    art = catalog.schadensarten.get(case.meldung.schadensart)
    return catalog.questions_for(art, special_categories=case.house.special_categories) if art else ()


def _schaden_problems(case: _Case, questions: Sequence[Question], notice: EmergencyNotice | None) -> Iterator[Problem]:
    """Yield what is wrong beside the combination itself, so that nobody has to send a form once for every fault."""
    meldung = case.meldung
    for question in questions:
        yield from _answer_problems(question, meldung.antworten)
    if meldung.schadensart.endswith(".SONSTIGES") and not meldung.beschreibung:
        yield Problem("beschreibung", "describe")
    if notice is not None and notice.is_emergency and not meldung.notfall_bestaetigt:
        yield Problem("notfall_bestaetigt", "confirm_emergency")


def _thema(case: _Case, problems: list[Problem]) -> Assessed:
    meldung, house = case.meldung, case.house
    name = THEMA[meldung.typ]
    code = getattr(meldung, name)
    label = thema_label(house.catalog, name, code)
    if label is None:
        problems.append(Problem(name, "not_allowed" if code else "choose"))
    if name == "kontaktthema" and code in house.catalog.kontaktthemen and house.catalog.kontaktthemen[code].information:
        problems.append(Problem(name, "information"))
    if meldung.typ is not Vorgangstyp.DOKUMENT and not meldung.beschreibung:
        problems.append(Problem("beschreibung", "required"))
    if problems or label is None:
        raise MeldungRefused(problems)
    details = {name: code, **{key: value for key, value in meldung.zusatz.items() if value}}
    return _assessed(case, {name: _both(label)}, details, meldung.betreff or label.de, None)


def thema_label(catalog: Catalog, name: str, code: str) -> Label | None:
    """Return the label of a kontaktthema, beschwerdeart or dokumentart; None when the catalog has no such code."""
    table: Mapping[str, Any] = {
        "kontaktthema": catalog.kontaktthemen,
        "beschwerdeart": catalog.beschwerdearten,
        "dokumentart": catalog.dokumentarten,
    }[name]
    entry = table.get(code)
    return None if entry is None else entry.label


def _assessed(
    case: _Case, labels: Mapping[str, Any], details: Mapping[str, Any], betreff: str, notfall_regel: str | None
) -> Assessed:
    routing = _route(case, details, notfall_regel)
    typ = case.house.catalog.vorgangstypen[case.meldung.typ].label
    vorgangsart = case.house.catalog.vorgangsarten.get(routing.vorgangsart)
    extra = {"vorgangsart": _both(vorgangsart.label)} if vorgangsart else {}
    all_labels = {"typ": _both(typ), **labels, **extra}
    return Assessed(all_labels, details, routing, betreff[:BETREFF_MAX], case.vertrag)


def _route(case: _Case, details: Mapping[str, Any], notfall_regel: str | None) -> Routing:
    facts = RoutingCase(
        typ=case.meldung.typ,
        schadensort=details.get("schadensort"),
        schadenskategorie=details.get("schadenskategorie"),
        schadensart=details.get("schadensart"),
        beschwerdeart=details.get("beschwerdeart"),
        kontaktthema=details.get("kontaktthema"),
        dokumentart=details.get("dokumentart"),
        gebaeude=case.building or None,
        notfall_regel=notfall_regel,
    )
    today = case.now.astimezone(case.house.zone).date()
    return route(case.house.routing, case.house.catalog, facts, today=today)


def _texts(meldung: Meldung) -> list[Problem]:
    limits = {
        "betreff": BETREFF_MAX,
        "beschreibung": BESCHREIBUNG_MAX,
        "erreichbar": 500,
        "telefon": 50,
        "vertrag_nr": 40,
    }
    problems = [
        Problem(name.removesuffix("_nr"), "too_long", {"max": limit, "length": len(getattr(meldung, name))})
        for name, limit in limits.items()
        if len(getattr(meldung, name)) > limit
    ]
    if meldung.telefon and not _PHONE.match(meldung.telefon):
        problems.append(Problem("telefon", "phone"))
    return problems


def _answer_problems(question: Question, answers: Mapping[str, str]) -> list[Problem]:
    value = answers.get(question.id, "")
    name = f"antwort_{question.id}"
    if not value:
        return [] if question.optional else [Problem(name, "choose" if question.type == "single" else "required")]
    if len(value) > _ANSWER_MAX:
        return [Problem(name, "too_long", {"max": _ANSWER_MAX, "length": len(value)})]
    code = {"single": _bad_option, "number": _bad_number, "date": _bad_date}.get(question.type, _good)(question, value)
    return [Problem(name, code)] if code else []


def _good(_question: Question, _value: str) -> str:
    return ""


def _bad_option(question: Question, value: str) -> str:
    return "" if value in {code for code, _ in question.options} else "not_allowed"


def _bad_number(_question: Question, value: str) -> str:
    digits = value.replace(",", ".").replace(".", "", 1).removeprefix("-")
    return "" if digits.isascii() and digits.isdigit() else "number"


def _bad_date(_question: Question, value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        return "date"
    return ""


def _fall_codes(fall: Schadensfall) -> dict[str, Any]:
    return {
        "schadensort": fall.ort.code,
        "schadenskategorie": fall.kategorie.code,
        "schadensart": fall.art.code,
    }


def _fall_labels(fall: Schadensfall) -> dict[str, Any]:
    return {
        "schadensort": _both(fall.ort.label),
        "schadenskategorie": _both(fall.kategorie.label),
        "schadensart": _both(fall.art.label),
    }


def _answer_label(question: Question, value: str) -> dict[str, Any]:
    options = dict(question.options)
    answer = _both(options[value]) if value in options else {"de": value, "en": value}
    return {"id": question.id, "frage": _both(question.label), "antwort": answer}


def _both(label: Label) -> dict[str, str]:
    return {"de": label.text("de"), "en": label.text("en")}
