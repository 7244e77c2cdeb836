"""What somebody signs in by: the e-mail address or the Kundennummer, compared however they are spelled."""

from service.access.mailaddress import mail_address
from service.access.typed import ascii_digits, shown
from service.access.visitor import digest

MAX_TYPED = 254


def name_key(typed: str) -> str:
    """Return the key that an account is found by; whatever is typed has one."""
    text = typed[:MAX_TYPED]
    return email_key(text) if "@" in text else number_key(text)


def email_key(email: str) -> str:
    """Return the key of a mail address; few servers tell capitals apart, and no two people should."""
    return digest("email", (mail_address(email) or email.strip()).casefold())


def number_key(number: str) -> str:
    """Return the key of a Kundennummer, which is immotion's Personennummer."""
    return digest("number", ascii_digits("".join(shown(number).split())).casefold())
