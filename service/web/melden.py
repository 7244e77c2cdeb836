"""The four ways to report: one flow of draft, check, file; each kind adds its own fields."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar
from uuid import UUID

import falcon

from service.access.formtoken import FormTokenRefused
from service.files.refusal import FileRefused
from service.store import drafts, vorgaenge
from service.store.database import FAULTS, StoreUnavailable
from service.store.records import Draft
from service.vorgang.assess import assess
from service.vorgang.drafting import DraftOf, drop_draft, drop_draft_file, keep_draft
from service.vorgang.filing import file_vorgang
from service.vorgang.tenancy import offered
from service.vorgang.types import (
    AlreadyFiledDifferently,
    Melder,
    Meldung,
    MeldungRefused,
    Problem,
    Submission,
    Vorgangstyp,
)
from service.web.context import Reader, Room, reader_of
from service.web.earlier import with_earlier
from service.web.entwuerfe import chosen_draft
from service.web.errors import NotSignedIn
from service.web.fields import ACCEPT, form_errors, options, with_problems
from service.web.forms import MeldungSchema
from service.web.intake import Submitted
from service.web.pages import Field, Form, MeldenPage, Page, Way
from service.web.render import write_page
from service.web.session import RESIDENT_OR_DRAFT
from service.web.views import file_view
from service.web.wohnungen import home_words

_NOT_KEPT = {"csrf_token", "idempotency_key", "aktion"}


class Melden(ABC):
    """`/{mandant}/melden/…`: GET shows the form with a draft, the latest unless the address names one.

    POST saves, uploads, discards or files.
    """

    access = RESIDENT_OR_DRAFT
    typ: ClassVar[Vorgangstyp]

    def __init__(self, room: Room) -> None:
        self._room = room

    @property
    def form_name(self) -> str:
        """Return the last part of the form's path, which names its drafts too."""
        return self.typ.lower()

    @abstractmethod
    def fields(self, reader: Reader, values: Mapping[str, str]) -> tuple[Field, ...]:
        """Return the kind's own fields, filled in."""

    @abstractmethod
    def title(self, reader: Reader, values: Mapping[str, str]) -> str:
        """Return the heading."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show the form, with what was typed before."""
        reader = reader_of(req)
        draft = chosen_draft(req, reader, self.form_name)
        self.show(resp, reader, (dict(draft.fields) if draft else {}) | self.chosen(req, reader), draft=draft)

    def chosen(self, req: falcon.Request, reader: Reader) -> dict[str, str]:
        """Return what the query has chosen already: nothing, unless a kind knows how."""
        return {}

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Take a form; an answer to a stored Vorgang is 303 to its receipt."""
        reader = reader_of(req)
        form = self._room.intake.read(req, taken=lambda fields: _taken(fields, reader))
        try:
            self._take(req, resp, reader, form)
        except (*FAULTS, StoreUnavailable, OSError):
            raise  # the page that says so refers to the files
        except BaseException:
            self._discard_unknown(form)
            raise

    def _take(self, req: falcon.Request, resp: falcon.Response, reader: Reader, form: Submitted) -> None:
        try:
            form_key = self._room.tokens.check(
                reader.visitor, reader.mandant_id, form.get("csrf_token"), form.get("idempotency_key")
            )
        except FormTokenRefused as refused:
            self._refused_form(resp, reader, form, refused)
            return
        form = self._with_earlier(form, reader, reader.signed_in.account, form_key)
        draft = DraftOf(reader.mandant_id, reader.signed_in.account, self.form_name, form_key, reader.signed_in.owner)
        aktion, _, detail = (form.get("aktion") or "absenden").partition(":")
        if aktion == "verwerfen":
            self._discard_draft(resp, reader, draft)
        elif aktion == "entfernen":
            self._remove_file(resp, reader, form, draft, detail)
        elif aktion in {"speichern", "hochladen"}:
            self._keep(resp, reader, form, draft)
        elif form.refused:
            self._keep(resp, reader, form, draft, self._problems(reader, form), falcon.HTTP_422)
        else:
            self._file(req, resp, reader, form, draft)

    def _file(
        self, req: falcon.Request, resp: falcon.Response, reader: Reader, form: Submitted, draft: DraftOf
    ) -> None:
        visitor = reader.signed_in
        submission = Submission(draft.form_key, form.fingerprint, req.context.request_id)
        try:
            filed = file_vorgang(
                self.meldung(form.fields),
                melder=melder_of(reader),
                submission=submission,
                files=form.files,
                house=reader.house,
                now=self._room.clock(),
                spend=visitor.spend,
            )
        except MeldungRefused as refused:
            problems = self._problems(reader, form) or refused.problems
            self._keep(resp, reader, form, draft, problems, falcon.HTTP_422)
            return
        except AlreadyFiledDifferently as earlier:
            self._filed_before(resp, reader, form, earlier.vorgang_id)
            return
        if not filed.fresh:
            self._room.intake.discard(form.received)
        resp.status = falcon.HTTP_303
        page = f"vorgaenge/{filed.vorgang_id}"
        resp.location = reader.link(page) if filed.answered else reader.link(f"{page}/quittung", neu="1")

    def _problems(self, reader: Reader, form: Submitted) -> Sequence[Problem]:
        """Return everything that is wrong, so that nobody has to send a form once for every fault."""
        return problems_in(self.meldung(form.fields), reader)

    def meldung(self, values: Mapping[str, str]) -> Meldung:
        """Return what was filled in, parsed."""
        meldung: Meldung = MeldungSchema(self.typ).load(dict(values))
        return meldung

    def _keep(  # noqa: PLR0913, PLR0917 - one place where a form that is not filed comes back
        self,
        resp: falcon.Response,
        reader: Reader,
        form: Submitted,
        draft: DraftOf,
        problems: Sequence[Problem] = (),
        status: str = falcon.HTTP_200,
    ) -> None:
        stored = self._stored(reader, form, draft)
        resp.status = status
        self.show(resp, reader, form.fields, draft=stored, problems=problems, refused=form.refused)

    def _stored(self, reader: Reader, form: Submitted, draft: DraftOf) -> Draft | None:
        """Keep a form; returns its draft, None if it was filed meanwhile."""
        now = self._room.clock()
        if not keep_draft(draft, _kept(form.fields), form.files, now=now, spend=reader.signed_in.spend):
            self._room.intake.discard(form.received)
        return drafts.by_id(draft.mandant, draft.account, draft.form_key)

    def _discard_draft(self, resp: falcon.Response, reader: Reader, draft: DraftOf) -> None:
        for file_id in drop_draft(draft, spend=reader.signed_in.spend):
            self._room.intake.storage.discard(file_id)
        resp.status = falcon.HTTP_303
        resp.location = reader.link("")

    def _remove_file(self, resp: falcon.Response, reader: Reader, form: Submitted, draft: DraftOf, detail: str) -> None:
        try:
            file_id = UUID(detail)
        except ValueError:
            file_id = draft.form_key  # names no file, so none is removed
        if drop_draft_file(draft, file_id, spend=reader.signed_in.spend):
            self._room.intake.storage.discard(file_id)
        self._room.intake.discard(form.received)
        stored = drafts.by_id(draft.mandant, draft.account, draft.form_key)
        self.show(resp, reader, form.fields, draft=stored)

    def _refused_form(self, resp: falcon.Response, reader: Reader, form: Submitted, refused: FormTokenRefused) -> None:
        """Keep what was typed: under the account the form was made for, or at least in the page that comes back."""
        saved = False
        if refused.account is not None and refused.form_key is not None:
            form = self._with_earlier(form, reader, refused.account, refused.form_key)
            draft = DraftOf(reader.mandant_id, refused.account, self.form_name, refused.form_key, refused.owner)
            spend = reader.visitor.spend if reader.visitor else nothing_to_spend
            saved = keep_draft(draft, _kept(form.fields), form.files, now=self._room.clock(), spend=spend)
        if not saved:
            self._room.intake.discard(form.received)
        if reader.visitor is None:
            raise NotSignedIn(saved=saved)
        resp.status = falcon.HTTP_403
        stored = drafts.by_id(reader.mandant_id, reader.visitor.account, refused.form_key) if refused.form_key else None
        self.show(resp, reader, form.fields, draft=stored, problems=(form_problem(refused),))

    def _filed_before(self, resp: falcon.Response, reader: Reader, form: Submitted, vorgang_id: UUID) -> None:
        self._room.intake.discard(form.received)
        mine = vorgaenge.owned(reader.mandant_id, reader.signed_in.owners, vorgang_id)
        resp.status = falcon.HTTP_409
        words = reader.words(
            "Diese Meldung ist schon gespeichert. Möchten Sie etwas ergänzen, schreiben Sie dort eine Nachricht."
        )
        link = Way(words, reader.link(f"vorgaenge/{vorgang_id}")) if mine else None
        self.show(resp, reader, form.fields, draft=None, link_to_filed=link)

    def show(  # noqa: PLR0913 - everything a form page may come back with
        self,
        resp: falcon.Response,
        reader: Reader,
        values: Mapping[str, str],
        *,
        draft: Draft | None,
        problems: Sequence[Problem] = (),
        refused: Sequence[FileRefused] = (),
        link_to_filed: Way | None = None,
    ) -> None:
        """Write the page of this form with everything typed and uploaded, and what is wrong with it."""
        fields = with_problems(
            self.fields(reader, values) + common_fields(reader, values, self.typ), problems, reader.words
        )
        form = self._form(reader, fields, draft, problems, refused)
        page = self.page(reader, values, form, link_to_filed)
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)

    def page(self, reader: Reader, values: Mapping[str, str], form: Form, link_to_filed: Way | None) -> Page:
        """Return the page around the form."""
        return MeldenPage(
            title=self.title(reader, values),
            intro=self.intro(reader),
            form=form,
            link_to_filed=link_to_filed,
        )

    def intro(self, reader: Reader) -> str:
        """Return the sentence under the heading."""
        return reader.words("Sie erhalten sofort eine Quittung. Felder ohne „freiwillig“ brauchen wir.")

    def _form(
        self,
        reader: Reader,
        fields: tuple[Field, ...],
        draft: Draft | None,
        problems: Sequence[Problem],
        refused: Sequence[FileRefused],
    ) -> Form:
        words, limits = reader.words, self._room.intake.limits
        token = self._room.tokens.issue(reader.signed_in, draft.id if draft else None)
        files = vorgaenge.draft_anhaenge(draft.id) if draft else []
        file_error = " ".join(words.file_problem(one, limits) for one in refused)
        hint = words(
            "Bilder (JPEG, PNG, WebP, HEIC), PDF oder kurze Videos (MP4, MOV). Je Datei bis {one}, zusammen bis {all}.",
            one=words.size(limits.file_bytes),
            all=words.size(limits.total_bytes),
        )
        return Form(
            action=reader.link(reader.path),
            csrf_token=token.csrf_token,
            idempotency_key=token.idempotency_key,
            fields=fields,
            errors=form_errors(fields, problems, file_error, words),
            files=tuple(file_view(anhang, reader) for anhang in files),
            file_error=file_error,
            file_hint=hint,
            accept=ACCEPT,
            file_field=reader.file_field,
            submit=words("Absenden"),
            saved_at=words.minute(draft.updated_at) if draft else "",
        )

    def _discard_unknown(self, form: Submitted) -> None:
        """Delete the files of a request that failed, unless their rows were committed before it did."""
        known = vorgaenge.known_files([file.id for file in form.received]) if form.received else set()
        self._room.intake.discard(file for file in form.received if file.id not in known)

    def _with_earlier(self, form: Submitted, reader: Reader, account: str, form_key: UUID) -> Submitted:
        taken = _taken(form.fields, reader) if form.references else (0, 0)
        mandant = reader.mandant_id
        return with_earlier(form, self._room, mandant=mandant, account=account, form_key=form_key, taken=taken)


def problems_in(meldung: Meldung, reader: Reader) -> tuple[Problem, ...]:
    """Return why a report of this reader cannot be filed as it is."""
    try:
        assess(meldung, melder_of(reader), reader.house, now=reader.room.clock())
    except MeldungRefused as refused:
        return refused.problems
    return ()


def form_problem(refused: FormTokenRefused) -> Problem:
    """Say why a form is not taken as it came."""
    if refused.switched:
        return Problem("formular", "form_switched")
    return Problem("formular", "form_expired" if refused.account else "form_foreign")


def melder_of(reader: Reader) -> Melder:
    """Return who reports, with all their contracts."""
    visitor = reader.signed_in
    return Melder(
        owner=visitor.owner,
        person=visitor.person,
        name=visitor.name,
        email=visitor.email,
        sprache=reader.lang,
        rolle="EIGENTUEMER" if visitor.roles == ("eigentuemer",) else "MIETER",
        kanal="PORTAL_IFRAME" if visitor.in_frame else "PORTAL_WEB",
        vertraege=tuple(reader.vertraege),
    )


def common_fields(reader: Reader, values: Mapping[str, str], typ: Vorgangstyp) -> tuple[Field, ...]:
    """Return the fields that every report has: which home, when and how to reach the reporter."""
    words = reader.words
    return (
        *_vertrag_field(reader, values, typ),
        Field(
            "erreichbar",
            "text",
            words("Wann sind Sie erreichbar? (freiwillig)"),
            values.get("erreichbar", ""),
            hint=words("Zum Beispiel: werktags ab 16 Uhr"),
            maxlength=500,
        ),
        Field(
            "telefon",
            "tel",
            words("Telefon für Rückfragen (freiwillig)"),
            values.get("telefon", ""),
            autocomplete="tel",
            maxlength=50,
        ),
    )


def _vertrag_field(reader: Reader, values: Mapping[str, str], typ: Vorgangstyp) -> tuple[Field, ...]:
    vertraege = offered(reader.vertraege, typ, reader.today)
    if len(vertraege) > 1:
        pairs = [(v.nr, v.wohnung or v.nr) for v in vertraege]
        chosen = options(pairs, values.get("vertrag", ""))
        return (Field("vertrag", "radio", home_words(reader, vertraege).which, required=True, options=chosen),)
    if vertraege:
        return ()
    label = reader.words("Vertragsnummer (freiwillig)")
    return (Field("vertrag", "text", label, values.get("vertrag", ""), maxlength=40),)


def _kept(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in _NOT_KEPT}


def _taken(fields: Mapping[str, str], reader: Reader) -> tuple[int, int]:
    """Return number and bytes of the files that the draft named by these fields holds already."""
    try:
        key = UUID(fields.get("idempotency_key", ""))
    except ValueError:
        return 0, 0
    if reader.visitor is None or drafts.by_id(reader.mandant_id, reader.visitor.account, key) is None:
        return 0, 0
    files = vorgaenge.draft_anhaenge(key)
    return len(files), sum(file.bytes for file in files)


def nothing_to_spend() -> None:
    """Spend nothing: a browser whose session is over shows no token."""
