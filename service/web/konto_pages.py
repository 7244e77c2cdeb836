"""The pages of the account: for whom it may act, and the code of a letter."""

from dataclasses import dataclass
from typing import ClassVar

from service.web.pages import Form, Way


@dataclass(frozen=True, slots=True)
class KontoPage:
    """What the account is, and what can be done about it."""

    template: ClassVar[str] = "pages/konto.html"
    title: str
    facts: tuple[tuple[str, str], ...]
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class AktivierenPage:
    """The code of a letter is asked for, with a fact that is not in it."""

    template: ClassVar[str] = "pages/aktivieren.html"
    title: str
    text: str
    form: Form
    help: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody whom the account may act for; `switch` and `unlink` are what their buttons send, if they have one."""

    name: str
    homes: tuple[str, ...]
    note: str
    current: bool = False
    switch: str = ""
    unlink: str = ""


@dataclass(frozen=True, slots=True)
class PersonenPage:
    """All whom the account may act for."""

    template: ClassVar[str] = "pages/personen.html"
    title: str
    text: str
    persons: tuple[PersonView, ...]
    form: Form
    ways: tuple[Way, ...]
    done: str = ""


@dataclass(frozen=True, slots=True)
class LoesenPage:
    """Whether a link is to be given up."""

    template: ClassVar[str] = "pages/loesen.html"
    title: str
    text: str
    form: Form
    confirm: str
    back: Way
