"""The sync process: for each Mandant a forwarder and a reader of the feeds; one housekeeper."""

import gc
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

import structlog

from service.access.vault import Vault
from service.house import houses_of
from service.keys import encryption_keys
from service.log import configure_logging
from service.retry import A_DAY
from service.settings import ChannelSettings, FileDropSettings, ImmotionSettings, Settings
from service.storage import storage_of
from service.store import deliveries
from service.store.database import StoreUnavailable, connected, open_database
from service.sync import crew
from service.sync.alarms import SILENT_AFTER, note_feed_read, raise_alarm, watch, watch_files, watch_mails
from service.sync.apply import apply_waiting
from service.sync.breaker import Breaker
from service.sync.documents import Fetcher, fetch_announced
from service.sync.dokumente import fetch_dokumente, tell_provided
from service.sync.feed import EVENTS, MASTER_DATA, read_events, read_master_data, rest
from service.sync.forwarder import Forwarder
from service.sync.housekeeping import tidy
from service.sync.immotion.channel import Channel, CredentialsRefused, Permanent, Temporary
from service.sync.immotion.factory import Channels
from service.sync.kataloge import CATALOGS, mirror
from service.sync.kataloge import EVERY as CATALOGS_EVERY
from service.sync.reconcile import reconcile_if_due
from service.sync.retention import policies_of
from service.vorgang.types import House

log = structlog.get_logger()

DONE, TRY_AGAIN = 0, 75
IDLE_S = 0.3
ERRAND_IDLE_S = 1.0
FEED_WAIT_S = 3
AFTER_FAULT_S = 3.0
MASTER_DATA_EVERY_S = 15
PROBES_ARE_DELIVERIES_FOR = timedelta(seconds=5)
TIDY_EVERY_S = 3600
WATCH_EVERY_S = 60


class Errand(Protocol):
    """What else the leading process does: not with immotion, but as patiently."""

    def step(self, told_to_stop: Callable[[], bool]) -> int:
        """Do what is due; returns how much that was. Raises StoreUnavailable."""

    def owes(self) -> bool:
        """Tell whether there is more to do, now or later; raises StoreUnavailable."""


# Makes an errand from the settings, or None; a function of a module, since other processes are told of it by name.
Errands = Sequence[Callable[[Settings], Errand | None]]


def run(settings: Settings, *, once: bool = False, errands: Errands = ()) -> int:
    """Run until SIGTERM or SIGINT, which end it within six seconds; with `once`, one round at most.

    Returns 0, or 75 when, after one round, something is still owed to immotion, or by an errand.
    """
    if once:
        open_database(settings.service.database)
        return _one_round(_Worker(settings, errands=errands), _stop_on_signals())
    if crew.size(settings) > 1:
        crew.Crew(partial(_work, errands), settings).run(_stop_on_signals())
    else:
        _work(errands, settings, crew.Place())
    return DONE


def _work(errands: Errands, settings: Settings, place: crew.Place) -> None:
    """Be one process of the worker."""
    if place.of > 1:
        configure_logging()
        crew.keep_to_own_core(place)
    stop = _stop_on_signals()
    crew.stop_with_parent(stop)
    open_database(settings.service.database)
    gc.freeze()  # modules, templates, tables stay: nobody need look for garbage among them again and again
    _Worker(settings, place, errands=errands).run(stop)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    return stop


def _one_round(worker: "_Worker", stop: threading.Event) -> int:
    """Do one round; once told to stop, give it the time to hand back what it holds, and no more than that."""
    ended: Future[int] = Future()

    def work() -> None:
        try:
            ended.set_result(worker.round(stop))
        except Exception as fault:  # noqa: BLE001 - it is raised below
            ended.set_exception(fault)

    threading.Thread(target=work, daemon=True).start()
    while not ended.done() and not stop.is_set():
        wait([ended], IDLE_S)
    wait([ended], FEED_WAIT_S + 1)
    if stop.is_set():
        log.info("sync_stopped")
    return ended.result() if ended.done() else TRY_AGAIN


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _feeds_of(immotion: ChannelSettings) -> dict[str, timedelta]:
    """Return what a channel has to read, and how long each may be silent before an operator should know."""
    if isinstance(immotion, FileDropSettings):
        return {EVENTS: SILENT_AFTER}
    return {EVENTS: SILENT_AFTER, MASTER_DATA: SILENT_AFTER, CATALOGS: CATALOGS_EVERY + SILENT_AFTER}


def _reconcile_hour(immotion: ChannelSettings) -> int | None:
    return immotion.reconcile_hour if isinstance(immotion, ImmotionSettings) else None


def _tell_unreachable(mandant: str, fault: Exception) -> None:
    if isinstance(fault, CredentialsRefused):
        raise_alarm("credentials_refused", mandant=mandant, detail=str(fault), now=_utc_now())
    else:
        log.warning("immotion_unreachable", mandant=mandant, error=str(fault))


def _rest_s(fault: Exception) -> float:
    """Return how long not to ask again; where the whole connection is concerned, its breaker sees to that."""
    asked = fault.retry_after if isinstance(fault, Temporary) and fault.scope in {None, "message"} else None
    return max(AFTER_FAULT_S, min(asked or 0.0, A_DAY.total_seconds()))


_ALONE = crew.Place()


class _Worker:
    def __init__(self, settings: Settings, place: crew.Place = _ALONE, *, errands: Errands = ()) -> None:
        self._settings = settings
        self._place = place
        self._storage = storage_of(settings.service, Vault(encryption_keys(settings.service)))
        self._houses = houses_of(settings)
        self._channels = {name: m.immotion for name, m in settings.mandanten.items() if m.immotion is not None}
        self._roads = Channels()
        self._feeds = {name: _feeds_of(immotion) for name, immotion in self._channels.items()}
        self._breakers = {
            name: Breaker(name, _utc_now, probe_takes=timedelta(seconds=immotion.lease_s))
            for name, immotion in self._channels.items()
        }
        made = [make(settings) for make in errands] if place.leads else []
        self._errands = [errand for errand in made if errand is not None]

    def round(self, stop: threading.Event) -> int:
        """Deliver what is due, read the feeds, apply, fetch and compare, once for each Mandant; then run the errands.

        Ends early when told to stop.
        """
        good = True
        for mandant, immotion in self._channels.items():
            try:
                self._forward_all(mandant, immotion, stop)
                if not stop.is_set():
                    good = self._read(mandant, immotion, stop) and good
                good = good and not self._breakers[mandant].is_open
            except (Temporary, Permanent, CredentialsRefused) as fault:
                _tell_unreachable(mandant, fault)
                good = False
        for errand in self._errands:
            errand.step(stop.is_set)
        if not stop.is_set():
            self._tidy()
            self._watch()
        with connected():
            backlogs = deliveries.backlogs(list(self._channels), _utc_now())
        owed = any(backlog.waiting for backlog in backlogs.values()) or any(one.owes() for one in self._errands)
        return DONE if good and not owed else TRY_AGAIN

    def run(self, stop: threading.Event) -> None:
        """Run every loop in a thread of its own until `stop` is set."""
        loops: list[Callable[[], None]] = [
            partial(self._forward_loop, mandant, immotion, stop)
            for mandant, immotion in self._channels.items()
            if self._place.share(immotion.threads)
        ]
        if self._place.leads:
            loops += [partial(self._feed_loop, *channel, stop) for channel in self._channels.items()]
            loops += [partial(self._errand_loop, errand, stop) for errand in self._errands]
            loops.append(partial(self._every, TIDY_EVERY_S, self._tidy, stop))
            loops.append(partial(self._every, WATCH_EVERY_S, self._watch, stop))
        threads = [threading.Thread(target=loop, daemon=True) for loop in loops]
        for thread in threads:
            thread.start()
        log.info("sync_started", mandanten=list(self._channels), process=self._place.number)
        stop.wait()
        until = time.monotonic() + FEED_WAIT_S + 1
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        log.info("sync_stopped", process=self._place.number)

    def _forwarder(self, mandant: str, immotion: ChannelSettings) -> Forwarder:
        return Forwarder(
            mandant,
            channel=lambda: self._roads.of(mandant, immotion),
            storage=self._storage,
            threads=self._place.share(immotion.threads),
            lease=timedelta(seconds=immotion.lease_s),
            clock=_utc_now,
            breaker=self._breakers[mandant],
        )

    def _forward_all(self, mandant: str, immotion: ChannelSettings, stop: threading.Event) -> None:
        forwarder = self._forwarder(mandant, immotion)
        try:
            forwarder.forward(stop.is_set)
        finally:
            forwarder.close()

    def _forward_loop(self, mandant: str, immotion: ChannelSettings, stop: threading.Event) -> None:
        forwarder = self._forwarder(mandant, immotion)
        while not stop.is_set():
            if not self._guarded(mandant, partial(forwarder.forward, stop.is_set), stop):
                stop.wait(IDLE_S)
        forwarder.close()

    def _feed_loop(self, mandant: str, immotion: ChannelSettings, stop: threading.Event) -> None:
        channel, hour = self._roads.of(mandant, immotion), _reconcile_hour(immotion)
        breaker, looked_at = self._breakers[mandant], -float(MASTER_DATA_EVERY_S)
        while not stop.is_set():
            begun = time.monotonic()
            if begun - looked_at >= MASTER_DATA_EVERY_S:
                for step in (self._read_master_data, self._mirror):
                    self._guarded(mandant, partial(self._asking, mandant, partial(step, mandant, channel)), stop)
                looked_at = looked_at if breaker.is_open else begun
            if hour is not None and not breaker.is_open:  # it seldom asks anything: no probe
                reconcile = partial(self._reconcile, mandant, channel, hour)
                self._guarded(mandant, partial(self._asking, mandant, reconcile), stop)
            take_in = partial(self._take_in, mandant, channel, FEED_WAIT_S)
            new = self._guarded(mandant, partial(self._asking, mandant, take_in), stop)
            # an immotion that does not let a question wait is not asked without end
            left = FEED_WAIT_S - (time.monotonic() - begun)
            if not new and left > 0:
                self._guarded(mandant, partial(rest, mandant, stop, seconds=left), stop)
        channel.close()

    def _errand_loop(self, errand: Errand, stop: threading.Event) -> None:
        while not stop.is_set():
            if not self._guarded("", partial(errand.step, stop.is_set), stop):
                stop.wait(ERRAND_IDLE_S)

    def _read(self, mandant: str, immotion: ChannelSettings, stop: threading.Event) -> bool:
        """Read each feed, whatever becomes of the others; False if one could not be. Raises CredentialsRefused."""
        channel, hour = self._roads.of(mandant, immotion), _reconcile_hour(immotion)
        steps: list[tuple[Callable[[], int], bool]] = [
            (partial(self._read_master_data, mandant, channel), False),
            (partial(self._mirror, mandant, channel), False),
            (partial(self._take_in, mandant, channel, 0), True),
        ]
        if hour is not None:
            steps.append((partial(self._reconcile, mandant, channel, hour), True))
        try:
            read = [self._tried(mandant, step, stop, often=often) for step, often in steps]
        finally:
            channel.close()
        return all(read)

    def _tried(self, mandant: str, step: Callable[[], int], stop: threading.Event, *, often: bool) -> bool:
        try:
            with self._breakers[mandant].asking() as may:
                while may and not stop.is_set() and step() and often:
                    pass
        except (Temporary, Permanent) as fault:
            _tell_unreachable(mandant, fault)
            return False
        return True

    def _asking(self, mandant: str, step: Callable[[], int]) -> int:
        """Do a step that asks immotion, if its breaker lets it; 0 if not. Raises what the step raises."""
        with self._breakers[mandant].asking(after=PROBES_ARE_DELIVERIES_FOR) as may:
            return step() if may else 0

    def _read_master_data(self, mandant: str, channel: Channel) -> int:
        changes = read_master_data(mandant, channel, clock=_utc_now)
        self._note_read(mandant, MASTER_DATA)
        return changes

    def _mirror(self, mandant: str, channel: Channel) -> bool:
        fresh = mirror(self._house(mandant), channel, clock=_utc_now)
        if fresh:
            self._note_read(mandant, CATALOGS)
        return fresh

    def _note_read(self, mandant: str, feed: str) -> None:
        if feed in self._feeds[mandant]:
            note_feed_read(mandant, feed, _utc_now())

    def _reconcile(self, mandant: str, channel: Channel, hour: int) -> bool:
        return reconcile_if_due(self._house(mandant), channel, hour=hour, clock=_utc_now, random=random.random)

    def _take_in(self, mandant: str, channel: Channel, wait: int) -> int:
        new = read_events(mandant, channel, wait=wait, clock=_utc_now)
        self._note_read(mandant, EVENTS)
        apply_waiting(self._house(mandant), clock=_utc_now)
        fetcher = Fetcher(self._storage, _utc_now, random.random)
        fetch_announced(mandant, channel, fetcher)
        fetched = fetch_dokumente(mandant, channel, fetcher)
        report = isinstance(self._channels[mandant], ImmotionSettings)
        tell_provided(mandant, report=report, clock=_utc_now)
        return new + fetched

    def _house(self, mandant: str) -> House:
        with connected():
            return self._houses.of(mandant)

    def _every(self, seconds: float, step: Callable[[], int], stop: threading.Event) -> None:
        while not stop.wait(seconds):
            self._guarded("", step, stop)

    def _tidy(self) -> int:
        service = self._settings.service
        days = {"draft_days": service.draft_days, "audit_days": service.audit_days}
        policies = policies_of(self._settings, lambda mandant: self._house(mandant).catalog)
        return tidy(self._storage, **days, now=_utc_now(), policies=policies)

    def _watch(self) -> int:
        mandanten = list(self._settings.mandanten)
        return watch(self._feeds, _utc_now()) + watch_mails(mandanten, _utc_now()) + watch_files(mandanten, _utc_now())

    def _guarded(self, mandant: str, step: Callable[[], object], stop: threading.Event) -> int:
        """Do a step; a fault of immotion, the database or the disk pauses the loop and never ends it."""
        try:
            return int(bool(step()))
        except (Temporary, Permanent, CredentialsRefused) as fault:
            _tell_unreachable(mandant, fault)
            stop.wait(_rest_s(fault))
            return 0
        except (StoreUnavailable, OSError) as fault:
            raise_alarm("sync_paused", mandant=mandant, detail=type(fault).__name__, now=_utc_now())
        except Exception as fault:  # noqa: BLE001 - a loop that ended silently would forward nothing any more
            raise_alarm("sync_step_failed", mandant=mandant, detail=type(fault).__name__, now=_utc_now())
        stop.wait(AFTER_FAULT_S)
        return 0
