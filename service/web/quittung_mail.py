"""The receipt by mail, only when the resident asks for it, and only to an address that they have confirmed."""

from base64 import b64encode
from dataclasses import replace

import falcon

from service.access import audit
from service.access.audit import Event
from service.access.benachrichtigungen import address_of, confirmed_address, owe_receipt
from service.access.weiter import Weiter
from service.web.client import source_of
from service.web.context import Reader, Room, reader_of
from service.web.errors import NotFoundHere
from service.web.level2 import form_key, read_form
from service.web.pages import QuittungPage
from service.web.quittung import quittung_page
from service.web.render import write_page
from service.web.session import RESIDENT
from service.web.vorgang import count_file, filed_with, find_owned, require_for_receipt


class QuittungMail:
    """`/{mandant}/vorgaenge/{id}/quittung/mail`: has the receipt sent as a PDF."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str, vorgang_id: str) -> None:
        """Owe the mail; 303 back to the receipt. A form that is too old comes back with a fresh one."""
        from service.web.quittung_pdf import receipt_pdf  # noqa: PLC0415 - loads the typesetter only where it is used

        reader = reader_of(req)
        form = read_form(req, self._room)
        vorgang = find_owned(reader, vorgang_id)
        address, lang = confirmed_address(reader.signed_in)
        if not address or self._room.settings.service.mail is None:
            raise NotFoundHere
        back = f"vorgaenge/{vorgang.id}/quittung"
        require_for_receipt(reader, vorgang, Weiter(back))
        page = quittung_page(vorgang, filed_with(vorgang), reader, fresh=False)
        if form_key(reader, form) is None:
            resp.status = falcon.HTTP_403
            page = with_mail(page, reader, str(vorgang.id), mailed=False)
            write_page(resp, self._room.renderer.html(page, reader.site()), page.title)
            return
        count_file(reader)
        pdf = receipt_pdf(page, name=reader.mandant.name, lang=reader.lang, words=reader.words)
        facts = {"vorgang": vorgang.meldenummer, "pdf": b64encode(pdf).decode()}
        owe_receipt(reader.signed_in, address, lang or reader.lang, facts, now=self._room.clock())
        audit.note(Event.DOWNLOAD, source_of(req), subject="quittung", facts={"vorgang": str(vorgang.id)})
        resp.status, resp.location = falcon.HTTP_303, reader.link(back, geschickt="1")


def with_mail(page: QuittungPage, reader: Reader, vorgang_id: str, *, mailed: bool) -> QuittungPage:
    """Add to a receipt's page the button that has it sent, or where to confirm the address that it could be sent to."""
    room = reader.room
    if room.settings.service.mail is None:
        return page
    if not confirmed_address(reader.signed_in)[0]:
        may_confirm = address_of(reader.signed_in)
        return replace(page, confirm_url=reader.link("konto/benachrichtigungen")) if may_confirm else page
    token = room.tokens.issue(reader.signed_in)
    return replace(
        page,
        mail_url=reader.link(f"vorgaenge/{vorgang_id}/quittung/mail"),
        csrf_token=token.csrf_token,
        idempotency_key=token.idempotency_key,
        mailed=mailed,
    )
