"""When nothing can be written, nothing typed is lost and nothing is half stored; afterwards it goes on by itself."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.faults.breaking import Ground
from tests.faults.disks import FILES, measure
from tests.faults.evidence import missing_in, typed_in
from tests.faults.points import table
from tests.support.engines import Server, server
from tests.support.portal import forms, wait_for

ORIGIN = "http://127.0.0.1:8080"


@pytest.mark.parametrize("engine, faults", [("sqlite", 99), ("postgresql", 1), ("mariadb", 1)])
def test_forms_come_back_with_everything_typed_and_are_stored_once_when_sent_again(
    tmp_path: Path, engine: str, faults: int
) -> None:
    findings = measure(tmp_path, engine, kinds=2, rounds=1, faults=faults)
    unmeasured = [finding.measured for finding in findings if "not measured" in finding.measured]
    assert all(finding.kept for finding in findings if finding.measured not in unmeasured), table(findings)
    if unmeasured:
        pytest.skip("; ".join(unmeasured))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ground, Server]]:
    """A portal on PostgreSQL, which can be stopped."""
    directory = tmp_path_factory.mktemp("away")
    (directory / "database").mkdir()
    with server("postgresql", directory / "database") as database:
        ground = Ground(directory, database.url)
        try:
            ground.start_portal()
            yield ground, database
        finally:
            ground.stop_all()


def test_a_browser_session_that_only_the_database_knows_gets_its_form_back_in_its_language(
    running: tuple[Ground, Server],
) -> None:
    ground, database = running
    resident, browser = ground.resident(lang="en"), requests.Session()
    login = browser.post(
        f"{ground.url}/musterbau/sso/website",
        data={"token": resident.token("login")},
        headers={"Origin": ORIGIN},
        allow_redirects=False,
        timeout=10,
    )
    found = re.search(r"(__Host-portal=[^;]+);", login.headers["Set-Cookie"])
    assert found
    browser.headers["Cookie"] = found.group(1)
    url = f"{ground.url}/musterbau/melden/kontakt"
    form = forms(browser.get(url, timeout=30).text)[0] | {
        "kontaktthema": "ALLGEMEIN",
        "beschreibung": "The lift <stops>",
    }
    send = {"url": url, "allow_redirects": False, "timeout": 60}
    files = [("anhaenge", ("page.pdf", (FILES / "page.pdf").read_bytes()))]
    database.stop()
    try:
        refused = browser.post(data=form, files=files, **send)
    finally:
        database.start()
        wait_for(f"{ground.url}/readyz")
    assert refused.status_code == 503
    assert refused.headers["Cache-Control"] == "no-store"
    assert "Send again" in refused.text
    assert '<html lang="en"' in refused.text
    assert form.items() <= typed_in(refused.text).items()
    assert missing_in(refused.text, ["page.pdf"]) == []
    hostile = browser.post(data=typed_in(refused.text), headers={"Origin": "https://evil.example"}, **send)
    assert hostile.status_code == 403
    filed = browser.post(data=typed_in(refused.text), headers={"Origin": ground.url}, **send)
    assert filed.status_code == 303
    assert "page.pdf" in browser.get(f"{ground.url}{filed.headers['Location']}", timeout=30).text


def test_a_form_from_elsewhere_and_a_token_that_is_none_are_refused_without_a_database(
    running: tuple[Ground, Server],
) -> None:
    ground, database = running
    database.stop()
    try:
        url = f"{ground.url}/musterbau/melden/kontakt"
        data = {"beschreibung": "Bitte überweisen Sie"}
        foreign = requests.post(url, data=data, headers={"Origin": "https://evil.example"}, timeout=60)
        forged = requests.post(url, data=data, headers={"Authorization": "Portal website:x"}, timeout=60)
        page = requests.get(url, headers=ground.resident().headers(), timeout=60)
    finally:
        database.start()
    assert (foreign.status_code, forged.status_code, page.status_code) == (403, 401, 503)
    assert "überweisen" not in foreign.text + forged.text
    assert "<html" not in page.text
    assert "<form" not in page.text
    assert "tel:0301234567" in page.text


def test_files_that_no_form_could_take_up_again_are_not_kept(running: tuple[Ground, Server]) -> None:
    ground, database = running
    before = set(ground.files.glob("??/??/*"))
    form = {"csrf_token": "x", "idempotency_key": "x", "beschreibung": "Trotzdem <wichtig>"}
    database.stop()
    try:
        refused = ground.resident().post(
            "melden/kontakt", form, [("anhaenge", ("page.pdf", (FILES / "page.pdf").read_bytes()))]
        )
    finally:
        database.start()
    assert refused.status_code == 503
    assert form.items() <= typed_in(refused.text).items()
    assert missing_in(refused.text, ["page.pdf"]) == ["page.pdf"]
    assert set(ground.files.glob("??/??/*")) == before
