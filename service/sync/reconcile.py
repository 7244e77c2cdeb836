"""Compares with immotion: what is open or was closed lately every night, all when its feed has lost our place.

A batch at a time, between two questions to the feed: any worker may do the next one, and how far it has come is in the
database. What is found is written as the events would have: a later event still wins, and one that comes after all
changes nothing any more but adds its entry.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from service.store import inbox, reconciles, vorgaenge
from service.store.database import connected, in_transaction, transaction
from service.store.records import KnownVorgang, ReconcilePlan
from service.sync.alarms import raise_alarm
from service.sync.immotion.channel import Channel, CredentialsRefused, NotOffered, Permanent, Stand, Temporary
from service.vorgang.status import DELETED, LOWEST, OWN, RECEIVED, facts_of, view_of
from service.vorgang.types import House

log = structlog.get_logger()

BATCH = 50
LEASE = timedelta(minutes=5)
JITTER = timedelta(minutes=30)
# A Vorgang that waits for immotion's batch import may be unknown until then.
IMPORT_TAKES = timedelta(days=1)
# What was closed longer ago, immotion may have deleted: it is brought up to date after 410, but never owed again.
CLOSED_FOR = timedelta(days=60)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_BORN = "IMMOTION"


@dataclass(frozen=True, slots=True)
class _Compared:
    """A Vorgang and how it stands at immotion; None when immotion does not know it."""

    vorgang: KnownVorgang
    stand: Stand | None


@dataclass(frozen=True, slots=True)
class _Found:
    """What a batch has come to: alarms to raise once it is written."""

    lost: tuple[KnownVorgang, ...] = ()
    unmapped: tuple[str, ...] = ()
    clashing: int = 0


def reconcile_if_due(
    house: House, channel: Channel, *, hour: int, clock: Callable[[], datetime], random: Callable[[], float]
) -> bool:
    """Compare the next batch, if it is time and nobody else is at it; returns whether there is more to compare now.

    It is time once a day after `hour` o'clock in the house's zone, spread over half an hour by `random` (0 to 1), and
    when the feed has begun anew. Raises the channel's errors; what was compared before is kept.
    """
    now = clock()
    with connected():
        seen = reconciles.plan_of(house.mandant)
        if seen is None:
            reconciles.plan(house.mandant, next_night(now, hour, house.zone, random()))
            return False
        if seen.due_at > now or not reconciles.claim(house.mandant, seen=seen, now=now, lease_until=now + LEASE):
            return False
        batch = reconciles.batch(house.mandant, seen, limit=BATCH)
    compared, fault = _compare(batch, channel)
    at_end = fault is None and len(batch) < BATCH
    then = _further(seen, [one.vorgang for one in compared])
    if at_end:
        then = _next_stage(seen, now) or ReconcilePlan(next_night(now, hour, house.zone, random()))
    _write(house, compared, seen, _Step(now + LEASE, then, clock()))
    if fault is not None:
        raise fault
    return then.due_at == seen.due_at


def _further(seen: ReconcilePlan, compared: Sequence[KnownVorgang]) -> ReconcilePlan:
    if not compared:
        return replace(seen, lease_until=None)
    last = compared[-1]
    closed_from = None if seen.closed_from is None else last.status_at
    return replace(seen, position=str(last.id), closed_from=closed_from, lease_until=None)


def _next_stage(seen: ReconcilePlan, now: datetime) -> ReconcilePlan | None:
    """Return where to go on when the open ones are done; None when the closed ones are, too."""
    if seen.closed_from is not None:
        return None
    since = _BEGINNING if seen.everything else now - CLOSED_FOR
    return replace(seen, position="", closed_from=since, lease_until=None)


def next_night(now: datetime, hour: int, zone: ZoneInfo, fraction: float) -> datetime:
    """Return the next time that it is `hour` o'clock there, and a part of half an hour."""
    here = now.astimezone(zone)
    tonight = datetime.combine(here.date(), time(hour), zone)
    later = tonight if tonight > here else datetime.combine(here.date() + timedelta(days=1), time(hour), zone)
    return later + JITTER * fraction


@dataclass(frozen=True, slots=True)
class _Step:
    claimed: datetime
    then: ReconcilePlan
    now: datetime


def _compare(
    batch: Sequence[KnownVorgang], channel: Channel
) -> tuple[list[_Compared], Temporary | CredentialsRefused | None]:
    """Ask for each Vorgang that immotion should know; ends early when immotion does not answer."""
    compared: list[_Compared] = []
    for vorgang in batch:
        try:
            compared.append(_Compared(vorgang, _stand(vorgang, channel)))
        except (Temporary, CredentialsRefused) as fault:
            return compared, fault
    return compared, None


def _stand(vorgang: KnownVorgang, channel: Channel) -> Stand | None:
    nothing = Stand(None, None, 0, {})
    if vorgang.sent_at is None and vorgang.kanal != _BORN:
        return nothing  # immotion does not have it yet, or the forwarder has still to hear so
    try:
        stand = channel.stand(str(vorgang.id) if vorgang.kanal != _BORN else vorgang.immotion_id or "")
    except NotOffered:
        return nothing
    except Permanent as refused:
        log.warning("reconcile_refused", vorgang=str(vorgang.id), error=str(refused))
        return nothing
    return nothing if stand is None and vorgang.kanal == _BORN else stand


def _write(house: House, compared: Sequence[_Compared], seen: ReconcilePlan, step: _Step) -> None:
    def work() -> _Found | None:
        mine = reconciles.give_back(house.mandant, claimed=step.claimed, seen=seen, then=step.then)
        return _bring_up_to_date(compared, house, step.now) if mine else None

    with connected():
        found = in_transaction(work)
    if found is None:
        return
    for vorgang in found.lost:
        raise_alarm("vorgang_lost", mandant=house.mandant, now=step.now, vorgang=str(vorgang.id))
    for code in found.unmapped:
        raise_alarm("status_unmapped", mandant=house.mandant, detail=code, now=step.now)
    if found.clashing:
        raise_alarm("immotion_id_taken", mandant=house.mandant, now=step.now, vorgaenge=found.clashing)


def _bring_up_to_date(compared: Sequence[_Compared], house: House, now: datetime) -> _Found:
    lost, unmapped, clashing = [], [], 0
    for one in compared:
        if one.stand is None:
            if _is_lost(one.vorgang, now):
                reconciles.owe_again(one.vorgang.id, now, deleted=DELETED)
                lost.append(one.vorgang)
            continue
        clashing += not _take_facts(one.vorgang, one.stand)
        if code := _take_view(one.vorgang, one.stand, house, now):
            unmapped.append(code)
    return _Found(tuple(lost), tuple(unmapped), clashing)


def _is_lost(vorgang: KnownVorgang, now: datetime) -> bool:
    """Tell whether immotion should know a Vorgang by now (it gave it a number, or had time to import it), and still."""
    if not vorgang.offen and vorgang.status_at < now - CLOSED_FOR:
        return False
    had_time = vorgang.sent_at is not None and now - vorgang.sent_at > IMPORT_TAKES
    return vorgang.vorgangsnummer is not None or had_time


def _take_facts(vorgang: KnownVorgang, stand: Stand) -> bool:
    """Write immotion's names of a Vorgang; False if another one has its id, and then no more than the number."""
    told = {"vorgangsnummer": stand.vorgangsnummer, "vorgangId": stand.immotion_id}
    facts = {name: value for name, value in facts_of(told).items() if getattr(vorgang, name) != value}
    if not facts or _set(vorgang, facts):
        return True
    number = {name: value for name, value in facts.items() if name != "immotion_id"}
    if number:
        _set(vorgang, number)
    return False


def _set(vorgang: KnownVorgang, facts: Mapping[str, Any]) -> bool:
    try:
        with transaction(), inbox.refused_data():
            vorgaenge.set_facts(vorgang.id, facts)
    except (vorgaenge.ImmotionIdTaken, inbox.DataRefused):
        return False
    return True


def _take_view(vorgang: KnownVorgang, stand: Stand, house: House, now: datetime) -> str | None:
    """Write what the resident may see; returns a status code of immotion that the catalog does not know."""
    if stand.vorgangsnummer and vorgang.status in OWN:
        vorgaenge.update_latest(vorgang.id, "status", 0, LOWEST, {"status": RECEIVED, "status_at": now})
    change, tie = view_of(stand.view, house.catalog)
    for what, columns in change.latest.items():
        vorgaenge.update_latest(vorgang.id, what, stand.seq, tie, columns)
    return change.unmapped
