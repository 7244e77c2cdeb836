"""What limits do to requests: 429, when to come back, nothing typed lost, nobody locked out by somebody else."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from falcon import testing

from service.store import audit, drafts
from service.store.database import connected, database
from service.store.migrate import migrate
from service.store.records import AuditFilter
from tests.support.portal import MANDANT, Installation, forms
from tests.web.test_audit import ACCOUNT
from tests.web.test_session_ends import ORIGIN, Portal, secret

RATES = (
    'sso_address = "3/minute", sso_mandant = "5/minute", sso_account = "3/minute", form_account = "3/minute", '
    'file_account = "2/minute"'
)
ATTACKER, VICTIM = {"X-Forwarded-For": "203.0.113.66"}, {"X-Forwarded-For": "203.0.113.7"}


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    installation = Installation(tmp_path, rates=RATES)
    config = installation.config
    config.write_text(config.read_text().replace("[service]", "[service]\ntrusted_proxies = 1", 1))
    portal = Portal(installation)
    portal.open()
    migrate()
    yield portal
    database.obj.close_all()


def bad_login(portal: Portal, where: dict[str, str], path: str = "sso/website") -> testing.Result:
    return portal.post(path, {"token": "x"}, Accept="text/html", **where)


def limits_noted(account: str | None = None) -> list[str]:
    with connected():
        found = audit.newest(MANDANT, AuditFilter(event="limited", account=account), limit=100)
    return [entry.facts["limit"] for entry in found]


class Fragments:
    """A resident whose CMS asks for each page."""

    def __init__(self, portal: Portal, **claims: str) -> None:
        self.portal = portal
        self.claims = claims

    def headers(self, **more: str) -> dict[str, str]:
        token = self.portal.token("fragment", **self.claims)
        return {"Authorization": f"Portal website:{token}", "Portal-Base-Url": f"{ORIGIN}/portal"} | ATTACKER | more

    def form(self, lang: str = "de") -> dict[str, str]:
        page = self.portal.client.simulate_get(f"/musterbau/melden/kontakt?lang={lang}", headers=self.headers())
        return forms(page.text)[0]

    def send(self, form: dict[str, str], lang: str = "de") -> testing.Result:
        headers = self.headers(**{"Content-Type": "application/x-www-form-urlencoded"})
        path = f"/musterbau/melden/kontakt?lang={lang}"
        return self.portal.client.simulate_post(path, body=urlencode(form), headers=headers)

    def upload(self, form: dict[str, str], name: str, content: bytes) -> testing.Result:
        line = uuid4().hex
        parts = [f'--{line}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{form[key]}\r\n' for key in form]
        head = f'--{line}\r\nContent-Disposition: form-data; name="anhaenge"; filename="{name}"\r\n\r\n'
        body = "".join([*parts, head]).encode() + content + f"\r\n--{line}--\r\n".encode()
        headers = self.headers(**{"Content-Type": f"multipart/form-data; boundary={line}"})
        return self.portal.client.simulate_post("/musterbau/melden/kontakt", body=body, headers=headers)


def test_refused_tokens_beyond_the_limit_are_answered_with_when_to_come_back(portal: Portal) -> None:
    assert [bad_login(portal, ATTACKER).status_code for _ in range(5)] == [401, 401, 401, 429, 429]
    answer = bad_login(portal, ATTACKER)
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<h1>Bitte warten Sie etwas</h1>" in answer.text
    assert re.search(r"ab 2\. November 2026, 09:0[01] Uhr noch einmal", answer.text)
    english = bad_login(portal, ATTACKER, "sso/website?lang=en")
    assert english.status_code == 429
    assert "Please wait a little" in english.text
    assert re.search(r"from 2 November 2026, 09:0[01] on", english.text)


def test_a_good_token_is_taken_from_where_bad_ones_come_in_masses(portal: Portal) -> None:
    for _ in range(20):
        bad_login(portal, ATTACKER)
    assert portal.login(**ATTACKER).status_code == 303
    assert portal.login(portal.token("login", sid="t"), **VICTIM).status_code == 303


def test_one_attacker_does_not_use_up_the_attempts_of_others(portal: Portal) -> None:
    for _ in range(20):
        bad_login(portal, ATTACKER)
    assert [bad_login(portal, VICTIM).status_code for _ in range(3)] == [401, 401, 429]  # sso_mandant: five in all
    assert limits_noted() == ["sso_address", "sso_mandant"]


def test_a_flood_of_bad_tokens_does_not_fill_the_audit_log(portal: Portal) -> None:
    for number in range(40):
        bad_login(portal, {"X-Forwarded-For": f"203.0.113.{number}"})
        portal.fragment("x")
    with connected():
        found = audit.newest(MANDANT, AuditFilter(), limit=1000)
    assert len(found) <= 5 + 2


@pytest.mark.parametrize("name", ["website", "unknown"])
def test_known_and_unknown_connections_are_limited_alike(portal: Portal, name: str) -> None:
    answers = [bad_login(portal, ATTACKER, f"sso/{name}").status_code for _ in range(5)]
    assert answers == [401, 401, 401, 429, 429]


def test_addresses_of_one_household_count_together_and_others_apart(portal: Portal) -> None:
    for number in range(4):
        bad_login(portal, {"X-Forwarded-For": f"2001:db8:1:2::{number}"})
    assert bad_login(portal, {"X-Forwarded-For": "2001:db8:1:2:9:9:9:9"}).status_code == 429
    assert bad_login(portal, {"X-Forwarded-For": "2001:db8:1:3::1"}).status_code == 401


def test_the_server_of_a_cms_hears_401_however_many_tokens_are_refused(portal: Portal) -> None:
    for _ in range(10):
        assert portal.fragment("x") == 401
        assert portal.post("sso/website/logout", {"token": "x"}).status_code == 401
    assert portal.fragment(portal.token("fragment")) == 200


def test_what_one_account_begins_is_limited_for_that_account_alone(portal: Portal) -> None:
    for _ in range(3):
        secret(portal.login())
    answer = portal.login()
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert portal.page("").status_code == 401
    assert portal.login(portal.token("login", sub="2")).status_code == 303
    assert limits_noted(ACCOUNT) == ["sso_account"]


def test_the_session_that_an_account_has_outlives_its_limit(portal: Portal) -> None:
    sessions = [secret(portal.login()) for _ in range(3)]
    assert portal.login(Cookie=f"__Host-portal={sessions[0]}").status_code == 429
    assert [portal.page(one).status_code for one in sessions] == [200, 200, 200]


@pytest.mark.parametrize(
    "lang,words", [("de", "sehr viele Formulare in kurzer Zeit"), ("en", "very many forms in a short time")]
)
def test_a_form_too_many_comes_back_with_everything_typed(portal: Portal, lang: str, words: str) -> None:
    resident = Fragments(portal)
    form = resident.form(lang) | {"beschreibung": "Mein langer Text", "aktion": "speichern"}
    for number in range(3):
        assert resident.send(form | {"beschreibung": f"Text {number}"}, lang).status_code == 200
    answer = resident.send(form, lang)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert words in answer.text
    assert "Mein langer Text" in answer.text
    assert forms(answer.text)[0]["idempotency_key"] == form["idempotency_key"]
    with connected():
        draft = drafts.by_id(MANDANT, ACCOUNT, UUID(form["idempotency_key"]))
    assert draft.fields["beschreibung"] == "Text 2"
    assert limits_noted(ACCOUNT) == ["form_account"]


def test_another_account_of_the_same_cms_is_not_limited(portal: Portal) -> None:
    one, other = Fragments(portal), Fragments(portal, sub="2")
    form = one.form() | {"beschreibung": "x", "aktion": "speichern"}
    for _ in range(4):
        one.send(form)
    assert one.send(form).status_code == 429
    assert other.send(other.form() | {"beschreibung": "y", "aktion": "speichern"}).status_code == 200


def test_files_of_a_flood_are_not_kept_and_said_to_be_missing(portal: Portal) -> None:
    resident = Fragments(portal)
    form = resident.form() | {"beschreibung": "x", "aktion": "hochladen"}
    for _ in range(3):
        resident.send(form | {"aktion": "speichern"})
    png = (Path(__file__).parents[1] / "files" / "picture.png").read_bytes()
    answer = resident.upload(form, "Bad.png", png)
    assert answer.status_code == 429
    assert "„Bad.png“ ist nicht gespeichert" in answer.text
    folder = portal.installation.directory / "files"
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_the_form_is_taken_when_the_time_is_over(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    resident = Fragments(portal)
    form = resident.form() | {"beschreibung": "x", "aktion": "speichern"}
    for _ in range(3):
        resident.send(form)
    wait = int(resident.send(form).headers["Retry-After"])
    late = time.time() + wait
    monkeypatch.setattr(time, "time", lambda: late)
    assert resident.send(form).status_code == 200


def test_pages_are_read_however_many_forms_were_sent(portal: Portal) -> None:
    resident = Fragments(portal)
    form = resident.form() | {"beschreibung": "x", "aktion": "speichern"}
    for _ in range(5):
        resident.send(form)
    assert resident.form()["idempotency_key"] == form["idempotency_key"]
    assert portal.client.simulate_get("/musterbau/notfall").status_code == 200


def test_one_account_fetches_so_many_files_in_a_time_and_reads_its_pages_on(portal: Portal) -> None:
    resident, other = Fragments(portal), Fragments(portal, sub="2")
    sent = resident.send(resident.form() | {"kontaktthema": "ALLGEMEIN", "beschreibung": "Frage"})
    page = f"/musterbau/vorgaenge/{re.search(r'vorgaenge/([0-9a-f-]{36})', sent.headers['location']).group(1)}"
    answers = [portal.client.simulate_get(f"{page}/quittung.pdf", headers=resident.headers()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert limits_noted(ACCOUNT) == ["file_account"]
    assert portal.client.simulate_get(page, headers=resident.headers()).status_code == 200
    assert portal.client.simulate_get(f"{page}/quittung.pdf", headers=other.headers()).status_code == 404
