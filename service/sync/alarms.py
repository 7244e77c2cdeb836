"""What wants a person: a log event and a counted row, in one place. The kinds are described in docs/operators.md."""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from service.store import (
    alarms,
    benachrichtigungen,
    breakers,
    dateien,
    deliveries,
    documents,
    heartbeats,
    mails,
    outbox,
    quarantine,
)
from service.store.database import StoreUnavailable, connected
from service.store.records import Alarm, Backlog, BreakerState

log = structlog.get_logger()

UNSENT_AFTER = timedelta(minutes=15)
WAITING_AFTER = timedelta(hours=24)
SILENT_AFTER = timedelta(minutes=15)
_AGAIN_AFTER = timedelta(hours=1)
_REFUSED_STANDS = timedelta(days=7)
_BEAT_EVERY = timedelta(minutes=1)
_CODE = re.compile(r"[\w.:/-]{0,80}")
_NO_CODE = "?"


class _Uncounted:
    """What has been raised and is not in the database yet; shared by the threads of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._alarms: dict[tuple[str, str, str], Alarm] = {}

    def add(self, alarm: Alarm) -> None:
        key = (alarm.mandant, alarm.kind, alarm.detail)
        with self._lock:
            known = self._alarms.get(key)
            self._alarms[key] = alarm if known is None else _together(known, alarm)

    def take(self) -> list[Alarm]:
        with self._lock:
            taken, self._alarms = list(self._alarms.values()), {}
            return taken


def _together(one: Alarm, other: Alarm) -> Alarm:
    return replace(
        one,
        count=one.count + other.count,
        first_at=min(one.first_at, other.first_at),
        last_at=max(one.last_at, other.last_at),
    )


class _Beats:
    """When each feed's reading was last written down by this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[tuple[str, str], datetime] = {}

    def is_due(self, key: tuple[str, str], now: datetime) -> bool:
        with self._lock:
            last = self._last.get(key)
            if last is not None and last <= now < last + _BEAT_EVERY:
                return False
            self._last[key] = now
            return True


_uncounted = _Uncounted()
_beats = _Beats()


def raise_alarm(kind: str, *, mandant: str, detail: str = "", now: datetime, **facts: object) -> None:
    """Write a log event with `alarm` and count the alarm in the database; never raises.

    `detail` is a code (of immotion, of the catalog), never personal: whatever does not look like a code is counted
    as "?". `facts` go into the log only. Inside a transaction, or while the database is down, the counting waits for
    the next alarm or the next `watch`: a fault of the counter must not undo what the transaction does.
    """
    code = detail if _CODE.fullmatch(detail) else _NO_CODE
    log.error(kind, **facts, mandant=mandant, detail=code, alarm=True)
    _uncounted.add(Alarm(mandant, kind, code, count=1, first_at=now, last_at=now, cleared_at=None))
    flush()


def flush() -> None:
    """Count what is not in the database yet; what cannot be written now is kept for the next time."""
    if not alarms.writable():
        return
    for alarm in _uncounted.take():
        try:
            with connected():
                alarms.count(alarm)
        except StoreUnavailable:
            _uncounted.add(alarm)


def watch(feeds: Mapping[str, Mapping[str, timedelta]], now: datetime) -> int:
    """Look once a minute after what no single event tells; returns how many alarms stand.

    `feeds` are those that each Mandant with a channel has to read, and how long each may be silent. Raises
    `oldest_unsent`, `feed_silent`, `events_waiting` and `clocks_disagree`, clears what is over, counts what could not
    be counted before, notes that a worker is alive, keeps the running total of deliveries and corrects what a wrong
    clock has written. Raises StoreUnavailable.
    """
    flush()
    mandanten = list(feeds)
    with connected():
        backlogs, breaker = deliveries.backlogs(mandanten, now), breakers.of(mandanten)
        beats, begun = heartbeats.last(mandanten), heartbeats.first_beats(mandanten)
        aside = documents.parked(mandanten)
        for mandant in mandanten:
            heartbeats.beat(mandant, heartbeats.WORKER, now)
            deliveries.count_delivered(mandant, now)
            _watch_backlog(backlogs[mandant], now)
            rows = outbox.set_right(mandant, now)
            _hold(mandant, "clocks_disagree", stands=rows > 0, now=now, rows=rows)
            read = {feed: beats.get((mandant, feed)) or begun.get(mandant) or now for feed in feeds[mandant]}
            _watch_feeds(mandant, [feed for feed, at in read.items() if now - at > feeds[mandant][feed]], now)
            _watch_inbox(mandant, now)
            _clear(mandant, "document_refused", before=now - _REFUSED_STANDS, now=now)
            if mandant not in aside:
                _clear(mandant, "document_parked", before=now, now=now)
            accepted = _last_accepted(backlogs[mandant], breaker.get(mandant), beats)
            if accepted is not None:
                _clear(mandant, "credentials_refused", before=accepted, now=now)
        return len(alarms.standing(mandanten))


def watch_mails(mandanten: Sequence[str], now: datetime) -> int:
    """Look once a minute after the mails of all Mandanten; returns how many are parked. Raises StoreUnavailable.

    Raises `mail_unsent`, `mail_parked` and `mail_address_paused`, clears what is over, and corrects what a wrong clock
    has written.
    """
    with connected():
        backlogs = mails.backlogs(mandanten, now)
        for mandant, backlog in backlogs.items():
            oldest = backlog.oldest_waiting
            late = oldest is not None and now - oldest > UNSENT_AFTER
            _hold(mandant, "mail_unsent", stands=late, now=now, waiting=backlog.waiting)
            _hold(mandant, "mail_parked", stands=backlog.parked > 0, now=now, parked=backlog.parked)
            paused = benachrichtigungen.paused_since(mandant, now - mails.A_DAY)
            _hold(mandant, "mail_address_paused", stands=paused > 0, now=now, addresses=paused)
            mails.set_right(mandant, now)
    return sum(backlog.parked for backlog in backlogs.values())


def watch_files(mandanten: Sequence[str], now: datetime) -> int:
    """Look once a minute whether files wait for the virus scan; returns for how many Mandanten. Raises `scan_waiting`.

    Ends `file_quarantined` where nothing is in quarantine any more. Raises StoreUnavailable.
    """
    late = 0
    with connected():
        for mandant in mandanten:
            oldest = dateien.oldest_pending(mandant)
            stands = oldest is not None and now - oldest > UNSENT_AFTER
            _hold(mandant, "scan_waiting", stands=stands, now=now)
            if not quarantine.anything(mandant):
                _clear(mandant, "file_quarantined", before=now, now=now)
            late += stands
    return late


def note_feed_read(mandant: str, feed: str, now: datetime) -> None:
    """Note that a feed could be read, whether or not it had anything new; written at most once a minute."""
    if _beats.is_due((mandant, feed), now):
        with connected():
            heartbeats.beat(mandant, feed, now)


def _watch_backlog(backlog: Backlog, now: datetime) -> None:
    mandant, oldest = backlog.mandant, backlog.oldest_waiting
    late = oldest is not None and now - oldest > UNSENT_AFTER
    seconds = int((now - oldest).total_seconds()) if oldest else 0
    _hold(mandant, "oldest_unsent", stands=late, now=now, seconds=seconds, waiting=backlog.waiting)
    if not backlog.parked:
        _clear(mandant, "delivery_parked", before=now, now=now)


def _watch_inbox(mandant: str, now: datetime) -> None:
    oldest = deliveries.waits_since(mandant, now - WAITING_AFTER)
    hours = int((now - oldest).total_seconds() // 3600) if oldest else 0
    _hold(mandant, "events_waiting", stands=oldest is not None, now=now, hours=hours)
    if not deliveries.parked_events(mandant):
        _clear(mandant, "event_parked", before=now, now=now)


def _watch_feeds(mandant: str, silent: Sequence[str], now: datetime) -> None:
    """Raise an alarm for each silent feed, and clear those of feeds that are read, or not to be read any more."""
    _clear(mandant, "feed_silent", before=now, now=now, keep=silent)
    for feed in silent:
        _hold(mandant, "feed_silent", stands=True, now=now, detail=feed)


def _last_accepted(
    backlog: Backlog, breaker: BreakerState | None, beats: Mapping[tuple[str, str], datetime]
) -> datetime | None:
    """Return when immotion last accepted who we are; reading a feed proves it only where nothing is to be sent."""
    known = [deliveries.last_sent(backlog.mandant), breaker.last_success_at if breaker else None]
    if not backlog.waiting:
        known += _feeds_of(backlog.mandant, beats)
    return max((moment for moment in known if moment is not None), default=None)


def _feeds_of(mandant: str, beats: Mapping[tuple[str, str], datetime]) -> list[datetime]:
    return [moment for (whose, name), moment in beats.items() if whose == mandant and name != heartbeats.WORKER]


def _hold(mandant: str, kind: str, *, stands: bool, now: datetime, detail: str = "", **facts: object) -> None:
    """Raise an alarm when it begins and once an hour while it lasts; clear it when it is over."""
    if not stands:
        _clear(mandant, kind, before=now, now=now)
        return
    raised = alarms.last_raised(mandant, kind, detail)
    if raised is None or now - raised >= _AGAIN_AFTER:
        raise_alarm(kind, mandant=mandant, detail=detail, now=now, **facts)


def _clear(mandant: str, kind: str, *, before: datetime, now: datetime, keep: Sequence[str] = ()) -> None:
    if alarms.clear(mandant, kind, raised_before=before, now=now, keep=keep):
        log.info("alarm_cleared", mandant=mandant, kind=kind)
