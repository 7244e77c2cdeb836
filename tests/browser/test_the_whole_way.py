"""The whole way in Chromium: company page, damage report with photos, receipt, immotion, clerk, resident."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from tests.demo.running import RunningDemo, free_base

BODY = Page | FrameLocator


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    running = RunningDemo(tmp_path_factory.mktemp("demo"), free_base())
    try:
        running.wait()
        yield running
    finally:
        running.stop()


@pytest.fixture(params=[320, 1280])
def width(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def context(browser: Browser, width: int) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": width, "height": 800}, locale="de-DE")
    made.set_default_timeout(10_000)
    yield made
    made.close()


@pytest.fixture
def no_script(browser: Browser, width: int) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=False)
    made.set_default_timeout(10_000)
    yield made
    made.close()


def sign_in(page: Page, demo: RunningDemo, login: str = "zoe.mueller") -> None:
    page.goto(f"{demo.site}/anmelden")
    page.fill('input[type="text"], input[autocomplete="username"]', login)
    page.fill('input[type="password"]', "wohnen")
    page.locator('main button, form button[type="submit"]').last.click()


def assert_accessible(page: Page, axe: str) -> None:
    """Find nothing with axe-core in light and dark, and nothing that scrolls sideways."""
    page.evaluate(axe)
    colours_alone = {"runOnly": ["color-contrast"]}
    for scheme, rules in (("light", {}), ("dark", colours_alone)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_timeout(400)  # colours fade from one scheme to the other
        found = page.evaluate(
            "rules => axe.run(rules).then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.target.join(' '))]))",
            rules,
        )
        assert found == [], json.dumps(found)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def fill_and_send(body: BODY, samples: Path, text: str) -> None:
    """Fill in the form of an Art that is found already, with a JPEG and a HEIC, and send it."""
    body.locator('input[name="schadensort"][value="W_KUECHE"]').check()
    choose_home(body)
    body.locator('textarea[name="beschreibung"]').fill(text)
    body.locator('input[type="file"][name="anhaenge"]').set_input_files([samples / "gps.jpg", samples / "gps.heic"])
    body.locator('button.mp-button[value="absenden"]').click()


def choose_home(body: BODY) -> None:
    """Choose a home where the resident has several."""
    homes = body.locator('input[name="vertrag"][type="radio"]')
    if homes.count():
        homes.first.check()


def in_ledger(demo: RunningDemo, text: str) -> dict[str, object]:
    """Return the Vorgang with this description as immotion has it, within five seconds."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        for row in demo.ledger():
            if row["koerper"].get("beschreibung") == text:
                return row
        time.sleep(0.1)
    raise AssertionError("not in the ledger within 5 s")


def clerk_answers(demo: RunningDemo, externe_id: str, browser: Browser, text: str) -> None:
    """Set a status and write a message on the stand-in's own page."""
    page = browser.new_page()
    page.goto(f"{demo.standin}/vorgang/{externe_id}")
    page.select_option("#status-code", "IN_PRUEFUNG")
    page.get_by_role("button", name="Status setzen").click()
    page.fill("#nachricht-text", text)
    page.get_by_role("button", name="Senden").click()
    page.close()


def resident_sees(page: Page, body: BODY, text: str) -> None:
    """Open the Vorgang again until the clerk's answer is there."""
    for _ in range(40):
        if body.get_by_text(text).count():
            break
        page.wait_for_timeout(250)
        page.reload()
    expect(body.get_by_text(text)).to_be_visible()
    expect(body.get_by_text("In Bearbeitung").first).to_be_visible()


def check_pictures(demo: RunningDemo, row: dict[str, object]) -> None:
    names = sorted(str(file["dateiname"]) for file in row["anhaenge"])
    assert names == ["gps.jpg", "gps.jpg"]
    assert len({file["sha256"] for file in row["anhaenge"]}) == 2


def sees_both_photos(body: BODY) -> None:
    """Find on a Vorgang's page both photos in small, drawn."""
    for nth in range(2):
        photo = body.locator("img.mp-klein").nth(nth)
        photo.scroll_into_view_if_needed()
        expect(photo).to_have_js_property("complete", value=True)
        assert photo.evaluate("one => one.decode().then(() => one.naturalWidth)") >= 100


def test_the_whole_way_with_script(
    context: BrowserContext, browser: Browser, demo: RunningDemo, samples: Path, axe: str, width: int
) -> None:
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    sign_in(page, demo)
    page.goto(f"{demo.site}/mieterportal")
    assert_accessible(page, axe)
    page.locator('input[name="suche"]').fill("Wasserhahn tropft")
    page.locator('a[href*="SANITAER.TROPFT"]').first.click()
    assert_accessible(page, axe)
    text = f"Tropft seit gestern ({width}, mit Skript)"
    page.locator('input[name="schadensort"][value="W_KUECHE"]').check()
    choose_home(page)
    page.locator('textarea[name="beschreibung"]').fill(text)
    page.locator('input[type="file"][name="anhaenge"]').set_input_files([samples / "gps.jpg", samples / "gps.heic"])
    expect(page.locator("#dateien li")).to_have_count(2, timeout=15_000)
    assert_accessible(page, axe)
    page.locator('button.mp-button[value="absenden"]').click()
    expect(page.get_by_text("Ihre Meldung ist gespeichert")).to_be_visible()
    assert_accessible(page, axe)
    row = in_ledger(demo, text)
    check_pictures(demo, row)
    clerk_answers(demo, row["externeId"], browser, f"Wir kommen morgen ({width})")
    page.get_by_role("link", name="Zum Vorgang").click()
    resident_sees(page, page, f"Wir kommen morgen ({width})")
    sees_both_photos(page)
    assert_accessible(page, axe)
    assert faults == []


def test_a_report_sent_again_after_back_is_filed_once(context: BrowserContext, demo: RunningDemo, width: int) -> None:
    page = context.new_page()
    sign_in(page, demo, "kofi.mensah")
    page.goto(f"{demo.site}/mieterportal/melden/kontakt")
    page.locator('select[name="kontaktthema"]').select_option("ALLGEMEIN")
    page.locator('input[name="betreff"]').fill(f"Einmal genügt ({width})")
    page.locator('textarea[name="beschreibung"]').fill("Wann wird gefegt?")
    numbers = []
    for _ in range(2):
        page.locator('button.mp-button[value="absenden"]').click()
        numbers.append(page.locator(".mp-receiptno").inner_text())
        page.go_back()
        expect(page.locator('textarea[name="beschreibung"]')).to_have_value("Wann wird gefegt?")
    assert numbers[0] == numbers[1]


def test_the_whole_way_without_script(
    no_script: BrowserContext, browser: Browser, demo: RunningDemo, samples: Path, width: int
) -> None:
    page = no_script.new_page()
    sign_in(page, demo, "baerbel.jaeger")
    page.goto(f"{demo.site}/mieterportal")
    page.get_by_role("link", name="Schaden melden").first.click()
    page.locator("main").get_by_role("link", name="Küche", exact=True).click()
    page.get_by_text("Sanitär, Wasser, Abwasser").click()
    page.get_by_role("link", name="Wasserhahn tropft").click()
    text = f"Tropft seit gestern ({width}, ohne Skript)"
    fill_and_send(page, samples, text)
    expect(page.get_by_text("Ihre Meldung ist gespeichert")).to_be_visible()
    row = in_ledger(demo, text)
    check_pictures(demo, row)
    clerk_answers(demo, row["externeId"], browser, f"Ohne Skript gesehen ({width})")
    page.get_by_role("link", name="Zum Vorgang").click()
    resident_sees(page, page, f"Ohne Skript gesehen ({width})")


def test_the_whole_way_in_the_iframe(
    context: BrowserContext, browser: Browser, demo: RunningDemo, samples: Path, width: int
) -> None:
    page = context.new_page()
    sign_in(page, demo, "amina.haddad")
    page.goto(f"{demo.site}/mieterportal-iframe")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="Schaden melden").first.click()
    frame.locator("main").get_by_role("link", name="Küche", exact=True).click()
    frame.get_by_text("Sanitär, Wasser, Abwasser").click()
    frame.get_by_role("link", name="Wasserhahn tropft").click()
    text = f"Tropft seit gestern ({width}, im Rahmen)"
    choose_home(frame)
    frame.locator('textarea[name="beschreibung"]').fill(text)
    frame.locator('input[type="file"][name="anhaenge"]').set_input_files([samples / "gps.jpg", samples / "gps.heic"])
    expect(frame.locator("#dateien li")).to_have_count(2, timeout=15_000)
    frame.locator('button.mp-button[value="absenden"]').click()
    expect(frame.get_by_text("Ihre Meldung ist gespeichert")).to_be_visible()
    row = in_ledger(demo, text)
    check_pictures(demo, row)
    clerk_answers(demo, row["externeId"], browser, f"Im Rahmen gesehen ({width})")
    frame.get_by_role("link", name="Zum Vorgang").click()
    message = frame.get_by_text(f"Im Rahmen gesehen ({width})")
    for _ in range(40):
        if message.count():
            break
        page.wait_for_timeout(250)
        frame.get_by_role("link", name="Übersicht").first.click()
        frame.locator(f'a[href*="{row["externeId"]}"]').first.click()
        frame.get_by_role("heading", level=1).wait_for()
    expect(message).to_be_visible()
    sees_both_photos(frame)


@pytest.mark.parametrize("scripted", [True, False])
def test_a_button_opens_the_portal_in_a_window_of_its_own_and_signing_out_leads_back(
    browser: Browser, demo: RunningDemo, scripted: bool
) -> None:
    context = browser.new_context(java_script_enabled=scripted)
    page = context.new_page()
    sign_in(page, demo, "mehmet.yildiz")
    page.goto(f"{demo.site}/mieterportal-knopf")
    with context.expect_page() as opened:
        page.locator('form[action="/portal-start"] button').click()
    page = opened.value
    if not scripted:
        page.locator("#weiter button").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Mehmet")
    assert "__Host-portal" in {cookie["name"] for cookie in context.cookies()}
    page.get_by_role("button", name="Abmelden").click()
    page.wait_for_url(f"{demo.site}/**")
    assert not {cookie["name"] for cookie in context.cookies()} & {"__Host-portal", "__Host-portal-nonce"}
    context.close()


def test_every_page_of_the_company_and_of_a_resident_is_accessible(
    context: BrowserContext, demo: RunningDemo, axe: str
) -> None:
    page = context.new_page()
    page.goto(demo.site)
    assert_accessible(page, axe)
    sign_in(page, demo, "jana.oesterreich")
    for path in (
        "mieterportal",
        "mieterportal/vorgaenge",
        "mieterportal/melden/kontakt",
        "mieterportal/melden/beschwerde",
        "mieterportal/melden/dokument",
        "mieterportal/melden/schaden",
        "mieterportal/melden/schaden?schadensort=W_BAD",
        "mieterportal/melden/schaden?schadensort=W_BAD&schadenskategorie=GEFAHR&schadensart=GEFAHR.GASGERUCH",
        "mieterportal/melden/schaden?schadensort=W_BAD&schadenskategorie=SANITAER&schadensart=SANITAER.ROHRBRUCH",
        "mieterportal/notfall",
        "mieterportal/barrierefreiheit",
        "mieterportal/gibt-es-nicht",
        "mieterportal-knopf",
        "mieterportal-iframe",
    ):
        page.goto(f"{demo.site}/{path}")
        assert_accessible(page, axe)


def test_the_sites_own_links_and_margins_spoil_neither_the_chosen_filter_nor_the_space_between(
    browser: Browser, demo: RunningDemo
) -> None:
    page = browser.new_page()
    sign_in(page, demo, "jana.oesterreich")
    page.goto(f"{demo.site}/mieterportal/vorgaenge")
    chosen = "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    letters, ground = page.locator(".mp-chips [aria-current]").evaluate(chosen)
    assert letters != ground  # which axe leaves undecided
    page.goto(f"{demo.site}/mieterportal/dokumente?suche=nirgends")
    space = "e => e.getBoundingClientRect().top - e.previousElementSibling.getBoundingClientRect().bottom"
    assert page.locator(".mp-empty").evaluate(space) > 0
    page.context.close()


def test_errors_are_summed_up_and_take_the_focus(context: BrowserContext, demo: RunningDemo, axe: str) -> None:
    page = context.new_page()
    sign_in(page, demo, "grete.suessmilch")
    page.goto(f"{demo.site}/mieterportal/melden/kontakt")
    page.locator('button.mp-button[value="absenden"]').click()
    expect(page.get_by_text("Bitte prüfen Sie Ihre Angaben")).to_be_visible()
    assert page.evaluate("document.activeElement.textContent").count("Bitte") >= 1
    assert_accessible(page, axe)
    page.get_by_role("link", name="Ihre Nachricht: Bitte füllen Sie dieses Feld aus.").click()
    assert page.evaluate("document.activeElement.name") == "beschreibung"


def test_a_photo_that_the_companys_web_server_finds_too_large_is_told_so_and_the_text_stays(
    browser: Browser, demo: RunningDemo, samples: Path
) -> None:
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    sign_in(page, demo, "grete.suessmilch")
    page.goto(f"{demo.site}/mieterportal/melden/kontakt")
    page.locator('textarea[name="beschreibung"]').fill("Lang geschrieben")
    page.route(
        "**/melden/kontakt*",
        lambda route: (
            route.fulfill(status=413, content_type="text/html", body="<h1>Request Entity Too Large</h1>")
            if b"filename=" in (route.request.post_data_buffer or b"")
            else route.fallback()
        ),
    )
    page.locator('input[type="file"][name="anhaenge"]').set_input_files([samples / "gps.jpg"])
    told = "Zu groß für diese Internetseite. Bitte wählen Sie eine kleinere Datei."
    expect(page.locator("[data-uploads] [data-problem]")).to_have_text(told)
    expect(page.locator('textarea[name="beschreibung"]')).to_have_value("Lang geschrieben")
    context.close()


def test_the_first_view_is_light_and_asks_for_two_assets(browser: Browser, demo: RunningDemo) -> None:
    portal = demo.site.rsplit(":", 1)[0] + f":{int(demo.site.rsplit(':', 1)[1]) - 80}"
    context = browser.new_context()
    page = context.new_page()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.goto(f"{portal}/musterbau/notfall")
    page.wait_for_load_state("networkidle")
    assert len([url for url in seen if not url.startswith("data:")]) == 3
    assert context.cookies() == []
    size = sum(
        len(requests.get(url, timeout=10).raw.read() or b"") or len(requests.get(url, timeout=10).content)
        for url in seen
        if url.startswith("http")
    )
    assert size < 60_000
    context.close()
