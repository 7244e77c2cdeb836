"""PDF: proven by opening it, kept as it is; and the media type of what immotion sends."""

import sys
from io import BytesIO
from pathlib import Path

import pikepdf
import pikepdf.settings

from service.files import child
from service.files.pictures import is_picture, picture_type
from service.files.refusal import Refusal, Unfit
from service.files.video import is_heif, video_type

_PDF_MARK = b"%PDF-"
_BEFORE_MARK = b"\xef\xbb\xbf\x00\t\n\x0c\r "
_HEAD = 4096
_NODES = 1000
_KIDS = 100
_UNPACKED = 64 * 2**20
_SMALL = 2**20  # of which hostile ones make 70 MB
_SECONDS = 60
_CPU_SECONDS = 1
_MEMORY = 224 * 2**20
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

# Opening a PDF unpacks its index streams, and 25 MB can be packed from 25 GB.
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

    It is opened in a process of its own: 24 MB of numbers become 1.7 GB of objects, and no limit of qpdf's helps.
    """
    _pages_by_child(path, 1)
    return "application/pdf"


def pages_of_pdf(path: Path, *, most: int) -> int:
    """Return how many pages a PDF has, `most` when there are more; raises Unfit as `check_pdf` does.

    One that is small enough is opened right here, since thousands of statements come at once.
    """
    return _pages_here(path, most) if path.stat().st_size <= _SMALL else _pages_by_child(path, most)


def _pages_by_child(path: Path, most: int) -> int:
    told = BytesIO()
    child.run("service.files.documents", str(path), str(most), target=told, seconds=_SECONDS)
    return int(told.getvalue())


def _pages_here(path: Path, most: int) -> int:
    """Open it; raises Unfit.

    Repair is off because it lets halves of files pass, even of encrypted ones, as whole plain documents.
    """
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


def _main(path: Path, most: int) -> int:
    """Run in the child: print the number of pages, and return the exit code."""
    child.limit(memory=_MEMORY, seconds=_CPU_SECONDS)
    try:
        sys.stdout.write(str(_pages_here(path, most)))
    except Unfit as unfit:
        return child.code_of(unfit)
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), int(sys.argv[2])))
