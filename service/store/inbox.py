"""Events of the feed, seen once; how far each feed has been read."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from service.store.models import EreignisRow, FeedRow
from service.store.query import affected, dicts, first, tuples
from service.store.records import Ereignis

_CHUNK = 500
_FIELDS = [getattr(EreignisRow, name) for name in Ereignis.__slots__]


def receive(mandant: str, body: Mapping[str, Any], now: datetime) -> bool:
    """Keep one event as it came; False if it was seen before (UNIQUE mandant, ereignis_id)."""
    return (
        affected(
            EreignisRow.insert(
                mandant=mandant,
                ereignis_id=str(body["ereignisId"]),
                externe_id=str(body.get("externeId") or ""),
                immotion_id=str(body.get("vorgangId") or ""),
                body=dict(body),
                received_at=now,
                state="waiting",
            )
            .on_conflict_ignore()
            .as_rowcount()
        )
        == 1
    )


def known(mandant: str, ereignis_ids: Sequence[str]) -> set[str]:
    """Return which of these events are stored, whatever became of them."""
    found: set[str] = set()
    for start in range(0, len(ereignis_ids), _CHUNK):
        chunk = list(ereignis_ids[start : start + _CHUNK])
        query = EreignisRow.select(EreignisRow.ereignis_id)
        here = (EreignisRow.mandant == mandant) & EreignisRow.ereignis_id.in_(chunk)
        found.update(row[0] for row in tuples(query.where(here)))
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


def settle(ereignis_id: int, state: str) -> bool:
    """Move a waiting event to `applied`, `hidden` or `kept`; False if another worker did so first."""
    here = (EreignisRow.id == ereignis_id) & (EreignisRow.state == "waiting")
    return affected(EreignisRow.update(state=state).where(here)) == 1


def cursor(mandant: str, feed: str) -> str:
    """Return where this feed goes on; empty means from the oldest kept."""
    row = first(FeedRow.select(FeedRow.cursor).where((FeedRow.mandant == mandant) & (FeedRow.feed == feed)))
    return str(row["cursor"]) if row else ""


def move_cursor(mandant: str, feed: str, cursor_value: str, now: datetime) -> None:
    """Remember how far the feed was read, in the transaction that stores what was read."""
    here = (FeedRow.mandant == mandant) & (FeedRow.feed == feed)
    if not FeedRow.update(cursor=cursor_value, moved_at=now).where(here).execute():
        FeedRow.insert(
            mandant=mandant, feed=feed, cursor=cursor_value, moved_at=now
        ).on_conflict_ignore().as_rowcount().execute()
