"""When something last worked: `worker` is the sync worker's minute, other names are feeds."""

from collections.abc import Sequence
from datetime import datetime

from peewee import fn

from service.store.database import engine
from service.store.models import HeartbeatRow
from service.store.query import tuples

WORKER = "worker"


def beat(mandant: str, name: str, now: datetime) -> None:
    """Write that it worked now."""
    target = None if engine() == "mysql" else [HeartbeatRow.mandant, HeartbeatRow.name]
    begun = fn.COALESCE(HeartbeatRow.first_at, HeartbeatRow.first_at.db_value(now))
    HeartbeatRow.insert(mandant=mandant, name=name, beat_at=now, first_at=now).on_conflict(
        conflict_target=target, update={HeartbeatRow.beat_at: now, HeartbeatRow.first_at: begun}
    ).as_rowcount().execute()


def last(mandanten: Sequence[str]) -> dict[tuple[str, str], datetime]:
    """Return when each of these Mandanten's things last worked, by Mandant and name."""
    query = HeartbeatRow.select(HeartbeatRow.mandant, HeartbeatRow.name, HeartbeatRow.beat_at)
    rows = tuples(query.where(HeartbeatRow.mandant.in_(list(mandanten))))
    return {(mandant, name): moment for mandant, name, moment in rows}


def first_beats(mandanten: Sequence[str]) -> dict[str, datetime]:
    """Return since when there has been a worker for each of these Mandanten."""
    here = HeartbeatRow.mandant.in_(list(mandanten)) & (HeartbeatRow.name == WORKER)
    query = HeartbeatRow.select(HeartbeatRow.mandant, HeartbeatRow.first_at)
    return dict(tuples(query.where(here & HeartbeatRow.first_at.is_null(False))))
