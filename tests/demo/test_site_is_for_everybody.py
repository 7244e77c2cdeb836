"""The company's own pages: nothing for axe-core to find, nothing wider than the screen, usable without script."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.demo.conftest import FakePortal
from tests.demo.support import Site

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
OPEN = ("/", "/genossenschaft", "/kontakt", "/anmelden", "/gibt-es-nicht")
SIGNED_IN = ("/", "/mieterportal", "/mieterportal/fehler", "/mieterportal-iframe", "/mieterportal-knopf")
SENT_WHEN_SIGNED_OUT = """() => {
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action: "/mieterportal/melden/kontakt" });
    document.body.append(form);
    form.submit();
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


def sign_in(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/anmelden")
    page.get_by_label("Benutzername").fill("zoe.mueller")
    page.get_by_label("Kennwort").fill("wohnen")
    page.get_by_role("button", name="Anmelden").click()
    page.wait_for_url("**/mieterportal")


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_sticks_out(
    site: Site, browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed (apt-get install npm, then make test)")
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    found = [_problems(page, site.url + path) for path in OPEN]
    with page.expect_navigation():
        page.evaluate(SENT_WHEN_SIGNED_OUT)
    assert "ist gesichert" in page.content()
    found.append(_look(page))
    page.goto(f"{site.url}/anmelden")
    page.get_by_label("Benutzername").fill("falsch")
    page.get_by_label("Kennwort").fill("falsch")
    with page.expect_navigation():
        page.get_by_role("button", name="Anmelden").click()
    found.append(_look(page))
    sign_in(page, site)
    found += [_problems(page, site.url + path) for path in SIGNED_IN]
    context.close()
    assert [problem for problem in found if problem] == []


def _problems(page: Page, url: str) -> list[str]:
    page.goto(url)
    return _look(page)


def _look(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    violations = page.evaluate(
        "axe.run({iframes: false}).then(r => r.violations.map(v => v.id + ' ' + v.nodes[0].html))"
    )
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{page.url}: {problem}" for problem in [*violations, *([f"{width} px too wide"] if width > 0 else [])]]


def test_the_button_leads_to_the_portal_with_and_without_script(
    site: Site, portal: FakePortal, browser: Browser
) -> None:
    for script in (True, False):
        context = browser.new_context(java_script_enabled=script)
        page = context.new_page()
        sign_in(page, site)
        page.goto(f"{site.url}/mieterportal-knopf")
        with context.expect_page() as opened:
            page.get_by_role("button", name="Mieterportal öffnen").click()
        window = opened.value
        if not script:
            window.get_by_role("button", name="Weiter").click()
        window.wait_for_url(f"{portal.url}/**")
        asked = next(one for one in reversed(portal.asked) if one.path != "/favicon.ico")
        assert (asked.method, asked.path) == ("POST", "/musterbau/sso/website")
        assert asked.headers["Origin"] == site.url
        portal.verified(asked.body.decode().removeprefix("token="), "login")
        context.close()


def test_the_frame_hands_its_nonce_over_and_gets_a_token(site: Site, portal: FakePortal, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, site)
    page.goto(f"{site.url}/mieterportal-iframe")
    frame = page.frame_locator("mieter-portal iframe")
    token = frame.locator("#token")
    token.wait_for()
    claims = portal.verified(token.inner_text(), "login")
    assert (claims.nonce, claims.person) == ("nonce-of-the-frame", "0004711")
    page.wait_for_function("document.querySelector('iframe').getBoundingClientRect().height === 777")
    context.close()
