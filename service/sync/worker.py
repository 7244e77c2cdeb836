"""The sync process: for each Mandant a forwarder and a reader of the feeds; one housekeeper."""

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
from service.settings import ChannelSettings, Settings
from service.store import outbox
from service.store.database import StoreUnavailable, connected, open_database
from service.sync.apply import apply_waiting
from service.sync.breaker import Breaker
from service.sync.documents import fetch_announced
from service.sync.feed import read_events, read_master_data
from service.sync.forwarder import Forwarder
from service.sync.housekeeping import tidy
from service.sync.immotion.channel import Channel, CredentialsRefused, Permanent, Temporary
from service.sync.immotion.factory import channel_of
from service.vorgang.house import Houses

log = structlog.get_logger()

DONE, TRY_AGAIN = 0, 75
IDLE_S = 0.3
FEED_WAIT_S = 3
AFTER_FAULT_S = 3.0
MASTER_DATA_EVERY_S = 15
TIDY_EVERY_S = 3600


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


def status(settings: Settings) -> list[dict[str, object]]:
    """Return per Mandant what waits, since when, and what is parked; needs a connection to the store."""
    counted = {counts.mandant: counts for counts in outbox.counts()}
    rows: list[dict[str, object]] = []
    for mandant in settings.mandanten:
        counts = counted.get(mandant)
        oldest = counts.oldest_waiting if counts else None
        rows.append(
            {
                "mandant": mandant,
                "waiting": counts.waiting if counts else 0,
                "parked": counts.parked if counts else 0,
                "sent": counts.sent if counts else 0,
                "oldest_waiting": oldest.isoformat() if oldest else None,
            }
        )
    return rows


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
        with_store = {row["mandant"]: row for row in self._status()}
        owed = any(with_store[mandant]["waiting"] for mandant in self._channels)
        return DONE if good and not owed else TRY_AGAIN

    def run(self, stop: threading.Event) -> None:
        """Run every loop in a thread of its own until `stop` is set."""
        loops: list[Callable[[], None]] = [partial(self._tidy_loop, stop)]
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

    def _status(self) -> list[dict[str, object]]:
        with connected():
            return status(self._settings)

    def _forwarder(self, mandant: str, immotion: ChannelSettings) -> Forwarder:
        return Forwarder(
            mandant,
            channel=lambda: channel_of(mandant, immotion),
            storage=self._storage,
            threads=immotion.threads,
            lease=timedelta(seconds=immotion.lease_s),
            clock=_utc_now,
            breaker=Breaker(time.monotonic),
        )

    def _forward_all(self, mandant: str, immotion: ChannelSettings) -> None:
        forwarder = self._forwarder(mandant, immotion)
        try:
            forwarder.forward()
        finally:
            forwarder.close()

    def _forward_loop(self, mandant: str, immotion: ChannelSettings, stop: threading.Event) -> None:
        forwarder = self._forwarder(mandant, immotion)
        while not stop.is_set():
            if not self._guarded(mandant, partial(forwarder.forward, stop.is_set), stop):
                stop.wait(IDLE_S)
        forwarder.close()

    def _feed_loop(self, mandant: str, immotion: ChannelSettings, stop: threading.Event) -> None:
        channel = channel_of(mandant, immotion)
        read_at = -float(MASTER_DATA_EVERY_S)
        while not stop.is_set():
            if time.monotonic() - read_at >= MASTER_DATA_EVERY_S:
                self._guarded(mandant, partial(read_master_data, mandant, channel, clock=_utc_now), stop)
                read_at = time.monotonic()
            self._guarded(mandant, partial(self._take_in, mandant, channel, FEED_WAIT_S), stop)
        channel.close()

    def _read(self, mandant: str, immotion: ChannelSettings) -> None:
        channel = channel_of(mandant, immotion)
        try:
            read_master_data(mandant, channel, clock=_utc_now)
            while self._take_in(mandant, channel, 0):
                pass
        finally:
            channel.close()

    def _take_in(self, mandant: str, channel: Channel, wait: int) -> int:
        new = read_events(mandant, channel, wait=wait, clock=_utc_now)
        with connected():
            house = self._houses.of(mandant)
        apply_waiting(house, clock=_utc_now)
        fetch_announced(mandant, channel, self._storage, clock=_utc_now)
        return new

    def _tidy_loop(self, stop: threading.Event) -> None:
        while not stop.wait(TIDY_EVERY_S):
            self._guarded("", self._tidy, stop)

    def _tidy(self) -> int:
        return tidy(self._storage, draft_days=self._settings.service.draft_days, now=_utc_now())

    def _guarded(self, mandant: str, step: Callable[[], int], stop: threading.Event) -> int:
        """Do a step; a fault of immotion, the database or the disk pauses the loop and never ends it."""
        try:
            return step()
        except (Temporary, Permanent, CredentialsRefused) as fault:
            log.warning("immotion_unreachable", mandant=mandant, error=str(fault))
        except (StoreUnavailable, OSError) as fault:
            log.error("sync_paused", mandant=mandant, error=type(fault).__name__, alarm=True)
        except Exception as fault:  # noqa: BLE001 - a loop that ended silently would forward nothing any more
            log.error("sync_step_failed", mandant=mandant, error=type(fault).__name__, alarm=True)
        stop.wait(AFTER_FAULT_S)
        return 0
