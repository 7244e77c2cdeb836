"""Browser sessions: the iframe's entry, the exchange of a login token, signing out (session.md)."""

import secrets
from dataclasses import replace
from urllib.parse import urlencode

import falcon
from itsdangerous import BadData

from cms_adapters.connector import CmsLogin, Connector
from cms_adapters.tokens import TokenRefused
from service.access import audit
from service.access.audit import Event
from service.access.browser import CmsSessionOver, StartedSession, end_cms_session, hash_of, start_session
from service.access.signing import Signer
from service.access.visitor import Visitor, account_of, visitor_of_login
from service.settings import OWN_LOGIN
from service.store import level2, sessions
from service.store.database import in_transaction
from service.web.client import device_label, source_of, source_of_cms
from service.web.context import Reader, Room, reader_of
from service.web.cookies import remove_cookie, set_cookie
from service.web.errors import ForeignForm, NotFoundHere, TokenInvalid
from service.web.intake import Submitted
from service.web.pages import SsoPage
from service.web.render import write_page
from service.web.session import COOKIE, PUBLIC, RESIDENT, same_origin, shown_sessions
from service.web.ziel import link_to, ziel_of

NONCE_COOKIE = "__Host-portal-nonce"
_NONCE_LIFETIME_S = 300
_TOKEN_TEXT_MAX = 8192


class Sso:
    """`/{mandant}/sso/{connection}`: sets the nonce, takes the token."""

    access = PUBLIC

    def __init__(self, room: Room) -> None:
        self._room = room
        self._proofs = Signer(room.rings.secret_keys, "portal.nonce.v1")

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str, connection: str) -> None:
        """Show the page that talks with the site around it."""
        reader = reader_of(req)
        settings = reader.mandant.connections.get(connection)
        if settings is None or settings.kind == OWN_LOGIN:
            raise NotFoundHere
        nonce = secrets.token_urlsafe(24)
        page = SsoPage(
            title=reader.words("Anmeldung"),
            nonce=nonce,
            nonce_proof=self._proofs.dumps([mandant, connection, nonce]),
            origins=settings.origins,
            action=f"/{mandant}/sso/{connection}" + (f"?{urlencode({'ziel': ziel})}" if (ziel := ziel_of(req)) else ""),
            top_url=settings.login_url or settings.origins[0],
        )
        set_cookie(resp, NONCE_COOKIE, nonce, in_frame=True, max_age=_NONCE_LIFETIME_S)
        resp.set_header("Portal-Address", f"{self._room.settings.service.public_url}/{mandant}")
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str, connection: str) -> None:
        """Exchange a login token for a session; the token is in the body, never in a URL."""
        connector = self._room.connectors.get((mandant, connection))
        if connector is None:
            raise TokenInvalid("no such connection")
        form = self._room.intake.read(req, taken=lambda _fields: (0, 0))
        self._room.intake.discard(form.files)
        nonce, by_cookie = self._nonce(req, form, mandant, connection)
        login = self._login(connector, form, origin=req.get_header("Origin"), nonce=nonce)
        visitor = visitor_of_login(mandant, login)
        self._room.rates.hit("sso_account", mandant, visitor.account)
        started = self._start(req, visitor)
        if by_cookie:
            set_cookie(resp, COOKIE, started.secret, in_frame=nonce is not None)
        remove_cookie(resp, NONCE_COOKIE, in_frame=True)
        self._answer(req, resp, None if by_cookie else started.secret)

    def _start(self, req: falcon.Request, visitor: Visitor) -> StartedSession:
        device = device_label(req.user_agent)

        def start() -> StartedSession:
            started = start_session(visitor, replaces=shown_sessions(req), now=self._room.clock(), device=device)
            audit.note(Event.SIGN_IN, source_of(req, visitor))
            return started

        try:
            return in_transaction(start)
        except CmsSessionOver as over:
            raise TokenInvalid("the CMS has ended this session") from over

    def _answer(self, req: falcon.Request, resp: falcon.Response, header_session: str | None) -> None:
        begin = link_to(reader_of(req), ziel_of(req))
        if not req.client_accepts("text/html") or "application/json" in req.accept:
            resp.media = {"next": begin} | ({"session": header_session} if header_session else {})
            return
        resp.status = falcon.HTTP_303
        resp.location = begin

    def _login(self, connector: Connector, form: Submitted, *, origin: str | None, nonce: str | None) -> CmsLogin:
        token = form.get("token")
        if len(token) > _TOKEN_TEXT_MAX:
            raise TokenInvalid("longer than any token")
        try:
            return connector.browser_login(token, origin=origin, nonce_cookie=nonce, now=self._room.clock().timestamp())
        except TokenRefused as refused:
            raise TokenInvalid(refused.reason) from refused

    def _nonce(self, req: falcon.Request, form: Submitted, mandant: str, connection: str) -> tuple[str | None, bool]:
        """Return the nonce to expect and whether cookies work here.

        Where the browser keeps third-party cookies back, the page that was given the nonce proves it by our own
        signature; the session then lives in that page's memory only. Anybody can get a nonce with its proof, so it must
        be our own page that shows them: no other site may sign a browser in, nor end the session that it has.
        """
        cookie = req.cookies.get(NONCE_COOKIE)
        proof = form.get("nonce_proof")
        if cookie is not None or not proof:
            return cookie, True
        if not same_origin(req):
            raise ForeignForm
        try:
            proven = self._proofs.loads(proof, max_age=_NONCE_LIFETIME_S)
        except BadData as forged:
            raise TokenInvalid("nonce proof refused") from forged
        if proven != [mandant, connection, form.get("nonce")]:
            raise TokenInvalid("nonce proof is for another page")
        return form.get("nonce"), False


class BackChannelLogout:
    """`/{mandant}/sso/{connection}/logout`: the CMS ends the sessions that hang on its own."""

    access = PUBLIC

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str, connection: str) -> None:
        """Verify the logout token and end the sessions in one transaction."""
        connector = self._room.connectors.get((mandant, connection))
        if connector is None:
            raise TokenInvalid("no such connection")
        form = self._room.intake.read(req, taken=lambda _fields: (0, 0))
        self._room.intake.discard(form.files)
        try:
            claims = connector.logout(form.get("token"), now=self._room.clock().timestamp())
        except TokenRefused as refused:
            raise TokenInvalid(refused.reason) from refused

        def end() -> None:
            end_cms_session(mandant, claims, now=self._room.clock())
            account = account_of(connection, claims.sub)
            audit.note(Event.SESSION_REVOKED, replace(source_of_cms(req, connection), account=account))

        in_transaction(end)
        resp.status = falcon.HTTP_204


class SignOut:
    """`/{mandant}/abmelden`: ends this browser's session."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """End the session; the form carries the session's own token."""
        reader = reader_of(req)
        form = self._room.intake.read(req, taken=lambda _fields: (0, 0))
        self._room.intake.discard(form.files)
        if not self._room.tokens.belongs_to(reader.visitor, mandant, form.get("csrf_token")):
            raise ForeignForm

        def end() -> None:
            sessions.end([hash_of(secret) for secret in shown_sessions(req)])
            level2.end(reader.signed_in.of_cms_session)
            audit.note(Event.SIGN_OUT, source_of(req))

        in_transaction(end)
        for in_frame in (False, True):
            remove_cookie(resp, COOKIE, in_frame=in_frame)
        # pages that this browser might show again by its "back" button go, too
        resp.set_header("Clear-Site-Data", '"cache", "storage"')
        resp.status = falcon.HTTP_303
        resp.location = _site_of(reader)


def _site_of(reader: Reader) -> str:
    visitor = reader.visitor
    if visitor is not None and visitor.connection == reader.mandant.own_login:
        return reader.link("konto/anmelden")
    connection = reader.mandant.connections.get(visitor.connection) if visitor else None
    return connection.origins[0] + "/" if connection else reader.link("")
