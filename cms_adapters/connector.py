"""What each connector promises: a request becomes a CmsLogin; links lead back into the CMS."""

import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar
from urllib.parse import urlsplit

from cms_adapters.tokens import Claims, TokenRefused, verify

ROLES = ("mieter", "eigentuemer")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NO_ADDRESS_HAS = re.compile(r"""[^!-~]|[\\"'<>]""")
_ORIGIN = re.compile(
    r"https?://([a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(:[1-9][0-9]*)?", re.IGNORECASE | re.ASCII
)
_UP = re.compile(r"(\.|%2e){2}", re.IGNORECASE)


class Embedding(StrEnum):
    """How a CMS shows the portal."""

    FRAGMENT = "fragment"
    BROWSER = "browser"


@dataclass(frozen=True, slots=True)
class CmsLogin:
    """Who asks, through which CMS, embedded how; `person` only when it is trusted.

    `issued` (by the CMS's clock) and `expires` are Unix seconds.
    """

    connection: str
    subject: str
    session_id: str
    jti: str
    issued: int
    expires: int
    embedding: Embedding
    base_url: str | None
    person: str | None
    name: str | None
    email: str | None
    lang: str | None
    roles: tuple[str, ...]


class Connector:
    """One connection of one Mandant: its id, its sites' origins, its keys (oldest to newest) and its audience.

    `keys` may be a function that returns them: it is asked for each token, so that they can rotate meanwhile.
    """

    kind: ClassVar[str]
    several: ClassVar[str] = ""
    """What a form writes behind the name of a field that may come more than once, so that this CMS hands on all."""

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - named as the setting is
        origins: Sequence[str],
        keys: Sequence[str] | Callable[[], Sequence[str]],
        aud: str,
        trust_person: bool,
    ) -> None:
        self.id = id
        self.origins = tuple(origin_of(origin) for origin in origins)
        self._keys = keys if callable(keys) else tuple(keys)
        self._aud = aud
        self._trust_person = trust_person

    def fragment_login(self, token: str, *, base_url: str | None, now: float) -> CmsLogin:
        """Verify a server-to-server request for a fragment; raises TokenRefused.

        `base_url` is the CMS page that links must lead to (header Portal-Base-Url).
        """
        claims = self._verify(token, "fragment", now)
        return self._login(claims, Embedding.FRAGMENT, self._checked_base(base_url))

    def browser_login(self, token: str, *, origin: str | None, nonce_cookie: str | None, now: float) -> CmsLogin:
        """Verify a token that a browser posted; raises TokenRefused.

        By iframe, the token carries the nonce of this browser; by button or link, the request's Origin is the
        connection's own.
        """
        claims = self._verify(token, "login", now)
        if claims.nonce is not None:
            if nonce_cookie is None or not _same(claims.nonce, nonce_cookie):
                raise TokenRefused("nonce is not this browser's")
        elif origin is None or origin not in self.origins:
            raise TokenRefused("Origin is not the connection's own, and there is no nonce")
        return self._login(claims, Embedding.BROWSER, None)

    def logout(self, token: str, *, now: float) -> Claims:
        """Verify a back-channel logout; raises TokenRefused."""
        return self._verify(token, "logout", now)

    def admin(self, token: str, *, now: float) -> Claims:
        """Verify a request of the CMS's back end for the admin interface; raises TokenRefused."""
        return self._verify(token, "admin", now)

    def link(self, base_url: str | None, path: str) -> str:
        """Return where a link to a path of the portal leads, such as `vorgaenge?zustand=offen` or the empty path."""
        base = (base_url or "").rstrip("/")
        if not path:
            return base or "/"
        return f"{base}{path}" if path.startswith("?") else f"{base}/{path}"

    @property
    def frame_ancestors(self) -> tuple[str, ...]:
        """Return the origins that may frame the portal."""
        return self.origins

    def _verify(self, token: str, typ: str, now: float) -> Claims:
        keys = self._keys() if callable(self._keys) else self._keys
        return verify(token, connection=self.id, keys=keys, aud=self._aud, typ=typ, now=now)

    def _login(self, claims: Claims, embedding: Embedding, base_url: str | None) -> CmsLogin:
        return CmsLogin(
            connection=self.id,
            subject=claims.sub,
            session_id=claims.sid,
            jti=claims.jti,
            issued=claims.iat,
            expires=claims.exp,
            embedding=embedding,
            base_url=base_url,
            person=claims.person if self._trust_person else None,
            name=claims.name,
            email=claims.email,
            lang=claims.lang,
            roles=tuple(role for role in claims.roles if role in ROLES),
        )

    def _checked_base(self, base_url: str | None) -> str:
        if base_url is None:
            raise TokenRefused("Portal-Base-Url is missing")
        if _NO_ADDRESS_HAS.search(base_url):
            raise TokenRefused("Portal-Base-Url has characters that no address has")
        try:
            parts = urlsplit(base_url)
            origin = origin_of(base_url)
        except ValueError as broken:
            raise TokenRefused("Portal-Base-Url is no address") from broken
        if origin not in self.origins or parts.username is not None or parts.password is not None:
            raise TokenRefused("Portal-Base-Url does not lie under the connection's origins")
        if "?" in base_url or "#" in base_url or any(_UP.fullmatch(part) for part in parts.path.split("/")):
            raise TokenRefused("Portal-Base-Url has a query, a fragment or '..'")
        return base_url.rstrip("/")


def check_origin(value: str) -> None:
    """Raise ValueError unless this is an origin as browsers send it: scheme, host, port if not the scheme's own."""
    if not _ORIGIN.fullmatch(value):
        raise ValueError(
            "an origin has scheme, host and no path, like https://www.example.de; no wildcard, umlauts as xn--…"
        )
    if origin_of(value) != value:
        raise ValueError(f"write it as browsers send it: {origin_of(value)}")


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address as browsers write them; raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("an address begins with http:// or https:// and has a host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _same(one: str, other: str) -> bool:
    """Compare in constant time, whatever a browser may have sent."""
    return hmac.compare_digest(one.encode(), other.encode(errors="surrogatepass"))
