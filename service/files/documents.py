"""PDF: proven by opening it, kept as it is; and the media type of what immotion sends."""

from io import BytesIO
from pathlib import Path

from service.files import child
from service.files.pictures import is_picture, picture_type
from service.files.refusal import Refusal, Unfit
from service.files.video import is_heif, video_type

_PDF_MARK = b"%PDF-"
_BEFORE_MARK = b"\xef\xbb\xbf\x00\t\n\x0c\r "
_HEAD = 4096
_SMALL = 2**20  # of which hostile ones make 70 MB
_SECONDS = 60


def is_pdf(head: bytes) -> bool:
    """Tell whether a file begins like a PDF; only white space may stand before, lest it be HTML or a program too."""
    return head.lstrip(_BEFORE_MARK).startswith(_PDF_MARK)


def check_pdf(path: Path) -> str:
    """Return the media type of a PDF that opens without repair, without a password, and has a page; raises Unfit.

    It is opened in a process of its own: 24 MB of numbers become 1.7 GB of objects, and no limit of qpdf's helps.
    """
    _pages_by_child(path, 1)
    return "application/pdf"


def pages_of_pdf(path: Path, *, most: int) -> int:
    """Return how many pages a PDF has, `most` when there are more; raises Unfit as `check_pdf` does.

    One that is small enough is opened right here, since thousands of statements come at once.
    """
    if path.stat().st_size > _SMALL:
        return _pages_by_child(path, most)
    from service.files.pdf import pages_here  # noqa: PLC0415 - loads the PDF library only where it is used

    return pages_here(path, most)


def _pages_by_child(path: Path, most: int) -> int:
    told = BytesIO()
    child.run("service.files.pdf", str(path), str(most), target=told, seconds=_SECONDS)
    return int(told.getvalue())


def is_encrypted(path: Path) -> bool:
    """Tell whether a PDF cannot be opened without a password."""
    try:
        pages_of_pdf(path, most=1)
    except Unfit as unfit:
        return unfit.refusal is Refusal.ENCRYPTED
    return False


def head_of(path: Path) -> bytes:
    """Return the beginning of a file."""
    with path.open("rb") as file:
        return file.read(_HEAD)


def media_type_of(path: Path) -> str:
    """Return the media type of a file from immotion by its content; what is none of ours is plain bytes."""
    head = head_of(path)
    if is_pdf(head):
        return "application/pdf"
    if is_picture(head):
        return picture_type(path)
    if is_heif(head):
        return "image/heif"  # by its name alone: it is not decoded here, and a broken one could crash the decoder
    return video_type(head) or "application/octet-stream"
