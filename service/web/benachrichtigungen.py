"""`konto/benachrichtigungen`: being told by mail that there is something new, and no longer."""

from dataclasses import replace

import falcon
import structlog

from service.access import benachrichtigungen
from service.access.benachrichtigungen import ASK_AGAIN_AFTER, TooSoon
from service.access.formtoken import FormTokenRefused
from service.access.mailtoken import MailTokenRefused, MailTokens
from service.store import clean
from service.store.records import ANTWORT, ARTEN, DOKUMENT, NACHRICHT, STAND, Benachrichtigung
from service.web.context import Reader, Room, reader_of
from service.web.errors import NotFoundHere
from service.web.intake import Submitted
from service.web.level2 import read_form
from service.web.mail_pages import BenachrichtigungenPage, LinkPage
from service.web.pages import MessagePage, Page
from service.web.render import write_page
from service.web.session import PUBLIC, RESIDENT

log = structlog.get_logger()

PATH = "konto/benachrichtigungen"
_ON, _OFF, _SAVE = "einschalten", "ausschalten", "speichern"
_AT_ONCE, _DAILY = "sofort", "taeglich"


class Benachrichtigungen:
    """`/{mandant}/konto/benachrichtigungen`: the reader's own choice."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room
        self._offered = room.settings.service.mail is not None

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show what is chosen; there is no such page where no mail is sent."""
        if not self._offered:
            raise NotFoundHere
        self._show(resp, reader_of(req))

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Take the choice; 303 back to the page that shows it."""
        if not self._offered:
            raise NotFoundHere
        reader = reader_of(req)
        form = read_form(req, self._room)
        try:
            self._room.tokens.check(reader.visitor, mandant, form.get("csrf_token"), form.get("idempotency_key"))
            self._choose(reader, form)
        except FormTokenRefused:
            resp.status = falcon.HTTP_403
            self._show(resp, reader, reader.words.field_problem("form_expired", {}))
        except TooSoon:
            resp.status = falcon.HTTP_429
            resp.set_header("Retry-After", str(int(ASK_AGAIN_AFTER.total_seconds())))
            error = reader.words("Eine E-Mail ist gerade erst verlangt worden. Bitte warten Sie fünf Minuten.")
            self._show(resp, reader, error)
        else:
            resp.status = falcon.HTTP_303
            resp.location = reader.link(PATH)

    def _choose(self, reader: Reader, form: Submitted) -> None:
        aktion = form.get("aktion")
        if aktion == _SAVE:
            arten = [art for art in ARTEN if form.get(f"art_{art}")]
            stunde = reader.mandant.mail_hour if form.get("zeit") == _DAILY else None
            benachrichtigungen.set_wishes(reader.signed_in, arten, stunde)
        elif aktion == _OFF:
            benachrichtigungen.end(reader.signed_in)
        elif aktion == _ON and benachrichtigungen.address_of(reader.signed_in):
            benachrichtigungen.choose(reader.signed_in, reader.lang, now=self._room.clock())

    def _show(self, resp: falcon.Response, reader: Reader, error: str = "") -> None:
        words, token = reader.words, self._room.tokens.issue(reader.signed_in)
        address = benachrichtigungen.address_of(reader.signed_in)
        chosen = benachrichtigungen.chosen_by(reader.signed_in)
        stand, text = _stand(reader, address, chosen)
        page = BenachrichtigungenPage(
            title=words("Benachrichtigungen"),
            intro=words(
                "Auf Wunsch schreiben wir Ihnen eine E-Mail, wenn es in einem Vorgang etwas Neues gibt. "
                "Darin steht nur die Nummer des Vorgangs, nichts von seinem Inhalt."
            ),
            stand=stand,
            text=text,
            error=error,
            action=reader.link(PATH),
            csrf_token=token.csrf_token,
            idempotency_key=token.idempotency_key,
            buttons=_buttons(reader, address, chosen),
            warning=_warning(reader, chosen),
            arten=_arten(reader, chosen) if chosen else (),
            zeiten=_zeiten(reader, chosen) if chosen else (),
        )
        _write(resp, reader, page)


def _warning(reader: Reader, chosen: Benachrichtigung | None) -> str:
    if chosen is None or chosen.bounced_at is None:
        return ""
    return reader.words(
        "Ihre Adresse nimmt unsere E-Mails nicht an. Wir schreiben deshalb nicht mehr dorthin. Ist die Adresse wieder "
        "in Ordnung, lassen Sie sich bitte eine neue E-Mail senden."
    )


def art_names(reader: Reader) -> dict[str, str]:
    """Return what each kind of news is called."""
    words = reader.words
    return {
        STAND: words("Neuer Stand oder Termin"),
        NACHRICHT: words("Neue Nachricht"),
        DOKUMENT: words("Neues Schreiben oder Dokument"),
        ANTWORT: words("Vorgang beantwortet oder abgeschlossen"),
    }


def _arten(reader: Reader, chosen: Benachrichtigung) -> tuple[tuple[str, str, bool], ...]:
    return tuple((art, name, art in chosen.wanted) for art, name in art_names(reader).items())


def _zeiten(reader: Reader, chosen: Benachrichtigung) -> tuple[tuple[str, str, bool], ...]:
    words, hour = reader.words, reader.mandant.mail_hour if chosen.stunde is None else chosen.stunde
    daily = words("Einmal am Tag, um {hour} Uhr, wenn es etwas Neues gibt", hour=str(hour))
    return (
        (_AT_ONCE, words("Gleich, wenn es etwas Neues gibt"), chosen.stunde is None),
        (_DAILY, daily, chosen.stunde is not None),
    )


def _stand(reader: Reader, address: str, chosen: Benachrichtigung | None) -> tuple[str, str]:
    """Return how it stands, in a word and in a sentence."""
    words = reader.words
    if chosen is None and not address:
        text = words(
            "Wir kennen keine E-Mail-Adresse von Ihnen. "
            "Bitte tragen Sie sie auf der Internetseite Ihrer Verwaltung ein."
        )
        return words("Ausgeschaltet"), text
    if chosen is None:
        return words("Ausgeschaltet"), words(
            "Ihre Adresse ist {address}. Wir speichern sie erst, wenn Sie einschalten.", address=address
        )
    if chosen.confirmed_at is None:
        text = words(
            "Wir haben eine E-Mail an {address} geschickt. Bitte öffnen Sie den Link darin und drücken Sie dort auf "
            "„Bestätigen“.",
            address=chosen.email,
        )
        return words("Noch nicht bestätigt"), text
    if address and address != chosen.email:
        text = words("Wir schreiben an {address}. Ihre Adresse ist jetzt {now}.", address=chosen.email, now=address)
        return words("Eingeschaltet"), text
    return words("Eingeschaltet"), words("Wir schreiben an {address}.", address=chosen.email)


def _buttons(reader: Reader, address: str, chosen: Benachrichtigung | None) -> tuple[tuple[str, str], ...]:
    words = reader.words
    if chosen is None:
        return ((_ON, words("Einschalten")),) if address else ()
    off = (_OFF, words("Ausschalten"))
    save = (_SAVE, words("Auswahl speichern"))
    if address and address != chosen.email:
        return save, (_ON, words("An die jetzige Adresse schreiben")), off
    if (chosen.confirmed_at is None or chosen.bounced_at is not None) and address:
        return save, (_ON, words("E-Mail noch einmal senden")), off
    return save, off


class BenachrichtigungLink:
    """`…/bestaetigen`: what the link in the first mail leads to, in whichever browser the mailbox is read."""

    access = PUBLIC

    def __init__(self, room: Room) -> None:
        self._room = room
        self._tokens = MailTokens(room.rings.secret_keys)

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Ask for the button to be pressed; changes nothing, since mail scanners open links."""
        reader, token = reader_of(req), _shown(req)
        try:
            benachrichtigungen.find(mandant, self._tokens, token, now=self._room.clock())
        except MailTokenRefused:
            _stale(resp, reader)
            return
        words = reader.words
        text = words(
            "Möchten Sie an diese E-Mail-Adresse benachrichtigt werden, wenn es in einem Vorgang etwas Neues gibt?"
        )
        action = reader.link(f"{PATH}/bestaetigen", schluessel=token)
        _write(resp, reader, LinkPage(words("E-Mail-Adresse bestätigen"), text, action, words("Bestätigen"), ()))

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Confirm the address."""
        reader = reader_of(req)
        try:
            benachrichtigungen.confirm(mandant, self._tokens, _shown(req), now=self._room.clock())
        except MailTokenRefused:
            _stale(resp, reader)
            return
        log.info("mail_confirmed", mandant=mandant, request_id=req.context.request_id)
        text = reader.words(
            "Ab jetzt schreiben wir Ihnen, wenn es etwas Neues gibt. Ausschalten können Sie das jederzeit."
        )
        _write(resp, reader, MessagePage(reader.words("E-Mail-Adresse bestätigt"), text, reader.login_ways()))


class BenachrichtigungEnde:
    """`…/abbestellen`: the link that ends it, for people and, as RFC 8058 has it, for mail programs."""

    access = PUBLIC

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Ask for the button to be pressed; changes nothing, since mail scanners open links."""
        reader = reader_of(req)
        words = reader.words
        art = _art(req)
        query = {"art": art} if art else {}
        action = reader.link(f"{PATH}/abbestellen", schluessel=_shown(req), **query)
        everything = words("Möchten Sie keine Nachrichten mehr an diese E-Mail-Adresse?")
        name = art_names(reader).get(art, "")
        page = LinkPage(
            title=words("Benachrichtigungen ausschalten"),
            text=words("Möchten Sie dazu keine Nachrichten mehr: {art}?", art=name) if name else everything,
            action=action,
            submit=words("Ausschalten"),
            ways=reader.login_ways(),
        )
        _write(resp, reader, page)

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """End it at once, without cookie or login. The answer is the same for a link that belongs to nobody."""
        reader = reader_of(req)
        key = clean.uuid_of(_shown(req))
        if key is not None:
            benachrichtigungen.end_by_link(mandant, key, _art(req))
        log.info("mail_ended", mandant=mandant, request_id=req.context.request_id)
        text = reader.words("Wir schreiben Ihnen nicht mehr. Die Adresse haben wir gelöscht.")
        if _art(req):
            text = reader.words("Wir schreiben Ihnen dazu nicht mehr.")
        _write(resp, reader, MessagePage(reader.words("Benachrichtigungen ausgeschaltet"), text, reader.login_ways()))


def _shown(req: falcon.Request) -> str:
    """Return what the link carries; it stays in the address when the button is pressed, as mail programs need it."""
    return req.get_param("schluessel", default="")


def _art(req: falcon.Request) -> str:
    art: str = req.get_param("art", default="")
    return art if art in ARTEN else ""


def _stale(resp: falcon.Response, reader: Reader) -> None:
    text = reader.words("Bitte melden Sie sich an und verlangen Sie unter „Benachrichtigungen“ eine neue E-Mail.")
    resp.status = falcon.HTTP_404
    _write(resp, reader, MessagePage(reader.words("Dieser Link gilt nicht mehr"), text, reader.login_ways()))


def _write(resp: falcon.Response, reader: Reader, page: Page) -> None:
    # the links that change the language would lose what a mail's link carries
    site = replace(reader.site(), languages=()) if isinstance(page, LinkPage) else reader.site()
    write_page(resp, reader.room.renderer.html(page, site), page.title)
