"""Forms of reports: what is wrong is said at once, and what need not be answered is marked."""

import re
from collections.abc import Iterator

import pytest

from service.store.database import connected, database
from tests.support.inprocess import Portal, Visitor

ERRORS = re.compile(r'href="#feld-([a-z_]+)"')
LABELS = re.compile(r"<(?:legend|label for=[^>]+)>([^<]+)<")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    portal = Portal(tmp_path_factory.mktemp("portal"))
    yield portal
    portal.close()


@pytest.fixture
def portal(opened: Portal) -> Portal:
    with connected():
        for table in ("vorgang", "draft", "anhang", "outbox"):
            database.execute_sql(f"DELETE FROM {table}")
    return opened


@pytest.fixture
def visitor(portal: Portal) -> Visitor:
    return portal.visitor()


def test_an_empty_form_names_every_field_that_is_missing_at_once(visitor: Visitor) -> None:
    form = visitor.form("melden/schaden?schadensart=HEIZUNG.AUSFALL")
    answer = visitor.post("melden/schaden", form)
    assert answer.status_code == 422
    assert set(ERRORS.findall(answer.text)) == {"schadensort", "antwort_umfang"}


def test_an_art_of_other_things_asks_for_place_and_words_at_once(visitor: Visitor) -> None:
    form = visitor.form("melden/schaden?schadensart=HEIZUNG.SONSTIGES")
    answer = visitor.post("melden/schaden", form)
    assert set(ERRORS.findall(answer.text)) >= {"schadensort", "beschreibung"}


@pytest.mark.parametrize(
    "lang,label",
    [("de", "Raumtemperatur in °C (falls bekannt, freiwillig)"), ("en", "Room temperature in °C (if known, optional)")],
)
def test_a_voluntary_question_with_a_remark_of_its_own_is_marked_too(visitor: Visitor, lang: str, label: str) -> None:
    page = visitor.get(f"melden/schaden?schadensart=HEIZUNG.AUSFALL&lang={lang}").text
    assert label in LABELS.findall(page)
