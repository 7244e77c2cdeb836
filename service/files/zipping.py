"""A ZIP written while it is sent: nothing of it is kept but the piece at hand."""

import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, Protocol

from typing_extensions import Buffer

_CHUNK = 64 * 1024


class Entry(Protocol):
    """One file of the ZIP; its content is asked for when its turn comes."""

    @property
    def name(self) -> str:
        """Its path in the ZIP."""
        ...

    @property
    def packed(self) -> bool:
        """Whether it is worth compressing."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """Yield its content."""
        ...


class _Pipe:
    """Takes what the ZIP writes and gives it away; it cannot be sought, so sizes follow each file."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def write(self, data: Buffer) -> int:
        piece = bytes(data)
        self._held.append(piece)
        return len(piece)

    def flush(self) -> None:
        """Do nothing: what was written is taken."""

    def take(self) -> bytes:
        taken = b"".join(self._held)
        self._held.clear()
        return taken


def zipped(entries: Iterator[Entry], now: datetime) -> Iterator[bytes]:
    """Yield the ZIP of these files, dated `now`, piece by piece.

    Whatever `entries` raise breaks it off: a ZIP without its end is told from a whole one.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:  # type: ignore[call-overload] # it needs no more than write and flush
        for entry in entries:
            info = zipfile.ZipInfo(entry.name, now.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED if entry.packed else zipfile.ZIP_STORED
            with archive.open(info, "w", force_zip64=True) as file:
                for piece in entry.pieces():
                    file.write(piece)
                    yield from _some(pipe)
            yield from _some(pipe)
    yield from _some(pipe)


def _some(pipe: _Pipe) -> Iterator[bytes]:
    taken = pipe.take()
    if taken:
        yield taken


def read_pieces(file: BinaryIO) -> Iterator[bytes]:
    """Yield an open file in pieces, and close it."""
    with file:
        while piece := file.read(_CHUNK):
            yield piece
