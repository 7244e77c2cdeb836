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

import requests

from service.files.storage import Folder
from service.retry import GIVE_UP_AFTER
from service.settings import Settings
from service.store import outbox, vorgaenge
from service.store.database import connected, transaction
from service.store.models import OutboxRow
from service.store.query import tuples
from service.store.records import Aktivitaet, Anhang, Vorgang
from service.sync.breaker import Breaker
from service.sync.forwarder import Forwarder
from service.sync.immotion.http import HttpChannel
from service.sync.worker import IDLE_S
from tests.faults.ground import at_last, installed, opened, p95
from tests.faults.points import Finding
from tests.support.portal import MANDANT, Installation
from tests.support.vorgaenge import some_vorgang

_ADDED_TO_EVERY = 10
_BATCH = 100
_STALLED_S = 7200  # on the clock that skips
_SETTLED_WITHIN_S = 90
_DRAIN_STEP_S = 5.0
_SLOWEST_PACE = 20.0
_TRIED_FOR = timedelta(seconds=4)
_SCHADEN = {"schadensort": "W_KUECHE", "schadenskategorie": "SANITAER", "schadensart": "SANITAER.TROPFT"}


def measure(
    directory: Path, engine: str, *, waiting: int = 5000, hours: float = 72, poison: int = 50, healthy: int = 1000
) -> list[Finding]:
    """Let immotion be away for `hours` with `waiting` Vorgänge owed, then file `poison` among `healthy` ones."""
    with installed(directory, engine) as (installation, _):
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
        if name != "close":
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
def forwarder(settings: Settings, clock: SkippingClock, calls: Counter[str]) -> Iterator[Forwarder]:
    """Give a forwarder with this clock, whose calls are counted."""
    immotion = settings.mandanten[MANDANT].immotion
    assert immotion is not None
    made = Forwarder(
        MANDANT,
        channel=lambda: Counting(HttpChannel(immotion), calls),  # type: ignore[arg-type,return-value]
        storage=Folder(settings.service.files),
        threads=immotion.threads,
        clock=clock.now,
        breaker=Breaker(MANDANT, clock.now),
    )
    try:
        yield made
    finally:
        made.close()


def _outage(installation: Installation, engine: str, waiting: int, hours: float) -> list[Finding]:
    clock, calls, owed = SkippingClock(), Counter[str](), Owed()
    installation.start_standin()
    with opened(installation) as settings, forwarder(settings, clock, calls) as worker:
        owed.file(waiting, clock.now())
        fresh = _drain(worker, clock)
        installation.stop("standin")
        owed.file(waiting, clock.now())
        calls.clear()
        took = _stay_away(worker, clock, hours)
        tries = sum(calls.values())
        (during,) = outbox_counts()
        installation.start_standin()
        drained = _drain(worker, clock)
        (after,) = outbox_counts()
    ledger = {UUID(str(row["externeId"])): row for row in installation.ledger()}
    missing = [one for one in owed.added if one not in ledger]
    disordered = [one for one, ids in owed.added.items() if one in ledger and added_to(ledger[one]) != ids]
    per_minute = tries / max(hours * 60, 1)
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
            "attempts during the outage",
            engine,
            f"{tries:,} ({per_minute:.1f} a minute)",
            "at most 4 a minute",
            0 < per_minute <= 4,
        ),
        Finding(
            "drained afterwards, as a ratio to a fresh backlog",
            engine,
            f"{drained / fresh:.2f} ({drained:.0f} against {fresh:.0f} a second)",
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


def _drain(worker: Forwarder, clock: SkippingClock) -> float:
    """Forward until nothing is owed any more, or nothing becomes due; return the rows a second while there was."""
    (before,) = outbox_counts()
    busy, idle_since = 0.0, clock.monotonic()
    while True:
        began = time.monotonic()
        if worker.forward():
            busy += time.monotonic() - began
            idle_since = clock.monotonic()
            continue
        (left,) = outbox_counts()
        if left.waiting == 0 or clock.monotonic() - idle_since > _STALLED_S:
            return (before.waiting - left.waiting) / max(busy, 0.001)
        clock.skip(_DRAIN_STEP_S)


def _stay_away(worker: Forwarder, clock: SkippingClock, hours: float) -> float:
    """Let the forwarder try for so long on its clock; return the real seconds."""
    started, until = time.monotonic(), clock.now() + timedelta(hours=hours)
    while clock.now() < until:
        if not worker.forward():
            clock.skip(IDLE_S)
    return time.monotonic() - started


def _poison(installation: Installation, engine: str, poison: int, healthy: int) -> list[Finding]:
    installation.start_sync()
    with opened(installation):
        pace = max(_capacity(healthy // 5) / 3, _SLOWEST_PACE)
        normal = p95(_delays(_file_at(pace, [_healthy() for _ in range(healthy)])))
        bad = [_poisonous(number) for number in range(poison)]
        keys = [str(one.vorgang.id) for one in bad if one.answered_500]
        faults = {"rate": 1, "kinds": ["500"], "calls": ["PUT /vorgaenge"], "keys": keys}
        requests.post(f"{installation.standin_url}/_standin/faults", json=faults, timeout=10).raise_for_status()
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
    kinds = "refused, file missing, cannot be built in three ways, always 500"
    return [
        Finding(
            f"{poison} poison messages ({kinds}) among {healthy:,}",
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
    answered_500: bool = False


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
        lambda: _Message(_changed(), answered_500=True),
    )
    return kinds[number % len(kinds)]()


def _changed(**changes: object) -> Vorgang:
    return some_vorgang(mandant=MANDANT, meldezeit=datetime.now(UTC), **changes)


def _without_its_file() -> _Message:
    vorgang, now = _changed(), datetime.now(UTC)
    file = Anhang(uuid4(), MANDANT, "weg.pdf", "application/pdf", 9, "0" * 64, 0, now, None, vorgang.id, stored_at=now)
    return _Message(vorgang, (file,))


def _file_at(pace: float, messages: Sequence[_Message]) -> list[UUID]:
    """File so many messages a second and return their ids; one that is answered 500 has been tried for days already."""
    started = time.monotonic()
    for number, one in enumerate(messages):
        time.sleep(max(0.0, started + number / pace - time.monotonic()))
        now = datetime.now(UTC)
        since = now - GIVE_UP_AFTER + _TRIED_FOR if one.answered_500 else now
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
    """Wait until all are delivered, but not for ever; return the seconds from being due to being sent."""

    def sent() -> list[float]:
        here = OutboxRow.vorgang_id.in_(list(ids)) & (OutboxRow.state == "sent")
        with connected():
            rows = tuples(OutboxRow.select(OutboxRow.next_at, OutboxRow.sent_at).where(here))
        return [(sent_at - due).total_seconds() for due, sent_at in rows]

    return at_last(sent, lambda delays: len(delays) == len(ids), _SETTLED_WITHIN_S)


def _parked(messages: Sequence[_Message]) -> int:
    here = OutboxRow.vorgang_id.in_([one.vorgang.id for one in messages]) & (OutboxRow.state == "parked")
    with connected():
        return OutboxRow.select().where(here).count()
