"""Which sessions of the CMS are at level 2, and how many wrong codes were typed where."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import fn

from service.store.models import CmsSessionRow, Row, TotpRow
from service.store.query import affected, tuples
from service.store.records import AccountKey, CmsSession


@dataclass(frozen=True, slots=True)
class Counter:
    """A row that counts failures in a row, with the time until which it takes none."""

    row: type[Row]
    here: Any
    failures: Any
    blocked_until: Any


def app_counter(who: AccountKey) -> Counter:
    """Return where an account's wrong codes of the app are counted."""
    here = (TotpRow.mandant == who.mandant) & (TotpRow.account == who.account)
    return Counter(TotpRow, here, TotpRow.failures, TotpRow.blocked_until)


def recovery_counter(who: AccountKey) -> Counter:
    """Return where an account's wrong recovery codes are counted."""
    here = (TotpRow.mandant == who.mandant) & (TotpRow.account == who.account)
    return Counter(TotpRow, here, TotpRow.recovery_failures, TotpRow.recovery_blocked_until)


def session_counter(session: CmsSession) -> Counter:
    """Return where the wrong codes of one session are counted."""
    return Counter(CmsSessionRow, _of(session), CmsSessionRow.level2_failures, CmsSessionRow.level2_blocked_until)


def count_attempt(counter: Counter, *, now: datetime) -> int:
    """Count one more failure before it is known to be one, and hold the row until the transaction ends.

    Returns how many there are in a row now; 0 when none is taken at this time.
    """
    free = counter.blocked_until.is_null() | (counter.blocked_until <= now)
    changed = affected(
        counter.row.update({counter.failures: fn.COALESCE(counter.failures, 0) + 1}).where(counter.here & free)
    )
    return int(tuples(counter.row.select(counter.failures).where(counter.here))[0][0]) if changed else 0


def block(counter: Counter, until: datetime) -> None:
    """Take no attempt until then."""
    counter.row.update({counter.blocked_until: until}).where(counter.here).execute()


def blocked_until(counter: Counter) -> datetime | None:
    """Return until when no attempt is taken."""
    found = tuples(counter.row.select(counter.blocked_until).where(counter.here))
    return found[0][0] if found else None


def forgive(counter: Counter) -> None:
    """Count anew: the last attempt was right."""
    counter.row.update({counter.failures: 0, counter.blocked_until: None}).where(counter.here).execute()


def lift(session: CmsSession, who: AccountKey, *, until: datetime, by: str) -> None:
    """Put a session at level 2 until then; inside the transaction that used up what it was confirmed by.

    The caller holds the session (`cms_sessions.hold`), which therefore has a row.
    """
    changes = {"account": who.account, "level2_until": until, "level2_by": by}
    CmsSessionRow.update(**changes).where(_of(session)).execute()


def until(session: CmsSession) -> datetime | None:
    """Return until when a session is, or was last, at level 2; None if it never was."""
    found = tuples(CmsSessionRow.select(CmsSessionRow.level2_until).where(_of(session)))
    return found[0][0] if found else None


def end(session: CmsSession) -> None:
    """End level 2 of every account in a session of the CMS."""
    here = (
        (CmsSessionRow.mandant == session.mandant)
        & (CmsSessionRow.connection == session.connection)
        & (CmsSessionRow.cms_session == session.cms_session)
    )
    _end(here)


def end_account(who: AccountKey, *, but: CmsSession | None = None) -> None:
    """End level 2 in every session of an account, `but` in one."""
    here = (CmsSessionRow.mandant == who.mandant) & (CmsSessionRow.account == who.account)
    _end(here if but is None else here & (CmsSessionRow.key != but.key))


def _end(here: Any) -> None:  # noqa: ANN401 - peewee's conditions have no types
    CmsSessionRow.update(level2_until=None, level2_by=None, level2_failures=None, level2_blocked_until=None).where(
        here
    ).execute()


def _of(session: CmsSession) -> Any:  # noqa: ANN401 - peewee's conditions have no types
    return (CmsSessionRow.mandant == session.mandant) & (CmsSessionRow.key == session.key)
