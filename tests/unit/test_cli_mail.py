"""`mieterportal mail`, and what `sync status` and `doctor` say of mails: numbers and codes, never addresses."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service.store import mails
from service.store.database import connected
from tests.support.cli import run
from tests.support.mailbox import Mailbox, mail_server
from tests.support.portal import MANDANT, Installation


def owe(*, parked: bool = False, age: timedelta = timedelta(hours=2)) -> None:
    with connected():
        at = datetime.now(UTC) - age
        mails.owe(MANDANT, mails.NEUES, recipient="zoe@x.example", lang="de", facts={"vorgang": "2026-000007"}, now=at)
        if parked:
            mail = mails.claim([MANDANT], now=at, lease=timedelta(minutes=1))
            assert mail is not None
            assert mails.park(mail, error="550 5.1.1")


def test_parked_mails_are_listed_sent_again_and_given_up(installation: Installation) -> None:
    assert run(installation, "mail", "show").output == "nothing is parked\n"
    owe(parked=True)
    owe(parked=True)
    shown = run(installation, "mail", "show", "--limit", "1")
    assert "1 musterbau neues parked, owed for 2 h, 1 attempts failed, last error: 550 5.1.1" in shown.output
    assert "more than 1" in shown.output
    assert "example" not in shown.output
    assert run(installation, "mail", "retry").exit_code == 2
    assert run(installation, "mail", "retry", "1").output == "due now: 1 mail\n"
    assert run(installation, "mail", "retry", "1").output == "due now: 0 mails\n"
    assert "1 musterbau neues waiting" in run(installation, "mail", "show", "--waiting").output
    assert run(installation, "mail", "drop", "--parked").exit_code == 2  # nobody to ask
    assert "removed: 1 mail" in run(installation, "mail", "drop", "--parked", "--yes").output
    assert run(installation, "mail", "drop", "1", "--parked", "--yes").exit_code == 2


def test_sync_status_tells_of_mails_that_wait_or_are_parked(installation: Installation) -> None:
    assert "MAIL" not in run(installation, "sync", "status").output
    owe(parked=True)
    owe(age=timedelta(minutes=4))
    shown = run(installation, "sync", "status").output
    assert "MAIL musterbau: 1 waiting, the oldest for 4 min" in shown
    assert "; 1 parked" in shown
    (told, other) = json.loads(run(installation, "sync", "status", "--json").output)
    assert (told["mails"]["waiting"], told["mails"]["parked"]) == (1, 1)
    assert other["mails"] == {"waiting": 0, "oldest_waiting": None, "parked": 0}


def test_a_round_sends_mails_and_says_if_some_are_left(installation: Installation) -> None:
    mailbox = Mailbox()
    installation.extra = (
        f'[service.mail]\nhost = "127.0.0.1"\nport = {mailbox.port}\ntls = "none"\nsender = "p@x.example"\n'
    )
    installation.write_settings()
    try:
        installation.start_standin()
        with connected():
            facts = {"vorgang": "2026-000007", "key": "k", "connection": "website"}
            mails.owe(MANDANT, mails.NEUES, recipient="zoe@x.example", lang="de", facts=facts, now=datetime.now(UTC))
        away = run(installation, "doctor")
        assert "does not take our mails (ConnectionRefusedError)" in away.output
        assert away.exit_code == 1
        assert installation.run("sync", "run", "--once").returncode == 75
        with mail_server(mailbox):
            assert "takes mails of p@x.example" in run(installation, "doctor").output
            assert installation.run("sync", "run", "--once").returncode == 0
        assert [message["To"] for message in mailbox.messages] == ["zoe@x.example"]
    finally:
        installation.stop_all()


def test_a_folder_that_is_no_maildir_is_named(installation: Installation, tmp_path: Path) -> None:
    said = run(installation, "mail", "bounces", str(tmp_path))
    assert (said.exit_code, f"{tmp_path} is no Maildir" in said.output) == (1, True)
