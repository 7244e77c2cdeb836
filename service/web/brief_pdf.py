"""Letters with a code and its QR code as a tagged PDF."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import urlsplit

import segno

from service.web.brief_words import Umschlag, letter_words
from service.web.text import Words
from service.web.typesetting import typeset


@dataclass(frozen=True, slots=True)
class Brief:
    """One letter: to whom, with which code, and the address that its QR code leads to."""

    name: str
    anschrift: tuple[str, ...]
    code: str
    url: str


def letters_pdf(letters: Sequence[Brief], common: Umschlag, words: Words) -> bytes:
    """Return all letters in one file, each on a page of its own."""
    data = {
        "lang": words.lang,
        "name": common.name,
        "title": words("Ihr Code für das Mieterportal"),
        "sender": common.invitation.sender or common.name,
        "signature": common.invitation.signature or common.name,
        "date": words.day(common.written_at),
        "url": _shown(common.invitation.url),
        "words": letter_words(common, words),
        "letters": [
            {
                "address": [letter.name, *letter.anschrift],
                "greeting": words("Guten Tag, {name},", name=letter.name),
                "code": letter.code,
                "qr": _qr(letter.url),
            }
            for letter in letters
        ],
    }
    return typeset("brief.typ", data)


def _shown(url: str) -> str:
    """Return an address as people type it."""
    parts = urlsplit(url)
    return url if parts.scheme != "https" else url.removeprefix("https://").rstrip("/")


def _qr(url: str) -> str:
    out = BytesIO()
    segno.make(url, error="m").save(out, kind="svg", border=0, xmldecl=False, svgns=True, omitsize=True)
    return out.getvalue().decode()
