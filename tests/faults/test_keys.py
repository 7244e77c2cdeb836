"""A small run of the point `keys`; `make faults` runs it at full size."""

from pathlib import Path

from tests.faults.keys import measure
from tests.faults.points import table


def test_keys_rotate_under_load_and_a_broken_file_changes_nothing(tmp_path: Path) -> None:
    findings = measure(tmp_path, "sqlite", rotations=1)
    assert all(finding.kept for finding in findings), table(findings)
