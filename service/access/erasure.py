"""The erasure of a person (DSGVO, Art. 17): looked at first, then done, with what stays and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from service.access import audit
from service.access.audit import Event, Source
from service.files.storage import Storage
from service.store import erasure, holds, retention
from service.store.database import compact, in_transaction
from service.store.erasure import Erased, Subject, Vorgaenge
from service.store.holds import Hold

log = structlog.get_logger()

_BATCH = 500


class UnderHold(Exception):
    """A legal hold stands on the person: nothing is erased."""

    def __init__(self, which: Sequence[Hold]) -> None:
        super().__init__(", ".join(str(hold.id) for hold in which))
        self.holds = tuple(which)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an erasure is going to do; `openings` immotion is still to be told of, and so they stay."""

    who: Subject
    vorgaenge: Vorgaenge
    openings: int


@dataclass(frozen=True, slots=True)
class Report:
    """What was erased; `events` of them were emptied, `waiting` ones stay, `left` files could not be deleted now."""

    plan: Plan
    erased: Erased = field(default_factory=Erased)
    events: int = 0
    waiting: int = 0
    left: int = 0

    @property
    def whole(self) -> bool:
        """Tell whether nothing of the person's own stays."""
        vorgaenge = self.plan.vorgaenge
        return not (vorgaenge.open or vorgaenge.owed or vorgaenge.held or self.plan.openings or self.waiting)


def plan(mandant: str, person: str) -> Plan:
    """Look at what an erasure of this person would do; raises UnderHold."""
    standing = holds.standing(mandant)
    on_person = [hold for hold in standing if hold.person == person]
    if on_person:
        raise UnderHold(on_person)
    who = erasure.subject(mandant, person)
    held = [hold.vorgang_id for hold in standing if hold.vorgang_id is not None]
    return Plan(who, erasure.vorgaenge(who, held), erasure.owed_lesungen(who))


def erase(mandant: str, person: str, *, storage: Storage, source: Source) -> Report:
    """Erase the person in database and files, as it stands now; raises UnderHold, and then nothing is erased.

    `source` is who does it. Its entry in the audit log does not say whom: that would be the first trace anew.
    """

    def work() -> tuple[Plan, Erased]:
        planned = plan(mandant, person)
        done = erasure.erase(planned.who, planned.vorgaenge.free, source.now)
        audit.note(Event.ERASED, source, facts={table: count for table, count in done.rows.items() if table != "audit"})
        return planned, done

    planned, done = in_transaction(work)
    emptied, waiting = _empty_events(planned)
    left = _delete(storage, done.files)
    compact()
    log.info("erased", mandant=mandant, vorgaenge=len(planned.vorgaenge.free), files=len(done.files), left=left)
    return Report(planned, done, emptied, waiting, left)


def _empty_events(planned: Plan) -> tuple[int, int]:
    ids = retention.gone(planned.who.mandant, planned.vorgaenge.free, [])
    emptied, waiting = 0, 0
    after: int | None = 0
    while after is not None:
        some, still, after = _one_batch(planned.who, ids, after)
        emptied, waiting = emptied + some, waiting + still
    return emptied, waiting


def _one_batch(who: Subject, ids: set[str], after: int) -> tuple[int, int, int | None]:
    return in_transaction(lambda: erasure.events(who, ids, after=after, limit=_BATCH))


def _delete(storage: Storage, files: Sequence[UUID]) -> int:
    """Delete files; those that cannot be deleted now are found as orphans within a day. Returns how many."""
    left = 0
    for file_id in files:
        try:
            storage.delete(file_id)
        except OSError:
            left += 1
    return left
