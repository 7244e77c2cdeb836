"""The database is restarted under load. Small; `make faults` measures at full size."""

from pathlib import Path

import pytest

from tests.faults.databases import Outage, late_failures, measure
from tests.faults.ground import untimed
from tests.faults.workload import Failure


@pytest.mark.parametrize("engine,restarts", [("sqlite", 1), ("postgresql", 1), ("mariadb", 1)])
def test_nothing_is_lost_or_doubled_when_the_database_goes_away_under_load(
    tmp_path: Path, engine: str, restarts: int
) -> None:
    found = measure(tmp_path, engine, restarts=restarts, lease_s=3, quiet_s=0)
    assert [finding for finding in untimed(found) if not finding.kept] == []


def test_a_failure_that_begins_long_after_the_database_was_back_is_late_and_one_of_an_outage_is_not() -> None:
    outages = [Outage(10, 12), Outage(30, 31)]
    failures = [
        Failure(1, 2, "before any"),
        Failure(9, 10.5, "begun before, ended in it"),
        Failure(11, 40, "begun in it"),
        Failure(16, 16.1, "soon after"),
        Failure(18, 18.1, "late"),
        Failure(29, 33, "the next one's"),
        Failure(30.5, 30.6, "begun in the next one"),
        Failure(37, 38, "late, too"),
    ]
    assert [one.what for one in late_failures(failures, outages, 5)] == ["late", "late, too"]
