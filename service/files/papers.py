"""Documents of the company: PDF and pictures only, proven by their content, kept to the byte as they are."""

import unicodedata
from pathlib import Path

from service.files.documents import head_of, is_pdf, pages_of_pdf
from service.files.pictures import is_picture, picture_size
from service.files.refusal import Refusal, Unfit
from service.store.dokument_records import Paper

SIZE_MAX = 100 * 2**20
PAGES_SHOWN = 20
_PIXELS = 60_000_000
_NO_NAME = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def check_paper(path: Path) -> Paper:
    """Return the type of a document; raises Unfit for what residents could not open, and OSError.

    Nothing is unpacked beyond what `service.files.documents` bounds, and a picture is not decoded: ZIP and whatever
    else is no PDF, JPEG, PNG or WebP is refused by its first bytes.
    """
    size = path.stat().st_size
    if size == 0:
        raise Unfit(Refusal.EMPTY)
    if size > SIZE_MAX:
        raise Unfit(Refusal.TOO_LARGE)
    head = head_of(path)
    if is_pdf(head):
        return Paper("application/pdf", pages_of_pdf(path, most=PAGES_SHOWN))
    if is_picture(head):
        mime, pixels = picture_size(path)
        if pixels > _PIXELS:
            raise Unfit(Refusal.TOO_MANY_PIXELS)
        return Paper(mime, 1)
    raise Unfit(Refusal.TYPE)


def is_plain_name(name: str) -> bool:
    """Tell whether a file's name is one: no part of a path, no control, direction or private characters."""
    return bool(name) and not any(letter in "/\\" or unicodedata.category(letter) in _NO_NAME for letter in name)
