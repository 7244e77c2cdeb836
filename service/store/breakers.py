"""The circuit breakers of all workers, written down when they change, so that other processes see them."""

from collections.abc import Sequence
from dataclasses import asdict

from service.store.database import engine
from service.store.models import BreakerRow
from service.store.query import dicts
from service.store.records import BreakerState


def note(breaker: BreakerState) -> None:
    """Write a breaker's new state, whichever worker wrote before; without a `last_success_at` the known one stays."""
    values = asdict(breaker)
    changes = {getattr(BreakerRow, name): value for name, value in values.items() if name != "mandant"}
    if breaker.last_success_at is None:
        del changes[BreakerRow.last_success_at]
    target = None if engine() == "mysql" else [BreakerRow.mandant]
    BreakerRow.insert(**values).on_conflict(conflict_target=target, update=changes).as_rowcount().execute()


def of(mandanten: Sequence[str]) -> dict[str, BreakerState]:
    """Return what is known of these Mandanten's breakers; a Mandant whose breaker never changed is missing."""
    query = BreakerRow.select().where(BreakerRow.mandant.in_(list(mandanten)))
    return {row["mandant"]: BreakerState(**row) for row in dicts(query)}
