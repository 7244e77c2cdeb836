"""`mieterportal hold`, `erase` and `retention`: they say what they do, ask first, and are refused by name."""

import re

from service.store import holds
from service.store.database import connected
from tests.support.cli import run
from tests.support.dokumente import person, tell
from tests.support.portal import MANDANT, Installation


def test_a_hold_stops_an_erasure_until_it_ends(installation: Installation) -> None:
    with connected():
        tell(MANDANT, person("4711"))
    key = run(installation, "hold", "add", MANDANT, "--person", "4711", "--reason", "Streit").output.strip()
    assert re.fullmatch(r"[0-9a-f-]{36}", key)
    assert "person 4711: Streit" in run(installation, "hold", "list", MANDANT).output
    refused = run(installation, "erase", MANDANT, "4711", "--yes")
    assert (refused.exit_code, "nothing was erased" in refused.output) == (1, True)
    assert run(installation, "hold", "end", MANDANT, key, "--yes").exit_code == 0
    assert run(installation, "hold", "end", MANDANT, key, "--yes").exit_code == 1
    assert run(installation, "hold", "list", MANDANT).output == "no hold stands\n"
    asked = run(installation, "erase", MANDANT, "4711")
    assert (asked.exit_code, "goes: 0 Vorgänge" in asked.output) == (2, True)
    done = run(installation, "erase", MANDANT, "4711", "--yes")
    assert (done.exit_code, "stammdaten: 1" in done.output) == (0, True), done.output
    with connected():
        assert holds.standing(MANDANT) == []


def test_a_hold_on_somebody_unknown_stands_and_asks_whether_the_number_is_right(installation: Installation) -> None:
    with connected():
        tell(MANDANT, person("4712"))
    known, unknown = (
        run(installation, "hold", "add", MANDANT, "--person", nr, "--reason", "x") for nr in ("4712", "47")
    )
    assert (known.exit_code, unknown.exit_code) == (0, 0)
    assert "no such person" not in known.output
    assert "the master data know no such person: is the number right?" in unknown.output
    for said in (known, unknown):
        run(installation, "hold", "end", MANDANT, said.output.split()[0], "--yes")


def test_a_dry_run_says_what_would_go_and_deletes_nothing(installation: Installation) -> None:
    said = run(installation, "retention", "--dry-run")
    assert (said.exit_code, f"{MANDANT} vorgang: 0 from before" in said.output) == (0, True), said.output


def test_wrong_usage_is_refused(installation: Installation) -> None:
    assert run(installation, "hold", "add", MANDANT, "--reason", "x").exit_code == 2
    assert run(installation, "erase", "nobody", "4711", "--yes").exit_code == 2
    for nr, reason in ((" ", "x"), ("", "x"), ("4711", " "), ("4711", "x" * 201)):
        assert run(installation, "hold", "add", MANDANT, "--person", nr, "--reason", reason).exit_code == 2


def test_the_reason_of_a_hold_is_one_line_that_a_terminal_shows_as_it_is(installation: Installation) -> None:
    key = run(installation, "hold", "add", MANDANT, "--person", "1", "--reason", "a\nb\x1b[31m").output.split()[0]
    assert "person 1: a b [31m" in run(installation, "hold", "list", MANDANT).output
    run(installation, "hold", "end", MANDANT, key, "--yes")
