"""The page of a form that could not be stored: everything typed and uploaded, to be sent again with one button."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import falcon

from service.access.formtoken import FormOrigin, FormTokenRefused
from service.files.refusal import FileRefused, Refusal
from service.vorgang.catalog import Catalog, Entry
from service.web.context import Reader, Room, reader_of
from service.web.earlier import Reference, new_references, references_of
from service.web.fields import ACCEPT
from service.web.forms import ANSWER_PREFIX
from service.web.intake import REFERENCE, BadForm, BodyTooLarge, Submitted
from service.web.notruf import calls_anywhere
from service.web.pages import Field, FileView, UnsavedPage
from service.web.render import write_page
from service.web.text import mark

# The words of a form, in the order in which they are shown. Everything else that was posted goes along unseen.
_WORDS = {
    "nachricht": mark("Ihre Nachricht"),
    "beschreibung": mark("Beschreibung"),
    "betreff": mark("Betreff (freiwillig)"),
    "laerm_wann": mark("Bei Lärm: Wann tritt er auf? (freiwillig)"),
    "laerm_dauer": mark("Bei Lärm: Wie lange dauert er? (freiwillig)"),
    "laerm_haeufigkeit": mark("Bei Lärm: Wie oft kommt er vor? (freiwillig)"),
    "zeitraum": mark("Für welchen Zeitraum? (freiwillig)"),
    "zweck": mark("Wofür brauchen Sie es? (freiwillig)"),
    "vertrag": mark("Vertragsnummer (freiwillig)"),
    "erreichbar": mark("Wann sind Sie erreichbar? (freiwillig)"),
    "telefon": mark("Telefon für Rückfragen (freiwillig)"),
}
_LONG = {"nachricht", "beschreibung"}
_SAVING = {"speichern", "hochladen"}


@dataclass(frozen=True, slots=True)
class _Files:
    """What is to be said of the files: kept and referred to, or to be added again."""

    kept: tuple[Reference, ...]
    refused: tuple[FileRefused, ...]


def unsaved_page(req: falcon.Request, room: Room, *, limited_until: str = "") -> tuple[UnsavedPage, Reader] | None:
    """Return the page of a posted form that could not be stored, and who reads it; None where no form was posted.

    `limited_until` says until when one too many was sent: its own files are not kept, or a flood would fill the disk.
    Neither the database nor the disk is needed. The rest of the body is read here if the fault came before it was.
    """
    if not getattr(req.context, "keeps_input", False):
        return None
    form = _form_of(req, room)
    if form is None:
        return None
    reader = reader_of(req)
    origin = _origin(form, reader)
    if reader.visitor is None and origin is not None:  # only the database knows whose session it is
        reader = reader.seen_by(None, origin.lang)
    files = _files(form, reader, origin, keep=not limited_until)
    return _page(form, files, reader, _text(reader, limited_until), req.context.request_id), reader


def write_unsaved(resp: falcon.Response, page: UnsavedPage, reader: Reader) -> None:
    """Write the page; nobody else may keep it."""
    write_page(resp, reader.room.renderer.html(page, reader.site()), page.title)
    resp.set_header("Cache-Control", "no-store")


def _form_of(req: falcon.Request, room: Room) -> Submitted | None:
    if getattr(req.context, "form", None) is None:
        with suppress(BadForm, BodyTooLarge, OSError):
            room.intake.read(req, taken=lambda _fields: (0, 0))
    form: Submitted | None = getattr(req.context, "form", None)
    return form


def _origin(form: Submitted, reader: Reader) -> FormOrigin | None:
    """Return whom the form was made for; it need not be checked further, as it will be when it is sent again."""
    try:
        return reader.room.tokens.origin(
            reader.visitor, reader.mandant_id, form.get("csrf_token"), form.get("idempotency_key")
        )
    except FormTokenRefused:
        return None


def _files(form: Submitted, reader: Reader, origin: FormOrigin | None, *, keep: bool) -> _Files:
    room = reader.room
    if origin is None:  # nobody could take them up again
        return _Files((), (*form.refused, *_lost(form, room)))
    earlier, gone = references_of(
        form, room, mandant=reader.mandant_id, account=origin.account, form_key=origin.form_key, sure=False
    )
    if not keep:
        return _Files(tuple(earlier), (*form.refused, *gone, *_lost(form, room)))
    new = new_references(form, room, reader.mandant_id, origin)
    return _Files((*earlier, *new), (*form.refused, *gone))


def _lost(form: Submitted, room: Room) -> list[FileRefused]:
    room.intake.discard(form.received)
    return [FileRefused(file.dateiname, Refusal.NOT_KEPT) for file in form.received]


def _text(reader: Reader, limited_until: str) -> str:
    if limited_until:
        return reader.words(
            "Das waren sehr viele Formulare in kurzer Zeit. Ihre Eingaben sind alle noch hier. "
            "Bitte senden Sie sie ab {moment} noch einmal.",
            moment=limited_until,
        )
    return reader.words(
        "Wir konnten gerade nichts speichern. Ihre Eingaben sind alle noch hier. "
        "Bitte senden Sie sie in einer Minute noch einmal."
    )


def _page(form: Submitted, files: _Files, reader: Reader, text: str, reference: str) -> UnsavedPage:
    words, catalog = reader.words, reader.house.catalog
    shown = tuple(_fields(form.fields, catalog, reader))
    visible = {field.name for field in shown}
    references = [(f"{REFERENCE}{number}", kept.token) for number, kept in enumerate(files.kept)]
    saving = form.get("aktion") in _SAVING
    return UnsavedPage(
        title=words("Noch nicht gespeichert"),
        text=text,
        action=reader.link(reader.path),
        submit=words("Noch einmal speichern") if saving else words("Noch einmal senden"),
        hidden=(*((name, value) for name, value in form.fields.items() if name not in visible), *references),
        fields=shown,
        facts=tuple(_facts(form.fields, catalog, reader)),
        files=tuple(FileView("", kept.file.dateiname, words.size(kept.file.bytes)) for kept in files.kept),
        refused=tuple(words.file_problem(one, reader.room.intake.limits) for one in files.refused),
        accept=ACCEPT,
        file_field=reader.file_field,
        calls=calls_anywhere(reader),
        reference=reference,
    )


def _fields(values: Mapping[str, str], catalog: Catalog, reader: Reader) -> Iterator[Field]:
    """Show the words, to be read and, if wanted, changed."""
    for name, label in _WORDS.items():
        if values.get(name):
            yield _field(name, reader.words(label), values[name])
    for name, value in values.items():
        question = catalog.questions.get(name.removeprefix(ANSWER_PREFIX)) if name.startswith(ANSWER_PREFIX) else None
        if question is not None and value and not question.options:
            yield _field(name, question.label.text(reader.lang), value)


def _field(name: str, label: str, value: str) -> Field:
    kind = "textarea" if name in _LONG or "\n" in value else "text"
    return Field(name, kind, label, value)


def _facts(values: Mapping[str, str], catalog: Catalog, reader: Reader) -> Iterator[tuple[str, str]]:
    """Say in words what was chosen; the codes themselves go along unseen."""
    tables: tuple[tuple[str, str, Mapping[str, Entry]], ...] = (
        ("schadensort", reader.words("Ort"), catalog.schadensorte),
        ("schadenskategorie", reader.words("Kategorie"), catalog.schadenskategorien),
        ("schadensart", reader.words("Schaden"), catalog.schadensarten),
        ("beschwerdeart", reader.words("Worüber möchten Sie sich beschweren?"), catalog.beschwerdearten),
        ("kontaktthema", reader.words("Worum geht es?"), catalog.kontaktthemen),
        ("dokumentart", reader.words("Welches Dokument brauchen Sie?"), catalog.dokumentarten),
    )
    for name, label, entries in tables:
        if (entry := entries.get(values.get(name, ""))) is not None:
            yield label, entry.label.text(reader.lang)
    for question in catalog.questions.values():
        chosen = dict(question.options).get(values.get(ANSWER_PREFIX + question.id, ""))
        if chosen is not None:
            yield question.label.text(reader.lang), chosen.text(reader.lang)
    if values.get("bewertung"):
        yield reader.words("Wie zufrieden sind Sie?"), values["bewertung"]
