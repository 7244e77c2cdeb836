"""The admin interface, asked as a CMS's back end asks: what it says is what docs/admin-api.yaml says."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from service.app import create_app
from service.settings import load_settings
from service.store import breakers, deliveries, heartbeats
from service.store.database import connected, database, open_database
from service.store.records import BreakerState, Vorgang
from service.sync.alarms import raise_alarm
from tests.support.owed import claim, owe, parked, receipts
from tests.support.portal import KEY, MANDANT, Installation, Resident

NOW = datetime.now(UTC)
SPEC = yaml.safe_load((Path(__file__).parents[2] / "docs" / "admin-api.yaml").read_text(encoding="utf-8"))
REGISTRY: Registry[Any] = Registry().with_resource("urn:spec", Resource(SPEC, DRAFT202012))
BASE = f"/{MANDANT}/api/v1/admin"
RULES = """
[[mandanten.musterbau.routing]]
name = "Nord"
gebaeude = ["G1"]
sachbearbeiter = "nord"
[[mandanten.musterbau.routing]]
name = "Küche"
schadensort = ["W_KUECHE"]
sachbearbeiter = "kueche"
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("admin"), extra=RULES)
    try:
        made.start_portal()
        open_database(made.database)
        yield made
    finally:
        made.stop_all()
        database.obj.close_all()


@pytest.fixture(autouse=True)
def nothing_owed(installation: Installation) -> None:
    """Tests see no rows of each other."""
    database.obj.close_all()
    open_database(installation.database)
    with connected():
        for table in ("outbox", "alarm", "breaker", "heartbeat"):
            database.execute_sql(f"DELETE FROM {table}")


Ask = Callable[..., requests.Response]


@pytest.fixture
def ask(installation: Installation) -> Ask:
    """Ask as the back end of the connection `website`; every answer is held against the published interface."""
    back_end = Resident(installation.url, sub="be_users:1", person=None)

    def asked(path: str, method: str = "GET", *, token: str | None = None, **params: str) -> requests.Response:
        authorization = f"Portal website:{token or back_end.token('admin')}"
        answer = requests.request(
            method,
            f"{installation.url}{BASE}/{path}",
            params=params,
            headers={"Authorization": authorization},
            timeout=30,
        )
        hold_against_spec(path, method, answer)
        return answer

    return asked


def hold_against_spec(path: str, method: str, answer: requests.Response) -> None:
    parts = path.split("/")
    named = {"vorgaenge": "{vorgang_id}", "aushaenge": "{aushang_id}"}
    if parts[0] in named and len(parts) > 1:
        parts[1] = named[parts[0]]
    template = "/" + "/".join(parts)
    operation = SPEC["paths"].get(template, {}).get(method.lower(), {"responses": {}})
    media, pointer = "application/problem+json", "/components/responses/Problem"
    if str(answer.status_code) in operation["responses"]:
        media = "application/json"
        described = operation["responses"][str(answer.status_code)]
        own = f"/paths/{template.replace('/', '~1')}/{method.lower()}/responses/{answer.status_code}"
        pointer = described.get("$ref", f"#{own}").removeprefix("#")
    assert answer.headers["Content-Type"] == media, answer.text[:300]
    schema = {"$ref": f"urn:spec#{pointer}/content/{media.replace('/', '~1')}/schema"}
    validator = Draft202012Validator(schema, registry=REGISTRY, format_checker=FormatChecker())
    assert [error.message for error in validator.iter_errors(answer.json())] == []


def states(vorgang: Vorgang) -> list[str]:
    with connected():
        return [row.state for row in deliveries.rows_of(vorgang.mandant, vorgang.id)]


def requests_of_all_kinds() -> list[tuple[str, str]]:
    owed = UUID(int=7)  # the same in every process that collects these tests
    return [
        (method.upper(), path.lstrip("/").replace("{vorgang_id}", str(owed)).replace("{aushang_id}", str(owed)))
        for path, operations in SPEC["paths"].items()
        for method in operations
        if method in {"get", "post"}
    ]


def test_the_document_is_valid_openapi_and_names_every_route(installation: Installation) -> None:
    validate(SPEC)
    app = create_app(load_settings(installation.config))
    for method, path in requests_of_all_kinds():
        found = app._router.find(f"{BASE}/{path}")
        assert found is not None, path
        assert method in {name for name, responder in found[1].items() if "on_" in responder.__name__}, (method, path)
    routes = Path("service/app.py").read_text(encoding="utf-8").count("/api/v1/admin/")
    assert routes == len(SPEC["paths"])


def test_the_set_up_assistant_sees_clock_audience_and_connection(ask: Ask, installation: Installation) -> None:
    answer = ask("version")
    facts = answer.json()
    assert facts["aud"] == f"{installation.url}/{MANDANT}"
    assert (facts["connection"]["name"], facts["connection"]["kind"]) == ("website", "generic")
    assert abs(datetime.fromisoformat(facts["now"]) - datetime.now(UTC)).total_seconds() < 60
    assert len(facts["catalog"]["digest"]) == 64
    assert answer.headers["Cache-Control"] == "no-store"
    assert KEY not in answer.text


def test_status_tells_backlog_breaker_worker_and_alarms(ask: Ask) -> None:
    parked(MANDANT, now=NOW)
    owe(MANDANT, now=NOW)
    owe("nachbar", now=NOW)
    raise_alarm("status_unmapped", mandant=MANDANT, detail="X1", now=NOW)
    raise_alarm("status_unmapped", mandant="nachbar", detail="Y2", now=NOW)
    with connected():
        breakers.note(BreakerState(MANDANT, "open", 5, NOW, NOW, NOW, "host:1"))
        heartbeats.beat(MANDANT, "worker", NOW)
        heartbeats.beat(MANDANT, "ereignisse", NOW)
    facts = ask("status").json()
    assert (facts["waiting"], facts["parked"], facts["breaker"]["state"]) == (1, 1, "open")
    assert facts["worker_seen"] == facts["feeds_read"]["ereignisse"] == NOW.isoformat().replace("+00:00", "Z")
    assert [alarm["detail"] for alarm in facts["alarms"]] == ["X1"]
    assert ask("alarms").json()["alarms"] == facts["alarms"]


def test_lists_are_paged_and_show_only_the_own_mandant(ask: Ask) -> None:
    mine = [str(parked(MANDANT, now=NOW).id) for _ in range(5)]
    parked("nachbar", now=NOW)
    owe(MANDANT, now=NOW)
    seen, after = [], ""
    while True:
        page = ask("vorgaenge", state="parked", limit="2", **({"after": after} if after else {})).json()
        seen += [entry["id"] for entry in page["vorgaenge"]]
        after = page["next"]
        if after is None:
            break
    assert seen == mine
    assert len(ask("vorgaenge").json()["vorgaenge"]) == 5
    assert len(ask("vorgaenge", state="waiting").json()["vorgaenge"]) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"state": "sent"},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "x"},
        {"after": "-1"},
        {"after": "9" * 30},
        {"after": "１"},
    ],
    ids=str,
)
def test_a_parameter_that_cannot_be_is_named(ask: Ask, given: dict[str, str]) -> None:
    answer = ask("vorgaenge", **given)
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["parameters"]) == ("invalid_parameter", list(given))


def test_a_vorgang_shows_its_deliveries_and_nothing_that_was_written(ask: Ask) -> None:
    vorgang = parked(MANDANT, rows=2, now=NOW, melder={"name": "Zoë"}, routing={"regel": "Nord", "sachbearbeiter": "s"})
    answer = ask(f"vorgaenge/{vorgang.id}")
    facts = answer.json()
    assert [row["state"] for row in facts["rows"]] == ["parked", "waiting"]
    assert (facts["rows"][0]["last_error"], facts["routing"]) == ("VALIDIERUNG (/betreff: LAENGE)", {"regel": "Nord"})
    assert not any(word in answer.text for word in ("Geheimes", "Persönliches", "Zoë"))


def test_retry_and_park_do_what_they_say(ask: Ask) -> None:
    vorgang = parked(MANDANT, rows=2, now=NOW)
    assert ask(f"vorgaenge/{vorgang.id}/retry", "POST").json() == {"rows": 2, "vorgaenge": 1, "held": 0}
    assert states(vorgang) == ["waiting", "waiting"]
    claim(MANDANT, datetime.now(UTC))
    assert ask(f"vorgaenge/{vorgang.id}/park", "POST").json() == {"rows": 1, "vorgaenge": 1, "held": 1}
    assert states(vorgang) == ["parked", "waiting"]
    assert ask(f"vorgaenge/{vorgang.id}/park", "POST").json()["rows"] == 0
    others = [parked(MANDANT, now=NOW), parked("nachbar", now=NOW)]
    assert ask("retry", "POST").json() == {"rows": 2, "vorgaenge": 2, "held": 0}
    assert [states(other) for other in others] == [["waiting"], ["parked"]]


def test_the_receipts_of_a_document_are_seen_and_steered_like_a_vorgang(ask: Ask) -> None:
    with connected():
        (row,), _ = receipts(MANDANT, now=NOW), receipts("nachbar", now=NOW)
    (listed,) = ask("vorgaenge", state="waiting").json()["vorgaenge"]
    assert listed["id"] == str(row.vorgang_id)
    assert ask(f"vorgaenge/{listed['id']}/park", "POST").json()["rows"] == 1
    assert [one["state"] for one in ask(f"vorgaenge/{listed['id']}").json()["rows"]] == ["parked"]
    assert ask(f"vorgaenge/{listed['id']}/retry", "POST").json()["rows"] == 1


@pytest.mark.parametrize("action", ["", "/retry", "/park"])
def test_another_mandants_vorgang_is_not_there(ask: Ask, action: str) -> None:
    foreign = parked("nachbar", now=NOW)
    with connected():
        (receipt,) = receipts("nachbar", now=NOW)
    for name in (str(foreign.id), str(receipt.vorgang_id), str(uuid4()), "x"):
        answer = ask(f"vorgaenge/{name}{action}", "POST" if action else "GET")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert states(foreign) == ["parked"]


@pytest.mark.parametrize("method,path", requests_of_all_kinds(), ids=str)
def test_every_request_uses_its_token_up(ask: Ask, installation: Installation, method: str, path: str) -> None:
    token = Resident(installation.url, person=None).token("admin")
    assert ask(path, method, token=token).status_code != 401
    again = ask(path, method, token=token)
    assert (again.status_code, again.json()["code"]) == (401, "token_refused")


def test_a_token_that_was_used_before_changes_nothing(ask: Ask, installation: Installation) -> None:
    token = Resident(installation.url, person=None).token("admin")
    vorgang = parked(MANDANT, now=NOW)
    ask("status", token=token)
    for path in ("retry", f"vorgaenge/{vorgang.id}/retry", f"vorgaenge/{vorgang.id}/park"):
        assert ask(path, "POST", token=token).status_code == 401
    assert states(vorgang) == ["parked"]


@pytest.mark.parametrize("method,path", requests_of_all_kinds(), ids=str)
@pytest.mark.parametrize("typ", ["fragment", "login", "logout"])
def test_a_residents_token_opens_nothing_here(
    ask: Ask, installation: Installation, method: str, path: str, typ: str
) -> None:
    answer = ask(path, method, token=Resident(installation.url).token(typ))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_refused")


def test_an_admin_token_opens_no_page_of_a_resident(installation: Installation) -> None:
    resident = Resident(installation.url)
    for path in ("", "vorgaenge", "melden/schaden", f"vorgaenge/{uuid4()}", "melden/kontakt"):
        assert resident.get(path, token=resident.token("admin")).status_code == 401
    url = f"{installation.url}/{MANDANT}/sso/website"
    origin = {"Origin": "http://127.0.0.1:8080"}
    assert requests.post(url, data={"token": resident.token("admin")}, headers=origin, timeout=30).status_code == 401
    logout = {"token": resident.token("admin")}
    assert requests.post(f"{url}/logout", data=logout, timeout=30).status_code == 401


def test_every_refusal_looks_the_same_and_tells_the_time(installation: Installation) -> None:
    mine, other = Resident(installation.url), Resident(installation.url, mandant="nachbar", key=KEY[::-1])
    late = int(time.time()) - 600
    shown = [
        None,
        "Basic x",
        "Portal",
        "Portal website",
        f"Portal nobody:{mine.token('admin')}",
        f"Portal website:{other.token('admin')}",
        f"Portal website:{mine.token('admin', iat=late, exp=late + 60)}",
        f"Portal website:{Resident(installation.url, key='x' * 32).token('admin')}",
        "Portal-Session abc",
        "Portal website:" + "x" * 5000,
    ]
    bodies = set()
    for authorization in shown:
        headers = {"Authorization": authorization} if authorization else {}
        cookies = {"__Host-portal": "stolen"}
        answer = requests.get(f"{installation.url}{BASE}/status", headers=headers, cookies=cookies, timeout=30)
        hold_against_spec("status", "GET", answer)
        assert answer.status_code == 401
        assert parsedate_to_datetime(answer.headers["Date"])
        bodies.add(str({name: value for name, value in answer.json().items() if name != "request_id"}))
    assert len(bodies) == 1


@pytest.mark.parametrize("path", ["nothing", "vorgaenge/x/y/z", "", "vorgaenge/x/park/more"])
def test_what_is_not_there_is_a_problem_document_too(ask: Ask, installation: Installation, path: str) -> None:
    assert ask(path).status_code == 404
    nowhere = requests.get(f"{installation.url}/nobody/api/v1/admin/status", timeout=30)
    assert (nowhere.status_code, nowhere.headers["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("method,path", [("GET", "retry"), ("POST", "status"), ("DELETE", "vorgaenge")])
def test_a_wrong_method_is_a_problem_document_too(ask: Ask, method: str, path: str) -> None:
    answer = ask(path, method)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"]


def test_the_rule_that_would_match_is_told_with_why_not_the_others(ask: Ask) -> None:
    damage = {"typ": "SCHADEN", "schadensort": "W_KUECHE", "schadenskategorie": "SANITAER"}
    damage["schadensart"] = "SANITAER.TROPFT"
    facts = ask("routing", **damage, gebaeude="G9").json()
    assert (facts["regel"], facts["sachbearbeiter"]) == ("Küche", "kueche")
    assert facts["rules"] == [
        {"name": "Nord", "matches": False, "mismatch": "gebaeude"},
        {"name": "Küche", "matches": True, "mismatch": None},
    ]
    assert ask("routing", **damage, gebaeude="G1").json()["regel"] == "Nord"
    assert ask("routing", typ="KONTAKT", kontaktthema="ALLGEMEIN").json()["regel"] == "Katalog"


def test_the_catalog_and_the_rules_are_told_with_their_words(ask: Ask) -> None:
    facts = ask("catalog").json()
    assert facts["rules"][1] == {
        "name": "Küche",
        "conditions": {"schadensort": ["W_KUECHE"]},
        "suggests": {"sachbearbeiter": "kueche"},
    }
    tropft = next(art for art in facts["tables"]["schadensarten"] if art["code"] == "SANITAER.TROPFT")
    assert tropft["schadenskategorie"] == "SANITAER"
    assert "W_KUECHE" in tropft["schadensorte"]
    assert {entry["code"] for entry in facts["tables"]["vorgangstypen"]} >= {"KONTAKT", "SCHADEN"}
    assert all(entry["de"] and entry["en"] for table in facts["tables"].values() for entry in table)


@pytest.mark.parametrize(
    "given,wrong",
    [
        ({}, "typ"),
        ({"typ": "UNSINN"}, "typ"),
        ({"typ": "KONTAKT"}, "kontaktthema"),
        ({"typ": "BESCHWERDE", "beschwerdeart": "X"}, "beschwerdeart"),
        ({"typ": "DOKUMENT", "dokumentart": "X"}, "dokumentart"),
        ({"typ": "SCHADEN"}, "schadensort"),
        ({"typ": "SCHADEN", "schadensort": "W_KUECHE", "schadenskategorie": "SANITAER"}, "schadensart"),
        ({"typ": "KONTAKT", "kontaktthema": "ALLGEMEIN", "notfall_regel": "X"}, "notfall_regel"),
    ],
    ids=str,
)
def test_a_case_that_cannot_be_is_refused_by_name(ask: Ask, given: dict[str, str], wrong: str) -> None:
    answer = ask("routing", **given)
    assert (answer.status_code, answer.json()["code"], answer.json()["parameters"]) == (422, "unknown_code", [wrong])


def test_without_the_database_it_is_a_problem_document_too(tmp_path: Path) -> None:
    away = Installation(tmp_path)
    away.start_portal()
    try:
        with_table = Resident(away.url, person=None)
        path = f"{away.url}{BASE}/status"
        assert away.run("sync", "status").returncode == 0
        open_database(away.database)
        with connected():
            database.execute_sql("DROP TABLE outbox")
        database.obj.close_all()
        headers = {"Authorization": f"Portal website:{with_table.token('admin')}"}
        answer = requests.get(path, headers=headers, timeout=30)
        hold_against_spec("status", "GET", answer)
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    finally:
        away.stop_all()


def test_nothing_personal_reaches_the_log(ask: Ask, installation: Installation) -> None:
    vorgang = parked(MANDANT, now=NOW, melder={"name": "Zoë"})
    ask(f"vorgaenge/{vorgang.id}/retry", "POST")
    log = installation.log("portal")
    assert '"event": "retried_by_hand"' in log
    assert not any(word in log for word in ("Geheimes", "Persönliches", "Zoë", "be_users"))
