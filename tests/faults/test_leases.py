"""A small run of point 3; `make faults` runs it at full size."""

import pytest

from tests.faults.leases import measure
from tests.faults.points import table


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_worker_that_slept_past_its_lease_writes_nothing_late(
    tmp_path_factory: pytest.TempPathFactory, engine: str
) -> None:
    findings = measure(tmp_path_factory.mktemp(engine), engine, stops=2, sleepers=2, rescuers=1, dead_lease_s=2)
    assert all(finding.kept for finding in findings), table(findings)
