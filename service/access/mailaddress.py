"""Mail addresses as mail servers take them, and the one rule of which belongs to an account."""

import re

import idna

from service.store import benachrichtigungen, own_accounts

LONGEST, _LONGEST_LOCAL = 254, 64
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})+")


def mail_address(text: str) -> str:
    """Return an address as a mail server takes it; empty for what is none, or none that can be used."""
    local, _, domain = text.strip()[: LONGEST + 1].rpartition("@")
    if not domain.isascii():
        try:  # as browsers do: "straße.de" is not "strasse.de", which Python's own codec would make of it
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            return ""
    address = f"{local}@{domain}"
    fits = len(local) <= _LONGEST_LOCAL and len(address) <= LONGEST
    return address if fits and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) else ""


def confirmed(mandant: str, account: str) -> tuple[str, str]:
    """Return the address that an account's owner has confirmed and that takes mail, and their language; or nothing.

    That of the own login comes first.
    """
    own = own_accounts.of_account(mandant, account)
    if own is not None and own.confirmed_email and not takes_none(mandant, account, own.confirmed_email):
        return own.confirmed_email, own.lang
    chosen = benachrichtigungen.of_account(mandant, account)
    good = chosen is not None and chosen.confirmed_at is not None and chosen.bounced_at is None
    return (chosen.email, chosen.lang) if chosen is not None and good else ("", "")


def takes_none(mandant: str, account: str, address: str) -> bool:
    """Tell whether an account's mail to this address has come back for good, and it was not confirmed again since."""
    chosen = benachrichtigungen.of_account(mandant, account)
    return chosen is not None and chosen.bounced_at is not None and chosen.email == address
