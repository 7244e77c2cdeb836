"""`mieterportal hold`, `erase` and `retention`: they say what they do, ask first, and are refused by name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.cli import main
from service.store import holds
from service.store.database import connected, database
from tests.support.dokumente import person, tell
from tests.support.portal import MANDANT, Installation


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    made = Installation(tmp_path, database=f"sqlite:///{tmp_path}/portal.db")
    assert CliRunner().invoke(main, ["--config", str(made.config), "migrate"]).exit_code == 0
    yield made.config
    database.obj.close_all()


def run(config: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(config), *words])


def test_a_hold_stops_an_erasure_until_it_ends(config: Path) -> None:
    with connected():
        tell(MANDANT, person("4711"))
    key = run(config, "hold", "add", MANDANT, "--person", "4711", "--reason", "Streit").output.strip()
    assert re.fullmatch(r"[0-9a-f-]{36}", key)
    assert "person 4711: Streit" in run(config, "hold", "list", MANDANT).output
    refused = run(config, "erase", MANDANT, "4711", "--yes")
    assert (refused.exit_code, "nothing was erased" in refused.output) == (1, True)
    assert run(config, "hold", "end", MANDANT, key, "--yes").exit_code == 0
    assert run(config, "hold", "end", MANDANT, key, "--yes").exit_code == 1
    asked = run(config, "erase", MANDANT, "4711")
    assert (asked.exit_code, "goes: 0 Vorgänge" in asked.output) == (2, True)
    done = run(config, "erase", MANDANT, "4711", "--yes")
    assert (done.exit_code, "stammdaten: 1" in done.output) == (0, True), done.output
    with connected():
        assert holds.standing(MANDANT) == []


def test_a_dry_run_says_what_would_go_and_deletes_nothing(config: Path) -> None:
    said = run(config, "retention", "--dry-run")
    assert (said.exit_code, f"{MANDANT} vorgang: 0 from before" in said.output) == (0, True), said.output


def test_wrong_usage_is_refused(config: Path) -> None:
    assert run(config, "hold", "add", MANDANT, "--reason", "x").exit_code == 2
    assert run(config, "erase", "nobody", "4711", "--yes").exit_code == 2
