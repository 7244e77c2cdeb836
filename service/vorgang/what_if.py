"""Which routing rule would match? The same rules that decide, asked for a case that nobody has filed."""

from dataclasses import dataclass
from datetime import date

from service.vorgang.catalog import Catalog, UnknownSchadensfall
from service.vorgang.routing import Routing, RoutingCase, mismatch, route
from service.vorgang.types import House


class UnknownCode(Exception):
    """The case cannot be: `field` names the first fact that is missing or that the catalog does not know."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class Explanation:
    """The suggestion, and each rule with the first condition that the case does not meet (None: it matches)."""

    routing: Routing
    rules: tuple[tuple[str, str | None], ...]


def explain(house: House, case: RoutingCase, *, today: date) -> Explanation:
    """Return what the rules make of a case; raises UnknownCode."""
    _check(house.catalog, case)
    rules = tuple((rule.name, mismatch(rule, case)) for rule in house.routing)
    return Explanation(route(house.routing, house.catalog, case, today=today), rules)


def _check(catalog: Catalog, case: RoutingCase) -> None:
    asked = {
        "BESCHWERDE": ("beschwerdeart", case.beschwerdeart, catalog.beschwerdearten),
        "KONTAKT": ("kontaktthema", case.kontaktthema, catalog.kontaktthemen),
        "DOKUMENT": ("dokumentart", case.dokumentart, catalog.dokumentarten),
    }
    if case.typ == "SCHADEN":
        _check_schaden(catalog, case)
    elif case.typ not in asked:
        raise UnknownCode("typ")
    else:
        field, code, known = asked[case.typ]
        if code not in known:
            raise UnknownCode(field)
    if case.notfall_regel is not None and case.notfall_regel not in catalog.emergency_rules:
        raise UnknownCode("notfall_regel")


def _check_schaden(catalog: Catalog, case: RoutingCase) -> None:
    try:
        catalog.triple(case.schadensort or "", case.schadenskategorie or "", case.schadensart or "")
    except UnknownSchadensfall as unknown:
        raise UnknownCode(unknown.field) from unknown
