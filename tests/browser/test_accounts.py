"""The way of an account: a letter, an app, a document, a recovery code, a new phone; and the same by passkey.

One portal, whose Mandant has a CMS and the own login; the company's site is that of the demo. Each page that comes in
sight is looked at by axe, where scripts run, and scrolls nowhere sideways.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from socketserver import ThreadingMixIn
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pypdfium2
import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect

from service.cli import main
from service.demo.site import create_site
from service.demo.site_login import SiteSettings
from service.files.storage import Folder
from service.store.database import open_database
from service.store.dokument_records import Ziel
from service.store.owner import owner_of_person
from tests.browser.design.conftest import BLOCKED, launched
from tests.browser.journey import Journey
from tests.browser.test_passkeys import AUTHENTICATOR
from tests.browser.test_the_whole_way import sign_in as sign_in_at_site
from tests.support.dokumente import einheit, gebaeude, publish, tell, vertrag
from tests.support.own import PASSWORD
from tests.support.portal import KEY, MANDANT, Installation
from tests.support.ports import free_port

BEGAN = "1.4.2019"
PDF = (Path(__file__).parents[1] / "files" / "page.pdf").read_bytes()
OWN = f"""
[mandanten.{MANDANT}.connections.portal]
kind = "own"
origins = ["SITE"]
[service.mail]
host = "127.0.0.1"
port = 1
tls = "none"
sender = "portal@musterbau.example"
"""
WRITTEN = re.compile(r"\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}\b")
ADDRESS = re.compile(r"https?://\S+")
numbers = count(1)
Windows = Callable[..., Page]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called there
        pass


@dataclass
class Letter:
    """What somebody can read of the letter in their hand, and whom it is for."""

    person: str
    code: str
    address: str


@dataclass
class Town:
    """The portal, and the company's site beside it."""

    portal: Installation
    site: str

    @property
    def url(self) -> str:
        return f"{self.portal.url}/{MANDANT}"

    def letter(self, purpose: str = "person", person: str = "") -> Letter:
        """Write a letter to somebody who has just moved in, and read it as its reader does: on paper."""
        nr, out = person or f"8{next(numbers):03}", self.portal.directory / f"brief-{next(numbers)}"
        if not person:
            self._moves_in(nr)
        options = ["--config", str(self.portal.config), "person", "invite", MANDANT, nr]
        written = CliRunner().invoke(main, [*options, "--purpose", purpose, "--out", str(out)])
        assert written.exit_code == 0, written.output
        (paper,) = out.glob("*.pdf")
        with pypdfium2.PdfDocument(paper) as document:
            words = document[0].get_textpage().get_text_bounded()
        code, address = WRITTEN.search(words), ADDRESS.search(words)
        assert code is not None, words
        assert address is not None, words
        return Letter(nr, code.group(), address.group())

    def _moves_in(self, nr: str) -> None:
        name = ("PERSON", nr, {"personNr": nr, "name": "Zoë Müller"})
        contract = vertrag(f"V-{nr}", nr, "E1", beginn="2019-04-01")
        tell(MANDANT, name, gebaeude("G1"), einheit("E1", "G1"), contract)
        whose = Ziel(owner_of_person(MANDANT, nr), "")
        storage = Folder(Path(self.portal.directory) / "files")
        publish(storage, MANDANT, PDF + nr.encode(), whose, titel="Betriebskostenabrechnung 2025")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The portal is at another site than the company's, and third-party cookies are blocked."""
    with launched(BLOCKED) as chromium:
        yield chromium


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    port = free_port()
    site = f"http://127.0.0.1:{port}"
    portal = Installation(
        tmp_path_factory.mktemp("accounts"),
        host="localhost",
        origins=(site,),
        level2='actions = ["dokumente"]',
        extra=OWN.replace("SITE", site),
        rates=", ".join(f'{kind} = "1000/minute"' for kind in ("code_account", "code_address", "sign_in_address")),
    )
    portal.invitation = f'url = "{portal.url}/{MANDANT}/konto/registrieren"\nfact = "vertragsbeginn"'
    portal.write_settings()
    settings = portal.config.read_text(encoding="utf-8")
    portal.config.write_text(settings.replace("trust_person = true", "trust_person = false"), encoding="utf-8")
    portal.start_portal()
    open_database(portal.database)
    of_site = SiteSettings(url=site, aud=f"{portal.url}/{MANDANT}", key=KEY, cookie_secret="of the site")
    server = make_server("127.0.0.1", port, create_site(of_site), Server, Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Town(portal, site)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        portal.stop_all()


@pytest.fixture
def windows(browser: Browser) -> Iterator[Windows]:
    """Open windows of a width, with or without scripts, light or dark."""
    made: list[BrowserContext] = []

    def window(width: int, *, scripted: bool = True, dark: bool = False) -> Page:
        scheme = "dark" if dark else "light"
        of = browser.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=scripted, locale="de-DE", color_scheme=scheme
        )
        of.set_default_timeout(15_000)
        made.append(of)
        return of.new_page()

    yield window
    for context in made:
        context.close()


def register(way: Journey, letter: Letter, *, english: bool = False) -> None:
    way.page.goto(letter.address)
    if english:
        way.press('.mp-langs a[lang="en"]')
        expect(way.page.get_by_label("Beginning of your contract")).to_be_visible()
    way.on('input[name="angabe"]')
    way.send(code=letter.code, angabe=BEGAN, email=f"z{letter.person}@example.org", kennwort=PASSWORD)
    expect(way.body.get_by_role("heading", level=1)).to_contain_text("Zoë Müller")


def sign_in(way: Journey, letter: Letter) -> None:
    """Sign out of the own login, and in again by the Kundennummer."""
    way.press(".mp-links button")
    way.on('input[name="kennwort"]')
    way.send(name=letter.person, kennwort=PASSWORD)
    expect(way.body.locator(".mp-nav")).to_be_visible()


@pytest.mark.parametrize("width, scripted", [(320, False), (1280, True)])
def test_a_letter_an_account_an_app_a_document_a_recovery_code_and_a_new_phone_by_keyboard_alone(
    windows: Windows, town: Town, axe: str, width: int, scripted: bool
) -> None:
    page = windows(width, scripted=scripted)
    way, letter = Journey(page, page, axe if scripted else "", keys=True), town.letter()
    register(way, letter)
    way.set_up(bisher=PASSWORD)
    way.keep_codes()
    sign_in(way, letter)
    way.to_document()
    way.send(code=letter.code)  # of the letter, which is no code of the app
    way.on(".mp-error")
    way.send(code=way.code())
    way.reads()
    sign_in(way, letter)
    way.to_document()
    way.recover()
    way.reads()
    former = way.secret
    way.set_up()
    sign_in(way, letter)
    way.to_document()
    way.secret, fresh = former, way.secret
    way.send(code=way.code())
    expect(way.body.locator(".mp-error").first).to_be_visible()
    way.secret = fresh
    way.send(code=way.code())
    way.reads()


def come_in(way: Journey, town: Town, login: str, embedding: str) -> None:
    """Come from the company's site, in a new session of it: in its page, in a frame, or by its button."""
    page = way.page.context.pages[0]
    sign_in_at_site(page, town, login)
    if embedding == "tab":
        page.goto(f"{town.site}/mieterportal-knopf")
        with page.context.expect_page() as opened:
            page.locator('form[action="/portal-start"] button').click()
        way.page = way.body = opened.value
    elif embedding == "frame":
        page.goto(f"{town.site}/mieterportal-iframe")
        way.body = page.frame_locator("iframe")
    else:
        page.goto(f"{town.site}/mieterportal")
    expect(way.body.locator(".mp-nav")).to_be_visible()


def redeem(way: Journey, letter: Letter) -> None:
    way.press('.mp-nav a[href*="konto"]')
    way.press('a[href*="konto/aktivieren"]')
    way.on('input[name="angabe"]')
    way.send(code=letter.code.replace("-", " ").lower(), angabe=BEGAN)


@pytest.mark.parametrize(
    "embedding, login, width, scripted",
    [
        ("fragment", "kofi.mensah", 320, False),
        ("frame", "mehmet.yildiz", 1280, True),
        ("tab", "amina.haddad", 320, True),
    ],
)
def test_a_user_of_the_companys_site_is_linked_by_the_letter_and_goes_the_same_way(
    windows: Windows, town: Town, axe: str, embedding: str, login: str, width: int, scripted: bool
) -> None:
    page = windows(width, scripted=scripted, dark=True)
    way, letter = Journey(page, page, axe if scripted else ""), town.letter()
    come_in(way, town, login, embedding)
    redeem(way, letter)
    way.on(".mp-persons")
    if embedding == "frame":
        (cookie,) = [one for one in page.context.cookies() if one["name"] == "__Host-portal"]
        assert (cookie["sameSite"], "partitionKey" in cookie) == ("None", True)
    way.set_up()
    way.keep_codes()
    come_in(way, town, login, embedding)
    way.to_document()
    way.send(code=way.code())
    way.reads()
    come_in(way, town, login, embedding)
    if embedding == "tab":  # phone and codes are lost: the company writes another letter
        redeem(way, town.letter("factor", letter.person))
    else:
        way.to_document()
        way.recover()
        way.reads()
    way.set_up()
    come_in(way, town, login, embedding)
    way.to_document()
    way.send(code=way.code())
    way.reads()


def phone(page: Page) -> tuple[CDPSession, str]:
    """Give the browser a phone that keeps passkeys."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    return cdp, cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]


def test_a_passkey_signs_in_and_confirms_until_the_phone_is_lost_and_all_of_it_in_english(
    windows: Windows, town: Town, axe: str
) -> None:
    page = windows(390)
    way, letter = Journey(page, page, axe), town.letter()
    cdp, first = phone(page)
    register(way, letter, english=True)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    way.set_up(bisher=PASSWORD)
    way.keep_codes()
    way.add_passkey("My phone")
    way.press(".mp-links button")
    way.on("#passkey button.mp-button")
    way.press("#passkey button.mp-button")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Zoë Müller")
    way.to_document()
    way.press("#passkey button.mp-button")
    way.reads()
    cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": first})
    phone(page)
    sign_in(way, letter)
    way.to_document()
    way.recover()
    way.reads()
    way.set_up()
    way.add_passkey("My new phone")
    way.press(page.get_by_role("button", name="My phone"))
    expect(page.get_by_role("heading", name="My new phone")).to_be_visible()
    expect(page.get_by_role("heading", name="My phone", exact=True)).to_have_count(0)
    expect(page.locator("html")).to_have_attribute("lang", "en")
