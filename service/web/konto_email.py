"""`konto/email` and `konto/email-bestaetigen`: the address of an account, changed and confirmed."""

from dataclasses import replace

import falcon
import structlog

from service.access.mailaddress import mail_address
from service.access.own import changes
from service.access.own.links import LinkRefused, LinkTokens, Purpose, find
from service.store.own_accounts import NameTaken
from service.store.records import MailLink, OwnAccount
from service.web.anmelden import email_error
from service.web.client import source_of
from service.web.context import Reader, Room, reader_of
from service.web.errors import ForeignForm, NotFoundHere
from service.web.guest import own_login, write
from service.web.intake import Submitted
from service.web.kennwort import stale, to_login
from service.web.level2 import form_key, read_form, small_form
from service.web.mail_pages import LinkPage
from service.web.own_account import own_account, password_wrong, require_to_change_account
from service.web.own_fields import email_field, former_password_field
from service.web.own_pages import ZugangPage
from service.web.pages import MessagePage, Way
from service.web.render import write_page
from service.web.session import PUBLIC, RESIDENT, same_origin

log = structlog.get_logger()

PATH, CONFIRM = "konto/email", "konto/email-bestaetigen"


class EmailAendern:
    """`/{mandant}/konto/email`: another address, in force once its owner has opened the link of a mail."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show the address and the form."""
        reader = reader_of(req)
        account = self._account(reader)
        require_to_change_account(reader, PATH)
        sent = req.get_param("neu", default="") == "1"
        self._show(resp, reader, account, "" if account.confirmed_email else account.email, sent=sent)

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Send the mail; 303 back to the page."""
        reader = reader_of(req)
        account = self._account(reader)
        form = read_form(req, self._room)
        require_to_change_account(reader, PATH)
        if form_key(reader, form) is None:
            resp.status = falcon.HTTP_403
            self._show(resp, reader, account, form.get("email"), expired=True)
            return
        wrong = self._ask(req, account, form)
        if any(wrong):
            resp.status = falcon.HTTP_422
            self._show(resp, reader, account, form.get("email"), *wrong)
            return
        log.info("email_asked", request_id=req.context.request_id)
        resp.status = falcon.HTTP_303
        resp.location = reader.link(PATH, neu="1")

    def _account(self, reader: Reader) -> OwnAccount:
        if self._room.settings.service.mail is None:
            raise NotFoundHere
        return own_account(reader)

    def _ask(self, req: falcon.Request, account: OwnAccount, form: Submitted) -> tuple[str, str]:
        """Send the mail, and return what is wrong with either field."""
        reader, typed = reader_of(req), form.get("email")
        if error := email_error(reader, typed):
            return error, ""
        if error := password_wrong(req, account, form.raw("bisher")):
            return "", error
        self._room.rates.hit("mail_name", account.mandant, account.account)
        changes.ask_for_email(account, mail_address(typed), reader.lang, source_of(req))
        return "", ""

    def _show(  # noqa: PLR0913, PLR0917 - one place where the page is made
        self,
        resp: falcon.Response,
        reader: Reader,
        account: OwnAccount,
        typed: str,
        wrong: str = "",
        wrong_password: str = "",
        *,
        sent: bool = False,
        expired: bool = False,
    ) -> None:
        words = reader.words
        text = (
            words("Sie melden sich auch mit {address} an, und dorthin schreiben wir.", address=account.confirmed_email)
            if account.confirmed_email
            else words("Ihre Adresse ist noch nicht bestätigt. Bis dahin melden Sie sich mit der Kundennummer an.")
        )
        fields = (
            email_field(reader, typed, wrong, label=words("Neue E-Mail-Adresse")),
            former_password_field(reader, wrong_password),
        )
        page = ZugangPage(
            title=words("E-Mail-Adresse ändern"),
            text=text,
            form=small_form(reader, PATH, "", words("E-Mail senden"), *fields, expired=expired),
            ways=(Way(words("Zurück"), reader.link("konto")),),
            note=words("Wir haben eine E-Mail geschickt. Die Adresse gilt, sobald Sie den Link darin öffnen.")
            if sent
            else "",
        )
        write(resp, reader, page)


class EmailBestaetigen:
    """`/{mandant}/konto/email-bestaetigen`: what the link leads to, in whichever browser the mailbox is read."""

    access = PUBLIC

    def __init__(self, room: Room) -> None:
        self._room = room
        self._links = LinkTokens(room.rings.secret_keys)

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Ask for the button to be pressed; changes nothing, since mail scanners open links."""
        reader, token = reader_of(req), req.get_param("schluessel", default="")
        own_login(reader)
        try:
            link = self._find(reader, token)
        except LinkRefused:
            stale(resp, reader)
            return
        words = reader.words
        page = LinkPage(
            title=words("E-Mail-Adresse bestätigen"),
            text=words("Möchten Sie sich mit {address} anmelden?", address=link.email),
            action=reader.link(CONFIRM, schluessel=token),
            submit=words("Bestätigen"),
            ways=(),
        )
        # the links that change the language would lose what the mail's link carries
        write_page(resp, self._room.renderer.html(page, replace(reader.site(), languages=())), page.title)

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Put the address in force, once."""
        reader, words = reader_of(req), reader_of(req).words
        own_login(reader)
        if not same_origin(req):
            raise ForeignForm
        try:
            link = self._find(reader, req.get_param("schluessel", default=""))
            changes.confirm_email(link, source_of(req))
        except LinkRefused:
            stale(resp, reader)
        except NameTaken:
            resp.status = falcon.HTTP_409
            text = words("Diese Adresse gehört schon zu einem anderen Zugang. Bitte nehmen Sie eine andere.")
            write(resp, reader, MessagePage(words("Nicht geändert"), text, to_login(reader)))
        else:
            log.info("email_confirmed", request_id=req.context.request_id)
            text = words("Ab jetzt können Sie sich mit dieser Adresse anmelden.")
            write(resp, reader, MessagePage(words("E-Mail-Adresse bestätigt"), text, to_login(reader)))

    def _find(self, reader: Reader, token: str) -> MailLink:
        return find(self._links, reader.mandant_id, token, Purpose.EMAIL, now=self._room.clock())
