"""From the request to the reader: Mandant, token or session, language; and what a route asks of them."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import falcon
import structlog

from cms_adapters.connector import Connector
from cms_adapters.tokens import TokenRefused
from service.access.accounts import acting, seen_by_cms
from service.access.admin import Admin, admin_of_claims
from service.access.browser import ABSOLUTE, CmsSessionOver, find_session
from service.access.visitor import Visitor, visitor_of_login, visitor_of_session
from service.store.database import connected, drop_connections
from service.web.context import Reader, Room, reader_of
from service.web.errors import ForeignForm, NotFoundHere, NotSignedIn, TokenInvalid

log = structlog.get_logger()

COOKIE = "__Host-portal"
PUBLIC = "public"
RESIDENT = "resident"
RESIDENT_OR_DRAFT = "resident_or_draft"
ADMIN = "admin"
METRICS = "metrics"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SAFE = {"GET", "HEAD", "OPTIONS"}


class RequestId:
    """Gives every request an id that goes into the log, the Vorgang and on to immotion; logs every answer."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        """Take the id over from a proxy if it looks like one, else make one."""
        given = req.get_header("X-Request-ID") or ""
        req.context.request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        req.context.started = self._room.clock()

    def process_response(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        _resource: object,
        _succeeded: bool,  # noqa: FBT001 - falcon's signature
    ) -> None:
        """Log the route and how whoever asks was signed in, never the query, the name or the account of anybody."""
        resp.set_header("X-Request-ID", req.context.request_id)
        took = self._room.clock() - req.context.started
        log.info(
            "request",
            method=req.method,
            route=req.uri_template or "",
            mandant=_mandant(req),
            signed_in=_signed_in(req),
            status=falcon.http_status_to_code(resp.status),
            milliseconds=round(took.total_seconds() * 1000, 1),
            request_id=req.context.request_id,
        )


def _mandant(req: falcon.Request) -> str:
    reader: Reader | None = getattr(req.context, "reader", None)
    return reader.mandant_id if reader is not None else ""


def _signed_in(req: falcon.Request) -> str:
    """Return by what: a CMS's token for this one request, a browser session, a back end's token; "" if by nothing."""
    reader: Reader | None = getattr(req.context, "reader", None)
    visitor = reader.visitor if reader is not None else None
    if visitor is None:
        return "admin" if getattr(req.context, "admin", None) is not None else ""
    return "fragment" if _by_cms(visitor) else "session"


class FindMandant:
    """Finds the Mandant and the language; needs no database, so that even its fault has a page."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, _resource: object, params: dict[str, Any]
    ) -> None:
        """Set `req.context.reader`, nobody signed in yet; raises NotFoundHere."""
        if "mandant" not in params:
            return
        mandant_id = params["mandant"]
        mandant = self._room.settings.mandanten.get(mandant_id)
        if mandant is None:
            raise NotFoundHere
        lang = req.get_param("lang")
        chosen = lang if lang in mandant.languages else None
        path = req.path.removeprefix(f"/{mandant_id}").strip("/")
        tongue = chosen or mandant.languages[0]
        req.context.reader = Reader(
            self._room,
            mandant_id,
            mandant,
            None,
            tongue,
            lang_chosen=chosen is not None,
            path=path,
            csp_nonce=req.context.csp_nonce,
            query=tuple((name, one) for name, one in req.params.items() if isinstance(one, str) and name != "lang"),
        )


class FindCmsVisitor:
    """Finds whom a CMS asks for and refuses foreign forms; needs no database either, so that a CMS gets a fragment."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Put a CMS's visitor into `req.context.reader`, or its back end into `req.context.admin`.

        Raises TokenInvalid, ForeignForm, and NotSignedIn where only the back end may go.
        """
        if "mandant" not in params or not getattr(resource, "needs_store", True):
            return
        access = getattr(resource, "access", RESIDENT)
        scheme, _, value = (req.auth or "").partition(" ")
        if access == ADMIN:
            req.context.admin = self._admin(scheme, value, reader_of(req).mandant_id)
            return
        visitor = self._by_token(req, reader_of(req).mandant_id, value) if scheme == "Portal" else None
        if visitor is not None:
            _seen_by(req, visitor)
        if req.method not in _SAFE and access != PUBLIC and not _by_cms(visitor) and not same_origin(req):
            raise ForeignForm
        req.context.keeps_input = access == RESIDENT_OR_DRAFT and req.method == "POST"

    def _by_token(self, req: falcon.Request, mandant: str, value: str) -> Visitor:
        connector, token = self._connector(mandant, value)
        try:
            login = connector.fragment_login(
                token, base_url=req.get_header("Portal-Base-Url"), now=self._room.clock().timestamp()
            )
        except TokenRefused as refused:
            raise TokenInvalid(refused.reason) from refused
        return visitor_of_login(mandant, login)

    def _admin(self, scheme: str, value: str, mandant: str) -> Admin:
        """Return the CMS's back end that asks; a session, or a token of a resident, opens nothing here."""
        if scheme != "Portal":
            raise NotSignedIn
        connector, token = self._connector(mandant, value)
        try:
            claims = connector.admin(token, now=self._room.clock().timestamp())
        except TokenRefused as refused:
            raise TokenInvalid(refused.reason) from refused
        return admin_of_claims(mandant, claims)

    def _connector(self, mandant: str, value: str) -> tuple[Connector, str]:
        name, _, token = value.partition(":")
        connector = self._room.connectors.get((mandant, name))
        if connector is None:
            raise TokenInvalid("no such connection")
        return connector, token


class StoreConnection:
    """Holds one connection for the length of a request that reads or writes."""

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Take a connection from the pool."""
        if "mandant" in params and getattr(resource, "needs_store", True):
            req.context.store = connected()
            req.context.store.__enter__()

    def process_response(
        self,
        req: falcon.Request,
        _resp: falcon.Response,
        _resource: object,
        _succeeded: bool,  # noqa: FBT001 - falcon's signature
    ) -> None:
        """Give it back before the answer is streamed."""
        held = getattr(req.context, "store", None)
        if held is not None:
            held.__exit__(None, None, None)
            if getattr(req.context, "store_failed", False):
                drop_connections()


class FindVisitor:
    """Finds out whose browser session it is, and refuses what the route does not allow."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Put the visitor into `req.context.reader`; raises TokenInvalid, NotSignedIn, TooManyRequests."""
        access = getattr(resource, "access", RESIDENT)
        if "mandant" not in params or access == ADMIN or not getattr(resource, "needs_store", True):
            return
        reader = reader_of(req)
        if reader.visitor is not None:
            _seen_by(req, _completed(reader.visitor))
        elif (visitor := self._by_session(req, reader)) is not None:
            _seen_by(req, visitor)
        may_save = access == RESIDENT_OR_DRAFT and req.method == "POST"
        visitor = reader_of(req).visitor
        if may_save and visitor is not None:
            self._room.rates.hit("form_account", visitor.mandant, visitor.account)
        if reader_of(req).visitor is None and access != PUBLIC and not may_save:
            raise NotSignedIn

    def _by_session(self, req: falcon.Request, reader: Reader) -> Visitor | None:
        """Return whose session it is; one of a connection that the settings no longer have is over.

        Nor is a person believed any longer whom the CMS named while the settings trusted it.
        """
        in_header = _header_session(req)
        shown = session_cookies(req) if in_header is None else [in_header]
        session = find_session(shown, mandant=reader.mandant_id, now=self._room.clock())
        connection = reader.mandant.connections.get(session.connection) if session is not None else None
        if session is None or connection is None:
            if in_header is not None:
                raise TokenInvalid("session in header unknown or over", over=True)
            return None
        session = session if connection.trust_person else replace(session, person=None)
        found = visitor_of_session(session, ends_at=session.created_at + ABSOLUTE, in_header=in_header is not None)
        return acting(found, session.links)


def shown_sessions(req: falcon.Request) -> list[str]:
    """Return the secrets of all sessions that this browser shows: a new login, or signing out, ends each of them."""
    in_header = _header_session(req)
    return session_cookies(req) if in_header is None else [in_header, *session_cookies(req)]


def session_cookies(req: falcon.Request) -> list[str]:
    """Return the values of the session's cookie: one set in a frame may come beside one set at top level."""
    return req.get_cookie_values(COOKIE) or []


def _header_session(req: falcon.Request) -> str | None:
    scheme, _, secret = (req.auth or "").partition(" ")
    return secret if scheme == "Portal-Session" else None


def _completed(visitor: Visitor) -> Visitor:
    try:
        return seen_by_cms(visitor)
    except CmsSessionOver as over:
        raise TokenInvalid("the CMS has ended this session") from over


def _seen_by(req: falcon.Request, visitor: Visitor) -> None:
    """Let the rest of the request know its visitor."""
    req.context.reader = reader_of(req).seen_by(visitor)


def _by_cms(visitor: Visitor | None) -> bool:
    """Tell whether a CMS's own server asks: what it hands on of the browser's headers says nothing of the portal."""
    return visitor is not None and visitor.base_url is not None


def same_origin(req: falcon.Request) -> bool:
    """Tell whether a request may come from the portal's own pages; browsers say it when one comes from elsewhere."""
    site = req.get_header("Sec-Fetch-Site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    origin = req.get_header("Origin")
    return origin is None or origin in {req.prefix, _public_origin(req)}


def _public_origin(req: falcon.Request) -> str:
    parts = urlsplit(reader_of(req).room.settings.service.public_url)
    return f"{parts.scheme}://{parts.netloc}"
