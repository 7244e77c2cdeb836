"""The links of mails to accounts of the own login: signed, known by their row, good once and for a while."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from itsdangerous import BadData

from service.access.signing import Signer
from service.keys import Keys
from service.store import mail_links, mails
from service.store.records import MailLink, OwnAccount

_SALT = "portal.own.link.v1"


class Purpose(StrEnum):
    """What a link is for: another password, or an address that wants to be confirmed."""

    KENNWORT = "kennwort"
    EMAIL = "email"


# as long as `mail_name` counts at least: whoever has used up somebody's mails has filled their mailbox with good links
GOOD_FOR = {Purpose.KENNWORT: timedelta(hours=1), Purpose.EMAIL: timedelta(hours=24)}
_MAIL = {Purpose.KENNWORT: mails.KENNWORT, Purpose.EMAIL: mails.ZUGANG}


class LinkRefused(Exception):
    """The link is not ours, was used, or is out of date."""


class LinkTokens:
    """Signs and reads what a link carries; `keys` run oldest to newest."""

    def __init__(self, keys: Keys) -> None:
        self._serializer = Signer(keys, _SALT, timed=False)

    def issue(self, mandant: str, link: str) -> str:
        """Return what the link with this id carries."""
        return self._serializer.dumps([mandant, link])

    def read(self, mandant: str, token: str) -> UUID:
        """Return the id of a link; raises LinkRefused."""
        try:
            of_mandant, link = self._serializer.loads(token)
            found = UUID(link)
        except (BadData, ValueError, TypeError, AttributeError) as forged:
            raise LinkRefused from forged
        if of_mandant != mandant:
            raise LinkRefused
        return found


def send(account: OwnAccount, purpose: Purpose, email: str, lang: str, *, now: datetime) -> None:
    """Owe a mail with a fresh link to this address, as part of the caller's transaction."""
    link = MailLink(uuid4(), account.mandant, account.account, purpose, email, now, now + GOOD_FOR[purpose])
    mail_links.add(link)
    facts = {"link": str(link.id)}
    mails.owe(
        account.mandant, _MAIL[purpose], account=account.account, recipient=email, lang=lang, facts=facts, now=now
    )


def find(tokens: LinkTokens, mandant: str, token: str, purpose: Purpose, *, now: datetime) -> MailLink:
    """Return a link that is still good; changes nothing, since mail scanners open links. Raises LinkRefused."""
    link = mail_links.find(mandant, tokens.read(mandant, token))
    if link is None or link.purpose != purpose or link.used_at is not None or link.expires_at <= now:
        raise LinkRefused
    return link
