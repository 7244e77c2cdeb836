"""How a company is reached by whoever meets a barrier, and what the ways to sign in are called."""

import re
from collections.abc import Iterator

import falcon.testing
import pytest

from tests.support.inprocess import BASE, EMBEDDINGS, ORIGIN, Portal
from tests.support.portal import KEY

SITES = ("https://www.beide.example", "https://intranet.beide.example")
EXTRA = f"""
[mandanten.beide]
name = "Beide eG"
[mandanten.beide.contact]
phone = "030 23125 0"
email = "post@beide.example"
[mandanten.beide.connections.website]
kind = "generic"
origins = ["{SITES[0]}"]
keys = ["{KEY}"]
login_url = "{SITES[0]}/anmelden"
[mandanten.beide.connections.portal]
kind = "own"
origins = ["{SITES[0]}"]
[mandanten.beide.invitation]
url = "{SITES[0]}/code"
[mandanten.zwei]
name = "Zwei eG"
[mandanten.zwei.connections.website]
kind = "generic"
origins = ["{SITES[0]}"]
keys = ["{KEY}"]
[mandanten.zwei.connections.intranet]
kind = "generic"
origins = ["{SITES[1]}"]
keys = ["{KEY}"]
"""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    running = Portal(tmp_path_factory.mktemp("portal"), extra=EXTRA)
    yield running
    running.close()


def links(answer: falcon.testing.Result, css: str) -> list[tuple[str, str]]:
    """Return the words and addresses of the links in one element of a page."""
    element = re.search(rf'class="{css}">(.*?)</(?:ul|div)>', answer.text, re.DOTALL)
    assert element, answer.text
    return [(words, url) for url, words in re.findall(r'<a[^>]* ?href="([^"]+)"[^>]*>([^<]+)</a>', element[1])]


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_whoever_is_signed_in_reports_a_barrier_by_the_contact_form(portal: Portal, embedding: str) -> None:
    form = f"{BASE}/melden/kontakt" if embedding == "fragment" else "/musterbau/melden/kontakt"
    assert links(portal.visitor(embedding).get("barrierefreiheit"), "mp-linklist") == [("Kontakt aufnehmen", form)]


def test_anybody_else_is_led_to_the_company(portal: Portal) -> None:
    answer = portal.client.simulate_get("/musterbau/barrierefreiheit")
    assert links(answer, "mp-linklist") == [("Website von Musterbau eG", ORIGIN)]


def test_number_and_address_of_the_settings_are_there_for_all(portal: Portal) -> None:
    answer = portal.client.simulate_get("/beide/barrierefreiheit", params={"lang": "en"})
    assert links(answer, "mp-linklist") == [
        ("Call: 030 23125 0", "tel:030231250"),
        ("Email to post@beide.example", "mailto:post@beide.example"),
        ("Website of Beide eG", SITES[0]),
    ]
    visitor = portal.visitor(mandant="beide")
    headers = {"Authorization": f"Portal website:{visitor.token()}", "Portal-Base-Url": f"{SITES[0]}/portal"}
    signed_in = links(portal.client.simulate_get("/beide/barrierefreiheit", headers=headers), "mp-linklist")
    assert [words for words, _ in signed_in] == [
        "Kontakt aufnehmen", "Anrufen: 030 23125 0", "E-Mail an post@beide.example",
    ]  # fmt: skip


def test_each_way_to_sign_in_is_named_after_where_it_leads(portal: Portal) -> None:
    both = links(portal.client.simulate_get("/beide/vorgaenge"), "mp-actions")
    assert [words for words, _ in both] == [
        "Mit Kundennummer oder E-Mail-Adresse anmelden", "Auf der Website von Beide eG anmelden",
    ]  # fmt: skip
    assert both[1][1] == f"{SITES[0]}/anmelden"
    assert links(portal.client.simulate_get("/zwei/vorgaenge"), "mp-actions") == [
        ("Auf www.beide.example anmelden", SITES[0]),
        ("Auf intranet.beide.example anmelden", SITES[1]),
    ]
    assert links(portal.client.simulate_get("/musterbau/vorgaenge"), "mp-actions") == [("Zur Anmeldung", ORIGIN)]
