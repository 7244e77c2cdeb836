"""Deletes by each Mandant's policy what is over, in bounded batches, and nothing that is held."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from service.settings import Settings
from service.store import holds, retention
from service.store.database import connected, in_transaction
from service.store.holds import NOTHING, Held
from service.store.retention import Kind, Over, Removed
from service.vorgang.catalog import Catalog

_BATCH = 500
_YEAR = timedelta(days=366)  # never too early
_LATEST_ZONE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Policy:
    """How long what is kept; Vorgänge after they were closed, 0 years for good.

    `dokument_years`, by kind, are for documents that have no last day of their own.
    """

    draft_days: int
    audit_days: int
    mail_days: int = 30
    ereignis_days: int = 30
    vorgang_years: int = 0
    dokument_years: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Count:
    """What of a kind would go, and how much more would if nothing were held."""

    mandant: str
    kind: Kind
    before: datetime
    rows: int
    held: int
    arten: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _End:
    """Since before when what of a kind must not be kept."""

    kind: Kind
    before: datetime
    arten: tuple[str, ...] = ()

    def over(self, mandant: str, held: Held) -> Over:
        return Over(self.kind, mandant, self.before, held, self.arten)


def policies_of(settings: Settings, catalog_of: Callable[[str], Catalog]) -> Mapping[str, Policy]:
    """Return each Mandant's policy; `catalog_of` gives the catalog in force, with a connection to the store."""
    service = settings.service
    return {
        name: Policy(
            draft_days=mandant.retention.draft_days or service.draft_days,
            audit_days=mandant.retention.audit_days or service.audit_days,
            mail_days=mandant.retention.mail_days,
            ereignis_days=mandant.retention.ereignis_days,
            vorgang_years=mandant.retention.vorgang_years,
            dokument_years=_dokument_years(catalog_of(name), mandant.retention.dokument_years),
        )
        for name, mandant in settings.mandanten.items()
    }


def _dokument_years(catalog: Catalog, own: Mapping[str, int]) -> Mapping[str, int]:
    """Return the catalog's years by kind of document, and over them the Mandant's own."""
    return {code: art.keep_years for code, art in catalog.dokumentarten.items()} | dict(own)


def apply(policies: Mapping[str, Policy], rest: Policy, now: datetime) -> list[UUID]:
    """Delete what is over, for each Mandant that anything is kept of; returns the files that nobody names any more.

    `rest` is for a Mandant that the settings no longer name.
    """
    with connected():
        mandanten = retention.mandanten()
    files: list[UUID] = []
    for mandant in mandanten:
        for end in _ends(policies.get(mandant, rest), now):
            files += _remove(mandant, end)
    return files


def _remove(mandant: str, end: _End) -> Iterator[UUID]:
    after: int | None = 0
    while after is not None:
        with connected():
            done = _one_batch(mandant, end, after)
        yield from done.files
        after = done.last if end.kind is Kind.EREIGNIS else (0 if done.rows == _BATCH else None)


def _one_batch(mandant: str, end: _End, after: int) -> Removed:
    """Remove one batch, with the holds as they stand in its own transaction."""

    def work() -> Removed:
        return retention.remove(end.over(mandant, holds.held(mandant)), limit=_BATCH, after=after)

    return in_transaction(work)


def look(policies: Mapping[str, Policy], now: datetime) -> Iterator[Count]:
    """Say what would go now, of each Mandant and kind; events are counted without regard to holds."""
    for mandant, policy in policies.items():
        held = holds.held(mandant)
        for end in _ends(policy, now):
            free = retention.count(end.over(mandant, held))
            more = retention.count(end.over(mandant, NOTHING)) - free
            yield Count(mandant, end.kind, end.before, free, more, end.arten)


def _ends(policy: Policy, now: datetime) -> Iterator[_End]:
    """Yield of each kind since before when it must not be kept; documents go by their own last day, in any zone."""
    if policy.vorgang_years:
        yield _End(Kind.VORGANG, now - policy.vorgang_years * _YEAR)
    yield _End(Kind.DOKUMENT, now - _LATEST_ZONE)
    yield from _ends_of_dokumente(policy, (now - _LATEST_ZONE).year)
    yield _End(Kind.DRAFT, now - timedelta(days=policy.draft_days))
    yield _End(Kind.MAIL, now - timedelta(days=policy.mail_days))
    yield _End(Kind.EREIGNIS, now - timedelta(days=policy.ereignis_days))
    yield _End(Kind.AUDIT, now - timedelta(days=policy.audit_days))


def _ends_of_dokumente(policy: Policy, year: int) -> Iterator[_End]:
    """Yield documents without a last day of their own: their years begin when the year is over that they are about."""
    for years in sorted({years for years in policy.dokument_years.values() if years}):
        arten = tuple(sorted(art for art, of_art in policy.dokument_years.items() if of_art == years))
        yield _End(Kind.DOKUMENT, datetime(year - years, 1, 1, tzinfo=UTC), arten)


def held_everywhere() -> Held:
    """Return what is held of any Mandant: owner keys and ids are of one Mandant each."""
    all_of = [holds.held(mandant) for mandant in retention.mandanten()]
    owners = tuple(owner for held in all_of for owner in held.owners)
    ziele = tuple(ziel for held in all_of for ziel in held.ziele)
    return Held(owners=owners, ziele=ziele, vorgang_ids=tuple(key for held in all_of for key in held.vorgang_ids))
