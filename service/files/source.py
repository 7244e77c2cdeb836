"""Kept files as they lie, read from any place; and what makes of one a file to be read and sought in."""

import io
from typing import BinaryIO, Protocol

from typing_extensions import Buffer, override


class Source(Protocol):
    """A kept file as it lies, read from any place."""

    size: int

    def read_at(self, start: int, length: int) -> bytes:
        """Return up to `length` bytes; raises OSError."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


def reader(source: Source, block: int) -> BinaryIO:
    """Return a file that reads `block` bytes ahead and closes its source; raises what the source raises."""
    return io.BufferedReader(_Reader(source), block)


class _Reader(io.RawIOBase):
    def __init__(self, source: Source) -> None:
        self._source = source
        self._at = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._at = base + offset
        return self._at

    @override
    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer).cast("B")
        piece = self._source.read_at(self._at, len(view))
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    @override
    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()
