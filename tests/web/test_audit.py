"""The audit log: what is noted and by whom, that it is noted with what it tells of, and what never gets into it."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from falcon import testing

from cms_adapters import tokens
from service.access import audit
from service.access.audit import Actor, Event, Source
from service.access.visitor import account_of
from service.cli import main
from service.files.intake import take_in
from service.files.refusal import Limits
from service.files.storage import Folder
from service.store import audit as store
from service.store.database import StoreUnavailable, connected, database
from service.store.migrate import migrate
from service.store.models import AnhangRow, SessionRow
from service.store.owner import owner_of_account
from service.store.records import AuditEntry, AuditFilter
from service.sync.housekeeping import tidy
from service.vorgang.catalog import DEFAULT_CATALOG
from tests.support.owed import owe, parked
from tests.support.portal import KEY, MANDANT, Installation
from tests.web.test_session_ends import MORNING, ORIGIN, Portal, secret

ROOT = Path(__file__).parents[2]
ACCOUNT = account_of("website", "1")
HOME = {"X-Forwarded-For": "10.9.9.9, 203.0.113.77"}


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    installation = Installation(tmp_path)
    config = installation.config
    config.write_text(config.read_text().replace("[service]", "[service]\ntrusted_proxies = 1", 1))
    portal = Portal(installation)
    portal.open()
    migrate()
    yield portal
    database.obj.close_all()


def entries(mandant: str = MANDANT) -> list[AuditEntry]:
    with connected():
        return store.newest(mandant, AuditFilter(), limit=1000)


def events() -> list[str]:
    return [entry.event for entry in entries()]


def signed_in(portal: Portal, **headers: str) -> dict[str, str]:
    return {"Cookie": f"__Host-portal={secret(portal.login(**headers))}"} | headers


def document(portal: Portal, owner: str) -> str:
    """Store a Vorgang with a file; returns the path of its download."""
    vorgang = owe(MANDANT, owner=owner)
    storage = Folder(portal.installation.directory / "files")
    content = BytesIO((ROOT / "tests/files/page.pdf").read_bytes())
    file = take_in(content, "Vertraulich.pdf", storage=storage, limits=Limits(), taken_files=0, taken_bytes=0)
    row = {"id": file.id, "mandant": MANDANT, "vorgang_id": vorgang.id, "dateiname": "Vertraulich.pdf"}
    with connected():
        AnhangRow.insert(
            **row,
            mime="application/pdf",
            bytes=file.bytes,
            sha256=file.sha256,
            position=0,
            created_at=portal.now,
            stored_at=portal.now,
        ).execute()
    return f"/musterbau/vorgaenge/{vorgang.id}/anhaenge/{file.id}"


def test_a_session_is_noted_from_its_beginning_to_its_end(portal: Portal) -> None:
    headers = signed_in(portal, **HOME)
    page = portal.client.simulate_get("/musterbau/", headers=headers)
    token = re.search(r'data-abmelden>\s*<input[^>]*value="([^"]+)"', page.text).group(1)
    assert portal.post("abmelden", {"csrf_token": token}, **headers).status_code == 303
    began, ended = entries()
    assert (began.event, began.actor, began.connection) == ("sign_in", "resident", "website")
    assert (began.account, began.address, began.at) == (ACCOUNT, "203.0.113.0/24", MORNING)
    assert (ended.event, ended.actor, ended.account) == ("sign_out", "resident", ACCOUNT)
    assert ended.request_id != began.request_id


def test_what_the_cms_ends_is_noted_of_the_cms(portal: Portal) -> None:
    assert portal.logout() == 204
    (entry,) = entries()
    assert (entry.event, entry.actor, entry.account) == ("session_revoked", "cms", ACCOUNT)


def test_a_sign_in_that_cannot_be_noted_does_not_happen(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_entry: AuditEntry) -> None:
        raise StoreUnavailable("disk full")

    token = portal.token("login")
    with monkeypatch.context() as broken:
        broken.setattr(store, "append", fails)
        assert portal.login(token).status_code == 503
    with connected():
        assert SessionRow.select().count() == 0
    assert portal.login(token).status_code == 303  # nor was the token used up


@pytest.mark.parametrize(
    "change,reason",
    [
        ({"ago": 500}, "expired"),
        ({"nonce": "another browser's"}, "nonce_is_not_this_browser_s"),
    ],
)
def test_a_login_that_fails_is_noted_with_a_code(portal: Portal, change: dict[str, object], reason: str) -> None:
    assert portal.login(portal.token("login", **change), **HOME).status_code == 401
    (entry,) = entries()
    assert (entry.event, entry.actor, entry.account) == ("sign_in_failed", "nobody", None)
    assert (entry.connection, entry.address) == ("website", "203.0.113.0/24")
    assert entry.facts == {"for": "login", "reason": reason}


def test_a_token_shown_again_is_noted(portal: Portal) -> None:
    token = portal.token("login")
    portal.login(token)
    portal.login(token)
    assert [entry.facts.get("reason") for entry in entries()] == [None, "jti_used_before"]


def test_refusals_of_other_tokens_say_what_they_were_for(portal: Portal) -> None:
    assert portal.fragment(portal.token("login")) == 401
    assert portal.post("sso/website/logout", {"token": "x"}).status_code == 401
    admin = {"Authorization": "Portal website:x"}
    assert portal.client.simulate_get("/musterbau/api/v1/admin/version", headers=admin).status_code == 401
    assert [(entry.event, entry.facts["for"]) for entry in entries()] == [
        ("token_refused", "fragment"),
        ("token_refused", "logout"),
        ("token_refused", "admin"),
    ]


def test_a_session_that_is_over_is_no_attack(portal: Portal) -> None:
    assert portal.page(Authorization="Portal-Session over").status_code == 401
    assert portal.page("over").status_code == 401
    assert events() == []


def test_a_known_and_an_unknown_connection_are_refused_alike(portal: Portal) -> None:
    answers = [portal.post(f"sso/{name}", {"token": "x"}, Origin=ORIGIN) for name in ("website", "unknown")]
    seen = []
    for answer in answers:
        headers = {name: value for name, value in answer.headers.items() if name not in varying(answer)}
        seen.append((answer.status_code, answer.json | {"request_id": ""}, headers))
    assert seen[0] == seen[1]
    assert [(entry.connection, entry.event) for entry in entries()] == [
        ("website", "sign_in_failed"),
        ("", "sign_in_failed"),
    ]


def varying(answer: testing.Result) -> set[str]:
    return {name for name in answer.headers if name in {"x-request-id", "content-security-policy"}}


def test_a_refusal_stays_a_refusal_when_it_cannot_be_noted(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_entry: AuditEntry) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(store, "append", fails)
    assert portal.login("x").status_code == 401
    assert portal.fragment("x") == 401


def test_a_download_is_noted_by_ids_alone(portal: Portal) -> None:
    path = document(portal, owner_of_account(MANDANT, ACCOUNT))
    headers = signed_in(portal, **HOME)
    assert portal.client.simulate_get(path, headers=headers).status_code == 200
    receipt = f"{path.partition('/anhaenge/')[0]}/quittung.pdf"
    assert portal.client.simulate_get(receipt, headers=headers).status_code == 200
    _, fetched, printed = entries()
    assert (fetched.event, fetched.subject, fetched.account) == ("download", path.rpartition("/")[2], ACCOUNT)
    assert fetched.facts == printed.facts == {"vorgang": path.split("/")[3]}
    assert (printed.event, printed.subject) == ("download", "quittung")


def test_nothing_is_noted_of_a_file_that_somebody_else_asks_for(portal: Portal) -> None:
    path = document(portal, owner_of_account(MANDANT, "somebody else"))
    assert portal.client.simulate_get(path, headers=signed_in(portal)).status_code == 404
    assert events() == ["sign_in"]


def test_a_download_by_the_cms_has_no_address_and_its_person(portal: Portal) -> None:
    path = document(portal, owner_of_account(MANDANT, ACCOUNT))
    token = portal.token("fragment", person="P1")
    headers = {"Authorization": f"Portal website:{token}", "Portal-Base-Url": f"{ORIGIN}/portal"} | HOME
    assert portal.client.simulate_get(path, headers=headers).status_code == 200
    (entry,) = entries()
    assert (entry.event, entry.address, entry.person) == ("download", "", "P1")


def test_a_person_of_any_length_can_be_noted(portal: Portal) -> None:
    path = document(portal, owner_of_account(MANDANT, ACCOUNT))
    headers = {"Portal-Base-Url": f"{ORIGIN}/portal"}
    headers["Authorization"] = f"Portal website:{portal.token('fragment', person='P' * 500)}"
    assert portal.client.simulate_get(path, headers=headers).status_code == 200
    assert entries()[0].person.startswith("sha256:")


def test_what_the_back_end_of_the_cms_changes_is_noted_once(portal: Portal) -> None:
    vorgang = owe(MANDANT)
    path = f"/musterbau/api/v1/admin/vorgaenge/{vorgang.id}"
    parked(MANDANT)
    for action in (f"{path}/park", f"{path}/retry", "/musterbau/api/v1/admin/retry"):
        token = portal.token("admin")
        headers = {"Authorization": f"Portal website:{token}"}
        assert portal.client.simulate_post(action, headers=headers).status_code == 200
        assert portal.client.simulate_post(action, headers=headers).status_code == 401
    changes = [entry for entry in entries() if entry.event != "token_refused"]
    assert [(entry.event, entry.actor, entry.subject) for entry in changes] == [
        ("admin_park", "cms", str(vorgang.id)),
        ("admin_retry", "cms", str(vorgang.id)),
        ("admin_retry", "cms", "parked"),
    ]
    assert changes[0].facts == {"rows": 1, "held": 0}
    assert changes[2].facts == {"rows": 1, "vorgaenge": 1}
    assert len(entries()) == 6


def test_what_the_command_line_changes_is_noted_of_the_operator(portal: Portal) -> None:
    vorgang, other = owe(MANDANT), parked(MANDANT)
    for command in (
        ("sync", "park", str(vorgang.id), "--reason", "Frau Müller zieht um", "--yes"),
        ("sync", "retry", str(vorgang.id), "--yes"),
        ("sync", "retry", "--parked", "--mandant", MANDANT, "--yes"),
        ("catalog", "import", MANDANT, str(DEFAULT_CATALOG)),
    ):
        assert run(portal, *command).exit_code == 0
    assert [(entry.event, entry.actor, entry.request_id) for entry in entries()] == [
        ("admin_park", "operator", ""),
        ("admin_retry", "operator", ""),
        ("admin_retry", "operator", ""),
        ("catalog_imported", "operator", ""),
    ]
    assert entries()[2].facts == {"rows": 1, "vorgaenge": 1}
    assert other.id
    assert "Müller" not in str(entries())


def test_documents_that_are_fetched_again_are_noted(portal: Portal) -> None:
    document(portal, "somebody")
    with connected():
        AnhangRow.update(stored_at=None, parked_at=portal.now).execute()
    assert run(portal, "sync", "retry", "--documents", "--mandant", MANDANT, "--yes").exit_code == 0
    (entry,) = entries()
    assert (entry.event, entry.actor, entry.subject) == ("admin_retry", "operator", "documents")
    assert entry.facts == {"documents": 1}


def test_nothing_secret_and_nothing_that_anybody_wrote_is_in_it(portal: Portal) -> None:
    token = portal.token("login", sid="t", name="Zoë Müller", email="zoe@example.test")
    headers = signed_in(portal, **HOME)
    portal.login(token)
    portal.login(token)
    path = document(portal, owner_of_account(MANDANT, ACCOUNT))
    portal.client.simulate_get(path, headers=headers)
    written = json.dumps([shown(entry) for entry in entries()], ensure_ascii=False)
    for word in (token, headers["Cookie"].partition("=")[2], "Zoë", "example.test", "Vertraulich", "Geheimes", KEY):
        assert word not in written
    assert "203.0.113.77" not in written
    assert len(entries()) == 4


def shown(entry: AuditEntry) -> dict[str, str]:
    return {name: str(getattr(entry, name)) for name in entry.__slots__}


@pytest.mark.parametrize("value", ["Frau Müller", "Der Hahn tropft", "x" * 101, "a\nb", "ü"])
def test_a_text_that_is_no_code_is_not_kept(portal: Portal, value: str) -> None:
    with connected():
        audit.note(Event.LIMITED, Source(MANDANT, Actor.NOBODY, MORNING), subject=value, facts={"limit": value})
    (entry,) = entries()
    assert (entry.subject, entry.facts) == ("?", {"limit": "?"})


@pytest.mark.parametrize(
    "address,kept",
    [("203.0.113.77", "203.0.113.0/24"), ("2001:db8:1:2::/64", "2001:db8:1:2::/64"), ("", "")],
)
def test_of_an_address_the_network_is_kept(portal: Portal, address: str, kept: str) -> None:
    with connected():
        audit.note(Event.LIMITED, Source(MANDANT, Actor.NOBODY, MORNING, address=address))
    assert entries()[0].address == kept


def test_entries_are_forgotten_by_their_age_alone(portal: Portal) -> None:
    secret(portal.login())
    for days, left in ((29, 1), (31, 0)):
        storage = Folder(portal.installation.directory / "files")
        tidy(storage, draft_days=9999, audit_days=30, now=MORNING + timedelta(days=days))
        assert len(entries()) == left


def test_one_module_writes_the_log_and_only_an_erasure_changes_it() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "service").rglob("*.py")
        if "AuditRow" in path.read_text(encoding="utf-8")
    }
    assert users == {"service/store/audit.py", "service/store/models.py"}
    source = (ROOT / "service/store/audit.py").read_text(encoding="utf-8")
    assert re.findall(r"AuditRow\.(\w+)\(", source) == [
        *("insert", "select", "select", "select", "select", "delete"),
        *("select", "select", "update", "update"),  # an erasure takes out who it was, and leaves what happened
    ]
    assert not re.search(r"\.(save|replace|bulk_update|on_conflict)\(", source)


def test_every_event_is_described_for_operators() -> None:
    text = (ROOT / "docs/operators.md").read_text(encoding="utf-8")
    assert not {event for event in Event if f"`{event}`" not in text}
    assert not {actor for actor in Actor if f"`{actor}`" not in text}


def run(portal: Portal, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(portal.installation.config), *arguments])


def noted(event: Event, day: int, mandant: str = MANDANT, **more: str) -> None:
    with connected():
        source = Source(mandant, Actor.RESIDENT, MORNING.replace(day=day), account=ACCOUNT, **more)
        audit.note(event, source, facts={"reason": "expired"})


def test_the_log_is_read_by_mandant_day_event_person_and_account(portal: Portal) -> None:
    noted(Event.SIGN_IN, 2, person="P1", request_id="r-1")
    noted(Event.SIGN_OUT, 3, person="P 2")
    noted(Event.SIGN_IN, 4)
    noted(Event.SIGN_IN, 4, mandant="nachbar")

    def days(*options: str) -> list[str]:
        read = run(portal, "audit", MANDANT, "--json", *options)
        assert read.exit_code == 0, read.output
        return [json.loads(line)["at"][8:10] for line in read.stdout.splitlines()]

    assert days() == ["02", "03", "04"]
    assert days("--since", "2026-11-03") == ["03", "04"]
    assert days("--event", "sign_in") == ["02", "04"]
    assert days("--person", "P 2") == ["03"]
    assert days("--account", ACCOUNT) == ["02", "03", "04"]
    assert days("--account", "0" * 64) == []
    assert days("--limit", "2") == ["03", "04"]
    assert days("--after", "0", "--limit", "2") == ["02", "03"]
    first = json.loads(run(portal, "audit", MANDANT, "--json").stdout.splitlines()[0])
    assert days("--after", str(first["id"])) == ["03", "04"]
    assert first | {"id": 0} == {
        "at": "2026-11-02T08:00:00.000Z",
        "id": 0,
        "mandant": MANDANT,
        "event": "sign_in",
        "actor": "resident",
        "connection": "",
        "account": ACCOUNT,
        "person": "P1",
        "subject": "",
        "address": "",
        "request_id": "r-1",
        "facts": {"reason": "expired"},
    }


def test_the_log_can_be_read_by_people(portal: Portal) -> None:
    noted(Event.SIGN_IN, 2, person="P 1")
    noted(Event.SIGN_OUT, 3)
    read = run(portal, "audit", MANDANT, "--limit", "1")
    assert re.fullmatch(
        rf"2026-11-03 09:00:00\+01:00 #2 sign_out resident account={ACCOUNT} reason=expired\n", read.stdout
    )
    assert "more than 1" in read.stderr
    assert 'person="P 1"' in run(portal, "audit", MANDANT).stdout


@pytest.mark.parametrize("arguments", [("musterbua",), (MANDANT, "--event", "sign-in")])
def test_what_is_not_there_is_named_with_what_is(portal: Portal, arguments: tuple[str, ...]) -> None:
    refused = run(portal, "audit", *arguments)
    assert refused.exit_code == 2
    assert "there are: " in refused.output


def test_claims_of_another_mandant_are_noted_where_they_were_shown(portal: Portal) -> None:
    aud = f"{portal.installation.url}/nachbar"
    made = tokens.new_claims(typ="login", iss="website", aud=aud, sub="1", sid="s", now=int(portal.now.timestamp()))
    assert portal.login(tokens.issue(made, KEY[::-1])).status_code == 401
    assert entries("nachbar") == []
    assert entries()[0].facts["reason"] == "signature"
