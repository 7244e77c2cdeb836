"""Forms for people who are not signed in, and the session that comes of them: what the pages of the own login share.

In a browser that keeps our cookies back in a frame, the session goes to our own page, which holds it in memory, as it
does for the login of a CMS (session.md).
"""

from dataclasses import dataclass, replace

import falcon

from cms_adapters.own import OwnConnector
from service.access import audit, notices
from service.access.audit import Event
from service.access.browser import StartedSession, start_session
from service.access.formtoken import FormToken
from service.access.guesttoken import COOKIE as GUEST_COOKIE
from service.access.guesttoken import LIFETIME_S, Guest, GuestTokenRefused, GuestTokens
from service.access.own.device import COOKIE as DEVICE_COOKIE
from service.access.own.device import LIFETIME_S as DEVICE_LIFETIME_S
from service.access.own.device import Device, DeviceTokens
from service.access.own.register import signed_in
from service.access.visitor import Visitor
from service.store import accounts
from service.store.database import in_transaction
from service.store.records import CmsSession, OwnAccount
from service.web.client import device_label, source_of
from service.web.context import Reader, Room, reader_of
from service.web.cookies import remove_cookie, set_cookie
from service.web.errors import ForeignForm, NotFoundHere
from service.web.fields import plain_form
from service.web.intake import Submitted
from service.web.level2 import read_form
from service.web.own_pages import ZugangPage
from service.web.pages import Field, Form, Page, Way
from service.web.render import write_page
from service.web.session import COOKIE, same_origin, shown_sessions

SIGN_IN, REGISTER, FORGOTTEN = "konto/anmelden", "konto/registrieren", "konto/kennwort-vergessen"


@dataclass(frozen=True, slots=True)
class Entry:
    """A posted form of somebody who is not signed in.

    `by_cookie`: the browser has shown its cookie; else the session could only go to our own page's script.
    """

    form: Submitted
    guest: Guest
    by_cookie: bool
    by_script: bool

    @property
    def can_enter(self) -> bool:
        """Tell whether there is a way for a session to reach the browser."""
        return self.by_cookie or self.by_script


class GuestDesk:
    """Shows the forms, reads them, and lets people in."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._tokens = GuestTokens(room.rings.secret_keys)
        self._devices = DeviceTokens(room.rings.secret_keys)

    def newcomer(self, req: falcon.Request) -> Guest:
        """Return the browser that asks for a page with a form; browsers say whether it is for a frame."""
        in_frame = req.get_header("Sec-Fetch-Dest") in {"iframe", "frame"}
        return self._tokens.guest(next(iter(_cookies(req)), None), in_frame=in_frame)

    def read(self, req: falcon.Request) -> Entry | None:
        """Read a posted form; None for one that was made for another browser, or long ago. Raises ForeignForm."""
        if not same_origin(req):
            raise ForeignForm
        reader, cookies = reader_of(req), _cookies(req)
        form = read_form(req, self._room)
        by_script = "application/json" in req.accept
        for cookie in cookies or (None,):
            try:
                guest = self._tokens.check(reader.mandant_id, form.get("csrf_token"), cookie)
            except GuestTokenRefused:
                continue
            return Entry(form, guest, cookie is not None, by_script)
        return None

    def form(self, reader: Reader, guest: Guest, action: str, submit: str, *fields: Field, general: str = "") -> Form:
        """Return a form for this browser; `general` is what is wrong with it as a whole."""
        token = FormToken(self._tokens.issue(reader.mandant_id, guest), idempotency_key="")
        return plain_form(action, token, submit, fields, general)

    def show(self, resp: falcon.Response, reader: Reader, guest: Guest, page: ZugangPage) -> None:
        """Put a page with such a form into an answer, and its cookie beside it."""
        set_cookie(resp, GUEST_COOKIE, guest.value, in_frame=guest.in_frame, max_age=LIFETIME_S)
        shown = replace(page, top=out_of_frame(reader)) if guest.in_frame else page
        write(resp, reader, shown)

    def device(self, req: falcon.Request) -> Device:
        """Return the browser as one that may have signed in before."""
        values = req.get_cookie_values(DEVICE_COOKIE) or []
        return self._devices.read(reader_of(req).mandant_id, next(iter(values), None))

    def remember(self, req: falcon.Request, resp: falcon.Response, account: str, *, in_frame: bool) -> None:
        """Let this browser be known to an account, so that strangers do not hold it up there."""
        device = self.device(req).with_account(account)
        value = self._devices.write(reader_of(req).mandant_id, device)
        set_cookie(resp, DEVICE_COOKIE, value, in_frame=in_frame, max_age=DEVICE_LIFETIME_S)

    def enter(
        self, req: falcon.Request, resp: falcon.Response, entry: Entry, account: OwnAccount, *, onward: str
    ) -> None:
        """Start a session of this account, and lead on: 303, or JSON for our own script."""
        reader = reader_of(req)
        in_frame = entry.guest.in_frame
        # whoever shows no cookie is not known either, or a thief of a password would keep it back to go unnoticed
        unknown = not self.device(req).knows(account.account)
        started = self._start(req, self._visitor(reader, account, req), unknown=unknown)
        if entry.by_cookie:
            set_cookie(resp, COOKIE, started.secret, in_frame=in_frame)
            self.remember(req, resp, account.account, in_frame=in_frame)
            remove_cookie(resp, GUEST_COOKIE, in_frame=in_frame)
        if entry.by_script:
            resp.media = {"next": onward} | ({} if entry.by_cookie else {"session": started.secret})
        else:
            resp.status = falcon.HTTP_303
            resp.location = onward

    def _visitor(self, reader: Reader, account: OwnAccount, req: falcon.Request) -> Visitor:
        nowhere = CmsSession(reader.mandant_id, "", account.connection, "")
        names, _ = accounts.linked(account.account, nowhere)
        name = next(iter(names.values()), "")
        return signed_in(account, own_login(reader), source_of(req), name=name, lang=reader.lang)

    def _start(self, req: falcon.Request, visitor: Visitor, *, unknown: bool) -> StartedSession:
        device = device_label(req.user_agent)

        def start() -> StartedSession:
            now = self._room.clock()
            started = start_session(visitor, replaces=shown_sessions(req), now=now, device=device)
            source = source_of(req, visitor)
            audit.note(Event.SIGN_IN, source)
            if unknown:
                notices.tell(notices.NEW_DEVICE, source)
            return started

        return in_transaction(start)


def own_login(reader: Reader) -> OwnConnector:
    """Return the Mandant's own login; raises NotFoundHere where there is none."""
    connector = reader.room.connectors.get((reader.mandant_id, reader.mandant.own_login or ""))
    if not isinstance(connector, OwnConnector):
        raise NotFoundHere
    return connector


def cookies_wanted(reader: Reader) -> str:
    """Say what to do where a browser has not sent back the cookie of a form, and no script was there to do without."""
    return reader.words(
        "Ihr Browser nimmt hier kein Cookie an, und ohne geht die Anmeldung nicht. "
        "Öffnen Sie das Portal bitte in einem eigenen Fenster, oder erlauben Sie Cookies."
    )


def out_of_frame(reader: Reader) -> Way:
    """Return the way to the same login in a window of its own."""
    url = f"{reader.room.settings.service.public_url}/{reader.mandant_id}/{SIGN_IN}"
    return Way(reader.words("In eigenem Fenster öffnen"), url)


def write(resp: falcon.Response, reader: Reader, page: Page) -> None:
    """Put a page into an answer."""
    write_page(resp, reader.room.renderer.html(page, reader.site()), page.title)


def _cookies(req: falcon.Request) -> list[str]:
    """Return the values of the forms' cookie: one set in a frame may come beside one set at top level."""
    return req.get_cookie_values(GUEST_COOKIE) or []
