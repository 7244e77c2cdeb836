"""`mieterportal notice`: says what it does, asks, puts up, lists, ends."""

import json

from click.testing import Result

from tests.support import cli
from tests.support.portal import MANDANT, Installation

FAULT = ("--art", "STOERUNG", "--titel", "Heizung ausgefallen", "--titel", "en=Heating is down", "--gebaeude", "G2")


def run(installation: Installation, *arguments: str) -> Result:
    return cli.run(installation, "notice", *arguments)


def test_a_notice_is_added_listed_and_ended_in_local_time(installation: Installation) -> None:
    assert run(installation, "list", MANDANT).output == "no notices\n"
    made = run(installation, "add", MANDANT, *FAULT, "--von", "2026-11-26 08:10", "--yes")
    assert made.exit_code == 0, made.output
    assert "residents of G2 will see" in made.output
    key = made.output.rpartition("added: ")[2].strip()
    listed = run(installation, "list", MANDANT).output
    assert f"{key} STOERUNG INFO G2: Heizung ausgefallen / Heating is down; 2026-11-26 08:10, 0 concerned" in listed
    facts = json.loads(run(installation, "list", MANDANT, "--json").output)
    assert (facts["von"], facts["titel"]["en"]) == ("2026-11-26T07:10:00Z", "Heating is down")
    assert run(installation, "end", MANDANT, key, "--yes").output.endswith("ended\n")
    assert run(installation, "end", MANDANT, key, "--yes").output == "it is over already\n"
    assert key in run(installation, "list", MANDANT, "--over").output
    assert "aushang_changed" in cli.run(installation, "audit", MANDANT).output


def test_nothing_happens_unasked_and_without_a_terminal(installation: Installation) -> None:
    assert run(installation, "add", MANDANT, *FAULT).exit_code == 2
    assert run(installation, "list", MANDANT).output == "no notices\n"


def test_of_two_texts_in_one_language_none_is_chosen(installation: Installation) -> None:
    given = ("--art", "HINWEIS", "--titel", "a", "--titel", "b", "--yes")
    said = run(installation, "add", MANDANT, *given)
    assert (said.exit_code, "in the same language" in said.output) == (2, True)


def test_what_cannot_be_put_up_is_named(installation: Installation) -> None:
    wrong = run(installation, "add", MANDANT, "--art", "ARBEITEN", "--titel", "x", "--schadensort", "X", "--yes")
    assert wrong.exit_code == 1
    assert "schadensort: not_allowed" in wrong.output
    assert "bis: required" in wrong.output
    assert run(installation, "add", "nobody", *FAULT, "--yes").exit_code == 2
    assert run(installation, "end", MANDANT, "00000000-0000-0000-0000-000000000007", "--yes").exit_code == 1
