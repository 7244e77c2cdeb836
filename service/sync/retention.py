"""Deletes by each Mandant's policy what is over, in bounded batches, and nothing that is held."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from service.settings import Settings
from service.store import holds, retention
from service.store.database import connected, in_transaction
from service.store.holds import NOTHING, Held
from service.store.retention import Kind, Over, Removed

_BATCH = 500
_YEAR = timedelta(days=366)  # never too early
_LATEST_ZONE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Policy:
    """How long what is kept; Vorgänge after they were closed, 0 years for good."""

    draft_days: int
    audit_days: int
    mail_days: int = 30
    ereignis_days: int = 30
    vorgang_years: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """What of a kind would go, and how much more would if nothing were held."""

    mandant: str
    kind: Kind
    before: datetime
    rows: int
    held: int


def policies_of(settings: Settings) -> Mapping[str, Policy]:
    """Return each Mandant's policy."""
    service = settings.service
    return {
        name: Policy(
            draft_days=mandant.retention.draft_days or service.draft_days,
            audit_days=mandant.retention.audit_days or service.audit_days,
            mail_days=mandant.retention.mail_days,
            ereignis_days=mandant.retention.ereignis_days,
            vorgang_years=mandant.retention.vorgang_years,
        )
        for name, mandant in settings.mandanten.items()
    }


def apply(policies: Mapping[str, Policy], rest: Policy, now: datetime) -> list[UUID]:
    """Delete what is over, for each Mandant that anything is kept of; returns the files that nobody names any more.

    `rest` is for a Mandant that the settings no longer name.
    """
    with connected():
        mandanten = retention.mandanten()
    files: list[UUID] = []
    for mandant in mandanten:
        for kind, before in _ends(policies.get(mandant, rest), now):
            files += _remove(mandant, kind, before)
    return files


def _remove(mandant: str, kind: Kind, before: datetime) -> Iterator[UUID]:
    after: int | None = 0
    while after is not None:
        with connected():
            done = _one_batch(mandant, kind, before, after)
        yield from done.files
        after = done.last if kind is Kind.EREIGNIS else (0 if done.rows == _BATCH else None)


def _one_batch(mandant: str, kind: Kind, before: datetime, after: int) -> Removed:
    """Remove one batch, with the holds as they stand in its own transaction."""

    def work() -> Removed:
        return retention.remove(Over(kind, mandant, before, holds.held(mandant)), limit=_BATCH, after=after)

    return in_transaction(work)


def look(policies: Mapping[str, Policy], now: datetime) -> Iterator[Count]:
    """Say what would go now, of each Mandant and kind; events are counted without regard to holds."""
    for mandant, policy in policies.items():
        held = holds.held(mandant)
        for kind, before in _ends(policy, now):
            free = retention.count(Over(kind, mandant, before, held))
            yield Count(mandant, kind, before, free, retention.count(Over(kind, mandant, before, NOTHING)) - free)


def _ends(policy: Policy, now: datetime) -> Iterator[tuple[Kind, datetime]]:
    """Yield of each kind since before when it must not be kept; documents go by their own last day, in any zone."""
    if policy.vorgang_years:
        yield Kind.VORGANG, now - policy.vorgang_years * _YEAR
    yield Kind.DOKUMENT, now - _LATEST_ZONE
    yield Kind.DRAFT, now - timedelta(days=policy.draft_days)
    yield Kind.MAIL, now - timedelta(days=policy.mail_days)
    yield Kind.EREIGNIS, now - timedelta(days=policy.ereignis_days)
    yield Kind.AUDIT, now - timedelta(days=policy.audit_days)


def held_everywhere() -> Held:
    """Return what is held of any Mandant: owner keys and ids are of one Mandant each."""
    all_of = [holds.held(mandant) for mandant in retention.mandanten()]
    owners = tuple(owner for held in all_of for owner in held.owners)
    ziele = tuple(ziel for held in all_of for ziel in held.ziele)
    return Held(owners=owners, ziele=ziele, vorgang_ids=tuple(key for held in all_of for key in held.vorgang_ids))
