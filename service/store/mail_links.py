"""The links of mails to accounts of the own login: each does what it is for once."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from service.store.models import MailLinkRow
from service.store.query import affected, first
from service.store.records import MailLink


def add(fresh: MailLink) -> None:
    """Note that a link is about to be sent, in the transaction of the mail that is owed."""
    MailLinkRow.insert(**asdict(fresh)).execute()


def find(mandant: str, link: UUID) -> MailLink | None:
    """Return what a link is for, used or not."""
    row = first(MailLinkRow.select().where((MailLinkRow.mandant == mandant) & (MailLinkRow.id == link)))
    return MailLink(**row) if row else None


def use(link: MailLink, *, now: datetime) -> bool:
    """Use a link up; False when it was used, void or out of date before."""
    unused = MailLinkRow.used_at.is_null() & (MailLinkRow.expires_at > now)
    return affected(MailLinkRow.update(used_at=now).where((MailLinkRow.id == link.id) & unused)) == 1


def void(mandant: str, account: str, purpose: str, *, now: datetime) -> None:
    """Void the links of this kind that an account has not used."""
    here = (MailLinkRow.mandant == mandant) & (MailLinkRow.account == account) & (MailLinkRow.purpose == purpose)
    MailLinkRow.update(used_at=now).where(here & MailLinkRow.used_at.is_null()).execute()


def sweep(*, expired_before: datetime) -> None:
    """Forget the links that were out of date then."""
    MailLinkRow.delete().where(MailLinkRow.expires_at < expired_before).execute()
