"""Parts of a file: one range of bytes, as readers of PDF and broken-off downloads ask for it (RFC 9110, 14)."""

import re
from typing import BinaryIO

import falcon

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_CHUNK = 64 * 1024


class Part:
    """Reads so many bytes of an open file, and closes it at the end."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = length

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes of what is left."""
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        data = self._file.read(wanted)
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def send_range(req: falcon.Request, resp: falcon.Response, file: BinaryIO, *, size: int, etag: str) -> int:
    """Answer with the whole file, or the part that is asked for; returns where the answer begins.

    What a range says that is no single range of bytes, or is meant for another version of the file, is ignored. -1 is
    returned where nothing of it goes out: 416 for a range behind the end, 304 and 412 as the request's condition says.
    """
    resp.set_headers({"Accept-Ranges": "bytes", "ETag": f'"{etag}"'})
    if (status := _unmet(req, etag)) is not None:
        file.close()
        resp.status = status
        resp.delete_header("Content-Type")
        return -1
    found = _asked(req, size, etag)
    if found is None:
        resp.set_stream(file, size)
        return 0
    first, last = found
    if first > last:
        file.close()
        resp.status = falcon.HTTP_416
        resp.set_header("Content-Range", f"bytes */{size}")
        return -1
    _skip(file, first)
    resp.status = falcon.HTTP_206
    resp.set_header("Content-Range", f"bytes {first}-{last}/{size}")
    resp.set_stream(Part(file, last - first + 1), last - first + 1)
    return first


def _unmet(req: falcon.Request, etag: str) -> str | None:
    """Return how a request is answered whose condition does not hold (RFC 9110, 13.2.2); None where it does."""
    wanted, had = req.if_match, req.if_none_match
    if wanted and not any(one == "*" or (one == etag and not getattr(one, "is_weak", False)) for one in wanted):
        return falcon.HTTP_412
    return falcon.HTTP_304 if had and any(one in {"*", etag} for one in had) else None


def _asked(req: falcon.Request, size: int, etag: str) -> tuple[int, int] | None:
    """Return first and last byte of what is asked for; None for the whole, a first behind the last for nothing."""
    match = _RANGE.fullmatch((req.get_header("Range") or "").replace(" ", ""))
    condition = req.get_header("If-Range")
    if match is None or (condition is not None and condition != f'"{etag}"'):
        return None
    first, last = match.groups()
    if not first:
        return (max(size - int(last), 0), size - 1) if last else None
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) if last else size, size - 1)


def _skip(file: BinaryIO, count: int) -> None:
    """Go to a place in a file; one that cannot be sought is read up to there."""
    if file.seekable():
        file.seek(count)
        return
    while count > 0 and (data := file.read(min(count, _CHUNK))):
        count -= len(data)
