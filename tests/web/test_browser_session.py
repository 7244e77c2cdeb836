"""Browser sessions by button, link and iframe; signing out; what is refused."""

import re

import pytest
import requests

from tests.support.portal import Installation, Resident, forms

ORIGIN = "http://127.0.0.1:8080"


@pytest.fixture
def browser() -> requests.Session:
    """A browser that keeps Secure cookies on loopback, as Chromium does."""
    return requests.Session()


def sign_in(browser: requests.Session, resident: Resident, **headers: str) -> requests.Response:
    answer = browser.post(
        f"{resident.url}/musterbau/sso/website",
        data={"token": resident.token("login")},
        headers={"Origin": ORIGIN} | headers,
        allow_redirects=False,
        timeout=10,
    )
    keep(browser, answer)
    return answer


def keep(browser: requests.Session, answer: requests.Response) -> None:
    for name, value in re.findall(r"(__Host-portal[a-z-]*)=([^;,\"]+)[;,]", answer.headers.get("Set-Cookie", "")):
        browser.headers["Cookie"] = f"{name}={value}"


def test_a_button_on_the_companys_page_opens_a_session(browser: requests.Session, resident: Resident) -> None:
    answer = sign_in(browser, resident)
    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    for word in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert word in cookie
    page = browser.get(f"{resident.url}/musterbau/", timeout=10)
    assert page.status_code == 200
    assert page.text.startswith("<!doctype html>") or page.text.lower().startswith("<!doctype html>")
    assert "frame-ancestors http://127.0.0.1:8080" in page.headers["Content-Security-Policy"]


def test_a_form_is_filed_in_a_session_and_refused_from_elsewhere(browser: requests.Session, resident: Resident) -> None:
    sign_in(browser, resident)
    url = f"{resident.url}/musterbau/melden/kontakt"
    form = forms(browser.get(url, timeout=10).text)[0] | {"kontaktthema": "ALLGEMEIN", "beschreibung": "Hallo"}
    for hostile in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert browser.post(url, data=form, headers=hostile, timeout=10).status_code == 403
    filed = browser.post(
        url,
        data=form,
        headers={"Origin": resident.url, "Sec-Fetch-Site": "same-origin"},
        allow_redirects=False,
        timeout=10,
    )
    assert filed.status_code == 303


def test_a_login_token_from_another_origin_or_none_is_refused(browser: requests.Session, resident: Resident) -> None:
    for origin in ("https://evil.example", "null", ""):
        headers = {"Origin": origin} if origin else {}
        answer = browser.post(
            f"{resident.url}/musterbau/sso/website",
            data={"token": resident.token("login")},
            headers=headers,
            timeout=10,
        )
        assert answer.status_code == 401


def test_a_login_token_is_used_once(browser: requests.Session, resident: Resident) -> None:
    token = resident.token("login")
    send = {"url": f"{resident.url}/musterbau/sso/website", "data": {"token": token}, "headers": {"Origin": ORIGIN}}
    assert browser.post(**send, allow_redirects=False, timeout=10).status_code == 303
    assert browser.post(**send, allow_redirects=False, timeout=10).status_code == 401


def test_a_fragment_token_opens_no_session(browser: requests.Session, resident: Resident) -> None:
    answer = browser.post(
        f"{resident.url}/musterbau/sso/website",
        data={"token": resident.token()},
        headers={"Origin": ORIGIN},
        timeout=10,
    )
    assert answer.status_code == 401


def test_an_iframe_signs_in_with_the_nonce_of_its_cookie(browser: requests.Session, resident: Resident) -> None:
    entry = browser.get(f"{resident.url}/musterbau/sso/website", timeout=10)
    assert "Partitioned" in entry.headers["Set-Cookie"]
    assert "SameSite=None" in entry.headers["Set-Cookie"]
    keep(browser, entry)
    nonce = re.search(r'data-nonce="([^"]+)"', entry.text).group(1)
    wrong = browser.post(
        f"{resident.url}/musterbau/sso/website", data={"token": resident.token("login", nonce="other")}, timeout=10
    )
    assert wrong.status_code == 401
    answer = browser.post(
        f"{resident.url}/musterbau/sso/website",
        data={"token": resident.token("login", nonce=nonce)},
        headers={"Accept": "application/json"},
        timeout=10,
    )
    assert answer.json() == {"next": "/musterbau/"}
    assert "Partitioned" in answer.headers["Set-Cookie"]


def test_where_cookies_are_blocked_the_session_lives_in_a_header(browser: requests.Session, resident: Resident) -> None:
    entry = browser.get(f"{resident.url}/musterbau/sso/website", timeout=10)
    nonce = re.search(r'data-nonce="([^"]+)"', entry.text).group(1)
    proof = re.search(r'data-proof="([^"]+)"', entry.text).group(1)
    data = {"token": resident.token("login", nonce=nonce), "nonce": nonce, "nonce_proof": proof}
    blocked = requests.post(
        f"{resident.url}/musterbau/sso/website", data=data, headers={"Accept": "application/json"}, timeout=10
    )
    session = blocked.json()["session"]
    header = {"Authorization": f"Portal-Session {session}"}
    page = requests.get(f"{resident.url}/musterbau/", headers=header, timeout=10)
    assert page.status_code == 200
    assert (
        requests.get(
            f"{resident.url}/musterbau/", headers={"Authorization": "Portal-Session x"}, timeout=10
        ).status_code
        == 401
    )
    forged = {"token": resident.token("login", nonce=nonce), "nonce": nonce, "nonce_proof": proof + "x"}
    assert requests.post(f"{resident.url}/musterbau/sso/website", data=forged, timeout=10).status_code == 401


def frame_login(resident: Resident) -> dict[str, str]:
    """Return what an attacker can get as anybody can: a nonce, its proof, and a token of their own account for it."""
    entry = requests.get(f"{resident.url}/musterbau/sso/website", timeout=10)
    nonce = re.search(r'data-nonce="([^"]+)"', entry.text).group(1)
    proof = re.search(r'data-proof="([^"]+)"', entry.text).group(1)
    return {"token": resident.token("login", nonce=nonce), "nonce": nonce, "nonce_proof": proof}


def test_another_site_signs_nobody_in_by_a_nonce_and_a_proof_of_its_own(
    browser: requests.Session, resident: Resident
) -> None:
    sign_in(browser, resident)
    url = f"{resident.url}/musterbau/sso/website"
    for hostile in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        answer = browser.post(url, data=frame_login(resident), headers=hostile, allow_redirects=False, timeout=10)
        assert answer.status_code == 403
        assert "Set-Cookie" not in answer.headers
    assert browser.get(f"{resident.url}/musterbau/", timeout=10).status_code == 200


def test_a_session_by_proof_lives_in_the_answer_alone(resident: Resident) -> None:
    own = {"Origin": resident.url, "Sec-Fetch-Site": "same-origin", "Accept": "application/json"}
    answer = requests.post(f"{resident.url}/musterbau/sso/website", data=frame_login(resident), headers=own, timeout=10)
    assert answer.json()["session"]
    assert not [line for line in cookie_lines(answer) if not line.startswith("__Host-portal-nonce=;")]


def cookie_lines(answer: requests.Response) -> list[str]:
    return answer.raw.headers.getlist("Set-Cookie")


def test_cookies_are_removed_by_lines_that_browsers_accept(browser: requests.Session, resident: Resident) -> None:
    answer = sign_in(browser, resident)
    (nonce,) = [line for line in cookie_lines(answer) if line.startswith("__Host-portal-nonce=")]
    assert nonce == "__Host-portal-nonce=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=None; Partitioned"
    page = browser.get(f"{resident.url}/musterbau/", timeout=10).text
    out = browser.post(
        f"{resident.url}/musterbau/abmelden", data={"csrf_token": csrf_of(page)}, allow_redirects=False, timeout=10
    )
    assert sorted(cookie_lines(out)) == [
        "__Host-portal=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax",
        "__Host-portal=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=None; Partitioned",
    ]


def csrf_of(page: str) -> str:
    """Return the token of the form that signs out."""
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.split('action="/musterbau/abmelden"')[1]).group(1)


def test_signing_out_ends_the_session(browser: requests.Session, resident: Resident) -> None:
    sign_in(browser, resident)
    page = browser.get(f"{resident.url}/musterbau/", timeout=10).text
    csrf = csrf_of(page)
    assert browser.post(f"{resident.url}/musterbau/abmelden", data={"csrf_token": "x"}, timeout=10).status_code == 403
    out = browser.post(
        f"{resident.url}/musterbau/abmelden", data={"csrf_token": csrf}, allow_redirects=False, timeout=10
    )
    assert out.status_code == 303
    assert out.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert browser.get(f"{resident.url}/musterbau/", timeout=10).status_code == 401


def test_the_cms_ends_the_sessions_that_hang_on_its_own(browser: requests.Session, resident: Resident) -> None:
    sign_in(browser, resident)
    url = f"{resident.url}/musterbau/sso/website/logout"
    assert requests.post(url, data={"token": resident.token("login")}, timeout=10).status_code == 401
    assert requests.post(url, data={"token": resident.token("logout")}, timeout=10).status_code == 204
    assert browser.get(f"{resident.url}/musterbau/", timeout=10).status_code == 401


def test_a_new_login_ends_the_former_session_of_that_browser(browser: requests.Session, resident: Resident) -> None:
    sign_in(browser, resident)
    former = browser.headers["Cookie"]
    sign_in(browser, resident)
    assert requests.get(f"{resident.url}/musterbau/", headers={"Cookie": former}, timeout=10).status_code == 401


def test_who_is_not_signed_in_sees_the_emergency_numbers_and_the_way_in(portal: Installation) -> None:
    page = requests.get(f"{portal.url}/musterbau/", timeout=10)
    assert page.status_code == 401
    assert "tel:0301234567" in page.text
    assert "http://127.0.0.1:8080" in page.text
    assert "Set-Cookie" not in page.headers


def test_emergency_numbers_differ_by_building_and_need_no_login(portal: Installation) -> None:
    page = requests.get(f"{portal.url}/musterbau/notfall", timeout=10).text
    assert "tel:0301234567" in page
    assert "Lindenhof" in page
    assert "tel:0307654321" in page


def test_what_is_typed_when_the_session_is_over_is_kept_for_after_the_login(
    browser: requests.Session, resident: Resident
) -> None:
    sign_in(browser, resident)
    url = f"{resident.url}/musterbau/melden/kontakt"
    form = forms(browser.get(url, timeout=10).text)[0] | {"beschreibung": "Lange überlegt"}
    over = requests.post(url, data=form, timeout=10)
    assert over.status_code == 401
    assert "Ihre Eingaben sind gesichert" in over.text
    sign_in(browser, resident)
    assert "Lange überlegt" in browser.get(url, timeout=10).text


def test_a_message_typed_when_the_session_is_over_is_kept_too(browser: requests.Session, resident: Resident) -> None:
    number = resident.file_schaden()
    sign_in(browser, resident)
    url = f"{resident.url}/musterbau/vorgaenge/{number}"
    form = forms(browser.get(url, timeout=10).text)[0] | {"aktion": "nachricht", "nachricht": "Noch etwas"}
    over = requests.post(url, data=form, timeout=10)
    assert over.status_code == 401
    assert "Ihre Eingaben sind gesichert" in over.text
    assert "gesichert" not in requests.post(url, data=form | {"csrf_token": "x"}, timeout=10).text
    sign_in(browser, resident)
    assert "Noch etwas" in browser.get(url, timeout=10).text


def test_static_files_are_kept_for_good_and_unknown_ones_are_404(portal: Installation, resident: Resident) -> None:
    css = re.search(r'href="([^"]+portal\.[0-9a-f]+\.css)"', resident.get().text).group(1)
    answer = requests.get(css, timeout=10)
    assert "immutable" in answer.headers["Cache-Control"]
    assert "--portal-theme-accent" in answer.text
    assert requests.get(f"{portal.url}/musterbau/static/portal.js", timeout=10).status_code == 404


def test_health_and_readiness(portal: Installation) -> None:
    assert requests.get(f"{portal.url}/healthz", timeout=10).json() == {"status": "ok"}
    assert requests.get(f"{portal.url}/readyz", timeout=10).json() == {"status": "ok", "problems": []}
