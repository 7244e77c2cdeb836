"""By file drop: workers stopped (SIGSTOP) past their lease while the ERP refuses what they were about to write."""

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from service.store.database import connected
from service.store.models import FiledropRow, OutboxRow, VorgangRow
from service.vorgang import delivery
from tests.faults.killer import fall_asleep, kill, start_sync
from tests.faults.points import Finding
from tests.faults.workload import Filed, compare, events, file_directly, opened, switch_faults
from tests.support.filedrop import DropInstallation
from tests.support.portal import MANDANT

SETTINGS = "settle_s = 0.1\nlease_s = 1.5\nthreads = 4"
_HELD = 4  # what one process takes at once
_SETTLE_S = 30.0
_LATE_S = 1.5
_SLEEPER, _RESCUER = "sleeper", "rescuer"


def measure_refusals(installation: DropInstallation, engine: str, stops: int) -> list[Finding]:
    """Let a worker sleep over packages that are refused meanwhile, until it has dropped `stops` of them."""
    migrated = installation.run("migrate")
    assert migrated.returncode == 0, migrated.stderr
    with opened(installation):
        night = _Night(installation)
        try:
            night.start()
            while night.dropped < stops and night.rounds < 3 * stops / _HELD + 3:
                night.pass_once()
        finally:
            night.wake(_SLEEPER, _RESCUER)
        return [night.finding(engine, stops)]


@dataclass
class _Night:
    """Rounds in which a worker falls asleep over its packages, another one's are refused, and the first wakes up."""

    installation: DropInstallation
    filed: list[Filed] = field(default_factory=list)
    rounds: int = 0
    refused: int = 0
    brought_back: int = 0
    unparked: int = 0

    def __post_init__(self) -> None:
        self._drowsy = self.installation.directory / "drowsy"

    def start(self) -> None:
        self.installation.start_standin()
        start_sync(self.installation, _RESCUER)
        drowsy = ["env", f"DROWSY_WHILE={self._drowsy}", sys.executable, "-m", "tests.faults.drowsy"]
        self.installation.start_command(_SLEEPER, drowsy)
        _until(lambda: all(events(self.installation, name, "sync_started") for name in (_SLEEPER, _RESCUER)))

    @property
    def dropped(self) -> int:
        """Count what the sleeper found to be no longer its own."""
        return len(events(self.installation, _SLEEPER, "late_result_dropped"))

    def pass_once(self) -> None:
        """Have packages claimed and not written, slept over, written by another, refused; and then wake the first."""
        self.rounds += 1
        switch_faults(self.installation, rate=1, kinds=["refused"], calls=["FILEDROP"])
        self._drowsy.touch()
        fall_asleep(self.installation, [_RESCUER])
        here = file_directly(_HELD, f"Nacht {self.rounds}, Meldung")
        self.filed += here
        _until(lambda: all(fence == 1 for _, fence in self._rows(here)))
        _until(lambda: len(self._lying("*.tmp")) >= _HELD // 2, 5)
        fall_asleep(self.installation, [_SLEEPER])
        self.wake(_RESCUER)
        _until(lambda: self._parked(here) == _HELD)
        self.refused += self._parked(here)
        self._wake_late(here)
        self._retry(here)

    def _wake_late(self, here: list[Filed]) -> None:
        """Wake the sleeper while the ERP books whatever it finds, and see what comes of it."""
        switch_faults(self.installation, rate=0)
        before = self.dropped
        self._drowsy.unlink()
        self.wake(_SLEEPER)
        _until(lambda: self.dropped >= before + _HELD, 5)
        time.sleep(_LATE_S)
        booked = {str(row["externeId"]) for row in self.installation.ledger()}
        self.brought_back += len(booked & {one.vorgang_id for one in here}) + len(self._lying("*.zip"))
        self.unparked += _HELD - self._parked(here)

    def _lying(self, pattern: str) -> list[str]:
        return [path.name for path in (self.installation.drop / "in").glob(pattern)]

    def _retry(self, here: list[Filed]) -> None:
        """Do what an operator does when the cause is gone; wait for the numbers."""
        with connected():
            for _ in delivery.retry_parked(MANDANT, clock=lambda: datetime.now(UTC)):
                pass
        _until(lambda: self._numbered(here) == _HELD)

    def _rows(self, filed: list[Filed]) -> list[tuple[str, int]]:
        with connected():
            here = OutboxRow.vorgang_id.in_([UUID(one.vorgang_id) for one in filed])
            return [(row.state, row.fence) for row in OutboxRow.select().where(here)]

    def _parked(self, filed: list[Filed]) -> int:
        return sum(state == "parked" for state, _ in self._rows(filed))

    def _numbered(self, filed: list[Filed]) -> int:
        with connected():
            here = VorgangRow.id.in_([UUID(one.vorgang_id) for one in filed])
            return int(VorgangRow.select().where(here & VorgangRow.vorgangsnummer.is_null(False)).count())

    def wake(self, *names: str) -> None:
        """Let programs go on, also so that they can be told to end."""
        for name in names:
            if name in self.installation.processes:
                kill(self.installation.processes[name].pid, signal.SIGCONT)

    def finding(self, engine: str, stops: int) -> Finding:
        """Say what came of it, after everything was tried again."""
        seen = compare(self.installation, self.filed)
        with connected():
            spare = FiledropRow.select().count() - len(self.filed)
        unharmed = self.brought_back == self.unparked == spare == 0
        return Finding(
            f"3 file drop: worker stopped (SIGSTOP) past its lease, {self.refused} of its packages refused meanwhile",
            engine,
            f"{self.dropped} late results dropped; {self.brought_back} packages brought back, {self.unparked} not "
            f"parked any more; after a retry {seen.delivery()}, {spare} packages too many",
            f"{stops} dropped; all others 0",
            self.dropped >= stops and self.refused >= stops and unharmed and seen.delivered(),
        )


def _until(true: Callable[[], bool], seconds: float = _SETTLE_S) -> bool:
    """Wait until it is true, or the time is over: what follows tells the difference."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.03)
    return False
