"""A resident's Vorgänge: list, timeline with what can be added, receipt, downloads."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import falcon

from service.access import audit
from service.access.audit import Event
from service.access.formtoken import FormTokenRefused
from service.access.level2 import Demand
from service.access.weiter import Weiter
from service.store import clean, drafts, vorgaenge
from service.store.database import FAULTS, StoreUnavailable
from service.store.records import Anhang, Draft, Vorgang
from service.vorgang.drafting import DraftOf, drop_draft_file, keep_draft
from service.vorgang.messages import add_to_vorgang
from service.vorgang.types import AlreadyFiledDifferently, MeldungRefused, Problem, Submission
from service.web.bereich import send_range
from service.web.client import source_of
from service.web.context import Reader, Room, reader_of
from service.web.dokumente import note_by_name
from service.web.earlier import with_earlier
from service.web.entwuerfe import latest_draft
from service.web.errors import NotFoundHere, NotSignedIn, OtherPerson
from service.web.forms import AdditionSchema
from service.web.headers import FILE_POLICY
from service.web.intake import Submitted
from service.web.level2 import demanded, require
from service.web.melden import form_problem, nothing_to_spend
from service.web.pages import VorgaengePage, Way
from service.web.quittung import quittung_page, with_document
from service.web.render import write_page
from service.web.session import RESIDENT, RESIDENT_OR_DRAFT
from service.web.timeline import Refused, vorgang_page
from service.web.views import line_view

PAGE_SIZE = 20
JUST_FILED = timedelta(minutes=10)


class Vorgaenge:
    """`/{mandant}/vorgaenge`: all of them, newest first, by state."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show one keyset page; `vor` is the id of the last one seen."""
        reader = reader_of(req)
        zustand = req.get_param("zustand", default="")
        offen = {"offen": True, "abgeschlossen": False}.get(zustand)
        before = clean.uuid_of(req.get_param("vor", default=""))
        lines = vorgaenge.page(mandant, reader.signed_in.owners, offen=offen, before=before, limit=PAGE_SIZE + 1)
        shown, more = lines[:PAGE_SIZE], len(lines) > PAGE_SIZE
        zustand = zustand if offen is not None else ""
        older = reader.link("vorgaenge", zustand=zustand, vor=str(shown[-1].id)) if more else ""
        page = VorgaengePage(
            title=reader.words("Meine Vorgänge"),
            filters=_filters(reader, zustand),
            vorgaenge=tuple(line_view(line, reader) for line in shown),
            older=Way(reader.words("Ältere zeigen"), older) if more else None,
            newest=Way(reader.words("Zu den neuesten"), reader.link("vorgaenge", zustand=zustand)) if before else None,
        )
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)


class VorgangSeite:
    """`/{mandant}/vorgaenge/{id}`: timeline; POST adds to it."""

    access = RESIDENT_OR_DRAFT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str, vorgang_id: str) -> None:
        """Show the Vorgang and count its messages as read."""
        reader = reader_of(req)
        vorgang = find_owned(reader, vorgang_id)
        _require(reader, vorgang)
        if vorgang.unread:
            vorgaenge.mark_read(vorgang.id)
        draft = latest_draft(reader, _form_name(vorgang))
        typed = {name: str(value) for name, value in draft.fields.items()} if draft else {}
        self._write(resp, reader, vorgang, Refused(typed, draft=draft))

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str, vorgang_id: str) -> None:
        """Take a message, a withdrawal, "not fixed" or a rating; 303 back to the timeline when it is stored."""
        reader = reader_of(req)
        if reader.visitor is None:
            raise NotSignedIn(saved=self._keep_for_later(req, reader, vorgang_id))
        try:
            vorgang = find_owned(reader, vorgang_id)
        except OtherPerson as other:
            saved = self._keep_for_later(req, reader, vorgang_id)
            raise OtherPerson(saved=saved) from other
        form = self._room.intake.read(req, taken=_taken)
        try:
            self._take(req, resp, reader, vorgang, form)
        except (*FAULTS, StoreUnavailable, OSError):
            raise  # the page that says so refers to the files
        except BaseException:
            known = vorgaenge.known_files([file.id for file in form.received]) if form.received else set()
            self._room.intake.discard(file for file in form.received if file.id not in known)
            raise

    def _take(
        self, req: falcon.Request, resp: falcon.Response, reader: Reader, vorgang: Vorgang, form: Submitted
    ) -> None:
        try:
            key = self._room.tokens.check(
                reader.visitor, reader.mandant_id, form.get("csrf_token"), form.get("idempotency_key")
            )
        except FormTokenRefused as refused:
            if refused.account is None or refused.form_key is None:
                self._room.intake.discard(form.received)
                resp.status = falcon.HTTP_403
                self._show(resp, reader, vorgang, Refused(form.fields, problems=(form_problem(refused),)))
                return
            problem = form_problem(refused)
            form = self._with_earlier(form, reader, refused.account, refused.form_key)
            self._keep(resp, reader, vorgang, form, refused.form_key, (problem,), falcon.HTTP_403)
            return
        form = self._with_earlier(form, reader, reader.signed_in.account, key)
        aktion, _, detail = form.get("aktion").partition(":")
        if aktion == "entfernen":
            self._remove_file(resp, reader, vorgang, form, key, detail)
        elif aktion in {"speichern", "hochladen"}:
            self._keep(resp, reader, vorgang, form, key)
        elif form.refused:
            self._keep(resp, reader, vorgang, form, key, status=falcon.HTTP_422)
        elif demanded(reader, "nachrichten") != Demand.NOTHING:
            self._keep(resp, reader, vorgang, form, key)  # which then asks for it
        else:
            self._add(req, resp, reader, vorgang, form, key)

    def _keep_for_later(self, req: falcon.Request, reader: Reader, vorgang_id: str) -> bool:
        """Keep what was typed, under the account that the form was made for, for when that may be sent again."""
        form, key = self._room.intake.read(req, taken=_taken), clean.uuid_of(vorgang_id)
        try:
            self._room.tokens.check(
                reader.visitor, reader.mandant_id, form.get("csrf_token"), form.get("idempotency_key")
            )
        except FormTokenRefused as refused:
            if key is not None and refused.account is not None and refused.form_key is not None:
                form = self._with_earlier(form, reader, refused.account, refused.form_key)
                draft = DraftOf(reader.mandant_id, refused.account, f"vorgang:{key}", refused.form_key, refused.owner)
                spend = reader.visitor.spend if reader.visitor else nothing_to_spend
                if keep_draft(draft, _typed(form), form.files, now=self._room.clock(), spend=spend):
                    return True
        self._room.intake.discard(form.received)
        return False

    def _add(  # noqa: PLR0913, PLR0917 - request, answer, reader, Vorgang, form and its key
        self,
        req: falcon.Request,
        resp: falcon.Response,
        reader: Reader,
        vorgang: Vorgang,
        form: Submitted,
        key: UUID,
    ) -> None:
        try:
            fresh = add_to_vorgang(
                AdditionSchema().load(dict(form.fields)),
                vorgang=vorgang,
                submission=Submission(key, form.fingerprint, req.context.request_id),
                files=form.files,
                now=self._room.clock(),
                spend=reader.signed_in.spend,
            )
        except MeldungRefused as refused:
            self._keep(resp, reader, vorgang, form, key, refused.problems, falcon.HTTP_422)
            return
        except AlreadyFiledDifferently:
            self._room.intake.discard(form.received)
            resp.status = falcon.HTTP_409
            self._show(resp, reader, vorgang, Refused(form.fields, problems=(Problem("formular", "form_expired"),)))
            return
        if not fresh:
            self._room.intake.discard(form.received)
        resp.status = falcon.HTTP_303
        resp.location = reader.link(f"vorgaenge/{vorgang.id}")

    def _keep(  # noqa: PLR0913, PLR0917 - one place where a form that is not stored comes back
        self,
        resp: falcon.Response,
        reader: Reader,
        vorgang: Vorgang,
        form: Submitted,
        key: UUID,
        problems: Sequence[Problem] = (),
        status: str = falcon.HTTP_200,
    ) -> None:
        draft = _draft_of(reader, vorgang, key)
        kept = keep_draft(draft, _typed(form), form.files, now=self._room.clock(), spend=reader.signed_in.spend)
        if not kept:
            self._room.intake.discard(form.received)
        resp.status = status
        stored = drafts.by_id(reader.mandant_id, reader.signed_in.account, key)
        self._show(resp, reader, vorgang, Refused(form.fields, tuple(problems), form.refused, stored))

    def _remove_file(  # noqa: PLR0913, PLR0917 - request, answer, reader, Vorgang, form and its key
        self, resp: falcon.Response, reader: Reader, vorgang: Vorgang, form: Submitted, key: UUID, detail: str
    ) -> None:
        draft = _draft_of(reader, vorgang, key)
        file_id = clean.uuid_of(detail)
        if file_id is not None and drop_draft_file(draft, file_id, spend=reader.signed_in.spend):
            self._room.intake.storage.discard(file_id)
        self._room.intake.discard(form.received)
        stored = drafts.by_id(reader.mandant_id, reader.signed_in.account, key)
        self._show(resp, reader, vorgang, Refused(form.fields, draft=stored))

    def _with_earlier(self, form: Submitted, reader: Reader, account: str, form_key: UUID) -> Submitted:
        taken = _taken(form.fields) if form.references else (0, 0)
        mandant = reader.mandant_id
        return with_earlier(form, self._room, mandant=mandant, account=account, form_key=form_key, taken=taken)

    def _show(self, resp: falcon.Response, reader: Reader, vorgang: Vorgang, state: Refused) -> None:
        """Write the page of a form that comes back; whatever was to be kept of it is, if it must be confirmed first."""
        _require(reader, vorgang, state.draft)
        self._write(resp, reader, vorgang, state)

    def _write(self, resp: falcon.Response, reader: Reader, vorgang: Vorgang, state: Refused) -> None:
        page = vorgang_page(vorgang, reader, state)
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)


class Quittung:
    """`/{mandant}/vorgaenge/{id}/quittung`: the proof of what was reported and when, as page and as PDF."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str, vorgang_id: str) -> None:
        """Show the receipt; with `Accept: application/pdf`, as PDF."""
        if "application/pdf" in req.accept and not req.client_accepts("text/html"):
            self.on_get_pdf(req, resp, mandant, vorgang_id)
            return
        reader = reader_of(req)
        vorgang = find_owned(reader, vorgang_id)
        require_for_receipt(reader, vorgang, Weiter(f"vorgaenge/{vorgang.id}/quittung"))
        from service.web.quittung_mail import with_mail  # noqa: PLC0415 - it builds on this module

        page = quittung_page(vorgang, filed_with(vorgang), reader, fresh=req.get_param("neu", default="") == "1")
        page = with_mail(page, reader, str(vorgang.id), mailed=req.get_param("geschickt", default="") == "1")
        page = with_document(page, vorgang, reader)
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)

    def on_get_pdf(self, req: falcon.Request, resp: falcon.Response, mandant: str, vorgang_id: str) -> None:
        """Send the receipt as a tagged PDF."""
        from service.web.quittung_pdf import receipt_pdf  # noqa: PLC0415 - loads the typesetter only where it is used

        reader = reader_of(req)
        count_file(reader)
        vorgang = find_owned(reader, vorgang_id)
        receipt = f"vorgaenge/{vorgang.id}/quittung"
        require_for_receipt(reader, vorgang, Weiter(f"{receipt}.pdf", page=receipt))
        page = quittung_page(vorgang, filed_with(vorgang), reader, fresh=False)
        audit.note(Event.DOWNLOAD, source_of(req), subject="quittung", facts={"vorgang": str(vorgang.id)})
        resp.data = receipt_pdf(page, name=reader.mandant.name, lang=reader.lang, words=reader.words)
        resp.content_type = "application/pdf"
        resp.downloadable_as = f"Quittung-{vorgang.meldenummer}.pdf"


class Download:
    """`/{mandant}/vorgaenge/{id}/anhaenge/{anhang}`: a file, for who may see its Vorgang."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        mandant: str,
        vorgang_id: str,
        anhang_id: str,
    ) -> None:
        """Stream the file, or a part of it; never rendered by the browser, whatever it contains."""
        reader = reader_of(req)
        count_file(reader)
        vorgang, anhang = find_file(reader, vorgang_id, anhang_id)
        require_for_file(reader, vorgang, anhang, Weiter(reader.path, page=f"vorgaenge/{vorgang.id}"))
        if anhang.dokument_id:
            note_by_name(req, reader, anhang.dokument_id)
        audit.note(Event.DOWNLOAD, source_of(req), subject=str(anhang.id), facts={"vorgang": str(vorgang.id)})
        file = self._room.intake.storage.open(anhang)
        resp.content_type = anhang.mime
        resp.downloadable_as = anhang.dateiname
        resp.set_header("Content-Security-Policy", FILE_POLICY)
        send_range(req, resp, file, size=anhang.bytes, etag=anhang.sha256)


def count_file(reader: Reader) -> None:
    """Count a file that is fetched; raises TooManyRequests. Setting a PDF costs, and so does a copy of everything."""
    reader.room.rates.hit("file_account", reader.mandant_id, reader.signed_in.account)


def find_owned(reader: Reader, vorgang_id: str) -> Vorgang:
    """Return the reader's Vorgang.

    Raises NotFoundHere alike for unknown and for somebody else's; OtherPerson if it belongs to another of the persons
    that the reader may act for.
    """
    key, visitor = clean.uuid_of(vorgang_id), reader.signed_in
    vorgang = vorgaenge.owned(reader.mandant_id, visitor.owners, key) if key else None
    if vorgang is not None:
        return vorgang
    if key and visitor.other_owners and vorgaenge.owned(reader.mandant_id, visitor.other_owners, key):
        raise OtherPerson
    raise NotFoundHere


def find_file(reader: Reader, vorgang_id: str, anhang_id: str) -> tuple[Vorgang, Anhang]:
    """Return a file that may be had, with the reader's Vorgang that it belongs to; raises as `find_owned`."""
    vorgang = find_owned(reader, vorgang_id)
    key = clean.uuid_of(anhang_id)
    anhang = vorgaenge.anhang(key) if key else None
    if anhang is None or anhang.vorgang_id != vorgang.id or not anhang.ready:
        raise NotFoundHere
    return vorgang, anhang


def require_for_receipt(reader: Reader, vorgang: Vorgang, weiter: Weiter) -> None:
    """Ask for a second factor before what was reported is shown again; raises Level2Needed, FactorNeeded.

    Whoever has reported it just now gets the receipt at once, since nobody should wait for a proof.
    """
    if reader.room.clock() - vorgang.meldezeit >= JUST_FILED:
        require(reader, "nachrichten", weiter)


def require_for_file(reader: Reader, vorgang: Vorgang, anhang: Anhang, weiter: Weiter) -> None:
    """Ask for a second factor before a file is shown or handed out; raises Level2Needed, FactorNeeded."""
    if anhang.dokument_id is not None:
        require(reader, "dokumente", weiter)
    elif anhang.aktivitaet_id is not None:
        require(reader, "nachrichten", weiter)
    else:
        require_for_receipt(reader, vorgang, weiter)


def _require(reader: Reader, vorgang: Vorgang, draft: Draft | None = None) -> None:
    """Ask for a second factor before anything that was written is shown; raises Level2Needed, FactorNeeded."""
    require(reader, "nachrichten", Weiter(f"vorgaenge/{vorgang.id}", draft=str(draft.id) if draft else ""))


def filed_with(vorgang: Vorgang) -> list[Anhang]:
    """Return the files that a Vorgang was filed with."""
    return [anhang for anhang in vorgaenge.anhaenge(vorgang.id) if anhang.aktivitaet_id is None]


def _typed(form: Submitted) -> dict[str, str]:
    return {name: form.get(name) for name in ("nachricht", "bewertung", "aktion") if form.get(name)}


def _draft_of(reader: Reader, vorgang: Vorgang, key: UUID) -> DraftOf:
    visitor = reader.signed_in
    return DraftOf(reader.mandant_id, visitor.account, _form_name(vorgang), key, visitor.owner)


def _form_name(vorgang: Vorgang) -> str:
    return f"vorgang:{vorgang.id}"


def _taken(fields: Mapping[str, str]) -> tuple[int, int]:
    key = clean.uuid_of(fields.get("idempotency_key", ""))
    files = vorgaenge.draft_anhaenge(key) if key else []
    return len(files), sum(file.bytes for file in files)


def _filters(reader: Reader, zustand: str) -> tuple[Way, ...]:
    words = reader.words
    names = {"": words("Alle"), "offen": words("Offen"), "abgeschlossen": words("Abgeschlossen")}
    return tuple(
        Way(label, reader.link("vorgaenge", zustand=name), current=name == zustand) for name, label in names.items()
    )
