"""`bestaetigen`: a code of the second factor, and back to where it was asked for."""

from dataclasses import dataclass, replace
from uuid import UUID

import falcon
import structlog

from service.access import factors
from service.access.audit import Event
from service.access.codes import Kind
from service.access.factors import CodeRefused, NoFactor, TooManyTries
from service.access.weiter import Weiter
from service.settings import Level2Settings
from service.store import drafts, vorgaenge
from service.web.client import source_of
from service.web.context import Reader, Room, reader_of
from service.web.errors import FactorNeeded
from service.web.intake import Submitted
from service.web.level2 import (
    code_field,
    factors_of,
    form_key,
    help_for,
    read_form,
    rules_of,
    small_form,
    too_many,
)
from service.web.level2_pages import BestaetigenPage
from service.web.noted import note_alone
from service.web.pages import Field, FileView, MessagePage, Way
from service.web.passkeys import step_up, to_confirm
from service.web.render import write_page
from service.web.session import RESIDENT
from service.web.views import file_view

log = structlog.get_logger()

PATH = "bestaetigen"
_BY_RECOVERY = "ersatzcode"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the page is made of: where it leads on to, which kind of code it asks for, what was wrong with the last."""

    token: str
    recovery: bool
    error: str = ""
    expired: bool = False
    by_passkey: bool = False


class Bestaetigen:
    """`/{mandant}/bestaetigen`: asks for a code and raises the session to level 2."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Ask, or lead on at once when there is nothing to ask."""
        reader, token = reader_of(req), req.get_param("weiter", default="")
        rules_of(reader)
        weiter = self._room.weiter.read(mandant, token)
        stands = factors.standing(reader.signed_in)
        if not stands.has_factor:
            raise FactorNeeded(weiter)
        if stands.is_raised(self._room.clock()):
            self._arrive(resp, reader, weiter)
            return
        recovery = req.get_param("art", default="") == _BY_RECOVERY
        self._show(req, resp, reader, _Asked(token, recovery=recovery))

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Take a code; 303 to where it was asked for when it is right."""
        reader = reader_of(req)
        rules = rules_of(reader)
        form = read_form(req, self._room)
        asked = _Asked(form.get("weiter"), recovery=form.get("art") == _BY_RECOVERY)
        if form_key(reader, form) is None:
            resp.status = falcon.HTTP_403
            self._show(req, resp, reader, replace(asked, expired=True))
            return
        error = self._step_up(req, resp, reader, rules, form)
        if error and not factors.standing(reader.signed_in).is_raised(self._room.clock()):
            self._show(req, resp, reader, replace(asked, error=error))
            return
        self._lead_on(resp, reader, asked.token)

    def on_post_passkey(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Take a passkey in place of a code."""
        reader = reader_of(req)
        form = read_form(req, self._room)
        asked = _Asked(form.get("weiter"), recovery=False, by_passkey=True)
        if form_key(reader, form) is None:
            resp.status = falcon.HTTP_403
            self._show(req, resp, reader, replace(asked, by_passkey=False, expired=True))
            return
        error = step_up(req, reader, form)
        if error and not factors.standing(reader.signed_in).is_raised(self._room.clock()):
            resp.status = falcon.HTTP_422
            self._show(req, resp, reader, replace(asked, error=error))
            return
        self._lead_on(resp, reader, asked.token)

    def _step_up(
        self, req: falcon.Request, resp: falcon.Response, reader: Reader, rules: Level2Settings, form: Submitted
    ) -> str:
        """Return what is wrong with the code, and set the answer's status; nothing if the session is raised."""
        source = source_of(req)
        try:
            factors.step_up(reader.signed_in, form.get("code"), factors_of(reader, rules), source=source)
        except TooManyTries as tries:
            log.warning("level2_held_up", kind=tries.kind, request_id=req.context.request_id)
            return too_many(resp, reader, tries)
        except CodeRefused as refused:
            log.info("level2_refused", kind=refused.kind, request_id=req.context.request_id)
            if refused.kind in {Kind.APP, Kind.RECOVERY}:  # any other was no attempt, and was looked at by its form
                note_alone(Event.LEVEL2_FAILED, source, {"code": refused.kind})
            resp.status = falcon.HTTP_422
            return help_for(reader, refused.kind, recovery=form.get("art") == _BY_RECOVERY)
        except NoFactor as missing:
            raise FactorNeeded(Weiter("")) from missing
        log.info("level2", request_id=req.context.request_id)
        return ""

    def _lead_on(self, resp: falcon.Response, reader: Reader, token: str) -> None:
        weiter = self._room.weiter.read(reader.mandant_id, token)
        resp.status = falcon.HTTP_303
        # a browser that gets a file instead of a page would go on showing the form
        resp.location = reader.link(PATH, weiter=token) if weiter.page else reader.link(weiter.path)

    def _arrive(self, resp: falcon.Response, reader: Reader, weiter: Weiter) -> None:
        if not weiter.page:
            resp.status = falcon.HTTP_303
            resp.location = reader.link(weiter.path)
            return
        words = reader.words
        page = MessagePage(
            title=words("Bestätigt"),
            text=words("Sie können die Datei jetzt herunterladen."),
            ways=(
                Way(words("Datei herunterladen"), reader.link(weiter.path)),
                Way(words("Zurück"), reader.link(weiter.page)),
            ),
        )
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)

    def _show(self, req: falcon.Request, resp: falcon.Response, reader: Reader, asked: _Asked) -> None:
        token, recovery = asked.token, asked.recovery
        words = reader.words
        field = code_field(reader, recovery=recovery, error="" if asked.by_passkey else asked.error)
        other = (
            Way(words("Code aus der App eingeben"), reader.link(PATH, weiter=token))
            if recovery
            else Way(words("Ersatzcode benutzen"), reader.link(PATH, weiter=token, art=_BY_RECOVERY))
        )
        art = (Field("art", "hidden", "", _BY_RECOVERY),) if recovery else ()
        files = self._kept(reader, self._room.weiter.read(reader.mandant_id, token))
        page = BestaetigenPage(
            title=words("Bitte bestätigen Sie, dass Sie es sind"),
            text=words(
                "Für diesen Schritt fragen wir zusätzlich nach einem Code. Danach geht es dort weiter, wo Sie waren."
            ),
            form=small_form(reader, PATH, token, words("Bestätigen"), *art, field, expired=asked.expired),
            other=other,
            lost=words(
                "App und Ersatzcodes verloren? Wenden Sie sich an Ihre Verwaltung. Sie setzt den zweiten Faktor zurück."
            ),
            saved=files is not None,
            files=files or (),
            passkey=to_confirm(req, reader, token, asked.error if asked.by_passkey else ""),
        )
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)

    def _kept(self, reader: Reader, weiter: Weiter) -> tuple[FileView, ...] | None:
        """Return the files of the form that was kept; None if none was, or it is somebody else's."""
        try:
            key = UUID(weiter.draft)
        except ValueError:
            return None
        if drafts.by_id(reader.mandant_id, reader.signed_in.account, key) is None:
            return None
        return tuple(file_view(anhang, reader) for anhang in vorgaenge.draft_anhaenge(key))
