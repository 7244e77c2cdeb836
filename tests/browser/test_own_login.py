"""The own login in Chromium, third-party cookies blocked: in a tab, in a frame of another site and of the same site."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests
from playwright.sync_api import Browser, FrameLocator, Page, Route, expect

from service.access.activation import Invited, Purpose, Terms, invite
from service.access.audit import Actor, Source
from service.access.facts import Fact
from service.access.hashing import Hasher
from service.store.database import connected, open_database
from tests.browser.design.conftest import BLOCKED, launched
from tests.browser.test_the_whole_way import assert_accessible
from tests.support.own import EIGEN, MAIL, OWN, PASSWORD, known
from tests.support.portal import Installation
from tests.support.ports import free_port

SNIPPETS = Path(__file__).parents[2] / "cms_adapters" / "snippets"
SENT = {"accept", "content-type", "origin", "accept-language", "user-agent"}
KEPT = {"content-type", "content-security-policy", "location"}
WRONG = "Die Angaben passen nicht zusammen."


class Site(SimpleHTTPRequestHandler):
    """A company's page without user accounts: the snippet, and the element it names."""

    portal = ""

    def do_GET(self) -> None:
        script = (SNIPPETS / "iframe.js").read_text(encoding="utf-8")
        page = (SNIPPETS / "own_iframe.html").read_text(encoding="utf-8")
        page = page.replace("https://portal.example.de/eigenbau", f"{self.portal}/{EIGEN}")
        kind, body = ("text/javascript", script) if self.path == "/portal.js" else ("text/html", page)
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched(BLOCKED) as chromium:
        yield chromium


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the company's site; the portal, with two residents, runs beside it."""
    port = free_port()
    extra = OWN.replace(
        'origins = ["http://localhost:8080"]', f'origins = ["http://localhost:{port}", "http://127.0.0.1:{port}"]'
    )
    portal = Installation(tmp_path_factory.mktemp("own"), extra=extra + MAIL.format(port=1))
    portal.start_portal()
    Site.portal = portal.url
    server = ThreadingHTTPServer(("127.0.0.1", port), Site)
    thread = Thread(target=server.serve_forever)
    thread.start()
    open_database(portal.database)
    try:
        yield port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        portal.stop_all()


def code_for(person: str) -> str:
    with connected():
        known(person)
        terms = Terms(EIGEN, Purpose.PERSON, Fact.VERTRAGSBEGINN, 60)
        return invite([Invited(person)], terms, Hasher(), Source(EIGEN, Actor.OPERATOR, datetime.now(UTC)))[
            0
        ].code.printed


@pytest.fixture(scope="module")
def resident(browser: Browser, site: int) -> str:
    """The Kundennummer of somebody who has registered by the address in a letter, in a tab without script."""
    page = browser.new_page(java_script_enabled=False, locale="de-DE")
    page.goto(f"{Site.portal}/{EIGEN}/konto/registrieren")
    for name, value in {
        "code": code_for("7001"),
        "angabe": "1.4.2019",
        "email": "z@example.org",
        "kennwort": PASSWORD,
    }.items():
        page.locator(f'input[name="{name}"]').fill(value)
    page.locator("button.mp-button").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Zoë Müller")
    page.context.close()
    return "7001"


def sign_in(body: Page | FrameLocator, name: str, password: str) -> None:
    body.locator('input[name="name"]').fill(name)
    body.locator('input[name="kennwort"]').fill(password)
    body.locator('input[name="kennwort"]').press("Enter")


def is_in(body: Page | FrameLocator) -> None:
    expect(body.get_by_role("heading", level=1)).to_contain_text("Zoë Müller")
    body.get_by_role("link", name="Meine Vorgänge").click()
    expect(body.get_by_role("heading", level=1)).to_have_text("Meine Vorgänge")


def test_in_a_tab_by_keyboard_and_the_letters_code_fills_itself_in(
    browser: Browser, site: int, resident: str, axe: str
) -> None:
    page = browser.new_page(locale="de-DE")
    code = code_for("7002")
    page.goto(f"{Site.portal}/{EIGEN}/konto/registrieren#code={code}")
    expect(page.locator('input[name="code"]')).to_have_value(code)
    assert "code" not in page.url
    assert_accessible(page, axe)
    page.goto(f"{Site.portal}/{EIGEN}/konto/anmelden")
    sign_in(page, resident, "falsch, aber lang genug")
    expect(page.locator("[data-fehler]")).to_contain_text(WRONG)
    expect(page.locator("[data-fehler]")).to_be_focused()
    assert_accessible(page, axe)
    sign_in(page, resident, PASSWORD)
    is_in(page)
    page.get_by_role("button", name="Abmelden").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anmelden")
    page.context.close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_in_a_frame_of_another_and_of_the_same_site_the_cookie_stays_in_the_frames_jar(
    browser: Browser, site: int, resident: str, host: str
) -> None:
    page = browser.new_page(locale="de-DE")
    page.goto(f"http://{host}:{site}/")
    frame = page.frame_locator("iframe")
    sign_in(frame, resident, "falsch, aber lang genug")
    expect(frame.locator("[data-fehler]")).to_contain_text(WRONG)
    sign_in(frame, resident, PASSWORD)
    is_in(frame)
    page.reload()
    is_in(frame)
    (cookie,) = [one for one in page.context.cookies() if one["name"] == "__Host-portal"]
    assert cookie["sameSite"] == "None"
    page.context.close()


def test_in_a_frame_that_gets_no_cookie_at_all_the_session_lives_in_its_memory(
    browser: Browser, site: int, resident: str, axe: str
) -> None:
    page = browser.new_page(locale="de-DE")
    shown: list[str] = []
    page.on("request", lambda request: shown.append(request.headers.get("authorization", "")))
    page.route(re.compile(r"/konto/anmelden"), without_cookies)
    page.goto(f"http://localhost:{site}/")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("link", name="In eigenem Fenster öffnen")).to_have_attribute("target", "_blank")
    sign_in(frame, resident, "falsch, aber lang genug")
    expect(frame.locator("[data-fehler]")).to_contain_text(WRONG)
    sign_in(frame, resident, PASSWORD)
    is_in(frame)
    assert any(header.startswith("Portal-Session ") for header in shown)
    assert not [one for one in page.context.cookies() if one["name"] == "__Host-portal"]
    frame.get_by_role("button", name="Abmelden").click()
    expect(frame.get_by_role("heading", level=1)).to_have_text("Bitte melden Sie sich an")
    frame.get_by_role("link", name="Zur Anmeldung").click()
    expect(frame.get_by_role("heading", level=1)).to_have_text("Anmelden")
    page.context.close()


def without_cookies(route: Route) -> None:
    """Answer as a browser sees it that keeps all of a frame's cookies back."""
    asked = route.request
    sent = {name: value for name, value in asked.all_headers().items() if name in SENT}
    sent |= {"sec-fetch-dest": "iframe" if asked.is_navigation_request() else "empty"}
    answer = requests.request(
        asked.method, asked.url, data=asked.post_data_buffer, headers=sent, timeout=20, allow_redirects=False
    )
    kept = {name: value for name, value in answer.headers.items() if name.lower() in KEPT}
    route.fulfill(status=answer.status_code, headers=kept, body=answer.content)
