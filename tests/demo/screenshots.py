"""Takes pictures of all pages of a running demo: `python -m tests.demo.screenshots FOLDER`.

What a tenant and an owner see of their documents is taken in both languages.
"""

import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.demo.running import RunningDemo, free_base

CHROMIUM = "/usr/bin/chromium"
WIDTHS = (320, 1280)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
KUECHE = "schadensort=W_KUECHE&schadenskategorie=SANITAER&schadensart=SANITAER.UNDICHT_KLEIN"
GAS = "schadensort=W_KUECHE&schadenskategorie=GEFAHR&schadensart=GEFAHR.GASGERUCH"
BEFORE_LOGIN = {"start": "/", "genossenschaft": "/genossenschaft", "kontakt": "/kontakt", "anmelden": "/anmelden"}
SIGNED_IN = {
    "uebersicht": "/mieterportal",
    "schaden-finden": "/mieterportal/melden/schaden",
    "schaden-formular": f"/mieterportal/melden/schaden?{KUECHE}",
    "schaden-notfall": f"/mieterportal/melden/schaden?{GAS}",
    "beschwerde": "/mieterportal/melden/beschwerde",
    "dokument": "/mieterportal/melden/dokument",
    "kontakt-formular": "/mieterportal/melden/kontakt",
    "vorgaenge": "/mieterportal/vorgaenge",
    "konto": "/mieterportal/konto",
    "aktivieren": "/mieterportal/konto/aktivieren",
    "personen": "/mieterportal/konto/personen",
    "notfall": "/mieterportal/notfall",
    "barrierefreiheit": "/mieterportal/barrierefreiheit",
    "nicht-gefunden": "/mieterportal/gibt-es-nicht",
    "im-rahmen": "/mieterportal-iframe",
    "knopf": "/mieterportal-knopf",
    "ohne-konto": "/mieterportal-ohne-konto",
}
LANGUAGES = ("de", "en")
READERS = {"mieterin": "zoe.mueller", "eigentuemerin": "jana.oesterreich"}
OF_DOCUMENTS = {
    "uebersicht": "/mieterportal",
    "dokumente": "/mieterportal/dokumente",
    "dokumente-gesucht": "/mieterportal/dokumente?suche=abrechnung",
    "dokumente-keins": "/mieterportal/dokumente?suche=nirgends",
    "dokument-anfordern": "/mieterportal/melden/dokument",
    "vorgaenge": "/mieterportal/vorgaenge",
}


def main(target: Path) -> None:
    """Start a demo of its own, photograph it, and stop it."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder)) as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for width in WIDTHS:
            for scheme in SCHEMES:
                _all_pages(browser, demo, target, width=width, scheme=scheme)
            for lang in LANGUAGES:
                _documents(browser, demo, target, width=width, lang=lang)
        browser.close()
    sys.stdout.write(f"{len(list(target.glob('*.png')))} pictures in {target}\n")


@contextmanager
def running_demo(folder: Path) -> Iterator[RunningDemo]:
    """Run a demo in a folder until the block ends."""
    demo = RunningDemo(folder, free_base())
    try:
        demo.wait()
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.process.send_signal(signal.SIGTERM)
            demo.process.wait(60)


def _all_pages(
    browser: Browser, demo: RunningDemo, target: Path, *, width: int, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, locale="de-DE")
    page = context.new_page()
    ending = f"{width}-{scheme}.png"
    for name, path in BEFORE_LOGIN.items():
        _shoot(page, demo.site + path, target / f"{name}-{ending}")
    sign_in(page, demo.site)
    for name, path in SIGNED_IN.items():
        _shoot(page, demo.site + path, target / f"{name}-{ending}")
    _shoot(page, vorgang_url(page, demo.site), target / f"vorgang-{ending}")
    _shoot(page, f"{page.url}/quittung", target / f"quittung-{ending}")
    _shoot(page, demo.standin, target / f"sachbearbeitung-{ending}")
    context.close()


def _documents(browser: Browser, demo: RunningDemo, target: Path, *, width: int, lang: str) -> None:
    """Take what readers see of their documents, and how a request is answered at once."""
    for who, login in READERS.items():
        context = browser.new_context(viewport={"width": width, "height": 900}, locale=lang)
        page, ending = context.new_page(), f"{width}-{lang}.png"
        sign_in(page, demo.site, login)
        for name, path in OF_DOCUMENTS.items():
            _shoot(page, _in(lang, demo.site + path), target / f"{who}-{name}-{ending}")
        page.goto(_in(lang, f"{demo.site}/mieterportal/dokumente?art=HAUSORDNUNG"))
        letter = page.locator('h2 a[href*="/dokumente/"]').first.get_attribute("href")
        _shoot(page, str(letter), target / f"{who}-dokument-{ending}")
        page.goto(_in(lang, f"{demo.site}/mieterportal/melden/dokument"))
        page.locator('select[name="dokumentart"]').select_option("HAUSORDNUNG")
        page.locator('input[name="vertrag"]').first.check()
        page.locator('#formular .mp-actions button[value="absenden"]').click()
        page.wait_for_url("**/vorgaenge/**")
        _shoot(page, page.url, target / f"{who}-dokument-da-{ending}")
        context.close()


def _in(lang: str, address: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}lang={lang}"


def sign_in(page: Page, site: str, login: str = "zoe.mueller") -> None:
    """Sign in at the site's own form."""
    page.goto(f"{site}/anmelden")
    page.get_by_label("Benutzername").fill(login)
    page.get_by_label("Kennwort").fill("wohnen")
    page.get_by_role("button", name="Anmelden").click()
    page.wait_for_url("**/mieterportal")


def vorgang_url(page: Page, site: str) -> str:
    """Return the address of a Vorgang with a long history."""
    page.goto(f"{site}/mieterportal/vorgaenge")
    link = page.get_by_role("link", name="Fugen undicht").first
    return str(link.get_attribute("href"))


def _shoot(page: Page, url: str, file: Path) -> None:
    page.goto(url, wait_until="networkidle")
    for picture in page.locator('img[loading="lazy"]').all():
        picture.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=str(file), full_page=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
