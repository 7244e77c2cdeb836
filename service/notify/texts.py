"""What a mail says, in which language: one frozen class per kind, one pair of templates each.

The first line of a text template is the subject. Neither it nor anything else names anybody or tells what it is about.
"""

from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime
from typing import Any, ClassVar, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from typing_extensions import override

from service.access.mailtoken import VALID_FOR, MailTokens
from service.access.own.links import GOOD_FOR, LinkTokens, Purpose
from service.keys import secret_keys
from service.language import LANGUAGES, TEMPLATES, translations
from service.settings import OWN_LOGIN, MailSettings, MandantSettings, Settings
from service.store import mails
from service.store.records import ARTEN, Mail

SETTINGS_PATH = "konto/benachrichtigungen"


class _AsItIs(UniqueUnstructuredHeader, BaseHeader):  # type: ignore[misc] # as the registry joins them itself
    """A header that is not broken up: a link longer than a line would be encoded, and no mail program would find it.

    They read the address as it stands (RFC 2369, 2); a line may have 998 characters (RFC 5322, 2.1.1).
    """

    @override
    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _AsItIs)
# Lines of quoted-printable have 76 characters at most (RFC 2045, 6.7), where Python's own are two longer.
_POLICY = SMTP.clone(max_line_length=76, header_factory=_HEADERS)


class NotUnderstood(Exception):
    """A mail of a kind, or with facts, that this version does not know; it will not do so later either."""


@dataclass(frozen=True, slots=True)
class NeuesMail:
    """There is something new in a Vorgang, or a document; `less_url` ends news of this kind alone."""

    template: ClassVar[str] = "neues"
    name: str
    vorgang: str
    portal_url: str
    unsubscribe_url: str
    less_url: str


@dataclass(frozen=True, slots=True)
class SammelMail:
    """What was new in a day: in which Vorgänge, and whether there is a document.

    `less` are the kinds of news that it tells of, each with the link that ends it alone.
    """

    template: ClassVar[str] = "sammel"
    name: str
    vorgaenge: tuple[str, ...]
    dokument: bool
    portal_url: str
    unsubscribe_url: str
    less: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class QuittungMail:
    """The receipt that a resident has asked for; `pdf` is what is attached."""

    template: ClassVar[str] = "quittung"
    name: str
    filename: str
    pdf: bytes
    portal_url: str
    unsubscribe_url: str = ""


@dataclass(frozen=True, slots=True)
class BestaetigenMail:
    """Somebody wants to be told at this address."""

    template: ClassVar[str] = "bestaetigen"
    name: str
    confirm_url: str
    hours: int
    unsubscribe_url: str = ""


@dataclass(frozen=True, slots=True)
class SicherheitMail:
    """Something was changed that matters for an account's safety: `what`, when, and where to look after it."""

    template: ClassVar[str] = "sicherheit"
    name: str
    what: str
    at: str
    portal_url: str
    unsubscribe_url: str = ""


@dataclass(frozen=True, slots=True)
class ZugangMail:
    """Somebody wants to sign in by this address."""

    template: ClassVar[str] = "zugang"
    name: str
    url: str
    hours: int
    unsubscribe_url: str = ""


@dataclass(frozen=True, slots=True)
class KennwortMail:
    """Somebody wants another password for the account of this address."""

    template: ClassVar[str] = "kennwort"
    name: str
    url: str
    minutes: int
    unsubscribe_url: str = ""


MailPage = NeuesMail | SammelMail | QuittungMail | BestaetigenMail | SicherheitMail | ZugangMail | KennwortMail


class Texts:
    """Composes the mails of one installation; every template is compiled at start."""

    def __init__(self, settings: Settings, server: MailSettings) -> None:
        self._settings = settings
        self._server = server
        keys = secret_keys(settings.service)
        self._tokens = MailTokens(keys)
        self._environments = {lang: _environment(lang) for lang in LANGUAGES}
        self._links = LinkTokens(keys)
        self._zone = ZoneInfo(settings.service.timezone)
        self._pages = {
            mails.NEUES: self._neues,
            mails.SAMMEL: self._sammel,
            mails.QUITTUNG: self._quittung,
            mails.BESTAETIGEN: self._bestaetigen,
            mails.SICHERHEIT: self._sicherheit,
            mails.ZUGANG: self._zugang,
            mails.KENNWORT: self._kennwort,
        }

    def compose(self, mail: Mail) -> bytes:
        """Return the mail as it goes to the server, the same whenever it is made; raises NotUnderstood."""
        mandant = self._settings.mandanten[mail.mandant]
        lang = mail.lang if mail.lang in mandant.languages else mandant.languages[0]
        try:
            page = self._pages[mail.kind](mail, mandant)
        except (KeyError, TypeError, ValueError) as unknown:
            raise NotUnderstood(type(unknown).__name__) from unknown
        subject, _, text = self._render(lang, page, "txt").partition("\n")
        html = self._render(lang, page, "html")
        return _message(mail, page, self._server.sender, (subject, text.lstrip("\n"), html)).as_bytes()

    def _render(self, lang: str, page: MailPage, suffix: str) -> str:
        template = self._environments[lang].get_template(f"mail/{page.template}.{suffix}")
        return template.render(mail=page, lang=lang)

    def _neues(self, mail: Mail, mandant: MandantSettings) -> MailPage:
        return NeuesMail(
            name=mandant.name,
            vorgang=mail.facts["vorgang"],
            portal_url=self._portal_url(mail, mandant),
            unsubscribe_url=self._url(mail, "abbestellen", schluessel=mail.facts["key"]),
            less_url=self._less(mail, mail.facts.get("art", "")),
        )

    def _sammel(self, mail: Mail, mandant: MandantSettings) -> MailPage:
        return SammelMail(
            name=mandant.name,
            vorgaenge=tuple(mail.facts["vorgaenge"]),
            dokument=mail.facts["dokument"],
            portal_url=self._portal_url(mail, mandant),
            unsubscribe_url=self._url(mail, "abbestellen", schluessel=mail.facts["key"]),
            less=tuple((art, self._less(mail, art)) for art in ARTEN if art in mail.facts.get("arten", ())),
        )

    def _quittung(self, mail: Mail, mandant: MandantSettings) -> MailPage:
        return QuittungMail(
            name=mandant.name,
            filename=f"Quittung-{mail.facts['vorgang']}.pdf",
            pdf=b64decode(mail.facts["pdf"], validate=True),
            portal_url=self._portal_url(mail, mandant),
        )

    def _bestaetigen(self, mail: Mail, mandant: MandantSettings) -> MailPage:
        token = self._tokens.issue(mail.mandant, mail.facts["key"], mail.facts["asked"])
        return BestaetigenMail(
            name=mandant.name,
            confirm_url=self._url(mail, "bestaetigen", schluessel=token),
            hours=int(VALID_FOR.total_seconds()) // 3600,
        )

    def _sicherheit(self, mail: Mail, mandant: MandantSettings) -> MailPage:
        at = datetime.fromisoformat(mail.facts["at"]).astimezone(self._zone)
        return SicherheitMail(
            name=mandant.name,
            what=mail.facts["what"],
            at=_moment(at, mail.lang),
            portal_url=self._portal_url(mail, mandant),
        )

    def _zugang(self, mail: Mail, mandant: MandantSettings) -> MailPage:
        hours = int(GOOD_FOR[Purpose.EMAIL].total_seconds()) // 3600
        return ZugangMail(name=mandant.name, url=self._link(mail, "konto/email-bestaetigen"), hours=hours)

    def _kennwort(self, mail: Mail, mandant: MandantSettings) -> MailPage:
        minutes = int(GOOD_FOR[Purpose.KENNWORT].total_seconds()) // 60
        return KennwortMail(name=mandant.name, url=self._link(mail, "konto/kennwort-neu"), minutes=minutes)

    def _less(self, mail: Mail, art: str) -> str:
        return self._url(mail, "abbestellen", schluessel=mail.facts["key"], art=art)

    def _portal_url(self, mail: Mail, mandant: MandantSettings) -> str:
        """Return where the resident signs in."""
        connections = mandant.connections
        connection = connections.get(mail.facts["connection"]) or next(iter(connections.values()))
        if connection.kind == OWN_LOGIN:
            return f"{self._settings.service.public_url}/{mail.mandant}/"
        return connection.login_url or connection.origins[0]

    def _url(self, mail: Mail, page: str, **query: str) -> str:
        return self._page(mail, f"{SETTINGS_PATH}/{page}", **query)

    def _link(self, mail: Mail, path: str) -> str:
        return self._page(mail, path, schluessel=self._links.issue(mail.mandant, mail.facts["link"]))

    def _page(self, mail: Mail, path: str, **query: str) -> str:
        given = urlencode(query | {"lang": mail.lang})
        return f"{self._settings.service.public_url}/{mail.mandant}/{path}?{given}"


def _moment(at: datetime, lang: str) -> str:
    day = format_date(at, format="long", locale="en_GB" if lang == "en" else lang)
    return f"{day}, {at:%H:%M}"


def _message(mail: Mail, page: MailPage, sender: str, parts: tuple[str, str, str]) -> EmailMessage:
    subject, text, html = parts
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = subject
    message["From"] = Address(display_name=page.name, addr_spec=sender)
    message["To"] = Address(addr_spec=mail.recipient)
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = f"<{mail.message_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence notice answers it
    if page.unsubscribe_url:  # RFC 8058
        message["List-Unsubscribe"] = f"<{page.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    if isinstance(page, QuittungMail):
        message.add_attachment(page.pdf, maintype="application", subtype="pdf", filename=page.filename)
    for level, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=={mail.message_id}={level}")
    return message


def _environment(lang: str) -> Environment:
    environment: Any = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(translations(lang), newstyle=True)
    for page in get_args(MailPage):
        for suffix in ("txt", "html"):
            environment.get_template(f"mail/{page.template}.{suffix}")
    made: Environment = environment
    return made
