"""Events of the feed, seen once; how far each feed has been read; who was told to look."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from typing import Any

import peewee

from service.store import clean
from service.store.database import engine
from service.store.models import EreignisRow, FeedRow, NudgeRow
from service.store.query import Query, affected, dicts, first, tuples
from service.store.records import Ereignis, FeedPlace

_CHUNK = 200
_FIELDS = [getattr(EreignisRow, name) for name in Ereignis.__slots__]


class DataRefused(Exception):
    """The engine refuses what would be written, now and whenever it is tried again."""


@contextmanager
def refused_data() -> Iterator[None]:
    """Tell values that the engine refuses from an engine that does not work; raises DataRefused."""
    try:
        yield
    except (peewee.DataError, peewee.IntegrityError) as fault:
        raise DataRefused(type(fault).__name__) from fault


def receive(mandant: str, body: Mapping[str, Any], now: datetime) -> bool:
    """Keep one event as it came; False if it was seen before (UNIQUE mandant, ereignis_id)."""
    return receive_all(mandant, [body], now) == 1


def receive_all(mandant: str, bodies: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Keep events as they came; returns how many had not been seen before (UNIQUE mandant, ereignis_id)."""
    return _keep(mandant, bodies, now, "waiting")


def set_aside(mandant: str, bodies: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Keep events that have no id, for a person to look at, each under its digest; returns how many are new."""
    return _keep(mandant, [{**body, "ereignisId": _digest(body)} for body in bodies], now, "parked")


def _digest(body: Mapping[str, Any]) -> str:
    whole = json.dumps(body, sort_keys=True, default=str)
    return "without-id:" + sha256(whole.encode()).hexdigest()


def _keep(mandant: str, bodies: Sequence[Mapping[str, Any]], now: datetime, state: str) -> int:
    seen = known(mandant, [str(body["ereignisId"]) for body in bodies])
    made = (_row(mandant, body, now, state) for body in bodies if str(body["ereignisId"]) not in seen)
    rows = {row["ereignis_id"]: row for row in made}
    # in the order of their ids: two pollers with the same events then wait for each other, and do not lock up
    ordered = [rows[name] for name in sorted(rows)]
    return sum(
        affected(EreignisRow.insert_many(ordered[start : start + _CHUNK]).on_conflict_ignore().as_rowcount())
        for start in range(0, len(ordered), _CHUNK)
    )


def _row(mandant: str, body: Mapping[str, Any], now: datetime, state: str) -> dict[str, Any]:
    return {
        "mandant": mandant,
        "ereignis_id": clean.key(body["ereignisId"]),
        "externe_id": clean.key(body.get("externeId") or ""),
        "immotion_id": clean.key(body.get("vorgangId") or ""),
        "body": clean.tree(dict(body)),
        "received_at": now,
        "state": state,
    }


def known(mandant: str, ereignis_ids: Sequence[str]) -> set[str]:
    """Return which of these events are stored, whatever became of them."""
    stored_as = {clean.key(one): one for one in ereignis_ids}
    keys = list(stored_as)
    found: set[str] = set()
    for start in range(0, len(keys), _CHUNK):
        here = (EreignisRow.mandant == mandant) & EreignisRow.ereignis_id.in_(keys[start : start + _CHUNK])
        found.update(stored_as[row[0]] for row in tuples(EreignisRow.select(EreignisRow.ereignis_id).where(here)))
    return found


def waiting(mandant: str, *, after: int = 0, limit: int = 200) -> list[Ereignis]:
    """Return events not applied yet, in the order of their arrival."""
    query = (
        EreignisRow.select(*_FIELDS)
        .where((EreignisRow.state == "waiting") & (EreignisRow.mandant == mandant) & (EreignisRow.id > after))
        .order_by(EreignisRow.id)
        .limit(limit)
    )
    return [Ereignis(**row) for row in dicts(query)]


def hold(ids: Sequence[int]) -> set[int]:
    """Lock these events until the end of the transaction; returns those that still wait and nobody else holds."""
    here = EreignisRow.id.in_(list(ids)) & (EreignisRow.state == "waiting")
    query: Query = EreignisRow.select(EreignisRow.id).where(here).order_by(EreignisRow.id)
    # SQLite has one writer, and a transaction of ours begins as one
    return {row[0] for row in tuples(query if engine() == "sqlite" else query.for_update("FOR UPDATE SKIP LOCKED"))}


def settle(ereignis_id: int, state: str) -> bool:
    """Move a waiting event to `applied`, `hidden`, `kept`, `foreign` or `parked`; False if somebody did so first."""
    return settle_all([ereignis_id], state) == 1


def settle_all(ids: Sequence[int], state: str) -> int:
    """Move waiting events to a state; returns how many were waiting."""
    here = EreignisRow.id.in_(list(ids)) & (EreignisRow.state == "waiting")
    return affected(EreignisRow.update(state=state).where(here)) if ids else 0


def cursor(mandant: str, feed: str) -> str:
    """Return where this feed goes on; empty means from the oldest kept."""
    return place(mandant, feed).cursor


def place(mandant: str, feed: str) -> FeedPlace:
    """Return how far this feed has been read."""
    row = first(FeedRow.select(FeedRow.cursor, FeedRow.full_since).where(_feed(mandant, feed)))
    return FeedPlace(**row) if row else FeedPlace()


def move_cursor(mandant: str, feed: str, to: str, now: datetime, *, seen: str) -> bool:
    """Move on from the cursor that was read, in the transaction that stores what came after it.

    False, and nothing is moved, when somebody else has moved it meanwhile: a slower reader never sets it back.
    """
    if affected(FeedRow.update(cursor=to, moved_at=now).where(_feed(mandant, feed) & (FeedRow.cursor == seen))):
        return True
    fresh = FeedRow.insert(mandant=mandant, feed=feed, cursor=to, moved_at=now).on_conflict_ignore().as_rowcount()
    return seen == "" and affected(fresh) == 1


def begin_full_pass(mandant: str, feed: str, now: datetime) -> None:
    """Read a feed from its beginning again, and remember that what does not occur in it is gone."""
    anew = {"cursor": "", "moved_at": now, "full_since": now}
    if not affected(FeedRow.update(**anew).where(_feed(mandant, feed))):
        affected(FeedRow.insert(mandant=mandant, feed=feed, **anew).on_conflict_ignore().as_rowcount())


def end_full_pass(mandant: str, feed: str, *, at: str, full_since: datetime) -> bool:
    """Note that a full pass is over; False if somebody else has done so, or has read on."""
    here = _feed(mandant, feed) & (FeedRow.cursor == at) & (FeedRow.full_since == full_since)
    return affected(FeedRow.update(full_since=None).where(here)) == 1


def _feed(mandant: str, feed: str) -> Query:
    return (FeedRow.mandant == mandant) & (FeedRow.feed == feed)


def nudge(mandant: str, now: datetime) -> None:
    """Note that the feed has something new; as often as one likes, it is read once."""
    affected(NudgeRow.insert(mandant=mandant, nudged_at=now).on_conflict_ignore().as_rowcount())


def take_nudge(mandant: str) -> bool:
    """Tell whether the feed has something new since somebody last asked; only one of several who ask hears so."""
    here = NudgeRow.mandant == mandant
    return (
        first(NudgeRow.select(NudgeRow.mandant).where(here)) is not None
        and affected(NudgeRow.delete().where(here)) == 1
    )
