"""What ends in the same moment as it is used: a logout during a right code; a person who is trusted no longer."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import falcon.testing
import pytest

from service.app import create_app
from service.settings import load_settings
from tests.support.inprocess import EMBEDDINGS, Portal, Visitor


@dataclass
class Watch:
    """A clock that lets something happen when it is looked at for the n-th time."""

    portal: Portal
    left: int = 0
    happens: Callable[[], object] = lambda: None

    def __call__(self) -> datetime:
        self.left -= 1
        if self.left == 0:
            other = threading.Thread(target=self.happens)
            other.start()
            other.join(20)
        return self.portal.now

    def at(self, look: int, happens: Callable[[], object]) -> None:
        self.left, self.happens = look, happens


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = Portal(tmp_path_factory.mktemp("over"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def watch(portal: Portal) -> Watch:
    clock = Watch(portal)
    portal.client = falcon.testing.TestClient(create_app(portal.settings, clock=clock))
    return clock


def logout(visitor: Visitor) -> None:
    """Let the CMS end its session."""
    form = {"token": visitor.token("logout")}
    assert visitor.send("POST", "sso/website/logout", form, signed=False).status_code == 204


def is_raised(portal: Portal, visitor: Visitor) -> bool:
    """Tell whether the CMS's next login with the same session id is at level 2."""
    portal.later(seconds=1)
    again = portal.visitor(sub=visitor.sub, sid=visitor.sid)
    return again.get("bestaetigen").status_code == 303


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_a_logout_during_a_right_code_leaves_no_level_2(portal: Portal, watch: Watch, embedding: str) -> None:
    """Whenever it comes: before the visitor is known, between that and the code, or not at all any more."""
    first, answers = portal.visitor(), []
    first.set_up()
    portal.later(minutes=11)
    while 303 not in answers:
        visitor = portal.visitor(embedding, sub=first.sub, sid=f"s{len(answers)}")
        visitor.secret = first.secret
        form = visitor.form("bestaetigen") | {"code": visitor.code()}
        watch.at(len(answers) + 1, partial(logout, visitor))
        answers.append(visitor.post("bestaetigen", form).status_code)
        assert is_raised(portal, visitor) == (watch.left > 0)
        portal.later(seconds=30)
    assert answers == [401, 401, 401, 303]  # whom the request is of is known after the second look


def test_a_logout_during_the_set_up_of_an_app_leaves_no_level_2(portal: Portal, watch: Watch) -> None:
    visitor = portal.visitor("cookie")
    visitor.secret = visitor.begin()
    form = visitor.form("konto/sicherheit/app") | {"aktion": "bestaetigen", "code": visitor.code()}
    watch.at(4, partial(logout, visitor))
    assert visitor.post("konto/sicherheit/app", form).status_code == 401
    portal.later(seconds=1)
    again = portal.visitor(sub=visitor.sub, sid=visitor.sid)
    assert "Nicht eingerichtet" in again.get("konto/sicherheit").text


def trust(portal: Portal, *, on: bool) -> None:
    """Change the setting and start anew."""
    config = portal.installation.config
    text = config.read_text(encoding="utf-8")
    now, then = ("false", "true") if on else ("true", "false")
    config.write_text(text.replace(f"trust_person = {now}", f"trust_person = {then}"), encoding="utf-8")
    portal.settings = load_settings(config)
    portal.client = falcon.testing.TestClient(create_app(portal.settings, clock=lambda: portal.now))


def test_a_person_is_believed_no_longer_than_the_settings_trust_it(portal: Portal) -> None:
    visitors = [portal.visitor(embedding, person=f"0815-{embedding}") for embedding in EMBEDDINGS]
    theirs = {visitor.person: visitor.file_kontakt() for visitor in visitors}
    trust(portal, on=False)
    for visitor in visitors:
        assert visitor.get(f"vorgaenge/{theirs[visitor.person]}").status_code == 404
        assert theirs[visitor.person] not in visitor.get("vorgaenge").text
        assert str(visitor.person) not in visitor.get("konto").text
    trust(portal, on=True)
    for visitor in visitors:
        assert visitor.get(f"vorgaenge/{theirs[visitor.person]}").status_code == 200
