"""The point `mails`, small: as the harness measures it, in full size, by `python -m tests.faults --only mails`."""

from pathlib import Path

from tests.faults.mails import measure


def test_no_mail_is_lost_when_server_and_worker_are_killed_and_doubles_keep_their_message_id(tmp_path: Path) -> None:
    findings = measure(tmp_path / "mails", "sqlite", count=60, kills=2)
    assert [finding for finding in findings if not finding.kept] == []
