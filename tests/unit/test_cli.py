"""The command line: help with an example, exit codes for scripts, words that say what to do."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from service.cli import main
from service.store.database import database
from service.vorgang.catalog import DEFAULT_CATALOG
from tests.support.databases import empty_database
from tests.support.own import EIGEN, OWN
from tests.support.portal import Installation, Resident


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path, database=empty_database(tmp_path))
    yield made
    made.stop_all()
    if database.obj is not None:
        database.obj.close_all()


def run(installation: Installation, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(installation.config), *arguments])


def commands(group: click.Group, prefix: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    found = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += commands(command, (*prefix, name))
        else:
            found.append(((*prefix, name), command))
    return found


@pytest.mark.parametrize("path,command", commands(main), ids=str)
def test_every_command_has_help_with_an_example(path: tuple[str, ...], command: click.Command) -> None:
    shown = CliRunner().invoke(main, [*path, "--help"])
    assert shown.exit_code == 0
    assert "Example: " in shown.output


def test_settings_that_are_refused_end_with_one(tmp_path: Path) -> None:
    config = tmp_path / "portal.toml"
    config.write_text("[service]\n", encoding="utf-8")
    shown = CliRunner().invoke(main, ["--config", str(config), "migrate"])
    assert shown.exit_code == 1
    assert "settings: service.public_url: is missing" in shown.output


def test_migrate_says_what_it_did(installation: Installation) -> None:
    assert "applied 0001" in run(installation, "migrate").output
    assert "nothing to do" in run(installation, "migrate").output


def test_a_database_without_tables_says_so(installation: Installation) -> None:
    shown = run(installation, "sync", "status")
    assert shown.exit_code == 75
    assert "mieterportal migrate" in shown.output


def test_a_database_that_does_not_answer_can_be_tried_again(tmp_path: Path) -> None:
    away = Installation(tmp_path, database="postgresql://nobody@127.0.0.1:1/none")
    assert run(away, "migrate").exit_code == 75


def test_status_lists_every_mandant(installation: Installation) -> None:
    run(installation, "migrate")
    rows = json.loads(run(installation, "sync", "status", "--json").output)
    assert [row["mandant"] for row in rows] == ["musterbau", "nachbar"]
    assert "nachbar" in run(installation, "sync", "status").output


def test_a_token_is_issued_inspected_and_verified(installation: Installation) -> None:
    token = run(installation, "token", "issue", "musterbau", "website", "--sub", "1", "--person", "P1").output.strip()
    seen = run(installation, "token", "inspect", token, "--mandant", "musterbau", "--connection", "website")
    assert seen.exit_code == 0
    assert "accepted" in seen.output
    other = run(installation, "token", "inspect", token, "--mandant", "nachbar", "--connection", "website")
    assert other.exit_code == 1
    assert "refused: signature" in other.output
    assert run(installation, "token", "inspect", "x.y.z").exit_code == 1
    assert run(installation, "token", "issue", "musterbau", "none", "--sub", "1").exit_code == 2


def test_a_catalog_is_checked_and_imported(installation: Installation, tmp_path: Path) -> None:
    run(installation, "migrate")
    assert "111 Schadensarten" in run(installation, "catalog", "check", str(DEFAULT_CATALOG)).output
    raw = json.loads(DEFAULT_CATALOG.read_text(encoding="utf-8")) | {"version": "2"}
    mine = tmp_path / "katalog.json"
    mine.write_text(json.dumps(raw), encoding="utf-8")
    assert "catalog 2" in run(installation, "catalog", "import", "musterbau", str(mine)).output
    assert run(installation, "catalog", "import", "nobody", str(mine)).exit_code == 2
    raw["schadensarten"][0]["places"] = ["X"]
    mine.write_text(json.dumps(raw), encoding="utf-8")
    broken = run(installation, "catalog", "check", str(mine))
    assert broken.exit_code == 1
    assert "schadensarten[0].places[0]" in broken.output
    mine.write_text("{", encoding="utf-8")
    assert run(installation, "catalog", "check", str(mine)).exit_code == 1


def test_an_import_warns_of_routing_rules_that_no_longer_fit(tmp_path: Path) -> None:
    rule = '[[mandanten.musterbau.routing]]\nname = "alt"\nschadensart = ["GIBT.ES.NICHT"]\n'
    installation = Installation(tmp_path, extra=rule)
    run(installation, "migrate")
    shown = run(installation, "catalog", "import", "musterbau", str(DEFAULT_CATALOG))
    assert "warning: routing: alt" in shown.output


def test_the_doctor_names_what_is_wrong_and_what_to_do(installation: Installation) -> None:
    before = run(installation, "doctor")
    assert before.exit_code == 1
    assert "run: mieterportal migrate" in before.output
    assert "does not answer" in before.output
    run(installation, "migrate")
    installation.start_standin()
    after = run(installation, "doctor", "musterbau/website")
    assert f"{installation.standin_url} answers" in after.output
    assert "nachbar immotion: no channel; Vorgänge are stored and wait; set mandanten.nachbar.immotion" in after.output
    assert "kind generic" in after.output
    assert "no such connection" in run(installation, "doctor", "musterbau/other").output


def test_the_doctor_finds_a_folder_that_cannot_be_written_and_a_database_away(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file, not a folder", encoding="utf-8")
    away = Installation(tmp_path, database="postgresql://nobody@127.0.0.1:1/none")
    shown = run(away, "doctor")
    assert "cannot be written" in shown.output
    assert "check service.database" in shown.output


def test_an_unknown_vorgang_has_no_why(installation: Installation) -> None:
    run(installation, "migrate")
    assert run(installation, "why", "00000000-0000-7000-8000-000000000000").exit_code == 1
    assert run(installation, "why", "2026-999999").exit_code == 1


def test_a_wrong_port_base_is_refused(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PORT_BASE", "many")
    assert run(installation, "demo").exit_code == 2


def test_a_broken_database_is_a_clean_503_with_the_emergency_numbers(installation: Installation) -> None:
    installation.database = f"sqlite:///{installation.directory}/portal.db"
    installation.write_settings()
    installation.start_portal()
    resident: Resident = installation.resident()
    form = resident.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "x"}
    for path in installation.directory.glob("portal.db*"):
        path.unlink()
    (installation.directory / "portal.db").write_bytes(b"this is no database" * 100)
    installation.stop("portal")
    installation.start("portal", "serve")
    answer = None
    for _ in range(600):
        try:
            answer = resident.post("melden/kontakt", form)
            break
        except OSError:
            subprocess.run(["sleep", "0.1"], check=True)
    assert answer is not None
    assert answer.status_code == 503
    assert "tel:0301234567" in answer.text


def test_doctor_says_what_the_own_login_lacks_without_mail(tmp_path: Path) -> None:
    lacking = Installation(tmp_path, extra=OWN)
    lacking.run("migrate")
    told = run(lacking, "doctor").output
    assert "FAIL  eigen own login: without service.mail nobody can have a new password by mail" in told
    assert "ok    musterbau own login" not in told


def test_the_own_login_issues_no_tokens(tmp_path: Path) -> None:
    shown = run(Installation(tmp_path, extra=OWN), "token", "issue", EIGEN, "portal", "--sub", "1")
    assert shown.exit_code == 2
    assert "takes no tokens" in shown.output
