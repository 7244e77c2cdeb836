"""When something last worked: `worker` is the sync worker's minute, other names are feeds."""

from collections.abc import Sequence
from datetime import datetime

from service.store.database import engine
from service.store.models import HeartbeatRow
from service.store.query import tuples

WORKER = "worker"


def beat(mandant: str, name: str, now: datetime) -> None:
    """Write that it worked now."""
    target = None if engine() == "mysql" else [HeartbeatRow.mandant, HeartbeatRow.name]
    HeartbeatRow.insert(mandant=mandant, name=name, beat_at=now).on_conflict(
        conflict_target=target, update={HeartbeatRow.beat_at: now}
    ).as_rowcount().execute()


def last(mandanten: Sequence[str]) -> dict[tuple[str, str], datetime]:
    """Return when each of these Mandanten's things last worked, by Mandant and name."""
    query = HeartbeatRow.select(HeartbeatRow.mandant, HeartbeatRow.name, HeartbeatRow.beat_at)
    rows = tuples(query.where(HeartbeatRow.mandant.in_(list(mandanten))))
    return {(mandant, name): moment for mandant, name, moment in rows}
