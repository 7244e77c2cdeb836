"""Pictures: decoded to prove them, turned upright, written anew without EXIF, GPS, XMP or profiles."""

import io
import struct
import zlib
from contextlib import suppress
from errno import EINVAL
from pathlib import Path
from typing import IO, Protocol, cast

from PIL import Image, ImageCms, ImageOps

from service.files.markers import Build, build_of
from service.files.refusal import Refusal, Unfit

FORMATS = ("JPEG", "PNG", "WEBP")
_MIME = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "HEIF": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
# What Pillow and pi-heif raise at files made to hurt. UserWarning: where warnings are errors, odd metadata is one.
_HOSTILE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    RuntimeError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    struct.error,
    zlib.error,
    UserWarning,
)
_BOMBS = (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning)
# A seek to a place that a hostile header names fails like this; every other number is the disk's.
_NOT_THE_DISK = (None, EINVAL)
_QUALITY = 88
_PNG_LEVEL = 3
# Pixels. Cameras write 12 million and more as JPEGs of one scan; PNG and WebP are pictures of screens.
_SHRUNK_ABOVE = 16_000_000
_WHOLE = 12_500_000
_SIDE = 65_500  # as in JPEG; Pillow needs memory for each line, too

# The limit is ours, checked before decoding, an error and never a warning. Set once, before any thread opens a picture.
Image.MAX_IMAGE_PIXELS = None


class Writable(Protocol):
    """Where a new picture goes."""

    def write(self, data: bytes, /) -> int:
        """Append data."""
        ...


def is_picture(head: bytes) -> bool:
    """Tell whether a file begins like JPEG, PNG or WebP; only decoding proves it."""
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (
        head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    )


def rewrite(path: Path, target: Writable, *, pixels: int, formats: tuple[str, ...] = FORMATS) -> str:
    """Write the picture's first frame anew into `target` and return its media type.

    `pixels` is the most a picture may have, `formats` are Pillow's names of those that it may be in. Raises Unfit, and
    OSError when the disk fails.
    """
    try:
        picture, source_format = _decoded(path, pixels, formats)
        _save(_in_srgb(picture), source_format, cast("IO[bytes]", target))
    except _BOMBS as bomb:
        raise Unfit(Refusal.TOO_MANY_PIXELS) from bomb
    except _HOSTILE as fault:
        if isinstance(fault, OSError) and fault.errno not in _NOT_THE_DISK:
            raise
        raise Unfit(Refusal.DAMAGED) from fault
    return _MIME[source_format]


def picture_type(path: Path) -> str:
    """Return the media type of a picture as it is, by its content; plain bytes when it cannot be read."""
    try:
        _build(path)
        with Image.open(path, formats=FORMATS) as picture:
            return _MIME[picture.format or ""]
    except (Unfit, *_HOSTILE, *_BOMBS):
        return "application/octet-stream"


def picture_size(path: Path) -> tuple[str, int]:
    """Return media type and number of pixels of a picture, by its head alone; raises Unfit."""
    try:
        with Image.open(path, formats=FORMATS) as picture:
            return _MIME[picture.format or ""], picture.width * picture.height
    except (*_HOSTILE, *_BOMBS) as fault:
        raise Unfit(Refusal.DAMAGED) from fault


def _decoded(path: Path, pixels: int, formats: tuple[str, ...]) -> tuple[Image.Image, str]:
    """Return the picture upright and apart from its file, so that the decoder's own memory is free again."""
    build = _build(path)
    with Image.open(path, formats=formats) as picture:
        _check_size(picture, pixels)
        if picture.format != "HEIF":  # its decoder is in a process of its own
            _bound_memory(picture, streams=build.streams)
        picture.load()
        _check_size(picture, pixels)  # a HEIC's real size is known only now
        source_format = picture.format or ""
        apart = picture.copy()
    # A picture whose EXIF is broken is still a picture: it stays as it lies.
    with suppress(*_HOSTILE):
        ImageOps.exif_transpose(apart, in_place=True)
    return apart, source_format


def _build(path: Path) -> Build:
    """Return how a picture is made up; raises Unfit when of so many parts that looking at them alone takes long."""
    build = build_of(path)
    if build.odd:
        raise Unfit(Refusal.DAMAGED)
    return build


def _bound_memory(picture: Image.Image, *, streams: bool) -> None:
    """Have a large JPEG made smaller while it is decoded; of what needs to be decoded as a whole, refuse the large.

    Pillow holds 4 bytes a pixel, twice while it is turned; a JPEG of several scans is held by its decoder as well,
    which goes through all of it for each.
    """
    if not streams:
        _check_size(picture, _WHOLE)
    elif picture.width * picture.height > _SHRUNK_ABOVE:
        picture.draft(None, (picture.width // 2, picture.height // 2))


def _check_size(picture: Image.Image, pixels: int) -> None:
    if picture.width * picture.height > pixels or max(picture.size) > _SIDE:
        raise Unfit(Refusal.TOO_MANY_PIXELS)


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Bring the colours to sRGB, since the profile is not kept; a profile that does not fit is ignored."""
    profile = picture.info.get("icc_profile")
    if not profile:
        return picture
    if picture.mode == "P" or "transparency" in picture.info:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    if picture.mode not in {"RGB", "RGBA", "L", "CMYK"}:
        return picture
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    with suppress(ImageCms.PyCMSError, *_HOSTILE):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=mode) or picture
    return picture


def _save(picture: Image.Image, source_format: str, target: IO[bytes]) -> None:
    """Save pixels only: what `info` still holds, a writer would pass on."""
    picture.info = {key: value for key, value in picture.info.items() if key == "transparency"}
    if source_format == "PNG":
        picture.save(target, "PNG", compress_level=_PNG_LEVEL)
    elif source_format == "WEBP":
        picture.save(target, "WEBP", quality=_QUALITY)
    else:
        # Not `optimize`: it would hold the whole new file in memory.
        _opaque(picture).save(target, "JPEG", quality=_QUALITY)


def _opaque(picture: Image.Image) -> Image.Image:
    """Put a picture with transparency on white, as JPEG has none."""
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        paper = Image.new("RGB", picture.size, "white")
        paper.paste(picture, mask=picture.getchannel("A"))
        return paper
    return picture if picture.mode == "L" else picture.convert("RGB")
