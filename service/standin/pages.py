"""The clerk pages: what each template may use, and how it becomes HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.standin import labels
from service.standin.facts import Datei, Entry, Fact, Section
from service.standin.words import JsonObject

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Line:
    """One Vorgang in the list."""

    url: str
    nummer: str
    betreff: str
    typ: str
    mandant: str
    status: str
    status_code: str
    bearbeiter: str
    gemeldet: str


@dataclass(frozen=True, slots=True)
class ListPage:
    template: ClassVar[str] = "liste.html"
    zeilen: Sequence[Line]
    mandanten: Sequence[str]
    status: str
    mandant: str
    anzahl: int
    weiter: str


@dataclass(frozen=True, slots=True)
class VorgangPage:
    template: ClassVar[str] = "vorgang.html"
    url: str
    nummer: str
    betreff: str
    beschreibung: str
    typ: str
    status: str
    status_code: str
    stand: JsonObject
    vorschlag: JsonObject
    abschnitte: Sequence[Section]
    anhaenge: Sequence[Datei]
    verlauf: Sequence[Entry]
    quittungen: Sequence[Fact]
    handlung: str
    fehler: Mapping[str, str]
    werte: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NeuPage:
    template: ClassVar[str] = "neu.html"
    mandanten: Sequence[str]
    fehler: Mapping[str, str]
    werte: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FehlerPage:
    template: ClassVar[str] = "fehler.html"
    titel: str
    text: str


Page = ListPage | VorgangPage | NeuPage | FehlerPage


class Renderer:
    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["labels"] = labels

    def render(self, page: Page) -> str:
        """Return the page as HTML."""
        values = {field.name: getattr(page, field.name) for field in fields(page)}
        return self._environment.get_template(page.template).render(values)
