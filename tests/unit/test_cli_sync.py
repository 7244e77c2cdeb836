"""`mieterportal sync`: what waits, what is parked, and the operator's hand in it."""

import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from service.cli import main
from service.cli.sync_text import age, vorgang_lines
from service.store import breakers, deliveries, documents, outbox, vorgaenge
from service.store.database import connected, database, open_database
from service.store.migrate import migrate
from service.store.records import Anhang, BreakerState, Vorgang
from service.sync.alarms import raise_alarm
from service.vorgang import delivery
from tests.support.owed import claim, owe, parked, receipts
from tests.support.portal import MANDANT, Installation
from tests.support.vorgaenge import some_vorgang

NOW = datetime.now(UTC)
OTHER = "nachbar"


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    open_database(made.database)
    migrate()
    yield made
    made.stop_all()
    database.obj.close_all()


def run(installation: Installation, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(installation.config), "sync", *arguments])


def states(vorgang: Vorgang) -> list[str]:
    with connected():
        return [row.state for row in deliveries.rows_of(vorgang.mandant, vorgang.id)]


def test_status_says_what_waits_since_when_and_what_wants_a_person(installation: Installation) -> None:
    owe(MANDANT, now=NOW - timedelta(hours=2, minutes=5))
    parked(MANDANT, now=NOW)
    raise_alarm("status_unmapped", mandant=MANDANT, detail="X1", now=NOW)
    with connected():
        breakers.note(BreakerState(MANDANT, "open", 5, NOW, NOW, None, "host:1"))
    shown = run(installation, "status")
    assert shown.exit_code == 0
    lines = re.sub(r"2 h \d+ min", "2h5", shown.output).splitlines()
    head, mine, theirs, alarm = (line.split() for line in lines if line)
    assert head[:3] == ["Mandant", "waiting", "oldest"]
    assert mine == [MANDANT, "1", "2h5", "1", "0", "0", "0", "open", "-"]
    assert theirs == [OTHER, "0", "-", "0", "0", "0", "0", "closed", "-"]
    assert alarm[:4] == ["ALARM", f"{MANDANT}:", "status_unmapped", "X1,"]


def test_status_as_json_has_the_same_facts(installation: Installation) -> None:
    owe(MANDANT, now=NOW - timedelta(minutes=5))
    raise_alarm("status_unmapped", mandant=MANDANT, detail="X1", now=NOW)
    (mine,) = json.loads(run(installation, "status", "--json", "--mandant", MANDANT).output)
    assert (mine["waiting"], mine["parked"], mine["breaker"]["state"]) == (1, 0, "closed")
    assert mine["oldest_waiting_seconds"] >= 300
    assert mine["oldest_waiting"].endswith("Z")
    assert [alarm["kind"] for alarm in mine["alarms"]] == ["status_unmapped"]
    assert "no alarm stands" in run(installation, "status", "--mandant", OTHER).output


def test_a_mandant_that_does_not_exist_is_named_with_those_that_do(installation: Installation) -> None:
    shown = run(installation, "status", "--mandant", "nobody")
    assert shown.exit_code == 2
    assert "musterbau, nachbar" in shown.output


def test_show_says_everything_of_a_vorgang_but_what_was_written(installation: Installation) -> None:
    vorgang = parked(MANDANT, rows=2, now=NOW)
    for name in (str(vorgang.id), vorgang.meldenummer):
        text = run(installation, "show", name).output
        assert "parked" in text
        assert "last error: VALIDIERUNG (/betreff: LAENGE)" in text
        assert "behind row" in text
        assert "Geheimes" not in text
        assert "Persönliches" not in text
    facts = json.loads(run(installation, "show", vorgang.meldenummer, "--json").output)
    assert [(row["state"], row["attempts"], row["what"]) for row in facts["rows"]] == [
        ("parked", 1, "VORGANG"),
        ("waiting", 0, "VORGANG"),
    ]


def test_why_takes_the_names_that_show_takes(installation: Installation) -> None:
    vorgang = parked(MANDANT, now=NOW)
    for name in (str(vorgang.id), vorgang.meldenummer):
        shown = CliRunner().invoke(main, ["--config", str(installation.config), "why", name])
        assert json.loads(shown.output) == dict(vorgang.routing)


def test_show_says_who_holds_a_row_and_what_was_sent(installation: Installation) -> None:
    from service.store import outbox
    from service.store.database import transaction

    vorgang = owe(MANDANT, rows=2, now=NOW)
    (item,) = claim(MANDANT, NOW)
    with connected(), transaction():
        outbox.mark_sent([item], NOW)
    claim(MANDANT, datetime.now(UTC))
    text = run(installation, "show", str(vorgang.id)).output
    assert "VORGANG sent" in text
    assert "held by a worker until" in text
    (_, held) = json.loads(run(installation, "show", str(vorgang.id), "--json").output)["rows"]
    assert (held["held_until"] is not None, held["claims"]) == (True, 1)


def test_a_vorgang_born_in_immotion_owes_nothing(installation: Installation) -> None:
    vorgang = owe(MANDANT, rows=0)
    assert "nothing was ever owed" in run(installation, "show", str(vorgang.id)).output
    assert "nothing is owed" in run(installation, "retry", str(vorgang.id), "--yes").output
    assert "nothing to park" in run(installation, "park", str(vorgang.id), "--yes").output


def test_lists_say_when_there_is_more(installation: Installation) -> None:
    for mandant in (MANDANT, MANDANT, OTHER):
        parked(mandant, now=NOW)
    assert len(json.loads(run(installation, "show", "--parked", "--json").stdout)) == 3
    some = run(installation, "show", "--parked", "--limit", "2")
    assert (len(some.stdout.splitlines()), some.stderr) == (2, "there are more than 2; see them with --limit\n")
    assert "nothing is waiting" in run(installation, "show", "--waiting").output


@pytest.mark.parametrize(
    "arguments",
    [
        ["show"],
        ["show", "x", "--parked"],
        ["retry"],
        ["retry", "x", "--parked"],
        ["retry", "--parked"],
        ["park"],
        ["show", "--parked", "--limit", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_two(installation: Installation, arguments: list[str]) -> None:
    assert run(installation, *arguments).exit_code == 2


@pytest.mark.parametrize("command", ["show", "retry", "park"])
def test_an_unknown_vorgang_ends_with_one(installation: Installation, command: str) -> None:
    for name in ("00000000-0000-7000-8000-000000000000", "2026-999999"):
        shown = run(installation, command, name)
        assert (shown.exit_code, shown.stderr) == (1, f"{name}: no such Vorgang\n")


def test_a_number_that_two_mandanten_gave_out_wants_a_mandant(installation: Installation) -> None:
    first, second = (parked(mandant, meldenummer="2026-000001", now=NOW) for mandant in (MANDANT, OTHER))
    shown = run(installation, "retry", "2026-000001", "--yes")
    assert shown.exit_code == 2
    assert "exists in musterbau, nachbar" in shown.output
    assert run(installation, "retry", "2026-000001", "--yes", "--mandant", OTHER).exit_code == 0
    assert (states(first), states(second)) == (["parked"], ["waiting"])


def test_a_retry_states_its_effect_and_makes_rows_due(installation: Installation) -> None:
    first, second = parked(MANDANT, rows=2, now=NOW), parked(MANDANT, now=NOW)
    shown = run(installation, "retry", str(first.id), second.meldenummer, str(first.id), "--yes")
    assert shown.exit_code == 0
    effect, done = shown.output.splitlines()
    assert effect.startswith("3 rows of 2 Vorgänge will be sent again now, each Vorgang's rows in their order")
    assert done == "due now: 3 rows"
    assert (states(first), states(second)) == (["waiting", "waiting"], ["waiting"])


def test_without_a_terminal_nothing_is_changed_unasked(installation: Installation) -> None:
    vorgang = parked(MANDANT, now=NOW)
    waiting = owe(MANDANT, now=NOW)
    for arguments in (
        ["retry", str(vorgang.id)],
        ["retry", "--parked", "--mandant", MANDANT],
        ["park", str(waiting.id)],
    ):
        refused = run(installation, *arguments)
        assert refused.exit_code == 2
        assert "say --yes" in refused.stderr
    assert (states(vorgang), states(waiting)) == (["parked"], ["waiting"])


@pytest.mark.parametrize("answer,code,after", [("n\n", 1, "parked"), ("y\n", 0, "waiting")])
def test_on_a_terminal_it_asks_first(installation: Installation, answer: str, code: int, after: str) -> None:
    vorgang = parked(MANDANT, now=NOW)
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            installation.command("sync", "retry", str(vorgang.id)),
            env=installation.environment(),
            stdin=theirs,
            stdout=subprocess.PIPE,
            text=True,
        )
        os.write(ours, answer.encode())
        said, _ = process.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (process.returncode, states(vorgang)) == (code, [after])
    assert said.index("will be sent again") < said.index("Do it?")


def test_all_that_is_parked_of_one_mandant_is_retried(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 2)
    mine = [parked(MANDANT, now=NOW) for _ in range(5)]
    other = parked(OTHER, now=NOW)
    shown = run(installation, "retry", "--parked", "--mandant", MANDANT, "--yes")
    assert "5 rows of 5 Vorgänge" in shown.stdout
    assert "due now: 5 rows" in shown.stdout
    assert "making due" in shown.stderr
    assert {state for vorgang in mine for state in states(vorgang)} == {"waiting"}
    assert states(other) == ["parked"]
    assert "nothing is parked" in run(installation, "retry", "--parked", "--mandant", MANDANT, "--yes").output


def test_what_a_worker_is_sending_is_left_to_it(installation: Installation) -> None:
    vorgang = owe(MANDANT, now=NOW)
    claim(MANDANT, datetime.now(UTC))
    assert "a worker is sending it" in run(installation, "retry", str(vorgang.id), "--yes").output


def test_parking_holds_back_the_whole_vorgang_until_the_retry(installation: Installation) -> None:
    vorgang = owe(MANDANT, rows=2, now=NOW)
    claim(MANDANT, datetime.now(UTC))
    shown = run(installation, "park", str(vorgang.id), "--reason", "Umzug", "--yes")
    assert "their later rows wait behind it" in shown.output
    assert "parked: 1 row; 1 of them being sent" in shown.output
    assert "last error: parked by hand: Umzug" in run(installation, "show", str(vorgang.id)).output
    assert claim(MANDANT, datetime.now(UTC) + timedelta(days=1)) == []
    assert "parked already" in run(installation, "park", str(vorgang.id), "--yes").output


def test_a_vorgang_named_twice_by_different_names_is_counted_once(installation: Installation) -> None:
    vorgang = owe(MANDANT, now=NOW)
    names = (str(vorgang.id), vorgang.meldenummer, str(vorgang.id).upper())
    assert "The next row of 1 Vorgang will be put aside" in run(installation, "park", *names, "--yes").output
    assert "1 row of 1 Vorgang will be sent again" in run(installation, "retry", *names, "--yes").output


def test_what_immotion_says_does_not_steer_the_terminal(installation: Installation) -> None:
    vorgang = owe(MANDANT, now=NOW)
    (item,) = claim(MANDANT, datetime.now(UTC))
    with connected():
        assert outbox.park(item, error="\x1b]0;gone\x07 CODE\r\nimmotion has it all")
    assert "last error:  ]0;gone  CODE  immotion has it all" in run(installation, "show", str(vorgang.id)).output
    parked = run(installation, "park", str(owe(MANDANT, now=NOW).id), "--reason", "a\x1b[31mb", "--yes")
    assert parked.exit_code == 0
    assert "\x1b" not in run(installation, "show", "--parked", "--json").output


def test_many_named_vorgaenge_show_progress(installation: Installation) -> None:
    found = [owe(MANDANT, now=NOW) for _ in range(50)]
    shown = run(installation, "park", *[str(vorgang.id) for vorgang in found], "--yes")
    assert "Vorgänge" in shown.stderr
    assert shown.stdout.splitlines()[-1] == "parked: 50 rows"


def test_ages_are_told_in_two_units() -> None:
    spans = {"0 s": 0, "59 s": 59, "2 min 5 s": 125, "3 h": 3 * 3600 + 4, "2 d 5 h": 53 * 3600}
    assert {text: age(NOW - timedelta(seconds=span), NOW) for text, span in spans.items()} == {t: t for t in spans}
    assert (age(None, NOW), age(NOW + timedelta(hours=1), NOW)) == ("-", "0 s")


def test_parked_documents_are_told_with_their_reason_and_fetched_again_on_request(installation: Installation) -> None:
    vorgang = owe(MANDANT, now=NOW)
    letter = Anhang(uuid4(), MANDANT, "a.pdf", "m", 1, "", 0, NOW, vorgang_id=vorgang.id, dokument_id="d")
    with connected():
        vorgaenge.add_anhaenge([letter])
        (announced,) = documents.due(MANDANT, NOW, limit=9)
        documents.note_failure(announced, "NICHT_GEFUNDEN", next_at=None, now=NOW)
    assert f"DOCUMENTS {MANDANT}: 1 parked, NICHT_GEFUNDEN" in run(installation, "status").output
    (mine,) = json.loads(run(installation, "status", "--json", "--mandant", MANDANT).output)
    assert mine["documents_parked"] == {"NICHT_GEFUNDEN": 1}
    again = ("retry", "--documents", "--mandant", MANDANT)
    refused = run(installation, *again)
    assert refused.exit_code == 2
    assert "1 documents of immotion will be fetched again" in refused.output
    assert "due now: 1" in run(installation, *again, "--yes").output
    assert "no document is parked" in run(installation, *again, "--yes").output
    assert "DOCUMENTS" not in run(installation, "status").output
    assert run(installation, "retry", "--parked", "--documents", "--mandant", MANDANT).exit_code == 2


def test_what_was_dropped_says_why_and_holds_nothing_back(installation: Installation) -> None:
    vorgang = owe(MANDANT, now=NOW)
    with connected():
        assert deliveries.drop(vorgang.id) == 1
    assert "VORGANG dropped, immotion has deleted the Vorgang" in run(installation, "show", str(vorgang.id)).output
    assert "nothing is owed" in run(installation, "retry", str(vorgang.id), "--yes").output


def test_a_number_that_would_steer_the_terminal_is_shown_as_one_line() -> None:
    vorgang = some_vorgang(vorgangsnummer="V-1\x1b[2J\nV-2")
    lines = list(vorgang_lines(vorgang, [], NOW))
    assert lines[1].endswith("immotion: V-1 [2J V-2")


def test_the_receipts_of_a_document_are_seen_and_steered_by_the_id_that_the_list_names(
    installation: Installation,
) -> None:
    with connected():
        (row,) = receipts(MANDANT, now=NOW)
    named = str(row.vorgang_id)
    assert run(installation, "park", named, "--yes").exit_code == 0
    assert run(installation, "show", "--parked").output.startswith(f"{MANDANT} ({named}): 1 row; next QUITTUNG parked")
    (listed,) = json.loads(run(installation, "show", "--parked", "--json").output)
    for shown in (run(installation, "show", listed["id"]), run(installation, "show", named, "--mandant", MANDANT)):
        assert shown.output.splitlines()[0] == f"{MANDANT} ({named}), receipts of a document"
        assert "QUITTUNG parked" in shown.output
    assert run(installation, "show", named, "--mandant", OTHER).exit_code == 1
    assert run(installation, "retry", named, "--yes").output.endswith("due now: 1 row\n")
    facts = json.loads(run(installation, "show", named, "--json").output)
    assert [(one["what"], one["state"]) for one in facts["rows"]] == [("QUITTUNG", "waiting")]
