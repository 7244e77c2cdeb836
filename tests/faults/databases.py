"""The database goes away and comes back under load: nothing is lost, and nobody has to help."""

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from peewee import fn

from service.store.database import StoreUnavailable, connected
from service.store.models import OutboxRow
from service.store.query import tuples
from tests.faults.ground import at_last, installed, opened
from tests.faults.points import Finding
from tests.faults.workload import Client, Failure, Filed, compare, drain
from tests.support.engines import Server
from tests.support.portal import Installation

_CLIENTS = 6
_NORMAL_WITHIN_S = 5.0
_GIVE_UP_S = 60.0
_LOAD_S = (0.3, 1.5)
_HELD_S = (1.0, 2.0, 3.0)
_HELD_LONG_S = 17.0  # longer than the portal waits for SQLite's lock
_LONG_EVERY = 25
_QUIET_S = 8.0  # longer than it may take until all is normal: what fails then is seen
_QUIET_EVERY = 10
_UNNOTICED = 5


def measure(
    directory: Path, engine: str, *, restarts: int = 100, lease_s: int = 45, quiet_s: float = _QUIET_S
) -> list[Finding]:
    """Restart the server so often while clients file and workers forward; SQLite's file is locked by another process.

    PostgreSQL is stopped fast, stopped immediately and killed in turn, MariaDB stopped and killed. A claim whose commit
    was cut waits for its lease of `lease_s` seconds. Now and then nothing is done to it for `quiet_s` seconds.
    """
    with (
        installed(directory, engine, immotion=f"lease_s = {lease_s}") as (installation, server),
        opened(installation),
    ):
        installation.start_standin()
        installation.start_portal()
        for name in ("sync", "sync2"):
            installation.start(name, "sync", "run")
        with _load(installation) as load:
            away = _restarts(server) if server else _locks(installation)
            outages, times = [], []
            for number, one in zip(range(restarts), away, strict=False):
                outages.append(one)
                times.append(_until_normal(load, one.until))
                if number == restarts - 1 or number % _QUIET_EVERY == 0:
                    time.sleep(quiet_s)
        drain()
        comparison = compare(installation, load.filed)
        unnoticed = [_unnoticed(installation, server, engine)] if server else []
    to_file, to_deliver = (max(one) for one in zip(*times, strict=True))
    late = late_failures(load.failures, outages, _NORMAL_WITHIN_S)
    other = {kind: count for kind, count in load.resent.items() if kind != "503"}
    what = f"database {'restarted' if server else 'locked'} {restarts} times under load"
    return [
        Finding(
            f"{what}, {len(load.filed):,} submissions",
            engine,
            comparison.delivery(),
            "0 lost, 0 doubled",
            comparison.delivered(),
        ),
        Finding(
            f"{what}: requests that had to be sent again",
            engine,
            f"{load.resent['503']} for 503, {sum(other.values())} for anything else {other or ''}".strip(),
            "only for 503",
            not other,
        ),
        Finding(
            f"{what}: requests that failed although it had been back for {_NORMAL_WITHIN_S:g} s (left alone for "
            f"{quiet_s:g} s, now and then)",
            engine,
            f"{len(late)} {sorted({one.what for one in late}) or ''}".strip()
            + f", of {len(load.failures):,} failures in all; left alone {_quiet_after(restarts)} times",
            "0",
            not late,
        ),
        Finding(
            f"{what}: longest time after which a request still began that failed",
            engine,
            f"{max(after_return(load.failures, outages), default=0):.1f} s",
            f"{_NORMAL_WITHIN_S:g} s",
            max(after_return(load.failures, outages), default=0) <= _NORMAL_WITHIN_S,
        ),
        Finding(
            f"{what}: longest time until a submission succeeds again",
            engine,
            f"{to_file:.1f} s",
            f"{_NORMAL_WITHIN_S:g} s",
            to_file <= _NORMAL_WITHIN_S,
        ),
        Finding(
            f"{what}: longest time until something is delivered again",
            engine,
            f"{to_deliver:.1f} s",
            f"{_NORMAL_WITHIN_S:g} s",
            to_deliver <= _NORMAL_WITHIN_S,
        ),
        *unnoticed,
    ]


def _unnoticed(installation: Installation, server: Server, engine: str) -> Finding:
    """Restart the server while nobody asks the portal for anything: its idle connections have ended unnoticed."""
    residents = [installation.resident(sub=f"fe_users:{number}") for number in range(_CLIENTS)]

    def ask() -> list[int]:
        with ThreadPoolExecutor(_CLIENTS) as pool:
            return list(pool.map(lambda resident: resident.get("melden/schaden").status_code, residents))

    answers = Counter[int]()
    for _ in range(_UNNOTICED):
        ask()
        server.stop()
        server.start()
        answers.update(ask())
    return Finding(
        f"database restarted {_UNNOTICED} times while nobody asked: the first requests afterwards",
        engine,
        ", ".join(f"{count} answered {status}" for status, count in sorted(answers.items())),
        "all answered",
        set(answers) == {200},
    )


@dataclass(frozen=True, slots=True)
class Outage:
    """When the database was away, on the monotonic clock."""

    since: float
    until: float


def after_return(failures: Iterable[Failure], outages: Sequence[Outage]) -> list[float]:
    """Return how long the database had been back when each request began that failed before the next outage."""
    found = []
    for one in failures:
        before = [outage for outage in outages if outage.until <= one.began]
        in_one = any(one.began <= outage.until and outage.since <= one.ended for outage in outages)
        if before and not in_one:
            found.append(one.began - before[-1].until)
    return found


def late_failures(failures: Sequence[Failure], outages: Sequence[Outage], seconds: float) -> list[Failure]:
    """Return the failures of requests that began later than so many seconds after the database was back."""
    return [one for one in failures if any(after > seconds for after in after_return([one], outages))]


def _quiet_after(restarts: int) -> int:
    """Return after how many of the restarts the database is left alone for a while."""
    return sum(number == restarts - 1 or number % _QUIET_EVERY == 0 for number in range(restarts))


@dataclass
class _Load:
    """What the clients were told, and when they were last told so."""

    filed: list[Filed] = field(default_factory=list)
    resent: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    last_at: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def file(self, client: Client, number: int) -> None:
        """File one report after the other until it is over."""
        while not self.over.is_set():
            self.filed.append(client.file(f"Meldung {number}.{len(self.filed)}.{time.monotonic_ns()}"))
            self.last_at = time.monotonic()


@contextmanager
def _load(installation: Installation) -> Iterator[_Load]:
    load = _Load()
    clients = [Client(installation, number) for number in range(_CLIENTS)]
    with ThreadPoolExecutor(_CLIENTS) as pool:
        running = [pool.submit(load.file, client, number) for number, client in enumerate(clients)]
        try:
            yield load
        finally:
            load.over.set()
        for one in running:
            one.result()
    for client in clients:
        load.resent.update(client.resent)
        load.failures += client.failures


def _restarts(server: Server) -> Iterator[Outage]:
    """Restart the server again and again; give when it was told to end and when it accepted connections."""
    chance, ways = Random(1), list(server.ends)  # noqa: S311 - repeatable on purpose
    number = 0
    while True:
        time.sleep(chance.uniform(*_LOAD_S))
        since = time.monotonic()
        server.stop(ways[number % len(ways)])
        time.sleep(chance.uniform(0, 0.5))
        server.start()
        yield Outage(since, time.monotonic())
        number += 1


def _locks(installation: Installation) -> Iterator[Outage]:
    """Let another process keep SQLite's write lock again and again; give when it asked for it and let it go."""
    path = installation.database.removeprefix("sqlite:///")
    chance = Random(1)  # noqa: S311 - repeatable on purpose
    number = 0
    while True:
        time.sleep(chance.uniform(*_LOAD_S))
        number += 1
        seconds = _HELD_LONG_S if number % _LONG_EVERY == 0 else _HELD_S[number % len(_HELD_S)]
        since = time.monotonic()
        subprocess.run([sys.executable, "-c", _HOLD, path, str(seconds)], check=True)
        yield Outage(since, time.monotonic())


_HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("BEGIN EXCLUSIVE")
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


def _until_normal(load: _Load, back_at: float) -> tuple[float, float]:
    """Return the seconds until a submission was acknowledged, and until one was delivered."""
    back = datetime.now(UTC)
    at_last(lambda: load.last_at, lambda last: last > back_at, _GIVE_UP_S)
    filed = time.monotonic() - back_at
    at_last(_last_delivery, lambda last: last is not None and last > back, _GIVE_UP_S)
    return filed, time.monotonic() - back_at


def _last_delivery() -> datetime | None:
    try:
        with connected():
            ((last,),) = tuples(OutboxRow.select(fn.MAX(OutboxRow.sent_at)))
    except StoreUnavailable:
        return None
    return OutboxRow.sent_at.python_value(last) if isinstance(last, int) else last
