"""A long outage keeps everything; poison stops nobody. Small; `make faults` measures at full size."""

from pathlib import Path

from tests.faults.ground import untimed
from tests.faults.outage import measure


def test_an_outage_loses_nothing_and_no_healthy_message_waits_behind_a_poisonous_one(tmp_path: Path) -> None:
    found = measure(tmp_path, "sqlite", waiting=40, hours=1, poison=8, healthy=40)
    assert [finding for finding in untimed(found) if not finding.kept] == []
