"""Takes one file in: streamed to disk, counted, proven by its content."""

import threading
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID, uuid4

from service.files.documents import check_pdf, head_of, is_pdf
from service.files.heic import convert
from service.files.names import clean_name
from service.files.pictures import is_picture, rewrite
from service.files.refusal import FileRefused, Limits, Refusal, Unfit
from service.files.storage import Incoming, Storage
from service.files.video import is_heif, video_type

_CHUNK = 64 * 1024
# A picture takes up to 4 bytes a pixel, twice while it is turned: a process proves only so many files at once.
_proving = threading.BoundedSemaphore(2)


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A kept file; bytes and SHA-256 (hex) are those of the file as kept, unsealed. The rest is as in `Kept`."""

    id: UUID
    dateiname: str
    mime: str
    bytes: int
    sha256: str
    sealed_key: str | None = None
    scan: str | None = None


def take_in(  # noqa: PLR0913 - the file, where it goes and what there is already
    stream: Readable, dateiname: str, *, storage: Storage, limits: Limits, taken_files: int, taken_bytes: int
) -> StoredFile:
    """Read a stream to its end and keep the file if it is fit.

    `taken_files` and `taken_bytes` are what the Vorgang has already. Never holds a file in memory; pictures are decoded
    one by one. Raises FileRefused, and OSError when the disk fails; then nothing is left behind.
    """
    name = clean_name(dateiname)
    try:
        _check_count(taken_files, limits)
        with storage.incoming() as raw, storage.incoming() as made:
            _copy(stream, raw, limits, taken_bytes)
            raw.finish()
            with _proving:
                fit, mime = _proven(raw, made, limits)
            return _stored(fit, dateiname, mime, storage)
    except Unfit as unfit:
        while stream.read(_CHUNK):
            pass
        raise FileRefused(name, unfit.refusal) from unfit


def _check_count(taken_files: int, limits: Limits) -> None:
    if taken_files >= limits.files:
        raise Unfit(Refusal.TOO_MANY)


def _copy(stream: Readable, raw: Incoming, limits: Limits, taken_bytes: int) -> None:
    while chunk := stream.read(_CHUNK):
        if raw.bytes + len(chunk) > limits.file_bytes:
            raise Unfit(Refusal.TOO_LARGE)
        if taken_bytes + raw.bytes + len(chunk) > limits.total_bytes:
            raise Unfit(Refusal.TOTAL_TOO_LARGE)
        raw.write(chunk)
    if raw.bytes == 0:
        raise Unfit(Refusal.EMPTY)


def _proven(raw: Incoming, made: Incoming, limits: Limits) -> tuple[Incoming, str]:
    """Return what is to be kept, the file as it came or the picture made anew, and its media type; raises Unfit."""
    head = head_of(raw.path)
    heic = is_heif(head)
    if heic or is_picture(head):
        return made, (convert if heic else rewrite)(raw.path, made, pixels=limits.pixels)
    mime = check_pdf(raw.path) if is_pdf(head) else video_type(head) or ""
    if not mime:
        raise Unfit(Refusal.TYPE)
    return raw, mime


def _stored(incoming: Incoming, dateiname: str, mime: str, storage: Storage) -> StoredFile:
    file_id = uuid4()
    kept = storage.keep_fit(incoming, file_id)
    name = clean_name(dateiname, mime)
    return StoredFile(file_id, name, mime, incoming.bytes, incoming.sha256, kept.sealed_key, kept.scan)
