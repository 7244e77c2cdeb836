"""What clerks fill in: fields and files of a form, and which of them are missing or wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import falcon
from falcon.media.multipart import MultipartForm

from service.standin.dokumente import NewDokument
from service.standin.ledger import Ledger
from service.standin.problems import too_large

MAX_FILE = 25 * 1024 * 1024
_MAX_FORM = 256 * 1024
_MIME = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent; `id` is new with each form and names what comes of it."""

    id: str
    fields: Mapping[str, str]
    files: tuple[NewDokument, ...]

    def get(self, name: str) -> str:
        """Return a field without surrounding blanks; empty if it is not there."""
        return self.fields.get(name, "").strip()


class FormRefused(Exception):
    """A form with mistakes; `errors` maps field names to what to do about them."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("form refused")
        self.errors = errors


def read_form(req: falcon.Request, ledger: Ledger) -> Form:
    """Return the form of a POST, its files on disk already; raises falcon's 400, 413 and 415."""
    if (req.content_type or "").startswith("multipart/form-data"):
        return _read_parts(req.get_media(), ledger)
    if (req.content_length or 0) > _MAX_FORM:
        raise too_large()
    media = req.get_media(default_when_empty={})
    if not isinstance(media, dict):
        raise falcon.HTTPUnsupportedMediaType(title="Ein Formular wird erwartet")
    return Form(
        ledger.new_id(),
        {name: value if isinstance(value, str) else str(value[-1]) for name, value in media.items()},
        (),
    )


def _read_parts(parts: MultipartForm, ledger: Ledger) -> Form:
    fields, files = {}, []
    for part in parts:
        if not part.filename:
            fields[part.name or ""] = part.get_text() or ""
            continue
        blob = ledger.blobs.receive(part.stream, limit=MAX_FILE)
        if blob.bytes:
            mime = part.content_type if _MIME.fullmatch(part.content_type) else "application/octet-stream"
            files.append(NewDokument(f"dok-{ledger.new_id()}", clean_name(part.filename), mime, blob))
    return Form(ledger.new_id(), fields, tuple(files))


def clean_name(raw: str) -> str:
    """Return a file name without path, control and direction characters, at most 120 long and never empty."""
    name = re.split(r"[/\\]", raw)[-1]
    return "".join(char if char.isprintable() else "_" for char in name).strip()[-120:] or "datei"


def require(form: Form, **needed: str) -> None:
    """Raise FormRefused with the given words for each field that is empty."""
    errors = {name: words for name, words in needed.items() if not form.get(name)}
    if errors:
        raise FormRefused(errors)


def limit(form: Form, **most: int) -> None:
    """Raise FormRefused for each field that is longer than it may be."""
    errors = {
        name: f"Bitte auf {length} Zeichen kürzen." for name, length in most.items() if len(form.get(name)) > length
    }
    if errors:
        raise FormRefused(errors)
