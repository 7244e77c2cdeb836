"""A small run of point 2; `make faults` runs it at full size."""

import pytest

from tests.faults.cuts import measure
from tests.faults.points import table


@pytest.mark.parametrize("engine,size", [("sqlite", 12), ("postgresql", 6), ("mariadb", 6)])
def test_a_lost_answer_and_a_form_posted_twenty_times_at_once_double_nothing(
    tmp_path_factory: pytest.TempPathFactory, engine: str, size: int
) -> None:
    findings = measure(tmp_path_factory.mktemp(engine), engine, cuts=size, keys=size, posts=20)
    assert all(finding.kept for finding in findings), table(findings)
