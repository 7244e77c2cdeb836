"""The comparison of what is open with immotion: when it is due, how far it has come, what there is to compare."""

from datetime import datetime
from typing import Any
from uuid import UUID

import peewee
from peewee import fn

from service.store.models import OutboxRow, ReconcileRow, VorgangRow
from service.store.query import affected, dicts, first
from service.store.records import OpenVorgang, ReconcilePlan

_OPEN = (
    VorgangRow.id,
    VorgangRow.kanal,
    VorgangRow.immotion_id,
    VorgangRow.vorgangsnummer,
    VorgangRow.status,
)


def plan_of(mandant: str) -> ReconcilePlan | None:
    """Return when the next comparison is due; None when none was ever planned."""
    fields = (ReconcileRow.due_at, ReconcileRow.position, ReconcileRow.lease_until)
    row = first(ReconcileRow.select(*fields).where(ReconcileRow.mandant == mandant))
    return ReconcilePlan(**row) if row else None


def plan(mandant: str, due_at: datetime) -> None:
    """Plan the first comparison, unless there is a plan."""
    affected(ReconcileRow.insert(mandant=mandant, due_at=due_at).on_conflict_ignore().as_rowcount())


def begin(mandant: str, now: datetime) -> None:
    """Have everything compared from the beginning, now; whoever is at it loses its claim."""
    anew: dict[str, Any] = {"due_at": now, "position": "", "lease_until": None}
    if not affected(ReconcileRow.update(**anew).where(ReconcileRow.mandant == mandant)):
        affected(ReconcileRow.insert(mandant=mandant, **anew).on_conflict_ignore().as_rowcount())


def claim(mandant: str, *, seen: ReconcilePlan, now: datetime, lease_until: datetime) -> bool:
    """Take the next batch for the length of the lease; False when somebody else has it, or nothing is due."""
    held = (ReconcileRow.lease_until >= now) & (ReconcileRow.lease_until <= lease_until)
    free = ReconcileRow.lease_until.is_null() | ~held  # a lease longer than any was given by a clock that was wrong
    due = (ReconcileRow.due_at == seen.due_at) & (ReconcileRow.due_at <= now) & (ReconcileRow.position == seen.position)
    here = (ReconcileRow.mandant == mandant) & due & free
    return affected(ReconcileRow.update(lease_until=lease_until).where(here)) == 1


def give_back(mandant: str, *, claimed: datetime, seen: ReconcilePlan, position: str, due_at: datetime) -> bool:
    """Write how far it has come and let go; False when the claim is another's by now, who will write this himself."""
    mine = (ReconcileRow.lease_until == claimed) & (ReconcileRow.position == seen.position)
    here = (ReconcileRow.mandant == mandant) & (ReconcileRow.due_at == seen.due_at) & mine
    changes: dict[str, Any] = {"position": position, "due_at": due_at, "lease_until": None}
    return affected(ReconcileRow.update(**changes).where(here)) == 1


def batch(mandant: str, *, after: str, limit: int) -> list[OpenVorgang]:
    """Return the next open Vorgänge, each with when immotion got it, in one query; a keyset page."""
    filed = (OutboxRow.vorgang_id == VorgangRow.id) & OutboxRow.aktivitaet_id.is_null() & (OutboxRow.state == "sent")
    here = (VorgangRow.mandant == mandant) & (VorgangRow.offen == True)  # noqa: E712 - a condition of peewee
    if after:
        here &= VorgangRow.id > UUID(after)
    query = (
        VorgangRow.select(*_OPEN, OutboxRow.sent_at)
        .join(OutboxRow, peewee.JOIN.LEFT_OUTER, on=filed)
        .where(here)
        .order_by(VorgangRow.id)
        .limit(limit)
    )
    return [OpenVorgang(**row) for row in dicts(query)]


def owe_again(vorgang_id: UUID, now: datetime) -> int:
    """Owe immotion everything of a Vorgang that it has lost, once for ever; returns how many deliveries.

    Nothing of one that is not open any more: immotion may have said meanwhile that it has deleted it.
    """
    still_open = VorgangRow.select(VorgangRow.id).where((VorgangRow.id == vorgang_id) & (VorgangRow.offen == True))  # noqa: E712 - a condition of peewee
    here = (OutboxRow.vorgang_id == vorgang_id) & fn.EXISTS(still_open)
    lost = here & (OutboxRow.state == "sent") & OutboxRow.owed_again_at.is_null()
    owed: dict[str, Any] = {"state": "waiting", "next_at": now, "attempts": 0, "lease_until": None, "sent_at": None}
    return affected(OutboxRow.update(**owed, owed_again_at=now, outcome_unknown=False).where(lost))
