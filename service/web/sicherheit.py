"""`konto/sicherheit`: the second factor set up, replaced, and its recovery codes."""

from datetime import datetime

import falcon
import segno
import structlog
from markupsafe import Markup

from service.access import factors
from service.access.codes import Kind
from service.access.factors import CodeRefused, FormUsed, Standing, account_of
from service.access.level2 import is_raised
from service.access.totp import grouped, setup_uri
from service.access.weiter import Weiter
from service.settings import Level2Settings
from service.store.factors import codes_left
from service.web.client import source_of
from service.web.context import Reader, Room, reader_of
from service.web.geraete import devices_way
from service.web.level2 import (
    code_field,
    factors_of,
    form_key,
    help_for,
    read_form,
    require_to_change,
    rules_of,
    small_form,
)
from service.web.level2_pages import CodesPage, FaktorPage, SicherheitPage
from service.web.own_account import is_own, own_account, password_wrong
from service.web.own_fields import former_password_field
from service.web.pages import Page, Way
from service.web.passkeys import PATH as PASSKEYS
from service.web.render import write_page
from service.web.session import RESIDENT

log = structlog.get_logger()

PATH, APP, CODES = "konto/sicherheit", "konto/sicherheit/app", "konto/sicherheit/codes"
_FEW = 3
_BEGIN = "beginnen"


class Sicherheit:
    """`/{mandant}/konto/sicherheit`: how it stands, without anything secret."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show whether there is a second factor, and what can be done about it."""
        reader = reader_of(req)
        rules, words = rules_of(reader), reader.words
        stands = factors.standing(reader.signed_in)
        left = codes_left(account_of(reader.signed_in)) if stands.has_factor else 0
        page = SicherheitPage(
            title=words("Sicherheit"),
            text=words(
                "Eine App auf Ihrem Telefon zeigt alle 30 Sekunden einen neuen Code. Er schützt Ihre Unterlagen, "
                "auch wenn jemand Ihr Kennwort kennt."
            ),
            facts=_facts(reader, stands, left, self._room.clock()),
            notes=_notes(reader, rules, stands, left),
            ways=_ways(reader, stands, rules),
        )
        _write(resp, reader, page)


class SicherheitApp:
    """`/{mandant}/konto/sicherheit/app`: an app is set up, or another one in its place."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show the secret that was begun in this session, or else how to begin."""
        reader, token = reader_of(req), req.get_param("weiter", default="")
        rules = rules_of(reader)
        stands = factors.standing(reader.signed_in)
        require_to_change(reader, stands, Weiter(APP))
        secret = factors.begun(reader.signed_in, factors_of(reader, rules), now=self._room.clock())
        self._show(resp, reader, stands, token, secret)

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Begin with a fresh secret, or put it in force by a first code."""
        reader = reader_of(req)
        rules = rules_of(reader)
        form = read_form(req, self._room)
        key, token = form_key(reader, form), form.get("weiter")
        stands = factors.standing(reader.signed_in)
        with_, now = factors_of(reader, rules), self._room.clock()
        if key is None:
            require_to_change(reader, stands, Weiter(APP))
            resp.status = falcon.HTTP_403
            self._show(resp, reader, stands, token, factors.begun(reader.signed_in, with_, now=now), expired=True)
        elif form.get("aktion") == _BEGIN:
            require_to_change(reader, stands, Weiter(APP))
            error = password_wrong(req, own_account(reader), form.raw("bisher")) if _asks(reader, stands) else ""
            if error:
                resp.status = falcon.HTTP_422
                self._show(resp, reader, stands, token, None, error)
                return
            factors.begin(reader.signed_in, with_, now=now)
            _see(resp, reader.link(APP, weiter=token))
        else:
            try:
                codes = factors.confirm(reader.signed_in, form.get("code"), with_, form_key=key, source=source_of(req))
            except FormUsed:
                _see(resp, reader.link(PATH))
            except CodeRefused as refused:
                self._refuse(resp, reader, stands, token, refused)
            else:
                log.info("factor_set_up", replaced=stands.has_factor, request_id=req.context.request_id)
                self._confirmed(resp, reader, token, codes)

    def _refuse(
        self, resp: falcon.Response, reader: Reader, stands: Standing, token: str, refused: CodeRefused
    ) -> None:
        require_to_change(reader, stands, Weiter(APP))
        secret = factors.begun(reader.signed_in, factors_of(reader, rules_of(reader)), now=self._room.clock())
        resp.status = falcon.HTTP_422
        self._show(resp, reader, stands, token, secret, error=_help(reader, refused.kind))

    def _confirmed(self, resp: falcon.Response, reader: Reader, token: str, codes: tuple[str, ...]) -> None:
        if codes:
            _write(resp, reader, _codes_page(reader, codes, self._onward(reader, token)))
        else:
            _see(resp, self._onward(reader, token).url)

    def _onward(self, reader: Reader, token: str) -> Way:
        weiter = self._room.weiter.read(reader.mandant_id, token)
        if not token or not weiter.path:
            return Way(reader.words("Fertig"), reader.link(PATH))
        return Way(reader.words("Weiter"), reader.link("bestaetigen", weiter=token))

    def _show(  # noqa: PLR0913, PLR0917 - one place where the page is made
        self,
        resp: falcon.Response,
        reader: Reader,
        stands: Standing,
        token: str,
        secret: str | None,
        error: str = "",
        *,
        expired: bool = False,
    ) -> None:
        words = reader.words
        title = words("Neues Gerät einrichten") if stands.has_factor else words("Zweiten Faktor einrichten")
        back = Way(words("Abbrechen"), reader.link(PATH))
        if secret is None:
            sure = (former_password_field(reader, error),) if _asks(reader, stands) else ()
            form = small_form(reader, APP, token, words("Einrichten beginnen"), *sure, expired=expired)
            _write(resp, reader, FaktorPage(title, _why(reader, stands, token), form, back))
            return
        uri = setup_uri(secret, issuer=reader.mandant.name, name=reader.signed_in.name)
        form = small_form(reader, APP, token, words("Bestätigen"), code_field(reader, error=error), expired=expired)
        text = words("Öffnen Sie Ihre App, fügen Sie ein Konto hinzu und richten Sie die Kamera auf dieses Bild.")
        _write(resp, reader, FaktorPage(title, text, form, back, picture(uri), grouped(secret), uri))


class SicherheitCodes:
    """`/{mandant}/konto/sicherheit/codes`: fresh recovery codes in place of the former ones."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Say what making new ones means."""
        reader = reader_of(req)
        rules_of(reader)
        if self._may_change(resp, reader):
            self._ask(resp, reader)

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Make ten and show them, this once."""
        reader = reader_of(req)
        rules = rules_of(reader)
        key = form_key(reader, read_form(req, self._room))
        if not self._may_change(resp, reader):
            return
        if key is None:
            resp.status = falcon.HTTP_403
            self._ask(resp, reader, expired=True)
            return
        try:
            codes = factors.new_codes(reader.signed_in, factors_of(reader, rules), form_key=key, source=source_of(req))
        except FormUsed:
            _see(resp, reader.link(PATH))
            return
        log.info("recovery_codes_made", request_id=req.context.request_id)
        _write(resp, reader, _codes_page(reader, codes, Way(reader.words("Fertig"), reader.link(PATH))))

    def _may_change(self, resp: falcon.Response, reader: Reader) -> bool:
        """Tell whether there is a factor that codes may stand in for; if not, lead to where there is."""
        stands = factors.standing(reader.signed_in)
        require_to_change(reader, stands, Weiter(CODES))
        if not stands.has_factor:
            _see(resp, reader.link(APP))
        return stands.has_factor

    def _ask(self, resp: falcon.Response, reader: Reader, *, expired: bool = False) -> None:
        words, left = reader.words, codes_left(account_of(reader.signed_in))
        page = CodesPage(
            title=words("Neue Ersatzcodes"),
            text=words("Sie haben noch {left} Ersatzcodes. Neue Codes ersetzen alle bisherigen.", left=left),
            codes=(),
            form=small_form(reader, CODES, "", words("Neue Codes anzeigen"), expired=expired),
            onward=Way(words("Abbrechen"), reader.link(PATH)),
        )
        _write(resp, reader, page)


def picture(uri: str) -> Markup:
    """Return the QR code as SVG without style attributes, which the policy of pages forbids; dark on white always."""
    return Markup(segno.make(uri, error="m").svg_inline(border=4, light="#fff", omitsize=True))  # noqa: S704 - made here, of paths alone


def _facts(reader: Reader, stands: Standing, left: int, now: datetime) -> tuple[tuple[str, str], ...]:
    words = reader.words
    if stands.set_up_at is None:
        return ((words("Zweiter Faktor"), words("Nicht eingerichtet")),)
    confirmed = (
        ((words("Bestätigt bis"), words.minute(stands.until)),) if stands.until and is_raised(stands.until, now) else ()
    )
    return (
        (words("Zweiter Faktor"), words("Eingerichtet am {day}", day=words.day(stands.set_up_at))),
        (words("Ersatzcodes"), words("Noch {left} von 10", left=left)),
        *confirmed,
    )


def _asks(reader: Reader, stands: Standing) -> bool:
    """Tell whether the password is asked for again: until there is a factor, nothing else shows who is signed in."""
    return is_own(reader) and not stands.has_factor


def _notes(reader: Reader, rules: Level2Settings, stands: Standing, left: int) -> tuple[str, ...]:
    words = reader.words
    if stands.has_factor:
        few = words("Sie haben nur noch wenige Ersatzcodes. Legen Sie bitte neue an.")
        return (few,) if left < _FEW else ()
    if rules.compulsory_from is None:
        return ()
    if rules.compulsory_from <= reader.today:
        return (words("Für Ihre Unterlagen brauchen Sie einen zweiten Faktor."),)
    day = words.calendar_day(rules.compulsory_from)
    return (words("Ab dem {day} brauchen Sie für Ihre Unterlagen einen zweiten Faktor.", day=day),)


def _ways(reader: Reader, stands: Standing, rules: Level2Settings) -> tuple[Way, ...]:
    words = reader.words
    if not stands.has_factor:
        return (Way(words("Zweiten Faktor einrichten"), reader.link(APP)),)
    return (
        Way(
            words("Neues Gerät einrichten"),
            reader.link(APP),
            hint=words("Das bisherige gilt, bis das neue bestätigt ist."),
        ),
        Way(
            words("Neue Ersatzcodes"),
            reader.link(CODES),
            hint=words("Zum Ausdrucken, falls das Gerät einmal fehlt."),
        ),
        *((_passkeys_way(reader),) if rules.passkeys else ()),
        devices_way(reader),
    )


def _passkeys_way(reader: Reader) -> Way:
    hint = reader.words("Fingerabdruck, Gesicht oder Gerätesperre statt eines Codes.")
    return Way(reader.words("Passkeys"), reader.link(PASSKEYS), hint=hint)


def _why(reader: Reader, stands: Standing, token: str) -> str:
    words = reader.words
    if stands.has_factor:
        return words("Ihr bisheriges Gerät gilt weiter, bis Sie einen Code des neuen eingegeben haben.")
    needed = words("Für diesen Schritt brauchen Sie einen zweiten Faktor.") if token else ""
    app = words(
        "Sie brauchen eine App für Einmalcodes, zum Beispiel die eines Kennwortspeichers. "
        "Das Einrichten dauert zwei Minuten."
    )
    return f"{needed} {app}".strip()


def _help(reader: Reader, kind: Kind) -> str:
    if kind == Kind.KEY:
        return reader.words(
            "Den Schlüssel geben Sie bitte in der App ein, und hier die sechs Ziffern, die sie dann zeigt."
        )
    return help_for(reader, Kind.DIGITS if kind in {Kind.RECOVERY, Kind.OTHER} else kind)


def _codes_page(reader: Reader, codes: tuple[str, ...], onward: Way) -> CodesPage:
    words = reader.words
    return CodesPage(
        title=words("Ihre Ersatzcodes"),
        text=words(
            "Jeder dieser Codes ersetzt einmal die App. Drucken Sie sie aus oder schreiben Sie sie ab: "
            "Wir zeigen sie nur dieses eine Mal."
        ),
        codes=codes,
        form=None,
        onward=onward,
        elsewhere=devices_way(reader),
    )


def _see(resp: falcon.Response, url: str) -> None:
    resp.status = falcon.HTTP_303
    resp.location = url


def _write(resp: falcon.Response, reader: Reader, page: Page) -> None:
    write_page(resp, reader.room.renderer.html(page, reader.site()), page.title)
