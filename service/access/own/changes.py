"""What an account of the own login changes about itself: password and address."""

from dataclasses import replace

from service.access import audit, notices
from service.access.audit import Actor, Event, Source
from service.access.hashing import Hasher
from service.access.own import links
from service.access.own.links import LinkRefused, Purpose
from service.access.own.names import email_key
from service.access.own.sign_in import SignInRefused
from service.access.visitor import Visitor
from service.store import mail_links, own_accounts, sessions
from service.store.database import in_transaction
from service.store.records import MailLink, OwnAccount


def account_of(visitor: Visitor) -> OwnAccount:
    """Return the visitor's account; raises LookupError for somebody who came by a CMS."""
    found = own_accounts.of_account(visitor.mandant, visitor.account)
    if found is None:
        raise LookupError("no account of the own login")
    return found


def confirm_password(account: OwnAccount, typed: str, hasher: Hasher, source: Source) -> None:
    """Make sure that it is the account's owner who is signed in; raises SignInRefused."""
    if not hasher.verify(typed, account.password_hash):
        in_transaction(lambda: audit.note(Event.SIGN_IN_FAILED, source, facts={"reason": "password", "for": "change"}))
        raise SignInRefused


def change_password(visitor: Visitor, password: str, hasher: Hasher, source: Source) -> None:
    """Put another password in force; every other session of the account ends."""
    password_hash = hasher.hash(password)

    def store() -> None:
        own_accounts.set_password(visitor.mandant, visitor.account, password_hash, now=source.now)
        mail_links.void(visitor.mandant, visitor.account, Purpose.KENNWORT, now=source.now)
        ended = sessions.end_account(visitor.mandant, visitor.account, but=visitor.session_hash)
        notices.note(Event.PASSWORD_CHANGED, source, facts={"by": "password", "sessions": ended})

    in_transaction(store)


def ask_for_email(account: OwnAccount, email: str, lang: str, source: Source) -> None:
    """Send an address the link that confirms it; until then the former one stays in force."""

    def store() -> None:
        mail_links.void(account.mandant, account.account, Purpose.EMAIL, now=source.now)
        links.send(account, Purpose.EMAIL, email, lang, now=source.now)

    in_transaction(store)


def confirm_email(link: MailLink, source: Source) -> None:
    """Let an account be signed in by the address that a link was sent to; tells the former address.

    Raises LinkRefused, and NameTaken where another account has this address.
    """

    def store() -> None:
        former = own_accounts.of_account(link.mandant, link.account)
        if former is None or not mail_links.use(link, now=source.now):
            raise LinkRefused
        about = replace(source, actor=Actor.RESIDENT, account=link.account, connection=former.connection)
        changed = former.confirmed_email not in {"", link.email}
        # told before it changes: the mail goes to the former address
        notices.note(Event.EMAIL_CHANGED if changed else Event.EMAIL_CONFIRMED, about)
        own_accounts.set_email(link.mandant, link.account, link.email, email_key(link.email))
        sessions.set_email(link.mandant, link.account, link.email)
        mail_links.void(link.mandant, link.account, Purpose.KENNWORT, now=source.now)

    in_transaction(store)
