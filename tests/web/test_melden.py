"""Forms of reports: what is wrong is said at once, what needs paper is not filed, no draft hides another."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from service.store import holds
from service.store.database import connected, database
from service.store.models import AnhangRow, VorgangRow
from service.vorgang.catalog import default_catalog
from tests.support.inprocess import EMBEDDINGS, Portal, Visitor
from tests.support.portal import MANDANT, forms

FILES = Path(__file__).parents[1] / "files"
KUENDIGUNG = {"kontaktthema": "KUENDIGUNG_INFO"}
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
        for table in ("vorgang", "draft", "anhang", "outbox", "hold"):
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


def test_a_change_of_contact_data_names_what_is_missing_and_what_is_wrong_at_once(visitor: Visitor) -> None:
    answer = visitor.post("konto/aenderung", visitor.form("konto/aenderung") | {"telefon": "keine"})
    assert answer.status_code == 422
    assert ERRORS.findall(answer.text) == ["neu_name", "ab", "telefon"]


@pytest.mark.parametrize(
    "lang,label",
    [("de", "Raumtemperatur in °C (falls bekannt, freiwillig)"), ("en", "Room temperature in °C (if known, optional)")],
)
def test_a_voluntary_question_with_a_remark_of_its_own_is_marked_too(visitor: Visitor, lang: str, label: str) -> None:
    page = visitor.get(f"melden/schaden?schadensart=HEIZUNG.AUSFALL&lang={lang}").text
    assert label in LABELS.findall(page)


# A Kündigung needs paper


def hidden(page: str) -> dict[str, str]:
    return forms(page)[0]


def filed() -> int:
    with connected():
        return int(VorgangRow.select().count())


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_a_kuendigung_is_answered_by_information_and_never_filed(portal: Portal, embedding: str) -> None:
    visitor = portal.visitor(embedding)
    form = visitor.form("melden/kontakt") | KUENDIGUNG | {"beschreibung": "Hiermit kündige ich."}
    answer = visitor.post("melden/kontakt", form)
    assert (answer.status_code, filed()) == (200, 0)
    assert "§ 568 BGB" in answer.text
    assert "Musterbau" in answer.text
    assert "<textarea" not in answer.text


def test_what_was_typed_beside_a_kuendigung_can_be_sent_with_another_topic(visitor: Visitor) -> None:
    upload = {"anhaenge": ("plan.pdf", (FILES / "page.pdf").read_bytes())}
    form = visitor.form("melden/kontakt") | KUENDIGUNG | {"beschreibung": "Wann ziehe ich aus?"}
    answer = visitor.post("melden/kontakt", form, upload)
    again = re.search(r'href="[^"]*/(melden/kontakt\?entwurf=[0-9a-f-]+)"', answer.text)
    page = visitor.get(again[1]).text
    assert ("Wann ziehe ich aus?" in page, "plan.pdf" in page, "§ 568 BGB" in page) == (True, True, False)
    sent = hidden(page) | {"kontaktthema": "ALLGEMEIN", "beschreibung": "Wann ziehe ich aus?"}
    assert visitor.post("melden/kontakt", sent).status_code == 303


def test_a_topic_alone_leaves_no_draft(visitor: Visitor) -> None:
    visitor.post("melden/kontakt", visitor.form("melden/kontakt") | KUENDIGUNG)
    assert listed(visitor) == []


def test_choosing_it_shows_the_information_in_the_region_that_the_script_swaps(visitor: Visitor) -> None:
    answer = visitor.post("melden/kontakt", visitor.form("melden/kontakt") | KUENDIGUNG | {"aktion": "speichern"})
    region = answer.text[answer.text.index('id="notfall" data-swap') :]
    assert "§ 568 BGB" in region[: region.index("</section>")]


def test_no_topic_is_called_by_a_word_of_clerks(visitor: Visitor) -> None:
    page = visitor.get("melden/kontakt").text
    assert ("Portalvorgang" in page, "Wohnung kündigen" in page) == (False, True)


# No draft hides another


def begin(visitor: Visitor, art: str, **more: str) -> str:
    """Save the draft of a damage report with a photo; returns its key."""
    form = visitor.form(f"melden/schaden?schadensart={art}&schadensort={more.get('schadensort', '')}")
    upload = {"anhaenge": (f"{art}.jpg", (FILES / "gps.jpg").read_bytes())}
    saved = form | {"schadensart": art, "aktion": "hochladen"} | more
    assert visitor.post("melden/schaden", saved, upload).status_code == 200
    visitor.portal.later(seconds=1)
    return form["idempotency_key"]


def listed(visitor: Visitor, path: str = "") -> list[str]:
    """Return the keys of the drafts that a page offers, in its order."""
    return re.findall(r"entwurf=([0-9a-f-]{36})", visitor.get(path).text)


@pytest.mark.parametrize("path", ["", "melden/schaden?neu=1"])
def test_a_second_damage_report_leaves_the_draft_of_the_first(visitor: Visitor, path: str) -> None:
    first = begin(visitor, "HEIZUNG.AUSFALL", beschreibung="Alles kalt")
    second = begin(visitor, "SANITAER.TROPFT", beschreibung="Tropft")
    assert listed(visitor, path) == [second, first]
    page = visitor.get(f"melden/schaden?entwurf={first}").text
    assert ("Alles kalt" in page, "HEIZUNG.AUSFALL.jpg" in page, first in page) == (True, True, True)


def test_the_same_damage_at_another_place_is_another_draft(visitor: Visitor) -> None:
    kitchen = begin(visitor, "SANITAER.TROPFT", schadensort="W_KUECHE")
    bath = begin(visitor, "SANITAER.TROPFT", schadensort="W_BAD")
    assert listed(visitor) == [bath, kitchen]
    page = visitor.get("melden/schaden?schadensart=SANITAER.TROPFT&schadensort=W_KUECHE").text
    assert hidden(page)["idempotency_key"] == kitchen


def test_a_draft_can_be_discarded_where_it_is_listed(visitor: Visitor) -> None:
    first, second = begin(visitor, "HEIZUNG.AUSFALL"), begin(visitor, "SANITAER.TROPFT")
    buttons = {one["idempotency_key"]: one for one in forms(visitor.get("").text) if "idempotency_key" in one}
    assert visitor.post("melden/schaden", buttons[first] | {"aktion": "verwerfen"}).status_code == 303
    assert listed(visitor) == [second]
    assert hidden(visitor.get(f"melden/schaden?entwurf={first}").text).get("idempotency_key") != first


def test_nobody_opens_the_draft_of_another_account_by_its_key(portal: Portal, visitor: Visitor) -> None:
    key = begin(visitor, "HEIZUNG.AUSFALL", beschreibung="Nur meins")
    other = portal.visitor(person=f"P-{visitor.sub}")
    assert "Nur meins" not in other.get(f"melden/schaden?entwurf={key}").text
    assert listed(other) == []


def test_of_eleven_drafts_the_oldest_goes_and_the_page_has_said_so(visitor: Visitor) -> None:
    arten = [art.code for art in default_catalog().schadensarten.values() if art.emergency_rule is None]
    keys = [begin(visitor, art) for art in arten[:10]]
    assert listed(visitor) == keys[::-1]
    assert visitor.get("").text.count("geht dieser verloren") == 1
    last = begin(visitor, arten[10])
    assert listed(visitor) == [last, *keys[:0:-1]]
    with connected():
        assert not AnhangRow.select().where(AnhangRow.draft_id == UUID(keys[0])).count()


def test_a_draft_under_a_legal_hold_stays_however_many_there_are(visitor: Visitor) -> None:
    arten = [art.code for art in default_catalog().schadensarten.values() if art.emergency_rule is None]
    keys = [begin(visitor, art) for art in arten[:10]]
    with connected():
        holds.add(MANDANT, person=f"P-{visitor.sub}", reason="Rechtsstreit", now=visitor.portal.now)
    last = begin(visitor, arten[10])
    assert listed(visitor) == [last, *keys[::-1]]
