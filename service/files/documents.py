"""PDF and video: proven by a library, kept as they are."""

from pathlib import Path

import pikepdf
import puremagic

from service.files.pictures import is_picture, picture_type
from service.files.refusal import Refusal, Unfit

_VIDEO = {"video/mp4": "video/mp4", "video/quicktime": "video/quicktime"}
_PDF_MARK = b"%PDF-"
_PDF_MARK_WITHIN = 1024
_HEAD = 4096


def is_pdf(head: bytes) -> bool:
    """Tell whether a file begins like a PDF (ISO 32000: the mark stands in the first 1024 bytes)."""
    return _PDF_MARK in head[:_PDF_MARK_WITHIN]


def check_pdf(path: Path) -> str:
    """Return the media type of a PDF that opens and has pages; raises Unfit."""
    try:
        with pikepdf.open(path) as pdf:
            if pdf.is_encrypted:
                raise Unfit(Refusal.ENCRYPTED)
            if len(pdf.pages) == 0:
                raise Unfit(Refusal.DAMAGED)
    except pikepdf.PasswordError as locked:
        raise Unfit(Refusal.ENCRYPTED) from locked
    except (pikepdf.PdfError, ValueError, RuntimeError, TypeError, OverflowError) as broken:
        raise Unfit(Refusal.DAMAGED) from broken
    return "application/pdf"


def video_type(head: bytes) -> str | None:
    """Return the media type of an MP4 or QuickTime file by its beginning; None for anything else."""
    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return None
    return next((_VIDEO[match.mime_type] for match in matches[:1] if match.mime_type in _VIDEO), None)


def head_of(path: Path) -> bytes:
    """Return the beginning of a file."""
    with path.open("rb") as file:
        return file.read(_HEAD)


def media_type_of(path: Path) -> str:
    """Return the media type of a file from immotion by its content; what is none of ours is plain bytes."""
    head = head_of(path)
    if is_pdf(head):
        return "application/pdf"
    if is_picture(path):
        return picture_type(path)
    return video_type(head) or "application/octet-stream"
