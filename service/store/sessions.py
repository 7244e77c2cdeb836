"""Browser sessions and used-up token ids."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from hashlib import sha256

import peewee
from peewee import fn

from service.store.models import AccountPersonRow, JtiRow, SessionRow
from service.store.query import ByKeys, Query, affected, dicts
from service.store.records import Session

_CLOCK_AHEAD = timedelta(days=1)


class TokenAlreadyUsed(Exception):
    """This token id was used up before."""


def use_up(mandant: str, iss: str, jti: str, expires_at: datetime) -> None:
    """Use up a token id, in the transaction of the change it allows; raises TokenAlreadyUsed."""
    try:
        JtiRow.insert(
            mandant=mandant, iss=iss, jti_hash=sha256(jti.encode()).hexdigest(), expires_at=expires_at
        ).execute()
    except peewee.IntegrityError as clash:
        raise TokenAlreadyUsed from clash


def start(session: Session, *, ending: Sequence[str]) -> None:
    """Store a session and end those (by their hashes) that the same browser had."""
    end(ending)
    columns = asdict(session) | {"roles": list(session.roles)}
    del columns["links"]
    SessionRow.insert(**columns).execute()


_OF_ACCOUNT = (AccountPersonRow.mandant == SessionRow.mandant) & (AccountPersonRow.account == SessionRow.account)
_LINKS = peewee.Alias(AccountPersonRow.select(fn.COUNT(AccountPersonRow.person)).where(_OF_ACCOUNT), "links")
_COLUMNS = [_LINKS if field.name == "links" else getattr(SessionRow, field.name) for field in fields(Session)]


def _shown(secret_hashes: list[str]) -> Query:
    found = SessionRow.select(*_COLUMNS).where(SessionRow.secret_hash.in_(secret_hashes))
    return found.order_by(SessionRow.created_at.desc())


_SHOWN = ByKeys(SessionRow.secret_hash, _shown, _COLUMNS)


def find(secret_hashes: Sequence[str]) -> list[Session]:
    """Return the sessions whose secrets have these SHA-256, the newest first; each with its account's `links`."""
    return [Session(**row | {"roles": tuple(row["roles"])}) for row in _SHOWN.dicts(secret_hashes)]


def touch(secret_hash: str, now: datetime) -> None:
    """Note that the session is in use."""
    SessionRow.update(seen_at=now).where(SessionRow.secret_hash == secret_hash).execute()


def end(secret_hashes: Sequence[str]) -> None:
    """End these sessions."""
    if secret_hashes:
        SessionRow.delete().where(SessionRow.secret_hash.in_(list(secret_hashes))).execute()


def end_cms_session(mandant: str, connection: str, cms_session: str) -> int:
    """End every session that hangs on this session of the CMS; returns how many."""
    here = (
        (SessionRow.mandant == mandant)
        & (SessionRow.connection == connection)
        & (SessionRow.cms_session == cms_session)
    )
    return affected(SessionRow.delete().where(here))


def end_person(mandant: str, person: str, accounts: Sequence[str]) -> int:
    """End every session of these accounts, and of those that a CMS says are this person; returns how many."""
    theirs = (SessionRow.person == person) | SessionRow.account.in_(list(accounts))
    return affected(SessionRow.delete().where((SessionRow.mandant == mandant) & theirs))


def of_account(mandant: str, account: str) -> list[Session]:
    """Return the sessions of an account, the one used last first; those past their time may still be among them."""
    here = (SessionRow.mandant == mandant) & (SessionRow.account == account)
    rows = dicts(SessionRow.select().where(here).order_by(SessionRow.seen_at.desc()))
    return [Session(**row | {"roles": tuple(row["roles"])}) for row in rows]


def end_account(mandant: str, account: str, *, but: str | None = None) -> int:
    """End every session of an account, `but` one by its hash; returns how many."""
    here = (SessionRow.mandant == mandant) & (SessionRow.account == account)
    others = here if but is None else here & (SessionRow.secret_hash != but)
    return affected(SessionRow.delete().where(others))


def set_email(mandant: str, account: str, email: str) -> None:
    """Write the address of an account into its sessions."""
    here = (SessionRow.mandant == mandant) & (SessionRow.account == account)
    SessionRow.update(email=email).where(here).execute()


def sweep(*, now: datetime, seen_before: datetime, created_before: datetime) -> None:
    """Remove sessions past their time, and token ids a day after they have expired.

    Removed at once while the clock is ahead for a while, a used token would be good again when it is set right.
    """
    JtiRow.delete().where(JtiRow.expires_at < now - _CLOCK_AHEAD).execute()
    SessionRow.delete().where((SessionRow.seen_at < seen_before) | (SessionRow.created_at < created_before)).execute()
