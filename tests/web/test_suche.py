"""The search of damages on its page."""

import re
from html import unescape

import pytest

from service.vorgang.catalog import default_catalog
from tests.support.portal import Resident

_NOTHING = "Dazu haben wir nichts gefunden"


def _hits(resident: Resident, query: str) -> tuple[str, list[str]]:
    """Return the region of hits, which the script shows while somebody types, and where its links lead."""
    found = re.search(r'<div id="treffer".*?</div>', resident.get(f"melden/schaden?{query}").text, re.DOTALL)
    assert found
    return found.group(), [unescape(url) for url in re.findall(r'href="([^"]+)"', found.group())]


@pytest.mark.parametrize("lang,typed", [("de", "Das Licht im Treppenhaus geht nicht"), ("en", "no heating")])
def test_the_page_shows_what_the_catalog_finds_in_its_order(resident: Resident, lang: str, typed: str) -> None:
    region, urls = _hits(resident, f"lang={lang}&suche={typed}")
    assert [re.findall(r"schadensart=([A-Z_.]+)", url) for url in urls] == [
        [art.code] for art in default_catalog().search(typed, lang)
    ]
    assert _NOTHING not in region


def test_a_complaint_is_found_among_damages_and_its_form_has_it_chosen(resident: Resident) -> None:
    region, urls = _hits(resident, "suche=Lärm")
    assert _NOTHING not in region
    assert "Lärm aus der Nachbarschaft" in region
    assert '<option value="LAERM_NACHBAR" selected>' in resident.get(urls[0]).text


def test_a_beschwerdeart_that_there_is_not_is_chosen_by_no_address(resident: Resident) -> None:
    assert " selected" not in resident.get("melden/beschwerde?beschwerdeart=QUATSCH").text


def test_a_search_that_finds_nothing_leads_to_the_choice_by_place_and_to_sonstiges(resident: Resident) -> None:
    region, urls = _hits(resident, "suche=Klavier")
    assert _NOTHING in region
    assert "„Sonstiges“" in region
    places = resident.get(urls[0]).text
    assert "Wo ist der Schaden?" in places
    kitchen = re.search(r'href="([^"]+schadensort=W_KUECHE[^"]*)"', places)
    assert kitchen
    assert "Sonstiges (bitte beschreiben)" in resident.get(unescape(kitchen.group(1))).text


def test_a_kategorie_that_the_company_chose_is_kept_where_nothing_is_found(resident: Resident) -> None:
    _, urls = _hits(resident, "suche=Klavier&schadenskategorie=HEIZUNG")
    assert "schadenskategorie=HEIZUNG" in urls[0]


def test_before_anything_is_searched_no_hit_and_no_refusal_is_shown(resident: Resident) -> None:
    region, urls = _hits(resident, "neu=1")
    assert urls == []
    assert _NOTHING not in region
