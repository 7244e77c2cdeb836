"""The catalog and the routing rules, for a CMS's back end that lets its user ask "which rule would match?"."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import falcon

from service.vorgang.catalog import Catalog, Entry, Label
from service.vorgang.routing import CONDITIONS, RoutingRule
from service.web.admin import AdminRoute, spent

_RESULTS = ("vorgangsart", "team", "sachbearbeiter", "prioritaet", "frist_werktage")
_PLAIN = (
    "vorgangstypen",
    "schadensorte",
    "schadenskategorien",
    "beschwerdearten",
    "kontaktthemen",
    "dokumentarten",
    "vorgangsarten",
    "prioritaeten",
    "rollen",
)


class AdminCatalog(AdminRoute):
    """`GET …/admin/catalog`: what residents choose from, and the rules in the order in which they are tried."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Give every code with its words, and each rule with its conditions and what it suggests."""
        spent(req)
        house = self._room.houses.of(mandant)
        resp.media = {
            "version": house.catalog.version,
            "digest": house.catalog.digest,
            "tables": _tables(house.catalog),
            "rules": [_rule(rule) for rule in house.routing],
        }


def _tables(catalog: Catalog) -> dict[str, list[dict[str, Any]]]:
    plain = {name: _entries(getattr(catalog, name)) for name in _PLAIN}
    arten = [
        _entry(art) | {"schadenskategorie": art.kategorie, "schadensorte": list(art.orte)}
        for art in catalog.schadensarten.values()
    ]
    rules = [_named(rule.id, rule.title) for rule in catalog.emergency_rules.values()]
    return plain | {"schadensarten": arten, "notfall_regeln": rules}


def _entries(table: Mapping[str, Entry]) -> list[dict[str, Any]]:
    return [_entry(entry) for entry in table.values()]


def _entry(entry: Entry) -> dict[str, Any]:
    return _named(entry.code, entry.label)


def _named(code: str, words: Label) -> dict[str, Any]:
    return {"code": code, "de": words.de, "en": words.text("en")}


def _rule(rule: RoutingRule) -> dict[str, Any]:
    facts = asdict(rule)
    return {"name": rule.name, "conditions": _set(facts, CONDITIONS), "suggests": _set(facts, _RESULTS)}


def _set(facts: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: facts[name] for name in names if facts[name] is not None}
