"""The second factor in Chromium: set up, asked for by a document, in a fragment without script and in a frame."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import requests
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.test_the_whole_way import BODY, assert_accessible, sign_in
from tests.demo.running import RunningDemo, free_base

POLICY = "content-security-policy"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    running = RunningDemo(tmp_path_factory.mktemp("demo"), free_base())
    try:
        running.wait()
        yield running
    finally:
        running.stop()


def set_up(body: BODY) -> tuple[str, str]:
    """Set up an app with the code of the step before, so that the present one is unused; return key and a code."""
    body.get_by_role("link", name="Mein Konto").click()
    body.get_by_role("link", name="Sicherheit").click()
    body.get_by_role("link", name="Zweiten Faktor einrichten").click()
    body.locator("button.mp-button").click()
    expect(body.locator(".mp-qr svg")).to_be_visible()
    secret = body.locator(".mp-key").inner_text().replace(" ", "").strip()
    before = datetime.now(UTC) - timedelta(seconds=30)
    body.locator('input[name="code"]').fill(pyotp.TOTP(secret).at(before))
    body.locator("button.mp-button").click()
    codes = body.locator(".mp-codes li")
    expect(codes).to_have_count(10)
    return secret, codes.nth(4).inner_text()


def open_document(body: BODY, name: str) -> None:
    body.get_by_role("link", name="Meine Vorgänge").click()
    body.get_by_role("link", name=name).first.click()
    body.locator('.mp-timeline a[href*="/anhaenge/"]').first.click()
    expect(body.get_by_role("heading", level=1)).to_have_text("Bitte bestätigen Sie, dass Sie es sind")


def confirm(page: Page, body: BODY, code: str) -> None:
    """Type a code, have the file, and be back at the Vorgang."""
    body.locator('input[name="code"]').fill(code)
    body.locator("button.mp-button").click()
    with page.expect_download() as download:
        body.get_by_role("link", name="Datei herunterladen").click()
    assert download.value.path().read_bytes().startswith(b"%PDF")
    body.get_by_role("link", name="Zurück").click()
    expect(body.get_by_role("heading", name="Verlauf")).to_be_visible()


@pytest.mark.parametrize("scripted", [False, True])
def test_a_document_in_the_companys_page(browser: Browser, demo: RunningDemo, axe: str, scripted: bool) -> None:
    login = "kofi.mensah" if scripted else "mehmet.yildiz"
    document = "Mietschuldenfreiheitsbescheinigung" if scripted else "Mietbescheinigung"
    page = browser.new_page(viewport={"width": 390, "height": 800}, java_script_enabled=scripted, locale="de-DE")
    page.set_default_timeout(10_000)
    sign_in(page, demo, login)
    page.goto(f"{demo.site}/mieterportal")
    secret, recovery = set_up(page)
    if scripted:
        assert_accessible(page, axe)
    sign_in(page, demo, login)  # another session of the company's site
    page.goto(f"{demo.site}/mieterportal")
    open_document(page, document)
    page.locator('input[name="code"]').fill(secret)
    page.locator("button.mp-button").click()
    expect(page.locator(".mp-error")).to_contain_text("sechs Ziffern, die Ihre App zeigt")
    if scripted:
        assert_accessible(page, axe)
    confirm(page, page, pyotp.TOTP(secret).now())
    sign_in(page, demo, login)
    page.goto(f"{demo.site}/mieterportal")
    open_document(page, document)
    page.get_by_role("link", name="Ersatzcode benutzen").click()
    confirm(page, page, recovery.lower())
    page.context.close()


def test_a_document_in_a_frame_whose_cookies_are_kept_back(browser: Browser, demo: RunningDemo) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="de-DE")
    page.set_default_timeout(10_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.headers.get("authorization", "")))
    page.route(re.compile(r"/musterbau/sso/website$"), without_cookies)
    for number in (1, 2):
        sign_in(page, demo, "amina.haddad")
        page.goto(f"{demo.site}/mieterportal-iframe")
        frame = page.frame_locator("iframe")
        if number == 1:
            secret, _ = set_up(frame)
        else:
            open_document(frame, "Mietzahlung")
            confirm(page, frame, pyotp.TOTP(secret).now())
    assert any(header.startswith("Portal-Session ") for header in asked)
    page.context.close()


def without_cookies(route: Route) -> None:
    """Answer as a browser sees it that keeps a frame's cookies back."""
    if route.request.method != "GET":
        route.continue_()
        return
    answer = requests.get(route.request.url, timeout=10)  # outside of the browser, which would keep the cookie
    kept = {name: value for name, value in answer.headers.items() if name.lower() in {"content-type", POLICY}}
    route.fulfill(status=answer.status_code, headers=kept, body=answer.content)
