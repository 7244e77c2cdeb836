"""What goes wrong on the way in, and the one table that turns it into answers."""

import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import falcon
import structlog

from service.access.browser import CmsSessionOver
from service.access.rates import TooManyRequests
from service.access.weiter import HOME, Weiter
from service.store import clean
from service.store.database import FAULTS, StoreUnavailable
from service.store.sessions import TokenAlreadyUsed
from service.web.context import Reader, Room
from service.web.intake import BadForm, BodyTooLarge
from service.web.noted import by_browser, count_refused_token, note_limit, warn_refused
from service.web.notruf import calls_anywhere
from service.web.pages import MessagePage, Way
from service.web.problems import ApiProblem, is_api, problem_of, write_problem
from service.web.render import write_page
from service.web.text import mark
from service.web.unsaved import unsaved_page, write_unsaved

log = structlog.get_logger()


class NotFoundHere(Exception):
    """Unknown, or somebody else's: the same answer."""


def id_here(text: str) -> UUID:
    """Return the id that stands in an address; raises NotFoundHere for anything else."""
    found = clean.uuid_of(text)
    if found is None:
        raise NotFoundHere
    return found


class TokenInvalid(Exception):
    """A token or session was shown and refused; `reason` is for the log only, in fixed words.

    `over`: nothing but a session that has ended, which is nothing to be noted.
    """

    def __init__(self, reason: str, *, over: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.over = over


class NotSignedIn(Exception):
    """Nobody is signed in, and this page is for residents. `saved` when their input was kept as a draft."""

    def __init__(self, *, saved: bool = False) -> None:
        super().__init__("not signed in")
        self.saved = saved


class OtherPerson(Exception):
    """This belongs to another of the persons that the visitor may act for. `saved` when their input was kept."""

    def __init__(self, *, saved: bool = False) -> None:
        super().__init__("acting for another person")
        self.saved = saved


class ForeignForm(Exception):
    """A form came from somewhere else, or without its token."""


class Level2Needed(Exception):
    """Somebody has to confirm who they are first; `weiter` is where they were."""

    def __init__(self, weiter: Weiter) -> None:
        super().__init__("level 2 needed")
        self.weiter = weiter


class FactorNeeded(Exception):
    """Somebody has no second factor, and it is needed here."""

    def __init__(self, weiter: Weiter) -> None:
        super().__init__("a second factor is needed")
        self.weiter = weiter


_NOWHERE = "-"
_LEAD_BACK = {"melden", "vorgaenge", "konto"}  # below these are pages that can be shown again
Handler = Callable[[falcon.Request, falcon.Response, Any, dict[str, Any]], None]  # each narrows its error
ReaderFinder = Callable[[falcon.Request, falcon.Response, Room], Reader | None]


class ErrorPages:
    """Answers every error with a page, or with a problem document (RFC 9457) where no person reads it."""

    def __init__(self, room: Room, reader_of_unrouted: ReaderFinder) -> None:
        self._room = room
        self._reader_of_unrouted = reader_of_unrouted

    def install(self, app: falcon.App[falcon.Request, falcon.Response]) -> None:
        """Map each error to its answer."""
        table: dict[type[Exception], Handler] = {
            Exception: self._unexpected,
            falcon.HTTPError: self._http_error,
            NotFoundHere: self._not_found,
            falcon.HTTPNotFound: self._not_found,
            falcon.HTTPMethodNotAllowed: self._not_allowed,
            TokenInvalid: self._token_invalid,
            TokenAlreadyUsed: self._token_used,
            CmsSessionOver: self._session_over,
            NotSignedIn: self._not_signed_in,
            OtherPerson: self._other_person,
            ForeignForm: self._foreign_form,
            Level2Needed: self._level2_needed,
            FactorNeeded: self._factor_needed,
            TooManyRequests: self._too_many,
            ApiProblem: self._api_problem,
            BadForm: self._bad_form,
            BodyTooLarge: self._too_large,
            StoreUnavailable: self._unavailable,
            OSError: self._storage_fault,
            **dict.fromkeys(FAULTS, self._engine_fault),
        }
        for error, handler in table.items():
            app.add_error_handler(error, handler)

    def _page(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        status: str | int,
        texts: tuple[str, str],
        *,
        calls: bool = False,
    ) -> None:
        reader: Reader | None = getattr(req.context, "reader", None)
        if reader is None or is_api(req):
            write_problem(req, resp, problem_of(status))
            return
        ways = (Way(reader.words("Zur Übersicht"), reader.link("")),)
        page = MessagePage(
            title=reader.words(texts[0]),
            text=reader.words(texts[1]),
            ways=ways,
            calls=calls_anywhere(reader) if calls else (),
            reference=req.context.request_id,
        )
        resp.status = status
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)

    def _not_found(self, req: falcon.Request, resp: falcon.Response, _error: Exception, params: dict[str, Any]) -> None:
        """Answer alike for what is unknown and for what is somebody else's."""
        if "vorgang_id" in params:
            warn_refused(req, "access_refused")
        if is_api(req):
            write_problem(req, resp, problem_of(falcon.HTTP_404))
            return
        resp.status = falcon.HTTP_404
        reader: Reader | None = getattr(req.context, "reader", None) or self._reader_of_unrouted(req, resp, self._room)
        if reader is None:
            self._nowhere(req, resp)
            return
        # Nothing tells where this is: an id that is somebody else's looks like one that there is not.
        around = replace(replace(reader, path=_NOWHERE).site(), languages=())
        page = MessagePage(
            title=reader.words("Seite nicht gefunden"),
            text=reader.words("Diese Seite gibt es nicht, oder sie ist für Sie nicht freigegeben."),
            ways=(Way(reader.words("Zur Übersicht"), reader.link("")),),
        )
        write_page(resp, self._room.renderer.html(page, around), page.title)

    def _nowhere(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer where not even a Mandant is known, and so no language."""
        page = MessagePage(
            title="Seite nicht gefunden / Page not found",
            text="Diese Seite gibt es nicht. / This page does not exist.",
        )
        for_cms = (req.auth or "").startswith("Portal ")
        around = self._room.bare_site(fragment=for_cms, csp_nonce=req.context.csp_nonce)
        write_page(resp, self._room.renderer.html(page, around), page.title)

    def _not_allowed(
        self, req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, _params: dict[str, Any]
    ) -> None:
        self._page(
            req, resp, falcon.HTTP_405, (mark("Das geht hier nicht"), mark("Bitte gehen Sie zurück zur Übersicht."))
        )
        resp.set_headers(error.headers or {})

    def _token_invalid(
        self, req: falcon.Request, resp: falcon.Response, error: TokenInvalid, _params: dict[str, Any]
    ) -> None:
        log.warning("token_refused", reason=error.reason, request_id=req.context.request_id)
        reached = None if error.over else count_refused_token(req, error.reason)
        if reached is not None and by_browser(req):
            self._write_too_many(req, resp, reached)
            return
        if by_browser(req) and "text/html" in req.accept:
            self._sign_in_again(req, resp)
        else:
            write_problem(req, resp, problem_of(falcon.HTTP_401))
        resp.set_header("WWW-Authenticate", "Portal")

    def _sign_in_again(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Tell somebody whose button came too late, or twice, where to begin again; the same whatever was refused."""
        reader: Reader = req.context.reader
        overview = Way(reader.words("Zur Übersicht"), reader.link(""))
        page = MessagePage(
            title=reader.words("Die Anmeldung hat nicht geklappt"),
            text=reader.words(
                "Vielleicht war die Seite davor zu lange offen. Bitte öffnen Sie das Mieterportal noch einmal von der "
                "Internetseite Ihrer Verwaltung aus."
            ),
            ways=reader.login_ways() if reader.visitor is None else (overview,),
            calls=calls_anywhere(reader),
        )
        resp.status = falcon.HTTP_401
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)

    def _token_used(
        self, req: falcon.Request, resp: falcon.Response, _error: Exception, params: dict[str, Any]
    ) -> None:
        self._token_invalid(req, resp, TokenInvalid("jti used before"), params)

    def _session_over(
        self, req: falcon.Request, resp: falcon.Response, _error: Exception, params: dict[str, Any]
    ) -> None:
        """Answer what came while the session ended as what comes after it."""
        reader: Reader = req.context.reader
        if reader.visitor is not None and reader.visitor.session_hash is not None:
            req.context.reader = reader.seen_by(None, reader.lang)
            self._not_signed_in(req, resp, NotSignedIn(), params)
        else:
            self._token_invalid(req, resp, TokenInvalid("the CMS has ended this session"), params)

    def _not_signed_in(
        self, req: falcon.Request, resp: falcon.Response, error: NotSignedIn, _params: dict[str, Any]
    ) -> None:
        if is_api(req):
            self._token_invalid(req, resp, TokenInvalid("no token"), _params)
            return
        reader: Reader = req.context.reader
        kept = reader.words("Ihre Eingaben sind gesichert und nach der Anmeldung wieder da.") if error.saved else ""
        page = MessagePage(
            title=reader.words("Bitte melden Sie sich an"),
            text=" ".join(part for part in (kept, _where_to_sign_in(reader)) if part),
            ways=reader.login_ways(_back_to(reader)),
            calls=calls_anywhere(reader),
        )
        resp.status = falcon.HTTP_401
        resp.set_header("WWW-Authenticate", "Portal")
        if error.saved:
            resp.set_header("Portal-Input-Kept", "1")
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)

    def _level2_needed(
        self, req: falcon.Request, resp: falcon.Response, error: Level2Needed, _params: dict[str, Any]
    ) -> None:
        """Lead to where it is confirmed: 303 for GET too, since a site may put a page of its own in place of a 403."""
        self._lead_to(req, resp, "bestaetigen", error.weiter)

    def _factor_needed(
        self, req: falcon.Request, resp: falcon.Response, error: FactorNeeded, _params: dict[str, Any]
    ) -> None:
        self._lead_to(req, resp, "konto/sicherheit/app", error.weiter)

    def _lead_to(self, req: falcon.Request, resp: falcon.Response, path: str, weiter: Weiter) -> None:
        reader: Reader = req.context.reader
        resp.status = falcon.HTTP_303
        resp.location = reader.link(path, weiter=self._room.weiter.sign(reader.mandant_id, weiter))

    def _other_person(
        self, req: falcon.Request, resp: falcon.Response, error: OtherPerson, _params: dict[str, Any]
    ) -> None:
        reader: Reader = req.context.reader
        kept = reader.words("Ihre Eingaben sind gesichert und dann wieder da.") if error.saved else ""
        text = reader.words("Dieser Vorgang gehört zu einer anderen Person, für die Sie handeln. Wechseln Sie zu ihr.")
        page = MessagePage(
            title=reader.words("Für eine andere Person"),
            text=f"{text} {kept}".strip(),
            ways=(Way(reader.words("Person wechseln"), reader.link("konto/personen")),),
        )
        resp.status = falcon.HTTP_404
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)

    def _foreign_form(
        self, req: falcon.Request, resp: falcon.Response, _error: Exception, _params: dict[str, Any]
    ) -> None:
        warn_refused(req, "form_refused")
        text = mark("Das Formular kam nicht von dieser Seite. Bitte öffnen Sie es hier noch einmal.")
        self._page(req, resp, falcon.HTTP_403, (mark("Nicht angenommen"), text))

    def _too_many(
        self, req: falcon.Request, resp: falcon.Response, error: TooManyRequests, _params: dict[str, Any]
    ) -> None:
        note_limit(req, error)
        self._write_too_many(req, resp, error)

    def _write_too_many(self, req: falcon.Request, resp: falcon.Response, reached: TooManyRequests) -> None:
        """Say when to try again, in whole minutes; a form comes back with what was typed."""
        reader: Reader = req.context.reader
        free = self._room.clock() + timedelta(seconds=reached.retry_after + 59)
        again = reader.words.minute(free.replace(second=0))
        if (unsaved := unsaved_page(req, self._room, limited_until=again)) is not None:
            resp.status = falcon.HTTP_429
            write_unsaved(resp, *unsaved)
        else:
            text = reader.words(
                "Das waren sehr viele Anfragen in kurzer Zeit. Bitte versuchen Sie es ab {moment} noch einmal.",
                moment=again,
            )
            self._page(req, resp, falcon.HTTP_429, (mark("Bitte warten Sie etwas"), text), calls=True)
        resp.set_header("Retry-After", str(reached.retry_after))

    def _api_problem(
        self, req: falcon.Request, resp: falcon.Response, error: ApiProblem, _params: dict[str, Any]
    ) -> None:
        write_problem(req, resp, error)

    def _bad_form(self, req: falcon.Request, resp: falcon.Response, error: BadForm, _params: dict[str, Any]) -> None:
        log.info("bad_form", reason=str(error), request_id=req.context.request_id)
        reader: Reader = req.context.reader
        text = reader.words("Das Formular ließ sich nicht lesen. Bitte kürzen Sie den Text und senden Sie es erneut.")
        if error.field:
            text = reader.words(
                "Das Feld „{field}“ ließ sich nicht lesen. Bitte prüfen und kürzen Sie es.", field=error.field
            )
        self._page(req, resp, falcon.HTTP_400, (mark("Bitte prüfen Sie Ihre Eingaben"), text))

    def _too_large(
        self, req: falcon.Request, resp: falcon.Response, _error: Exception, _params: dict[str, Any]
    ) -> None:
        text = mark("Die Dateien sind zusammen zu groß. Bitte senden Sie weniger oder kleinere Dateien.")
        self._page(req, resp, falcon.HTTP_413, (mark("Zu viele oder zu große Dateien"), text))
        resp.set_header("Connection", "close")

    def _unavailable(
        self, req: falcon.Request, resp: falcon.Response, error: Exception, _params: dict[str, Any]
    ) -> None:
        req.context.store_failed = True
        log.error("store_unavailable", fault=str(error), request_id=req.context.request_id)
        if (unsaved := unsaved_page(req, self._room)) is not None:
            resp.status = falcon.HTTP_503
            write_unsaved(resp, *unsaved)
        else:
            stored = mark("Wir konnten gerade nichts speichern. Bitte versuchen Sie es in einer Minute noch einmal.")
            shown = mark("Wir können das gerade nicht zeigen. Bitte versuchen Sie es in einer Minute noch einmal.")
            text = shown if req.method == "GET" else stored
            self._page(req, resp, falcon.HTTP_503, (mark("Im Augenblick nicht erreichbar"), text), calls=True)
        resp.set_header("Retry-After", "60")

    def _engine_fault(
        self, req: falcon.Request, resp: falcon.Response, error: Exception, params: dict[str, Any]
    ) -> None:
        self._unavailable(req, resp, StoreUnavailable(type(error).__name__), params)

    def _storage_fault(
        self, req: falcon.Request, resp: falcon.Response, error: OSError, params: dict[str, Any]
    ) -> None:
        self._unavailable(req, resp, StoreUnavailable(f"{type(error).__name__} {error.errno}"), params)

    def _http_error(
        self, req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, _params: dict[str, Any]
    ) -> None:
        self._page(
            req,
            resp,
            error.status,
            (mark("Das ließ sich nicht verarbeiten"), mark("Bitte gehen Sie zurück zur Übersicht.")),
        )
        resp.set_headers(error.headers or {})

    def _unexpected(
        self, req: falcon.Request, resp: falcon.Response, error: Exception, _params: dict[str, Any]
    ) -> None:
        """Log where it happened, without the message: an engine's message may quote what somebody typed."""
        frames = [
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        log.error("unexpected", error=type(error).__name__, frames=frames, request_id=req.context.request_id)
        text = mark(
            "Da ist etwas schiefgegangen. Wir sehen den Fehler im Protokoll. Bitte versuchen Sie es noch einmal."
        )
        self._page(req, resp, falcon.HTTP_500, (mark("Das hat nicht geklappt"), text), calls=True)


def _where_to_sign_in(reader: Reader) -> str:
    if reader.mandant.own_login is not None:
        return reader.words("Danach sehen Sie hier Ihre Vorgänge.")
    return reader.words("Melden Sie sich auf der Internetseite Ihrer Verwaltung an.")


def _back_to(reader: Reader) -> Weiter:
    return Weiter(reader.path) if reader.path.partition("/")[0] in _LEAD_BACK else HOME
