"""Mail addresses as mail servers take them."""

import re

LONGEST = 254
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def mail_address(text: str) -> str:
    """Return an address as a mail server takes it; empty for what is none, or none that can be used."""
    local, _, domain = text.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        return ""
    address = f"{local}@{domain}"
    good = _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) and len(address) <= LONGEST
    return address if good else ""
