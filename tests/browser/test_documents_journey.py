"""A tenant with two contracts and an owner of two units find, read, download and ask for documents, in both languages.

One portal with immotion and sync beside it. Both go the way by keyboard alone once, and once without scripts. Each
page that comes in sight is looked at by axe where scripts run, speaks one language, and scrolls nowhere sideways at 320
and at 1280 pixels.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from typing_extensions import override

from tests.browser.journey import Journey
from tests.browser.letterbox import YEAR, Bewohner, Brief, Letterbox, opened_letterbox, patiently
from tests.browser.test_passkeys import Site, sign_in

WORDS = {
    "de": re.compile(r"\b(the|and|your|of|is|you|home|unit|read|document|statement)\b", re.IGNORECASE),
    "en": re.compile(r"\b(der|die|das|und|Sie|Ihre?|ist|nicht|Uhr|ein|Wohnung|Einheit|Dokument|Vorg[aä]ng\w*)\b"),
}
OF_A_TENANT = re.compile(r"\b(Miete\w*|Mietv\w*|Wohnung\w*|tenan\w+|rent\w*|homes?)\b", re.IGNORECASE)
SAID = """() => {
    const shown = document.body.cloneNode(true);
    const other = [...shown.querySelectorAll("[lang]")].filter(e => e.lang !== document.documentElement.lang);
    [...other, ...shown.querySelectorAll("script, style, template")].forEach(e => e.remove());
    return shown.textContent;
}"""
FORMER, PRESENT = "Amselgasse 3, 99871 Auenfurt", "Lindenhofer Straße 12, 99873 Auenfurt"
DATES = {"de": rf"\d+\. [A-Z][a-zä]+ {YEAR - 1}", "en": rf"\d+ [A-Z][a-z]+ {YEAR - 1}"}


@dataclass
class Way(Journey):
    """The journey of somebody who looks at what is said, too."""

    lang: str = "de"
    rolle: str = "MIETER"
    looked: list[str] = field(default_factory=list)

    @override
    def look(self) -> None:
        super().look()
        self.looked.append(self.page.url)
        here = self.page.viewport_size
        assert here is not None
        self.page.set_viewport_size({"width": 320 if here["width"] != 320 else 1280, "height": here["height"]})
        assert self.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        self.page.set_viewport_size(here)
        expect(self.page.locator("html")).to_have_attribute("lang", self.lang)
        said = self.page.evaluate(SAID)
        assert WORDS[self.lang].findall(said) == [], self.page.url
        if self.rolle == "EIGENTUEMER":
            assert OF_A_TENANT.findall(said) == [], self.page.url

    def lists(self, *titles: str) -> None:
        """Find these documents, in this order."""
        expect(self.body.locator("main .mp-vorgaenge h2")).to_have_text([*titles])

    def card(self, titel: str) -> Locator:
        heading = self.page.get_by_role("heading", name=titel, exact=True)
        return self.body.locator(".mp-vorgaenge li").filter(has=heading)

    def sift(self, *left: str, **chosen: str) -> None:
        """Narrow the list to what shall be left, and see the whole again."""
        for name, value in chosen.items():
            self.choose(name, value) if name != "suche" else self.type(name, value)
        self.press("form.mp-sift button")
        self.on(".mp-sift a.mp-more")
        self.lists(*left)
        self.press(".mp-sift a.mp-more")
        expect(self.body.locator(".mp-sift a.mp-more")).to_have_count(0)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture(scope="module")
def box(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Letterbox]:
    yield from opened_letterbox(tmp_path_factory.mktemp("letterbox"), site.url, "http://127.0.0.1:8080")


@pytest.fixture
def page(browser: Browser, width: int, scripted: bool) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=scripted)
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def comes_in(way: Way, site: Site, box: Letterbox, who: Bewohner, *, letters: int, **claims: object) -> None:
    """Come from the company's site once all letters are there."""
    resident = box.portal.resident(sub=f"user {who.person}", person=who.person, roles=[who.rolle.lower()], **claims)
    patiently(lambda: resident.get("dokumente").text.count("mp-unread") == letters)
    sign_in(way.page, site, resident, f"session of {who.person}")


def reads(way: Way, box: Letterbox, who: Bewohner, titel: str) -> None:
    """Open a letter from the list, see its page, save it whole and in part; immotion hears of it, and it is read."""
    expect(way.card(titel).locator(".mp-unread")).to_be_visible()
    unread = way.body.locator(".mp-unread").count()
    way.press(way.card(titel).get_by_role("link"))
    way.on(".mp-seiten img")
    expect(way.body.get_by_role("heading", level=1)).to_have_text(titel)
    assert re.search(DATES[way.lang], way.body.locator(".mp-facts").inner_text())
    picture = way.body.locator(".mp-seiten img").first
    picture.scroll_into_view_if_needed()
    assert patiently(lambda: picture.evaluate("e => e.complete && e.naturalWidth > 100"))
    with way.page.expect_download() as download:
        way.press("a[download]")
    assert download.value.path().read_bytes() == who.content[titel]
    assert download.value.suggested_filename == f"{titel}.pdf"
    address = way.page.url.partition("?")[0]
    part = way.page.context.request.get(f"{address}/datei", headers={"Range": "bytes=5-1004"})
    assert (part.status, part.body()) == (206, who.content[titel][5:1005])
    assert part.headers["content-range"] == f"bytes 5-1004/{len(who.content[titel])}"
    assert box.acknowledged(who.ids[titel]) == [("ERSTMALS_GEOEFFNET", who.person)]
    way.press(way.body.locator("main a.mp-more").last)
    expect(way.card(titel).locator(".mp-unread")).to_have_count(0)
    expect(way.body.locator(".mp-unread")).to_have_count(unread - 1)


def asks(way: Way, art: str, vertrag: str) -> None:
    way.press('.mp-nav a[href*="dokumente"]')
    way.press('main p a[href*="melden/dokument"]')
    way.on('select[name="dokumentart"]')
    way.choose("dokumentart", art)
    way.tick("vertrag", vertrag)
    way.send()


def has_it_at_once(way: Way, box: Letterbox, who: Bewohner, *, art: str, vertrag: str, titel: str) -> None:
    """Ask for what is there: the Vorgang is closed, leads to the document, and immotion is not troubled."""
    asks(way, art, vertrag)
    way.on(".mp-state.mp-tone-done")
    asked = vorgang_of(way.page)
    way.press('.mp-timeline a[href*="/dokumente/"]')
    expect(way.body.get_by_role("heading", level=1)).to_have_text(titel)
    way.press('.mp-nav a[href*="vorgaenge"]')
    way.on('a[href*="zustand=offen"]')
    way.press('a[href*="zustand=offen"]')
    expect(way.body.locator(f'a[href*="{asked}"]')).to_have_count(0)
    assert not box.filed(asked)


def is_answered(way: Way, box: Letterbox, who: Bewohner, *, art: str, titel: str) -> None:
    """Ask for what is not there: it is filed, and what answers it appears in the Vorgang and in the list."""
    asks(way, art, who.second)
    way.on('main a[href*="quittung.pdf"]')
    asked = vorgang_of(way.page)
    assert patiently(lambda: box.filed(asked))
    brief = Brief(art, titel, {"vertragNr": who.second}, f"{YEAR - 1}-12-01")
    box.provide(who, brief, externeId=asked)
    way.press(way.body.locator(f'main a[href*="{asked}"]:not([href*="quittung"])'))
    way.on(".mp-state")
    appears(way, '.mp-timeline a[href*="/anhaenge/"]')
    way.look()
    with way.page.expect_download() as download:
        way.press('.mp-timeline a[href*="/anhaenge/"]')
    assert download.value.path().read_bytes() == who.content[titel]
    way.press('.mp-nav a[href*="dokumente"]')
    expect(way.card(titel)).to_contain_text(PRESENT)
    expect(way.card(titel).locator(".mp-unread")).to_have_count(0)
    way.press(way.card(titel).get_by_role("link"))
    expect(way.body.locator(f'main a[href*="{asked}"]')).to_be_visible()


def appears(way: Way, what: str) -> None:
    """Open the page again until it is there."""

    def there() -> bool:
        way.page.reload()
        return way.body.locator(what).count() > 0

    patiently(there)


def vorgang_of(page: Page) -> str:
    found = re.search(r"vorgaenge/([0-9a-f-]{36})", page.url)
    assert found, page.url
    return found[1]


def to_the_list(way: Way, *titles: str) -> None:
    """Go from the overview by its word of what is new to the whole list."""
    way.on(".mp-homes")
    expect(way.body.locator('.mp-note a[href*="neu=1"]')).to_contain_text(str(len(titles)))
    way.press('.mp-note a[href*="neu=1"]')
    way.lists(*titles)
    way.press(".mp-sift a.mp-more")
    expect(way.body.locator(".mp-sift a.mp-more")).to_have_count(0)
    way.on(".mp-vorgaenge")
    way.lists(*titles)


@pytest.mark.parametrize(
    "lang, scripted, width, keys", [("de", True, 1280, False), ("en", False, 320, True)], ids=["german", "english"]
)
def test_a_tenant_with_two_contracts_finds_reads_and_asks_for_documents_of_their_own_time(
    page: Page, site: Site, box: Letterbox, axe: str, lang: str, scripted: bool, keys: bool
) -> None:
    who = box.moves_in("MIETER")
    way = Way(page, page, axe if scripted else "", keys=keys)
    comes_in(way, site, box, who, letters=6)
    if lang == "en":
        way.press('.mp-langs a[lang="en"]')
    way.lang = lang
    letter, contract = "Ablesung der Heizkostenverteiler", "Mietvertrag Lindenhofer Straße"
    new, old = f"Betriebskostenabrechnung {YEAR - 2}", f"Betriebskostenabrechnung {YEAR - 3}"
    rules = ("Hausordnung Lindenhofer Straße 12", "Hausordnung Amselgasse 3")
    to_the_list(way, letter, new, contract, old, *rules)
    for titel, home in ((new, PRESENT), (old, FORMER), (rules[0], PRESENT), (rules[1], FORMER)):
        expect(way.card(titel)).to_contain_text(home)
    way.sift(letter, old, rules[1], wohnung=who.first)
    way.sift(new, art="BK_ABRECHNUNG", jahr=str(YEAR - 1))
    way.sift(contract, suche="LINDENHOFER vertrag")
    way.sift(suche="Rundschreiben")
    reads(way, box, who, new)
    has_it_at_once(way, box, who, art="MIETVERTRAG", vertrag=who.second, titel=contract)
    is_answered(way, box, who, art="MIETBESCHEINIGUNG", titel="Mietbescheinigung")
    assert len(way.looked) >= 7


@pytest.mark.parametrize(
    "lang, scripted, width, keys", [("en", True, 320, True), ("de", False, 1280, False)], ids=["english", "german"]
)
def test_an_owner_finds_their_units_and_statements_and_is_nowhere_called_a_tenant(
    page: Page, site: Site, box: Letterbox, axe: str, lang: str, scripted: bool, keys: bool
) -> None:
    who = box.moves_in("EIGENTUEMER")
    way = Way(page, page, axe if scripted else "", keys=keys, lang=lang, rolle="EIGENTUEMER")
    comes_in(way, site, box, who, letters=10, lang=lang)
    expect(way.body.locator(".mp-homes li")).to_have_text([re.compile(FORMER), re.compile(PRESENT)])
    first, second = f"Hausgeldabrechnung {YEAR - 2}", f"Hausgeldabrechnung {YEAR - 2}, Lindenhof"
    way.press('.mp-nav a[href*="dokumente"]')
    way.on(".mp-vorgaenge")
    assert way.body.locator(".mp-vorgaenge h2").all_inner_texts()[:2] == [second, first]
    expect(way.card(first)).to_contain_text(FORMER)
    way.sift(second, art="HAUSGELD", wohnung=who.second)
    way.sift("Protokoll Amselgasse 3", art="ETV_PROTOKOLL", wohnung=who.first)
    reads(way, box, who, first)
    has_it_at_once(way, box, who, art="HAUSGELD", vertrag=who.first, titel=first)
    is_answered(way, box, who, art="TEILUNG", titel="Teilungserklärung")
    assert len(way.looked) >= 6
