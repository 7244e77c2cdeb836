"""When a browser session is over: two cookies, a new login, a logout of the CMS, the settings, the clock."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from falcon import testing

from cms_adapters import tokens
from service.app import create_app
from service.files.storage import Folder
from service.settings import load_settings
from service.store.database import connected, database
from service.store.migrate import migrate
from service.store.models import CmsSessionRow, SessionRow
from service.sync.housekeeping import tidy
from tests.support.portal import KEY, Installation

ORIGIN = "http://127.0.0.1:8080"
MORNING = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@dataclass
class Portal:
    """The application without a server, at any time of the day."""

    installation: Installation
    now: datetime = MORNING
    client: testing.TestClient = field(init=False)

    def open(self) -> None:
        self.client = testing.TestClient(create_app(load_settings(self.installation.config), clock=lambda: self.now))

    def token(self, typ: str, *, sub: str = "1", sid: str = "s", ago: int = 0, **claims: str) -> str:
        now = int(self.now.timestamp()) - ago
        aud = f"{self.installation.url}/musterbau"
        made = tokens.new_claims(typ=typ, iss="website", aud=aud, sub=sub, sid=sid, now=now, **claims)
        return tokens.issue(made, KEY, issued=now)

    def post(self, path: str, form: dict[str, str], **headers: str) -> testing.Result:
        sent = {"Content-Type": "application/x-www-form-urlencoded"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.client.simulate_post(f"/musterbau/{path}", body=urlencode(form), headers=sent)

    def login(self, token: str = "", **headers: str) -> testing.Result:
        token = token or self.token("login")
        return self.post("sso/website", {"token": token}, Origin=ORIGIN, Accept="text/html", **headers)

    def frame_login(self, **headers: str) -> str:
        """Return the session that a frame keeps in memory."""
        page = self.client.simulate_get("/musterbau/sso/website").text
        nonce, proof = (re.search(rf'data-{name}="([^"]+)"', page).group(1) for name in ("nonce", "proof"))
        form = {"token": self.token("login", nonce=nonce), "nonce": nonce, "nonce_proof": proof}
        return self.post("sso/website", form, Accept="application/json", **headers).json["session"]

    def logout(self, **claims: object) -> int:
        return self.post("sso/website/logout", {"token": self.token("logout", **claims)}).status_code

    def page(self, *secrets: str, **headers: str) -> testing.Result:
        cookie = {"Cookie": "; ".join(f"__Host-portal={secret}" for secret in secrets)} if secrets else {}
        return self.client.simulate_get("/musterbau/", headers=cookie | headers)

    def fragment(self, token: str) -> int:
        headers = {"Authorization": f"Portal website:{token}", "Portal-Base-Url": f"{ORIGIN}/mieterportal"}
        return self.client.simulate_get("/musterbau/", headers=headers).status_code


def secret(answer: testing.Result) -> str:
    assert answer.status_code == 303
    return answer.cookies["__Host-portal"].value


def in_header(session: str) -> dict[str, str]:
    return {"Authorization": f"Portal-Session {session}"}


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    portal = Portal(Installation(tmp_path))
    portal.open()
    migrate()
    yield portal
    database.obj.close_all()


def test_of_two_cookies_the_newest_live_session_counts(portal: Portal) -> None:
    first = secret(portal.login())
    portal.now += timedelta(minutes=1)
    second = secret(portal.login(portal.token("login", sid="t", name="Zoë Neu")))
    for order in ((first, second), (second, first), ("nobody's", second)):
        page = portal.page(*order)
        assert page.status_code == 200
        assert "Zoë Neu" in page.text
    assert portal.logout(sid="t") == 204
    assert portal.page(second, first).status_code == 200
    assert portal.page(second).status_code == 401


def test_a_new_login_ends_the_sessions_of_both_cookies(portal: Portal) -> None:
    former = [secret(portal.login()) for _ in range(2)]
    fresh = secret(portal.login(Cookie="; ".join(f"__Host-portal={one}" for one in former)))
    assert [portal.page(one).status_code for one in (*former, fresh)] == [401, 401, 200]


def test_a_new_login_ends_the_session_that_a_frame_keeps_in_memory(portal: Portal) -> None:
    former = portal.frame_login()
    fresh = portal.frame_login(**in_header(former))
    assert portal.page(**in_header(former)).status_code == 401
    assert portal.page(**in_header(fresh)).status_code == 200


def test_signing_out_ends_the_sessions_of_both_cookies(portal: Portal) -> None:
    both = [secret(portal.login()) for _ in range(2)]
    token = re.search(r'data-abmelden>\s*<input[^>]*value="([^"]+)"', portal.page(*both).text).group(1)
    cookie = "; ".join(f"__Host-portal={one}" for one in both)
    assert portal.post("abmelden", {"csrf_token": token}, Cookie=cookie).status_code == 303
    assert [portal.page(one).status_code for one in both] == [401, 401]


def test_a_login_token_signed_before_the_logout_starts_no_session_after_it(portal: Portal) -> None:
    early = portal.token("login")
    portal.now += timedelta(seconds=5)
    assert portal.logout() == 204
    portal.now += timedelta(seconds=1)
    assert portal.login(early).status_code == 401
    assert portal.login(portal.token("login", sid="another")).status_code == 303


def test_a_refused_login_token_is_not_used_up_and_leaves_the_former_session_alone(portal: Portal) -> None:
    former = secret(portal.login(portal.token("login", sid="another")))
    early = portal.token("login")
    assert portal.logout() == 204
    for _ in range(2):
        assert portal.login(early, Cookie=f"__Host-portal={former}").status_code == 401
    assert portal.page(former).status_code == 200


def test_a_fragment_token_signed_before_the_logout_shows_nothing_after_it(portal: Portal) -> None:
    early, other = portal.token("fragment"), portal.token("fragment", sid="another")
    assert portal.fragment(early) == 200
    portal.now += timedelta(seconds=5)
    assert portal.logout() == 204
    assert portal.fragment(early) == 401
    assert portal.fragment(other) == 200


def test_the_clock_of_the_cms_alone_says_what_was_signed_before_the_logout(portal: Portal) -> None:
    """A CMS whose clock is behind signs tokens that are older than the portal's own idea of when the logout came."""
    assert portal.logout(ago=20) == 204
    assert portal.fragment(portal.token("fragment", ago=20)) == 401
    assert portal.fragment(portal.token("fragment", ago=19)) == 200


def test_a_cms_that_keeps_its_session_id_may_sign_the_next_resident_in(portal: Portal) -> None:
    assert portal.logout() == 204
    portal.now += timedelta(seconds=1)
    assert portal.fragment(portal.token("fragment")) == 200
    assert portal.page(secret(portal.login())).status_code == 200


def test_a_logout_means_the_session_whichever_account_its_token_names(portal: Portal) -> None:
    early = portal.token("login")
    logout = tokens.new_claims(
        typ="logout",
        iss="website",
        aud=f"{portal.installation.url}/musterbau",
        sub="somebody else",
        sid="s",
        now=int(portal.now.timestamp()),
    )
    assert portal.post("sso/website/logout", {"token": tokens.issue(logout, KEY)}).status_code == 204
    assert portal.login(early).status_code == 401


def test_an_ended_session_is_remembered_for_as_long_as_any_session_lasts(portal: Portal) -> None:
    portal.logout()
    for hours, left in ((11, 1), (13, 0)):
        tidy(
            Folder(portal.installation.directory / "files"),
            draft_days=30,
            audit_days=365,
            now=MORNING + timedelta(hours=hours),
        )
        with connected():
            assert CmsSessionRow.select().count() == left


def test_the_sessions_of_a_connection_end_when_the_settings_no_longer_have_it(portal: Portal) -> None:
    cookie, memory = secret(portal.login()), portal.frame_login()
    config = portal.installation.config
    config.write_text(config.read_text().replace("connections.website", "connections.renamed", 1))
    portal.open()
    assert portal.page(cookie).status_code == 401
    assert portal.page(**in_header(memory)).status_code == 401
    config.write_text(config.read_text().replace("connections.renamed", "connections.website", 1))
    portal.open()
    assert portal.page(cookie).status_code == 200


def test_a_session_ends_after_half_an_hour_without_a_request_and_after_twelve_hours_in_any_case(portal: Portal) -> None:
    idle, busy = secret(portal.login()), secret(portal.login())
    portal.now += timedelta(minutes=29)
    assert [portal.page(one).status_code for one in (idle, busy)] == [200, 200]
    portal.now += timedelta(minutes=30, seconds=1)
    assert portal.page(idle).status_code == 401
    busy = secret(portal.login())
    began = portal.now
    while portal.now < began + timedelta(hours=11, minutes=40):
        portal.now += timedelta(minutes=20)
        assert portal.page(busy).status_code == 200
    portal.now = began + timedelta(hours=12, seconds=1)
    assert portal.page(busy).status_code == 401


def test_a_page_says_when_its_session_ends_in_any_case(portal: Portal) -> None:
    session = secret(portal.login())
    for minutes in range(25, 12 * 60, 25):
        portal.now = MORNING + timedelta(minutes=minutes)
        page = portal.page(session)
        assert page.status_code == 200
        assert f'data-left="{(12 * 60 - minutes) * 60}"' in page.text
        assert "Angemeldet bis höchstens 2. November 2026, 21:00 Uhr" in page.text
    english = portal.client.simulate_get(
        "/musterbau/", params={"lang": "en"}, headers={"Cookie": f"__Host-portal={session}"}
    )
    assert "Signed in until 2 November 2026, 21:00 at the latest" in english.text
    portal.now = MORNING + timedelta(hours=12, seconds=1)
    assert portal.page(session).status_code == 401


def test_only_a_browser_session_has_an_end_to_tell_of(portal: Portal) -> None:
    headers = {"Authorization": f"Portal website:{portal.token('fragment')}", "Portal-Base-Url": f"{ORIGIN}/portal"}
    fragment = portal.client.simulate_get("/musterbau/", headers=headers)
    assert fragment.status_code == 200
    for page in (fragment, portal.page(), portal.client.simulate_get("/musterbau/notfall")):
        assert "data-left" not in page.text
        assert "data-ende>" not in page.text


def test_a_login_stores_one_session(portal: Portal) -> None:
    for _ in range(3):
        former = secret(portal.login())
        secret(portal.login(Cookie=f"__Host-portal={former}"))
    with connected():
        assert SessionRow.select().count() == 3
        assert CmsSessionRow.select().count() == 1


@pytest.mark.parametrize("letter", ["P", "ü", "🙂"])
def test_whatever_a_cms_says_of_its_user_fits_the_columns_of_every_database(portal: Portal, letter: str) -> None:
    """SQLite keeps what is too long; PostgreSQL and MariaDB would refuse it."""
    long = letter * 260
    token = portal.token("login", sub=letter * 99, person=long[:101], name=long, email=long[:201], lang=letter * 11)
    secret(portal.login(token, User_Agent=f"{'x' * 500} Firefox/1 Windows"))
    with connected():
        (row,) = SessionRow.select().dicts()
    longest = {
        name: column.max_length for name, column in SessionRow._meta.fields.items() if hasattr(column, "max_length")
    }
    assert [name for name, most in longest.items() if len(row[name] or "") > most] == []


def test_whoever_comes_too_late_or_twice_reads_where_to_begin_again_and_nothing_of_why(portal: Portal) -> None:
    used = portal.token("login")
    portal.login(used)
    refused = (used, portal.token("login", ago=200), portal.token("fragment"), "x.y.z", "")
    answers = [
        portal.post("sso/website", {"token": one}, Origin=ORIGIN, Accept="text/html,*/*;q=0.8") for one in refused
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({re.sub(r'nonce="[^"]+"', "", answer.text) for answer in answers}) == 1
    assert "Die Anmeldung hat nicht geklappt" in answers[0].text
    assert f'href="{ORIGIN}"' in answers[0].text
    for accept in ("application/json", "*/*"):
        answer = portal.post("sso/website", {"token": used}, Origin=ORIGIN, Accept=accept)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


def test_whoever_is_signed_in_and_sends_the_button_again_is_led_on(portal: Portal) -> None:
    used = portal.token("login")
    cookie = f"__Host-portal={secret(portal.login(used))}"
    answer = portal.login(used, Cookie=cookie)
    assert (answer.status_code, 'href="/musterbau/"' in answer.text) == (401, True)
    assert portal.client.simulate_get("/musterbau/konto", headers={"Cookie": cookie}).status_code == 200
