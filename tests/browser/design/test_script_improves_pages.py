"""What the script adds, under the Content-Security-Policy of the service."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Route, expect

from tests.browser.design.playground import Playground, running


@pytest.fixture
def play() -> Iterator[Playground]:
    with running() as playground:
        yield playground


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if "Security" in message.text else None)
    yield page
    page.close()
    assert complaints == []


def _file(name: str, content: bytes = b"x") -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


def test_hits_appear_while_somebody_types(page: Page, play: Playground) -> None:
    page.goto(f"{play.address}/schaden?lang=de")
    page.get_by_label("Schaden suchen").press_sequentially("heizung")
    expect(page.get_by_role("link", name="Heizung bleibt kalt")).to_be_visible()
    assert play.asked[-1].path == "/schaden?lang=de&suche=heizung"
    expect(page.locator("[data-ansage]")).to_have_text("3 Treffer")
    assert page.evaluate("document.activeElement.name") == "suche"


def test_hits_appear_on_the_first_page_too(page: Page, play: Playground) -> None:
    page.goto(f"{play.address}/")
    page.get_by_label("Schaden suchen").press_sequentially("heizung")
    expect(page.get_by_role("link", name="Heizung bleibt kalt")).to_be_visible()


def test_what_is_typed_is_kept_as_a_draft_and_the_field_is_left_alone(page: Page, play: Playground) -> None:
    page.goto(f"{play.address}/melden")
    page.get_by_label("Was ist zu sehen?").press_sequentially("Nass")
    expect(page.get_by_text("Entwurf gespeichert")).to_be_visible()
    assert play.actions() == ["speichern"]
    assert play.asked[-1].fields["beschreibung"].startswith("Nass")
    assert page.evaluate("document.activeElement.name") == "beschreibung"


def test_an_answer_that_is_dangerous_shows_the_emergency_notice_at_once(page: Page, play: Playground) -> None:
    page.goto(f"{play.address}/melden")
    page.get_by_label("Es läuft stark").check()
    expect(page.get_by_role("heading", name="Wasser läuft aus")).to_be_in_viewport()
    page.get_by_label("Ich habe die Hinweise gelesen").check()
    page.get_by_label("Es tropft").check()
    expect(page.get_by_role("heading", name="Wasser läuft aus")).to_be_hidden()


def test_a_topic_that_is_only_informed_about_says_so_as_soon_as_it_is_chosen(page: Page, play: Playground) -> None:
    page.goto(f"{play.address}/kontakt")
    topic = page.get_by_label("Worum geht es?")
    topic.select_option("A")
    topic.select_option("B")
    told = page.get_by_role("heading", name="Wohnung kündigen")
    expect(told).to_be_visible()
    topic.select_option("A")
    expect(told).to_be_hidden()


def test_the_number_to_call_follows_the_home_that_is_chosen(page: Page, play: Playground) -> None:
    page.goto(f"{play.address}/melden")
    page.get_by_label("Es läuft stark").check()
    shown = page.locator("#notfall a")
    for home, number in (("Am Alten Wasserwerk", "030 555 0133"), ("Lindenallee", "030 555 0100")):
        page.get_by_label(home).check()
        expect(shown).to_contain_text(number)
        expect(shown).to_contain_text(home)


def test_an_outdated_number_goes_even_while_its_box_has_the_focus(page: Page, play: Playground) -> None:
    page.goto(f"{play.address}/melden")
    page.get_by_label("Es läuft stark").check()
    expect(page.locator("#notfall a")).to_contain_text("030 555 0100")
    play.may_answer.clear()
    page.get_by_label("Am Alten Wasserwerk").check()
    page.get_by_label("Ich habe die Hinweise gelesen").check()
    play.may_answer.set()
    expect(page.locator("#notfall a")).to_contain_text("030 555 0133")
    expect(page.get_by_label("Ich habe die Hinweise gelesen")).to_be_checked()
    assert page.evaluate("document.activeElement.name") == "notfall_bestaetigt"


def test_chosen_files_go_up_one_by_one_and_never_twice(page: Page, play: Playground) -> None:
    page.goto(f"{play.address}/melden")
    files = [_file("a.jpg"), _file("leer.jpg", b""), _file("b.jpg")]
    page.get_by_label("Fotos und Dateien").set_input_files(files)
    expect(page.get_by_role("button", name="Entfernen b.jpg")).to_be_visible()
    expect(page.locator("[data-uploads]")).to_contain_text("„leer.jpg“ ist leer.")
    assert [one.files for one in play.asked if one.method == "POST"] == [["a.jpg"], ["leer.jpg"], ["b.jpg"]]
    page.get_by_role("button", name="Absenden").last.click()
    page.wait_for_url("**/quittung")
    assert [one for one in play.asked if one.method == "POST"][-1].files == []


def test_an_upload_can_be_cancelled(page: Page, play: Playground) -> None:
    play.may_answer.clear()
    page.goto(f"{play.address}/melden")
    page.get_by_label("Fotos und Dateien").set_input_files([_file("a.jpg")])
    page.get_by_role("button", name="Abbrechen").click()
    expect(page.get_by_role("button", name="Abbrechen")).to_be_hidden()
    assert page.evaluate("document.activeElement.name") == "anhaenge"


def test_a_file_can_be_removed_in_place(page: Page, play: Playground) -> None:
    play.files.append("alt.jpg")
    page.goto(f"{play.address}/melden")
    page.get_by_role("button", name="Entfernen alt.jpg").click()
    expect(page.get_by_role("button", name="Entfernen alt.jpg")).to_be_hidden()
    assert play.actions() == ["entfernen:alt.jpg"]
    expect(page.locator("[data-ansage]")).to_have_text("Datei entfernt")


def test_a_double_click_sends_once_and_waits_for_uploads(page: Page, play: Playground) -> None:
    page.goto(f"{play.address}/melden")
    play.may_answer.clear()
    page.get_by_label("Fotos und Dateien").set_input_files([_file("a.jpg")])
    send = page.get_by_role("button", name="Absenden").last
    send.dblclick(force=True)
    expect(send).to_have_attribute("aria-disabled", "true")
    expect(page.locator("[data-status]")).to_contain_text("werden noch übertragen")
    play.may_answer.set()
    page.wait_for_url("**/quittung")
    assert play.actions() == ["hochladen", "absenden"]


def test_without_cookies_the_frame_works_on_with_its_session_in_memory(page: Page, play: Playground) -> None:
    page.goto(play.address.replace("127.0.0.1", "localhost") + "/host")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Guten Tag")).to_be_focused()
    page.wait_for_function("document.title.startsWith('height ')")
    frame.get_by_role("link", name="Schaden melden").click()
    expect(frame.get_by_role("heading", name="Schaden melden")).to_be_focused()
    expect(frame.get_by_role("link", name="In eigenem Fenster öffnen")).to_have_attribute(
        "href", play.address + "/oben"
    )
    frame.get_by_label("Fotos und Dateien").set_input_files([_file("a.jpg")])
    expect(frame.get_by_role("button", name="Entfernen a.jpg")).to_be_visible()
    frame.get_by_role("button", name="Absenden").last.click()
    expect(frame.get_by_text("2026-000125")).to_be_visible()
    with page.expect_download() as download:
        frame.get_by_role("link", name="Als PDF speichern").click()
    assert download.value.suggested_filename == "Quittung M.pdf"
    after = [one for one in play.asked if one.path not in {"/host", "/host.js", "/sso", "/css", "/js", "/favicon.ico"}]
    assert {one.session for one in after} == {"S-T-N"}
    assert play.actions()[1:] == ["hochladen", "absenden"]


def test_a_token_from_any_other_window_or_origin_is_passed_over(page: Page, play: Playground) -> None:
    page.goto(f"{play.address}/sso")
    with page.expect_popup() as opened:
        page.evaluate("window.open('/css')")
    sent = "postMessage({ type: 'portal:token', token: 'evil' }, '*')"
    opened.value.evaluate(f"opener.{sent}")  # of another window
    page.evaluate(sent)  # of the window around this page, which is this one, but not of an origin that the page names
    page.evaluate("new Promise((done) => setTimeout(done, 200))")
    assert not [one for one in play.asked if one.method == "POST"]


def _nearly_twelve_hours_later(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, body=re.sub(r'data-left="\d+"', 'data-left="900"', answer.text()))


def test_the_end_that_nothing_puts_off_is_announced_five_minutes_before(page: Page, play: Playground) -> None:
    page.clock.install()
    page.route("**/melden", _nearly_twelve_hours_later)
    page.goto(f"{play.address}/melden")
    page.clock.fast_forward((900 - 301) * 1000)
    expect(page.locator("[data-ende]")).to_be_empty()
    page.clock.fast_forward(2000)
    expect(page.locator("[data-ende]")).to_contain_text("am 3. März 2026, 22:15 Uhr abgemeldet, auch wenn")
    expect(page.locator("[data-ende] button")).to_have_count(0)
    page.clock.fast_forward(300_000)
    expect(page.locator("[data-ende]")).to_have_text("Ihre Sitzung ist beendet. Bitte melden Sie sich neu an.")


def test_an_idle_session_is_announced_before_it_ends_and_can_be_kept(page: Page, play: Playground) -> None:
    page.clock.install()
    page.goto(f"{play.address}/melden")
    page.clock.fast_forward(1501_000)
    expect(page.locator("[data-sitzung]")).to_contain_text("in 5 Minuten abgemeldet")
    page.get_by_role("button", name="Angemeldet bleiben").click()
    expect(page.locator("[data-sitzung]")).to_have_text("Sie bleiben angemeldet.")
    assert play.asked[-1].path == "/"


def test_once_a_session_is_over_nothing_of_it_is_left_on_the_screen(page: Page, play: Playground) -> None:
    page.clock.install()
    page.goto(f"{play.address}/")
    assert "Erika" in page.content()
    for wait in (1501, 301):
        page.clock.fast_forward(wait * 1000)
    expect(page.locator(".mieterportal")).to_have_text(re.compile("Ihre Sitzung ist beendet.*Zur Übersicht"))
    assert "Erika" not in page.content()
    assert page.title() == "Ihre Sitzung ist beendet. Bitte melden Sie sich neu an."
    expect(page.get_by_role("link", name="Zur Übersicht")).to_be_focused()


def test_what_could_not_be_kept_as_a_draft_stays_on_the_screen(page: Page, play: Playground) -> None:
    page.clock.install()
    page.goto(f"{play.address}/melden")
    page.route("**/*", lambda route: route.abort())
    page.get_by_label("Was ist zu sehen?").press_sequentially("Nass")
    page.clock.fast_forward(2000)
    expect(page.get_by_text("Ihre Eingaben stehen noch hier.").first).to_be_visible()
    for wait in (1501, 301):
        page.clock.fast_forward(wait * 1000)
    expect(page.locator("[data-sitzung]")).to_contain_text("Ihre Sitzung ist beendet.")
    expect(page.get_by_label("Was ist zu sehen?")).to_have_value(re.compile("Nass"))


def test_what_is_done_in_one_tab_keeps_the_session_in_the_others(page: Page, play: Playground) -> None:
    page.clock.install()
    page.goto(f"{play.address}/")
    page.clock.fast_forward(1501_000)
    expect(page.locator("[data-sitzung]")).to_contain_text("in 5 Minuten abgemeldet")
    with page.expect_popup() as opened:
        page.evaluate("window.open('/') && 0")
    expect(page.locator("[data-sitzung]")).to_be_empty()
    page.clock.fast_forward(301_000)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    opened.value.close()


def test_a_browser_that_keeps_tabs_apart_runs_the_script_all_the_same(page: Page, play: Playground) -> None:
    page.add_init_script("window.BroadcastChannel = class { constructor() { throw new Error('kept back') } }")
    page.clock.install()
    page.goto(f"{play.address}/")
    page.clock.fast_forward(1501_000)
    expect(page.locator("[data-sitzung]")).to_contain_text("in 5 Minuten abgemeldet")


def test_the_code_of_a_letter_is_filled_in_from_behind_the_hash_and_forgotten(page: Page, play: Playground) -> None:
    page.goto(f"{play.address}/aktivieren?lang=de#code=K7QM-2XPD-9FHA-W3ZC")
    expect(page.get_by_label("Code aus dem Brief")).to_have_value("K7QM-2XPD-9FHA-W3ZC")
    assert page.evaluate("location.href") == f"{play.address}/aktivieren?lang=de"
    assert "K7QM" not in repr(play.asked)


def test_what_is_no_code_is_left_where_it_is(page: Page, play: Playground) -> None:
    page.goto(f"{play.address}/aktivieren#code=<b>")
    expect(page.get_by_label("Code aus dem Brief")).to_have_value("")
