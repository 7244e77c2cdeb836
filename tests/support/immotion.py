"""An immotion in memory: a feed that delivers as badly as the test wants, and what it would answer about a Vorgang."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.store.records import OutboxItem
from service.sync.immotion.channel import CursorExpired, FeedPage, Kataloge, Stand
from service.sync.immotion.wire import seq_of

Event = dict[str, Any]
ORDERED = ("STATUS", "ZUORDNUNG", "TERMIN", "VORGANG_ABGEWIESEN")


def in_order(events: Sequence[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (seq_of(event), event["zeit"], event["ereignisId"]))


def view_of(events: Sequence[Event]) -> dict[str, Any]:
    """What the visible ones of these events have said, as `mieterSicht` tells it."""
    view: dict[str, Any] = {}
    for event in in_order(events):
        daten = event["daten"]
        if event["sichtbarkeit"] != "MIETER":
            continue
        if event["typ"] == "STATUS":
            view["status"] = {"seit": event["zeit"], **daten["status"]}
        if event["typ"] == "VORGANG_ABGEWIESEN":
            view["status"] = {"code": "ABGELEHNT", "seit": event["zeit"], "textMieter": daten["grund"]}
        view |= {name: daten[name] for name in ("aufgabentraeger", "termin") if name in daten}
    seq = max((seq_of(event) for event in events), default=0)
    return view | ({"vorgangSeq": seq} if seq else {})


@dataclass
class Immotion:
    """A channel; `page` decides what a question to the feed is answered with."""

    page: Callable[[str], FeedPage] = lambda cursor: FeedPage((), cursor, more=False)
    stands: Mapping[str, Stand] = field(default_factory=dict)
    catalog: Kataloge | None = None
    asked: list[str] = field(default_factory=list)
    expired: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, item: OutboxItem) -> None:
        """Whoever claimed it."""

    def ereignisse(self, cursor: str, *, wait: int) -> FeedPage:
        return self._answer(cursor)

    def stammdaten(self, cursor: str) -> FeedPage:
        return self._answer(cursor)

    def stand(self, key: str) -> Stand | None:
        with self.lock:
            self.asked.append(key)
        found = self.stands.get(key)
        if isinstance(found, Exception):
            raise found
        return found

    def kataloge(self, etag: str) -> Kataloge | None:
        with self.lock:
            self.asked.append(etag)
        if isinstance(self.catalog, Exception):
            raise self.catalog
        return None if self.catalog is not None and etag == self.catalog.etag else self.catalog

    def close(self) -> None:
        """Nothing is open."""

    def _answer(self, cursor: str) -> FeedPage:
        if cursor in self.expired:
            raise CursorExpired
        return self.page(cursor)


def log_of(entries: Sequence[Mapping[str, Any]], size: int = 200) -> Callable[[str], FeedPage]:
    """A feed that is read from beginning to end; its cursor is a number."""

    def page(cursor: str) -> FeedPage:
        begin = int(cursor or 0)
        part = tuple(entries[begin : begin + size])
        return FeedPage(part, str(begin + len(part)), more=begin + len(part) < len(entries))

    return page
