"""Point 3: a worker that sleeps past its lease writes nothing late; what a dead worker held moves on."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from service.store.database import connected
from service.store.models import EreignisRow, OutboxRow
from service.store.query import dicts, tuples
from tests.faults import noting
from tests.faults.killer import fall_asleep, kill, start_sync
from tests.faults.points import Finding
from tests.faults.workload import Filed, compare, drain, events, file_directly, installed, opened, switch_faults
from tests.support.portal import Installation

_LEASE_S = 1.5
_SLOW_S = 1.0
_SETTLE_S = 20.0
_DEAD_ROWS = 2
_WITHIN_S = 60
Rows = dict[int, tuple[str, int, int, datetime | None]]


def measure(
    directory: Path,
    engine: str,
    *,
    stops: int = 200,
    sleepers: int = 10,
    rescuers: int = 5,
    dead_lease_s: float = 45,
) -> list[Finding]:
    """Stop workers that hold rows, `sleepers` at once, until it has been `stops`; then kill one for good.

    A stop counts only when the worker held rows that others have taken over: when, continued, it had to drop a result.
    """
    settings = f"lease_s = {_LEASE_S}\nthreads = 2"
    with installed(directory / "stopped", engine, immotion=settings) as installation, opened(installation):
        found = _stop(_Night(installation, sleepers, rescuers), engine, stops)
    settings = f"lease_s = {dead_lease_s}\nthreads = 2"
    with installed(directory / "dead", engine, immotion=settings) as installation, opened(installation):
        return [*found, _die(installation, engine, dead_lease_s)]


@dataclass
class _Night:
    """Rounds in which some workers fall asleep while they hold rows, others take these over, and the first wake up."""

    installation: Installation
    sleepers: int
    rescuers: int
    filed: list[Filed] = field(default_factory=list)
    hits: int = 0
    rounds: int = 0
    late_writes: int = 0
    watched: int = 0
    touched: int = 0

    def start(self) -> None:
        noting.note_writes()
        self.installation.start_standin()
        for name in [*self.sleeping(), *self.awake()]:
            start_sync(self.installation, name)
        _until(
            lambda: all(events(self.installation, name, "sync_started") for name in [*self.sleeping(), *self.awake()])
        )

    def sleeping(self) -> list[str]:
        return [f"sleeper-{number}" for number in range(self.sleepers)]

    def awake(self) -> list[str]:
        return [f"rescuer-{number}" for number in range(self.rescuers)]

    def everybody(self) -> list[str]:
        return [*self.sleeping(), *self.awake()]

    def pass_once(self) -> None:
        """Let one night pass: half of the sleepers' calls are answered late, half are cut late."""
        self.rounds += 1
        self._spoil("slow", "timeout")
        fall_asleep(self.installation, self.awake())
        here = file_directly(2 * self.sleepers, f"Nacht {self.rounds}, Meldung")
        self.filed += here
        _until(lambda: all(fence and state == "waiting" for state, fence, *_ in self.rows(here).values()), 5)
        fall_asleep(self.installation, self.sleeping())
        claimed = self.rows(here)
        self._spoil("slow")
        self._signal(self.awake(), signal.SIGCONT)
        _until(lambda: all(now[1] > claimed[key][1] for key, now in self.rows(here).items()))
        _until(lambda: bool(at_rest({UUID(one.vorgang_id) for one in here})), 10 * _SLOW_S)
        self._wake(here, claimed)

    def _spoil(self, *kinds: str) -> None:
        faults = {
            "kinds": kinds,
            "calls": ["PUT /vorgaenge", "GET /vorgaenge"],
            "slow_s": _SLOW_S,
            "timeout_s": _SLOW_S,
        }
        switch_faults(self.installation, rate=1, **faults)

    def _wake(self, here: list[Filed], claimed: Rows) -> None:
        """Wake the sleepers while some rows are sent again and others on their way; compare what they leave behind."""
        now = self.rows(here)
        taken = {key for key, row in now.items() if row[1] > claimed[key][1]}
        settled = {key for key, row in now.items() if row[0] == "sent"}
        before = {name: len(events(self.installation, name, "late_result_dropped")) for name in self.sleeping()}
        quiet = at_rest({UUID(one.vorgang_id) for one in here})
        writes = noting.noted(noting.WRITTEN)
        self._signal(self.sleeping(), signal.SIGCONT)
        _until(lambda: all(state == "sent" for state, *_ in self.rows(here).values()))
        _until(lambda: self._dropped(before) == self.sleepers, 3)
        self.hits += self._dropped(before)
        after = self.rows(here)
        self.watched += len(quiet)
        self.touched += written_since(writes, quiet)
        self.late_writes += sum(after[key] != now[key] for key in settled)
        self.late_writes += sum(after[key][2] != claimed[key][2] for key in taken - settled)

    def _dropped(self, before: dict[str, int]) -> int:
        """Count the sleepers that have dropped a result since."""
        return sum(
            len(events(self.installation, name, "late_result_dropped")) > count for name, count in before.items()
        )

    def rows(self, filed: Iterable[Filed]) -> Rows:
        """Return state, fence, attempts and time of sending of what is owed."""
        ids = [one.vorgang_id for one in filed]
        with connected():
            found = dicts(OutboxRow.select().where(OutboxRow.vorgang_id.in_(ids)))
        return {row["id"]: (row["state"], row["fence"], row["attempts"], row["sent_at"]) for row in found}

    def _signal(self, names: Iterable[str], how: signal.Signals) -> None:
        for name in names:
            kill(self.installation.processes[name].pid, how)

    def end(self) -> None:
        """Leave nobody stopped, so that all can be told to end."""
        self._signal(self.everybody(), signal.SIGCONT)


def at_rest(among: Collection[UUID]) -> set[UUID]:
    """Return the Vorgänge that nobody has reason to write to: sent, and immotion's event of them applied."""
    with connected():
        sent = tuples(
            OutboxRow.select(OutboxRow.vorgang_id).where(
                OutboxRow.vorgang_id.in_(list(among)), OutboxRow.state == "sent"
            )
        )
        ids = [str(one) for one in among]
        applied = tuples(
            EreignisRow.select(EreignisRow.externe_id).where(
                EreignisRow.externe_id.in_(ids), EreignisRow.state == "applied"
            )
        )
    return {row[0] for row in sent} & {UUID(row[0]) for row in applied}


def written_since(before: Counter[UUID], vorgaenge: Iterable[UUID]) -> int:
    """Return how many of these Vorgänge, or their timelines, have been written to since."""
    now = noting.noted(noting.WRITTEN)
    return sum(now[one] > before[one] for one in vorgaenge)


def _stop(night: _Night, engine: str, stops: int) -> list[Finding]:
    installation = night.installation
    try:
        night.start()
        while night.hits < stops and night.rounds < 5 * stops / night.sleepers + 6:
            night.pass_once()
    finally:
        night.end()
    switch_faults(installation, rate=0)
    drain()
    seen = compare(installation, night.filed)
    dropped = {
        (one["outbox"], one["fence"])
        for name in night.everybody()
        for one in events(installation, name, "late_result_dropped")
    }
    delivered = Counter(one["vorgang"] for name in night.everybody() for one in events(installation, name, "delivered"))
    fences = {key: row[1] for key, row in night.rows(night.filed).items()}
    holders = sum(fences[row] == fence for row, fence in dropped)
    often = sum(count - 1 for count in delivered.values())
    return [
        Finding(
            f"worker stopped (SIGSTOP) past its lease, {night.hits} times, holding {len(night.filed):,} rows",
            engine,
            f"{seen.delivery()}; {often} recorded twice",
            "0 doubled, 0 lost",
            seen.delivered() and often == 0 and len(delivered) == len(night.filed),
        ),
        Finding(
            "… late writes",
            engine,
            f"{len(dropped):,} late results dropped by {night.hits} stopped workers; {night.late_writes} rows changed "
            f"late, {holders} results of the row's holder dropped",
            f"{stops} workers that dropped something; 0 changed, 0 of the holder's",
            night.hits >= stops and night.late_writes == holders == 0,
        ),
        Finding(
            "… late writes to Vorgänge and timelines",
            engine,
            f"{night.touched} of {night.watched:,} Vorgänge that were at rest when the stopped workers continued",
            "0, of at least one in each third night",
            night.touched == 0 and 3 * night.watched >= night.rounds,
        ),
    ]


def _die(installation: Installation, engine: str, lease_s: float) -> Finding:
    """Kill a worker that holds rows and see when another, which looks for work all the time, has sent them."""
    installation.start_standin()
    switch_faults(installation, rate=1, kinds=["slow"], slow_s=10 * _SETTLE_S)
    night = _Night(installation, 0, 0)
    filed = file_directly(_DEAD_ROWS, "Verwaist")
    start_sync(installation, "dies")
    _until(lambda: all(fence for _, fence, *_ in night.rows(filed).values()))
    start_sync(installation, "heir")
    _until(lambda: bool(events(installation, "heir", "sync_started")))
    dying = installation.processes.pop("dies")
    dying.kill()
    dying.wait()
    died = time.monotonic()
    switch_faults(installation, rate=0)
    moved = _until(lambda: all(state == "sent" for state, *_ in night.rows(filed).values()), lease_s + 60)
    took = time.monotonic() - died
    return Finding(
        f"rows of a worker killed with a lease of {lease_s:g} s",
        engine,
        f"sent by another after {took:.1f} s" if moved else f"not sent within {took:.0f} s",
        "within 60 s",
        moved and took <= _WITHIN_S,
    )


def _until(true: Callable[[], bool], seconds: float = _SETTLE_S) -> bool:
    """Wait until it is true, or the time is over: what follows tells the difference."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.03)
    return False
