"""A small run of the file drop under every fault."""

from pathlib import Path

from tests.faults.filedrop import measure
from tests.faults.points import table


def test_nothing_is_lost_and_nothing_doubled_whatever_happens_to_folders_files_and_workers(tmp_path: Path) -> None:
    findings = measure(tmp_path, "sqlite", vorgaenge=24, stops=8)
    assert all(finding.kept for finding in findings), table(findings)
