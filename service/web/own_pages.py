"""The pages of the own login."""

from dataclasses import dataclass
from typing import ClassVar

from service.web.level2_pages import PasskeyForm
from service.web.pages import Form, Way


@dataclass(frozen=True, slots=True)
class ZugangPage:
    """One form: signing in, registering, a new password or address.

    `guest` marks a form whose answer may be a session, `letter` one that a letter's QR code fills in; `top` leads out
    of a frame. `passkey` signs in without typing.
    """

    template: ClassVar[str] = "pages/zugang.html"
    title: str
    text: str
    form: Form
    ways: tuple[Way, ...] = ()
    help: tuple[str, ...] = ()
    note: str = ""
    guest: bool = False
    letter: bool = False
    top: Way | None = None
    passkey: PasskeyForm | None = None


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A session that is signed in; `end` is what its button sends."""

    name: str
    since: str
    seen: str
    current: bool
    end: str


@dataclass(frozen=True, slots=True)
class GeraetePage:
    """Where an account is signed in; `everywhere` is what the button for all others sends, empty if there are none."""

    template: ClassVar[str] = "pages/geraete.html"
    title: str
    text: str
    devices: tuple[DeviceView, ...]
    form: Form
    everywhere: str
    done: str = ""
