"""The sync process: for each Mandant a forwarder and a reader of the feeds; one housekeeper."""

import random
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from service.files.storage import Folder
from service.house import house_of
from service.settings import ChannelSettings, ImmotionSettings, Settings
from service.store import deliveries
from service.store.database import StoreUnavailable, connected, open_database
from service.sync.alarms import note_feed_read, raise_alarm, watch
from service.sync.apply import apply_waiting
from service.sync.breaker import Breaker
from service.sync.breaker_note import BreakerNote
from service.sync.documents import Fetcher, fetch_announced
from service.sync.feed import EVENTS, read_events, read_master_data, rest
from service.sync.forwarder import Forwarder
from service.sync.housekeeping import tidy
from service.sync.immotion.channel import Channel, CredentialsRefused, Permanent, Temporary
from service.sync.immotion.factory import channel_of
from service.sync.kataloge import mirror
from service.sync.reconcile import reconcile_if_due
from service.vorgang.house import Houses
from service.vorgang.types import House

log = structlog.get_logger()

DONE, TRY_AGAIN = 0, 75
IDLE_S = 0.3
FEED_WAIT_S = 3
AFTER_FAULT_S = 3.0
MASTER_DATA_EVERY_S = 15
TIDY_EVERY_S = 3600
WATCH_EVERY_S = 60


def run(settings: Settings, *, once: bool = False) -> int:
    """Run until SIGTERM or SIGINT, which end it within five seconds; with `once`, one round.

    Returns 0, or 75 when, after one round, something is still owed to immotion.
    """
    open_database(settings.service.database)
    worker = _Worker(settings)
    if once:
        return worker.round()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    worker.run(stop)
    return DONE


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _Worker:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._storage = Folder(settings.service.files)
        zone = ZoneInfo(settings.service.timezone)
        houses = {name: partial(house_of, name, mandant, zone) for name, mandant in settings.mandanten.items()}
        self._houses = Houses(houses, time.monotonic)
        self._channels = {name: m.immotion for name, m in settings.mandanten.items() if m.immotion is not None}

    def round(self) -> int:
        """Deliver what is due, read the feeds, apply and fetch, once for each Mandant."""
        good = True
        for mandant, immotion in self._channels.items():
            try:
                self._forward_all(mandant, immotion)
                self._read(mandant, immotion)
            except (Temporary, Permanent, CredentialsRefused) as fault:
                log.warning("immotion_unreachable", mandant=mandant, error=str(fault))
                good = False
        self._tidy()
        self._watch()
        with connected():
            backlogs = deliveries.backlogs(list(self._channels), _utc_now())
        owed = any(backlog.waiting for backlog in backlogs.values())
        return DONE if good and not owed else TRY_AGAIN

    def run(self, stop: threading.Event) -> None:
        """Run every loop in a thread of its own until `stop` is set."""
        loops: list[Callable[[], None]] = [
            partial(self._every, TIDY_EVERY_S, self._tidy, stop),
            partial(self._every, WATCH_EVERY_S, self._watch, stop),
        ]
        for mandant, immotion in self._channels.items():
            loops.append(partial(self._forward_loop, mandant, immotion, stop))
            loops.append(partial(self._feed_loop, mandant, immotion, stop))
        threads = [threading.Thread(target=loop, daemon=True) for loop in loops]
        for thread in threads:
            thread.start()
        log.info("sync_started", mandanten=list(self._channels))
        stop.wait()
        until = time.monotonic() + FEED_WAIT_S + 1
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        log.info("sync_stopped")

    def _forwarder(self, mandant: str, immotion: ChannelSettings, breaker: Breaker) -> Forwarder:
        return Forwarder(
            mandant,
            channel=lambda: channel_of(mandant, immotion),
            storage=self._storage,
            threads=immotion.threads,
            lease=timedelta(seconds=immotion.lease_s),
            clock=_utc_now,
            breaker=breaker,
        )

    def _forward_all(self, mandant: str, immotion: ChannelSettings) -> None:
        forwarder = self._forwarder(mandant, immotion, Breaker(time.monotonic))
        try:
            forwarder.forward()
        finally:
            forwarder.close()

    def _forward_loop(self, mandant: str, immotion: ChannelSettings, stop: threading.Event) -> None:
        breaker, note = Breaker(time.monotonic), BreakerNote(mandant)
        forwarder = self._forwarder(mandant, immotion, breaker)
        while not stop.is_set():
            handled = self._guarded(mandant, partial(forwarder.forward, stop.is_set), stop)
            note.tell(is_open=breaker.is_open, failures=breaker.failures, pause_s=breaker.pause_s(), now=_utc_now())
            if not handled:
                stop.wait(IDLE_S)
        forwarder.close()

    def _feed_loop(self, mandant: str, immotion: ChannelSettings, stop: threading.Event) -> None:
        channel = channel_of(mandant, immotion)
        hour = immotion.reconcile_hour if isinstance(immotion, ImmotionSettings) else None
        looked_at = -float(MASTER_DATA_EVERY_S)
        while not stop.is_set():
            begun = time.monotonic()
            if begun - looked_at >= MASTER_DATA_EVERY_S:
                self._guarded(mandant, partial(self._mirror, mandant, channel), stop)
                looked_at = begun
            if hour is not None:
                self._guarded(mandant, partial(self._reconcile, mandant, channel, hour), stop)
            new = self._guarded(mandant, partial(self._take_in, mandant, channel, FEED_WAIT_S), stop)
            # an immotion that does not let a question wait is not asked without end
            left = FEED_WAIT_S - (time.monotonic() - begun)
            if not new and left > 0:
                self._guarded(mandant, partial(rest, mandant, stop, seconds=left), stop)
        channel.close()

    def _read(self, mandant: str, immotion: ChannelSettings) -> None:
        channel = channel_of(mandant, immotion)
        try:
            self._mirror(mandant, channel)
            while self._take_in(mandant, channel, 0):
                pass
        finally:
            channel.close()

    def _mirror(self, mandant: str, channel: Channel) -> int:
        """Bring master data and catalogs up to date."""
        changes = read_master_data(mandant, channel, clock=_utc_now)
        mirror(self._house(mandant), channel, clock=_utc_now)
        return changes

    def _reconcile(self, mandant: str, channel: Channel, hour: int) -> int:
        return reconcile_if_due(self._house(mandant), channel, hour=hour, clock=_utc_now, random=random.random)

    def _take_in(self, mandant: str, channel: Channel, wait: int) -> int:
        new = read_events(mandant, channel, wait=wait, clock=_utc_now)
        note_feed_read(mandant, EVENTS, _utc_now())
        apply_waiting(self._house(mandant), clock=_utc_now)
        fetch_announced(mandant, channel, Fetcher(self._storage, _utc_now, random.random))
        return new

    def _house(self, mandant: str) -> House:
        with connected():
            return self._houses.of(mandant)

    def _every(self, seconds: float, step: Callable[[], int], stop: threading.Event) -> None:
        while not stop.wait(seconds):
            self._guarded("", step, stop)

    def _tidy(self) -> int:
        return tidy(self._storage, draft_days=self._settings.service.draft_days, now=_utc_now())

    def _watch(self) -> int:
        return watch(list(self._channels), _utc_now())

    def _guarded(self, mandant: str, step: Callable[[], object], stop: threading.Event) -> int:
        """Do a step; a fault of immotion, the database or the disk pauses the loop and never ends it."""
        try:
            return int(bool(step()))
        except (Temporary, Permanent, CredentialsRefused) as fault:
            log.warning("immotion_unreachable", mandant=mandant, error=str(fault))
        except (StoreUnavailable, OSError) as fault:
            raise_alarm("sync_paused", mandant=mandant, detail=type(fault).__name__, now=_utc_now())
        except Exception as fault:  # noqa: BLE001 - a loop that ended silently would forward nothing any more
            raise_alarm("sync_step_failed", mandant=mandant, detail=type(fault).__name__, now=_utc_now())
        stop.wait(AFTER_FAULT_S)
        return 0
