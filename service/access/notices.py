"""Word by mail of what changes an account's safety, in the transaction of the change and of its entry in the audit log.

It goes to the address that the account has confirmed, or else to the one that the CMS has handed on with this very
request; who it was for is forgotten once it is sent. It names nobody, and says nothing but what was done and when.
"""

from collections.abc import Mapping
from dataclasses import replace

from service.access import audit
from service.access.audit import Event, Notice, Source
from service.access.mailaddress import confirmed, mail_address, takes_none
from service.store import mails, own_accounts

LINKED_OTHER, NEW_DEVICE = "linked_other", "new_device"
_TOLD = {
    Event.LINKED,
    Event.UNLINKED,
    Event.FACTOR_SET,
    Event.FACTOR_REMOVED,
    Event.CODES_MADE,
    Event.RECOVERY_USED,
    Event.PASSKEY_ADDED,
    Event.PASSKEY_REMOVED,
    Event.PASSWORD_CHANGED,
    Event.EMAIL_CHANGED,
}


def note(event: Event, source: Source, *, subject: str = "", facts: Mapping[str, str | int] | None = None) -> None:
    """Add an entry to the audit log, and tell the account where it is one of these events."""
    audit.note(event, source, subject=subject, facts=facts)
    if event in _TOLD:
        tell(event.value, source)


def tell(what: str, source: Source) -> None:
    """Owe the account a mail; none where no mail is sent, or no address is known."""
    if source.notice is None or source.account is None:
        return
    address, lang = _address(source.mandant, source.account, source.notice)
    if address:
        facts = {"what": what, "at": source.now.isoformat(), "connection": source.connection}
        mails.owe(
            source.mandant,
            mails.SICHERHEIT,
            account=source.account,
            recipient=address,
            lang=lang,
            facts=facts,
            now=source.now,
        )


def tell_other(what: str, account: str, connection: str, source: Source) -> None:
    """Tell another account than the one that acts; what is known of the latter's address is not its own."""
    if source.notice is not None:
        notice = replace(source.notice, email="")
        tell(what, replace(source, account=account, connection=connection, notice=notice))


def _address(mandant: str, account: str, notice: Notice) -> tuple[str, str]:
    """Return where an account is told, and in which language."""
    address, lang = confirmed(mandant, account)
    if address or own_accounts.of_account(mandant, account) is not None:
        return address, lang
    handed_on = mail_address(notice.email)
    return ("", "") if takes_none(mandant, account, handed_on) else (handed_on, notice.lang)
