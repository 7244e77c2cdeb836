"""What each template may use: one frozen class per template, and the small views inside them.

Every text here is in the reader's language already, every URL leads where the reader's embedding needs it to lead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from service.web.aushang_pages import AushangView
    from service.web.entwuerfe import DraftView
    from service.web.information import Information


@dataclass(frozen=True, slots=True)
class Way:
    """A link with its words; `current` marks where the reader is."""

    label: str
    url: str
    current: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Rufnummer:
    """A number to call; `tel` is what stands behind tel:, `house` which house it is for, where they differ."""

    label: str
    number: str
    tel: str
    house: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """What surrounds every page; given to each template as `site`.

    `csp_nonce` marks style sheet and script as the portal's own, in a full page only: the policy of the CMS's page
    governs a fragment. `ends_at` and `seconds_left` say when the browser session ends in any case. `acting` names whom
    the reader acts for, among several persons, and leads to where that is changed.
    """

    mandant: str
    name: str
    lang: str
    fragment: bool
    signed_in: bool
    reader: str
    home: str
    css_url: str
    js_url: str
    languages: tuple[Way, ...]
    navigation: tuple[Way, ...]
    notfall_url: str
    barrierefreiheit_url: str
    logout_url: str | None
    csrf_token: str
    header_session: bool = False
    origins: tuple[str, ...] = ()
    csp_nonce: str = ""
    ends_at: str = ""
    seconds_left: int = 0
    acting: Way | None = None


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    selected: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One form field.

    `kind`: text, tel, email, password, number, date, code, textarea, select, radio, checkbox, hidden.
    """

    name: str
    kind: str
    label: str
    value: str = ""
    hint: str = ""
    required: bool = False
    options: tuple[Option, ...] = ()
    error: str = ""
    autocomplete: str = ""
    inputmode: str = ""
    maxlength: int | None = None
    rows: int = 5


@dataclass(frozen=True, slots=True)
class FieldError:
    """A line of the error summary, linked to the field's anchor."""

    anchor: str
    message: str


@dataclass(frozen=True, slots=True)
class FileView:
    """A file in a draft (`id` for its remove button) or of a Vorgang (`url`: download, `small_url`: picture)."""

    id: str
    name: str
    size: str
    url: str = ""
    sha256: str = ""
    picture: bool = False
    note: str = ""
    small_url: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """An emergency notice. `mode` as in the catalog; `blocking` hides the form until the reader has confirmed."""

    title: str
    mode: str
    steps: tuple[str, ...]
    calls: tuple[Rufnummer, ...]
    blocking: bool
    confirm: Field | None
    confirm_url: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """A form that is filled in, with everything that was typed and uploaded before."""

    action: str
    csrf_token: str
    idempotency_key: str
    fields: tuple[Field, ...]
    errors: tuple[FieldError, ...]
    files: tuple[FileView, ...]
    file_error: str
    file_hint: str
    accept: str
    submit: str
    saved_at: str = ""
    takes_files: bool = True
    file_field: str = "anhaenge"


@dataclass(frozen=True, slots=True)
class MeldenPage:
    """A report, complaint, request or question being written."""

    template: ClassVar[str] = "pages/melden.html"
    title: str
    intro: str
    form: Form
    notice: Notice | None = None
    chosen: tuple[str, ...] = ()
    change_url: str = ""
    link_to_filed: Way | None = None
    aushaenge: "tuple[AushangView, ...]" = ()
    information: "Information | None" = None


@dataclass(frozen=True, slots=True)
class Group:
    """Ways under a heading."""

    label: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class SchadenPage:
    """Finding the Art of a damage: by search, or place first."""

    template: ClassVar[str] = "pages/schaden.html"
    title: str
    step: str
    action: str
    search: str
    hits: tuple[Way, ...] | None
    groups: tuple[Group, ...]
    chosen: tuple[str, ...]
    back: Way | None
    drafts: "tuple[DraftView, ...]"
    errors: tuple[FieldError, ...]
    danger: tuple[Way, ...]
    browse: Way
    aushaenge: "tuple[AushangView, ...]" = ()


@dataclass(frozen=True, slots=True)
class VorgangView:
    """A Vorgang in a list. `tone`: wait, work, ask, done, no. `zeichen` is immotion's number, once it is known."""

    url: str
    number: str
    kind: str
    betreff: str
    filed: str
    filed_iso: str
    status: str
    tone: str
    next_step: str
    unread: int
    zeichen: str = ""


@dataclass(frozen=True, slots=True)
class OverviewPage:
    template: ClassVar[str] = "pages/uebersicht.html"
    title: str
    homes: tuple[str, ...]
    homes_label: str
    vorgaenge: tuple[VorgangView, ...]
    more: Way | None
    search_action: str
    ways: tuple[Way, ...]
    calls: tuple[Rufnummer, ...]
    drafts: "tuple[DraftView, ...]" = ()
    activate: Way | None = None
    letters: Way | None = None
    aushaenge: "tuple[AushangView, ...]" = ()
    more_aushaenge: Way | None = None


@dataclass(frozen=True, slots=True)
class VorgaengePage:
    template: ClassVar[str] = "pages/vorgaenge.html"
    title: str
    filters: tuple[Way, ...]
    vorgaenge: tuple[VorgangView, ...]
    older: Way | None
    newest: Way | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a timeline. `side`: mine, theirs, event. `original`: the text is a name that immotion gave."""

    side: str
    who: str
    time: str
    time_iso: str
    heading: str
    text: str
    files: tuple[FileView, ...]
    pending: bool
    original: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """A small form on a Vorgang's page: withdraw, not fixed, rate. `fields` are asked for before it is sent."""

    name: str
    label: str
    explanation: str
    submit: str
    form: Form
    open: bool = False


@dataclass(frozen=True, slots=True)
class VorgangPage:
    template: ClassVar[str] = "pages/vorgang.html"
    title: str
    vorgang: VorgangView
    status_text: str
    facts: tuple[tuple[str, str], ...]
    beschreibung: str
    files: tuple[FileView, ...]
    entries: tuple[Entry, ...]
    message: Action | None
    actions: tuple[Action, ...]
    receipt_url: str
    receipt_pdf_url: str
    news: Way | None = None


@dataclass(frozen=True, slots=True)
class QuittungPage:
    template: ClassVar[str] = "pages/quittung.html"
    title: str
    fresh: bool
    number: str
    filed: str
    filed_iso: str
    status: str
    facts: tuple[tuple[str, str], ...]
    beschreibung: str
    files: tuple[FileView, ...]
    vorgang_url: str
    pdf_url: str
    home_url: str
    mail_url: str = ""
    csrf_token: str = ""
    idempotency_key: str = ""
    mailed: bool = False
    confirm_url: str = ""
    there: Way | None = None


@dataclass(frozen=True, slots=True)
class MessagePage:
    """An error or a plain notice: what happened, what to do."""

    template: ClassVar[str] = "pages/meldung.html"
    title: str
    text: str
    ways: tuple[Way, ...] = ()
    calls: tuple[Rufnummer, ...] = ()
    reference: str = ""


@dataclass(frozen=True, slots=True)
class UnsavedPage:
    """A form that could not be stored, with everything that was typed; `hidden` goes along unseen."""

    template: ClassVar[str] = "pages/ungespeichert.html"
    title: str
    text: str
    action: str
    submit: str
    hidden: tuple[tuple[str, str], ...]
    fields: tuple[Field, ...]
    facts: tuple[tuple[str, str], ...]
    files: tuple[FileView, ...]
    refused: tuple[str, ...]
    accept: str
    calls: tuple[Rufnummer, ...]
    reference: str
    file_field: str = "anhaenge"


@dataclass(frozen=True, slots=True)
class NotfallPage:
    template: ClassVar[str] = "pages/notfall.html"
    title: str
    calls: tuple[Rufnummer, ...]
    buildings: tuple[tuple[str, tuple[Rufnummer, ...]], ...]
    rules: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class BarrierefreiheitPage:
    template: ClassVar[str] = "pages/barrierefreiheit.html"
    title: str
    contact: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class SsoPage:
    """The entry of the iframe: passes its nonce to the site around it and takes a token back."""

    template: ClassVar[str] = "pages/sso.html"
    title: str
    nonce: str
    nonce_proof: str
    origins: tuple[str, ...]
    action: str
    top_url: str


class Page(Protocol):
    """What every page class has."""

    template: ClassVar[str]

    @property
    def title(self) -> str: ...


Values = Mapping[str, str]
