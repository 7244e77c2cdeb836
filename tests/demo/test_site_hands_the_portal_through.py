import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.demo.conftest import PDF, FakePortal
from tests.demo.support import Site, start_site
from tests.support.portal import free_port

LARGE = 25 * 2**20


def test_a_fragment_appears_inside_the_sites_page_with_the_portals_title(
    site: Site, portal: FakePortal, zoe: requests.Session
) -> None:
    answer = zoe.get(f"{site.url}/mieterportal/vorgaenge?zustand=offen&q=%C3%BC", timeout=10)
    assert answer.status_code == 200
    assert "<h1>Grüße</h1>" in answer.text
    assert "<title>Übersicht – Musterbau eG</title>" in answer.text
    assert portal.url in answer.headers["Content-Security-Policy"]
    assert portal.asked[-1].path == "/musterbau/vorgaenge?zustand=offen&q=%C3%BC"
    assert portal.asked[-1].headers["Portal-Base-Url"] == f"{site.url}/mieterportal"
    assert "Cookie" not in portal.asked[-1].headers


def test_every_request_carries_a_fresh_token_that_says_who_is_signed_in(
    site: Site, portal: FakePortal, zoe: requests.Session
) -> None:
    for _ in range(2):
        zoe.get(f"{site.url}/mieterportal", timeout=10)
    first, second = portal.claims(-1), portal.claims(-2)
    assert first.jti != second.jti
    assert first.sid == second.sid
    assert (first.person, first.name, first.roles) == ("0004711", "Zoë Müller", ("mieter",))
    assert all(first.sid not in value for value in zoe.cookies.values())


def test_a_form_arrives_as_it_was_sent(site: Site, portal: FakePortal, zoe: requests.Session) -> None:
    zoe.post(f"{site.url}/mieterportal/melden/kontakt", {"betreff": "Grüße & mehr", "a": ["1", "2"]}, timeout=10)
    asked = portal.asked[-1]
    assert asked.method == "POST"
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert asked.body == b"betreff=Gr%C3%BC%C3%9Fe+%26+mehr&a=1&a=2"


def test_a_file_of_25_mb_passes_without_being_held_in_memory(
    site: Site, portal: FakePortal, zoe: requests.Session
) -> None:
    zoe.post(f"{site.url}/mieterportal/x", files={"anhaenge": ("a.bin", b"warm")}, timeout=10)
    before = site.memory()
    sent: list[bytes] = []
    prepared = requests.Request(
        "POST", f"{site.url}/mieterportal/x", files={"anhaenge": ("a.bin", b"\x07" * LARGE)}, cookies=zoe.cookies
    ).prepare()
    assert isinstance(prepared.body, bytes)
    sent.append(prepared.body)
    assert zoe.send(prepared, timeout=60).status_code == 200
    assert portal.asked[-1].length > LARGE
    assert portal.asked[-1].digest == hashlib.sha256(sent[0]).hexdigest()
    assert site.memory() - before < 6 * 2**20


def test_a_body_of_unknown_length_is_handed_on_piece_by_piece(
    site: Site, portal: FakePortal, zoe: requests.Session
) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(3):
            yield b"abc" * 1000

    zoe.post(f"{site.url}/mieterportal/x", data=pieces(), timeout=10)
    assert portal.asked[-1].digest == hashlib.sha256(b"abc" * 3000).hexdigest()


def test_an_answer_that_comes_before_the_body_ends_reaches_the_browser(site: Site, zoe: requests.Session) -> None:
    answer = zoe.post(f"{site.url}/mieterportal/zu-gross", data=b"\0" * LARGE, timeout=60)
    assert answer.status_code == 413
    assert "Zu groß" in answer.text


def test_a_redirect_stays_one(site: Site, zoe: requests.Session) -> None:
    answer = zoe.post(f"{site.url}/mieterportal/weiter", {"a": "1"}, allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (303, "http://site.test/mieterportal/vorgaenge/1")


def test_a_document_comes_through_byte_for_byte(site: Site, zoe: requests.Session) -> None:
    answer = zoe.get(f"{site.url}/mieterportal/datei", timeout=10)
    assert answer.content == PDF
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="b.pdf"'
    assert answer.headers["Content-Length"] == str(len(PDF))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_piece_of_a_document_can_be_asked_for(site: Site, zoe: requests.Session) -> None:
    answer = zoe.get(f"{site.url}/mieterportal/datei", headers={"Range": "bytes=0-8"}, timeout=10)
    assert (answer.status_code, answer.content) == (206, PDF[:9])
    assert answer.headers["Content-Range"] == f"bytes 0-8/{len(PDF)}"


def test_a_document_that_the_browser_has_is_not_sent_again(site: Site, zoe: requests.Session) -> None:
    answer = zoe.get(f"{site.url}/mieterportal/datei", headers={"If-None-Match": '"e1"'}, timeout=10)
    assert (answer.status_code, answer.content) == (304, b"")


def test_only_the_head_can_be_asked_for(site: Site, portal: FakePortal, zoe: requests.Session) -> None:
    answer = zoe.head(f"{site.url}/mieterportal/datei", timeout=10)
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", str(len(PDF)))
    assert portal.asked[-1].method == "HEAD"


def test_an_answer_of_unknown_length_is_handed_through(site: Site, zoe: requests.Session) -> None:
    assert zoe.get(f"{site.url}/mieterportal/strom", timeout=10).text == "eins zwei"


def test_a_page_that_the_portal_does_not_have_keeps_its_status(site: Site, zoe: requests.Session) -> None:
    answer = zoe.get(f"{site.url}/mieterportal/fehlt", timeout=10)
    assert answer.status_code == 404
    assert "Das gibt es nicht" in answer.text
    assert "<title>Mieterportal – Musterbau eG</title>" in answer.text


@pytest.mark.parametrize("path", ["fehler", "abgelehnt", "abgebrochen", "endlos"])
def test_a_fault_of_the_portal_becomes_an_apology_with_the_emergency_number(
    site: Site, zoe: requests.Session, path: str
) -> None:
    answer = zoe.get(f"{site.url}/mieterportal/{path}", timeout=10)
    assert answer.status_code == 502
    assert "030 23125 500" in answer.text
    assert "geheim" not in answer.text


def test_a_document_that_breaks_off_breaks_off_for_the_browser_too(site: Site, zoe: requests.Session) -> None:
    with pytest.raises(requests.RequestException):
        _ = zoe.get(f"{site.url}/mieterportal/abgebrochen.pdf", timeout=10).content


def test_the_site_stays_up_when_the_portal_is_down(tmp_path: Path) -> None:
    with start_site(tmp_path, f"http://127.0.0.1:{free_port()}") as site:
        zoe = site.sign_in("zoe.mueller")
        answer = zoe.get(f"{site.url}/mieterportal/", timeout=10)
        assert answer.status_code == 502
        assert "antwortet gerade nicht" in answer.text
        assert zoe.post(f"{site.url}/mieterportal/x", data=b"\0" * LARGE, timeout=30).status_code == 502
        assert zoe.get(f"{site.url}/", timeout=10).status_code == 200
        assert zoe.post(f"{site.url}/abmelden", allow_redirects=False, timeout=10).status_code == 303
        assert not zoe.cookies
