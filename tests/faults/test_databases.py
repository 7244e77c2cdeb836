"""The database is restarted under load. Small; `make faults` measures at full size."""

from pathlib import Path

import pytest

from tests.faults.databases import measure
from tests.faults.ground import untimed


@pytest.mark.parametrize("engine,restarts", [("sqlite", 1), ("postgresql", 1), ("mariadb", 1)])
def test_nothing_is_lost_or_doubled_when_the_database_goes_away_under_load(
    tmp_path: Path, engine: str, restarts: int
) -> None:
    found = measure(tmp_path, engine, restarts=restarts, lease_s=3)
    assert [finding for finding in untimed(found) if not finding.kept] == []
