"""Telling a resident by mail that there is something new: only to an address they chose, and confirmed from there.

The only address that can be chosen is the one that the CMS knows; it is kept from then on, and forgotten when it is
given up or not confirmed within a week.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from service.access.mailaddress import confirmed, mail_address
from service.access.mailtoken import VALID_FOR, MailTokenRefused, MailTokens
from service.access.visitor import Visitor
from service.store import accounts, benachrichtigungen, mails
from service.store.database import in_transaction
from service.store.owner import owner_of_account, owner_of_person
from service.store.records import Benachrichtigung, SentMail

ASK_AGAIN_AFTER = timedelta(minutes=5)
FORGOTTEN_AFTER = timedelta(days=7)


class TooSoon(Exception):
    """A mail was asked for a few minutes ago: nobody's mailbox is to be filled from here."""


def address_of(visitor: Visitor) -> str:
    """Return the visitor's address as a mail server takes it; empty where there is none that can be used."""
    return mail_address(visitor.email)


def chosen_by(visitor: Visitor) -> Benachrichtigung | None:
    """Return what the visitor has chosen; None while nothing is to be sent. A person known since is noted."""
    chosen = benachrichtigungen.of_account(visitor.mandant, visitor.account)
    if chosen is None or not chosen.email:
        return None
    if (chosen.owner_person, chosen.person) != (_owner_person(visitor), visitor.person):
        benachrichtigungen.set_person(visitor.mandant, visitor.account, _owner_person(visitor), visitor.person)
    return chosen


def choose(visitor: Visitor, lang: str, *, now: datetime) -> None:
    """Ask the visitor's own address whether it wants to be told, in this language.

    Nothing is changed where it was asked, or has agreed, already. Raises TooSoon, TokenAlreadyUsed.
    """

    def work() -> None:
        visitor.spend()
        former = benachrichtigungen.of_account(visitor.mandant, visitor.account)
        chosen = _choice(visitor, lang, former.key if former else uuid4(), now)
        if former is not None:
            chosen = replace(chosen, arten=former.arten, stunde=former.stunde)
            if _stands(former, chosen, now):
                return
            if now - former.asked_at < ASK_AGAIN_AFTER:
                raise TooSoon
        mails.withdraw(visitor.mandant, visitor.account)
        benachrichtigungen.put(chosen)
        facts = {"key": str(chosen.key), "asked": chosen.asked_at.isoformat(), "connection": chosen.connection}
        _owe(chosen, mails.BESTAETIGEN, facts, now)

    in_transaction(work)


def _choice(visitor: Visitor, lang: str, key: UUID, now: datetime) -> Benachrichtigung:
    return Benachrichtigung(
        mandant=visitor.mandant,
        account=visitor.account,
        key=key,
        connection=visitor.connection,
        owner=owner_of_account(visitor.mandant, visitor.account),
        owner_person=_owner_person(visitor),
        person=visitor.person,
        email=address_of(visitor),
        lang=lang,
        asked_at=now,
        confirmed_at=None,
    )


def _owner_person(visitor: Visitor) -> str | None:
    return None if visitor.person is None else owner_of_person(visitor.mandant, visitor.person)


def _stands(former: Benachrichtigung, chosen: Benachrichtigung, now: datetime) -> bool:
    """Tell whether the address has agreed already, or was asked just now."""
    recent = (former.confirmed_at is not None and former.bounced_at is None) or now - former.asked_at < ASK_AGAIN_AFTER
    return former.email == chosen.email and recent


def _owe(chosen: Benachrichtigung, kind: str, facts: dict[str, str], now: datetime) -> None:
    mails.owe(
        chosen.mandant, kind, account=chosen.account, recipient=chosen.email, lang=chosen.lang, facts=facts, now=now
    )


def set_wishes(visitor: Visitor, arten: Sequence[str], stunde: int | None) -> None:
    """Write what the visitor wants to be told of, and at which hour of the day (None: at once).

    Nothing wanted ends it all. Raises TokenAlreadyUsed.
    """

    def work() -> None:
        visitor.spend()
        if arten:
            benachrichtigungen.set_wishes(visitor.mandant, visitor.account, ",".join(arten), stunde)
        else:
            _end(visitor.mandant, visitor.account)

    in_transaction(work)


def bounced(sent: SentMail, code: str, *, now: datetime) -> bool:
    """Leave the address of an account alone, since a mail did not arrive; False if it is another by now."""
    chosen = benachrichtigungen.of_account(sent.mandant, sent.account) if sent.account else None
    if chosen is None or not chosen.email or chosen.asked_at > sent.at or sent.email not in {"", chosen.email}:
        return False
    return benachrichtigungen.pause(chosen, code, now)


def stands_for_person(mandant: str, account: str, trusted: Collection[str]) -> bool:
    """Tell whether an account may be told now of what is the person's that it was last known to stand for.

    Its CMS is `trusted` to say for whom it stands, or a letter has linked it to the person: a setting that was taken
    back since holds at once, and not only from the account's next visit on.
    """
    chosen = benachrichtigungen.of_account(mandant, account)
    if chosen is None or chosen.owner_person is None:
        return False
    if chosen.connection in trusted:
        return True
    linked = accounts.may_act_for(mandant, account)
    return chosen.owner_person in {owner_of_person(mandant, person) for person in linked}


def confirmed_address(visitor: Visitor) -> tuple[str, str]:
    """Return where a mail with personal content may go, and the language; empty where nothing was confirmed."""
    return confirmed(visitor.mandant, visitor.account)


def owe_receipt(visitor: Visitor, address: str, lang: str, facts: dict[str, str], *, now: datetime) -> None:
    """Owe the visitor the mail with a receipt that they have asked for; raises TokenAlreadyUsed."""

    def work() -> None:
        visitor.spend()
        told = facts | {"connection": visitor.connection}
        mails.owe(
            visitor.mandant,
            mails.QUITTUNG,
            account=visitor.account,
            recipient=address,
            lang=lang,
            facts=told,
            now=now,
        )

    in_transaction(work)


def end(visitor: Visitor) -> None:
    """Tell the visitor nothing more, and forget the address; raises TokenAlreadyUsed."""

    def work() -> None:
        visitor.spend()
        _end(visitor.mandant, visitor.account)

    in_transaction(work)


def end_by_link(mandant: str, key: UUID, art: str = "") -> None:
    """Do the same for whoever has a mail's link; with `art`, for this kind of news alone.

    A link that belongs to nobody changes nothing.
    """

    def work() -> None:
        chosen = benachrichtigungen.by_key(mandant, key)
        if chosen is None:
            return
        left = [one for one in chosen.wanted if art and one != art]
        if left:
            benachrichtigungen.set_wishes(mandant, chosen.account, ",".join(left), chosen.stunde)
        else:
            _end(mandant, chosen.account)

    in_transaction(work)


def _end(mandant: str, account: str) -> None:
    benachrichtigungen.end(mandant, account)
    mails.withdraw(mandant, account)


def confirm(mandant: str, tokens: MailTokens, token: str, *, now: datetime) -> None:
    """Confirm the address that a link was sent to; raises MailTokenRefused. Twice is the same as once."""
    chosen = find(mandant, tokens, token, now=now)
    if chosen.confirmed_at is None and not benachrichtigungen.confirm(chosen, now):
        find(mandant, tokens, token, now=now)


def find(mandant: str, tokens: MailTokens, token: str, *, now: datetime) -> Benachrichtigung:
    """Return what a link would confirm, or has; raises MailTokenRefused.

    Changes nothing: mail scanners follow links.
    """
    key, asked_at = tokens.read(token, mandant)
    chosen = benachrichtigungen.by_key(mandant, key)
    if chosen is None or not chosen.email or chosen.asked_at != asked_at:
        raise MailTokenRefused
    if chosen.confirmed_at is None and now - asked_at > VALID_FOR:
        raise MailTokenRefused
    return chosen
