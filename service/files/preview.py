"""A page of a document as a picture, drawn in a process of its own: a made-up file harms only its own preview."""

import shutil
import sys
import threading
from io import BytesIO
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO

from service.files import child
from service.files.refusal import Refusal, Unfit

if TYPE_CHECKING:
    from PIL import Image

SIZE_MAX = 30 * 2**20
_WIDTH, _SMALL = 1000, 240
_PIXELS = 4_000_000
_SECONDS = 10
_CPU_S = 5
_MEMORY = 256 * 2**20
_AT_ONCE = 2
_IN_SMALL = "small"
_drawing = threading.BoundedSemaphore(_AT_ONCE)


class NoPreview(Exception):
    """This page cannot be shown: it is not there, or the file is made so that it cannot be drawn."""


def draw_page(content: BinaryIO, mime: str, number: int) -> bytes:
    """Return page `number` (from 1) of a PDF, or a picture, as PNG of at most 1000 pixels' width.

    Raises NoPreview, and OSError when the disk fails.
    """
    return _drawn(content, mime, str(number), begins=b"\x89PNG")


def draw_small(content: BinaryIO, mime: str) -> bytes:
    """Return a picture, or the first page of a PDF, as JPEG of at most 240 pixels each way; raises as `draw_page`."""
    return _drawn(content, mime, _IN_SMALL, begins=b"\xff\xd8")


def _drawn(content: BinaryIO, mime: str, what: str, *, begins: bytes) -> bytes:
    drawn = BytesIO()
    with _drawing, TemporaryFile() as file:  # without a name: killed, it leaves nothing unsealed
        shutil.copyfileobj(content, file)
        file.seek(0)
        try:
            child.run("service.files.preview", mime, what, target=drawn, seconds=_SECONDS, source=file)
        except Unfit as unfit:
            raise NoPreview from unfit
    if not drawn.getvalue().startswith(begins):
        raise NoPreview
    return drawn.getvalue()


def _main(mime: str, what: str) -> int:
    """Run in the child: read from standard input, write the picture to standard output, return the exit code."""
    child.limit(memory=_MEMORY, seconds=_CPU_S)
    try:
        small = what == _IN_SMALL
        width, number = (_SMALL, 1) if small else (_WIDTH, int(what))
        picture = _of_pdf(number, width) if mime == "application/pdf" else _of_picture(width)
        if small:
            picture.thumbnail((width, width))
        picture.save(sys.stdout.buffer, "JPEG" if small else "PNG")
        sys.stdout.buffer.flush()
    except Exception:  # noqa: BLE001 - this process exists for one page, so what fails is the page
        return child.code_of(Unfit(Refusal.DAMAGED))
    return 0


def _of_pdf(number: int, across: int) -> "Image.Image":
    import pypdfium2  # noqa: PLC0415 - only the child may load the library that reads the file

    page = pypdfium2.PdfDocument(sys.stdin.buffer)[number - 1]
    width, height = page.get_size()
    scale = min(across / width, (_PIXELS / (width * height)) ** 0.5)
    drawn: Image.Image = page.render(scale=scale).to_pil()
    return drawn


def _of_picture(across: int) -> "Image.Image":
    from PIL import Image, ImageOps  # noqa: PLC0415 - as above

    with Image.open(sys.stdin.buffer, formats=("JPEG", "PNG", "WEBP")) as picture:
        picture.draft("RGB", (across, across))
        picture.thumbnail((across, across * 4))
        return ImageOps.exif_transpose(picture).convert("RGB")


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
