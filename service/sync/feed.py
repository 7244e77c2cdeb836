"""Reads immotion's feeds; the cursor moves in the transaction that stores what was read."""

from collections.abc import Callable
from datetime import datetime

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
                daten = None if change.get("geloescht") else change.get("daten") or {}
                stammdaten.apply_change(mandant, str(change["art"]), str(change["nr"]), daten)
            if page.cursor and page.cursor != cursor:
                inbox.move_cursor(mandant, MASTER_DATA, page.cursor, clock())
        total += len(page.entries)
        if not page.more or page.cursor == cursor:
            return total
