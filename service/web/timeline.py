"""The page of one Vorgang: what was reported, what has happened since, what can be added now."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from service.files.refusal import FileRefused
from service.store import documents, vorgaenge
from service.store.records import Aktivitaet, Anhang, Draft, Vorgang
from service.vorgang.anforderung import documents_of
from service.vorgang.messages import TEXT_MAX, Art, allowed, withdrawn_at
from service.vorgang.quarantine import FREIGEGEBEN
from service.vorgang.types import Problem
from service.web.context import Reader
from service.web.fields import ACCEPT, form_errors, options, with_problems
from service.web.neues import next_look
from service.web.pages import Action, Entry, Field, FileView, Form, VorgangPage
from service.web.quittung import facts_of, who_of
from service.web.views import as_it_stands, betreff_of, file_view, status_label, status_text, termin_text, vorgang_view

_SIDES = {"MIETER": "mine", "VERWALTUNG": "theirs"}
_MESSAGES = {"NACHRICHT", "DOKUMENT"}


@dataclass(frozen=True, slots=True)
class Refused:
    """What was typed into one of the page's forms and not stored as an activity, and why."""

    values: Mapping[str, str]
    problems: Sequence[Problem] = ()
    files: Sequence[FileRefused] = ()
    draft: Draft | None = None


@dataclass(frozen=True, slots=True)
class _Files:
    """What may be shown of a Vorgang's files; `withdrawn_from` are the entries that have lost one."""

    anhaenge: Sequence[Anhang]
    withdrawn_from: AbstractSet[UUID]


def vorgang_page(vorgang: Vorgang, reader: Reader, state: Refused) -> VorgangPage:
    """Return the page with its timeline; four queries, however long it is."""
    entries = vorgaenge.timeline(vorgang.id)
    known = _Files(vorgaenge.anhaenge(vorgang.id), documents.withdrawn_from(vorgang.id))
    said = [entry for entry, _ in entries]
    may = allowed(vorgang, said, now=reader.room.clock())
    shown = as_it_stands(vorgang, withdrawn_at(said))
    own = tuple(file_view(anhang, reader) for anhang in known.anhaenge if anhang.aktivitaet_id is None)
    return VorgangPage(
        title=betreff_of(vorgang, reader),
        vorgang=vorgang_view(shown, reader),
        status_text=status_text(shown, reader),
        facts=_current_facts(vorgang, reader) + who_of(vorgang, reader) + facts_of(vorgang, reader),
        beschreibung=vorgang.beschreibung,
        files=own,
        entries=tuple(_entry(entry, pending, known, reader) for entry, pending in entries),
        message=_message(reader, state) if Art.ANTWORT in may else None,
        actions=tuple(_actions(reader, vorgang.typ, may, state)),
        receipt_url=reader.link(f"vorgaenge/{vorgang.id}/quittung"),
        receipt_pdf_url=reader.link(f"vorgaenge/{vorgang.id}/quittung.pdf"),
        news=next_look(vorgang, may, reader),
    )


def _current_facts(vorgang: Vorgang, reader: Reader) -> tuple[tuple[str, str], ...]:
    words = reader.words
    known = (
        (words("Ihr Zeichen"), vorgang.vorgangsnummer or ""),
        (words("Zuständig"), vorgang.sachbearbeiter),
        (words("Termin"), termin_text(vorgang, reader)),
    )
    return tuple((label, value) for label, value in known if value)


def _entry(entry: Aktivitaet, pending: bool, known: _Files, reader: Reader) -> Entry:  # noqa: FBT001 - a plain fact
    words = reader.words
    side = _SIDES.get(entry.author, "event") if entry.art in _MESSAGES or entry.author == "MIETER" else "event"
    return Entry(
        side=side,
        who=words("Sie") if entry.author == "MIETER" else entry.author_name or words("Die Verwaltung"),
        time=words.minute(entry.zeit),
        time_iso=entry.zeit.isoformat(),
        heading=_heading(entry, reader),
        text=_text(entry, reader, withdrawn=entry.id in known.withdrawn_from),
        files=(
            *(file_view(anhang, reader) for anhang in known.anhaenge if anhang.aktivitaet_id == entry.id),
            *(_document_view(told, reader) for told in documents_of(entry.daten)),
        ),
        pending=pending,
        original=entry.art == "DOKUMENT" and entry.id not in known.withdrawn_from,
    )


def _document_view(told: Mapping[str, Any], reader: Reader) -> FileView:
    url = reader.link(f"dokumente/{told['id']}")
    return FileView(id=str(told["id"]), name=str(told["dateiname"]), size=reader.words.size(told["bytes"]), url=url)


def _heading(entry: Aktivitaet, reader: Reader) -> str:
    words = reader.words
    if entry.art == "STATUS":
        return words("Neuer Stand: {status}", status=status_label(str(entry.daten.get("status", "")), reader))
    headings = {
        "NACHRICHT": words("Nachricht"),
        "ANTWORT": words("Nachricht"),
        "ANHANG": words("Dateien"),
        "DOKUMENT": words("Dokument"),
        "TERMIN": words("Termin"),
        "ZUORDNUNG": words("Zuständig"),
        "RUECKZUG": words("Zurückgezogen"),
        "WIEDEROEFFNUNG": words("Wieder geöffnet"),
        "BEWERTUNG": words("Bewertung"),
    }
    return headings.get(entry.art, words("Ereignis"))


def _text(entry: Aktivitaet, reader: Reader, *, withdrawn: bool) -> str:
    """Return what an entry says; the title of a document goes with it when it is withdrawn."""
    if withdrawn:
        said = reader.words("Die Verwaltung hat ein Dokument zurückgezogen.")
        return said if entry.art == "DOKUMENT" else f"{entry.text}\n\n{said}".strip()
    if released := entry.daten.get(FREIGEGEBEN):
        return reader.words(
            "Die Datei „{name}“ ist nach der Virenprüfung freigegeben und geht an die Verwaltung.", name=released
        )
    if entry.art == "BEWERTUNG":
        stars = reader.words("{n} von 5", n=entry.daten.get("bewertung", 0))
        return f"{stars}. {entry.text}" if entry.text else stars
    return entry.text


def _message(reader: Reader, state: Refused) -> Action:
    words = reader.words
    typed = state.values.get("aktion", "nachricht")
    mine = typed in {"nachricht", "speichern", "hochladen", ""} or typed.startswith("entfernen")
    form = _form(reader, _text_field(words("Ihre Nachricht"), state, mine=mine), state, mine=mine)
    return Action("nachricht", words("Nachricht schreiben"), "", words("Nachricht senden"), form, open=True)


def _actions(reader: Reader, typ: str, may: frozenset[Art], state: Refused) -> list[Action]:
    words = reader.words
    said = {
        Art.WIEDEROEFFNUNG: (
            "wiedereroeffnung",
            words("Der Schaden ist nicht behoben") if typ == "SCHADEN" else words("Es ist noch nicht erledigt"),
            words("Sagen Sie uns, was noch nicht in Ordnung ist. Der Vorgang wird dann wieder aufgenommen."),
            words("Wieder öffnen"),
        ),
        Art.BEWERTUNG: (
            "bewertung",
            words("Bearbeitung bewerten"),
            words("Ihre Bewertung hilft uns, besser zu werden."),
            words("Bewertung senden"),
        ),
        Art.RUECKZUG: (
            "rueckzug",
            words("Anliegen zurückziehen"),
            words("Hat sich Ihr Anliegen erledigt, ziehen Sie es hier zurück. Die Verwaltung wird benachrichtigt."),
            words("Jetzt zurückziehen"),
        ),
    }
    return [_action(reader, art, texts, state) for art, texts in said.items() if art in may]


def _action(reader: Reader, art: Art, texts: tuple[str, str, str, str], state: Refused) -> Action:
    name, label, explanation, submit = texts
    mine = state.values.get("aktion") == name
    words = reader.words
    note = words("Was ist noch nicht in Ordnung?") if art is Art.WIEDEROEFFNUNG else words("Anmerkung (freiwillig)")
    fields = _text_field(note, state, mine=mine)
    if art is Art.BEWERTUNG:
        fields = (_rating_field(reader, state), *fields)
    form = _form(reader, fields, state, mine=mine, takes_files=False)
    return Action(name, label, explanation, submit, form, open=mine)


def _text_field(label: str, state: Refused, *, mine: bool) -> tuple[Field, ...]:
    value = state.values.get("nachricht", "") if mine else ""
    return (Field("nachricht", "textarea", label, value, maxlength=TEXT_MAX, rows=4),)


def _rating_field(reader: Reader, state: Refused) -> Field:
    words = reader.words
    scale = [("5", words("5 – sehr gut")), ("4", "4"), ("3", "3"), ("2", "2"), ("1", words("1 – sehr schlecht"))]
    chosen = options(scale, state.values.get("bewertung", ""))
    return Field("bewertung", "radio", words("Wie zufrieden sind Sie?"), required=True, options=chosen)


def _form(reader: Reader, fields: tuple[Field, ...], state: Refused, *, mine: bool, takes_files: bool = True) -> Form:
    words, limits = reader.words, reader.room.intake.limits
    problems = state.problems if mine else ()
    shown = with_problems(fields, problems, words)
    draft = state.draft if takes_files else None
    token = reader.room.tokens.issue(reader.signed_in, draft.id if draft else None)
    file_error = " ".join(words.file_problem(one, limits) for one in state.files) if takes_files else ""
    files = vorgaenge.draft_anhaenge(draft.id) if draft else []
    return Form(
        action=reader.link(reader.path),
        csrf_token=token.csrf_token,
        idempotency_key=token.idempotency_key,
        fields=shown,
        errors=form_errors(shown, problems, file_error, words),
        files=tuple(file_view(anhang, reader) for anhang in files),
        file_error=file_error,
        file_hint=words("Bilder, PDF oder kurze Videos, je Datei bis {one}.", one=words.size(limits.file_bytes)),
        accept=ACCEPT,
        file_field=reader.file_field,
        submit=words("Senden"),
        saved_at=words.minute(draft.updated_at) if draft else "",
        takes_files=takes_files,
    )
