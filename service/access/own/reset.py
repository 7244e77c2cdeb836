"""A new password by mail: asked for by whoever types a name, answered by the worker, done by whoever has the mail.

Whether there is such an account is not looked at before the worker does it: the page takes as long for any name.
"""

from dataclasses import replace
from datetime import datetime

from service.access import audit, notices
from service.access.audit import Actor, Event, Source
from service.access.hashing import Hasher
from service.access.own import links
from service.access.own.links import GOOD_FOR, LinkRefused, Purpose
from service.access.own.names import MAX_TYPED, name_key
from service.store import mail_links, mails, own_accounts, sessions
from service.store.database import in_transaction
from service.store.records import Mail, MailLink


def ask(name: str, lang: str, source: Source) -> None:
    """Note that somebody wants a new password for the account of this name, if there is one."""

    def store() -> None:
        wanted = name[:MAX_TYPED]
        mails.owe(source.mandant, mails.KENNWORT_WUNSCH, recipient=wanted, lang=lang, facts={}, now=source.now)
        audit.note(Event.RESET_ASKED, source)

    in_transaction(store)


def answer(wish: Mail, *, now: datetime) -> bool:
    """Owe the account that a claimed wish names its mail; True if there is one, and an address it has confirmed.

    An address that nobody has confirmed may be somebody else's. A wish that has waited for longer than its link would
    be good for is forgotten.
    """

    def store() -> bool:
        account = own_accounts.by_name(wish.mandant, name_key(wish.recipient))
        if not mails.mark_sent(wish, now) or account is None or not account.confirmed_email:
            return False
        if now - wish.created_at > GOOD_FOR[Purpose.KENNWORT]:
            return False
        links.send(account, Purpose.KENNWORT, account.confirmed_email, wish.lang, now=now)
        return True

    return in_transaction(store)


def finish(link: MailLink, password: str, hasher: Hasher, source: Source) -> None:
    """Put another password in force by a link, once, and end every session; raises LinkRefused.

    A second factor stays as it is: whoever reads the mails gets no further than level 1.
    """
    account = own_accounts.of_account(link.mandant, link.account)
    if account is None:
        raise LinkRefused
    password_hash = hasher.hash(password)
    about = replace(source, actor=Actor.RESIDENT, account=link.account, connection=account.connection)

    def store() -> None:
        if not mail_links.use(link, now=source.now):
            raise LinkRefused
        own_accounts.set_password(link.mandant, link.account, password_hash, now=source.now)
        mail_links.void(link.mandant, link.account, Purpose.KENNWORT, now=source.now)
        ended = sessions.end_account(link.mandant, link.account)
        notices.note(Event.PASSWORD_CHANGED, about, facts={"by": "mail", "sessions": ended})

    in_transaction(store)
