"""Reads immotion's feeds; the cursor moves in the transaction that stores what was read."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from service.store import inbox, stammdaten
from service.store.database import connected, transaction
from service.sync.immotion.channel import Channel, CursorExpired

log = structlog.get_logger()

EVENTS = "ereignisse"
MASTER_DATA = "stammdaten"


def read_events(mandant: str, channel: Channel, *, wait: int, clock: Callable[[], datetime]) -> int:
    """Read one page of events into the inbox, waiting up to `wait` seconds for one; returns how many were new."""
    with connected():
        cursor = inbox.cursor(mandant, EVENTS)
    try:
        page = channel.ereignisse(cursor, wait=wait)
    except CursorExpired:
        log.warning("cursor_expired", mandant=mandant, feed=EVENTS, alarm=True)
        page = channel.ereignisse("", wait=0)
    now = clock()
    with connected(), transaction():
        new = sum(inbox.receive(mandant, event, now) for event in page.entries if event.get("ereignisId"))
        if page.cursor and page.cursor != cursor:
            inbox.move_cursor(mandant, EVENTS, page.cursor, now)
    return new


def read_master_data(mandant: str, channel: Channel, *, clock: Callable[[], datetime]) -> int:
    """Read all changes of persons, contracts, units and buildings; returns how many."""
    total = 0
    while True:
        with connected():
            cursor = inbox.cursor(mandant, MASTER_DATA)
        try:
            page = channel.stammdaten(cursor)
        except CursorExpired:
            page = channel.stammdaten("")
        with connected(), transaction():
            for change in page.entries:
                _apply_master_data(mandant, change)
            if page.cursor and page.cursor != cursor:
                inbox.move_cursor(mandant, MASTER_DATA, page.cursor, clock())
        total += len(page.entries)
        if not page.more or page.cursor == cursor:
            return total


def _apply_master_data(mandant: str, change: Mapping[str, Any]) -> None:
    """Take one change over; one that names nothing, or is no object, is left out with an alarm."""
    art, nr, daten = change.get("art"), change.get("nr"), change.get("daten")
    gone = bool(change.get("geloescht"))
    if not art or not nr or not (gone or isinstance(daten, Mapping)):
        log.error("master_data_not_understood", mandant=mandant, alarm=True)
        return
    stammdaten.apply_change(mandant, str(art)[:10], str(nr)[:100], None if gone else daten)
