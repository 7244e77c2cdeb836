"""What the site's pages share: settings, login, rendering, small forms."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import falcon

from service.demo.passthrough import drain
from service.demo.site_login import COOKIE, Login, Logins, SiteSettings
from service.demo.site_pages import SitePages

SAFE = frozenset({"GET", "HEAD"})
_FORM_MAX = 16 * 1024


@dataclass(frozen=True, slots=True)
class Desk:
    """What the site's pages share."""

    settings: SiteSettings
    logins: Logins
    pages: SitePages
    clock: Callable[[], float]

    def reader(self, req: falcon.Request) -> Login | None:
        """Return who is signed in."""
        return self.logins.find(req.cookies.get(COOKIE))

    def token(self, login: Login, typ: str, nonce: str | None = None) -> str:
        """Sign a token now."""
        return self.logins.token(login, typ, now=int(self.clock()), nonce=nonce)

    def to_login(self, req: falcon.Request) -> falcon.HTTPSeeOther:
        """Send somebody anonymous to the login, and back afterwards."""
        back = req.relative_uri if req.method in SAFE else req.path
        return falcon.HTTPSeeOther(f"/anmelden?{urlencode({'weiter': back})}")


class ShortBody:
    """A short body as a stream."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, size: int = -1, /) -> bytes:
        """Return the rest, at most `size` bytes."""
        end = len(self._body) if size < 0 else size
        piece, self._body = self._body[:end], self._body[end:]
        return piece


def read_form(req: falcon.Request) -> dict[str, str]:
    """Return the fields of a small form or JSON object."""
    raw = req.bounded_stream.read(_FORM_MAX + 1)
    if len(raw) > _FORM_MAX:
        drain(req.bounded_stream)
        raise falcon.HTTPContentTooLarge(title="Das ist zu lang")
    try:
        if (req.content_type or "").startswith("application/json"):
            said: Any = json.loads(raw)
            return {str(name): str(value) for name, value in said.items()} if isinstance(said, dict) else {}
        return {name: _last(value) for name, value in falcon.uri.parse_query_string(raw.decode("ascii")).items()}
    except ValueError:
        raise falcon.HTTPBadRequest(title="Das Formular ist nicht lesbar") from None


def _last(value: str | list[str]) -> str:
    return value if isinstance(value, str) else value[-1]
