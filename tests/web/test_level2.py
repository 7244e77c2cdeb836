"""The second factor: asked for where it is needed, and back to exactly where somebody was, in all three embeddings."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import falcon.testing
import pytest

from tests.support.inprocess import EMBEDDINGS, Portal, Visitor, codes_on, errors_on
from tests.support.portal import KEY, forms

PDF = (Path(__file__).parent.parent / "files" / "page.pdf").read_bytes()


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = Portal(tmp_path_factory.mktemp("level2"))
    yield made
    made.close()


@pytest.fixture(params=EMBEDDINGS)
def somebody(request: pytest.FixtureRequest, portal: Portal) -> Visitor:
    """Somebody with a second factor, whose session is no longer at level 2."""
    visitor = portal.visitor(request.param)
    visitor.set_up()
    portal.later(minutes=11)
    return visitor


@pytest.fixture(scope="module")
def guest(portal: Portal) -> Visitor:
    """Somebody whose wrong codes are nobody else's."""
    visitor = portal.visitor()
    visitor.set_up()
    return visitor


@pytest.fixture
def confirmed(portal: Portal) -> Visitor:
    """Somebody in fragment mode whose session is at level 2."""
    visitor = portal.visitor()
    visitor.set_up()
    return visitor


def weiter_of(visitor: Visitor, answer: falcon.testing.Result) -> str:
    path = visitor.where(answer)
    assert path.startswith("bestaetigen?weiter="), path
    return path.partition("weiter=")[2]


def test_setting_up_shows_the_secret_and_then_ten_codes_this_once(portal: Portal) -> None:
    visitor = portal.visitor()
    assert "Nicht eingerichtet" in visitor.get("konto/sicherheit").text
    assert 'konto"' in visitor.get().text
    assert "konto/sicherheit" in visitor.get("konto").text
    visitor.secret = visitor.begin()
    page = visitor.get("konto/sicherheit/app")
    assert len(visitor.secret) == 32
    assert "<svg" in page.text
    assert " style=" not in page.text
    form = visitor.form("konto/sicherheit/app") | {"aktion": "bestaetigen"}
    wrong = visitor.post("konto/sicherheit/app", form | {"code": "000000"})
    assert (wrong.status_code, codes_on(wrong)) == (422, [])
    assert visitor.secret in wrong.text.replace(" ", "")
    shown = visitor.post("konto/sicherheit/app", form | {"code": visitor.code()})
    assert (shown.status_code, len(set(codes_on(shown)))) == (200, 10)
    again = visitor.post("konto/sicherheit/app", form | {"code": visitor.code()})
    assert visitor.where(again) == "konto/sicherheit"
    state = visitor.get("konto/sicherheit").text
    assert "Eingerichtet am 23. November 2026" in state
    assert "Noch 10 von 10" in state


def test_the_secret_is_shown_in_the_session_that_began_and_in_no_other(portal: Portal) -> None:
    visitor = portal.visitor()
    visitor.begin()
    other = portal.visitor(sub=visitor.sub, sid="another")
    assert "mp-key" in visitor.get("konto/sicherheit/app").text
    assert "mp-key" not in other.get("konto/sicherheit/app").text
    portal.later(minutes=31)
    assert "mp-key" not in visitor.get("konto/sicherheit/app").text


def test_a_document_is_had_after_a_code_and_the_way_leads_back(portal: Portal, somebody: Visitor) -> None:
    weiter = weiter_of(somebody, somebody.get("konto/sicherheit/app"))
    assert somebody.where(somebody.step_up(somebody.code(), weiter)) == "konto/sicherheit/app"
    number = somebody.file_kontakt()
    portal.later(minutes=11)
    path = portal.document(number, PDF)
    weiter = weiter_of(somebody, somebody.get(path))
    landing = somebody.follow(somebody.step_up(somebody.code(), weiter))
    assert "Datei herunterladen" in landing.text
    assert f"vorgaenge/{number}" in landing.text
    assert somebody.get(path).content.startswith(b"%PDF")


def test_a_page_that_asks_is_shown_as_it_was_asked_for(portal: Portal, somebody: Visitor) -> None:
    number = somebody.file_kontakt()
    asked = somebody.get(f"vorgaenge/{number}?lang=en")
    weiter = weiter_of(somebody, asked).partition("&")[0]
    form = somebody.form(f"bestaetigen?weiter={weiter}&lang=en")
    answer = somebody.post("bestaetigen?lang=en", form | {"code": somebody.code()})
    assert somebody.where(answer) == f"vorgaenge/{number}?lang=en"
    assert '<html lang="en"' in (page := somebody.follow(answer).text) or 'lang="en"' in page.split("mp-main")[0]


def test_nothing_typed_or_uploaded_is_lost_on_the_way(portal: Portal, somebody: Visitor) -> None:
    number = somebody.file_kontakt()
    path = f"vorgaenge/{number}"
    somebody.step_up(somebody.code())
    form = somebody.form(path)
    portal.later(minutes=11)
    typed = form | {"aktion": "nachricht", "nachricht": "Lange überlegt"}
    asked = somebody.post(path, typed, {"anhaenge": ("plan.pdf", PDF)})
    page = somebody.follow(asked)
    assert "Ihre Eingaben sind gesichert" in page.text
    assert "plan.pdf" in page.text
    assert "Lange überlegt" not in page.text
    back = somebody.follow(somebody.step_up(somebody.code(), weiter_of(somebody, asked)))
    assert "Lange überlegt" in back.text
    assert "plan.pdf" in back.text
    sent = somebody.post(path, typed | {"csrf_token": form["csrf_token"]})
    done = somebody.follow(sent)
    assert "Lange überlegt" in done.text
    assert re.search(r'anhaenge/[0-9a-f-]+">plan\.pdf', done.text)


def test_a_draft_is_saved_while_a_code_is_asked_for(portal: Portal, somebody: Visitor) -> None:
    number = somebody.file_kontakt()
    path = f"vorgaenge/{number}"
    somebody.step_up(somebody.code())
    form = somebody.form(path)
    portal.later(minutes=11)
    answer = somebody.post(path, form | {"aktion": "speichern", "nachricht": "Noch nicht fertig"})
    asked = somebody.follow(answer).text
    assert 'id="entwurf"' in asked
    assert 'id="formular"' not in asked, "the script would take the keys of this form for those of the one it saves"
    somebody.step_up(somebody.code())
    assert "Noch nicht fertig" in somebody.get(path).text


def test_level_2_lasts_ten_minutes_however_much_is_done(portal: Portal, confirmed: Visitor) -> None:
    path = portal.document(confirmed.file_kontakt(), PDF)
    confirmed.portal.later(minutes=9)
    assert confirmed.get(path).status_code == 200
    portal.later(seconds=29)  # setting up took half a minute
    assert confirmed.get(path).status_code == 200
    portal.later(seconds=2)
    assert confirmed.get(path).status_code == 303


def test_another_session_of_the_same_account_is_not_raised(portal: Portal, confirmed: Visitor) -> None:
    path = portal.document(confirmed.file_kontakt(), PDF)
    other = portal.visitor(sub=confirmed.sub, sid="session-2")
    assert confirmed.get(path).status_code == 200
    assert other.get(path).status_code == 303
    browser = portal.visitor("cookie", sub=confirmed.sub)
    assert browser.get(path).status_code == 200, "the same session of the CMS, whichever way somebody comes"


def test_signing_out_ends_level_2(portal: Portal, confirmed: Visitor) -> None:
    path = portal.document(confirmed.file_kontakt(), PDF)
    browser = portal.visitor("cookie", sub=confirmed.sub)
    page = browser.get().text.split("data-abmelden")[1]
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)
    assert browser.post("abmelden", {"csrf_token": csrf}).status_code == 303
    assert confirmed.get(path).status_code == 303


def test_the_logout_of_the_cms_ends_level_2_even_where_it_goes_on_with_the_same_session(
    portal: Portal, confirmed: Visitor
) -> None:
    path = portal.document(confirmed.file_kontakt(), PDF)
    out = confirmed.send("POST", "sso/website/logout", {"token": confirmed.token("logout")}, signed=False)
    assert out.status_code == 204
    portal.later(seconds=1)
    assert confirmed.get(path).status_code == 303


@pytest.mark.parametrize(
    "typed, help_",
    [
        ("", "Bitte geben Sie den Code ein."),
        ("12345", "genau sechs Ziffern"),
        ("1234567", "genau sechs Ziffern"),
        ("ABCD-EFGH-JKMN-PQRS", "Aktivierungscode"),
        ("3-K7QM-2XPD", "Ersatzcode passt nicht"),
        ("Kennwort!", "wie 3-K7QM-2XPD"),
        ("🔑" * 500, "wie 3-K7QM-2XPD"),
    ],
)
def test_each_wrong_kind_of_code_gets_its_own_help(portal: Portal, guest: Visitor, typed: str, help_: str) -> None:
    portal.later(minutes=16)
    answer = guest.step_up(typed)
    assert answer.status_code == 422
    assert help_ in errors_on(answer)
    assert 'value="' + (typed or "-") not in answer.text


@pytest.mark.parametrize("typed", ["000000", "12345", "ABCD-EFGH-JKMN-PQRS", "Kennwort!"])
def test_where_a_recovery_code_is_asked_for_the_help_speaks_of_one(portal: Portal, guest: Visitor, typed: str) -> None:
    portal.later(minutes=16)
    weiter = weiter_of(guest, guest.get("konto/sicherheit/app"))
    form = forms(guest.get(f"bestaetigen?weiter={weiter}&art=ersatzcode").text)[0]
    answer = guest.post("bestaetigen", form | {"code": typed})
    assert answer.status_code == 422
    assert "Das ist kein Ersatzcode. Ein Ersatzcode sieht aus wie 3-K7QM-2XPD." in errors_on(answer)
    assert "Warten Sie, bis die App" not in answer.text


def test_a_wrong_a_used_an_old_and_a_coming_code_look_the_same(portal: Portal) -> None:
    visitor = portal.visitor()
    visitor.set_up()
    portal.later(minutes=11)
    used = visitor.code()
    assert visitor.step_up(used).status_code == 303
    stranger = portal.visitor(sub=visitor.sub, sid="stranger")
    stranger.secret = visitor.secret
    codes = {used, stranger.code(1), stranger.code(-2), "000000"}
    answers = [stranger.step_up(code) for code in codes]
    assert {answer.status_code for answer in answers} == {422}
    assert len({errors_on(answer) for answer in answers}) == 1


def test_a_code_of_the_step_before_still_counts(portal: Portal, somebody: Visitor) -> None:
    assert somebody.step_up(somebody.code(-1)).status_code == 303


def test_who_guesses_waits_longer_and_longer_and_a_recovery_code_still_opens(portal: Portal) -> None:
    visitor = portal.visitor()
    codes = visitor.set_up()
    guesser = portal.visitor(sub=visitor.sub, sid="guesser")
    assert [guesser.step_up("000000").status_code for _ in range(5)] == [422] * 5
    held = guesser.step_up("000000")
    assert (held.status_code, held.headers["retry-after"]) == (429, "30")
    guesser.secret = visitor.secret
    assert guesser.step_up(guesser.code()).status_code == 429, "nothing is looked at, right or wrong"
    portal.later(seconds=31)
    assert guesser.step_up("000000").status_code == 422
    assert guesser.step_up("000000").headers["retry-after"] == "60"
    owner = portal.visitor(sub=visitor.sub, sid="new session of the owner")
    assert owner.step_up(codes[3].lower().replace("-", " ")).status_code == 303
    guesser.secret = ""
    assert guesser.step_up("000000").status_code == 422, "after a right code everybody counts anew"


def test_a_session_that_was_confirmed_is_not_held_up_by_anybody_else(portal: Portal) -> None:
    visitor = portal.visitor()
    visitor.set_up()
    portal.later(minutes=11)
    guesser = portal.visitor(sub=visitor.sub, sid="guesser")
    assert [guesser.step_up("000000").status_code for _ in range(6)][-1] == 429
    assert visitor.step_up(visitor.code()).status_code == 303


def test_a_recovery_code_works_once_and_the_rest_is_counted(portal: Portal) -> None:
    visitor = portal.visitor()
    codes = visitor.set_up()
    for number, code in enumerate(codes[:8]):
        session = portal.visitor(sub=visitor.sub, sid=f"s{number}")
        assert session.step_up(code).status_code == 303
    assert portal.visitor(sub=visitor.sub, sid="again").step_up(codes[0]).status_code == 422
    state = visitor.get("konto/sicherheit").text
    assert "Noch 2 von 10" in state
    assert "nur noch wenige" in state


def test_the_old_device_counts_until_the_new_one_is_confirmed(portal: Portal, somebody: Visitor) -> None:
    assert somebody.where(somebody.get("konto/sicherheit/app")).startswith("bestaetigen")
    somebody.step_up(somebody.code())
    portal.later(seconds=30)
    new = somebody.begin()
    assert new != somebody.secret
    other = portal.visitor(sub=somebody.sub, sid="elsewhere")
    other.secret = somebody.secret
    assert other.step_up(other.code()).status_code == 303
    somebody.secret = new
    form = somebody.form("konto/sicherheit/app")
    replaced = somebody.post("konto/sicherheit/app", form | {"aktion": "bestaetigen", "code": somebody.code()})
    assert somebody.where(replaced) == "konto/sicherheit"
    portal.later(minutes=11)
    assert somebody.step_up(other.code()).status_code == 422
    assert somebody.step_up(somebody.code()).status_code == 303
    assert "Noch 10 von 10" in somebody.get("konto/sicherheit").text


def test_nobody_begins_anew_at_level_1(portal: Portal, somebody: Visitor) -> None:
    token = somebody.form("bestaetigen")
    begun = somebody.post("konto/sicherheit/app", token | {"aktion": "beginnen"})
    assert somebody.where(begun).startswith("bestaetigen")
    made = somebody.post("konto/sicherheit/codes", token | {"aktion": "anlegen"})
    assert somebody.where(made).startswith("bestaetigen")


def test_new_recovery_codes_take_the_place_of_the_former(portal: Portal, confirmed: Visitor) -> None:
    form = confirmed.form("konto/sicherheit/codes")
    shown = confirmed.post("konto/sicherheit/codes", form)
    assert len(codes_on(shown)) == 10
    assert confirmed.where(confirmed.post("konto/sicherheit/codes", form)) == "konto/sicherheit"
    portal.later(minutes=11)
    assert confirmed.step_up(codes_on(shown)[9]).status_code == 303


def test_where_it_leads_on_is_signed(portal: Portal, somebody: Visitor) -> None:
    token = weiter_of(somebody, somebody.get("konto/sicherheit/app"))
    for forged in (token[:-2], "//evil.example/", "https://evil.example/", "x" * 5000):
        portal.later(seconds=60)
        answer = somebody.step_up(somebody.code(), forged)
        assert somebody.where(answer) == ""
        portal.later(minutes=11)


def test_in_another_language_it_leads_on_all_the_same(portal: Portal, somebody: Visitor) -> None:
    token = weiter_of(somebody, somebody.get("konto/sicherheit/app"))
    page = somebody.get(f"bestaetigen?weiter={token}&path=x&self=y&lang=fr").text
    english = html.unescape(re.search(r'<a href="([^"]+)" lang="en"', page).group(1)).partition("bestaetigen")[2]
    assert "Please confirm" in somebody.get(f"bestaetigen{english}").text
    form = somebody.form(f"bestaetigen{english}") | {"weiter": token, "code": somebody.code()}
    assert f"weiter={token}" in english
    assert somebody.where(somebody.post("bestaetigen", form)).startswith("konto/sicherheit/app")


def test_the_form_of_another_session_is_refused(portal: Portal, somebody: Visitor) -> None:
    other = portal.visitor(sub=somebody.sub, sid="another session")
    answer = somebody.post("bestaetigen", other.form("bestaetigen") | {"code": somebody.code()})
    assert answer.status_code == 403
    assert "noch einmal ab" in answer.text


def test_forms_of_another_session_change_no_factor(portal: Portal, confirmed: Visitor) -> None:
    foreign = portal.visitor(sub=confirmed.sub, sid="another session").form("bestaetigen")
    secret = confirmed.begin()
    for path in ("konto/sicherheit/app", "konto/sicherheit/codes"):
        answer = confirmed.post(path, foreign | {"aktion": "beginnen"})
        assert (answer.status_code, codes_on(answer)) == (403, [])
    assert secret in confirmed.get("konto/sicherheit/app").text.replace(" ", "")
    assert "Noch 10 von 10" in confirmed.get("konto/sicherheit").text


def test_who_has_lost_the_device_sets_up_another_by_a_recovery_code(portal: Portal) -> None:
    visitor = portal.visitor()
    codes = visitor.set_up()
    portal.later(minutes=11)
    weiter = weiter_of(visitor, visitor.get("konto/sicherheit/app"))
    page = visitor.get(f"bestaetigen?weiter={weiter}&art=ersatzcode")
    assert 'inputmode="text"' in page.text
    form = forms(page.text)[0]
    assert form["art"] == "ersatzcode"
    assert visitor.where(visitor.post("bestaetigen", form | {"code": codes[0]})) == "konto/sicherheit/app"
    visitor.secret = visitor.begin()
    form = visitor.form("konto/sicherheit/app") | {"aktion": "bestaetigen"}
    wrong = visitor.post("konto/sicherheit/app", form | {"code": codes[1]})
    assert (wrong.status_code, "genau sechs Ziffern" in errors_on(wrong)) == (422, True)
    key = visitor.post("konto/sicherheit/app", form | {"code": visitor.secret})
    assert "Schlüssel geben Sie bitte in der App ein" in errors_on(key)
    assert visitor.where(visitor.post("konto/sicherheit/app", form | {"code": visitor.code()})) == "konto/sicherheit"
    assert "Noch 9 von 10" in visitor.get("konto/sicherheit").text


def test_what_was_kept_is_shown_to_its_account_alone(portal: Portal, confirmed: Visitor) -> None:
    path = f"vorgaenge/{confirmed.file_kontakt()}"
    form = confirmed.form(path) | {"aktion": "nachricht", "nachricht": "Meins"}
    portal.later(minutes=11)
    weiter = weiter_of(confirmed, confirmed.post(path, form, {"anhaenge": ("plan.pdf", PDF)}))
    other = portal.visitor()
    other.set_up()
    portal.later(minutes=11)
    assert "plan.pdf" in confirmed.get(f"bestaetigen?weiter={weiter}").text
    assert "plan.pdf" not in other.get(f"bestaetigen?weiter={weiter}").text


def test_somebody_without_a_factor_is_led_to_where_one_is_set_up(portal: Portal) -> None:
    visitor = portal.visitor()
    assert visitor.where(visitor.get("konto/sicherheit/codes")) == "konto/sicherheit/app"
    form = visitor.form("konto/sicherheit/app")
    assert visitor.where(visitor.post("bestaetigen", form | {"code": "482913"})).startswith("konto/sicherheit/app")
    unbegun = visitor.post("konto/sicherheit/app", form | {"aktion": "bestaetigen", "code": "482913"})
    assert visitor.where(unbegun) == "konto/sicherheit"


def test_a_token_that_was_used_raises_nothing(portal: Portal) -> None:
    visitor = portal.visitor()
    visitor.set_up()
    portal.later(minutes=11)
    form = visitor.form("bestaetigen") | {"code": "000000"}
    headers = {"Authorization": f"Portal website:{visitor.token()}"}
    assert visitor.send("POST", "bestaetigen", form, headers=headers).status_code == 422
    used = visitor.send("POST", "bestaetigen", form | {"code": visitor.code()}, headers=headers)
    assert used.status_code == 401
    assert visitor.get("konto/sicherheit/app").status_code == 303


def test_who_is_at_level_2_already_goes_straight_on(portal: Portal, confirmed: Visitor) -> None:
    assert confirmed.where(confirmed.get("bestaetigen")) == ""
    form = portal.visitor(sub=confirmed.sub, sid="other").form("bestaetigen")
    assert form["weiter"] == ""


def test_without_a_second_factor_everything_goes_on_until_it_is_compulsory(portal: Portal) -> None:
    visitor = portal.visitor()
    path = portal.document(visitor.file_kontakt(), PDF)
    assert visitor.get(path).status_code == 200
    assert visitor.where(visitor.get("bestaetigen")).startswith("konto/sicherheit/app")


def test_a_mandant_without_level_2_has_none_of_its_pages(portal: Portal) -> None:
    visitor = portal.visitor(mandant="nachbar", key=KEY[::-1])
    first = visitor.get()
    assert first.status_code == 200
    assert "konto/sicherheit" not in first.text
    for path in ("bestaetigen", "konto/sicherheit", "konto/sicherheit/app", "konto/sicherheit/codes"):
        assert visitor.get(path).status_code == 404
        assert visitor.post(path, {"aktion": "beginnen"}).status_code in {404, 405}
