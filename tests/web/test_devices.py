"""Where a resident of a CMS is signed in, and signed out of one browser or of all others."""

import re
from collections.abc import Iterator

import pytest

from tests.support.inprocess import ORIGIN, Portal, Visitor
from tests.support.portal import forms

PHONE = "Mozilla/5.0 (Linux; Android 15) Gecko/140.0 Firefox/140.0"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = Portal(tmp_path_factory.mktemp("devices"))
    yield made
    made.close()


def on_phone(portal: Portal, sub: str, sid: str) -> Visitor:
    """Sign somebody in by a button, on a telephone, in a session of the CMS of its own."""
    visitor = portal.visitor(sub=sub, sid=sid)
    headers = {"Origin": ORIGIN, "User-Agent": PHONE}
    answer = visitor.send("POST", "sso/website", {"token": visitor.token("login")}, headers=headers, signed=False)
    visitor.session = {"Cookie": f"__Host-portal={answer.cookies['__Host-portal'].value}"}
    return visitor


@pytest.mark.parametrize("embedding", ["fragment", "cookie", "header"])
def test_browsers_are_listed_and_signed_out_one_by_one_or_all(portal: Portal, embedding: str) -> None:
    here = portal.visitor(embedding)
    phone, other = on_phone(portal, here.sub, "s2"), portal.visitor("cookie", sub=here.sub, sid="s3")
    page = here.get("konto/geraete").text
    assert page.count('<li class="mp-card') == (2 if embedding == "fragment" else 3)
    assert ("Dieses Gerät" in page) == (embedding != "fragment")
    end = re.search(r'value="(abmelden:\w+)">Abmelden<span class="mp-sr">: Firefox, Android', page)[1]
    assert here.where(here.post("konto/geraete", forms(page)[0] | {"aktion": end})) == "konto/geraete?neu=1"
    assert [one.get("vorgaenge").status_code for one in (here, phone, other)] == [200, 401, 200]
    here.post("konto/geraete", here.form("konto/geraete") | {"aktion": "ueberall"})
    assert [one.get("vorgaenge").status_code for one in (here, other)] == [200, 401]


def test_nobody_signs_out_somebody_elses_browser(portal: Portal) -> None:
    here, stranger = portal.visitor("cookie"), portal.visitor("cookie")
    phone = on_phone(portal, here.sub, "s2")
    end = re.search(r'value="(abmelden:\w+)"', here.get("konto/geraete").text)[1]
    for aktion in (end, "ueberall"):
        stranger.post("konto/geraete", stranger.form("konto/geraete") | {"aktion": aktion})
    assert [one.get("vorgaenge").status_code for one in (here, phone)] == [200, 200]


def test_after_a_factor_has_changed_all_other_sessions_can_be_ended_and_lose_level_2(portal: Portal) -> None:
    here = portal.visitor("cookie")
    codes = here.set_up()
    other = portal.visitor(sub=here.sub, sid="other")
    assert other.where(other.step_up(codes[0])) == ""
    assert other.get("konto/sicherheit/codes").status_code == 200
    fresh = here.post("konto/sicherheit/codes", here.form("konto/sicherheit/codes"))
    assert "konto/geraete" in fresh.text
    assert "konto/geraete" in here.get("konto/sicherheit").text
    on_phone(portal, here.sub, "s2")
    here.post("konto/geraete", here.form("konto/geraete") | {"aktion": "ueberall"})
    assert other.where(other.get("konto/sicherheit/codes")).startswith("bestaetigen?")
    assert here.get("konto/sicherheit/codes").status_code == 200
