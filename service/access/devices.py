"""Where an account is signed in with a browser, by the own login or a CMS; ends one session or all others."""

from hashlib import sha256

from service.access import audit
from service.access.audit import Event, Source
from service.access.browser import lives
from service.access.factors import account_of
from service.access.visitor import Visitor
from service.store import level2, sessions
from service.store.database import in_transaction
from service.store.records import Session


def signed_in_at(visitor: Visitor, source: Source) -> list[Session]:
    """Return the account's sessions that are still good, the one used last first."""
    found = sessions.of_account(visitor.mandant, visitor.account)
    return [one for one in found if lives(one, visitor.mandant, source.now)]


def handle_of(session: Session) -> str:
    """Return what names a session on a page; nothing can be done with it but to end it."""
    return sha256(f"handle {session.secret_hash}".encode()).hexdigest()[:16]


def end_session(visitor: Visitor, handle: str, source: Source) -> None:
    """End one of the account's sessions; one that is over already is no error. Raises TokenAlreadyUsed."""

    def store() -> None:
        visitor.spend()
        found = [one for one in sessions.of_account(visitor.mandant, visitor.account) if handle_of(one) == handle]
        sessions.end([one.secret_hash for one in found])
        if found:
            audit.note(Event.SIGN_OUT, source, facts={"sessions": len(found)})

    in_transaction(store)


def end_elsewhere(visitor: Visitor, source: Source) -> None:
    """End all of the account's sessions but this one, and level 2 wherever else the CMS has it signed in.

    Raises TokenAlreadyUsed.
    """

    def store() -> None:
        visitor.spend()
        ended = sessions.end_account(visitor.mandant, visitor.account, but=visitor.session_hash)
        level2.end_account(account_of(visitor), but=visitor.of_cms_session)
        audit.note(Event.SIGN_OUT, source, facts={"sessions": ended})

    in_transaction(store)
