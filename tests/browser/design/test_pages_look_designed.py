"""Every sample page, in light and dark, narrow and wide."""

import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.design.preview import render
from tests.browser.design.samples import states
from tests.browser.design.violations import violations

VIEWS = [(320, "light"), (1280, "dark")]
NAMES = [name for name, _, _ in states()]
SMALL_TARGETS = """() => [...document.querySelectorAll(
    ".mieterportal :is(button, summary, input:not([type=hidden]), select, nav a, .mp-button, .mp-choice, .mp-ways a)"
)].filter(e => e.checkVisibility() && !e.matches(".mp-sr, .mp-choice *") && e.getBoundingClientRect().height < 24)
.map(e => e.outerHTML)"""
LOST_ANCHORS = """() => [...document.querySelectorAll("[data-fehler] a")].map(a => a.hash.slice(1))
.filter(id => !document.getElementById(id))"""

LINES_OF_PLACE = """() => {
    const label = [...document.querySelectorAll(".mp-choice span")].find(e => e.textContent.startsWith("Gemein"));
    const text = label.firstChild;
    const range = document.createRange();
    range.setStart(text, 0);
    range.setEnd(text, text.data.indexOf(",") + 1);
    return range.getClientRects().length;
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("preview")
    render(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(reduced_motion="reduce")
    yield page
    page.close()


@pytest.fixture(scope="module", params=NAMES)
def shown(request: pytest.FixtureRequest, page: Page, address: str, axe: str) -> Page:
    """Each sample page, loaded once for all that is looked at in it."""
    page.goto(f"{address}/{request.param}.html")
    page.evaluate(axe)
    return page


@pytest.mark.parametrize("width,scheme", VIEWS)
def test_axe_finds_nothing_and_the_page_fits_its_window(shown: Page, width: int, scheme: str) -> None:
    shown.set_viewport_size({"width": width, "height": 800})
    shown.emulate_media(color_scheme=scheme)
    assert violations(shown) == []
    assert shown.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert shown.evaluate(SMALL_TARGETS) == []


def test_there_is_one_main_heading_no_id_twice_and_no_error_that_leads_nowhere(shown: Page) -> None:
    assert shown.evaluate("document.querySelectorAll('h1').length") == 1
    ids = shown.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert sorted(ids) == sorted(set(ids))
    assert shown.evaluate(LOST_ANCHORS) == []


def test_the_error_summary_has_the_focus_when_the_page_opens(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/melden-fehler.html")
    page.wait_for_function("document.activeElement.matches('[data-fehler]')")
    page.get_by_role("link", name="Wo ist der Schaden?").click()
    assert page.evaluate("document.activeElement.name") == "schadensort"
    page.close()


@pytest.mark.parametrize("name", ["melden", "melden-fehler"])
def test_no_comma_of_the_longest_place_begins_a_line_on_a_narrow_phone(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/{name}.html")
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate(LINES_OF_PLACE) == 1


@pytest.mark.parametrize(
    "name, lang", [("dokumente", "de"), ("dokumente-fragment", "de"), ("dokumente-englisch", "en"), ("vorgaenge", "de")]
)
def test_words_break_by_the_rules_of_the_pages_language(page: Page, address: str, name: str, lang: str) -> None:
    page.goto(f"{address}/{name}.html")
    breaking = """() => ["h1", "h2", ".mp-status", ".mp-hint"].map(one => {
        const shown = document.querySelector(`.mieterportal ${one}`);
        return [getComputedStyle(shown).hyphens, shown.closest("[lang]").lang];
    })"""
    found = page.evaluate(breaking)
    assert {hyphens for hyphens, _ in found} == {"auto"}
    assert found[0][1] == found[2][1] == lang


def test_the_first_button_of_a_form_is_what_enter_presses_and_means_send(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/melden-fehler.html")
    assert page.locator("#formular button").first.get_attribute("value") == "absenden"
    page.close()


def test_no_page_carries_a_style_or_a_handler_of_its_own(tmp_path: Path) -> None:
    for name in render(tmp_path):
        html = (tmp_path / f"{name}.html").read_text(encoding="utf-8").partition('class="mieterportal')[2]
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script>", html), name


def test_a_first_view_is_small_even_without_compression(tmp_path: Path) -> None:
    names = render(tmp_path)
    assets = sum((tmp_path / asset).stat().st_size for asset in ("portal.css", "portal.js"))
    for name in names:
        html = (tmp_path / f"{name}.html").stat().st_size
        assert html < 20_000, name
        assert html + assets < 60 * 1024, name
