"""What the portal knows of a session of the CMS, apart from the browsers that hang on it."""

from dataclasses import asdict
from datetime import datetime

from peewee import fn

from service.store.database import engine
from service.store.models import AccountPersonRow, CmsSessionRow, SessionRow
from service.store.query import first, tuples
from service.store.records import CmsSession


def hold(session: CmsSession, *, now: datetime) -> None:
    """Note that a session of the CMS is in use, and hold its row until the transaction ends.

    Who signs in and who ends the session wait for each other here: one of them sees what the other has done.
    """
    target = None if engine() == "mysql" else [CmsSessionRow.mandant, CmsSessionRow.key]
    CmsSessionRow.insert(**asdict(session), updated_at=now).on_conflict(
        conflict_target=target, update={CmsSessionRow.updated_at: now}
    ).as_rowcount().execute()


def end(session: CmsSession, *, at: datetime, now: datetime) -> None:
    """Note that the CMS ended this session at a time by its own clock, whichever of its accounts used it."""
    hold(session, now=now)
    earlier = CmsSessionRow.ended_at.is_null() | (CmsSessionRow.ended_at < at)
    CmsSessionRow.update(ended_at=at, updated_at=now).where(_named(session) & earlier).execute()


def ended_at(session: CmsSession) -> datetime | None:
    """Return when the CMS last ended this session; None if it never did."""
    ends = CmsSessionRow.select(CmsSessionRow.ended_at).where(_named(session) & CmsSessionRow.ended_at.is_null(False))
    last = first(ends.order_by(CmsSessionRow.ended_at.desc()))
    return last["ended_at"] if last else None


def standing(session: CmsSession, account: str) -> tuple[datetime | None, int]:
    """Return when the CMS last ended this session, and for how many persons the account may act; in one query."""
    links = AccountPersonRow.select(fn.COUNT(AccountPersonRow.person)).where(
        (AccountPersonRow.mandant == session.mandant) & (AccountPersonRow.account == account)
    )
    query = CmsSessionRow.select(fn.MAX(CmsSessionRow.ended_at), links)
    ended, persons = tuples(query.where(_named(session) & CmsSessionRow.ended_at.is_null(False)))[0]
    return ended, int(persons)


def shared(mandant: str, connection: str) -> int:
    """Return how many accounts use one session of a connection at most: more than one is a mistake of the CMS."""
    counts = []
    for row in (SessionRow, CmsSessionRow):
        accounts = fn.COUNT(fn.DISTINCT(row.account))
        here = (row.mandant == mandant) & (row.connection == connection)
        counts += tuples(row.select(accounts).where(here).group_by(row.cms_session).order_by(accounts.desc()).limit(1))
    return max((int(count) for (count,) in counts), default=0)


def sweep(*, before: datetime) -> None:
    """Forget the sessions that nobody has signed in by, or ended, since."""
    CmsSessionRow.delete().where(CmsSessionRow.updated_at < before).execute()


def _named(session: CmsSession) -> object:
    return (
        (CmsSessionRow.mandant == session.mandant)
        & (CmsSessionRow.connection == session.connection)
        & (CmsSessionRow.cms_session == session.cms_session)
    )
