"""The pages of the second factor, as `pages.py` has the others."""

from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from service.web.pages import FileView, Form, Way


@dataclass(frozen=True, slots=True)
class PasskeyForm:
    """A form that the script at `script` fills by an authenticator's answer, and that is hidden without it.

    `kind` is what the authenticator is asked for (`get` or `create`), `options` the JSON of how; `failed` is said when
    nothing came of it.
    """

    kind: str
    aktion: str
    options: str
    form: Form
    script: str
    failed: str


@dataclass(frozen=True, slots=True)
class PasskeyView:
    """One of the reader's passkeys; `remove` is what its button says to the server."""

    name: str
    note: str
    remove: str


@dataclass(frozen=True, slots=True)
class PasskeysPage:
    """The reader's passkeys. `adding` where one can be added here, else `elsewhere` says where."""

    template: ClassVar[str] = "pages/passkeys.html"
    title: str
    text: str
    passkeys: tuple[PasskeyView, ...]
    form: Form
    adding: PasskeyForm | None
    elsewhere: str
    back: Way


@dataclass(frozen=True, slots=True)
class BestaetigenPage:
    """A code is asked for. `saved` when a form was kept, with its `files`; `other` asks for the other kind.

    `passkey` takes one in place of a code, where there is one to show.
    """

    template: ClassVar[str] = "pages/bestaetigen.html"
    title: str
    text: str
    form: Form
    other: Way
    lost: str
    saved: bool = False
    files: tuple[FileView, ...] = ()
    passkey: PasskeyForm | None = None


@dataclass(frozen=True, slots=True)
class SicherheitPage:
    """How it stands with the second factor, and what can be done about it."""

    template: ClassVar[str] = "pages/sicherheit.html"
    title: str
    text: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class FaktorPage:
    """Setting up an app: first what it is for, then (with `qr`) the secret as picture and as key."""

    template: ClassVar[str] = "pages/zweiter_faktor.html"
    title: str
    text: str
    form: Form
    back: Way
    qr: Markup | None = None
    key: str = ""
    uri: str = ""


@dataclass(frozen=True, slots=True)
class CodesPage:
    """Recovery codes: shown this once, or (with `form`) still to be made; `elsewhere` leads to other sessions."""

    template: ClassVar[str] = "pages/codes.html"
    title: str
    text: str
    codes: tuple[str, ...]
    form: Form | None
    onward: Way
    elsewhere: Way | None = None
