"""`konto/kennwort-vergessen`, `kennwort-neu` and `kennwort`: another password, by mail or by the one in force."""

import falcon
import structlog

from service.access.guesttoken import Guest
from service.access.own import changes, reset
from service.access.own.links import LinkRefused, LinkTokens, Purpose, find
from service.access.own.names import MAX_TYPED as MAX_NAME
from service.access.own.names import name_key
from service.store.records import MailLink, OwnAccount
from service.web.client import count_by_address, source_of
from service.web.context import Reader, Room, reader_of
from service.web.errors import NotFoundHere
from service.web.fields import form_again
from service.web.guest import FORGOTTEN, SIGN_IN, Entry, GuestDesk, own_login, write
from service.web.level2 import form_key, read_form, small_form
from service.web.own_account import own_account, password_wrong, require_to_change_account
from service.web.own_fields import former_password_field, new_password_field, password_error
from service.web.own_pages import ZugangPage
from service.web.pages import Field, MessagePage, Way
from service.web.session import PUBLIC, RESIDENT

log = structlog.get_logger()

BY_LINK, CHANGE = "konto/kennwort-neu", "konto/kennwort"


class KennwortVergessen:
    """`/{mandant}/konto/kennwort-vergessen`: a link to a new password, by mail to whoever has confirmed an address."""

    access = PUBLIC

    def __init__(self, room: Room) -> None:
        self._room = room
        self._desk = GuestDesk(room)

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show the form, or whom to ask where no mail is sent."""
        reader = reader_of(req)
        own_login(reader)
        if self._room.settings.service.mail is None:
            text = reader.words("Bitten Sie Ihre Verwaltung um einen neuen Brief. Damit registrieren Sie sich neu.")
            write(resp, reader, MessagePage(reader.words("Kennwort vergessen"), text, to_login(reader)))
            return
        self._show(resp, reader, self._desk.newcomer(req), "")

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Note the wish; what is answered tells nothing of whether there is such an account."""
        reader = reader_of(req)
        own_login(reader)
        if self._room.settings.service.mail is None:
            raise NotFoundHere
        entry = self._desk.read(req)
        name = req.context.form.get("name")
        if entry is None:
            resp.status = falcon.HTTP_403
            self._show(resp, reader, self._desk.newcomer(req), name, general=form_again(reader.words))
            return
        if not name:
            resp.status = falcon.HTTP_422
            error = reader.words("Bitte füllen Sie dieses Feld aus.")
            self._show(resp, reader, entry.guest, name, error=error)
            return
        count_by_address(req, "mail_address")
        self._room.rates.hit("mail_name", mandant, name_key(name))
        reset.ask(name, reader.lang, source_of(req))
        log.info("reset_asked", request_id=req.context.request_id)
        text = reader.words(
            "Wenn es dazu einen Zugang mit bestätigter E-Mail-Adresse gibt, ist gleich eine E-Mail mit einem Link da. "
            "Er gilt eine Stunde. Kommt keine, sehen Sie im Spamordner nach, oder bitten Sie Ihre Verwaltung um einen "
            "neuen Brief."
        )
        write(resp, reader, MessagePage(reader.words("Bitte sehen Sie in Ihr Postfach"), text, to_login(reader)))

    def _show(  # noqa: PLR0913 - one place where the page is made
        self, resp: falcon.Response, reader: Reader, guest: Guest, name: str, *, error: str = "", general: str = ""
    ) -> None:
        words = reader.words
        label = words("E-Mail-Adresse oder Kundennummer")
        field = Field(
            "name", "text", label, name, required=True, error=error, autocomplete="username", maxlength=MAX_NAME
        )
        page = ZugangPage(
            title=words("Kennwort vergessen"),
            text=words("Wir schicken Ihnen eine E-Mail mit einem Link, über den Sie ein neues Kennwort wählen."),
            form=self._desk.form(reader, guest, reader.link(FORGOTTEN), words("E-Mail senden"), field, general=general),
            ways=to_login(reader),
        )
        self._desk.show(resp, reader, guest, page)


class KennwortNeu:
    """`/{mandant}/konto/kennwort-neu`: what the link leads to, in whichever browser the mailbox is read."""

    access = PUBLIC

    def __init__(self, room: Room) -> None:
        self._room = room
        self._desk = GuestDesk(room)
        self._links = LinkTokens(room.rings.secret_keys)

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Ask for the new password; changes nothing, since mail scanners open links."""
        reader, token = reader_of(req), req.get_param("schluessel", default="")
        own_login(reader)
        try:
            self._find(reader, token)
        except LinkRefused:
            stale(resp, reader)
            return
        self._show(resp, reader, self._desk.newcomer(req), token)

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Put the new password in force, once; 303 to the login."""
        reader = reader_of(req)
        own_login(reader)
        entry = self._desk.read(req)
        token = req.context.form.get("schluessel")
        try:
            link = self._find(reader, token)
            if entry is None:
                resp.status = falcon.HTTP_403
                self._show(resp, reader, self._desk.newcomer(req), token, general=form_again(reader.words))
                return
            self._change(req, resp, entry, link)
        except LinkRefused:
            stale(resp, reader)

    def _change(self, req: falcon.Request, resp: falcon.Response, entry: Entry, link: MailLink) -> None:
        reader, password = reader_of(req), entry.form.raw("kennwort")
        around = (reader.mandant.name, link.email, *reader.mandant.forbidden_words)
        if error := password_error(reader, password, around):
            resp.status = falcon.HTTP_422
            self._show(resp, reader, entry.guest, entry.form.get("schluessel"), error=error)
            return
        reset.finish(link, password, self._room.hasher, source_of(req))
        log.info("password_reset", request_id=req.context.request_id)
        self._desk.remember(req, resp, link.account, in_frame=entry.guest.in_frame)
        resp.status = falcon.HTTP_303
        resp.location = reader.link(SIGN_IN, neu="1")

    def _find(self, reader: Reader, token: str) -> MailLink:
        return find(self._links, reader.mandant_id, token, Purpose.KENNWORT, now=self._room.clock())

    def _show(  # noqa: PLR0913 - one place where the page is made
        self, resp: falcon.Response, reader: Reader, guest: Guest, token: str, *, error: str = "", general: str = ""
    ) -> None:
        words = reader.words
        fields = (Field("schluessel", "hidden", "", token), new_password_field(reader, error))
        page = ZugangPage(
            title=words("Neues Kennwort"),
            text=words("Danach sind Sie überall abgemeldet und melden sich mit dem neuen Kennwort an."),
            form=self._desk.form(reader, guest, reader.link(BY_LINK), words("Speichern"), *fields, general=general),
        )
        self._desk.show(resp, reader, guest, page)


class KennwortAendern:
    """`/{mandant}/konto/kennwort`: another password by the one in force."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show the form."""
        reader = reader_of(req)
        own_account(reader)
        require_to_change_account(reader, CHANGE)
        self._show(resp, reader, saved=req.get_param("neu", default="") == "1")

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Take both passwords; 303 back to the page when it is done."""
        reader = reader_of(req)
        account = own_account(reader)
        form = read_form(req, self._room)
        require_to_change_account(reader, CHANGE)
        if form_key(reader, form) is None:
            resp.status = falcon.HTTP_403
            self._show(resp, reader, expired=True)
            return
        wrong = self._change(req, account, form.raw("bisher"), form.raw("kennwort"))
        if any(wrong):
            resp.status = falcon.HTTP_422
            self._show(resp, reader, *wrong)
            return
        log.info("password_changed", request_id=req.context.request_id)
        resp.status = falcon.HTTP_303
        resp.location = reader.link(CHANGE, neu="1")

    def _change(self, req: falcon.Request, account: OwnAccount, former: str, password: str) -> tuple[str, str]:
        """Change it, and return what is wrong with either field."""
        reader = reader_of(req)
        around = (reader.mandant.name, account.email, reader.signed_in.name, *reader.mandant.forbidden_words)
        if error := password_error(reader, password, around):
            return "", error
        if error := password_wrong(req, account, former):
            return error, ""
        changes.change_password(reader.signed_in, password, self._room.hasher, source_of(req))
        return "", ""

    def _show(  # noqa: PLR0913 - one place where the page is made
        self,
        resp: falcon.Response,
        reader: Reader,
        wrong: str = "",
        weak: str = "",
        *,
        saved: bool = False,
        expired: bool = False,
    ) -> None:
        words = reader.words
        fields = former_password_field(reader, wrong), new_password_field(reader, weak)
        page = ZugangPage(
            title=words("Kennwort ändern"),
            text=words("Auf allen anderen Geräten sind Sie danach abgemeldet."),
            form=small_form(reader, CHANGE, "", words("Speichern"), *fields, expired=expired),
            ways=(Way(words("Zurück"), reader.link("konto")),),
            note=words("Ihr neues Kennwort gilt.") if saved else "",
        )
        write(resp, reader, page)


def stale(resp: falcon.Response, reader: Reader) -> None:
    """Say that a link is good no more, whatever became of it."""
    text = reader.words("Er war schon benutzt, oder es ist zu lange her. Verlangen Sie bitte eine neue E-Mail.")
    resp.status = falcon.HTTP_404
    ways = (*to_login(reader), Way(reader.words("Kennwort vergessen"), reader.link(FORGOTTEN)))
    write(resp, reader, MessagePage(reader.words("Dieser Link gilt nicht mehr"), text, ways))


def to_login(reader: Reader) -> tuple[Way, ...]:
    """Return the way to the own login."""
    return (Way(reader.words("Zur Anmeldung"), reader.link(SIGN_IN)),)
