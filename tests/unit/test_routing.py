"""First match wins; what a rule leaves open the catalog fills in."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from service.vorgang.catalog import default_catalog
from service.vorgang.routing import RoutingCase, RoutingRule, check_rules, mismatch, route

CATALOG = default_catalog()
FRIDAY = date(2026, 11, 20)
TAP = RoutingCase("SCHADEN", "W_KUECHE", "SANITAER", "SANITAER.TROPFT", gebaeude="G1")


def test_without_rules_the_catalog_decides() -> None:
    routing = route((), CATALOG, TAP, today=FRIDAY)
    assert (routing.regel, routing.vorgangsart, routing.team, routing.prioritaet) == (
        "Katalog",
        "VA300",
        "TECHNIK",
        "P4",
    )
    assert "Katalog entscheidet" in routing.begruendung


def test_the_first_rule_that_matches_wins() -> None:
    rules = (
        RoutingRule("anderes Haus", gebaeude=("G2",), sachbearbeiter="A"),
        RoutingRule(
            "Wasser Nord",
            schadenskategorie=("SANITAER",),
            gebaeude=("G1",),
            sachbearbeiter="B",
            prioritaet="P2",
            frist_werktage=3,
            team="HAUSWART",
        ),
        RoutingRule("alles", sachbearbeiter="C"),
    )
    routing = route(rules, CATALOG, TAP, today=FRIDAY)
    assert (routing.regel, routing.sachbearbeiter, routing.team, routing.prioritaet) == (
        "Wasser Nord",
        "B",
        "HAUSWART",
        "P2",
    )
    assert routing.frist == date(2026, 11, 25)
    assert "gebaeude G1" in routing.begruendung


def test_a_rule_without_conditions_matches_everything() -> None:
    routing = route((RoutingRule("alles", vorgangsart="VA310"),), CATALOG, TAP, today=FRIDAY)
    assert (routing.vorgangsart, routing.team) == ("VA310", "TECHNIK")
    assert "ohne Bedingung" in routing.begruendung


def test_an_emergency_becomes_p1_unless_a_rule_says_otherwise() -> None:
    case = RoutingCase("SCHADEN", "W_KUECHE", "SANITAER", "SANITAER.ROHRBRUCH", notfall_regel="E_WASSER")
    fired = route((), CATALOG, case, today=FRIDAY)
    assert (fired.prioritaet, fired.vorgangsart, fired.frist) == ("P1", "VA330", FRIDAY)
    own = route((RoutingRule("eigene", prioritaet="P2"),), CATALOG, case, today=FRIDAY)
    assert (own.prioritaet, own.vorgangsart) == ("P2", "VA330")
    assert "E_WASSER" in own.begruendung


def test_every_kind_of_report_has_a_vorgangsart() -> None:
    for thema in CATALOG.kontaktthemen.values():
        assert (
            route((), CATALOG, RoutingCase("KONTAKT", kontaktthema=thema.code), today=FRIDAY).vorgangsart
            == thema.vorgangsart
        )
    for art in CATALOG.beschwerdearten.values():
        assert (
            route((), CATALOG, RoutingCase("BESCHWERDE", beschwerdeart=art.code), today=FRIDAY).vorgangsart
            == art.vorgangsart
        )
    for dokument in CATALOG.dokumentarten.values():
        assert (
            route((), CATALOG, RoutingCase("DOKUMENT", dokumentart=dokument.code), today=FRIDAY).vorgangsart
            == dokument.vorgangsart
        )


def test_codes_that_the_catalog_does_not_know_are_named() -> None:
    rules = (RoutingRule("falsch", schadensart=("X",), team="Y"), RoutingRule("gut", kontaktthema=("ALLGEMEIN",)))
    assert check_rules(rules, CATALOG) == (
        'falsch: schadensart: "X" is not in the catalog',
        'falsch: team: "Y" is not in the catalog',
    )


@given(st.lists(st.sampled_from(["G1", "G2", None]), max_size=6))
def test_the_chosen_rule_is_the_first_without_a_mismatch(buildings: list[str | None]) -> None:
    rules = [RoutingRule(str(n), gebaeude=(b,) if b else None) for n, b in enumerate(buildings)]
    chosen = route(rules, CATALOG, TAP, today=FRIDAY).regel
    matching = [rule.name for rule in rules if mismatch(rule, TAP) is None]
    assert chosen == (matching[0] if matching else "Katalog")
