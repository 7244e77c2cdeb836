"""What the templates of notices may use."""

from dataclasses import dataclass
from typing import ClassVar

from service.web.pages import FieldError, Way


@dataclass(frozen=True, slots=True)
class Said:
    """A text that somebody wrote, with its language where that is not the reader's."""

    text: str
    lang: str = ""


@dataclass(frozen=True, slots=True)
class BetroffenForm:
    """The button by which somebody says that a fault concerns them, too."""

    action: str
    csrf_token: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class AushangView:
    """A notice. `tone`: dringend, wichtig, info; `times` say since when and until when; `where` names the buildings.

    `form` is for faults that the reader has not said to be concerned by; `betroffen` where they have.
    """

    id: str
    kind: str
    tone: str
    severity: str
    title: Said
    text: Said
    times: tuple[str, ...]
    where: str
    calendar: Way | None = None
    form: BetroffenForm | None = None
    betroffen: bool = False


@dataclass(frozen=True, slots=True)
class AushangPage:
    """All notices that concern the reader."""

    template: ClassVar[str] = "pages/aushang.html"
    title: str
    aushaenge: tuple[AushangView, ...]
    ways: tuple[Way, ...] = ()
    done: str = ""
    errors: tuple[FieldError, ...] = ()


@dataclass(frozen=True, slots=True)
class AushangTeil:
    """The notices alone, as a part of some page of the company's."""

    template: ClassVar[str] = "pages/aushang_teil.html"
    title: str
    aushaenge: tuple[AushangView, ...]
