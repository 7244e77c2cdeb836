"""Reads immotion's feeds; the cursor moves in the transaction that stores what was read.

Any number of readers may do so at once: each moves the cursor only from where it had read it, so that it never goes
back, and never past something that is not stored.
"""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from service.store import clean, inbox, mirrors, reconciles, stammdaten
from service.store.database import connected, in_transaction
from service.store.records import FeedPlace
from service.store.stammdaten import Aenderung
from service.sync.alarms import raise_alarm
from service.sync.immotion.channel import Channel, CursorExpired, FeedPage, Temporary

EVENTS = "ereignisse"
MASTER_DATA = "stammdaten"
CATALOG_NEW = "KATALOG_NEU"
_LOOK_S = 0.5
_KNOWN_PAGES = 50


def read_events(mandant: str, channel: Channel, *, wait: int, clock: Callable[[], datetime]) -> int:
    """Read a page of events into the inbox, waiting up to `wait` seconds for one; returns how many were new.

    Pages that bring nothing new, as after the feed has begun anew, are passed by, so many at a time. When immotion no
    longer knows the cursor, the feed begins anew, and everything is to be reconciled.
    """
    asked: set[str] = set()
    while len(asked) < _KNOWN_PAGES:
        with connected():
            inbox.take_nudge(mandant)
            seen = inbox.cursor(mandant, EVENTS)
        if seen in asked:  # a feed that leads in a circle
            break
        asked.add(seen)
        try:
            page = channel.ereignisse(seen, wait=wait)
        except CursorExpired:
            _begin_anew(mandant, EVENTS, seen, clock())
            break
        new = _take_in(mandant, page, seen, clock())
        if new or not page.more:
            return new
    return 0


def _take_in(mandant: str, page: FeedPage, seen: str, now: datetime) -> int:
    with connected():
        new, nameless = in_transaction(lambda: _store(mandant, page, seen, now))
    if nameless:
        raise_alarm("event_parked", mandant=mandant, detail="NO_ID", now=now, events=nameless)
    return new


def _store(mandant: str, page: FeedPage, seen: str, now: datetime) -> tuple[int, int]:
    """Store a page; returns how many events were new, and how many without an id were put aside."""
    events = [event for event in page.entries if _has_id(event)]
    new = inbox.receive_all(mandant, events, now)
    nameless = inbox.set_aside(mandant, [event for event in page.entries if not _has_id(event)], now)
    if new and any(event.get("typ") == CATALOG_NEW for event in events):
        mirrors.expire(mandant)
    if page.cursor and page.cursor != seen:
        inbox.move_cursor(mandant, EVENTS, page.cursor, now, seen=seen)
    return new, nameless


def _has_id(event: Mapping[str, Any]) -> bool:
    return bool(clean.key(event.get("ereignisId") or ""))


def _begin_anew(mandant: str, feed: str, seen: str, now: datetime) -> None:
    """Go back to the beginning, once however many readers are told to; raises Temporary when that is refused too."""
    if not seen:
        raise Temporary("410 to an empty cursor")

    def move() -> bool:
        if not inbox.move_cursor(mandant, feed, "", now, seen=seen):
            return False
        inbox.begin_full_pass(mandant, MASTER_DATA, now)
        if feed == EVENTS:
            reconciles.begin(mandant, now)
        return True

    with connected():
        moved = in_transaction(move)
    if moved:
        raise_alarm("cursor_expired", mandant=mandant, detail=feed, now=now)


def rest(mandant: str, stop: threading.Event, *, seconds: float) -> None:
    """Wait before the next question; a webhook of immotion ends it. Raises StoreUnavailable.

    One look in half a second at one row, however many webhooks come: they cannot make more questions than that.
    """
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not stop.wait(min(_LOOK_S, left)):
        with connected():
            if inbox.take_nudge(mandant):
                return


def read_master_data(mandant: str, channel: Channel, *, clock: Callable[[], datetime]) -> int:
    """Read all changes of persons, contracts, units and buildings; returns how many.

    When immotion no longer knows the cursor, the whole stock is read anew, and what does not occur in it is removed.
    """
    total, asked = 0, set[str]()
    while True:
        with connected():
            place = inbox.place(mandant, MASTER_DATA)
        if place.cursor in asked:  # a feed that leads in a circle: the next time is soon enough
            return total
        asked.add(place.cursor)
        try:
            page = channel.stammdaten(place.cursor)
        except CursorExpired:
            _begin_anew(mandant, MASTER_DATA, place.cursor, clock())
            continue
        if not _take_over(mandant, page, place, clock()):
            continue
        total += len(page.entries)
        if not page.more:
            return total


def _take_over(mandant: str, page: FeedPage, place: FeedPlace, now: datetime) -> bool:
    """Store a page; False when somebody else has read on meanwhile: what this page says may be old by now."""
    changes = [change for entry in page.entries if (change := _change(entry)) is not None]
    emptied = False

    def store() -> bool:
        nonlocal emptied
        at = page.cursor or place.cursor
        if at != place.cursor and not inbox.move_cursor(mandant, MASTER_DATA, at, now, seen=place.cursor):
            return False
        # a full pass may have begun since the page was asked for
        full_since = inbox.place(mandant, MASTER_DATA).full_since
        stammdaten.apply_changes(mandant, changes, full_since=full_since)
        emptied = full_since is not None and not page.more and _end_full_pass(mandant, at, full_since)
        return True

    with connected():
        stored = in_transaction(store)
    if stored and len(changes) < len(page.entries):
        unread = len(page.entries) - len(changes)
        raise_alarm("master_data_not_understood", mandant=mandant, now=now, changes=unread)
    if emptied:
        raise_alarm("master_data_empty", mandant=mandant, now=now)
    return stored


def _end_full_pass(mandant: str, at: str, full_since: datetime) -> bool:
    """Remove what did not occur; True when nothing occurred at all, which is no reason to forget every contract."""
    ended = inbox.end_full_pass(mandant, MASTER_DATA, at=at, full_since=full_since)
    return ended and stammdaten.remove_unmet(mandant, full_since) is None


def _change(entry: Mapping[str, Any]) -> Aenderung | None:
    art, nr = (clean.key(entry.get(name) or "") for name in ("art", "nr"))
    daten, gone = entry.get("daten"), entry.get("geloescht")
    if not isinstance(gone, bool | None):  # "false" is not false, and who is deleted by mistake loses their home
        return None
    if not art or not nr or not (gone or isinstance(daten, Mapping)):
        return None
    return Aenderung(art, nr, None if gone or not isinstance(daten, Mapping) else daten)
