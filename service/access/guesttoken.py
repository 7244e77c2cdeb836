"""The hidden field of a form for somebody who is not signed in yet: binds it to this browser, or to our own page.

A browser gets a random value in a cookie with the form and shows both. Where it keeps the cookie back, as some do in a
frame, only our own page has the token, which is a proof of the same.
"""

import re
import secrets
from dataclasses import dataclass

from itsdangerous import BadData

from service.access.signing import Signer
from service.keys import Keys

COOKIE = "__Host-portal-guest"
LIFETIME_S = 4 * 3600
_SALT = "portal.guest.v1"
_OURS = re.compile(r"[A-Za-z0-9_-]{1,100}")


class GuestTokenRefused(Exception):
    """The form was not made for this browser, or long ago."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A browser before anybody is signed in: its value, and whether the form stood in a frame."""

    value: str
    in_frame: bool


class GuestTokens:
    """Issues and checks the fields; `keys` run oldest to newest."""

    def __init__(self, keys: Keys) -> None:
        self._serializer = Signer(keys, _SALT)

    def guest(self, cookie: str | None, *, in_frame: bool) -> Guest:
        """Return the browser that a form is about to be shown to: by the value it has, or else a fresh one."""
        known = cookie if cookie and _OURS.fullmatch(cookie) else secrets.token_urlsafe(24)
        return Guest(known, in_frame)

    def issue(self, mandant: str, guest: Guest) -> str:
        """Return the field of a form."""
        return self._serializer.dumps([mandant, guest.value, guest.in_frame])

    def check(self, mandant: str, token: str, cookie: str | None) -> Guest:
        """Return the browser that a form was made for; raises GuestTokenRefused. Without a cookie, as the token says.

        A form without its cookie must come from our own page: whoever calls this sees to it.
        """
        try:
            of_mandant, value, in_frame = self._serializer.loads(token, max_age=LIFETIME_S)
        except (BadData, ValueError, TypeError) as forged:
            raise GuestTokenRefused from forged
        if of_mandant != mandant or cookie not in {None, value}:
            raise GuestTokenRefused
        return Guest(value, in_frame is True)
