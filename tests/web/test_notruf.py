"""Whom to call, for residents whose homes lie in buildings with different emergency numbers."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dokumente import tell
from tests.support.inprocess import Portal, Visitor
from tests.support.portal import MANDANT, forms

# The Mandant's hotline is 030 1234567, that of the Lindenhof (G2) 030 7654321; G1 and G3 have the Mandant's.
HEIZUNG = "melden/schaden?schadensort=W_GESAMT&schadenskategorie=HEIZUNG&schadensart=HEIZUNG.AUSFALL"
GAS = "melden/schaden?schadensort=W_KUECHE&schadenskategorie=GEFAHR&schadensart=GEFAHR.GASGERUCH"
CALL = re.compile(
    r'href="tel:(\d+)".*?mp-call-name">([^<]+)</span>(?: <strong>[^<]*</strong>)?'
    r'(?: <span class="mp-call-house">([^<]+))?'
)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = Portal(tmp_path_factory.mktemp("portal"))
    tell(MANDANT, *_stammdaten())
    yield made
    made.close()


def _stammdaten() -> Iterator[tuple[str, str, dict[str, str]]]:
    for person in ("ZWEI", "GLEICH", "LINDE"):
        yield "PERSON", person, {"personNr": person, "name": person}
    for nr in ("G1", "G2", "G3"):
        yield "GEBAEUDE", nr, {"gebaeudeNr": nr, "strasse": f"Weg {nr}", "plz": "99871", "ort": "Auenfurt"}
        yield "EINHEIT", f"E-{nr}", {"einheitNr": f"E-{nr}", "gebaeudeNr": nr, "lage": "2. Obergeschoss"}
    for person, nr in (("ZWEI", "G1"), ("ZWEI", "G2"), ("GLEICH", "G1"), ("GLEICH", "G3"), ("LINDE", "G2")):
        contract = {"vertragNr": f"{person}-{nr}", "personNr": person, "einheitNr": f"E-{nr}", "rolle": "MIETER"}
        yield "VERTRAG", f"{person}-{nr}", contract


@pytest.fixture
def both(portal: Portal) -> Visitor:
    """Somebody with a home in each of two buildings whose numbers differ."""
    return portal.visitor(person="ZWEI")


def hotlines(page: str) -> list[tuple[str, str]]:
    """Return the numbers of the Havarie-Hotline on a page, each with the house that it is said to be for."""
    return [(tel, house) for tel, label, house in CALL.findall(page) if label == "Havarie-Hotline"]


EACH = [("0301234567", "Weg G1, 99871 Auenfurt"), ("0307654321", "Lindenhof, Weg G2, 99871 Auenfurt")]


@pytest.mark.parametrize("path", ["", "notfall", GAS])
def test_while_no_home_is_chosen_each_number_says_which_house_it_is_for(both: Visitor, path: str) -> None:
    page = both.get(path).text
    assert hotlines(page)[:2] == EACH


def test_a_number_that_all_homes_have_stands_there_once_and_names_no_house(both: Visitor) -> None:
    assert [house for tel, _, house in CALL.findall(both.get(GAS).text) if tel == "112"] == [""]


def answered(visitor: Visitor, aktion: str, **typed: str) -> str:
    form = visitor.form(HEIZUNG) | {"schadensort": "W_GESAMT", "antwort_umfang": "haus", "aktion": aktion}
    page = visitor.post("melden/schaden", form | typed).text
    visitor.post("melden/schaden", forms(page)[0] | {"aktion": "verwerfen"})
    return page


@pytest.mark.parametrize("aktion", ["speichern", "absenden"])
def test_the_number_follows_the_home_that_is_chosen(both: Visitor, aktion: str) -> None:
    assert hotlines(answered(both, aktion)) == EACH
    assert hotlines(answered(both, aktion, vertrag="ZWEI-G2")) == EACH[1:]
    assert hotlines(answered(both, aktion, vertrag="ZWEI-G1")) == EACH[:1]


def test_what_the_script_compares_changes_with_the_home(both: Visitor) -> None:
    stands = {
        re.search(r'id="notfall" data-swap data-stand="([^"]+)"', answered(both, "speichern", **chosen)).group(1)
        for chosen in ({}, {"vertrag": "ZWEI-G1"}, {"vertrag": "ZWEI-G2"})
    }
    assert len(stands) == 3


def test_a_home_that_the_site_has_chosen_stays_so_when_the_call_is_confirmed(both: Visitor) -> None:
    page = both.get(f"{GAS}&gebaeude=G2").text
    assert hotlines(page) == EACH[1:]
    confirm = re.search(r'href="[^"]*/(melden/schaden[^"]*notfall_bestaetigt=1[^"]*)"', page).group(1)
    assert hotlines(both.get(confirm.replace("&amp;", "&")).text) == EACH[1:]


@pytest.mark.parametrize("path", ["", GAS])
@pytest.mark.parametrize("person,tel", [("GLEICH", "0301234567"), ("LINDE", "0307654321")])
def test_without_different_numbers_none_names_a_house(portal: Portal, path: str, person: str, tel: str) -> None:
    assert hotlines(portal.visitor(person=person).get(path).text) == [(tel, "")]


def test_who_is_not_known_is_told_which_houses_have_another_number(portal: Portal) -> None:
    others = ("0301234567", "Alle anderen Häuser")
    page = portal.client.simulate_get(f"/{MANDANT}/notfall").text
    assert hotlines(page) == [others, ("0307654321", "")]
    assert page.index("Lindenhof") < page.index("0307654321")
    assert hotlines(portal.client.simulate_get(f"/{MANDANT}/vorgaenge").text) == [others, ("0307654321", "Lindenhof")]


@pytest.mark.parametrize("houses,shown", [(4, 6), (5, 1)])
def test_where_many_houses_have_numbers_of_their_own_a_notice_shows_only_the_others(
    tmp_path: Path, houses: int, shown: int
) -> None:
    many = "".join(
        f'[mandanten.{MANDANT}.gebaeude.H{n}]\nnotfall.nummern = {{ HAVARIE_HOTLINE = "030 55500{n}" }}\n'
        for n in range(houses)
    )
    portal = Portal(tmp_path, extra=many)
    try:
        page = portal.client.simulate_get(f"/{MANDANT}/vorgaenge").text
    finally:
        portal.close()
    assert hotlines(page)[0] == ("0301234567", "Alle anderen Häuser")
    assert len(hotlines(page)) == shown


def test_where_nothing_but_calling_helps_what_keeps_alive_stands_before_the_numbers(both: Visitor) -> None:
    page = both.get(GAS).text
    assert page.index("erst draußen telefonieren") < page.index("Rufen Sie dann an") < page.index('href="tel:')


def test_whoever_has_called_is_not_asked_to_call_before_they_go_on(both: Visitor) -> None:
    ask = "Bitte rufen Sie an, bevor Sie weiterschreiben"
    water = "melden/schaden?schadensort=W_BAD&schadenskategorie=SANITAER&schadensart=SANITAER.ROHRBRUCH"
    assert ask in both.get(water).text
    assert ask not in both.get(f"{GAS}&notfall_bestaetigt=1").text
