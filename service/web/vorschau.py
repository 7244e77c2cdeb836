"""`vorgaenge/{id}/anhaenge/{anhang}/bild`: a picture of a Vorgang in small, so that one knows which is which."""

import falcon

from service.access.weiter import Weiter
from service.files.preview import SIZE_MAX, draw_small
from service.web.context import reader_of
from service.web.drawn import write_drawn
from service.web.errors import NotFoundHere
from service.web.session import RESIDENT
from service.web.vorgang import find_file, require_for_file


class AnhangBild:
    """`/{mandant}/vorgaenge/{id}/anhaenge/{anhang}/bild`: a picture, or a PDF's first page, 240 pixels at most."""

    access = RESIDENT

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str, vorgang_id: str, anhang_id: str) -> None:
        """Draw it. A document of the management's has none here: opening it counts, and has its own page."""
        reader = reader_of(req)
        vorgang, anhang = find_file(reader, vorgang_id, anhang_id)
        if anhang.dokument_id is not None or anhang.bytes > SIZE_MAX:
            raise NotFoundHere
        require_for_file(reader, vorgang, anhang, Weiter(f"vorgaenge/{vorgang.id}"))
        write_drawn(reader, resp, anhang, lambda content: draw_small(content, anhang.mime), "image/jpeg")
