"""The Vorgang interface v1 over HTTP; answers become the channel's results and its three errors, here and only here."""

import base64
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode
from uuid import UUID

import urllib3
from requests.utils import get_auth_from_url, get_environ_proxies, select_proxy
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from service.settings import ImmotionSettings
from service.store.records import Anhang, OutboxItem
from service.sync.immotion.channel import (
    Accepted,
    CredentialsRefused,
    CursorExpired,
    FeedPage,
    Kataloge,
    Permanent,
    Scope,
    Stand,
    Temporary,
)
from service.sync.immotion.wire import seq_of

_TEMPORARY = {408, 425, 429}
_SERVER_FAULTS = 500
_SCOPES: dict[int, Scope] = {500: "message", 429: "connection"}
_NOT_FOUND = "NICHT_GEFUNDEN"
_CHUNK = 64 * 1024
_CONNECT_S = 5


class HttpChannel:
    """One connection pool to one immotion.

    urllib3 itself, not requests on top of it: cookies, redirects and merged settings have no use here and are half of
    what a delivery costs.
    """

    def __init__(self, settings: ImmotionSettings) -> None:
        self._settings = settings
        self._pool = _pool(settings.url)
        self._headers = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}

    def begin(self, item: OutboxItem) -> None:
        """Take no note: immotion knows by our ids what it has, whoever sends it."""

    def put_anhang(self, anhang: Anhang, content: BinaryIO, request_id: str) -> None:
        """Stream a file with its digest (RFC 9530)."""
        digest = base64.b64encode(bytes.fromhex(anhang.sha256)).decode("ascii")
        headers = {"Content-Digest": f"sha-256=:{digest}:", "Content-Type": anhang.mime}
        headers["Content-Length"] = str(anhang.bytes)
        self._call("PUT", f"/anhaenge/{anhang.id}", request_id, data=content, headers=headers)

    def put_vorgang(self, vorgang_id: UUID, body: Mapping[str, Any], request_id: str) -> Accepted:
        """Hand over a Vorgang; 202 has no number yet."""
        answer = self._call("PUT", f"/vorgaenge/{vorgang_id}", request_id, body=body)
        if answer.status == HTTPStatus.ACCEPTED:
            return Accepted(None, None)
        return _accepted(_object(answer))

    def put_aktivitaet(self, vorgang_id: UUID, aktivitaet_id: UUID, body: Mapping[str, Any], request_id: str) -> None:
        """Hand over what a resident added."""
        self._call("PUT", f"/vorgaenge/{vorgang_id}/aktivitaeten/{aktivitaet_id}", request_id, body=body)

    def find_vorgang(self, vorgang_id: UUID, request_id: str) -> Accepted | None:
        """Ask by our id; 404 means that immotion never got it."""
        answer = self._call("GET", f"/vorgaenge/{vorgang_id}", request_id, allowed={HTTPStatus.NOT_FOUND})
        return None if answer.status == HTTPStatus.NOT_FOUND else _accepted(_object(answer))

    def ereignisse(self, cursor: str, *, wait: int) -> FeedPage:
        """Long-poll the feed of events."""
        return self._page("/ereignisse", "ereignisse", {"cursor": cursor, "limit": "200", "wait": str(wait)}, wait)

    def stammdaten(self, cursor: str) -> FeedPage:
        """Read the feed of master data."""
        return self._page("/stammdaten/aenderungen", "aenderungen", {"cursor": cursor, "limit": "200"}, 0)

    def stand(self, key: str) -> Stand | None:
        """Ask how a Vorgang stands; what internal events have said is in its `mieterSicht` no more than in the feed."""
        answer = self._call("GET", f"/vorgaenge/{quote(key, safe='')}", "", allowed={HTTPStatus.NOT_FOUND})
        if answer.status == HTTPStatus.NOT_FOUND:
            # a wrong address answers 404 to everything: only immotion's own says that it does not know the Vorgang
            if _problem(answer).get("code") != _NOT_FOUND:
                raise Temporary("404 without a problem document")
            return None
        body = _object(answer)
        view, known = body.get("mieterSicht"), _accepted(body)
        seen = view if isinstance(view, dict) else {}
        return Stand(known.immotion_id, known.vorgangsnummer, seq_of(seen), seen)

    def kataloge(self, etag: str) -> Kataloge | None:
        """Read the catalogs, unless they are still those of the ETag."""
        headers = {"If-None-Match": etag} if etag else {}
        answer = self._call("GET", "/kataloge", "", headers=headers, allowed={HTTPStatus.NOT_MODIFIED})
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return None
        body = _object(answer)
        return Kataloge(str(body.get("version") or "")[:100], answer.headers.get("ETag", "")[:255], body)

    @contextmanager
    def dokument(self, dokument_id: str) -> Iterator[Iterator[bytes]]:
        """Open a document as a stream of chunks."""
        answer = self._call("GET", f"/dokumente/{quote(dokument_id, safe='')}/inhalt", "", stream=True)
        try:
            yield _chunks(answer)
        finally:
            answer.close()

    def close(self) -> None:
        """Close the pool."""
        self._pool.clear()

    def _page(self, path: str, name: str, params: Mapping[str, str], wait: int) -> FeedPage:
        given = {key: value for key, value in params.items() if value}
        answer = self._call("GET", path, "", params=given, allowed={HTTPStatus.GONE}, wait=wait)
        if answer.status == HTTPStatus.GONE:
            raise CursorExpired
        page = _object(answer)
        entries = page.get(name)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise Temporary("the feed's answer has no list of entries")
        return FeedPage(tuple(entries), str(page.get("naechsterCursor") or ""), bool(page.get("mehr")))

    def _call(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        path: str,
        request_id: str,
        *,
        body: Mapping[str, Any] | None = None,
        data: BinaryIO | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        allowed: set[HTTPStatus] | None = None,
        stream: bool = False,
        wait: float = 0,
    ) -> urllib3.BaseHTTPResponse:
        sent = self._headers | dict(headers or {}) | ({"X-Request-ID": request_id} if request_id else {})
        payload: Any = data
        if body is not None:
            payload = json.dumps(body, ensure_ascii=False, sort_keys=True).encode()
            sent["Content-Type"] = "application/json"
        url = f"{self._settings.url}{path}?{urlencode(params)}" if params else self._settings.url + path
        try:
            answer = self._pool.urlopen(
                method,
                url,
                body=payload,
                headers=sent,
                preload_content=not stream,
                redirect=False,
                retries=False,
                timeout=urllib3.Timeout(connect=_CONNECT_S, read=self._settings.timeout_s + wait),
            )
        except (NewConnectionError, ConnectTimeoutError) as fault:
            # not even a connection came about: nothing can have arrived, and nobody need be asked
            raise Temporary(type(fault).__name__) from fault
        except HTTPError as fault:
            raise Temporary(type(fault).__name__, outcome_unknown=True) from fault
        if allowed and answer.status in allowed:
            return answer
        _raise_for(answer)
        return answer


def _pool(url: str) -> urllib3.PoolManager:
    """Return a pool that goes by the environment's proxy and certificates, if it names any."""
    certificates = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    proxy = select_proxy(url, get_environ_proxies(url))
    if not proxy:
        return urllib3.PoolManager(ca_certs=certificates)
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    headers = urllib3.make_headers(proxy_basic_auth=":".join(get_auth_from_url(proxy)))
    return urllib3.ProxyManager(proxy, proxy_headers=headers, ca_certs=certificates)


def health(settings: ImmotionSettings) -> str | None:
    """Return what is wrong with the way to immotion; None when it answers."""
    timeout = urllib3.Timeout(connect=_CONNECT_S, read=settings.timeout_s)
    try:
        answer = _pool(settings.url).request("GET", f"{settings.url}/gesundheit", timeout=timeout, retries=False)
    except HTTPError as fault:
        return f"{settings.url} does not answer ({type(fault).__name__}); check immotion.url and the network"
    if answer.status != HTTPStatus.OK:
        return f"{settings.url} answers {answer.status} to /gesundheit; check immotion.url"
    return None


def _raise_for(answer: urllib3.BaseHTTPResponse) -> None:
    status = answer.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    problem = _problem(answer)
    code = str(problem.get("code") or status)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise CredentialsRefused(code)
    if problem.get("wiederholbar") is False:
        raise Permanent(code, _felder(problem))
    if status in _TEMPORARY or status >= _SERVER_FAULTS or problem.get("wiederholbar") is True:
        unknown = status >= _SERVER_FAULTS
        raise Temporary(
            f"{status} {code}",
            retry_after=_retry_after(answer),
            outcome_unknown=unknown,
            scope=_SCOPES.get(status),
        )
    if HTTPStatus.BAD_REQUEST <= status < _SERVER_FAULTS and problem:
        raise Permanent(code, _felder(problem))
    # neither success nor a problem document: a proxy in between, or the wrong address
    raise Temporary(f"unexpected answer {status}")


def _object(answer: urllib3.BaseHTTPResponse) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except ValueError as broken:
        raise Temporary("success without JSON: is this immotion?", outcome_unknown=True) from broken
    if not isinstance(body, dict):
        raise Temporary("success without an object: is this immotion?", outcome_unknown=True)
    return body


def _accepted(body: Mapping[str, Any]) -> Accepted:
    return Accepted(_text(body.get("vorgangId")), _text(body.get("vorgangsnummer")))


def _text(value: object) -> str | None:
    return str(value)[:100] if value else None


def _problem(answer: urllib3.BaseHTTPResponse) -> Mapping[str, Any]:
    """Return the problem document (RFC 9457); an empty one for any other answer."""
    if "json" not in answer.headers.get("Content-Type", ""):
        return {}
    try:
        body = answer.json()
    except (ValueError, HTTPError):
        return {}
    return body if isinstance(body, dict) else {}


def _felder(problem: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    felder = problem.get("felder")
    return [feld for feld in felder if isinstance(feld, dict)] if isinstance(felder, list) else []


def _retry_after(answer: urllib3.BaseHTTPResponse) -> float | None:
    """Return Retry-After in seconds (RFC 9110, 10.2.3); dates are not used by this interface."""
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def _chunks(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        yield from answer.stream(_CHUNK)
    except HTTPError as fault:
        raise Temporary(type(fault).__name__) from fault
