"""Who is asking, however they came in."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cms_adapters.connector import CmsLogin
from cms_adapters.tokens import Claims
from service.store import clean, sessions
from service.store.owner import owner_of_account, owner_of_person
from service.store.records import CmsSession, Session

_DISPLAY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in resident or owner on one request.

    `account` and `cms_session` are hashes of (connection, sub) and (connection, sid). `persons` are all whom the
    account may act for, by letter or by a trusted claim, and `person` is the one it acts for now
    (`acting_for` by name, if there are several). `base_url` is set in fragment mode only; `token` is the (jti, expiry)
    that a change uses up and `signed_at` when the CMS signed it, by its own clock; `session_hash` and `ends_at`, when
    it ends in any case, are set in a browser session only.
    """

    mandant: str
    connection: str
    account: str
    cms_session: str
    person: str | None
    name: str
    email: str
    lang: str
    roles: tuple[str, ...]
    base_url: str | None = None
    token: tuple[str, datetime] | None = None
    signed_at: datetime | None = None
    session_hash: str | None = None
    ends_at: datetime | None = None
    in_frame: bool = False
    persons: tuple[str, ...] = ()
    acting_for: str = ""

    @property
    def owners(self) -> tuple[str, ...]:
        """Return the owner keys whose Vorgänge this visitor may see."""
        account = owner_of_account(self.mandant, self.account)
        return (account,) if self.person is None else (owner_of_person(self.mandant, self.person), account)

    @property
    def other_owners(self) -> tuple[str, ...]:
        """Return the owner keys of the persons that the account may act for, but does not now."""
        return tuple(owner_of_person(self.mandant, person) for person in self.persons if person != self.person)

    @property
    def owner(self) -> str:
        """Return the owner key of what this visitor files."""
        return self.owners[0]

    @property
    def of_cms_session(self) -> CmsSession:
        """Return the session of the CMS, with the key of what is kept about this account in it."""
        return _cms_session(self.mandant, self.connection, self.account, self.cms_session)

    def spend(self) -> None:
        """Use up the token of this request, inside the transaction of its change; raises TokenAlreadyUsed.

        In a browser session there is nothing to use up (session.md, step 4).
        """
        if self.token is not None:
            jti, expires = self.token
            sessions.use_up(self.mandant, self.connection, jti, expires)


def visitor_of_login(mandant: str, login: CmsLogin) -> Visitor:
    """Turn a verified CMS login into the visitor of this one request.

    A Personennummer longer than any database keeps is nobody's, but no fault either.
    """
    person = None if login.person is None else clean.key(login.person)
    return Visitor(
        mandant=mandant,
        connection=login.connection,
        account=account_of(login.connection, login.subject),
        cms_session=digest(login.connection, login.session_id),
        person=person,
        name=(login.name or "")[:_DISPLAY_LENGTH],
        email=(login.email or "")[:_DISPLAY_LENGTH],
        lang=(login.lang or "")[:10],
        roles=login.roles,
        base_url=login.base_url,
        persons=_claimed(person),
        token=(login.jti, datetime.fromtimestamp(login.expires + 60, UTC)),
        signed_at=datetime.fromtimestamp(login.issued, UTC),
    )


def visitor_of_session(session: Session, *, ends_at: datetime, in_header: bool) -> Visitor:
    """Turn a stored browser session into the visitor of a request that showed its secret."""
    return Visitor(
        mandant=session.mandant,
        connection=session.connection,
        account=session.account,
        cms_session=session.cms_session,
        person=session.person,
        name=session.name,
        email=session.email,
        lang=session.lang,
        roles=session.roles,
        session_hash=session.secret_hash,
        ends_at=ends_at,
        in_frame=in_header,
        persons=_claimed(session.person),
    )


def _claimed(person: str | None) -> tuple[str, ...]:
    return () if person is None else (person,)


def cms_session_of_logout(mandant: str, logout: Claims) -> CmsSession:
    """Return the session that a verified logout token names."""
    connection = logout.iss
    return _cms_session(mandant, connection, account_of(connection, logout.sub), digest(connection, logout.sid))


def account_of(connection: str, subject: str) -> str:
    """Return the key of a CMS's user: identity is (`iss`, `sub`)."""
    return digest(connection, subject)


def _cms_session(mandant: str, connection: str, account: str, cms_session: str) -> CmsSession:
    return CmsSession(mandant, digest(connection, account, cms_session), connection, cms_session)


def digest(*parts: str) -> str:
    """Return the SHA-256 of these parts as hex; JSON keeps ("a", "bc") and ("ab", "c") apart."""
    return sha256(json.dumps(parts).encode()).hexdigest()
