"""What somebody writes stays text, wherever it comes out again; and says nothing that was not asked for."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from uuid import UUID

import pytest

from service.store.database import connected
from service.store.models import VorgangRow
from tests.support.inprocess import BASE, Portal, Visitor

EVIL = "</textarea></title><script>alert(1)</script><img src=x onerror=alert(1)> \"' {{ 7 * 7 }} {% raw %} ${7*7} #x"
ATTRIBUTE = '" autofocus onfocus="alert(1)'


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    portal = Portal(tmp_path, level2="actions = []")
    yield portal
    portal.close()


class Reading(HTMLParser):
    """What a browser would make of a page: its text, and everything that could run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.scripts += [str(given.get("src"))] if tag == "script" else []
        self.handlers += [name for name in given if name.startswith("on")]
        self.links += [given[name] or "" for name in ("href", "src", "action", "formaction") if name in given]

    def handle_data(self, data: str) -> None:
        self.text += data


def harmless(html: str) -> Reading:
    found = Reading(html)
    assert len(found.scripts) == 1
    assert "/static/portal." in found.scripts[0]
    assert not found.handlers
    assert all(link.partition(":")[0] in {"http", "https", "tel", "data"} or link[:1] in "/#?" for link in found.links)
    return found


def filed(visitor: Visitor, **fields: str) -> str:
    form = visitor.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "Frage"} | fields
    return visitor.where(visitor.post("melden/kontakt", form)).partition("?")[0]


@pytest.mark.parametrize("embedding", ["fragment", "cookie"])
def test_what_was_written_is_text_on_every_page_that_shows_it(portal: Portal, embedding: str) -> None:
    visitor = portal.visitor(embedding)
    page = filed(visitor, beschreibung=EVIL, betreff=EVIL[:100]).removesuffix("/quittung")
    for path in ("", "vorgaenge", page, f"{page}/quittung"):
        answer = visitor.get(path)
        assert answer.status_code == 200
        harmless(answer.text)
    assert EVIL in harmless(visitor.get(page).text).text
    assert answer.headers["Portal-Title"].isascii()


@pytest.mark.parametrize("typed", [EVIL, ATTRIBUTE])
def test_what_comes_back_with_a_refused_form_is_text_in_its_field(portal: Portal, typed: str) -> None:
    visitor = portal.visitor()
    form = visitor.form("melden/kontakt") | {"betreff": typed, "telefon": typed, "beschreibung": typed}
    answer = visitor.post("melden/kontakt", form)
    assert answer.status_code == 422
    harmless(answer.text)


def test_what_a_cms_says_of_its_user_is_text_too(portal: Portal) -> None:
    visitor = portal.visitor()
    page = portal.client.simulate_get(
        "/musterbau",
        headers={"Authorization": f"Portal website:{visitor.token(name=EVIL)}", "Portal-Base-Url": BASE},
    )
    assert page.status_code == 200
    harmless(page.text)


def test_what_stands_in_an_address_leads_nowhere_else(portal: Portal) -> None:
    visitor = portal.visitor()
    for query in (
        "zustand=javascript:alert(1)",
        "vor=%22%3E%3Cscript%3E",
        "lang=%22onclick=1",
        "weiter=//evil.example",
    ):
        answer = visitor.get(f"vorgaenge?{query}")
        assert answer.status_code == 200
        assert not [link for link in harmless(answer.text).links if "evil" in link.partition("?")[0]]


def test_the_name_of_a_file_stays_in_its_header(portal: Portal, samples: Path) -> None:
    visitor = portal.visitor()
    name = 'a";\r\nX-Evil: 1\r\n\r\n<script>ü\u202e.pdf'
    form = visitor.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "Frage"}
    files = {"anhaenge": (name, (samples / "page.pdf").read_bytes())}
    page = visitor.where(visitor.post("melden/kontakt", form, files)).partition("?")[0].removesuffix("/quittung")
    (link,) = [link for link in harmless(visitor.get(page).text).links if "/anhaenge/" in link]
    answer = visitor.get(link.removeprefix(f"{BASE}/"))
    assert answer.status_code == 200
    assert "X-Evil" not in answer.headers
    told = answer.headers["Content-Disposition"]
    assert told.startswith("attachment; filename")
    assert told.isascii()
    assert not set("\r\n<>") & set(told)


def test_of_two_fields_with_one_name_the_first_counts_and_the_address_adds_none(portal: Portal) -> None:
    visitor = portal.visitor()
    form = visitor.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN"}
    twice = [*form.items(), ("beschreibung", "die erste"), ("beschreibung", "die zweite")]
    page = visitor.where(visitor.post("melden/kontakt?betreff=aus+der+Adresse", twice)).partition("?")[0]
    row = vorgang(page)
    assert (row.beschreibung, "Adresse" in row.betreff) == ("die erste", False)


def test_nothing_is_set_by_a_field_that_the_form_does_not_have(portal: Portal) -> None:
    visitor, extra = portal.visitor(), {
        "id": "00000000-0000-7000-8000-000000000000",
        "mandant": "nachbar",
        "owner": "0" * 64,
        "person": "P1",
        "status": "ERLEDIGT",
        "offen": "0",
        "vorgangsnummer": "V-1",
        "sachbearbeiter": "ich",
        "prioritaet": "P1",
        "meldezeit": "0",
        "melder": '{"personNr": "P1"}',
        "routing": '{"prioritaet": "P1"}',
    }  # fmt: skip
    row, usual = vorgang(filed(visitor, **extra)), vorgang(filed(visitor))
    for column in ("mandant", "owner", "status", "offen", "vorgangsnummer", "sachbearbeiter", "melder", "routing"):
        assert getattr(row, column) == getattr(usual, column), column
    assert str(row.id) != extra["id"]
    assert row.mandant == "musterbau"


def vorgang(path: str) -> VorgangRow:
    with connected():
        return VorgangRow.get_by_id(UUID(path.split("/")[1]))
