"""The Vorgang interface v1 over HTTP; answers become the channel's results and its three errors, here and only here."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode
from uuid import UUID

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from service.keys import bearer_token
from service.settings import ImmotionSettings
from service.store import clean
from service.store.records import Anhang, OutboxItem
from service.sync.immotion.access import Access, FixedAccess, TokenAccess
from service.sync.immotion.answers import Answer, code_of, felder_of, object_of, problem_of, read, retry_after, word
from service.sync.immotion.channel import (
    Accepted,
    CredentialsRefused,
    CursorExpired,
    Dokument,
    FeedPage,
    Kataloge,
    Part,
    Permanent,
    Scope,
    Stand,
    Temporary,
)
from service.sync.immotion.pools import Tls, pools, tls_of
from service.sync.immotion.tls import certificate_refused
from service.sync.immotion.wire import seq_of

_TEMPORARY = {408, 425, 429}
_REFUSALS = {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}  # whatever comes with them
_SERVER_FAULTS = 500
_SCOPES: dict[int, Scope] = {500: "message", 429: "throttle"}
_NOT_FOUND = "NICHT_GEFUNDEN"
_GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_WITH_CONTENT = {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}
_NO_PART = {HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE}
_SHA_256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/")
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,250}"')
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Shared:
    """What TLS is spoken with, and what is shown to immotion with each call."""

    tls: Tls
    access: Access


class HttpChannel:
    """One connection pool to one immotion."""

    def __init__(self, settings: ImmotionSettings, shared: Shared | None = None, *, mandant: str = "") -> None:
        """Take what all channels of a Mandant should share from `shared`, or make it for this one.

        With `mandant`, an answer about a Vorgang of another one is none.
        """
        shared = shared or shared_of(settings)
        self._mandant = mandant
        self._settings = settings
        self._pools = pools(settings.url, shared.tls)
        self._access = shared.access

    def begin(self, item: OutboxItem) -> None:
        """Take no note: immotion knows by our ids what it has, whoever sends it."""

    def put_anhang(self, anhang: Anhang, content: BinaryIO, request_id: str) -> None:
        """Stream a file with its digest (RFC 9530)."""
        digest = base64.b64encode(bytes.fromhex(anhang.sha256)).decode("ascii")
        headers = {"Content-Digest": f"sha-256=:{digest}:", "Content-Type": anhang.mime}
        headers["Content-Length"] = str(anhang.bytes)
        _confirmed(self._call("PUT", f"/anhaenge/{anhang.id}", request_id, data=content, headers=headers))

    def put_vorgang(self, vorgang_id: UUID, body: Mapping[str, Any], request_id: str) -> Accepted:
        """Hand over a Vorgang; 202 has no number yet."""
        answer = self._call("PUT", f"/vorgaenge/{vorgang_id}", request_id, body=body)
        if answer.status == HTTPStatus.ACCEPTED:
            _confirmed(answer)
            return Accepted(None, None)
        return _accepted(self._about(object_of(answer), vorgang_id))

    def put_aktivitaet(self, vorgang_id: UUID, aktivitaet_id: UUID, body: Mapping[str, Any], request_id: str) -> None:
        """Hand over what a resident added."""
        _confirmed(self._call("PUT", f"/vorgaenge/{vorgang_id}/aktivitaeten/{aktivitaet_id}", request_id, body=body))

    def find_vorgang(self, vorgang_id: UUID, request_id: str) -> Accepted | None:
        """Ask by our id; 404 means that immotion never got it."""
        answer = self._call("GET", f"/vorgaenge/{vorgang_id}", request_id, allowed={HTTPStatus.NOT_FOUND})
        return None if answer.status == HTTPStatus.NOT_FOUND else _accepted(self._about(object_of(answer), vorgang_id))

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
            if problem_of(answer).get("code") != _NOT_FOUND:
                raise Temporary("404 without a problem document")
            return None
        body = object_of(answer)
        if not self._is_about(body, key):
            raise Permanent("an answer about another Vorgang")
        view, known = body.get("mieterSicht"), _accepted(body)
        seen = view if isinstance(view, dict) else {}
        return Stand(known.immotion_id, known.vorgangsnummer, seq_of(seen), seen)

    def kataloge(self, etag: str) -> Kataloge | None:
        """Read the catalogs, unless they are still those of the ETag."""
        headers = {"If-None-Match": etag} if etag else {}
        answer = self._call("GET", "/kataloge", "", headers=headers, allowed={HTTPStatus.NOT_MODIFIED})
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return None
        body = object_of(answer)
        etag = answer.headers.get("ETag", "")
        return Kataloge(word(body.get("version")) or "", etag if _ETAG.fullmatch(etag) else "", body)

    @contextmanager
    def dokument(self, dokument_id: str, part: Part | None = None) -> Iterator[Dokument]:
        """Open a document as a stream of chunks, a part of it with Range and If-Range (RFC 9110, 13.1.5 and 14.2)."""
        opened = self._open(dokument_id, part)
        try:
            yield _dokument(opened, part)
        finally:
            opened.close()

    def _open(self, dokument_id: str, part: Part | None) -> urllib3.BaseHTTPResponse:
        path = f"/dokumente/{quote(dokument_id, safe='')}/inhalt"
        headers = {"Range": f"bytes={part.begin}-", "If-Range": part.etag} if part else {}
        answer = self._call("GET", path, "", headers=headers, allowed=_GONE | _NO_PART, stream=True)
        if answer.status in _GONE:
            # the feed has just answered: this address is right, and what is missing is the document
            raise Permanent(code_of(problem_of(answer), answer.status))
        if answer.opened is None:  # a part that does not exist
            if part is None:
                raise Temporary(f"unexpected answer {answer.status}")
            return self._open(dokument_id, None)
        return answer.opened

    def put_quittung(self, dokument_id: str, body: Mapping[str, Any], request_id: str) -> None:
        """Say what became of a document."""
        _confirmed(self._call("PUT", f"/dokumente/{quote(dokument_id, safe='')}/quittung", request_id, body=body))

    def close(self) -> None:
        """Close the pool."""
        self._pools.now().clear()

    def _about(self, body: Mapping[str, Any], vorgang_id: UUID) -> Mapping[str, Any]:
        """Return an answer about this Vorgang, or about none by name; raises Temporary for one about another."""
        if not self._is_about(body, str(vorgang_id)):
            raise Temporary("an answer about another Vorgang", outcome_unknown=True, scope="message")
        return body

    def _is_about(self, body: Mapping[str, Any], key: str) -> bool:
        """Tell whether an answer is about what was asked for, by our id or immotion's, as far as it names anything."""
        if self._mandant and body.get("mandant") not in (None, "", self._mandant):  # no set: it may be a list
            return False
        named = body.get("externeId" if clean.uuid_of(key) else "vorgangId")
        return named is None or str(named).lower() == key.lower()

    def _page(self, path: str, name: str, params: Mapping[str, str], wait: int) -> FeedPage:
        given = {key: value for key, value in params.items() if value}
        answer = self._call("GET", path, "", params=given, allowed={HTTPStatus.GONE}, wait=wait)
        if answer.status == HTTPStatus.GONE:
            raise CursorExpired
        page = object_of(answer)
        entries = page.get(name)
        if not isinstance(entries, list):
            raise Temporary("the feed's answer has no list of entries")
        # what is no object is put aside by whoever reads the feed, as one that says nothing of what it is
        named = tuple(entry if isinstance(entry, dict) else {"eintrag": entry} for entry in entries)
        return FeedPage(named, _cursor(page.get("naechsterCursor")), bool(page.get("mehr")))

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
    ) -> Answer:
        more = dict(headers or {}) | ({"X-Request-ID": request_id} if request_id else {})
        payload: Any = data
        if body is not None:
            payload = json.dumps(body, ensure_ascii=False, sort_keys=True).encode()
            more["Content-Type"] = "application/json"
        url = f"{self._settings.url}{path}?{urlencode(params)}" if params else self._settings.url + path
        send = partial(self._send, method, url, payload, stream=stream, read_s=self._settings.timeout_s + wait)
        begin = data.tell() if data is not None else 0
        shown = self._access.headers()
        answer = send({**shown, **more})
        if answer.status == HTTPStatus.UNAUTHORIZED and self._access.refused(shown):
            if data is not None:
                data.seek(begin)
            answer = send({**self._access.headers(), **more})
        if allowed and answer.status in allowed:
            return answer
        _raise_for(answer)
        return answer

    def _send(  # noqa: PLR0913 - the parts of a request, and how its answer is awaited
        self,
        method: str,
        url: str,
        payload: Any,  # noqa: ANN401 - urllib3 takes bytes and files
        headers: Mapping[str, str],
        *,
        stream: bool,
        read_s: float,
    ) -> Answer:
        try:
            opened = self._pools.now().send(method, url, body=payload, headers=headers, read_s=read_s)
            if stream and opened.status in _WITH_CONTENT:
                return Answer(opened.status, opened.headers, b"", opened)
            return read(opened)
        except (NewConnectionError, ConnectTimeoutError) as fault:
            # not even a connection came about: nothing can have arrived, and nobody need be asked
            raise Temporary(type(fault).__name__) from fault
        except HTTPError as fault:
            if refused := certificate_refused(fault):
                raise CredentialsRefused(refused) from fault
            raise Temporary(type(fault).__name__, outcome_unknown=True) from fault


def shared_of(settings: ImmotionSettings) -> Shared:
    """Return what the channels of one Mandant share."""
    tls = tls_of(settings)
    if settings.oauth is None:
        return Shared(tls, FixedAccess(bearer_token(settings)))
    return Shared(tls, TokenAccess(settings.oauth, pools(settings.oauth.token_url, tls), timeout_s=settings.timeout_s))


def health(settings: ImmotionSettings) -> str | None:
    """Return what is wrong with the way to immotion; None when it answers."""
    pool = pools(settings.url, tls_of(settings)).now()
    try:
        url, headers = f"{settings.url}/gesundheit", dict[str, str]()
        answer = pool.send("GET", url, body=None, headers=headers, read_s=settings.timeout_s)
        answer.close()
    except HTTPError as fault:
        if refused := certificate_refused(fault):
            return f"{settings.url} refuses our certificate ({refused}); check immotion.client_cert"
        if "CERTIFICATE_VERIFY_FAILED" in str(fault):
            return f"{settings.url} shows a certificate that is not trusted; name its CA in immotion.ca ({fault})"
        return f"{settings.url} does not answer ({type(fault).__name__}); check immotion.url and the network"
    finally:
        pool.clear()
    if answer.status != HTTPStatus.OK:
        return f"{settings.url} answers {answer.status} to /gesundheit; check immotion.url"
    return None


def _raise_for(answer: Answer) -> None:
    status = answer.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    problem = problem_of(answer)
    code = code_of(problem, status)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise CredentialsRefused(code)
    if problem.get("wiederholbar") is False:
        raise Permanent(code, felder_of(problem))
    if status in _TEMPORARY or status >= _SERVER_FAULTS or problem.get("wiederholbar") is True:
        unknown, asked = status >= _SERVER_FAULTS, retry_after(answer)
        away = status == HTTPStatus.SERVICE_UNAVAILABLE and asked is not None
        scope = "connection" if away else _SCOPES.get(status)
        raise Temporary(f"{status} {code}", retry_after=asked, outcome_unknown=unknown, scope=scope, code=code)
    if status in _REFUSALS or (HTTPStatus.BAD_REQUEST <= status < _SERVER_FAULTS and problem):
        raise Permanent(code, felder_of(problem))
    # neither success nor a problem document: a proxy in between, or the wrong address
    raise Temporary(f"unexpected answer {status}")


def _confirmed(answer: Answer) -> None:
    """Raise Temporary for a success that is a page which somebody in between has put there.

    What immotion itself writes into such an answer is left open by the interface.
    """
    if answer.body.lstrip().startswith(b"<"):
        raise Temporary("success with a page: is this immotion?", outcome_unknown=True)


def _cursor(given: object) -> str:
    """Return a cursor as it came, "" for none; raises Temporary for one that cannot be kept as it is."""
    if given is None:
        return ""
    if isinstance(given, bool) or not isinstance(given, str | int) or "\x00" in str(given):
        raise Temporary("the feed's cursor is none")
    return str(given)


def _accepted(body: Mapping[str, Any]) -> Accepted:
    return Accepted(word(body.get("vorgangId")), word(body.get("vorgangsnummer")))


def _dokument(answer: urllib3.BaseHTTPResponse, part: Part | None) -> Dokument:
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        # digest and ranges are of the encoded bytes, which nobody has asked for (RFC 9530, 3)
        return Dokument(_chunks(answer))
    etag = answer.headers.get("ETag", "")
    strong = "" if etag.startswith("W/") else etag  # a weak one does not say that the bytes are the same
    return Dokument(_chunks(answer), _begins_at(answer, part), strong, _stated_sha256(answer))


def _begins_at(answer: urllib3.BaseHTTPResponse, part: Part | None) -> int:
    """Return where an answer begins; raises Temporary for a part that was not asked for."""
    if answer.status != HTTPStatus.PARTIAL_CONTENT:
        return 0
    found = _CONTENT_RANGE.match(answer.headers.get("Content-Range", ""))
    if part is None or found is None or int(found[1]) != part.begin:
        raise Temporary("a part that was not asked for")
    return part.begin


def _stated_sha256(answer: urllib3.BaseHTTPResponse) -> str:
    """Return the SHA-256, in hex, that an answer states of the whole document (RFC 9530); "" when it does not.

    Content-Digest is that of what is sent: of a part, it says nothing of the whole.
    """
    whole = "" if answer.status == HTTPStatus.PARTIAL_CONTENT else answer.headers.get("Content-Digest", "")
    found = _SHA_256.search(answer.headers.get("Repr-Digest", "")) or _SHA_256.search(whole)
    return base64.b64decode(found[1]).hex() if found else ""


def _chunks(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        yield from answer.stream(_CHUNK)
    except HTTPError as fault:
        raise Temporary(type(fault).__name__) from fault
