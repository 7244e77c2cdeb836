"""`konto/aktivieren`: the code of a letter links the account to a person, or removes a second factor that was lost."""

import falcon
import structlog

from service.access.activation import ActivationRefused, Purpose, Refusal, redeem
from service.access.activation_code import MAX_TYPED as MAX_CODE
from service.access.activation_code import Code, Shape, parse
from service.access.audit import Event
from service.access.facts import MAX_TYPED as MAX_FACT
from service.access.facts import Fact, read_date
from service.settings import InvitationSettings
from service.web.brief_words import fact_name
from service.web.client import count_by_address, source_of
from service.web.context import Reader, Room, reader_of
from service.web.errors import NotFoundHere
from service.web.konto_pages import AktivierenPage
from service.web.level2 import form_key, read_form, small_form
from service.web.noted import note_alone
from service.web.pages import Field
from service.web.render import write_page
from service.web.session import RESIDENT

log = structlog.get_logger()

PATH = "konto/aktivieren"


class Aktivieren:
    """`/{mandant}/konto/aktivieren`: asks for code and fact, and takes them."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show the form."""
        reader = reader_of(req)
        self._show(resp, reader, invitation_of(reader), ("", ""))

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Take code and fact; 303 to the persons of the account when both are right."""
        reader = reader_of(req)
        rules = invitation_of(reader)
        form = read_form(req, self._room)
        typed = form.get("code"), form.get("angabe")
        if form_key(reader, form) is None:
            resp.status = falcon.HTTP_403
            self._show(resp, reader, rules, typed, expired=True)
            return
        code, error = parse(typed[0]), fact_error(reader, rules, typed[1])
        if not isinstance(code, Code) or error:
            resp.status = falcon.HTTP_422
            code_error = "" if isinstance(code, Code) else shape_help(reader, code)
            self._show(resp, reader, rules, typed, code_error, error)
            return
        source = source_of(req)
        self._room.rates.hit("code_account", mandant, reader.signed_in.account)
        count_by_address(req, "code_address")
        try:
            used = redeem(code, typed[1], reader.signed_in, self._room.hasher, source)
        except ActivationRefused as refused:
            note_alone(Event.ACTIVATION_FAILED, source, {"reason": refused.refusal})
            log.info("activation_refused", refusal=refused.refusal, request_id=req.context.request_id)
            resp.status = falcon.HTTP_422
            self._show(resp, reader, rules, typed, refusal_help(reader, refused.refusal))
            return
        log.info("activated", purpose=used.purpose, request_id=req.context.request_id)
        resp.status = falcon.HTTP_303
        resp.location = (
            reader.link("konto/personen", neu="1") if used.purpose == Purpose.PERSON else _after_reset(reader)
        )

    def _show(  # noqa: PLR0913, PLR0917 - one place where the page is made
        self,
        resp: falcon.Response,
        reader: Reader,
        rules: InvitationSettings,
        typed: tuple[str, str],
        code_error: str = "",
        wrong_fact: str = "",
        *,
        expired: bool = False,
    ) -> None:
        words = reader.words
        fields = (
            letter_field(reader, typed[0], code_error),
            fact_field(reader, rules, typed[1], wrong_fact),
        )
        page = AktivierenPage(
            title=words("Code aus einem Brief einlösen"),
            text=words("Der Code verbindet Ihre Anmeldung mit einem Vertrag. Ihre bisherigen Meldungen bleiben da."),
            form=small_form(reader, PATH, "", words("Einlösen"), *fields, expired=expired),
            help=letter_help(reader),
        )
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)


def invitation_of(reader: Reader) -> InvitationSettings:
    """Return the Mandant's rules for letters; raises NotFoundHere where there are none."""
    if reader.mandant.invitation is None:
        raise NotFoundHere
    return reader.mandant.invitation


def shape_help(reader: Reader, shape: Shape) -> str:
    """Say what was typed instead of a code; seen from its form alone, before any code is looked up."""
    words = reader.words
    return {
        Shape.EMPTY: words("Bitte geben Sie den Code ein."),
        Shape.APP: words(
            "Das sind sechs Ziffern, wie eine App sie zeigt. Gebraucht wird der Code aus dem Brief mit 16 Zeichen."
        ),
        Shape.RECOVERY: words(
            "Das ist ein Ersatzcode für den zweiten Faktor. Gebraucht wird der Code aus dem Brief mit 16 Zeichen."
        ),
        Shape.TOO_SHORT: words("Der Code hat 16 Zeichen. Es fehlen welche."),
        Shape.TOO_LONG: words("Der Code hat 16 Zeichen. Das sind zu viele."),
        Shape.TYPO: words("Der Code enthält einen Tippfehler. Bitte vergleichen Sie ihn Zeichen für Zeichen."),
    }[shape]


def refusal_help(reader: Reader, refusal: Refusal) -> str:
    """Say why a code was not taken; all but the first text are for somebody who holds it and knows the fact."""
    words = reader.words
    return {
        Refusal.MISMATCH: words(
            "Code und Angabe passen nicht zusammen. Bitte prüfen Sie beides. "
            "Hilft das nicht, bitten Sie Ihre Verwaltung um einen neuen Brief."
        ),
        Refusal.EXPIRED: words("Dieser Code ist abgelaufen. Ihre Verwaltung schickt Ihnen einen neuen Brief."),
        Refusal.USED: words(
            "Dieser Code wurde schon benutzt. Waren Sie das nicht, sagen Sie bitte Ihrer Verwaltung Bescheid."
        ),
        Refusal.USED_BY_YOU: words("Diesen Code haben Sie schon eingelöst. Sie müssen nichts mehr tun."),
        Refusal.REVOKED: words(
            "Dieser Code gilt nicht mehr, weil Sie einen neueren Brief haben. Bitte nehmen Sie den."
        ),
        Refusal.NOT_YOURS: words(
            "Dieser Code setzt den zweiten Faktor einer anderen Person zurück. "
            "Melden Sie sich mit dem Zugang an, für den der Brief bestimmt ist."
        ),
    }[refusal]


def _after_reset(reader: Reader) -> str:
    return reader.link("konto/sicherheit" if reader.mandant.level2 is not None else "konto")


def letter_field(reader: Reader, value: str, error: str) -> Field:
    """Return the field of the code that a letter brings."""
    words = reader.words
    return Field(
        "code",
        "text",
        words("Code aus dem Brief"),
        value,
        hint=words("16 Zeichen, zum Beispiel K7QM-2XPD-9FHA-W3ZC"),
        required=True,
        error=error,
        autocomplete="off",
        maxlength=MAX_CODE,
    )


def letter_help(reader: Reader) -> tuple[str, ...]:
    """Say what to do without a letter, and how long its code is good."""
    words = reader.words
    return (
        words("Sie haben keinen Brief, oder der Code gilt nicht mehr? Ihre Verwaltung schickt Ihnen einen neuen."),
        words("Nach zehn falschen Angaben zu einem Code gilt er nicht mehr."),
    )


def fact_field(reader: Reader, rules: InvitationSettings, value: str, error: str) -> Field:
    """Return the field of the fact that is asked for beside a code."""
    name = fact_name(rules, reader.words)  # within a sentence of the letter, English begins it with a small letter
    return Field(
        "angabe",
        "text",
        name[:1].upper() + name[1:],
        value,
        hint=_fact_hint(reader, rules),
        required=True,
        error=error,
        autocomplete="off",
        maxlength=MAX_FACT,
    )


def fact_error(reader: Reader, rules: InvitationSettings, typed: str) -> str:
    """Say what is wrong with a fact by its form alone; empty for one that is worth looking up."""
    if not typed:
        return reader.words("Bitte füllen Sie dieses Feld aus.")
    if Fact(rules.fact) == Fact.VERTRAGSBEGINN and read_date(typed) is None:
        return reader.words("Bitte geben Sie ein Datum ein, zum Beispiel 1.4.2019.")
    return ""


def _fact_hint(reader: Reader, rules: InvitationSettings) -> str:
    words = reader.words
    return {
        Fact.VERTRAGSBEGINN: words("Tag, Monat und Jahr, zum Beispiel 1.4.2019. Das Datum steht in Ihrem Vertrag."),
        Fact.VERTRAG_NR: words("Sie steht in Ihrem Vertrag und auf Ihren Abrechnungen."),
    }.get(Fact(rules.fact), words("Diese Angabe steht nicht im Brief."))
