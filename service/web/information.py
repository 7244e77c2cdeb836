"""Topics that the portal only informs about, such as a Kündigung, which needs paper: nothing is filed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from service.web.context import Reader
from service.web.pages import Way


@dataclass(frozen=True, slots=True)
class Information:
    """What is to be known of a topic; `sender` is name and address of the company."""

    title: str
    text: tuple[str, ...]
    sender: str


@dataclass(frozen=True, slots=True)
class InformationPage:
    """The answer to whoever sends a form with such a topic; `kept` where what they typed waits for another topic."""

    template: ClassVar[str] = "pages/information.html"
    title: str
    information: Information
    again: Way
    home: Way
    kept: bool


def information_of(reader: Reader, values: Mapping[str, str]) -> Information | None:
    """Return what is to be known of the topic that was chosen; None if it is one that can be filed."""
    thema = reader.house.catalog.kontaktthemen.get(values.get("kontaktthema", "").strip())
    if thema is None or not thema.information:
        return None
    letters = reader.mandant.invitation
    sender = letters.sender if letters is not None else ""
    text = tuple(one.text(reader.lang) for one in thema.information)
    return Information(thema.label.text(reader.lang), text, sender or reader.mandant.name)


def information_page(reader: Reader, information: Information, path: str, draft: str) -> InformationPage:
    """Return the page; `draft` names what was kept of the form at `path`, "" if there was nothing to keep."""
    words = reader.words
    return InformationPage(
        title=information.title,
        information=information,
        again=Way(words("Anderes Anliegen wählen"), reader.link(path, entwurf=draft)),
        home=Way(words("Zur Übersicht"), reader.link("")),
        kept=bool(draft),
    )
