"""The circuit breaker of each Mandant's connection: one row, shared by all workers, changed on conditions only."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from peewee import Case

from service.store.database import engine, in_transaction
from service.store.models import BreakerRow
from service.store.query import Query, affected, dicts
from service.store.records import BreakerState

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"


def note(breaker: BreakerState) -> None:
    """Write a breaker's state, whatever it was before; without a `last_success_at` the known one stays."""
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


def open_until(opened: BreakerState) -> None:
    """Open a breaker until its `next_probe_at`, unless it is open for longer; it keeps the time since when."""
    since = Case(None, [(BreakerRow.state == CLOSED, BreakerRow.since.db_value(opened.since))], BreakerRow.since)
    changes = {
        "since": since,
        "state": OPEN,
        "failures": opened.failures,
        "next_probe_at": opened.next_probe_at,
        "told_at": opened.told_at,
        "worker": opened.worker,
    }
    shorter = BreakerRow.next_probe_at.is_null() | (BreakerRow.next_probe_at < opened.next_probe_at)
    here = (BreakerRow.mandant == opened.mandant) & ((BreakerRow.state != OPEN) | shorter)

    def write() -> None:
        if not affected(BreakerRow.update(**changes).where(here)):
            BreakerRow.insert(**asdict(opened)).on_conflict_ignore().as_rowcount().execute()

    in_transaction(write)


def take_probe(taken: BreakerState, *, seen: BreakerState) -> bool:
    """Let a worker send the probe until its `next_probe_at`; False when another one has taken it since it was seen."""
    changes = {"state": HALF_OPEN, **_told(taken)}
    here = (BreakerRow.state == seen.state) & (BreakerRow.next_probe_at == seen.next_probe_at)
    return _change(taken.mandant, here, changes) == 1


def close(closed: BreakerState) -> None:
    """Close a breaker whose probe was answered; one that was opened again meanwhile stays open."""
    more = {"state": CLOSED, "failures": 0, "since": closed.since, "last_success_at": closed.last_success_at}
    _change(closed.mandant, BreakerRow.state == HALF_OPEN, more | _told(closed))


def end_pause(mandant: str, now: datetime) -> None:
    """Let the next probe be sent at once."""
    here = (BreakerRow.state == OPEN) & (BreakerRow.next_probe_at > now)
    _change(mandant, here, {"next_probe_at": now, "told_at": now})


def _told(state: BreakerState) -> dict[str, object]:
    return {"next_probe_at": state.next_probe_at, "told_at": state.told_at, "worker": state.worker}


def _change(mandant: str, here: Query, changes: dict[str, object]) -> int:
    change = BreakerRow.update(**changes).where((BreakerRow.mandant == mandant) & here)
    return in_transaction(lambda: affected(change))
