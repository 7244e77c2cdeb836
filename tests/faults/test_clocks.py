"""Clocks that are an hour off. Small; `make faults` measures at full size."""

from pathlib import Path

from tests.faults.clocks import measure


def test_a_clock_that_jumps_by_an_hour_causes_no_storm_and_lets_no_token_through(tmp_path: Path) -> None:
    found = measure(tmp_path, "sqlite", waiting=50, sick=5)
    assert [finding for finding in found if not finding.kept] == []
