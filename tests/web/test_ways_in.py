"""Where the company's site has chosen something already: a Kategorie, a building, a page, a kind of CMS."""

import re
from collections.abc import Iterator

import pytest

from service.store import stammdaten
from service.store.database import connected
from service.store.stammdaten import Aenderung
from tests.support.inprocess import ORIGIN, Portal, Visitor
from tests.support.portal import KEY, MANDANT

ART = "schadensort=W_KUECHE&schadenskategorie=SANITAER&schadensart=SANITAER.TROPFT"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = Portal(tmp_path_factory.mktemp("portal"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def resident(portal: Portal) -> Visitor:
    """Somebody with a home in each of two buildings."""
    data = [
        ("PERSON", "P1", {"personNr": "P1", "name": "Zoë Müller"}),
        *(("GEBAEUDE", nr, {"gebaeudeNr": nr, "strasse": f"Weg {nr}"}) for nr in ("G1", "G2")),
        *(("EINHEIT", f"E-{nr}", {"einheitNr": f"E-{nr}", "gebaeudeNr": nr}) for nr in ("G1", "G2")),
        *(
            (
                "VERTRAG",
                f"V-{nr}",
                {"vertragNr": f"V-{nr}", "personNr": "P1", "einheitNr": f"E-{nr}", "rolle": "MIETER"},
            )
            for nr in ("G1", "G2")
        ),
    ]
    with connected():
        changes = [Aenderung(art, nr, daten) for art, nr, daten in data]
        stammdaten.apply_changes(MANDANT, changes, full_since=None)
    return portal.visitor(person="P1")


def test_a_category_leaves_only_the_places_where_it_occurs(resident: Visitor) -> None:
    everything = resident.get("melden/schaden").text
    lift = resident.get("melden/schaden?schadenskategorie=AUFZUG").text
    assert "schadensort=W_KUECHE" in everything
    assert "schadensort=W_KUECHE" not in lift
    assert "schadensort=" in lift
    assert "Alle Schäden zeigen" in lift


def test_a_category_stays_chosen_at_the_next_step(resident: Visitor) -> None:
    kitchen = resident.get("melden/schaden?schadenskategorie=SANITAER&schadensort=W_KUECHE").text
    shown = set(re.findall(r"schadensort=W_KUECHE&amp;?.*?schadensart=([A-Z]+)\.", kitchen))
    assert shown == {"SANITAER"}


def test_a_category_that_the_catalog_does_not_know_chooses_nothing(resident: Visitor) -> None:
    assert "schadensort=W_KUECHE" in resident.get("melden/schaden?schadenskategorie=GIBTESNICHT").text


def test_a_building_chooses_the_home_of_somebody_with_several(resident: Visitor) -> None:
    page = resident.get(f"melden/schaden?{ART}&gebaeude=G2").text
    assert re.search(r'value="V-G2"[^>]* checked', page)
    assert not re.search(r'value="V-G1"[^>]* checked', page)


def test_a_building_goes_along_from_step_to_step(resident: Visitor) -> None:
    assert "gebaeude=G2" in resident.get("melden/schaden?gebaeude=G2&schadensort=W_KUECHE").text


def test_somebody_elses_building_chooses_nothing(resident: Visitor) -> None:
    page = resident.get(f"melden/schaden?{ART}&gebaeude=G9").text
    assert not re.search(r'name="vertrag"[^>]* checked', page)


def signed_on(resident: Visitor, ziel: str) -> str:
    form = {"token": resident.token("login")}
    answer = resident.send("POST", f"sso/website?ziel={ziel}", form, headers={"Origin": ORIGIN}, signed=False)
    assert answer.status_code == 303
    return answer.headers["Location"]


def test_who_is_signed_on_begins_with_the_page_that_the_site_names(resident: Visitor) -> None:
    ziel = "melden/schaden%3Fschadenskategorie%3DSANITAER"
    assert signed_on(resident, ziel) == f"/{MANDANT}/melden/schaden?schadenskategorie=SANITAER"


@pytest.mark.parametrize(
    "ziel", ["//evil.example", "https://evil.example", "a//b", "../nachbar", "a/../../b", "%0d%0aX"]
)
def test_a_page_elsewhere_is_not_begun_with(resident: Visitor, ziel: str) -> None:
    assert signed_on(resident, ziel) == f"/{MANDANT}/"


def test_the_frame_begins_with_the_page_that_the_site_names(resident: Visitor) -> None:
    entry = resident.send("GET", "sso/website?ziel=melden/kontakt", signed=False).text
    assert f'data-action="/{MANDANT}/sso/website?ziel=melden%2Fkontakt"' in entry


def test_forms_for_typo3_name_the_files_so_that_php_keeps_all_of_them(portal: Portal, resident: Visitor) -> None:
    typo3 = portal.visitor(person="P1", mandant="nachbar", key=KEY[::-1])
    assert 'name="anhaenge[]"' in typo3.get(f"melden/schaden?{ART}").text
    assert 'name="anhaenge"' in resident.get(f"melden/schaden?{ART}").text


def test_typo3_is_told_that_a_form_was_kept_whose_sender_is_signed_out(portal: Portal, resident: Visitor) -> None:
    form = resident.form(f"melden/schaden?{ART}")
    kept = resident.send("POST", "melden/schaden", form | {"beschreibung": "Lang"}, signed=False)
    assert (kept.status_code, kept.headers.get("Portal-Input-Kept")) == (401, "1")
    lost = resident.send("POST", "melden/schaden", form | {"csrf_token": "x"}, signed=False)
    assert (lost.status_code, lost.headers.get("Portal-Input-Kept")) == (401, None)
    assert "Lang" in resident.get(f"melden/schaden?{ART}").text
