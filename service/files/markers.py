"""How JPEG and PNG are made up: what decoding one will cost is to be known before, and Pillow's own look takes long.

JPEG's markers are those of ITU-T T.81, annex B; PNG's chunks those of the W3C recommendation, section 5.
"""

import mmap
import re
from dataclasses import dataclass
from pathlib import Path

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
# A marker, as opposed to a stuffed zero or a restart within the picture's data.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]", re.DOTALL)
_WITHOUT_LENGTH = {0x01, 0xD8}
_END, _SCAN = 0xD9, 0xDA
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_BASELINE = {0xC0, 0xC1}
_COMPONENTS_AT = 7
_AROUND_CHUNK = 12
# Programs write ten scans and some dozens of segments; and PNG's data in pieces of 8 KiB or more.
_SCANS = 40
_SEGMENTS = 5000
_FILL = 1024
_CHUNKS = 20_000


@dataclass(frozen=True, slots=True)
class Build:
    """`odd` is a file of more parts than any program writes. `streams`: each line is given out as it is decoded."""

    odd: bool
    streams: bool


def build_of(path: Path) -> Build:
    """Return how a picture is made up, as far as it can be followed; the decoder judges what is broken."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:3] == _JPEG:
            return _jpeg(data)
        return Build(odd=data[:8] == _PNG and _chunks(data) > _CHUNKS, streams=False)


def _jpeg(data: mmap.mmap) -> Build:
    scans, segments, kind, components, within, at = 0, 0, 0, 0, 0, 0
    while (found := _MARKER.search(data, at)) is not None and scans <= _SCANS:
        marker, fill, at = data[found.end() - 1], found.start() - at, found.end()
        if marker == _END:
            break
        segments += 1
        if scans == 0 and (segments > _SEGMENTS or fill > _FILL):
            return Build(odd=True, streams=False)
        if marker in _WITHOUT_LENGTH:
            continue
        if marker in _FRAMES:
            kind, components = marker, _byte(data, at + _COMPONENTS_AT)
        elif marker == _SCAN:
            scans, within = scans + 1, _byte(data, at + 2)
        at += max(int.from_bytes(data[at : at + 2], "big"), 2)
    return Build(odd=not 0 < scans <= _SCANS, streams=scans == 1 and kind in _BASELINE and within == components)


def _byte(data: mmap.mmap, at: int) -> int:
    return data[at] if at < len(data) else 0


def _chunks(data: mmap.mmap) -> int:
    """Count the chunks, but for those that are too many."""
    count, at = 0, len(_PNG)
    while at + _AROUND_CHUNK <= len(data) and count <= _CHUNKS:
        count, at = count + 1, at + _AROUND_CHUNK + int.from_bytes(data[at : at + 4], "big")
    return count
