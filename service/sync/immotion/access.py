"""Shows immotion who we are: nothing, a token that never changes, or tokens by client credentials (RFC 6749, 4.4).

Our own, over the pool that is there. Authlib and requests-oauthlib bring sessions of requests or httpx, and neither
shares one token among threads or tells a refusal from a fault, which is what this module is for; oauthlib alone would
save a form of two fields and the reading of one JSON object, and does not encode HTTP Basic as RFC 6749 (2.3.1) says.
"""

import base64
import math
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote_plus, urlencode

from urllib3.exceptions import HTTPError

from service.keys import KeyRing, client_secret
from service.settings import OAuthSettings
from service.sync.immotion.answers import Answer, json_of, read, retry_after
from service.sync.immotion.channel import CredentialsRefused, Temporary
from service.sync.immotion.pools import CONNECT_S, Pools
from service.sync.immotion.tls import certificate_refused

# how long a token is used whose end the endpoint does not tell
_UNTOLD_S = 300.0
_MARGIN_S = 60.0
_MARGIN_SHARE = 0.25
_TOKEN = re.compile(r"[\x21-\x7e]+")
# RFC 6749, 5.2; what else an endpoint says could be anything, and is not repeated
_ERRORS = {
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "access_denied",
}


class Access(Protocol):
    """What is shown with each call; shared by all channels of a Mandant."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers of a call; raises Temporary or CredentialsRefused when there are none to be had."""
        ...

    def refused(self, shown: Mapping[str, str]) -> bool:
        """Note that these headers got a 401, and tell whether others may fare better."""
        ...


class FixedAccess:
    """A bearer token that only the operator changes; without one, nothing is shown but perhaps a certificate."""

    def __init__(self, token: KeyRing) -> None:
        self._token = token

    def headers(self) -> Mapping[str, str]:
        return _shown(self._token())

    def refused(self, shown: Mapping[str, str]) -> bool:
        """Tell whether the file has another one by now."""
        return _shown(self._token.looked_up()) != shown


def _shown(token: Sequence[str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {token[0]}"} if token and token[0] else {}


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    renew_at: float
    expires_at: float

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.text}"}


class TokenAccess:
    """One access token for all threads, fetched by one of them, renewed before it expires; `monotonic` in seconds.

    No lock is held while the endpoint is asked. Whoever needs a token meanwhile takes the one that is still good, or
    waits and shares what comes of the question: a token or its fault.
    """

    def __init__(
        self,
        oauth: OAuthSettings,
        pools: Pools,
        *,
        timeout_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._oauth = oauth
        self._secret = client_secret(oauth)
        self._pools = pools
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._held: _Token | None = None
        self._asking: Future[_Token] | None = None

    def headers(self) -> Mapping[str, str]:
        now = self._monotonic()
        with self._lock:
            held, asking = self._held, self._asking
            if held is not None and now < held.renew_at:
                return held.headers()
            answer: Future[_Token] = Future()
            if asking is None:
                self._asking = answer
        usable = held if held is not None and now < held.expires_at else None
        if asking is None:
            return self._ask(answer, usable).headers()
        return (usable or self._wait_for(asking)).headers()

    def refused(self, shown: Mapping[str, str]) -> bool:
        with self._lock:
            if self._held is not None and self._held.headers() == shown:
                self._held = None
        return True

    def _ask(self, answer: "Future[_Token]", usable: _Token | None) -> _Token:
        """Fetch a token for all who wait for it; while the old one is still good, a fault of the endpoint is none."""
        try:
            token = self._fetch()
        except BaseException as fault:
            with self._lock:
                self._asking = None
            answer.set_exception(fault)
            if usable is not None and isinstance(fault, Temporary):
                return usable
            raise
        with self._lock:
            self._held, self._asking = token, None
        answer.set_result(token)
        return token

    def _wait_for(self, asking: "Future[_Token]") -> _Token:
        try:
            return asking.result(CONNECT_S + self._timeout_s)
        except TimeoutError:
            raise Temporary("oauth:TimeoutError", scope="connection") from None

    def _fetch(self) -> _Token:
        asked_at = self._monotonic()
        form = {"grant_type": "client_credentials"} | ({"scope": self._oauth.scope} if self._oauth.scope else {})
        headers = {
            "Authorization": _basic(self._oauth.client_id, *self._secret()),
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        try:
            pool, body = self._pools.now(), urlencode(form)
            answer = read(pool.send("POST", self._oauth.token_url, body=body, headers=headers, read_s=self._timeout_s))
        except HTTPError as fault:
            if refused := certificate_refused(fault):
                raise CredentialsRefused(f"oauth:{refused}") from fault
            # only a token was asked for: whatever became of that, immotion got nothing
            raise Temporary(f"oauth:{type(fault).__name__}", scope="connection") from fault
        if answer.status == HTTPStatus.OK:
            return _token(json_of(answer), asked_at)
        raise _refusal(answer)


def _basic(client_id: str, secret: str, *_others: str) -> str:
    """Return HTTP Basic of a client: id and secret are encoded as in a form first (RFC 6749, 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _token(body: Mapping[str, Any], asked_at: float) -> _Token:
    text, kind = body.get("access_token"), str(body.get("token_type")).lower()
    if not isinstance(text, str) or not _TOKEN.fullmatch(text) or kind != "bearer":
        raise Temporary("oauth:success without a bearer token", scope="connection")
    life = _seconds(body.get("expires_in")) or _UNTOLD_S
    margin = min(_MARGIN_S, life * _MARGIN_SHARE)
    return _Token(text, asked_at + life - margin, asked_at + life)


def _refusal(answer: Answer) -> Temporary | CredentialsRefused:
    error = json_of(answer).get("error")
    known = isinstance(error, str) and error in _ERRORS
    if answer.status == HTTPStatus.UNAUTHORIZED or (HTTPStatus.BAD_REQUEST <= answer.status < 500 and known):  # noqa: PLR2004 - the end of 4xx
        return CredentialsRefused(f"oauth:{error if known else answer.status}")
    return Temporary(f"oauth:{answer.status}", retry_after=retry_after(answer), scope="connection")


def _seconds(value: object) -> float | None:
    """Return a positive number of seconds; some endpoints write theirs as text."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) else 0.0
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < math.inf else None
