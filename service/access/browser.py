"""Browser sessions: 256 random bits, stored as their SHA-256, 30 minutes idle, 12 hours in any case (session.md)."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from service.access.visitor import Visitor
from service.store import sessions
from service.store.database import transaction
from service.store.records import Session

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
_TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class StartedSession:
    """The secret that only the browser keeps."""

    secret: str


def start_session(visitor: Visitor, *, replaces: str | None, now: datetime) -> StartedSession:
    """Use up the login's token and store a session in one transaction; ends the browser's former one.

    `replaces` is the secret of the session that this browser had. Raises TokenAlreadyUsed.
    """
    secret = secrets.token_urlsafe(32)
    with transaction():
        visitor.spend()
        sessions.start(_record(visitor, secret, now), ending=hash_of(replaces) if replaces else None)
    return StartedSession(secret)


def find_session(secret: str, *, mandant: str, now: datetime) -> Session | None:
    """Return the live session of this Mandant with this secret, and note that it is in use."""
    session = sessions.find(hash_of(secret))
    if session is None or session.mandant != mandant:
        return None
    if now - session.seen_at > IDLE or now - session.created_at > ABSOLUTE:
        return None
    if now - session.seen_at > _TOUCH_EVERY:
        sessions.touch(session.secret_hash, now)
    return session


def hash_of(secret: str) -> str:
    """Return what the store keeps of a session secret."""
    return sha256(secret.encode()).hexdigest()


def _record(visitor: Visitor, secret: str, now: datetime) -> Session:
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
    )
