"""`vorgaenge/{id}/anhaenge/{anhang}/bild`: a picture of a Vorgang in small, so that one knows which is which."""

import falcon

from service.access.weiter import Weiter
from service.files.preview import SIZE_MAX, NoPreview, draw_small
from service.web.context import Room, reader_of
from service.web.errors import NotFoundHere
from service.web.headers import FILE_POLICY
from service.web.session import RESIDENT
from service.web.vorgang import find_file, require_for_file


class AnhangBild:
    """`/{mandant}/vorgaenge/{id}/anhaenge/{anhang}/bild`: a picture, or a PDF's first page, 240 pixels at most."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str, vorgang_id: str, anhang_id: str) -> None:
        """Draw it. A document of the management's has none here: opening it counts, and has its own page."""
        reader = reader_of(req)
        vorgang, anhang = find_file(reader, vorgang_id, anhang_id)
        if anhang.dokument_id is not None or anhang.bytes > SIZE_MAX:
            raise NotFoundHere
        require_for_file(reader, vorgang, anhang, Weiter(f"vorgaenge/{vorgang.id}"))
        reader.room.rates.hit("preview_account", mandant, reader.signed_in.account)
        try:
            with self._room.intake.storage.open(anhang) as content:
                resp.data = draw_small(content, anhang.mime)
        except NoPreview as broken:
            raise NotFoundHere from broken
        resp.content_type = "image/jpeg"
        resp.set_header("Content-Security-Policy", FILE_POLICY)
