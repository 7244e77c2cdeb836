"""Pictures: decoded to prove them, turned upright, written anew without EXIF, GPS, XMP or profiles."""

import io
import threading
from pathlib import Path
from typing import IO, Any, cast

import pi_heif
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from service.files.refusal import Refusal, Unfit
from service.files.storage import Incoming

pi_heif.register_heif_opener()

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
_MIME = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "HEIF": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_HOSTILE = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, IndexError, KeyError, TypeError, ArithmeticError)
_QUALITY = 88
# A decoded picture takes up to 4 bytes a pixel, so only so many are decoded at once in one process.
_decoding = threading.BoundedSemaphore(2)

Image.MAX_IMAGE_PIXELS = None  # the limit is ours, checked before decoding, and an error rather than a warning


def is_picture(path: Path) -> bool:
    """Tell whether the file's content begins like one of the picture formats taken."""
    try:
        with _opened(path):
            return True
    except UnidentifiedImageError:
        return False
    except _HOSTILE:
        return True  # it begins like a picture and is damaged


def rewrite(path: Path, target: Incoming, *, pixels: int) -> str:
    """Write the picture anew into `target` and return its media type; raises Unfit."""
    try:
        with _opened(path) as picture:
            if picture.width * picture.height > pixels:
                raise Unfit(Refusal.TOO_MANY_PIXELS)
            with _decoding:
                _write(_upright(picture), picture.format or "", cast("IO[bytes]", target))
            return _MIME[picture.format or ""]
    except MemoryError as full:
        raise Unfit(Refusal.TOO_MANY_PIXELS) from full
    except OSError as fault:
        if fault.errno is not None:
            raise  # the disk's fault, not the picture's
        raise Unfit(Refusal.DAMAGED) from fault
    except _HOSTILE as fault:
        raise Unfit(Refusal.DAMAGED) from fault


def _opened(path: Path) -> Image.Image:
    return Image.open(path, formats=FORMATS)


def _upright(picture: Image.Image) -> Image.Image:
    picture.seek(0)
    picture.load()
    turned: Image.Image = ImageOps.exif_transpose(picture)
    return _in_srgb(turned, picture.info.get("icc_profile"))


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Bring the colours to sRGB, since the profile is not kept."""
    if not profile or picture.mode not in {"RGB", "RGBA", "L", "CMYK"}:
        return picture
    mode: Any = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except ImageCms.PyCMSError:
        return picture
    return converted or picture


def _write(picture: Image.Image, source_format: str, target: IO[bytes]) -> None:
    """Save pixels only: a copy without `info` has no metadata that a writer could pass on."""
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    if picture.mode == "P":
        bare = picture.convert("RGBA")
        bare.info.clear()
    if source_format == "PNG":
        bare.save(target, "PNG")
    elif source_format == "WEBP":
        bare.convert("RGBA" if "A" in bare.mode else "RGB").save(target, "WEBP", quality=_QUALITY, exif=b"", xmp=b"")
    else:
        bare.convert("RGB").save(target, "JPEG", quality=_QUALITY, optimize=True)


def picture_type(path: Path) -> str:
    """Return the media type of a picture as it is, by its content; plain bytes when it cannot be read."""
    try:
        with _opened(path) as picture:
            return Image.MIME.get(picture.format or "", "application/octet-stream")
    except _HOSTILE:
        return "application/octet-stream"
