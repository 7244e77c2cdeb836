"""MP4 and QuickTime: told from the beginning of the file, kept as they are."""

import re

import puremagic

_TAKEN = frozenset({"video/mp4", "video/quicktime"})
# Plain MP4 that cameras write and puremagic 1.30 has no name for.
_MORE_MP4 = frozenset({b"avc1", b"mp41", b"iso2", b"iso4", b"iso5", b"iso6"})
_PICTURE_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1", b"miaf"}
)
_OTHER_PICTURE_BRANDS = frozenset({b"avif", b"avis"})
_BRANDS_WITHIN = 64
_PICTURE_HANDLER = re.compile(rb"hdlr.{8}pict", re.DOTALL)


def is_heif(head: bytes) -> bool:
    """Tell whether a file calls itself HEIC, by its `ftyp` box (ISO 14496-12); AVIF is not meant."""
    brands = _brands(head)
    return bool(brands) and brands[0] not in _OTHER_PICTURE_BRANDS and not _PICTURE_BRANDS.isdisjoint(brands)


def video_type(head: bytes) -> str | None:
    """Return the media type of an MP4 or QuickTime file by its beginning; None for anything else.

    A file with a picture's brand or handler is never a video: puremagic takes some HEIC for MP4.
    """
    brands = _brands(head)
    if not brands or not (_PICTURE_BRANDS | _OTHER_PICTURE_BRANDS).isdisjoint(brands) or _PICTURE_HANDLER.search(head):
        return None
    try:
        named = puremagic.magic_string(head)[0].mime_type
    except (puremagic.PureError, ValueError, IndexError):
        named = ""
    if named in _TAKEN:
        return str(named)
    return "video/mp4" if brands[0] in _MORE_MP4 else None


def _brands(head: bytes) -> list[bytes]:
    """Return the major brand and what follows it; the box's own length is not trusted."""
    if head[4:8] != b"ftyp":
        return []
    return [head[at : at + 4] for at in range(8, min(len(head), _BRANDS_WITHIN), 4)]
