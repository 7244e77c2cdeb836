"""What the templates of the documents may use."""

from dataclasses import dataclass
from typing import ClassVar

from service.web.pages import Field, Way


@dataclass(frozen=True, slots=True)
class DokumentView:
    """A document in the list; `opened` says when it was first opened, "" while it is unread.

    `home` is which of the reader's homes it is for, "" if they have one only or it is for none in particular.
    """

    url: str
    titel: str
    kind: str
    day: str
    day_iso: str
    size: str
    opened: str
    picture: bool = False
    home: str = ""


@dataclass(frozen=True, slots=True)
class DokumentePage:
    """All documents of a reader; `hidden` goes along with the form, whose fields narrow the list."""

    template: ClassVar[str] = "pages/dokumente.html"
    title: str
    action: str
    hidden: tuple[tuple[str, str], ...]
    fields: tuple[Field, ...]
    narrowed: Way | None
    dokumente: tuple[DokumentView, ...]
    older: Way | None
    newest: Way | None
    request: Way


@dataclass(frozen=True, slots=True)
class Bild:
    """A page of a document as a picture."""

    url: str
    alt: str


@dataclass(frozen=True, slots=True)
class DokumentPage:
    """One document: what it is, its pages as pictures, and the file itself."""

    template: ClassVar[str] = "pages/dokument.html"
    title: str
    kind: str
    facts: tuple[tuple[str, str], ...]
    noted: str
    download: Way
    bilder: tuple[Bild, ...]
    more: str
    back: Way
    vorgang: Way | None
