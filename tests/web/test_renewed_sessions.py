"""Whoever has shown anew who they are goes on under a fresh secret; the former opens nothing (ASVS 5.0, 7.2.4)."""

from collections.abc import Iterator

import pytest

from service.store.database import connected
from service.store.models import SessionRow
from tests.support.inprocess import Portal, Visitor
from tests.support.own import PASSWORD, Browser, letter, own_portal, where

OTHER = "Ein Kahn voll Rhabarber"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = own_portal(
        tmp_path_factory.mktemp("renewed"), rates='sign_in_name = "100/minute", code_address = "100/hour"'
    )
    yield made
    made.close()


@pytest.fixture(params=["cookie", "header"])
def visitor(request: pytest.FixtureRequest, portal: Portal) -> Visitor:
    """Somebody in a browser."""
    return portal.visitor(request.param)


@pytest.fixture
def asked(portal: Portal, visitor: Visitor) -> Visitor:
    """The same with a second factor, whose session is no longer at level 2."""
    visitor.set_up()
    portal.later(minutes=11)
    return visitor


@pytest.fixture
def resident(portal: Portal) -> Browser:
    """Somebody who has just registered."""
    browser = Browser(portal)
    assert browser.register(letter(portal, "8101")).status_code == 303
    return browser


def opens(portal: Portal, shown: dict[str, str]) -> bool:
    """Tell whether a browser that shows this is signed in."""
    return portal.client.simulate_get("/musterbau/konto", headers=shown).status_code == 200


def stored() -> int:
    with connected():
        return SessionRow.select().count()


def test_setting_up_an_app_and_each_code_of_it_make_the_former_secret_worthless(
    portal: Portal, visitor: Visitor
) -> None:
    first, sessions = dict(visitor.session), stored()
    codes = visitor.set_up()
    second = dict(visitor.session)
    assert [opens(portal, shown) for shown in (first, second)] == [False, True]
    for number in range(2):
        portal.later(minutes=11)
        former = dict(visitor.session)
        assert visitor.where(visitor.step_up((visitor.code(), codes[0])[number])) == ""
        assert [opens(portal, shown) for shown in (former, visitor.session)] == [False, True]
    assert stored() == sessions


def test_a_wrong_code_changes_no_secret(portal: Portal, asked: Visitor) -> None:
    former = dict(asked.session)
    assert asked.step_up("000000").status_code == 422
    assert asked.session == former
    assert opens(portal, former)


def test_a_form_that_was_open_before_is_taken_afterwards(asked: Visitor) -> None:
    form = asked.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "In einem anderen Fenster."}
    asked.step_up(asked.code())
    assert asked.where(asked.post("melden/kontakt", form)).startswith("vorgaenge/")


def test_a_fresh_secret_makes_no_session_last_longer(portal: Portal, visitor: Visitor) -> None:
    visitor.set_up()
    for _ in range(24):
        portal.later(minutes=29)
        visitor.step_up(visitor.code())
    assert opens(portal, visitor.session)
    portal.later(minutes=25)
    assert not opens(portal, visitor.session)


def test_a_cms_that_asks_for_each_page_gets_no_secret(portal: Portal) -> None:
    visitor = portal.visitor()
    visitor.set_up()
    portal.later(minutes=11)
    answer = visitor.step_up(visitor.code())
    assert answer.status_code == 303
    assert ("Portal-Session" in answer.headers, answer.cookies) == (False, {})


@pytest.mark.parametrize("in_frame", [False, True])
def test_the_fresh_cookie_lies_in_the_jar_of_the_former(portal: Portal, in_frame: bool) -> None:
    visitor = portal.visitor("cookie")
    visitor.set_up()
    portal.later(minutes=11)
    form = visitor.form("bestaetigen") | {"code": visitor.code()}
    shown = {"Sec-Fetch-Dest": "iframe" if in_frame else "document", "Sec-Fetch-Site": "same-origin"}
    cookie = visitor.send("POST", "bestaetigen", form, headers=shown).cookies["__Host-portal"]
    assert (cookie.same_site, cookie.partitioned) == (("None", True) if in_frame else ("Lax", False))
    assert cookie.secure
    assert cookie.http_only


@pytest.mark.parametrize(
    "path, typed",
    [
        ("konto/kennwort", {"bisher": PASSWORD, "kennwort": OTHER}),
        ("konto/email", {"bisher": PASSWORD, "email": "neu@example.org"}),
        ("konto/sicherheit/app", {"bisher": PASSWORD, "aktion": "beginnen"}),
    ],
)
def test_the_password_typed_again_makes_the_former_secret_worthless(
    portal: Portal, resident: Browser, path: str, typed: dict[str, str]
) -> None:
    former = dict(resident.cookies)
    refused = resident.fill(path, **typed | {"bisher": "etwas anderes eben"})
    assert (refused.status_code, resident.cookies) == (422, former)
    assert where(resident.fill(path, **typed)).startswith(path)
    assert resident.cookies["__Host-portal"] != former["__Host-portal"]
    assert resident.get("konto").status_code == 200
    assert Browser(portal, cookies=former).get("konto").status_code == 401
