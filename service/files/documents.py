"""PDF: proven by opening it, kept as it is; and the media type of what immotion sends."""

from pathlib import Path

import pikepdf
import pikepdf.settings

from service.files.pictures import is_picture, picture_type
from service.files.refusal import Refusal, Unfit
from service.files.video import is_heif, video_type

_PDF_MARK = b"%PDF-"
_BEFORE_MARK = b"\xef\xbb\xbf\x00\t\n\x0c\r "
_HEAD = 4096
_NODES = 1000
_KIDS = 100
_UNPACKED = 64 * 2**20
_HOSTILE = (
    pikepdf.PikepdfError,
    pikepdf.PdfError,
    ValueError,
    RuntimeError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    MemoryError,
)

# Opening a PDF unpacks its index streams, and 25 MB can be packed from 25 GB. qpdf's limits belong to the process and
# are to be set before threads use it, hence here.
pikepdf.settings.set_qpdf_limits(
    flate_max_memory=_UNPACKED,
    png_max_memory=_UNPACKED,
    tiff_max_memory=_UNPACKED,
    run_length_max_memory=_UNPACKED,
    dct_max_memory=_UNPACKED,
)


def is_pdf(head: bytes) -> bool:
    """Tell whether a file begins like a PDF; only white space may stand before, lest it be HTML or a program too."""
    return head.lstrip(_BEFORE_MARK).startswith(_PDF_MARK)


def check_pdf(path: Path) -> str:
    """Return the media type of a PDF that opens without repair, without a password, and has a page; raises Unfit.

    Repair is off because it lets halves of files pass, even of encrypted ones, as whole plain documents.
    """
    pages_of_pdf(path, most=1)
    return "application/pdf"


def pages_of_pdf(path: Path, *, most: int) -> int:
    """Return how many pages a PDF has, `most` when there are more; raises Unfit as `check_pdf` does."""
    try:
        with pikepdf.open(path, attempt_recovery=False, inherit_page_attributes=False) as pdf:
            if pdf.is_encrypted:
                raise Unfit(Refusal.ENCRYPTED)
            pages = _pages(pdf, most)
    except pikepdf.PasswordError as locked:
        raise Unfit(Refusal.ENCRYPTED) from locked
    except _HOSTILE as broken:
        raise Unfit(Refusal.DAMAGED) from broken
    if not pages:
        raise Unfit(Refusal.DAMAGED)
    return pages


def is_encrypted(path: Path) -> bool:
    """Tell whether a PDF cannot be opened without a password."""
    try:
        pages_of_pdf(path, most=1)
    except Unfit as unfit:
        return unfit.refusal is Refusal.ENCRYPTED
    return False


def _pages(pdf: pikepdf.Pdf, most: int) -> int:
    """Look for pages, in bounded steps: to count them, qpdf copies a page that 5 MB name so often into 2 GB."""
    waiting, found = [pdf.Root["/Pages"]], 0
    for _ in range(_NODES):
        if not waiting or found == most:
            break
        node = waiting.pop()
        kids = node.get("/Kids")
        if kids is None:
            found += node.get("/Type") == "/Page"
            continue
        waiting.extend(kids[at] for at in reversed(range(min(len(kids), _KIDS))))
    return found


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
