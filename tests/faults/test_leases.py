"""A small run of point 3; `make faults` runs it at full size."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from service.store import handover, vorgaenge
from service.store.database import connected, in_transaction
from service.store.records import Aktivitaet, HandedOver
from tests.faults import noting
from tests.faults.leases import measure, written_since
from tests.faults.points import table
from tests.faults.workload import file_directly, installed, opened


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_worker_that_slept_past_its_lease_writes_nothing_late(
    tmp_path_factory: pytest.TempPathFactory, engine: str
) -> None:
    findings = measure(tmp_path_factory.mktemp(engine), engine, stops=2, sleepers=2, rescuers=1, dead_lease_s=2)
    assert all(finding.kept for finding in findings), table(findings)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
def test_a_late_result_or_message_would_be_seen_even_when_it_changes_no_value(tmp_path: Path, engine: str) -> None:
    now = datetime.now(UTC)
    with installed(tmp_path / engine, engine) as installation, opened(installation):
        noting.note_writes()
        result, message, other = (UUID(one.vorgang_id) for one in file_directly(3, "Meldung"))

        def hand_over() -> None:
            fact = HandedOver(result, "im-1", "V-1", "EINGEGANGEN")
            with connected():
                in_transaction(lambda: handover.note_handed_over([fact], now))

        hand_over()
        before = noting.noted(noting.WRITTEN)
        assert written_since(before, [result, message, other]) == 0
        hand_over()
        assert written_since(before, [result]) == 1
        entry = Aktivitaet(uuid4(), message, now, "NACHRICHT", "VERWALTUNG", "", "spät", {})
        with connected():
            vorgaenge.add_aktivitaet(entry)
        assert written_since(before, [result, message, other]) == 2
