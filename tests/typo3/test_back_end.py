"""The TYPO3 extension's back end against the running portal, without TYPO3: the same PHP classes, curl underneath."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from service.store.database import connected, database, open_database
from tests.support.dokumente import gebaeude, tell
from tests.support.owed import parked
from tests.support.portal import KEY, MANDANT, Installation
from tests.support.ports import free_port

SCRIPT = Path(__file__).parents[2] / "typo3_extension/Tests/Support/back_end.php"
ORIGIN = "http://127.0.0.1:8080"
OTHER_KEY = "another-key-of-at-least-32-bytes!"

FORM = {
    "art": "STOERUNG",
    "schwere": "DRINGEND",
    "titel": {"de": " Heizung ausgefallen ", "en": ""},
    "text": {"de": "Ein Techniker ist unterwegs.\r\nBitte lüften Sie nicht."},
    "wo": "gebaeude",
    "gebaeude": ["G1"],
    "weitere": "G2\r\n\r\nG1",
    "von": "2026-07-01T08:10",
    "schadenskategorie": "HEIZUNG",
    "timezone": "Europe/Berlin",
}

pytestmark = pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed (apt-get install php-cli)")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    rules = f'[[mandanten.{MANDANT}.routing]]\nname = "Nord"\ngebaeude = ["G1"]\nsachbearbeiter = "nord"'
    made = Installation(tmp_path_factory.mktemp("typo3"), extra=rules)
    try:
        made.start_portal()
        open_database(made.database)
        yield made
    finally:
        made.stop_all()
        database.obj.close_all()


class Elsewhere(BaseHTTPRequestHandler):
    """A web server that is not the portal: a page of somebody else, or nothing for a long time."""

    def do_GET(self) -> None:
        status = 413 if self.path.startswith("/large") else 200
        if self.path.startswith("/moved"):
            self.send_response(301)
            self.send_header("Location", "https://portal.example.de/")
            self.end_headers()
            return
        page = b"<html><h1>Willkommen</h1></html>"
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        if self.path.startswith("/page"):
            self.send_header("Content-Security-Policy", "default-src 'self'")
            self.send_header("Cache-Control", "public, max-age=300")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def php(case: dict[str, Any]) -> Any:
    done = subprocess.run(
        ["php", str(SCRIPT)], input=json.dumps(case), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    assert KEY not in done.stdout
    assert OTHER_KEY not in done.stdout
    return json.loads(done.stdout)


def settings(installation: Installation, **changes: Any) -> dict[str, Any]:
    given = {"url": f"{installation.url}/{MANDANT}", "connection": "website", "keys": [KEY], "origins": [ORIGIN]}
    return given | changes


def examined(installation: Installation, **changes: Any) -> dict[str, tuple[str, str, list[Any]]]:
    found = php(settings(installation, do="examine", **changes))
    return {step: (state, outcome, arguments) for step, state, outcome, arguments in found}


def test_every_step_that_the_portal_decides_is_green_with_the_right_settings(installation: Installation) -> None:
    found = examined(installation)
    asked = ("reachable", "clock", "audience", "access", "version", "origin", "delivery")
    assert {step: found[step][:2] for step in asked} == dict.fromkeys(asked, ("good", "good"))
    assert found["connection"] == ("warning", "kind", ["generic"])


@pytest.mark.parametrize(
    "changes,step,outcome",
    [
        ({"keys": [OTHER_KEY]}, "access", "refused"),
        ({"keys": [KEY, OTHER_KEY]}, "access", "previous"),
        ({"clock": -300}, "clock", "slow"),
        ({"clock": 300}, "clock", "fast"),
        ({"connection": "unknown"}, "reachable", "unknown"),
        ({"origins": ["https://www.example.de"]}, "origin", "missing"),
    ],
    ids=str,
)
def test_each_wrong_setting_is_told_at_its_step(
    installation: Installation, changes: dict[str, Any], step: str, outcome: str
) -> None:
    found = examined(installation, **changes)
    assert found[step][:2] == ("bad", outcome)
    assert [name for name, (state, *_) in found.items() if state == "bad" and name not in {"page", step}] == []


def test_a_wrong_public_address_is_told_with_the_right_one(installation: Installation) -> None:
    here = f"{installation.url}/{MANDANT}"
    found = examined(installation, url="https://portal.example.de/musterbau", internal=here)
    assert found["audience"] == ("bad", "differs", [here, "https://portal.example.de/musterbau"])
    assert found["access"][0] == "later"


def test_whoever_is_not_the_portal_is_told_apart(installation: Installation, elsewhere: str, self_signed: str) -> None:
    wrong = {
        f"{elsewhere}/musterbau": "foreign",
        f"{elsewhere}/large": "foreign",
        f"{elsewhere}/moved": "redirect",
        f"{self_signed}/musterbau": "certificate",
        f"http://127.0.0.1:{free_port()}/musterbau": "connection",
        "http://portal.invalid/musterbau": "name",
    }
    assert {url: examined(installation, url=url)["reachable"][1] for url in wrong} == wrong


def test_the_page_with_the_portal_is_looked_at_as_a_visitor_gets_it(installation: Installation, elsewhere: str) -> None:
    found = examined(installation, page=f"{elsewhere}/page")
    assert found["csp"][:2] == ("bad", "blocked")
    assert found["cache"][:2] == ("bad", "shared")


def test_parked_vorgaenge_are_listed_looked_at_and_sent_again(installation: Installation) -> None:
    with connected():
        database.execute_sql("DELETE FROM outbox")
    ids = [str(parked(MANDANT, now=datetime.now(UTC)).id) for _ in range(3)]
    ask = settings(installation)
    first = php(ask | {"do": "parked", "limit": 2})
    rest = php(ask | {"do": "parked", "limit": 2, "after": first["next"]})
    assert [one["id"] for one in first["vorgaenge"] + rest["vorgaenge"]] == ids
    shown = php(ask | {"do": "vorgang", "id": ids[0]})
    assert shown["rows"][0]["last_error"] == "VALIDIERUNG (/betreff: LAENGE)"
    assert php(ask | {"do": "retry", "id": ids[0]})["rows"] == 1
    assert php(ask | {"do": "status"})["parked"] == 2
    assert php(ask | {"do": "retryAll"}) == {"rows": 2, "vorgaenge": 2, "held": 0}
    assert php(ask | {"do": "status"})["parked"] == 0
    assert php(ask | {"do": "vorgang", "id": "../status"})["trouble"] in {"notFound", "foreign"}


def test_the_rule_that_would_match_is_asked_of_the_portal(installation: Installation) -> None:
    ask = settings(installation)
    case = {"typ": "KONTAKT", "kontaktthema": "ALLGEMEIN", "gebaeude": "G1", "schadensort": ""}
    assert php(ask | {"do": "routing", "case": case})["regel"] == "Nord"
    missing = php(ask | {"do": "routing", "case": {"typ": "KONTAKT"}})
    assert missing == {"trouble": "invalid", "detail": "kontaktthema"}
    assert php(ask | {"do": "catalog"})["rules"][0]["name"] == "Nord"


def test_while_a_key_is_changed_the_previous_one_still_opens(installation: Installation) -> None:
    assert "parked" in php(settings(installation, do="status", keys=[KEY, OTHER_KEY]))
    assert php(settings(installation, do="status", keys=[OTHER_KEY])) == {"trouble": "refused", "detail": ""}


@pytest.fixture
def aushaenge(installation: Installation) -> Installation:
    tell(MANDANT, *(gebaeude(f"G{number}") for number in (1, 2, *range(10, 210))))
    with connected():
        for table in ("aushang", "aushang_ziel"):
            database.execute_sql(f"DELETE FROM {table}")
    return installation


def ask(installation: Installation, do: str, **case: Any) -> Any:
    return php(settings(installation, do=do, **case))


def test_a_notice_is_put_up_changed_and_withdrawn(aushaenge: Installation) -> None:
    made = ask(aushaenge, "putUp", form=FORM)
    assert (made["titel"], made["gebaeude"]) == ({"de": "Heizung ausgefallen"}, ["G1", "G2"])
    assert made["text"] == {"de": "Ein Techniker ist unterwegs.\nBitte lüften Sie nicht."}
    assert (made["von"], made["zeigen_ab"], made["bis"]) == ("2026-07-01T06:10:00Z", "2026-07-01T06:10:00Z", None)
    changed = ask(aushaenge, "putUp", id=made["id"], form=FORM | {"wo": "alle", "oeffentlich": "1"})
    assert (changed["id"], changed["gebaeude"], changed["oeffentlich"]) == (made["id"], [], True)
    assert ask(aushaenge, "aushaenge")["aushaenge"] == [changed]
    assert ask(aushaenge, "withdraw", id=made["id"])["over"] is True
    assert ask(aushaenge, "aushaenge")["aushaenge"] == []
    assert [one["id"] for one in ask(aushaenge, "aushaenge", over=True)["aushaenge"]] == [made["id"]]


@pytest.mark.parametrize(
    "changes,fields",
    [
        ({"titel": {"en": "Heating is down"}}, ["titel"]),
        ({"titel": {"de": "x" * 121}, "text": {"de": "x" * 2001}}, ["titel", "text"]),
        ({"titel": {"de": "zwei\nZeilen"}}, ["titel"]),
        ({"weitere": "G9"}, ["gebaeude"]),
        ({"oeffentlich": "1"}, ["oeffentlich"]),
        ({"art": "ARBEITEN"}, ["bis"]),
        ({"bis": "2026-06-30T08:00"}, ["bis"]),
        ({"von": "morgen"}, ["von"]),
        ({"art": "X", "schwere": "Y", "schadensort": "Z"}, ["art", "schwere", "schadensort"]),
        ({"art": ["HINWEIS"], "titel": "Text"}, ["art", "titel"]),
        ({"text": {"de": "x" * 70_000}}, ["body"]),
    ],
)
def test_what_cannot_be_is_named_by_its_field_and_nothing_is_put_up(
    aushaenge: Installation, changes: dict[str, Any], fields: list[str]
) -> None:
    refused = ask(aushaenge, "putUp", form=FORM | changes)
    assert refused["trouble"] == "aushang"
    assert set(refused["detail"].split(", ")) == set(fields)
    assert ask(aushaenge, "aushaenge")["aushaenge"] == []


def test_what_is_saved_without_a_change_stays_as_it_is(aushaenge: Installation) -> None:
    planned = {"art": "ARBEITEN", "von": "2027-03-28T01:30", "bis": "2027-03-28T04:00", "zeigen_ab": "2027-03-20T00:00"}
    for form in (FORM, FORM | planned, FORM | {"zeigen_ab": "2026-07-01T09:00"}, FORM | {"wo": "alle"}):
        made = ask(aushaenge, "putUp", form=form)
        shown = ask(aushaenge, "form", id=made["id"], timezone="Europe/Berlin")
        kept = ask(aushaenge, "putUp", id=made["id"], form=shown | {"oeffentlich": "1" if shown["oeffentlich"] else ""})
        assert kept | {"changed_at": ""} == made | {"changed_at": ""}


def test_an_unknown_notice_is_told_as_such(aushaenge: Installation) -> None:
    for unknown in ("019ab3c4-0000-7000-8000-000000000000", "../status"):
        assert ask(aushaenge, "putUp", id=unknown, form=FORM)["trouble"] in {"notFound", "foreign", "method"}
        assert ask(aushaenge, "withdraw", id=unknown)["trouble"] in {"notFound", "foreign"}


def test_an_editor_chooses_from_all_buildings_and_what_the_portal_knows(aushaenge: Installation) -> None:
    found = ask(aushaenge, "choices")
    assert (found["languages"], found["timezone"]) == (["de", "en"], "Europe/Berlin")
    assert len(found["gebaeude"]) == 202
    assert found["schadenskategorien"]["HEIZUNG"] == "Heizung und Warmwasser"
