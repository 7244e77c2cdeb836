"""What comes in and goes out, apart from its meaning: JSON bodies, numbers in queries, digests, pieces of files."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import falcon

from service.standin.check import Schema, check
from service.standin.problems import Feld, Problem, invalid, too_large
from service.standin.words import JsonObject, NotJson, parse_json

MAX_JSON = 8 * 1024 * 1024
_CHUNK = 64 * 1024
_SHORT_NUMBER = re.compile(r"[0-9]{1,9}")
_SHA_256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):\s*(?=,|;|$)")
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def read_json(req: falcon.Request, *, limit: int = MAX_JSON) -> Any:  # noqa: ANN401 - its schema is checked next
    """Return the JSON of the body; raises the problems 413 (while reading) and 422."""
    text = bytearray()
    while chunk := req.stream.read(_CHUNK):
        text += chunk
        if len(text) > limit:
            raise too_large()
    try:
        return parse_json(bytes(text))
    except NotJson as error:
        raise invalid([Feld("", "TYP")], title="Der Inhalt ist kein gültiges JSON") from error


def read_object(req: falcon.Request, schema: Schema | None = None) -> JsonObject:
    """Return the JSON object of the body, checked against the schema; raises the 422 problem."""
    body = read_json(req)
    wrong = [*check(body, schema or {"type": "object"})]
    if wrong:
        raise invalid(wrong)
    return dict(body)


def read_list(req: falcon.Request, schema: Schema, *, wrapper: str = "") -> list[JsonObject]:
    """Return the JSON objects of the body: one, a list, or {wrapper: list}; raises the 422 problem."""
    body = read_json(req)
    if wrapper and isinstance(body, dict) and wrapper in body:
        body = body[wrapper]
    entries = body if isinstance(body, list) else [body]
    wrong = [feld for index, entry in enumerate(entries) for feld in check(entry, schema, f"/{index}")]
    if wrong:
        raise invalid(wrong)
    return entries


def query_int(req: falcon.Request, name: str, *, default: int, bounds: tuple[int, int]) -> int:
    """Return a number of the query; raises the 422 problem outside `bounds` (both inside)."""
    text = req.get_param(name, default="")
    if not text:
        return default
    if not (_SHORT_NUMBER.fullmatch(text) and bounds[0] <= int(text) <= bounds[1]):
        raise invalid([Feld(f"?{name}", "WERT")])
    return int(text)


def sha256_of_header(header: str | None) -> str:
    """Return the SHA-256, in hex, that a Content-Digest header (RFC 9530) states; raises the 422 problem."""
    match = _SHA_256.search(header or "")
    try:
        digest = base64.b64decode(match[1], validate=True) if match else b""
    except binascii.Error:
        digest = b""
    if len(digest) != 32:  # noqa: PLR2004 - the bytes of a SHA-256
        raise invalid([Feld("Content-Digest", "FORMAT" if header else "PFLICHT")])
    return digest.hex()


def digest_header(sha256: str) -> str:
    """Return the value of Content-Digest or Repr-Digest for a SHA-256 in hex."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"


@dataclass(frozen=True, slots=True)
class Piece:
    """The bytes of a file from `first` to `last`, both inside."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def piece_of(header: str | None, size: int) -> Piece | None:
    """Return the piece that a Range header asks for; None means the whole (also for what RFC 9110 lets us ignore).

    Raises the 416 problem when no byte of it exists.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or match.groups() == ("", "") or (match[1] and match[2] and int(match[2]) < int(match[1])):
        return None
    if match[1]:
        piece = Piece(int(match[1]), min(int(match[2] or size), size - 1))
    else:
        piece = Piece(max(size - int(match[2]), 0), size - 1)
    if piece.length <= 0:
        problem = Problem(416, "VALIDIERUNG", "Diesen Teil gibt es nicht")
        problem.headers = {"Content-Range": f"bytes */{size}"}
        raise problem
    return piece


class PieceReader:
    """Reads one piece of a file and closes it at the end."""

    def __init__(self, file: BinaryIO, piece: Piece) -> None:
        self._file = file
        self._left = piece.length
        file.seek(piece.first)

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes of what is left."""
        asked = self._left if size is None or size < 0 else size
        chunk = self._file.read(min(asked, self._left))
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def matches_etag(header: str | None, etags: Sequence[str]) -> bool:
    """Tell whether an If-None-Match or If-Range header names one of the quoted ETags."""
    names = [name.strip().removeprefix("W/") for name in (header or "").split(",")]
    return any(etag in names for etag in etags) or names == ["*"]
