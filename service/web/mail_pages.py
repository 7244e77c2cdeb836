"""What the templates about mail may use."""

from dataclasses import dataclass
from typing import ClassVar

from service.web.pages import Way


@dataclass(frozen=True, slots=True)
class BenachrichtigungenPage:
    """Whether the reader is told by mail of what is new. `buttons` are what can be chosen, each with its label.

    `arten` and `zeiten` are what is told of and when: value, label, whether it is chosen.
    """

    template: ClassVar[str] = "pages/benachrichtigungen.html"
    title: str
    intro: str
    stand: str
    text: str
    error: str
    action: str
    csrf_token: str
    idempotency_key: str
    buttons: tuple[tuple[str, str], ...]
    warning: str = ""
    arten: tuple[tuple[str, str, bool], ...] = ()
    zeiten: tuple[tuple[str, str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class LinkPage:
    """What the link in a mail leads to: nothing happens before the button is pressed."""

    template: ClassVar[str] = "pages/link.html"
    title: str
    text: str
    action: str
    submit: str
    ways: tuple[Way, ...]
