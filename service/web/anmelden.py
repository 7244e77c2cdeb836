"""`konto/anmelden` and `konto/registrieren`: into the portal by its own login."""

import falcon
import structlog

from service.access.activation import ActivationRefused, Refusal
from service.access.activation_code import Code, Shape, parse
from service.access.audit import Event
from service.access.guesttoken import Guest
from service.access.mailaddress import mail_address
from service.access.own.names import MAX_TYPED as MAX_NAME
from service.access.own.register import Registration, register
from service.access.own.sign_in import Attempt, SignInRefused, sign_in
from service.access.weiter import HOME
from service.web.aktivieren import (
    fact_error,
    fact_field,
    invitation_of,
    letter_field,
    letter_help,
    refusal_help,
    shape_help,
)
from service.web.anmelden_passkey import PasskeyProblem, account_of, offer
from service.web.client import count_by_address, source_of
from service.web.context import Reader, Room, reader_of
from service.web.fields import form_again
from service.web.guest import FORGOTTEN, REGISTER, SIGN_IN, Entry, GuestDesk, cookies_wanted, own_login
from service.web.noted import note_alone
from service.web.own_fields import email_field, new_password_field, password_error, password_field
from service.web.own_pages import ZugangPage
from service.web.pages import Field, Way
from service.web.session import PUBLIC

log = structlog.get_logger()


class Anmelden:
    """`/{mandant}/konto/anmelden`: name and password."""

    access = PUBLIC

    def __init__(self, room: Room) -> None:
        self._room = room
        self._desk = GuestDesk(room)

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show the form; who is signed in already is led on."""
        reader, token = reader_of(req), req.get_param("weiter", default="")
        own_login(reader)
        if reader.visitor is not None:
            resp.status, resp.location = falcon.HTTP_303, onward(reader, token)
            return
        fresh = req.get_param("neu", default="") == "1"
        self._show(resp, reader, self._desk.newcomer(req), ("", token), fresh=fresh)

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Take name and password, and start a session if they fit."""
        reader = reader_of(req)
        own_login(reader)
        entry = self._desk.read(req)
        if entry is None:
            resp.status = falcon.HTTP_403
            typed = req.context.form.get("name"), req.context.form.get("weiter")
            self._show(resp, reader, self._desk.newcomer(req), typed, form_again(reader.words))
            return
        typed = entry.form.get("name"), entry.form.get("weiter")
        if problem := _problem(reader, entry):
            resp.status = falcon.HTTP_422
            self._show(resp, reader, entry.guest, typed, problem)
            return
        self._sign_in(req, resp, entry)

    def on_post_passkey(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Take a passkey in place of name and password."""
        reader = reader_of(req)
        login, entry = own_login(reader), self._desk.read(req)
        if entry is None:
            resp.status = falcon.HTTP_403
            again = form_again(reader.words)
            self._show(resp, reader, self._desk.newcomer(req), ("", req.context.form.get("weiter")), again)
            return
        try:
            account = account_of(req, entry, login)
        except PasskeyProblem as problem:
            resp.status = falcon.HTTP_422
            self._show(resp, reader, entry.guest, ("", entry.form.get("weiter")), by_passkey=problem.said)
            return
        self._desk.enter(req, resp, entry, account, onward=onward(reader, entry.form.get("weiter")))

    def _sign_in(self, req: falcon.Request, resp: falcon.Response, entry: Entry) -> None:
        reader, room = reader_of(req), self._room
        attempt = Attempt(entry.form.get("name"), entry.form.raw("kennwort"), self._desk.device(req))
        try:
            account = sign_in(attempt, own_login(reader).id, room.hasher, room.rates, source_of(req))
        except SignInRefused:
            resp.status = falcon.HTTP_422
            wrong = reader.words("Die Angaben passen nicht zusammen. Bitte prüfen Sie beide.")
            self._show(resp, reader, entry.guest, (attempt.name, entry.form.get("weiter")), wrong)
            return
        log.info("signed_in", request_id=req.context.request_id)
        self._desk.enter(req, resp, entry, account, onward=onward(reader, entry.form.get("weiter")))

    def _show(  # noqa: PLR0913 - one place where the page is made
        self,
        resp: falcon.Response,
        reader: Reader,
        guest: Guest,
        typed: tuple[str, str],
        general: str = "",
        *,
        fresh: bool = False,
        by_passkey: str = "",
    ) -> None:
        words = reader.words
        by_mail = reader.room.settings.service.mail is not None
        label = words("E-Mail-Adresse oder Kundennummer") if by_mail else words("Kundennummer")
        hint = words("Die Kundennummer steht auf den Schreiben Ihrer Verwaltung.")
        fields = (
            Field("weiter", "hidden", "", typed[1]),
            Field(
                "name", "text", label, typed[0], hint=hint, required=True, autocomplete="username", maxlength=MAX_NAME
            ),
            password_field(reader),
        )
        page = ZugangPage(
            title=words("Anmelden"),
            text="",
            form=self._desk.form(reader, guest, reader.link(SIGN_IN), words("Anmelden"), *fields, general=general),
            ways=(
                Way(words("Kennwort vergessen"), reader.link(FORGOTTEN)),
                Way(words("Mit dem Code aus einem Brief registrieren"), reader.link(REGISTER)),
            ),
            note=words("Ihr neues Kennwort gilt. Bitte melden Sie sich damit an.") if fresh else "",
            guest=True,
            passkey=offer(self._desk, reader, guest, typed[1], by_passkey),
        )
        self._desk.show(resp, reader, guest, page)


class Registrieren:
    """`/{mandant}/konto/registrieren`: the code of a letter, a fact, an address and a password make an account."""

    access = PUBLIC

    def __init__(self, room: Room) -> None:
        self._room = room
        self._desk = GuestDesk(room)

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show the form; who is signed in already can use the code there."""
        reader = reader_of(req)
        own_login(reader)
        if reader.visitor is not None:
            resp.status, resp.location = falcon.HTTP_303, reader.link("konto/aktivieren")
            return
        self._show(resp, reader, self._desk.newcomer(req), {})

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Make the account and sign its owner in."""
        reader = reader_of(req)
        own_login(reader)
        entry = self._desk.read(req)
        if entry is None:
            resp.status = falcon.HTTP_403
            again = {"": form_again(reader.words)}
            self._show(resp, reader, self._desk.newcomer(req), dict(req.context.form.fields), again)
            return
        code = parse(entry.form.get("code"))
        problems = self._problems(reader, entry, code)
        if problems or not isinstance(code, Code):
            resp.status = falcon.HTTP_422
            self._show(resp, reader, entry.guest, dict(entry.form.fields), problems)
            return
        self._register(req, resp, entry, code)

    def _register(self, req: falcon.Request, resp: falcon.Response, entry: Entry, code: Code) -> None:
        reader, source, form = reader_of(req), source_of(req), entry.form
        count_by_address(req, "code_address")
        self._room.rates.hit("sign_in_mandant", reader.mandant_id)
        address = mail_address(form.get("email")) if _asks_for_mail(reader) else ""
        wanted = Registration(code, form.get("angabe"), address, form.raw("kennwort"), reader.lang)
        try:
            account = register(wanted, own_login(reader), self._room.hasher, source)
        except ActivationRefused as refused:
            note_alone(Event.ACTIVATION_FAILED, source, {"reason": refused.refusal})
            log.info("registration_refused", refusal=refused.refusal, request_id=req.context.request_id)
            resp.status = falcon.HTTP_422
            self._show(resp, reader, entry.guest, dict(form.fields), {"code": _refusal(reader, refused.refusal)})
            return
        log.info("registered", request_id=req.context.request_id)
        self._desk.enter(req, resp, entry, account, onward=reader.link(""))

    def _problems(self, reader: Reader, entry: Entry, code: Code | Shape) -> dict[str, str]:
        """Return what is wrong with each field, seen before any code is looked up; "" is the form as a whole."""
        form = entry.form
        email = form.get("email")
        around = (reader.mandant.name, email, *reader.mandant.forbidden_words)
        found = {
            "": "" if entry.can_enter else cookies_wanted(reader),
            "code": "" if isinstance(code, Code) else shape_help(reader, code),
            "angabe": fact_error(reader, invitation_of(reader), form.get("angabe")),
            "email": email_error(reader, email) if _asks_for_mail(reader) else "",
            "kennwort": password_error(reader, form.raw("kennwort"), around),
        }
        return {name: said for name, said in found.items() if said}

    def _show(
        self,
        resp: falcon.Response,
        reader: Reader,
        guest: Guest,
        typed: dict[str, str],
        problems: dict[str, str] | None = None,
    ) -> None:
        words, wrong = reader.words, problems or {}
        rules = invitation_of(reader)
        email = email_field(reader, typed.get("email", ""), wrong.get("email", ""))
        fields = (
            letter_field(reader, typed.get("code", ""), wrong.get("code", "")),
            fact_field(reader, rules, typed.get("angabe", ""), wrong.get("angabe", "")),
            *((email,) if _asks_for_mail(reader) else ()),
            new_password_field(reader, wrong.get("kennwort", "")),
        )
        form = self._desk.form(
            reader, guest, reader.link(REGISTER), words("Registrieren"), *fields, general=wrong.get("", "")
        )
        page = ZugangPage(
            title=words("Registrieren"),
            text=words("Sie brauchen den Brief Ihrer Verwaltung mit dem Code und Ihren Vertrag."),
            form=form,
            ways=(Way(words("Ich bin schon registriert"), reader.link(SIGN_IN)),),
            help=letter_help(reader),
            guest=True,
            letter=True,
        )
        self._desk.show(resp, reader, guest, page)


def onward(reader: Reader, token: str) -> str:
    """Return where somebody goes once signed in: where they were, or the first page."""
    weiter = reader.room.weiter.read(reader.mandant_id, token) if token else HOME
    return reader.link(weiter.path)


def email_error(reader: Reader, typed: str) -> str:
    """Say what is wrong with an address; empty for one that mails can go to."""
    if not typed:
        return reader.words("Bitte füllen Sie dieses Feld aus.")
    if not mail_address(typed):
        return reader.words("Bitte geben Sie eine E-Mail-Adresse ein, zum Beispiel name@example.de.")
    return ""


def _problem(reader: Reader, entry: Entry) -> str:
    """Say why a form is not looked at; the same whoever is named."""
    if not entry.can_enter:
        return cookies_wanted(reader)
    if not entry.form.get("name") or not entry.form.raw("kennwort"):
        return reader.words("Bitte füllen Sie beide Felder aus.")
    return ""


def _refusal(reader: Reader, refusal: Refusal) -> str:
    if refusal == Refusal.NOT_YOURS:
        return reader.words(
            "Dieser Code setzt einen zweiten Faktor zurück. Melden Sie sich an, und lösen Sie ihn unter „Mein Konto“ "
            "ein."
        )
    return refusal_help(reader, refusal)


def _asks_for_mail(reader: Reader) -> bool:
    return reader.room.settings.service.mail is not None
