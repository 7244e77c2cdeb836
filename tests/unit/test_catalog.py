"""The catalog: what exists, what is found, what is refused with its place."""

import copy
import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.vorgang.catalog import (
    DEFAULT_CATALOG,
    CatalogError,
    Thema,
    UnknownSchadensfall,
    default_catalog,
    load_catalog,
)

RAW: dict[str, Any] = json.loads(Path(DEFAULT_CATALOG).read_text(encoding="utf-8"))
CATALOG = default_catalog()


def test_exactly_the_combinations_of_the_file_exist() -> None:
    allowed = {(place, art["category"], art["code"]) for art in RAW["schadensarten"] for place in art["places"]}
    for triple in product(CATALOG.schadensorte, CATALOG.schadenskategorien, CATALOG.schadensarten):
        if triple in allowed:
            assert CATALOG.triple(*triple).art.code == triple[2]
        else:
            with pytest.raises(UnknownSchadensfall):
                CATALOG.triple(*triple)


@pytest.mark.parametrize(
    "triple,field",
    [
        (("X", "SANITAER", "SANITAER.TROPFT"), "schadensort"),
        (("W_BAD", "X", "SANITAER.TROPFT"), "schadenskategorie"),
        (("W_BAD", "SANITAER", "X"), "schadensart"),
        (("A_SPIEL", "SANITAER", "SANITAER.TROPFT"), "schadensort"),
    ],
)
def test_the_field_that_does_not_fit_is_named(triple: tuple[str, str, str], field: str) -> None:
    with pytest.raises(UnknownSchadensfall) as refused:
        CATALOG.triple(*triple)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "text,art",
    [
        ("heizung kalt", "HEIZUNG.AUSFALL"),
        ("Klo verstopft", "SANITAER.WC_VERSTOPFT"),
        ("fahrstuhl", "AUFZUG.AUSFALL"),
        ("TUERE klingel", "TUER.KLINGEL"),
        ("mould", "FEUCHTE.SCHIMMEL"),
        ("rauchmelder", "BRANDSCHUTZ.MELDER_PIEPT"),
    ],
)
def test_a_resident_finds_the_art_by_their_own_words(text: str, art: str) -> None:
    found = [hit.code for hit in CATALOG.search(text.replace("TUERE ", ""), "de")]
    assert art in found[:4]


def test_a_search_for_nothing_finds_nothing() -> None:
    assert CATALOG.search("  ", "de") == ()
    assert CATALOG.search("xyzzy", "de") == ()


def test_browsing_offers_only_what_occurs_at_a_place() -> None:
    for ort in CATALOG.schadensorte:
        for kategorie in CATALOG.kategorien_at(ort):
            assert CATALOG.arten_at(ort, kategorie.code)


def test_shared_areas_have_their_own_vorgangsart() -> None:
    inside = CATALOG.triple("W_KUECHE", "ELEKTRO", "ELEKTRO.STECKDOSE")
    assert CATALOG.vorgangsart_for(inside) == "VA300"
    assert CATALOG.vorgangsart_for(CATALOG.triple("G_KELLER", "SANITAER", "SANITAER.ABFLUSS_VERSTOPFT")) == "VA310"


def kontaktthema(**more: Any) -> Thema:
    """Return a topic of a company's own file, which names it as given."""
    raw = copy.deepcopy(RAW)
    own = {"code": "KUENDIGUNG_INFO", "de": "Information zur Kündigung (Papier)", "vorgangsart": "VA110"} | more
    raw["kontaktthemen"] = [own, *(one for one in raw["kontaktthemen"] if one["code"] != own["code"])]
    return load_catalog(raw).kontaktthemen["KUENDIGUNG_INFO"]


def test_residents_read_no_word_of_clerks_for_a_kuendigung() -> None:
    for lang in ("de", "en"):
        assert "Portalvorgang" not in CATALOG.kontaktthemen["KUENDIGUNG_INFO"].label.text(lang)
    assert "§ 568 BGB" in CATALOG.kontaktthemen["KUENDIGUNG_INFO"].information[0].de


def test_a_file_that_knows_no_information_has_that_of_the_shipped_one() -> None:
    thema = kontaktthema()
    assert (thema.label.de, bool(thema.information)) == ("Information zur Kündigung (Papier)", True)
    assert not kontaktthema(information_de=[]).information
    named = kontaktthema(de=next(one["de"] for one in RAW["kontaktthemen"] if one["code"] == thema.code))
    assert named.label == CATALOG.kontaktthemen[thema.code].label


@pytest.mark.parametrize("name,value", [("information_de", "x"), ("information_en", [1]), ("resident_de", "")])
def test_information_that_is_no_text_is_refused_with_its_place(name: str, value: object) -> None:
    with pytest.raises(CatalogError) as refused:
        kontaktthema(**{name: value})
    assert [problem.split(":")[0] for problem in refused.value.problems] == [f"kontaktthemen[0].{name}"]


def test_special_categories_are_asked_only_where_switched_on() -> None:
    art = CATALOG.schadensarten["HEIZUNG.AUSFALL"]
    assert "vulnerable" not in [q.id for q in CATALOG.questions_for(art, special_categories=False)]
    assert "vulnerable" in [q.id for q in CATALOG.questions_for(art, special_categories=True)]


def test_every_code_of_immotion_is_mapped_and_others_show_as_worked_on() -> None:
    for code in CATALOG.erp_statuses:
        assert CATALOG.tenant_status_for(code)[1]
    status, known = CATALOG.tenant_status_for("NIE_GEHOERT")
    assert (status.code, known) == ("IN_BEARBEITUNG", False)


def test_a_catalog_without_our_additions_gets_the_shipped_words() -> None:
    plain = copy.deepcopy(RAW)
    for name in ("option_labels", "call_labels"):
        del plain[name]
    for rule in plain["emergency_rules"]:
        del rule["steps_en"]
    plain["questions"][0]["options"].append("nie_gesehen")
    loaded = load_catalog(plain)
    labels = dict(loaded.questions["umfang"].options)
    assert labels["ein_raum"].text("en") == "One room"
    assert labels["nie_gesehen"].de == "Nie gesehen"
    assert loaded.emergency_rules["E_GAS"].steps_in("en")[0].startswith("Open")


@pytest.mark.parametrize("typ", ["BESCHWERDE", "KONTAKT", "DOKUMENT"])
@pytest.mark.parametrize("status", sorted(CATALOG.tenant_statuses))
def test_no_status_speaks_of_a_defect_where_none_was_reported(status: str, typ: str) -> None:
    text = CATALOG.tenant_statuses[status].text_for(typ)
    assert not re.search("Mangel|Schaden|defect|damage", f"{text.de} {text.en}")


def test_of_a_damage_a_completed_status_says_what_to_do_if_the_defect_persists() -> None:
    assert "Besteht der Mangel fort" in CATALOG.tenant_statuses["ERLEDIGT"].text_for("SCHADEN").de


def test_a_mandants_own_words_for_a_status_hold_for_every_type() -> None:
    own = copy.deepcopy(RAW)
    done = next(status for status in own["tenant_statuses"] if status["code"] == "ERLEDIGT")
    done["text_de"] = "Fertig."
    del done["text_by_typ"]
    assert load_catalog(own).tenant_statuses["ERLEDIGT"].text_for("KONTAKT").de == "Fertig."


def broken(**changes: Any) -> tuple[str, ...]:
    raw = copy.deepcopy(RAW)
    for path, value in changes.items():
        *way, last = path.split("__")
        target: Any = raw
        for step in way:
            target = target[int(step)] if step.isdigit() else target[step]
        target[int(last) if last.isdigit() else last] = value
    with pytest.raises(CatalogError) as refused:
        load_catalog(raw)
    return refused.value.problems


@pytest.mark.parametrize(
    "changes,where",
    [
        ({"schema": "other/1"}, "schema"),
        ({"version": ""}, "version"),
        ({"schadensarten": []}, "schadensarten"),
        ({"schadensorte__0": 1}, "schadensorte[0]"),
        ({"schadensarten__3__places__1": "X"}, "schadensarten[3].places[1]"),
        ({"schadensarten__3__places": []}, "schadensarten[3].places"),
        ({"schadensarten__3__category": "X"}, "schadensarten[3].category"),
        ({"schadensarten__3__priority": None}, "schadensarten[3].priority"),
        ({"schadensarten__3__questions": "umfang"}, "schadensarten[3].questions"),
        ({"schadensarten__5__questions__0": "x"}, "schadensarten[5].questions[0]"),
        ({"schadensarten__0__emergency_rule": "E_X"}, "schadensarten[0].emergency_rule"),
        ({"schadensarten__0__code": "GEFAHR.BRAND"}, "schadensarten[1].code"),
        ({"schadensarten__0__code": "gas geruch"}, "schadensarten[0].code"),
        ({"schadensarten__0__de": " "}, "schadensarten[0].de"),
        ({"schadensarten__0__en": 5}, "schadensarten[0].en"),
        ({"schadensarten__0__search_words": 5}, "schadensarten[0].search_words"),
        ({"beschwerdearten__0__search_words": 5}, "beschwerdearten[0].search_words"),
        ({"questions__0__type": "x"}, "questions[0].type"),
        ({"questions__0__options": []}, "questions[0].options"),
        ({"emergency_rules__0__mode": "x"}, "emergency_rules[0].mode"),
        ({"emergency_rules__0__call": "112"}, "emergency_rules[0].call"),
        ({"emergency_rules__0__steps_en": 1}, "emergency_rules[0].steps_en"),
        ({"emergency_rules__0__title_en": 1}, "emergency_rules[0].title_en"),
        ({"emergency_rules__0__condition": []}, "emergency_rules[0].condition"),
        ({"emergency_rules__0__condition": {}}, "emergency_rules[0].condition"),
        ({"emergency_rules__0__condition": {"all": []}}, "emergency_rules[0].condition.all"),
        ({"emergency_rules__0__condition": {"any": [{"kind": "X"}]}}, "emergency_rules[0].condition.any[0].kind"),
        ({"emergency_rules__0__condition": {"question": "umfang"}}, "emergency_rules[0].condition"),
        ({"emergency_rules__0__condition": {"calendar": "x"}}, "emergency_rules[0].condition.calendar"),
        ({"emergency_rules__0__condition": {"setting": "x"}}, "emergency_rules[0].condition.setting"),
        ({"priorities__0__target_business_days": -1}, "priorities[0].target_business_days"),
        ({"vorgangsart_overrides": 1}, "vorgangsart_overrides"),
        ({"vorgangsart_overrides__0__to": "X"}, "vorgangsart_overrides[0].to"),
        ({"option_labels": {"ja": 1}}, "option_labels"),
        ({"call_labels": {"112": {"de": "x", "en": 1}}}, "call_labels"),
        ({"tenant_statuses__0__code": "ANDERS"}, "tenant_statuses"),
        ({"tenant_statuses__0__text_by_typ": []}, "tenant_statuses[0].text_by_typ"),
        ({"tenant_statuses__0__text_by_typ": {"KONTAKT": {"en": "x"}}}, "tenant_statuses[0].text_by_typ"),
    ],
)
def test_a_fault_is_named_with_its_place(changes: dict[str, Any], where: str) -> None:
    assert any(problem.startswith(where) for problem in broken(**changes))


def test_all_faults_are_named_at_once() -> None:
    assert len(broken(schadensarten__0__category="X", schadensarten__1__category="X", questions__0__type="x")) == 3


@pytest.mark.parametrize("raw", [None, 5, [], "x", {}])
def test_what_is_no_catalog_at_all_is_refused(raw: object) -> None:
    with pytest.raises(CatalogError):
        load_catalog(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_catalog_with_anything_anywhere_loads_or_is_refused(data: st.DataObject) -> None:
    raw = copy.deepcopy(RAW)
    table = data.draw(st.sampled_from(sorted(raw)))
    if isinstance(raw[table], list) and data.draw(st.booleans()):
        row = data.draw(st.integers(0, len(raw[table]) - 1))
        if isinstance(raw[table][row], dict):
            raw[table][row][data.draw(st.sampled_from(sorted(raw[table][row])))] = data.draw(JSON)
    else:
        raw[table] = data.draw(JSON)
    try:
        load_catalog(raw)
    except CatalogError as refused:
        assert refused.problems
