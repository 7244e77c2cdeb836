"""How a JPEG is made up, by its markers (ITU-T T.81, annex B): what its decoder will need is to be known before."""

import mmap
import re
from dataclasses import dataclass
from pathlib import Path

# A marker, as opposed to a stuffed zero or a restart within the picture's data.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]", re.DOTALL)
_WITHOUT_LENGTH = {0x01, 0xD8}
_END, _SCAN = 0xD9, 0xDA
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_BASELINE = {0xC0, 0xC1}
_COMPONENTS_AT = 7


@dataclass(frozen=True, slots=True)
class Jpeg:
    """`scans` are those of the first picture, 1000 at most. `streams`: each line can be given out as it is decoded."""

    scans: int
    streams: bool


def look(path: Path) -> Jpeg:
    """Return how a JPEG is made up, as far as it can be followed; the decoder judges what is broken."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _followed(data)


def _followed(data: mmap.mmap) -> Jpeg:
    scans, kind, components, within, at = 0, 0, 0, 0, 0
    while (found := _MARKER.search(data, at)) is not None and scans < 1000:  # noqa: PLR2004 - far more than there are
        at, marker = found.end(), data[found.end() - 1]
        if marker == _END:
            break
        if marker in _WITHOUT_LENGTH:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        if marker in _FRAMES:
            kind, components = marker, _byte(data, at + _COMPONENTS_AT)
        elif marker == _SCAN:
            scans, within = scans + 1, _byte(data, at + 2)
        at += max(length, 2)
    return Jpeg(scans, streams=scans == 1 and kind in _BASELINE and within == components)


def _byte(data: mmap.mmap, at: int) -> int:
    return data[at] if at < len(data) else 0
