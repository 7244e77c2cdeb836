"""A page of a document as a picture, drawn in a process of its own: a made-up file harms only its own preview."""

import shutil
import sys
import threading
from io import BytesIO
from tempfile import TemporaryFile
from typing import BinaryIO

from service.files import child
from service.files.refusal import Refusal, Unfit

SIZE_MAX = 30 * 2**20
_WIDTH = 1000
_PIXELS = 4_000_000
_SECONDS = 10
_CPU_S = 5
_MEMORY = 256 * 2**20
_AT_ONCE = 2
_drawing = threading.BoundedSemaphore(_AT_ONCE)


class NoPreview(Exception):
    """This page cannot be shown: it is not there, or the file is made so that it cannot be drawn."""


def draw_page(content: BinaryIO, mime: str, number: int) -> bytes:
    """Return page `number` (from 1) of a PDF, or a picture, as PNG of at most 1000 pixels' width.

    Raises NoPreview, and OSError when the disk fails.
    """
    drawn = BytesIO()
    with _drawing, TemporaryFile() as file:  # without a name: killed, it leaves nothing unsealed
        shutil.copyfileobj(content, file)
        file.seek(0)
        try:
            child.run("service.files.preview", mime, str(number), target=drawn, seconds=_SECONDS, source=file)
        except Unfit as unfit:
            raise NoPreview from unfit
    if not drawn.getvalue().startswith(b"\x89PNG"):
        raise NoPreview
    return drawn.getvalue()


def _main(mime: str, number: int) -> int:
    """Run in the child: read the file from standard input, write the PNG to standard output, return the exit code."""
    child.limit(memory=_MEMORY, seconds=_CPU_S)
    try:
        _draw_pdf(number) if mime == "application/pdf" else _draw_picture()
        sys.stdout.buffer.flush()
    except Exception:  # noqa: BLE001 - this process exists for one page, so what fails is the page
        return child.code_of(Unfit(Refusal.DAMAGED))
    return 0


def _draw_pdf(number: int) -> None:
    import pypdfium2  # noqa: PLC0415 - only the child may load the library that reads the file

    page = pypdfium2.PdfDocument(sys.stdin.buffer)[number - 1]
    width, height = page.get_size()
    scale = min(_WIDTH / width, (_PIXELS / (width * height)) ** 0.5)
    page.render(scale=scale).to_pil().save(sys.stdout.buffer, "PNG")


def _draw_picture() -> None:
    from PIL import Image, ImageOps  # noqa: PLC0415 - as above

    with Image.open(sys.stdin.buffer, formats=("JPEG", "PNG", "WEBP")) as picture:
        picture.draft("RGB", (_WIDTH, _WIDTH))
        picture.thumbnail((_WIDTH, _WIDTH * 4))
        ImageOps.exif_transpose(picture).convert("RGB").save(sys.stdout.buffer, "PNG")


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1], int(sys.argv[2])))
