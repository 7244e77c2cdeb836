"""An address that there is not: the reader's language, their navigation, a way back, in each embedding."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store.database import database
from tests.support.inprocess import BASE, EMBEDDINGS, Portal


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    running = Portal(tmp_path_factory.mktemp("portal"))
    yield running
    running.close()


@pytest.mark.parametrize("embedding", EMBEDDINGS)
@pytest.mark.parametrize("path", ["gibt/es/nicht", "vorgaenge/00000000-0000-7000-8000-000000000000"])
def test_a_page_that_there_is_not_leads_back_to_the_overview(portal: Portal, embedding: str, path: str) -> None:
    answer = portal.visitor(embedding).get(path)
    assert answer.status_code == 404
    assert "Diese Seite gibt es nicht, oder sie ist für Sie nicht freigegeben." in answer.text
    assert "does not exist" not in answer.text
    home = BASE if embedding == "fragment" else "/musterbau/"
    assert f'href="{home}">Zur Übersicht</a>' in answer.text


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_whoever_is_signed_in_keeps_their_navigation(portal: Portal, embedding: str) -> None:
    page = portal.visitor(embedding).get("gibt/es/nicht").text
    assert "Meine Vorgänge" in page
    assert ("<html" in page) == (embedding != "fragment")


def test_it_is_in_the_readers_language(portal: Portal) -> None:
    visitor = portal.visitor()
    page = portal.client.simulate_get(
        "/musterbau/gibt/es/nicht",
        headers={
            "Authorization": f"Portal website:{visitor.token(lang='en')}",
            "Portal-Base-Url": BASE,
        },
    ).text
    assert "This page does not exist, or it is not open to you." in page
    assert "Diese Seite" not in page


def test_whoever_is_not_signed_in_is_told_by_the_mandants_page(portal: Portal) -> None:
    answer = portal.client.simulate_get("/musterbau/gibt/es/nicht", params={"lang": "en"})
    assert answer.status_code == 404
    assert 'href="/musterbau/?lang=en"' in answer.text
    assert "mp-nav" not in answer.text


def test_a_token_that_is_not_believed_shows_nothing_of_the_mandant(portal: Portal) -> None:
    headers = {"Authorization": "Portal website:x.y.z", "Portal-Base-Url": BASE}
    answer = portal.client.simulate_get("/musterbau/gibt/es/nicht", headers=headers)
    assert answer.status_code == 404
    assert "Musterbau" not in answer.text


def test_without_the_database_it_is_a_page_all_the_same(portal: Portal, tmp_path: Path) -> None:
    visitor = portal.visitor("cookie")
    held, database.obj.database = database.obj.database, str(tmp_path / "nowhere" / "portal.db")
    try:
        database.obj.close_all()
        answer = visitor.get("gibt/es/nicht")
    finally:
        database.obj.database = held
    assert answer.status_code == 404
    assert "Zur Übersicht" in answer.text
    assert "mp-nav" not in answer.text
