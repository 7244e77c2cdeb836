"""`konto/geraete`: where an account is signed in, and signed out of one place or of all."""

import falcon
import structlog

from service.access import devices
from service.store.records import Session
from service.web.client import source_of
from service.web.context import Reader, Room, reader_of
from service.web.guest import write
from service.web.level2 import form_key, read_form, small_form
from service.web.own_account import is_own
from service.web.own_pages import DeviceView, GeraetePage
from service.web.pages import Way
from service.web.session import RESIDENT

log = structlog.get_logger()

PATH = "konto/geraete"
_END, _OTHERS = "abmelden", "ueberall"


class Geraete:
    """`/{mandant}/konto/geraete`."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show them all."""
        reader = reader_of(req)
        self._show(req, resp, reader, done=req.get_param("neu", default="") == "1")

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Sign out; 303 back to the list, which says so to somebody who is signed out here as well."""
        reader = reader_of(req)
        form = read_form(req, self._room)
        if form_key(reader, form) is None:
            resp.status = falcon.HTTP_403
            self._show(req, resp, reader, expired=True)
            return
        aktion, _, handle = form.get("aktion").partition(":")
        if aktion == _OTHERS:
            devices.end_elsewhere(reader.signed_in, source_of(req))
        elif aktion == _END:
            devices.end_session(reader.signed_in, handle, source_of(req))
        log.info("sessions_ended", everywhere=aktion == _OTHERS, request_id=req.context.request_id)
        resp.status = falcon.HTTP_303
        resp.location = reader.link(PATH, neu="1")

    def _show(
        self, req: falcon.Request, resp: falcon.Response, reader: Reader, *, done: bool = False, expired: bool = False
    ) -> None:
        words, here = reader.words, reader.signed_in.session_hash
        found = devices.signed_in_at(reader.signed_in, source_of(req))
        others = [one for one in found if one.secret_hash != here]
        page = GeraetePage(
            title=words("Geräte"),
            text=_text(reader, any_known=bool(found)),
            devices=tuple(_view(reader, session) for session in found),
            form=small_form(reader, PATH, "", words("Überall sonst abmelden"), expired=expired),
            everywhere=_OTHERS if others else "",
            done=words("Abgemeldet.") if done else "",
        )
        write(resp, reader, page)


def devices_way(reader: Reader) -> Way:
    """Return the way here, for pages on which something has changed that a stranger must not share."""
    words = reader.words
    return Way(words("Geräte"), reader.link(PATH), hint=words("Wo Sie angemeldet sind, und abmelden"))


def _text(reader: Reader, *, any_known: bool) -> str:
    words = reader.words
    if not any_known:
        return words("In einem eigenen Fenster ist das Mieterportal nirgends für Sie offen.")
    if is_own(reader):
        return words("Hier sind Sie angemeldet. Kennen Sie eines nicht, melden Sie es ab und ändern Sie Ihr Kennwort.")
    return words(
        "Hier sind Sie angemeldet. Kennen Sie eines nicht, melden Sie es ab und ändern Sie Ihr Kennwort auf der "
        "Internetseite Ihrer Verwaltung."
    )


def _view(reader: Reader, session: Session) -> DeviceView:
    words = reader.words
    here = session.secret_hash == reader.signed_in.session_hash
    return DeviceView(
        name=session.device or words("Unbekannter Browser"),
        since=words("Angemeldet am {moment}", moment=words.minute(session.created_at)),
        seen=words("Dieses Gerät")
        if here
        else words("Zuletzt benutzt am {moment}", moment=words.minute(session.seen_at)),
        current=here,
        end="" if here else f"{_END}:{devices.handle_of(session)}",
    )
