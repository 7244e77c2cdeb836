"""Where a Vorgang should go: the Mandant's rules, first match wins, with the catalog as default. immotion decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from service.vorgang.catalog import Catalog

DEFAULT_RULE = "Katalog"
CONDITIONS = (
    "typ",
    "schadensort",
    "schadenskategorie",
    "schadensart",
    "beschwerdeart",
    "kontaktthema",
    "dokumentart",
    "gebaeude",
)
_FRIDAY = 4


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """What a rule matches (None: anything) and what it suggests (None: what the catalog says)."""

    name: str
    typ: tuple[str, ...] | None = None
    schadensort: tuple[str, ...] | None = None
    schadenskategorie: tuple[str, ...] | None = None
    schadensart: tuple[str, ...] | None = None
    beschwerdeart: tuple[str, ...] | None = None
    kontaktthema: tuple[str, ...] | None = None
    dokumentart: tuple[str, ...] | None = None
    gebaeude: tuple[str, ...] | None = None
    vorgangsart: str | None = None
    team: str | None = None
    sachbearbeiter: str | None = None
    prioritaet: str | None = None
    frist_werktage: int | None = None


@dataclass(frozen=True, slots=True)
class RoutingCase:
    """The facts of a Vorgang that rules look at."""

    typ: str
    schadensort: str | None = None
    schadenskategorie: str | None = None
    schadensart: str | None = None
    beschwerdeart: str | None = None
    kontaktthema: str | None = None
    dokumentart: str | None = None
    gebaeude: str | None = None
    notfall_regel: str | None = None


@dataclass(frozen=True, slots=True)
class Routing:
    """The suggestion, and why: `regel` is the rule's name, `begruendung` says it in a sentence."""

    regel: str
    vorgangsart: str
    team: str
    sachbearbeiter: str | None
    prioritaet: str
    frist: date
    begruendung: str


def route(rules: Sequence[RoutingRule], catalog: Catalog, case: RoutingCase, *, today: date) -> Routing:
    """Return the suggestion of the first rule that matches, filled up from the catalog.

    A firing emergency rule raises priority and Vorgangsart as the catalog says, unless the rule sets its own.
    """
    rule = next((rule for rule in rules if mismatch(rule, case) is None), None)
    given = rule or RoutingRule(DEFAULT_RULE)
    emergency = catalog.emergency_priority if case.notfall_regel else None
    vorgangsart = given.vorgangsart or (emergency[1] if emergency else _default_vorgangsart(catalog, case))
    default = catalog.vorgangsarten[vorgangsart]
    own_priority = emergency[0] if emergency else _art_priority(catalog, case)
    prioritaet = given.prioritaet or own_priority or default.default_priority
    days = given.frist_werktage
    if days is None:
        days = catalog.prioritaeten[prioritaet].target_business_days
    return Routing(
        regel=given.name,
        vorgangsart=vorgangsart,
        team=given.team or default.default_role,
        sachbearbeiter=given.sachbearbeiter,
        prioritaet=prioritaet,
        frist=_business_days_after(today, days),
        begruendung=_reason(rule, case),
    )


def mismatch(rule: RoutingRule, case: RoutingCase) -> str | None:
    """Return the first condition of a rule that a case does not meet; None when it matches."""
    for name in CONDITIONS:
        wanted = getattr(rule, name)
        if wanted is not None and getattr(case, name) not in wanted:
            return name
    return None


def check_rules(rules: Sequence[RoutingRule], catalog: Catalog) -> tuple[str, ...]:
    """Return what in the rules the catalog does not know."""
    return tuple(problem for rule in rules for problem in _unknown(rule, catalog))


def _unknown(rule: RoutingRule, catalog: Catalog) -> list[str]:
    conditions: Mapping[str, Mapping[str, object]] = {
        "schadensort": catalog.schadensorte,
        "schadenskategorie": catalog.schadenskategorien,
        "schadensart": catalog.schadensarten,
        "beschwerdeart": catalog.beschwerdearten,
        "kontaktthema": catalog.kontaktthemen,
        "dokumentart": catalog.dokumentarten,
    }
    results: Mapping[str, Mapping[str, object]] = {
        "vorgangsart": catalog.vorgangsarten,
        "team": catalog.rollen,
        "prioritaet": catalog.prioritaeten,
    }
    wanted = [(name, code, table) for name, table in conditions.items() for code in getattr(rule, name) or ()]
    wanted += [(name, getattr(rule, name), table) for name, table in results.items() if getattr(rule, name)]
    return [f'{rule.name}: {name}: "{code}" is not in the catalog' for name, code, table in wanted if code not in table]


def _default_vorgangsart(catalog: Catalog, case: RoutingCase) -> str:
    if case.schadensort and case.schadenskategorie and case.schadensart:
        return catalog.vorgangsart_for(catalog.triple(case.schadensort, case.schadenskategorie, case.schadensart))
    tables = (
        (catalog.beschwerdearten, case.beschwerdeart),
        (catalog.kontaktthemen, case.kontaktthema),
        (catalog.dokumentarten, case.dokumentart),
    )
    return next(table[code].vorgangsart for table, code in tables if code is not None and code in table)


def _art_priority(catalog: Catalog, case: RoutingCase) -> str | None:
    return catalog.schadensarten[case.schadensart].prioritaet if case.schadensart else None


def _reason(rule: RoutingRule | None, case: RoutingCase) -> str:
    if rule is None:
        said = "Keine Regel des Mandanten trifft zu; der Katalog entscheidet."
    else:
        matched = ", ".join(f"{name} {getattr(case, name)}" for name in CONDITIONS if getattr(rule, name) is not None)
        said = f"Regel „{rule.name}“ trifft zu ({matched or 'ohne Bedingung'})."
    return f"{said} Notfallregel {case.notfall_regel} hat ausgelöst." if case.notfall_regel else said


def _business_days_after(day: date, count: int) -> date:
    while count > 0:
        day += timedelta(days=1)
        count -= day.weekday() <= _FRIDAY
    return day
