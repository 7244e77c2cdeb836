"""The own login: registering by a letter, signing in and out, in a tab, in a frame, and where cookies are kept back."""

import re
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from service.access.activation import Purpose
from service.access.hashing import Hasher
from service.access.own.names import number_key
from service.store import audit, cms_sessions, own_accounts
from service.store.database import connected, database
from service.store.records import AuditFilter
from tests.support.inprocess import Portal
from tests.support.own import EIGEN, PASSWORD, SITE, Browser, errors, letter, own_portal, where
from tests.support.portal import forms

RATES = (
    'code_address = "1000/minute", sign_in_address = "1000/minute", form_account = "1000/minute", '
    'sign_in_name = "6/10 minutes", sign_in_strangers = "9/hour"'
)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = own_portal(tmp_path_factory.mktemp("own"), rates=RATES)
    yield made
    made.close()


_persons = iter(range(9000, 9999))


@pytest.fixture
def person() -> str:
    return str(next(_persons))


@pytest.fixture
def account(portal: Portal, person: str) -> str:
    """The Kundennummer of somebody who has registered."""
    assert Browser(portal).register(letter(portal, person)).status_code == 303
    return person


def test_a_letter_and_its_fact_make_an_account_that_is_signed_in_and_acts_for_the_person(
    portal: Portal, person: str
) -> None:
    browser = Browser(portal)
    assert where(browser.register(letter(portal, person))) == ""
    assert set(browser.cookies) == {"__Host-portal", "__Host-portal-device"}
    assert "Zoë Müller" in browser.get("konto").text
    with connected():
        found = audit.newest(EIGEN, AuditFilter(person=person), limit=10)
    assert [entry.event for entry in found] == ["invited", "linked", "registered"]
    assert {entry.account for entry in found[1:]} == {accounts_of(person)}


def accounts_of(person: str) -> str:
    with connected():
        found = own_accounts.by_name(EIGEN, number_key(person))
    assert found is not None
    return found.account


def test_an_account_signs_in_by_its_number_however_it_is_spaced(portal: Portal, account: str) -> None:
    browser = Browser(portal)
    assert where(browser.sign_in(f" {account[:2]} {account[2:]} ")) == ""
    assert browser.get("vorgaenge").status_code == 200
    for zero in "０٠":  # as a phone set to Japanese or Arabic types them
        typed = "".join(chr(ord(zero) + int(digit)) for digit in account)
        assert where(Browser(portal).sign_in(f"{typed}\u200b")) == ""


@pytest.mark.parametrize(
    "password", [f" {PASSWORD}  ", "ÄÖÜ\tß…\u00a0🙂 und noch mehr", " ".join(f"{n * n} Möwen" for n in range(40))[:256]]
)
def test_a_password_is_taken_as_it_was_typed(portal: Portal, person: str, password: str) -> None:
    Browser(portal).register(letter(portal, person), password)
    assert Browser(portal).sign_in(person, password).status_code == 303
    for other in (
        password.strip() if password.strip() != password else password + " ",
        password[:-1],
        password.swapcase(),
    ):
        assert Browser(portal).sign_in(person, other).status_code == 422


@pytest.mark.parametrize("composition", [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_password_is_the_same_however_a_keyboard_composes_it(
    portal: Portal, person: str, composition: tuple[Literal["NFC", "NFD"], Literal["NFC", "NFD"]]
) -> None:
    chosen, typed = (unicodedata.normalize(form, "Drei Möwen über Göß…") for form in composition)
    assert chosen != typed
    Browser(portal).register(letter(portal, person), chosen)
    assert where(Browser(portal).sign_in(person, typed)) == ""


@pytest.mark.parametrize(
    "typed,said",
    [
        ({"kennwort": unicodedata.normalize("NFD", "Möwe über Öl")[:-1]}, "Neues Kennwort: Das sind 11 Zeichen."),
        ({"kennwort": ""}, "Neues Kennwort: Bitte füllen Sie dieses Feld aus."),
        ({"kennwort": "elf Zeichen"}, "Neues Kennwort: Das sind 11 Zeichen. Es müssen mindestens 12 sein."),
        ({"kennwort": "langer Satz " * 30}, "Neues Kennwort: Das ist zu lang."),
        ({"kennwort": "Passwort2026!"}, "Neues Kennwort: Dieses Kennwort ist leicht zu erraten."),
        ({"kennwort": "Eigenbau eG 2026"}, "Neues Kennwort: Dieses Kennwort ist leicht zu erraten."),
        ({"kennwort": "zoe.example.1"}, "Neues Kennwort: Dieses Kennwort ist leicht zu erraten."),
        ({"email": "zoe"}, "E-Mail-Adresse: Bitte geben Sie eine E-Mail-Adresse ein"),
        ({"code": "482913"}, "Code aus dem Brief: Das sind sechs Ziffern"),
        ({"angabe": "gestern"}, "Beginn Ihres Vertrags: Bitte geben Sie ein Datum ein"),
        ({"angabe": "2.4.2019"}, "Code aus dem Brief: Code und Angabe passen nicht zusammen"),
    ],
)
def test_what_is_wrong_with_a_registration_is_said_and_uses_nothing_up(
    portal: Portal, person: str, typed: dict[str, str], said: str
) -> None:
    code, browser = letter(portal, person), Browser(portal)
    answer = browser.register(code, **typed)
    assert answer.status_code == 422
    assert [error for error in errors(answer) if error.startswith(said)], errors(answer)
    assert PASSWORD not in answer.text
    assert 'value="zoe@example.org"' in answer.text or "email" in typed
    assert browser.register(code).status_code == 303


def test_a_code_that_was_used_makes_no_second_account(portal: Portal, person: str) -> None:
    code = letter(portal, person)
    Browser(portal).register(code)
    answer = Browser(portal).register(code)
    assert errors(answer)[0].startswith("Code aus dem Brief: Dieser Code wurde schon benutzt.")


def test_a_letter_for_a_lost_factor_makes_no_account(portal: Portal, person: str) -> None:
    answer = Browser(portal).register(letter(portal, person, Purpose.FACTOR))
    assert "setzt einen zweiten Faktor zurück" in errors(answer)[0]


def test_the_number_signs_in_to_the_account_of_the_newest_letter(portal: Portal, account: str) -> None:
    first = accounts_of(account)
    Browser(portal).register(letter(portal, account), "ein ganz anderer Satz")
    assert Browser(portal).sign_in(account, PASSWORD).status_code == 422
    assert Browser(portal).sign_in(account, "ein ganz anderer Satz").status_code == 303
    assert accounts_of(account) != first


# Known and unknown


@pytest.mark.parametrize("lang", ["de", "en"])
def test_unknown_and_known_accounts_are_answered_alike_with_the_same_work(
    portal: Portal, account: str, lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work: list[str] = []
    verify, execute = Hasher._argon2.func, database.obj.execute_sql

    def counted(self: Hasher) -> object:
        work.append("argon2")
        return verify(self)

    def recorded(sql: str, params: list[object] | None = None) -> object:
        work.append(sql)
        return execute(sql, params)

    Hasher().verify("warm", None)
    answers, done = [], []
    for name in (account, "4711-unbekannt", "nobody@example.org", "zoe@example.org"):
        browser = Browser(portal)
        form = browser.form(f"konto/anmelden?lang={lang}") | {"name": name, "kennwort": "falsch, aber lang genug"}
        work.clear()
        with monkeypatch.context() as patched:
            patched.setattr(database.obj, "execute_sql", recorded)
            patched.setattr(Hasher, "_argon2", property(counted))
            answer = browser.post(f"konto/anmelden?lang={lang}", form)
        done.append(list(work))
        text = re.sub(r'(nonce|value)="[^"]*"', "", answer.text)
        headers = {key: value for key, value in answer.headers.items() if key not in {"x-request-id", "set-cookie"}}
        headers["content-security-policy"] = re.sub("nonce-[^']*", "", headers["content-security-policy"])
        headers.pop("content-length", None)
        answers.append((answer.status_code, text.replace(name, ""), headers, sorted(answer.cookies)))
    assert answers[0][0] == 422
    assert all(one == answers[0] for one in answers)
    assert all(one == done[0] for one in done)
    assert done[0].count("argon2") == 1


def test_a_wrong_password_and_an_unknown_name_have_one_text(portal: Portal, account: str) -> None:
    answers = [Browser(portal).sign_in(name, "falsch, aber lang genug") for name in (account, "unbekannt")]
    assert {tuple(errors(one)) for one in answers} == {("Die Angaben passen nicht zusammen. Bitte prüfen Sie beide.",)}


def test_what_was_typed_as_a_name_comes_back_and_a_password_never(portal: Portal, account: str) -> None:
    answer = Browser(portal).sign_in(account, "falsch, aber lang genug")
    assert f'value="{account}"' in answer.text
    assert "falsch, aber" not in answer.text


def test_a_failed_sign_in_is_in_the_audit_log_without_what_was_typed(portal: Portal, account: str) -> None:
    Browser(portal).sign_in(account, "geheimes Falsches")
    with connected():
        entry = audit.newest(EIGEN, AuditFilter(event="sign_in_failed"), limit=1)[-1]
    assert (entry.account, entry.facts) == (accounts_of(account), {"reason": "password", "for": "own"})
    assert "geheim" not in repr(entry)


# Frames and cookies


def test_in_a_frame_the_session_stays_in_the_frames_own_jar(portal: Portal, account: str) -> None:
    browser = Browser(portal, in_frame=True)
    form = browser.form("konto/anmelden")
    answer = browser.post("konto/anmelden", form | {"name": account, "kennwort": PASSWORD})
    assert answer.status_code == 303
    cookie = answer.cookies["__Host-portal"]
    assert (cookie.same_site, cookie.secure, cookie.http_only) == ("None", True, True)
    assert "Partitioned" in answer.headers["set-cookie"]
    assert browser.get().status_code == 200


def test_at_top_level_the_session_is_not_sent_from_other_sites(portal: Portal, account: str) -> None:
    cookie = Browser(portal).sign_in(account).cookies["__Host-portal"]
    assert (cookie.same_site, cookie.secure, cookie.http_only, cookie.path) == ("Lax", True, True, "/")


def test_where_cookies_are_kept_back_our_own_script_gets_the_session(portal: Portal, account: str) -> None:
    browser = Browser(portal, in_frame=True, blocked=True)
    form = browser.form("konto/anmelden") | {"name": account, "kennwort": PASSWORD}
    answer = browser.post("konto/anmelden", form, Accept="application/json, text/html")
    assert answer.status_code == 200
    assert answer.json["next"] == f"/{EIGEN}/"
    assert "__Host-portal" not in answer.cookies
    browser.session = answer.json["session"]
    assert browser.get("vorgaenge").status_code == 200
    out = browser.form_of_sign_out()
    assert where(browser.post("abmelden", out)) == "konto/anmelden"
    assert browser.get("vorgaenge").status_code == 401


def test_where_cookies_come_back_our_own_script_gets_no_session(portal: Portal, account: str) -> None:
    browser = Browser(portal, in_frame=True)
    form = browser.form("konto/anmelden") | {"name": account, "kennwort": PASSWORD}
    assert browser.post("konto/anmelden", form, Accept="application/json").json == {"next": f"/{EIGEN}/"}
    assert browser.get("vorgaenge").status_code == 200


@pytest.mark.parametrize("password", [PASSWORD, "falsch, aber lang genug"])
def test_without_cookies_and_script_the_way_out_of_the_frame_is_named_whatever_was_typed(
    portal: Portal, account: str, password: str
) -> None:
    browser = Browser(portal, in_frame=True, blocked=True)
    answer = browser.sign_in(account, password)
    assert answer.status_code == 422
    assert "in einem eigenen Fenster" in errors(answer)[0]
    assert f'href="{portal.installation.url}/{EIGEN}/konto/anmelden" target="_blank"' in answer.text


def test_the_company_site_may_frame_the_login_and_hears_its_height(portal: Portal) -> None:
    page = Browser(portal, in_frame=True).get("konto/anmelden")
    assert f"frame-ancestors {SITE}" in page.headers["content-security-policy"]
    assert "data-origins" in page.text


# What other sites may not do


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["konto/anmelden", "konto/registrieren"])
def test_nobody_is_signed_in_from_another_site(
    portal: Portal, account: str, headers: dict[str, str], path: str
) -> None:
    browser = Browser(portal)
    form = browser.form(path) | {"name": account, "kennwort": PASSWORD}
    assert browser.post(path, form, **headers).status_code == 403
    assert "__Host-portal" not in browser.cookies


def test_a_cookie_that_is_not_the_portals_own_does_no_harm(portal: Portal) -> None:
    """No browser sends one of its own accord; it is not sent back either, where it could not be."""
    for value in ("Nebel über", 'x"y', "a,b", "x" * 101):
        browser = Browser(portal, cookies={"__Host-portal-guest": value})
        assert browser.get("konto/anmelden").status_code == 200
        assert browser.cookies["__Host-portal-guest"] != value


@pytest.mark.parametrize(
    "damage", [lambda _: "", lambda token: token[:-2], lambda token: token[1:], lambda _: "x" * 5000]
)
def test_a_form_without_its_own_token_is_shown_again(portal: Portal, account: str, damage) -> None:
    browser = Browser(portal)
    form = browser.form("konto/anmelden") | {"name": account, "kennwort": PASSWORD}
    answer = browser.post("konto/anmelden", form | {"csrf_token": damage(form["csrf_token"])})
    assert (answer.status_code, errors(answer)) == (403, ["Bitte senden Sie das Formular noch einmal ab."])
    assert browser.post("konto/anmelden", forms_of(answer) | {"name": account, "kennwort": PASSWORD}).status_code == 303


def forms_of(answer) -> dict[str, str]:
    return forms(answer.text)[0]


def test_a_form_of_another_browser_signs_nobody_in(portal: Portal, account: str) -> None:
    attacker, victim = Browser(portal), Browser(portal)
    stolen = attacker.form("konto/anmelden") | {"name": account, "kennwort": PASSWORD}
    victim.get("konto/anmelden")
    assert victim.post("konto/anmelden", stolen).status_code == 403


def test_no_token_of_a_cms_is_taken_by_the_own_login(portal: Portal) -> None:
    visitor = portal.visitor(mandant=EIGEN)
    answer = portal.client.simulate_get(
        f"/{EIGEN}", headers={"Authorization": f"Portal portal:{visitor.token()}", "Portal-Base-Url": f"{SITE}/x"}
    )
    assert answer.status_code == 401
    assert Browser(portal).get("sso/portal").status_code == 404


def test_a_mandant_without_the_own_login_has_none_of_its_pages(portal: Portal) -> None:
    for path in ("konto/anmelden", "konto/registrieren"):
        assert portal.client.simulate_get(f"/musterbau/{path}").status_code == 404


# Signing out, and where one was


def test_signing_out_leads_to_the_login_and_a_new_identity_replaces_the_old(portal: Portal, account: str) -> None:
    browser = Browser(portal)
    browser.sign_in(account)
    former = browser.cookies["__Host-portal"]
    browser.sign_in_again(account)
    assert Browser(portal, cookies={"__Host-portal": former}).get("vorgaenge").status_code == 401
    assert where(browser.post("abmelden", browser.form_of_sign_out())) == "konto/anmelden"
    assert browser.get("vorgaenge").status_code == 401


def test_whoever_was_at_a_page_is_there_again_after_signing_in(portal: Portal, account: str) -> None:
    browser = Browser(portal)
    page = browser.get("melden/kontakt")
    assert page.status_code == 401
    way = re.search(rf'href="/{EIGEN}/(konto/anmelden\?weiter=[^"]+)"', page.text).group(1)
    assert where(browser.fill(way, name=account, kennwort=PASSWORD)) == "melden/kontakt"
    assert where(browser.get("konto/anmelden")) == ""


def test_a_way_on_that_was_not_signed_here_leads_home(portal: Portal, account: str) -> None:
    browser = Browser(portal)
    form = browser.form("konto/anmelden?weiter=//evil.example")
    assert where(browser.post("konto/anmelden", form | {"name": account, "kennwort": PASSWORD})) == ""


def test_each_sign_in_is_a_session_of_its_own_at_level_1(portal: Portal, account: str) -> None:
    for _ in range(2):
        Browser(portal).sign_in(account)
    with connected():
        assert cms_sessions.shared(EIGEN, "portal") == 1


# Limits


def test_strangers_hold_up_strangers_but_not_a_browser_that_has_signed_in_before(portal: Portal, account: str) -> None:
    own = Browser(portal)
    own.sign_in(account)
    statuses = [
        Browser(portal, address=f"198.51.100.{number}").sign_in(account, f"geraten, zum {number}. Mal").status_code
        for number in range(10)
    ]
    assert statuses == [422] * 8 + [429] * 2  # nine in an hour, and one was the owner's first sign-in
    held_up = Browser(portal, address="192.0.2.1").sign_in(account)
    assert held_up.status_code == 429
    assert 0 < int(held_up.headers["retry-after"]) <= 3600
    assert own.sign_in_again(account).status_code == 303
    assert Browser(portal, address="192.0.2.1").sign_in("4711-other", "x" * 12).status_code == 422


def test_one_address_that_guesses_is_held_up_and_the_account_is_free_elsewhere(portal: Portal, account: str) -> None:
    attacker = [Browser(portal, address="198.51.100.99").sign_in(account, "y" * 12).status_code for _ in range(7)]
    assert attacker == [422] * 6 + [429]
    assert Browser(portal, address="192.0.2.2").sign_in(account).status_code == 303


def test_by_the_limits_as_they_come_no_single_address_holds_up_an_owner_on_a_new_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = own_portal(tmp_path, rates='code_address = "1000/minute"')
    assert Browser(patient).register(letter(patient, "4711")).status_code == 303
    attacker, really = Browser(patient, address="198.51.100.97"), time.time
    heard = 0
    for minutes in range(0, 55, 11):
        monkeypatch.setattr(time, "time", lambda minutes=minutes: really() + 60 * minutes)
        while attacker.sign_in("4711", "z" * 12).status_code == 422:
            heard += 1
    assert heard == 20
    assert Browser(patient, address="192.0.2.3").sign_in("4711").status_code == 303
    patient.close()


def test_unknown_names_are_limited_like_known_ones(portal: Portal) -> None:
    name = "unbekannt-limitiert"
    found = [Browser(portal, address="198.51.100.98").sign_in(name, "y" * 12).status_code for _ in range(7)]
    assert found == [422] * 6 + [429]
