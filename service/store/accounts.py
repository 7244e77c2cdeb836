"""For which persons an account may act, and for which of them it acts in a session."""

from datetime import datetime
from typing import Any

from service.store import cms_sessions
from service.store.models import AccountPersonRow, CmsSessionRow, StammdatenRow
from service.store.query import affected, dicts, tuples
from service.store.records import CmsSession, Link


def linked(account: str, session: CmsSession) -> tuple[dict[str, str], str | None]:
    """Return the persons of an account with their names, the first linked first, and whom it chose in this session."""
    chosen = CmsSessionRow.select(CmsSessionRow.person).where(
        (CmsSessionRow.mandant == session.mandant) & (CmsSessionRow.key == session.key)
    )
    is_theirs = (StammdatenRow.mandant == session.mandant) & (StammdatenRow.art == "PERSON")
    query = AccountPersonRow.select(AccountPersonRow.person, StammdatenRow.daten, chosen).join(
        StammdatenRow, "LEFT OUTER JOIN", on=is_theirs & (StammdatenRow.nr == AccountPersonRow.person)
    )
    first = (AccountPersonRow.linked_at, AccountPersonRow.person)
    rows = tuples(query.where(_of(session.mandant, account)).order_by(*first))
    return {person: str((daten or {}).get("name") or "") for person, daten, _ in rows}, rows[0][2] if rows else None


def link(one: Link) -> None:
    """Let an account act for a person; again, if it may already, changes nothing."""
    columns = {
        "mandant": one.mandant,
        "account": one.account,
        "person": one.person,
        "connection": one.connection,
        "linked_at": one.linked_at,
    }
    AccountPersonRow.insert(**columns).on_conflict_ignore().as_rowcount().execute()


def choose(session: CmsSession, person: str, *, now: datetime) -> None:
    """Let the account of this session stand for this person, in every window of the session."""
    cms_sessions.hold(session, now=now)
    here = (CmsSessionRow.mandant == session.mandant) & (CmsSessionRow.key == session.key)
    CmsSessionRow.update(person=person).where(here).execute()


def unlink(mandant: str, account: str, person: str) -> bool:
    """Let an account no longer act for a person; True if it could."""
    here = _of(mandant, account) & (AccountPersonRow.person == person)
    return affected(AccountPersonRow.delete().where(here)) == 1


def may_act_for(mandant: str, account: str) -> list[str]:
    """Return the persons that an account is linked to by letter."""
    return [
        person for (person,) in tuples(AccountPersonRow.select(AccountPersonRow.person).where(_of(mandant, account)))
    ]


def links_of(mandant: str, person: str) -> list[Link]:
    """Return the accounts that may act for a person, the first linked first."""
    here = (AccountPersonRow.mandant == mandant) & (AccountPersonRow.person == person)
    return [Link(**row) for row in dicts(AccountPersonRow.select().where(here).order_by(AccountPersonRow.linked_at))]


def _of(mandant: str, account: str) -> Any:  # noqa: ANN401 - peewee's conditions have no types
    return (AccountPersonRow.mandant == mandant) & (AccountPersonRow.account == account)
