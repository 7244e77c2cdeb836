"""The comparison with immotion: when it is due, how far it has come, what there is to compare."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee
from peewee import fn

from service.store import outbox
from service.store.models import OutboxRow, ReconcileRow, VorgangRow
from service.store.query import Query, affected, dicts, first
from service.store.records import KnownVorgang, ReconcilePlan

_KNOWN = (
    VorgangRow.id,
    VorgangRow.kanal,
    VorgangRow.immotion_id,
    VorgangRow.vorgangsnummer,
    VorgangRow.status,
    VorgangRow.status_at,
    VorgangRow.offen,
)
_PLAN = [getattr(ReconcileRow, name) for name in ReconcilePlan.__slots__]


def plan_of(mandant: str) -> ReconcilePlan | None:
    """Return when the next comparison is due; None when none was ever planned."""
    row = first(ReconcileRow.select(*_PLAN).where(ReconcileRow.mandant == mandant))
    return ReconcilePlan(**row) if row else None


def plan(mandant: str, due_at: datetime) -> None:
    """Plan the first comparison, unless there is a plan."""
    affected(ReconcileRow.insert(mandant=mandant, due_at=due_at).on_conflict_ignore().as_rowcount())


def begin(mandant: str, now: datetime) -> None:
    """Have everything compared from the beginning, now, open or not; whoever is at it loses its claim."""
    anew: dict[str, Any] = {"due_at": now, "position": "", "lease_until": None, "closed_from": None, "everything": True}
    if not affected(ReconcileRow.update(**anew).where(ReconcileRow.mandant == mandant)):
        affected(ReconcileRow.insert(mandant=mandant, **anew).on_conflict_ignore().as_rowcount())


def claim(mandant: str, *, seen: ReconcilePlan, now: datetime, lease_until: datetime) -> bool:
    """Take the next batch for the length of the lease; False when somebody else has it, or nothing is due."""
    held = (ReconcileRow.lease_until >= now) & (ReconcileRow.lease_until <= lease_until)
    free = ReconcileRow.lease_until.is_null() | ~held  # a lease longer than any was given by a clock that was wrong
    here = _as_seen(mandant, seen) & (ReconcileRow.due_at <= now) & free
    return affected(ReconcileRow.update(lease_until=lease_until).where(here)) == 1


def give_back(mandant: str, *, claimed: datetime, seen: ReconcilePlan, then: ReconcilePlan) -> bool:
    """Write how it goes on and let go; False when the claim is another's by now, who will write this himself."""
    mine = _as_seen(mandant, seen) & (ReconcileRow.lease_until == claimed)
    return affected(ReconcileRow.update(**asdict(then)).where(mine)) == 1


def _as_seen(mandant: str, seen: ReconcilePlan) -> Query:
    """Match the plan as long as nobody has got further, or begun anew."""
    same_stage = ReconcileRow.closed_from.is_null()
    if seen.closed_from is not None:
        same_stage = ReconcileRow.closed_from == seen.closed_from
    same = (ReconcileRow.due_at == seen.due_at) & (ReconcileRow.position == seen.position)
    return (ReconcileRow.mandant == mandant) & same & same_stage


def batch(mandant: str, plan: ReconcilePlan, *, limit: int) -> list[KnownVorgang]:
    """Return the Vorgänge that come next, each with when immotion got it, in one query; a keyset page."""
    filed = (OutboxRow.vorgang_id == VorgangRow.id) & OutboxRow.aktivitaet_id.is_null() & (OutboxRow.state == "sent")
    here = (VorgangRow.mandant == mandant) & (VorgangRow.offen == (plan.closed_from is None))
    if plan.closed_from is not None:
        beyond = VorgangRow.id > UUID(plan.position) if plan.position else VorgangRow.id.is_null(False)
        here &= (VorgangRow.status_at >= plan.closed_from) & ((VorgangRow.status_at > plan.closed_from) | beyond)
        order = [VorgangRow.status_at, VorgangRow.id]
    else:
        order = [VorgangRow.id]
        here = here & (VorgangRow.id > UUID(plan.position)) if plan.position else here
    query = VorgangRow.select(*_KNOWN, OutboxRow.sent_at).join(OutboxRow, peewee.JOIN.LEFT_OUTER, on=filed)
    return [KnownVorgang(**row) for row in dicts(query.where(here).order_by(*order).limit(limit))]


def owe_again(vorgang_id: UUID, now: datetime, *, deleted: str) -> int:
    """Owe immotion everything of a Vorgang that it has lost, once for ever; returns how many deliveries.

    The days after which a delivery is given up count from now. Nothing of one that immotion has said meanwhile it
    has deleted: `deleted` is the status that says so.
    """
    kept = VorgangRow.select(VorgangRow.id).where((VorgangRow.id == vorgang_id) & (VorgangRow.status != deleted))
    here = (OutboxRow.vorgang_id == vorgang_id) & fn.EXISTS(kept)
    lost = here & (OutboxRow.state == "sent") & OutboxRow.owed_again_at.is_null()
    owed = outbox.due_anew(now) | {"sent_at": None, "owed_again_at": now, "outcome_unknown": False}
    return affected(OutboxRow.update(**owed).where(lost))
