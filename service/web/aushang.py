"""`aushang`: all notices that concern the reader, planned works for their calendar, and "betrifft mich auch"."""

from dataclasses import replace

import falcon
import structlog

from service.store import vorgaenge
from service.store.aushang_records import Aushang
from service.store.clean import uuid_of
from service.vorgang.aushang import Art, UnknownAushang
from service.vorgang.betroffen import Betroffener, concern
from service.vorgang.types import Submission
from service.web.aushang_ical import MEDIA_TYPE, calendar_entry
from service.web.aushang_pages import AushangPage, AushangTeil, AushangView
from service.web.aushang_views import PATH, gezeigt, views
from service.web.context import Reader, Room, reader_of
from service.web.errors import NotFoundHere, id_here
from service.web.level2 import form_key, read_form
from service.web.melden import melder_of
from service.web.pages import FieldError, Site, Way
from service.web.render import write_page
from service.web.session import PUBLIC, RESIDENT

log = structlog.get_logger()


class Aushaenge:
    """`/{mandant}/aushang`: a resident's notices; to whoever is not signed in, the Mandant's public ones.

    With `?teil=1` it is the list alone, for a company's page to put where it likes.
    """

    access = PUBLIC

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show them."""
        reader = reader_of(req)
        if req.get_param("teil", default="") == "1":
            write_part(resp, reader)
            return
        show(resp, reader, done=req.get_param("notiert", default="") if reader.visitor is not None else "")


class AushangTermin:
    """`/{mandant}/aushang/{aushang_id}/termin.ics`: planned works for a calendar."""

    access = PUBLIC

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str, aushang_id: str) -> None:
        """Send the entry; raises NotFoundHere for what the reader does not see, or what are no works."""
        reader = reader_of(req)
        found = _seen(reader, aushang_id)
        if found.art != Art.ARBEITEN:
            raise NotFoundHere
        addresses = dict.fromkeys(v.adresse for v in reader.vertraege if v.gebaeude_nr in found.gebaeude)
        resp.data = calendar_entry(found, reader, "; ".join(addresses))
        resp.content_type = MEDIA_TYPE
        resp.downloadable_as = "termin.ics"


class AushangBetroffen:
    """`/{mandant}/aushang/{aushang_id}/betroffen`: a resident says that a fault concerns them, too."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str, aushang_id: str) -> None:
        """Count them once, however often they say it, and file it for them; 303 to the notices."""
        reader = reader_of(req)
        form = read_form(req, self._room)
        key = form_key(reader, form)
        if key is None:
            resp.status = falcon.HTTP_403
            show(resp, reader, expired=True)
            return
        submission = Submission(key, form.fingerprint, req.context.request_id)
        who = Betroffener(melder_of(reader), submission, reader.signed_in.spend)
        try:
            filed = concern(id_here(aushang_id), lambda: gezeigt(reader), who, reader.house, now=self._room.clock())
        except UnknownAushang as unknown:
            raise NotFoundHere from unknown
        vorgang = str(filed.id) if filed else ""
        log.info("aushang_betroffen", aushang=aushang_id, vorgang=vorgang, request_id=req.context.request_id)
        resp.status = falcon.HTTP_303
        resp.location = reader.link(PATH, notiert=vorgang or "1")


def show(resp: falcon.Response, reader: Reader, *, done: str = "", expired: bool = False) -> None:
    """Write the page of all notices; `done` is the Vorgang that was filed by the button, or anything else."""
    words = reader.words
    again = words("Bitte drücken Sie noch einmal auf „Betrifft mich auch“.")
    page = AushangPage(
        title=words("Aushänge"),
        aushaenge=views(gezeigt(reader), reader),
        ways=(*_filed(reader, done), *_ways(reader)),
        done=words("Danke. Wir haben notiert, dass die Störung auch Sie betrifft.") if done else "",
        errors=(FieldError("aushaenge", again),) if expired else (),
    )
    write_page(resp, reader.room.renderer.html(page, reader.site()), page.title)


def _filed(reader: Reader, vorgang_id: str) -> tuple[Way, ...]:
    """Lead to the Vorgang that the button has filed, if it is the reader's."""
    key = uuid_of(vorgang_id)
    if key is None:
        return ()
    vorgang = vorgaenge.owned(reader.mandant_id, reader.signed_in.owners, key)
    if vorgang is None:
        return ()
    label = reader.words("Ihr Vorgang {nummer}", nummer=vorgang.meldenummer)
    return (Way(label, reader.link(f"vorgaenge/{vorgang.id}")),)


def write_part(resp: falcon.Response, reader: Reader) -> None:
    """Write the list alone, as a part of some page of the company's; nothing where there is no notice."""
    shown = views(gezeigt(reader), reader)
    page = AushangTeil(title=reader.words("Aushänge"), aushaenge=_from_elsewhere(shown, reader))
    html = reader.room.renderer.html(page, _site_from_elsewhere(reader)) if shown else ""
    write_page(resp, html, page.title)


def _from_elsewhere(shown: tuple[AushangView, ...], reader: Reader) -> tuple[AushangView, ...]:
    """Let links lead to the portal itself for whoever comes by no page of the CMS that it stands in."""
    if reader.visitor is not None:
        return shown
    base = reader.room.settings.service.public_url
    return tuple(
        replace(one, calendar=replace(one.calendar, url=f"{base}{one.calendar.url}")) if one.calendar else one
        for one in shown
    )


def _site_from_elsewhere(reader: Reader) -> Site:
    css, _ = reader.room.asset_paths[reader.mandant_id]
    return replace(reader.site(), css_url=f"{reader.room.settings.service.public_url}/{reader.mandant_id}/{css}")


def _ways(reader: Reader) -> tuple[Way, ...]:
    if reader.visitor is None:
        return reader.login_ways()
    words = reader.words
    return (
        Way(words("Zur Übersicht"), reader.link("")),
        Way(words("Trotzdem einen Schaden melden"), reader.link("melden/schaden", neu="1")),
    )


def _seen(reader: Reader, aushang_id: str) -> Aushang:
    wanted = id_here(aushang_id)
    found = next((one.aushang for one in gezeigt(reader) if one.aushang.id == wanted), None)
    if found is None:
        raise NotFoundHere
    return found
