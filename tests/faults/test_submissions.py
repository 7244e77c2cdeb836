"""A small run of point 1; `make faults` runs it at full size."""

import pytest

from tests.faults.points import table
from tests.faults.submissions import measure


@pytest.mark.parametrize("engine,submissions,kills", [("sqlite", 80, 6), ("postgresql", 30, 3), ("mariadb", 30, 3)])
def test_nothing_is_lost_doubled_or_reordered_while_everything_is_killed(
    tmp_path_factory: pytest.TempPathFactory, engine: str, submissions: int, kills: int
) -> None:
    findings = measure(tmp_path_factory.mktemp(engine), engine, submissions=submissions, kills=kills)
    assert all(finding.kept for finding in findings), table(findings)
