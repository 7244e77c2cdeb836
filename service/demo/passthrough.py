"""One request handed on to the portal, and its answer handed back, both as streams."""

import http.client
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

CHUNK = 256 * 1024
_TIMEOUT_S = 60
_FRAGMENT_MAX = 4 * 2**20
_UNAUTHORIZED, _SERVER_ERROR = 401, 500
_DRAIN_MAX = 256 * 2**20
_ASKED = ("Content-Type", "Accept", "Accept-Language", "Range", "If-Range", "If-None-Match", "If-Modified-Since")
_ANSWERED = (
    "Content-Type",
    "Content-Disposition",
    "Content-Range",
    "Accept-Ranges",
    "ETag",
    "Last-Modified",
    "Cache-Control",
    "Content-Security-Policy",
    "Location",
    "Retry-After",
    "X-Request-ID",
)


class PortalUnreachable(Exception):
    """The portal did not answer, or broke off before its answer began."""


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Question:
    """What a browser asked the site; `target` is the portal's path with its query, `body` None without one."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: Readable | None = None
    length: int | None = None


class Answer:
    """The portal's answer: headers at once, the body when it is read. Close it."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response
        self.status = response.status
        self.headers = {name: value for name in _ANSWERED if (value := response.getheader(name)) is not None}
        self.title = response.getheader("Portal-Title") or ""
        self.kept_input = self.status == _UNAUTHORIZED and response.getheader("Portal-Input-Kept") == "1"
        self.length = response.length
        self.stated_length = response.getheader("Content-Length")

    @property
    def is_fault(self) -> bool:
        """Whether the portal failed."""
        return self.status >= _SERVER_ERROR

    @property
    def is_refusal(self) -> bool:
        """Whether the portal failed or did not believe the site: nothing that a resident could do about."""
        return self.is_fault or self.status == _UNAUTHORIZED

    @property
    def is_fragment(self) -> bool:
        """Whether this is a piece of a page, to be put into the site's own."""
        mime = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        redirects = "Location" in self.headers
        return mime == "text/html" and "Content-Disposition" not in self.headers and not redirects

    def fragment(self) -> str:
        """Read the piece of a page; raises PortalUnreachable when it breaks off or does not end."""
        try:
            raw = self._response.read(_FRAGMENT_MAX + 1)
            broken_off = bool(self._response.length)
        except (OSError, http.client.HTTPException) as broken:
            raise PortalUnreachable(type(broken).__name__) from broken
        finally:
            self.close()
        if broken_off or len(raw) > _FRAGMENT_MAX:
            raise PortalUnreachable("a fragment that is cut short, or has no end")
        return raw.decode("utf-8", "replace")

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body piece by piece, as it arrives."""
        try:
            while piece := self._response.read1(CHUNK):
                yield piece
            if self._response.length:
                raise PortalUnreachable("broken off")  # so that the browser, too, sees the answer break off
        finally:
            self.close()

    def close(self) -> None:
        """End the connection to the portal."""
        self._response.close()
        self._connection.close()


def ask(portal: str, question: Question) -> Answer:
    """Send a request on to the portal at this address and return its answer; raises PortalUnreachable."""
    parts = urlsplit(portal)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_S, blocksize=CHUNK)
    try:
        _send(connection, question)
        return Answer(connection, connection.getresponse())
    except (OSError, http.client.HTTPException) as failed:
        connection.close()
        raise PortalUnreachable(type(failed).__name__) from failed


def forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what of a browser's headers (names in capitals) concerns the portal; never its cookies."""
    return {name: headers[name.upper()] for name in _ASKED if headers.get(name.upper())}


def _send(connection: http.client.HTTPConnection, question: Question) -> None:
    connection.putrequest(question.method, question.target, skip_accept_encoding=True)
    for name, value in question.headers.items():
        connection.putheader(name, value)
    chunked = question.body is not None and question.length is None
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
    elif question.body is not None:
        connection.putheader("Content-Length", str(question.length))
    connection.endheaders()
    if question.body is not None:
        _send_body(connection, question.body, chunked=chunked)


def _send_body(connection: http.client.HTTPConnection, body: Readable, *, chunked: bool) -> None:
    """Send piece by piece; a portal that answers before the end is not told the rest, but the browser is heard out."""
    try:
        while piece := body.read(CHUNK):
            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            connection.send(b"0\r\n\r\n")
    except (BrokenPipeError, ConnectionResetError):
        drain(body)


def drain(body: Readable) -> None:
    """Read what a browser still sends, up to a limit: it looks at the answer only after that."""
    left = _DRAIN_MAX
    with suppress(OSError):
        while left > 0 and (piece := body.read(CHUNK)):
            left -= len(piece)
