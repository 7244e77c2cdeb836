"""Events again and again in any order come to the same end. Small; `make faults` measures at full size."""

from pathlib import Path

from tests.faults.events import measure
from tests.faults.ground import untimed


def test_events_delivered_again_in_any_order_come_to_the_same_end_as_in_order_once(tmp_path: Path) -> None:
    found = measure(tmp_path, "sqlite", events=150, processes=2)
    assert [finding for finding in untimed(found) if not finding.kept] == []
