"""Browser sessions: 256 random bits, stored as their SHA-256, 30 minutes idle, 12 hours in any case (session.md)."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cms_adapters.tokens import Claims
from service.access.visitor import Visitor, cms_session_of_logout
from service.store import cms_sessions, level2, sessions
from service.store.database import in_transaction
from service.store.records import Session

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
_TOUCH_EVERY = timedelta(minutes=1)
_LOGOUT_REMEMBERED = timedelta(minutes=5)  # longer than any token is valid


class CmsSessionOver(Exception):
    """The session is over that a request came from: a token was signed before the CMS ended it, or it ended since."""


@dataclass(frozen=True, slots=True)
class StartedSession:
    """The secret that only the browser keeps."""

    secret: str


def start_session(
    visitor: Visitor, *, replaces: Sequence[str], now: datetime, device: str | None = None
) -> StartedSession:
    """Use up the login's token and store a session in one transaction; ends the browser's former ones.

    `replaces` are the secrets of the sessions that this browser had, `device` is what it says of itself. Raises
    TokenAlreadyUsed, CmsSessionOver.
    """
    secret = secrets.token_urlsafe(32)

    def start() -> None:
        visitor.spend()
        cms_sessions.hold(visitor.of_cms_session, now=now)
        refuse_over(visitor)
        sessions.start(_record(visitor, secret, device, now), ending=[hash_of(former) for former in replaces])

    in_transaction(start)
    return StartedSession(secret)


def refuse_over(visitor: Visitor) -> None:
    """Raise CmsSessionOver if the CMS has ended the session since it signed this visitor's token.

    A token signed later is good: some CMSs go on with the same id after the next login.
    """
    if is_over(visitor, cms_sessions.ended_at(visitor.of_cms_session)):
        raise CmsSessionOver


def hold_live(visitor: Visitor, *, now: datetime) -> None:
    """Hold the visitor's session of the CMS until the transaction ends; raises CmsSessionOver if it is over by now.

    Whoever ends it waits here, or has done so already: then the CMS has ended it, or the browser's own session is gone.
    """
    cms_sessions.hold(visitor.of_cms_session, now=now)
    refuse_over(visitor)
    if visitor.session_hash is not None and not sessions.find([visitor.session_hash]):
        raise CmsSessionOver


def is_over(visitor: Visitor, ended: datetime | None) -> bool:
    """Tell whether the CMS ended the session, at this time by its own clock, after it signed this visitor's token."""
    return ended is not None and visitor.signed_at is not None and visitor.signed_at <= ended


def end_cms_session(mandant: str, logout: Claims, *, now: datetime) -> None:
    """Use up a verified logout token, end the sessions that hang on the CMS's own, and refuse what it signed before.

    Raises TokenAlreadyUsed.
    """
    ending = cms_session_of_logout(mandant, logout)

    def end() -> None:
        sessions.use_up(mandant, logout.iss, logout.jti, now + _LOGOUT_REMEMBERED)
        cms_sessions.end(ending, at=datetime.fromtimestamp(logout.iat, UTC), now=now)
        sessions.end_cms_session(mandant, ending.connection, ending.cms_session)
        level2.end(ending)

    in_transaction(end)


def find_session(shown: Sequence[str], *, mandant: str, now: datetime) -> Session | None:
    """Return the newest live session of this Mandant with one of these secrets, and note that it is in use."""
    session = next(
        (one for one in sessions.find([hash_of(secret) for secret in shown]) if lives(one, mandant, now)), None
    )
    if session is not None and now - session.seen_at > _TOUCH_EVERY:
        sessions.touch(session.secret_hash, now)
    return session


def lives(session: Session, mandant: str, now: datetime) -> bool:
    """Tell whether a session is this Mandant's and not past its time."""
    return session.mandant == mandant and now - session.seen_at <= IDLE and now - session.created_at <= ABSOLUTE


def hash_of(secret: str) -> str:
    """Return what the store keeps of a session secret."""
    return sha256(secret.encode()).hexdigest()


def _record(visitor: Visitor, secret: str, device: str | None, now: datetime) -> Session:
    return Session(
        secret_hash=hash_of(secret),
        mandant=visitor.mandant,
        connection=visitor.connection,
        account=visitor.account,
        cms_session=visitor.cms_session,
        person=visitor.person,
        name=visitor.name,
        email=visitor.email,
        lang=visitor.lang,
        roles=visitor.roles,
        created_at=now,
        seen_at=now,
        device=device,
    )
