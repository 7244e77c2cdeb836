"""Which actions need the second factor, as the Mandant's list has it, and from when on nobody does them without."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.settings import Level2Settings
from tests.support.inprocess import EMBEDDINGS, Portal, Visitor

PDF = (Path(__file__).parent.parent / "files" / "page.pdf").read_bytes()
CHANGE = {"neu_ort": "99871 Auenfurt", "ab": "2026-12-01"}
ASK = {"kontaktthema": "STAMMDATEN", "beschreibung": "Neue Anschrift: Auenfurt"}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = Portal(tmp_path_factory.mktemp("actions"), level2="compulsory_from = 2027-01-01")
    yield made
    made.close()


def report(visitor: Visitor) -> str:
    """File a question with a file, and return the path of its Vorgang."""
    form = visitor.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "Geheime Frage"}
    answer = visitor.post("melden/kontakt", form, {"anhaenge": ("plan.pdf", PDF)})
    path = visitor.where(answer).partition("?")[0]
    assert "Geheime Frage" in visitor.get(path).text
    return path.removesuffix("/quittung")


def test_unless_told_otherwise_correspondence_documents_and_contact_data_need_it() -> None:
    assert Level2Settings().actions == ("dokumente", "nachrichten", "kontaktdaten")


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_what_was_reported_a_while_ago_is_shown_again_at_level_2_only(portal: Portal, embedding: str) -> None:
    visitor = portal.visitor(embedding)
    visitor.set_up()
    path = report(visitor)
    upload = re.search(r'anhaenge/[0-9a-f-]+"', visitor.get(f"{path}/quittung").text)
    assert upload is not None
    parts = ("quittung", "quittung.pdf", upload.group().rstrip('"'))
    portal.later(minutes=11)
    for part in parts:
        answer = visitor.get(f"{path}/{part}")
        assert visitor.where(answer).startswith("bestaetigen?"), part
    weiter = visitor.where(visitor.get(f"{path}/quittung")).partition("weiter=")[2]
    assert "Geheime Frage" in visitor.follow(visitor.step_up(visitor.code(), weiter)).text
    assert [visitor.get(f"{path}/{part}").status_code for part in parts] == [200, 200, 200]


def test_whoever_has_reported_something_just_now_has_the_receipt_at_level_1(portal: Portal) -> None:
    visitor = portal.visitor()
    visitor.set_up()
    portal.later(minutes=11)
    path = report(visitor)
    assert visitor.get(f"{path}/quittung.pdf").status_code == 200
    assert visitor.where(visitor.get(path)).startswith("bestaetigen?"), "answers that came since are no receipt"


@pytest.mark.parametrize("page, typed", [("konto/aenderung", CHANGE), ("melden/kontakt", ASK)])
def test_another_address_is_told_at_level_2_only_by_whichever_form_and_nothing_typed_is_lost(
    portal: Portal, page: str, typed: dict[str, str]
) -> None:
    visitor = portal.visitor()
    visitor.set_up()
    form = visitor.form(page) | typed
    portal.later(minutes=11)
    asked = visitor.where(visitor.post(page, form))
    assert asked.startswith("bestaetigen?")
    back = visitor.follow(visitor.step_up(visitor.code(), asked.partition("weiter=")[2]))
    assert "Auenfurt" in back.text
    assert "quittung" in visitor.where(visitor.post(page, visitor.form(page) | typed))


def test_a_question_of_another_topic_needs_no_second_factor(portal: Portal) -> None:
    visitor = portal.visitor()
    visitor.set_up()
    portal.later(minutes=11)
    assert report(visitor)


def test_from_the_day_it_is_compulsory_nobody_tells_of_another_address_without_a_second_factor(
    portal: Portal,
) -> None:
    visitor, before = portal.visitor(), portal.now
    form = visitor.form("konto/aenderung") | CHANGE
    portal.later(days=60)
    try:
        assert visitor.where(visitor.get("konto/aenderung")).startswith("konto/sicherheit/app?")
        late = visitor.post("melden/kontakt", visitor.form("melden/kontakt") | ASK)
        assert visitor.where(late).startswith("konto/sicherheit/app?")
        assert "Auenfurt" in visitor.get("melden/kontakt").text
    finally:
        portal.now = before
    assert "quittung" in visitor.where(visitor.post("konto/aenderung", form))


def test_a_mandant_may_leave_contact_data_out(tmp_path: Path) -> None:
    portal = Portal(tmp_path, level2='actions = ["dokumente"]')
    visitor = portal.visitor()
    visitor.set_up()
    portal.later(minutes=11)
    assert "quittung" in visitor.where(visitor.post("konto/aenderung", visitor.form("konto/aenderung") | CHANGE))
    portal.close()
