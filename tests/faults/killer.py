"""kill -9, spread evenly over a run: web workers, the web master, sync workers; each started again as systemd would."""

import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from random import Random

from tests.support.portal import Installation

WEB_WORKER, WEB_MASTER, SYNC_WORKER = "web workers", "web masters", "sync workers"
_WEIGHTS = {WEB_WORKER: 11, WEB_MASTER: 3, SYNC_WORKER: 6}
_ORPHANS_END_S = 5.0
_LAG = 2
_TRIES = 100
_ONE_OF_CREW = 0.5


class Killer:
    """Kills one program after the other, each kind at least once; equal seeds make equal choices of kind."""

    def __init__(self, installation: Installation, *, syncs: int, kills: int, seed: int) -> None:
        self._installation = installation
        self._syncs = syncs
        self._random = Random(seed)  # noqa: S311 - repeatable on purpose
        more = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=max(kills - len(_WEIGHTS), 0))
        self._plan = [*_WEIGHTS, *more]
        self._random.shuffle(self._plan)
        self.struck: Counter[str] = Counter()

    def strike(self) -> None:
        """Kill one program; what nobody else restarts is started again."""
        kind = self._plan.pop()
        {WEB_WORKER: self._web_worker, WEB_MASTER: self._web_master, SYNC_WORKER: self._sync_worker}[kind]()
        self.struck[kind] += 1

    def _web_worker(self) -> None:
        master = self._installation.processes["portal"].pid
        until = time.monotonic() + 30
        while not (workers := [pid for pid, parent in members(master) if parent == master]):
            assert time.monotonic() < until, "gunicorn has no worker any more"
            time.sleep(0.05)
        kill(self._random.choice(workers))

    def _web_master(self) -> None:
        """Kill the master; what is left of it is told to end before its successor takes the port."""
        master = self._installation.processes.pop("portal")
        master.kill()
        master.wait()
        until = time.monotonic() + _ORPHANS_END_S
        for pid, _ in members(master.pid):
            kill(pid, signal.SIGTERM)
        while left := members(master.pid):
            if time.monotonic() > until:
                for pid, _ in left:
                    kill(pid)
            time.sleep(0.02)
        self._installation.start("portal", "serve")

    def struck_all(self) -> bool:
        """Tell whether every kind of program was killed."""
        return self.struck.keys() == _WEIGHTS.keys()

    def _sync_worker(self) -> None:
        """Kill one process of a worker, which its crew replaces, or all of them at once."""
        name = f"sync-{self._random.randrange(self._syncs)}"
        crew = crew_of(self._installation.processes[name].pid)
        if crew and self._random.random() < _ONE_OF_CREW:
            kill(self._random.choice(crew))
            return
        worker = self._installation.processes.pop(name)
        for pid in crew:
            kill(pid)
        worker.kill()
        worker.wait()
        start_sync(self._installation, name)


def start_sync(installation: Installation, name: str) -> None:
    """Start a sync worker under a name of its own."""
    installation.start(name, "sync", "run")


def kill(pid: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process; one that has ended meanwhile is fine."""
    with suppress(ProcessLookupError):
        os.kill(pid, how)


def fall_asleep(installation: Installation, names: Iterable[str]) -> None:
    """Stop programs (SIGSTOP), but not while one of them writes: SQLite has one writer, and all would stop with it."""
    pids = [installation.processes[name].pid for name in names]
    for _ in range(_TRIES):
        for pid in pids:
            kill(pid, signal.SIGSTOP)
        while not all(map(_is_stopped, pids)):
            time.sleep(0.005)
        if _can_be_written(installation.database):
            return
        for pid in pids:
            kill(pid, signal.SIGCONT)
        time.sleep(0.05)
    raise AssertionError("they write all the time")


def _is_stopped(pid: int) -> bool:
    """Tell whether every thread of a program stands still, or it has ended: a signal takes its time to arrive."""
    states = set()
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):
            states.add(task.read_text().rpartition(")")[2].split()[0])
    return states <= {"T", "t", "Z", "X"}


def _can_be_written(url: str) -> bool:
    """Tell whether nobody holds SQLite's only lock; the other engines have one for each row."""
    _, found, path = url.partition("sqlite:///")
    if not found:
        return True
    with closing(sqlite3.connect(path, timeout=0.3, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
    return True


def members(session: int) -> list[tuple[int, int]]:
    """Return pid and parent of the living processes of a session that we started, its leader not among them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, parent, _, of_session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(of_session) == session and state != "Z" and int(entry.name) != session:
                found.append((int(entry.name), int(parent)))
    return found


def crew_of(session: int) -> list[int]:
    """Return the processes of a sync worker that work, without what multiprocessing adds."""
    found = []
    for pid, _ in members(session):
        with suppress(OSError):
            found += [pid] if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes() else []
    return found


class Progress:
    """Hands out numbers, and keeps the kills spread evenly over them, however slow either is."""

    def __init__(self, total: int, kills: int) -> None:
        self._total = total
        self._kills = kills
        self._turn = threading.Condition()
        self._taken = 0
        self._struck = 0
        self._broken = False

    def take(self) -> int | None:
        """Return the next number, when the kills due by then are done but for a few; None at the end."""
        with self._turn:
            number = self._taken
            if number >= self._total:
                return None
            self._taken += 1
            self._turn.notify_all()
            due = number * self._kills // self._total
            self._turn.wait_for(lambda: self._struck >= due - _LAG or self._broken)
            assert not self._broken, "something else went wrong"
            return number

    def strike_all(self, killer: Killer) -> None:
        """Strike whenever a kill is due, until all are done."""
        for number in range(self._kills):
            due = (number + 0.5) * self._total / self._kills
            with self._turn:
                self._turn.wait_for(lambda due=due: self._taken >= due or self._broken)
                if self._broken:
                    return
            killer.strike()
            with self._turn:
                self._struck += 1
                self._turn.notify_all()

    def give_up(self) -> None:
        """End everybody's waiting: somebody has failed."""
        with self._turn:
            self._broken = True
            self._turn.notify_all()
