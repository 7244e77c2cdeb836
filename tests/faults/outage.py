"""A long outage keeps everything and stays cheap; poison delays nobody."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

from service.access.vault import Vault
from service.retry import GIVE_UP_AFTER
from service.settings import Settings
from service.storage import storage_of
from service.store import outbox, vorgaenge
from service.store.database import connected, transaction
from service.store.models import OutboxRow
from service.store.query import tuples
from service.store.records import Aktivitaet, Anhang, Vorgang
from service.sync.breaker import LONGEST_PAUSE_S, Breaker
from service.sync.forwarder import Forwarder
from service.sync.immotion.http import HttpChannel
from service.sync.throttle import FORGOTTEN_S
from service.sync.worker import IDLE_S
from tests.faults.ground import at_last, installed, opened, p95
from tests.faults.points import Finding
from tests.faults.workload import switch_faults
from tests.support.portal import MANDANT, Installation
from tests.support.vorgaenge import some_vorgang

_ADDED_TO_EVERY = 10
_BATCH = 100
_STALLED_S = 7200  # on the clock that skips
_SETTLED_WITHIN_S = 90
_DRAIN_STEP_S = 5.0
_SLOWEST_PACE = 20.0
_TRIED_FOR = timedelta(seconds=4)
_TIMEOUT_S = 0.25
_POISON_TIMEOUT_S = 1
_SLOWER, _SLOWEST = 0.3, 5
_LEAST_S, _LONGEST_S, _LIMITED_S = 5, 30, 15
_AWAY_STEP_S = 1.5  # in which a worker looks oftener, and finds the breaker open
_SCHADEN = {"schadensort": "W_KUECHE", "schadenskategorie": "SANITAER", "schadensart": "SANITAER.TROPFT"}


def measure(
    directory: Path, engine: str, *, waiting: int = 5000, hours: float = 72, poison: int = 50, healthy: int = 1000
) -> list[Finding]:
    """Let immotion be away for `hours` with `waiting` Vorgänge owed, then file `poison` among `healthy` ones."""
    with installed(directory, engine, immotion=f"timeout_s = {_POISON_TIMEOUT_S}") as (installation, _):
        return _outage(installation, engine, waiting, hours) + _poison(installation, engine, poison, healthy)


class SkippingClock:
    """A clock that runs as the real one does, and leaps over every pause that the worker would have slept."""

    def __init__(self) -> None:
        self._skipped = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._skipped)

    def monotonic(self) -> float:
        return time.monotonic() + self._skipped

    def skip(self, seconds: float) -> None:
        self._skipped += seconds


class Counting:
    """A channel that counts its calls by name."""

    def __init__(self, channel: HttpChannel, calls: Counter[str]) -> None:
        self._channel = channel
        self._calls = calls

    def __getattr__(self, name: str) -> object:
        if name not in {"begin", "close"}:  # they ask nothing
            self._calls[name] += 1
        return getattr(self._channel, name)


@dataclass
class Owed:
    """What was filed: every Vorgang with what was added to it, in order."""

    added: dict[UUID, list[UUID]] = field(default_factory=dict)

    def file(self, count: int, now: datetime) -> None:
        """File Vorgänge straight into the store, two messages more with every tenth."""
        for start in range(0, count, _BATCH):
            with connected(), transaction():
                for number in range(start, min(start + _BATCH, count)):
                    self._file_one(now, messages=0 if number % _ADDED_TO_EVERY else 2)

    def _file_one(self, now: datetime, *, messages: int) -> None:
        vorgang = some_vorgang(mandant=MANDANT, meldezeit=now, status_at=now)
        vorgaenge.insert(vorgang)
        outbox.owe(MANDANT, vorgang.id, request_id=vorgang.id.hex, now=now)
        self.added[vorgang.id] = []
        for number in range(messages):
            entry = Aktivitaet(uuid4(), vorgang.id, now, "ANTWORT", "MIETER", "", f"Nachricht {number}", {})
            vorgaenge.add_aktivitaet(entry)
            outbox.owe(MANDANT, vorgang.id, aktivitaet_id=entry.id, request_id=entry.id.hex, now=now)
            self.added[vorgang.id].append(entry.id)

    @property
    def rows(self) -> int:
        return len(self.added) + sum(len(ids) for ids in self.added.values())


@contextmanager
def forwarder(
    settings: Settings,
    clock: SkippingClock,
    calls: Counter[str],
    *,
    timeout_s: float | None = None,
    breaker: Breaker | None = None,
) -> Iterator[Forwarder]:
    """Give a forwarder with this clock, whose calls are counted."""
    immotion = settings.mandanten[MANDANT].immotion
    assert immotion is not None
    if timeout_s is not None:
        immotion = immotion.model_copy(update={"timeout_s": timeout_s})
    made = Forwarder(
        MANDANT,
        channel=lambda: Counting(HttpChannel(immotion), calls),  # type: ignore[arg-type,return-value]
        storage=storage_of(settings.service, Vault(settings.service.encryption_keys)),
        threads=immotion.threads,
        clock=clock.now,
        breaker=breaker or Breaker(MANDANT, clock.now),
    )
    try:
        yield made
    finally:
        made.close()


@dataclass
class _Away:
    """An immotion that is away for a while, and the worker that finds it so."""

    installation: Installation
    settings: Settings
    clock: SkippingClock = field(default_factory=SkippingClock)
    calls: Counter[str] = field(default_factory=Counter)
    owed: Owed = field(default_factory=Owed)

    def __post_init__(self) -> None:
        self.breaker = Breaker(MANDANT, self.clock.now)

    @contextmanager
    def worker(self, *, timeout_s: float | None = None) -> Iterator[Forwarder]:
        """Give a forwarder; all of them go by one clock and one breaker."""
        with forwarder(self.settings, self.clock, self.calls, timeout_s=timeout_s, breaker=self.breaker) as made:
            yield made

    def stay_away(self, hours: float) -> dict[str, float]:
        """Refuse connections, then answer 503, then nothing at all, for so long together; return the calls a minute."""
        shares = {"connections refused": 7 / 12, "503": 4 / 12, "time-outs": 1 / 12}
        rates = {}
        with self.worker() as worker:
            self.installation.stop("standin")
            rates["connections refused"] = self._try(worker, hours * shares["connections refused"])
            self.installation.start_standin()
            switch_faults(self.installation, rate=1, kinds=["503"])
            rates["503"] = self._try(worker, hours * shares["503"])
        # a time-out is real time, whatever the clock says
        switch_faults(self.installation, rate=1, kinds=["timeout"], timeout_s=2 * _TIMEOUT_S)
        with self.worker(timeout_s=_TIMEOUT_S) as worker:
            rates["time-outs"] = self._try(worker, hours * shares["time-outs"])
        return rates

    def _try(self, worker: Forwarder, hours: float) -> float:
        before, until = sum(self.calls.values()), self.clock.now() + timedelta(hours=hours)
        while self.clock.now() < until:
            if not worker.forward():
                self.clock.skip(_AWAY_STEP_S)
        return (sum(self.calls.values()) - before) / (hours * 60)

    def drain_limited(self, worker: Forwarder, most: int) -> float:
        """Let immotion take so many rows a second; return how many it got, for half of what is owed."""
        (before,) = outbox_counts()
        switch_faults(self.installation, rate=0, rate_limit=most, calls=["PUT /vorgaenge", "PUT /aktivitaeten"])
        self.clock.skip(2 * LONGEST_PAUSE_S)  # immotion has been back for so long when the worker looks
        began, seconds = time.monotonic(), min(max(before.waiting / 2 / most, _LEAST_S), _LONGEST_S)
        while time.monotonic() - began < seconds and outbox_counts()[0].waiting:
            if not worker.forward(lambda: time.monotonic() - began > seconds):
                time.sleep(IDLE_S)
        took = time.monotonic() - began
        switch_faults(self.installation, rate=0)
        (after,) = outbox_counts()
        return (before.waiting - after.waiting) / took


def _outage(installation: Installation, engine: str, waiting: int, hours: float) -> list[Finding]:
    installation.start_standin()
    with opened(installation) as settings:
        away = _Away(installation, settings)
        with away.worker() as worker:
            away.owed.file(waiting, away.clock.now())
            fresh = _drain(worker, away)
        away.owed.file(waiting, away.clock.now())
        began = time.monotonic()
        rates = away.stay_away(hours)
        took = time.monotonic() - began
        (during,) = outbox_counts()
        with away.worker() as worker:
            most = max(round(min(fresh * _SLOWER, waiting / 2 / _LIMITED_S)), _SLOWEST)
            limited = away.drain_limited(worker, most)
            away.clock.skip(2 * FORGOTTEN_S)  # the worker does not go by that limit any more
            drained = _drain(worker, away)
        (after,) = outbox_counts()
    owed, ledger = away.owed.added, {UUID(str(row["externeId"])): row for row in installation.ledger()}
    missing = [one for one in owed if one not in ledger]
    disordered = [one for one, ids in owed.items() if one in ledger and added_to(ledger[one]) != ids]
    return [
        Finding(
            f"{hours:g} h outage (clock {hours * 3600 / took:,.0f} times as fast), {waiting:,} Vorgänge waiting",
            engine,
            f"{during.parked + after.parked} parked, {len(missing)} lost, {len(disordered)} out of order, "
            f"{after.waiting} still waiting",
            "0 discarded, all delivered, in order",
            not (during.parked or after.parked or after.waiting or missing or disordered)
            and len(ledger) == 2 * waiting,
        ),
        Finding(
            "calls a minute during the outage",
            engine,
            ", ".join(f"{rate:.1f} ({name})" for name, rate in rates.items()),
            "at most 4",
            all(0 < rate <= 4 for rate in rates.values()),
        ),
        Finding(
            f"drained afterwards by an immotion that takes {most} a second, as a ratio to that",
            engine,
            f"{limited / most:.2f} ({limited:.1f} a second)",
            "at least 0.8",
            limited / most >= 0.8,
        ),
        Finding(
            "drained afterwards without a limit, as a ratio to a fresh backlog",
            engine,
            f"{drained / fresh:.2f} ({drained:.0f} calls a second, look-ups counted, against {fresh:.0f})",
            "at least 0.8",
            drained / fresh >= 0.8,
        ),
    ]


def outbox_counts() -> list:
    """Return waiting, parked and sent of the one Mandant."""
    with connected():
        return outbox.counts()


def added_to(row: dict[str, object]) -> list[UUID]:
    """Return the ids of what was added to a Vorgang of the ledger, in the order of arrival."""
    return [UUID(entry["aktivitaetId"]) for entry in row["aktivitaeten"]]  # type: ignore[attr-defined,index]


def _drain(worker: Forwarder, away: _Away) -> float:
    """Forward until nothing is owed any more, or nothing becomes due; return the calls a second while there was.

    Calls, not rows: a row whose outcome is unknown takes two, since immotion is asked for it first.
    """
    before, busy, idle_since = sum(away.calls.values()), 0.0, away.clock.monotonic()
    while True:
        began = time.monotonic()
        if worker.forward():
            busy += time.monotonic() - began
            idle_since = away.clock.monotonic()
            continue
        (left,) = outbox_counts()
        if left.waiting == 0 or away.clock.monotonic() - idle_since > _STALLED_S:
            return (sum(away.calls.values()) - before) / max(busy, 0.001)
        away.clock.skip(_DRAIN_STEP_S)


def _poison(installation: Installation, engine: str, poison: int, healthy: int) -> list[Finding]:
    installation.start_sync()
    with opened(installation):
        pace = max(_capacity(healthy // 5) / 3, _SLOWEST_PACE)
        normal = p95(_delays(_file_at(pace, [_healthy() for _ in range(healthy)])))
        bad = [_poisonous(number) for number in range(poison)]
        keys = [str(one.vorgang.id) for one in bad if one.disturbed]
        kinds = ["500", "timeout", "cut_before"]
        faults = {"kinds": kinds, "timeout_s": 2 * _POISON_TIMEOUT_S, "calls": ["PUT /vorgaenge"], "keys": keys}
        switch_faults(installation, rate=1, **faults)
        good = [_healthy() for _ in range(healthy)]
        mixed = good + bad
        Random(7).shuffle(mixed)  # noqa: S311 - repeatable on purpose
        _file_at(pace, mixed)
        delays = _delays([one.vorgang.id for one in good])
        parked = at_last(lambda: _parked(bad), lambda count: count == poison, _SETTLED_WITHIN_S)
    among = {row["externeId"] for row in installation.ledger()}
    arrived = sum(str(one.vorgang.id) in among for one in good)
    slipped = sum(str(one.vorgang.id) in among for one in bad)
    poisoned = p95(delays)
    what = "refused, file missing, cannot be built in three ways, always 500, timed out or cut"
    return [
        Finding(
            f"{poison} poison messages ({what}) among {healthy:,}",
            engine,
            f"{arrived} of {healthy} delivered, {parked} poison messages parked, {slipped} delivered",
            "all others delivered, all poison parked",
            arrived == healthy and parked == poison and slipped == 0,
        ),
        Finding(
            "p95 delay of the others, as a ratio to a run without poison",
            engine,
            f"{poisoned / normal:.2f} ({poisoned * 1000:.0f} ms against {normal * 1000:.0f} ms)",
            "under 2",
            poisoned / normal < 2,
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Message:
    vorgang: Vorgang
    anhaenge: tuple[Anhang, ...] = ()
    disturbed: bool = False


def _healthy() -> _Message:
    return _Message(some_vorgang(mandant=MANDANT, meldezeit=datetime.now(UTC)))


def _poisonous(number: int) -> _Message:
    """Return a message that can never be delivered, each kind in turn."""
    kinds: tuple[Callable[[], _Message], ...] = (
        lambda: _Message(_changed(betreff="b" * 200)),
        _without_its_file,
        lambda: _Message(_changed(details={})),
        lambda: _Message(_changed(routing=[])),
        lambda: _Message(_changed(typ="SCHADEN", details=_SCHADEN | {"antworten": 5})),
        *[lambda: _Message(_changed(), disturbed=True)] * 3,
    )
    return kinds[number % len(kinds)]()


def _changed(**changes: object) -> Vorgang:
    return some_vorgang(mandant=MANDANT, meldezeit=datetime.now(UTC), **changes)


def _without_its_file() -> _Message:
    vorgang, now = _changed(), datetime.now(UTC)
    file = Anhang(uuid4(), MANDANT, "weg.pdf", "application/pdf", 9, "0" * 64, 0, now, None, vorgang.id, stored_at=now)
    return _Message(vorgang, (file,))


def _file_at(pace: float, messages: Sequence[_Message]) -> list[UUID]:
    """File so many messages a second and return their ids; what immotion never answers has been tried for days."""
    started = time.monotonic()
    for number, one in enumerate(messages):
        time.sleep(max(0.0, started + number / pace - time.monotonic()))
        now = datetime.now(UTC)
        since = now - GIVE_UP_AFTER + _TRIED_FOR if one.disturbed else now
        with connected(), transaction():
            vorgaenge.insert(one.vorgang)
            vorgaenge.add_anhaenge(one.anhaenge)
            outbox.owe(MANDANT, one.vorgang.id, request_id=one.vorgang.id.hex, now=since)
    return [one.vorgang.id for one in messages]


def _capacity(count: int) -> float:
    """Return how many messages a second the worker delivers when they are there all at once."""
    started = time.monotonic()
    _delays(_file_at(1e9, [_healthy() for _ in range(count)]))
    return count / (time.monotonic() - started)


def _delays(ids: Sequence[UUID]) -> list[float]:
    """Wait until all are delivered, but not for ever; return the seconds from being filed to being sent."""

    def sent() -> list[float]:
        here = OutboxRow.vorgang_id.in_(list(ids)) & (OutboxRow.state == "sent")
        with connected():
            rows = tuples(OutboxRow.select(OutboxRow.created_at, OutboxRow.sent_at).where(here))
        return [(sent_at - filed_at).total_seconds() for filed_at, sent_at in rows]

    return at_last(sent, lambda delays: len(delays) == len(ids), _SETTLED_WITHIN_S)


def _parked(messages: Sequence[_Message]) -> int:
    here = OutboxRow.vorgang_id.in_([one.vorgang.id for one in messages]) & (OutboxRow.state == "parked")
    with connected():
        return OutboxRow.select().where(here).count()
