"""Passkeys in Chromium, with its virtual authenticator: added, shown in place of a code, removed; absent in a frame."""

import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_the_whole_way import assert_accessible
from tests.support.portal import Installation, Resident

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Site:
    """The company's site: one page, whatever the address."""

    def __init__(self) -> None:
        site, self.html = self, ""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(f"<!doctype html><title>Musterbau</title>{site.html}".encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def show(self, page: Page, html: str) -> None:
        self.html = html
        page.goto(f"{self.url}/")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture(scope="module")
def portal(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("passkeys"), host="localhost", origins=(site.url,))
    try:
        installation.start_portal()
        yield installation
    finally:
        installation.stop_all()


def sign_in(page: Page, site: Site, resident: Resident, sid: str) -> None:
    """Come from the company's site by a button, in this session of it."""
    resident.sid = sid
    action, token = f"{resident.url}/musterbau/sso/website", resident.token("login")
    fields = f'<input type="hidden" name="token" value="{token}"><button>Portal</button>'
    site.show(page, f'<form method="post" action="{action}">{fields}</form>')
    page.get_by_role("button", name="Portal").click()
    expect(page.locator(".mieterportal")).to_be_visible()


def set_up_app(page: Page, url: str) -> None:
    page.goto(f"{url}/musterbau/konto/sicherheit/app")
    page.locator("button.mp-button").click()
    secret = page.locator(".mp-key").inner_text().replace(" ", "").strip()
    page.locator('input[name="code"]').fill(pyotp.TOTP(secret).at(datetime.now(UTC) - timedelta(seconds=30)))
    page.locator("button.mp-button").click()
    expect(page.locator(".mp-codes li")).to_have_count(10)


def test_a_passkey_is_added_confirms_and_is_removed_and_a_frame_asks_for_the_code(
    browser: Browser, site: Site, portal: Installation, axe: str
) -> None:
    resident = Resident(portal.url, sub=f"passkey-{time.time_ns()}")
    context = browser.new_context(viewport={"width": 390, "height": 800}, locale="de-DE")
    context.set_default_timeout(10_000)
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})

    sign_in(page, site, resident, "first")
    set_up_app(page, portal.url)
    page.goto(f"{portal.url}/musterbau/konto/sicherheit")
    page.get_by_role("link", name="Passkeys").click()
    page.get_by_label("Name").fill("Mein Telefon")
    assert_accessible(page, axe)
    page.get_by_role("button", name="Passkey hinzufügen").click()
    expect(page.get_by_role("heading", name="Mein Telefon")).to_be_visible()

    sign_in(page, site, resident, "second")
    page.goto(f"{portal.url}/musterbau/konto/passkeys")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bitte bestätigen Sie, dass Sie es sind")
    assert_accessible(page, axe)
    page.get_by_role("button", name="Mit Passkey bestätigen").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Passkeys")
    expect(page.get_by_text("zuletzt benutzt am")).to_be_visible()

    sign_in(page, site, resident, "third")
    site.show(page, f'<iframe src="{portal.url}/musterbau/bestaetigen"></iframe>')
    frame = page.frame_locator("iframe")
    expect(frame.get_by_label("Code aus Ihrer App")).to_be_visible()
    assert frame.locator("form[data-passkey]").count() == 0

    page.goto(f"{portal.url}/musterbau/konto/passkeys")
    page.get_by_role("button", name="Mit Passkey bestätigen").click()
    page.get_by_role("button", name=re.compile("Entfernen.*Mein Telefon")).click()
    expect(page.get_by_text("Sie haben noch keinen Passkey.")).to_be_visible()
    context.close()


def test_without_script_or_when_nothing_is_shown_the_code_is_there(
    browser: Browser, site: Site, portal: Installation
) -> None:
    resident = Resident(portal.url, sub=f"passkey-{time.time_ns()}")
    context = browser.new_context(locale="de-DE")
    context.set_default_timeout(10_000)
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    added = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    sign_in(page, site, resident, "first")
    set_up_app(page, portal.url)
    page.goto(f"{portal.url}/musterbau/konto/passkeys")
    page.get_by_role("button", name="Passkey hinzufügen").click()
    expect(page.get_by_role("heading", name="Passkey", exact=True)).to_be_visible()

    sign_in(page, site, resident, "second")
    cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": added["authenticatorId"]})
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})  # one that knows no passkey
    page.goto(f"{portal.url}/musterbau/bestaetigen")
    page.get_by_role("button", name="Mit Passkey bestätigen").click()
    expect(page.locator("#passkey [data-status]")).to_contain_text("Das hat nicht geklappt")
    expect(page.get_by_label("Code aus Ihrer App")).to_be_enabled()

    plain = browser.new_context(java_script_enabled=False)
    page = plain.new_page()
    sign_in(page, site, resident, "third")
    page.goto(f"{portal.url}/musterbau/bestaetigen")
    expect(page.locator("#passkey")).to_be_hidden()
    expect(page.get_by_label("Code aus Ihrer App")).to_be_visible()
    plain.close()
    context.close()
