"""Opens PDFs; run as a program, in a process of its own with bounds (`service.files.documents`)."""

import sys
from pathlib import Path

import pikepdf
import pikepdf.settings

from service.files import child
from service.files.refusal import Refusal, Unfit

_NODES = 1000
_KIDS = 100
_UNPACKED = 64 * 2**20
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


def pages_here(path: Path, most: int) -> int:
    """Return how many pages it has, `most` when there are more; raises Unfit.

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


def _main(path: Path, most: int) -> int:
    """Run in the child: print the number of pages, and return the exit code."""
    child.limit(memory=_MEMORY, seconds=_CPU_SECONDS)
    try:
        sys.stdout.write(str(pages_here(path, most)))
    except Unfit as unfit:
        return child.code_of(unfit)
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), int(sys.argv[2])))
