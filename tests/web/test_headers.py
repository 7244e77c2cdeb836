"""What every answer says to a browser: whose script runs, who may frame it, who may keep it."""

import re
from pathlib import Path

import pytest
import requests
from falcon import testing

from service.app import create_app
from service.settings import load_settings
from service.web.headers import FILE_POLICY
from tests.support.portal import Installation, Resident

ORIGINS = "http://127.0.0.1:8080 http://localhost:8080"
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
PLACES = [
    "healthz",
    "readyz",
    "metrics",
    "nowhere",
    "nobody/notfall",
    "musterbau/",
    "musterbau/nowhere",
    "musterbau/notfall",
    "musterbau/barrierefreiheit",
    "musterbau/melden/kontakt",
    "musterbau/vorgaenge/1/quittung.pdf",
    "musterbau/static/nothing.js",
    "musterbau/sso/website",
    "musterbau/sso/website/logout",
    "musterbau/api/v1/admin/version",
    "hooks/immotion/musterbau",
]


def directives(answer: requests.Response) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_answer_defends_the_browser_and_is_kept_by_nobody(portal: Installation, place: str, method: str) -> None:
    answer = requests.request(method, f"{portal.url}/{place}", timeout=10)
    assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    policy = directives(answer)
    assert policy["default-src"] == "'none'"
    assert policy["base-uri"] == policy["object-src"] == "'none'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in answer.headers
    known = place.startswith("musterbau") and answer.status_code != 404
    if known:
        assert policy["frame-ancestors"] == ORIGINS


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_body_says_of_which_kind_it_is_and_texts_their_encoding(
    portal: Installation, place: str, method: str
) -> None:
    answer = requests.request(method, f"{portal.url}/{place}", timeout=10)
    kind = answer.headers.get("Content-Type", "")
    if answer.text.startswith("{"):
        assert kind in {"application/json", "application/problem+json"}
        answer.json()
    elif answer.text:
        assert kind == "text/html; charset=utf-8"
        assert answer.text.startswith(("<!doctype html>", "<div"))


@pytest.mark.parametrize("place", ["nowhere", "nobody/notfall", "healthz"])
def test_what_belongs_to_no_mandant_is_framed_by_nobody(portal: Installation, place: str) -> None:
    assert directives(requests.get(f"{portal.url}/{place}", timeout=10))["frame-ancestors"] == "'none'"


@pytest.mark.parametrize("place", ["musterbau/", "musterbau/notfall", "musterbau/sso/website", "nowhere"])
def test_a_full_page_runs_only_what_carries_the_nonce_of_this_one_answer(portal: Installation, place: str) -> None:
    seen = set()
    for _ in range(3):
        answer = requests.get(f"{portal.url}/{place}", timeout=10)
        marked = re.findall(r'<(?:script|link)\b[^>]*nonce="([A-Za-z0-9_-]{22})"', answer.text)
        assert len(marked) == len(re.findall(r"<script\b|<link rel=\"stylesheet\"", answer.text)) == 2
        assert set(marked) == {marked[0]}
        policy = directives(answer)
        assert policy["script-src"] == policy["style-src"] == f"'nonce-{marked[0]}'"
        seen.add(marked[0])
    assert len(seen) == 3


def test_a_full_page_is_alone_in_its_window(portal: Installation) -> None:
    page = requests.get(f"{portal.url}/musterbau/notfall", timeout=10)
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Cross-Origin-Opener-Policy" not in requests.get(f"{portal.url}/healthz", timeout=10).headers


def test_a_fragment_carries_no_nonce_since_the_page_around_it_has_the_say(resident: Resident) -> None:
    answer = resident.get()
    assert answer.status_code == 200
    assert "nonce=" not in answer.text
    policy = directives(answer)
    assert policy["script-src"] == policy["style-src"] == "'none'"
    assert answer.headers["Cache-Control"] == "no-store"


def test_style_sheet_and_script_may_be_used_by_the_sites_and_kept_for_good(resident: Resident) -> None:
    for url in re.findall(r'(?:href|src)="([^"]+/static/[^"]+)"', resident.get().text):
        answer = requests.get(url, timeout=10)
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["Content-Type"] in {"text/css; charset=utf-8", "text/javascript; charset=utf-8"}
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_file_of_a_resident_is_opened_as_a_page_by_no_browser(resident: Resident, samples: Path) -> None:
    photo = {"anhaenge": ("gps.jpg", (samples / "gps.jpg").read_bytes(), "image/jpeg")}
    page = resident.get(f"vorgaenge/{resident.file_schaden(photo)}")
    link = re.search(r'href="([^"]+/anhaenge/[^"]+)"', page.text).group(1)
    answer = resident.get(link)
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == FILE_POLICY
    assert {"sandbox", "frame-ancestors", "object-src", "base-uri"} <= set(directives(answer))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE


def test_https_is_kept_for_a_year_where_it_is_spoken(tmp_path: Path) -> None:
    year = "max-age=31536000; includeSubDomains"
    config = Installation(tmp_path).config
    for public_url, headers, expected in (
        ("http://portal.example", {}, None),
        ("http://portal.example", {"X-Forwarded-Proto": "https"}, year),
        ("https://portal.example", {}, year),
    ):
        config.write_text(re.sub(r'public_url = ".*"', f'public_url = "{public_url}"', config.read_text()))
        answer = testing.TestClient(create_app(load_settings(config))).simulate_get("/healthz", headers=headers)
        assert answer.headers.get("Strict-Transport-Security") == expected
