"""When nothing can be written, nothing typed is lost and nothing is half stored; afterwards it goes on by itself."""

from pathlib import Path

import pytest

from tests.faults.disks import measure
from tests.faults.points import table


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
def test_forms_come_back_with_everything_typed_and_are_stored_once_when_sent_again(tmp_path: Path, engine: str) -> None:
    findings = measure(tmp_path, engine)
    print(table(findings))
    assert all(finding.kept for finding in findings), table(findings)
