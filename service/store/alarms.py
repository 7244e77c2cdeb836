"""What wants a person, counted per Mandant, kind and detail."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from peewee import Case, fn

from service.store.database import database, engine
from service.store.models import AlarmRow
from service.store.query import affected, dicts, first, tuples
from service.store.records import Alarm

_KEY = (AlarmRow.mandant, AlarmRow.kind, AlarmRow.detail)


def writable() -> bool:
    """Tell whether an alarm can be counted now: a database is open, and no transaction that it would hang on."""
    return database.obj is not None and not database.in_transaction()


def count(alarm: Alarm) -> None:
    """Add an alarm's count to its row and let it stand, in one statement; a cleared one begins to stand anew."""
    first_at, last_at = (AlarmRow.first_at.db_value(moment) for moment in (alarm.first_at, alarm.last_at))
    begun = Case(None, [(AlarmRow.cleared_at.is_null(), AlarmRow.first_at)], first_at)
    later = Case(None, [(AlarmRow.last_at > alarm.last_at, AlarmRow.last_at)], last_at)
    AlarmRow.insert(**asdict(alarm)).on_conflict(
        conflict_target=None if engine() == "mysql" else list(_KEY),
        update={
            AlarmRow.count: AlarmRow.count + alarm.count,
            AlarmRow.first_at: begun,
            AlarmRow.last_at: later,
            AlarmRow.cleared_at: None,
        },
    ).as_rowcount().execute()


def clear(mandant: str, kind: str, *, raised_before: datetime, now: datetime, keep: Sequence[str] = ()) -> int:
    """End the standing alarms of a kind that were last raised before a time; returns how many.

    Those with one of the details to `keep` go on standing.
    """
    here = (AlarmRow.mandant == mandant) & (AlarmRow.kind == kind) & AlarmRow.cleared_at.is_null()
    if keep:
        here &= AlarmRow.detail.not_in(list(keep))
    return affected(AlarmRow.update(cleared_at=now).where(here & (AlarmRow.last_at < raised_before)))


def last_raised(mandant: str, kind: str, detail: str = "") -> datetime | None:
    """Return when a standing alarm of this kind and detail was last raised; None when none stands."""
    here = (AlarmRow.mandant == mandant) & (AlarmRow.kind == kind) & (AlarmRow.detail == detail)
    row = first(AlarmRow.select(AlarmRow.last_at).where(here & AlarmRow.cleared_at.is_null()))
    return row["last_at"] if row else None


def standing(mandanten: Sequence[str]) -> list[Alarm]:
    """Return the alarms of these Mandanten that stand, the newest first."""
    here = AlarmRow.mandant.in_(list(mandanten)) & AlarmRow.cleared_at.is_null()
    return [Alarm(**row) for row in dicts(AlarmRow.select().where(here).order_by(AlarmRow.last_at.desc()))]


def totals(mandanten: Sequence[str]) -> list[tuple[str, str, int, bool]]:
    """Return Mandant, kind, how often it was ever raised and whether it stands, in one query."""
    stands = fn.MAX(Case(None, [(AlarmRow.cleared_at.is_null(), 1)], 0))
    query = (
        AlarmRow.select(AlarmRow.mandant, AlarmRow.kind, fn.SUM(AlarmRow.count), stands)
        .where(AlarmRow.mandant.in_(list(mandanten)))
        .group_by(AlarmRow.mandant, AlarmRow.kind)
        .order_by(AlarmRow.mandant, AlarmRow.kind)
    )
    return [(mandant, kind, int(total), bool(up)) for mandant, kind, total, up in tuples(query)]
