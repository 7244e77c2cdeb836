"""Files sealed at rest: each under a key of its own, in chunks that open one by one (the STREAM construction).

A sealed file is `_MARK` and then chunks of 64 KiB, each with its AES-256-GCM tag. Every chunk is bound to its file, its
number and to whether it is the last one, so that none can be moved, left out, repeated or cut off; the nonce is the
number, which cannot come twice under a key that seals one file only.
"""

import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from errno import EIO
from typing import TYPE_CHECKING, BinaryIO, Protocol
from uuid import UUID

from service.files.source import Source, reader

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_MARK = b"portal.file.v1\n\0"
_CHUNK = 64 * 1024
_TAG = 16
_SEALED = _CHUNK + _TAG
_KEY_BYTES = 32
_AHEAD = 16


class Sealer(Protocol):
    """What the keys of files are sealed by: `service.access.vault.Vault`."""

    def seal(self, text: str, *, bound: Sequence[str]) -> str:
        """Return a text sealed for the row that `bound` names."""
        ...

    def open(self, sealed: str, *, bound: Sequence[str]) -> str:
        """Return what was sealed for this row; raises an error of its own when it was not."""
        ...


class Tampered(OSError):
    """A sealed file is not what was sealed, or its key is not the one for it."""

    def __init__(self, file_id: UUID) -> None:
        super().__init__(EIO, "a sealed file does not open", str(file_id))


def bound_to(file_id: UUID) -> tuple[str, str]:
    """Return what the sealed key of a file is bound to."""
    return ("file", str(file_id))


def new_key(sealer: Sealer, file_id: UUID) -> tuple[bytes, str]:
    """Return a fresh key for one file, and the same sealed for its row."""
    key = secrets.token_bytes(_KEY_BYTES)
    return key, sealer.seal(b64encode(key).decode("ascii"), bound=bound_to(file_id))


def key_of(sealer: Sealer, sealed: str, file_id: UUID) -> bytes:
    """Return the key that was sealed for this file; raises what the sealer raises."""
    return b64decode(sealer.open(sealed, bound=bound_to(file_id)))


def sealed_size(size: int) -> int:
    """Return how many bytes a file of `size` bytes takes once it is sealed."""
    return len(_MARK) + size + _TAG * max(1, -(-size // _CHUNK))


def seal(plain: BinaryIO, key: bytes, file_id: UUID) -> Iterator[bytes]:
    """Yield a file sealed, piece by piece; holds two chunks at most."""
    cipher = _Chunks(key, file_id)
    yield _MARK
    number, chunk = 0, plain.read(_CHUNK)
    while following := plain.read(_CHUNK):
        yield cipher.seal(number, chunk, last=False)
        number, chunk = number + 1, following
    yield cipher.seal(number, chunk, last=True)


def opened(source: Source, key: bytes, file_id: UUID) -> BinaryIO:
    """Return a sealed file to be read, and sought in, as it was; raises OSError, also while it is read."""
    try:
        return reader(_Opened(source, key, file_id), _CHUNK)
    except BaseException:
        source.close()
        raise


class _Chunks:
    """Seals and opens the chunks of one file."""

    def __init__(self, key: bytes, file_id: UUID) -> None:
        self._cipher = _aesgcm(key)
        self._file_id = file_id

    def seal(self, number: int, chunk: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(_nonce(number, last=last), chunk, self._bound(number, last=last))

    def open(self, number: int, sealed: bytes, *, last: bool) -> bytes:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - only where files are sealed

        try:
            return self._cipher.decrypt(_nonce(number, last=last), sealed, self._bound(number, last=last))
        except InvalidTag as forged:
            raise Tampered(self._file_id) from forged

    def _bound(self, number: int, *, last: bool) -> bytes:
        return _MARK + self._file_id.bytes + number.to_bytes(8, "big") + bytes([last])


def _aesgcm(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - only where files are sealed

    return AESGCM(key)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


class _Opened:
    """Reads chunks as they are wanted, and while it is read in order more and more of them at once."""

    def __init__(self, source: Source, key: bytes, file_id: UUID) -> None:
        self._source = source
        self._cipher = _Chunks(key, file_id)
        body = source.size - len(_MARK)
        self._count = -(-body // _SEALED)
        self.size = body - _TAG * self._count
        if self.size < 0 or source.read_at(0, len(_MARK)) != _MARK:
            raise Tampered(file_id)
        self._first, self._plain = 0, b""  # the chunks that were opened last, from this one on
        self._ahead = 1

    def read_at(self, start: int, length: int) -> bytes:
        if start >= self.size:
            return b""
        if not self._first * _CHUNK <= start < self._first * _CHUNK + len(self._plain):
            self._fetch(start // _CHUNK)
        within = start - self._first * _CHUNK
        return self._plain[within : within + length]

    def close(self) -> None:
        self._source.close()

    def _fetch(self, number: int) -> None:
        in_order = self._plain and number * _CHUNK == self._first * _CHUNK + len(self._plain)
        self._ahead = min(self._ahead * 2, _AHEAD) if in_order else 1
        sealed = self._source.read_at(len(_MARK) + number * _SEALED, self._ahead * _SEALED)
        parts = [sealed[at : at + _SEALED] for at in range(0, len(sealed), _SEALED)]
        self._plain = b"".join(
            self._cipher.open(at, part, last=at == self._count - 1) for at, part in enumerate(parts, number)
        )
        if not self._plain:
            raise OSError(EIO, "a kept file has become shorter")
        self._first = number
