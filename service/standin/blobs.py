"""Contents of attachments and documents: a folder of files named by their SHA-256, complete or not there at all."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from service.standin.problems import too_large

CHUNK = 256 * 1024
MAX_BYTES = 100 * 1024 * 1024


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Blob:
    """A content that lies on disk; `sha256` in hex."""

    sha256: str
    bytes: int


class Blobs:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._root.mkdir(parents=True, exist_ok=True)
        for leftover in self._root.glob("*.tmp"):
            leftover.unlink()

    def receive(self, stream: Readable, *, limit: int = MAX_BYTES) -> Blob:
        """Write a stream to disk piece by piece; raises the 413 problem beyond `limit` bytes and keeps nothing then."""
        path = self._root / f"{secrets.token_hex(8)}.tmp"
        digest = hashlib.sha256()
        size = 0
        try:
            with path.open("wb") as file:
                while chunk := stream.read(CHUNK):
                    size += len(chunk)
                    if size > limit:
                        raise too_large()
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            path.replace(self._root / digest.hexdigest())
        finally:
            path.unlink(missing_ok=True)
        self._sync_folder()
        return Blob(digest.hexdigest(), size)

    def _sync_folder(self) -> None:
        folder = os.open(self._root, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def open(self, sha256: str) -> BinaryIO:
        """Open a content for reading; raises FileNotFoundError."""
        return (self._root / sha256).open("rb")

    def clear(self) -> None:
        """Remove every content; one that is still arriving stays."""
        for path in self._root.iterdir():
            if path.suffix != ".tmp":
                path.unlink()
