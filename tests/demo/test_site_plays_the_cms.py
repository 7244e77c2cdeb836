import re

import pytest
import requests

from service.demo.people import PERSONEN, home_of
from tests.demo.conftest import FakePortal
from tests.demo.support import Site


def test_pages_for_everybody_need_no_login_and_set_no_cookie(site: Site) -> None:
    for path in ("/", "/genossenschaft", "/kontakt", "/anmelden", "/dateien/site.css", "/dateien/haeuser.svg"):
        answer = requests.get(site.url + path, timeout=10)
        assert answer.status_code == 200, path
        assert not answer.cookies
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_the_site_has_one_address(site: Site) -> None:
    other = site.url.replace("127.0.0.1", "localhost")
    answer = requests.get(f"{other}/kontakt?a=1", allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (307, f"{site.url}/kontakt?a=1")


def test_an_unknown_page_is_a_page(site: Site, zoe: requests.Session) -> None:
    for session in (requests.Session(), zoe):
        answer = session.get(f"{site.url}/dateien/geheim.txt", timeout=10)
        assert answer.status_code == 404
        assert "Diese Seite gibt es nicht" in answer.text


@pytest.mark.parametrize(
    "path", ["/mieterportal/vorgaenge?zustand=offen", "/mieterportal-iframe", "/mieterportal-knopf"]
)
def test_somebody_anonymous_signs_in_first_and_comes_back(site: Site, path: str) -> None:
    answer = requests.get(site.url + path, timeout=10)
    assert "Anmelden" in answer.text
    weiter = re.search(r'name="weiter" value="([^"]*)"', answer.text)
    assert weiter
    assert weiter.group(1) == path


def test_the_button_leads_somebody_anonymous_to_the_login(site: Site) -> None:
    answer = requests.post(f"{site.url}/portal-start", data=b"x" * 2**20, allow_redirects=False, timeout=10)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/anmelden?weiter=%2F")


@pytest.mark.parametrize(
    "path, said, back",
    [
        ("melden/kontakt", "ist gesichert", "weiter=%2Fmieterportal%2Fmelden%2Fkontakt"),
        ("vorgaenge/1", "wurde nicht gesendet", "weiter=%2Fmieterportal"),
    ],
)
def test_a_form_of_somebody_signed_out_meanwhile_is_handed_on_for_the_portal_to_keep(
    site: Site, portal: FakePortal, path: str, said: str, back: str
) -> None:
    answer = requests.post(f"{site.url}/mieterportal/{path}", data=b"x" * 2**20, allow_redirects=False, timeout=10)
    assert answer.status_code == 401
    assert answer.headers["Cache-Control"] == "no-store"
    assert said in answer.text
    assert f'href="/anmelden?{back}"' in answer.text
    assert "Authorization" not in portal.asked[-1].headers
    assert portal.asked[-1].length == 2**20


def test_a_form_of_somebody_signed_out_gets_an_apology_when_the_portal_fails(site: Site) -> None:
    answer = requests.post(f"{site.url}/mieterportal/fehler", data=b"x", timeout=10)
    assert answer.status_code == 502
    assert "030 23125 500" in answer.text


@pytest.mark.parametrize("weiter", ["https://evil.test/", "//evil.test", "/\\evil.test", ""])
def test_nobody_is_led_to_another_site_after_signing_in(site: Site, weiter: str) -> None:
    answer = requests.post(
        f"{site.url}/anmelden",
        {"benutzer": " Zoe.Mueller ", "kennwort": "wohnen", "weiter": weiter},
        allow_redirects=False,
        timeout=10,
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/mieterportal")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("benutzer, kennwort", [("zoe.mueller", "falsch"), ("niemand", "wohnen"), ("", "")])
def test_a_wrong_name_and_a_wrong_password_look_alike(site: Site, benutzer: str, kennwort: str) -> None:
    answer = requests.post(f"{site.url}/anmelden", {"benutzer": benutzer, "kennwort": kennwort}, timeout=10)
    assert answer.status_code == 422
    assert "passen nicht zusammen" in answer.text
    assert not answer.cookies


def test_a_forged_cookie_is_nobody(site: Site) -> None:
    answer = requests.get(f"{site.url}/", cookies={"musterbau_sitzung": "e30.forged.cookie"}, timeout=10)
    assert "Angemeldet als" not in answer.text


def test_signing_out_ends_the_portals_sessions_too(site: Site, portal: FakePortal, zoe: requests.Session) -> None:
    zoe.get(f"{site.url}/mieterportal", timeout=10)
    sid = portal.claims().sid
    zoe.post(f"{site.url}/abmelden", timeout=10)
    asked = portal.asked[-1]
    assert asked.path == "/musterbau/sso/website/logout"
    assert portal.verified(asked.body.decode().removeprefix("token="), "logout").sid == sid
    assert "Angemeldet als" not in zoe.get(f"{site.url}/", timeout=10).text


def test_signing_out_twice_does_no_harm(site: Site) -> None:
    assert requests.post(f"{site.url}/abmelden", allow_redirects=False, timeout=10).status_code == 303


def test_another_sites_page_cannot_sign_anybody_in_or_fetch_a_token(site: Site, zoe: requests.Session) -> None:
    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        for path in ("/anmelden", "/portal-token", "/portal-start", "/mieterportal/x"):
            assert zoe.post(site.url + path, {"nonce": "n"}, headers=headers, timeout=10).status_code == 403


def test_the_frame_gets_a_login_token_with_its_nonce(site: Site, portal: FakePortal, zoe: requests.Session) -> None:
    url, headers = f"{site.url}/portal-token", {"Origin": site.url}
    as_form = zoe.post(url, {"nonce": "n-1"}, headers=headers, timeout=10)
    as_json = zoe.post(url, json={"nonce": "n-1"}, headers=headers, timeout=10)
    for answer in (as_form, as_json):
        assert answer.headers["Cache-Control"] == "no-store"
        claims = portal.verified(answer.json()["token"], "login")
        assert (claims.nonce, claims.person) == ("n-1", "0004711")


def test_no_token_without_login_or_nonce(site: Site, zoe: requests.Session) -> None:
    url = f"{site.url}/portal-token"
    assert requests.post(url, {"nonce": "n"}, timeout=10).status_code == 401
    assert zoe.post(url, {"nonce": ""}, timeout=10).status_code == 400
    assert zoe.post(url, {"nonce": ["x" * 201]}, timeout=10).status_code == 400
    assert zoe.post(url, json=["nonce"], timeout=10).status_code == 400
    assert zoe.post(url, data="{", headers={"Content-Type": "application/json"}, timeout=10).status_code == 400
    assert zoe.post(url, data=b"nonce=\xff", timeout=10).status_code == 400
    assert zoe.post(url, {"nonce": "x" * 20_000}, timeout=10).status_code == 413


def test_the_frame_page_embeds_the_portals_entry(site: Site, portal: FakePortal, zoe: requests.Session) -> None:
    answer = zoe.get(f"{site.url}/mieterportal-iframe", timeout=10)
    assert f"{portal.url}/musterbau/sso/website" in answer.text
    assert f"frame-src {portal.url}" in answer.headers["Content-Security-Policy"]


def test_the_button_makes_its_token_when_it_is_pressed(site: Site, portal: FakePortal, zoe: requests.Session) -> None:
    assert 'name="token"' not in zoe.get(f"{site.url}/mieterportal-knopf", timeout=10).text
    answer = zoe.post(f"{site.url}/portal-start", timeout=10)
    token = re.search(r'name="token" value="([^"]+)"', answer.text)
    assert token
    assert portal.verified(token.group(1), "login").nonce is None
    assert f'action="{portal.url}/musterbau/sso/website"' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_everybody_can_sign_in(site: Site) -> None:
    page = requests.get(f"{site.url}/anmelden", timeout=10).text
    for person in PERSONEN:
        assert person.login in page
        assert home_of(person).split(",")[0] in page
        assert person.name in site.sign_in(person.login).get(f"{site.url}/", timeout=10).text
