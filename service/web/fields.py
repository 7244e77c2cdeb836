"""Small helpers for building form fields and saying what is wrong with them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from service.access.formtoken import FormToken
from service.vorgang.types import Problem
from service.web.pages import Field, FieldError, Form, Option
from service.web.text import Words

# what a resident may pick in a file dialogue; what is taken is decided by content
ACCEPT = ".jpg,.jpeg,.png,.webp,.heic,.heif,.pdf,.mp4,.mov,image/*,application/pdf,video/mp4,video/quicktime"
# fields that stand outside the form's own list
_ANCHORS = {"notfall_bestaetigt": "feld-notfall_bestaetigt"}


def options(pairs: Iterable[tuple[str, str]], chosen: str) -> tuple[Option, ...]:
    """Return options from (value, label) pairs, the chosen one marked."""
    return tuple(Option(value, label, selected=value == chosen) for value, label in pairs)


def with_problems(fields: Sequence[Field], problems: Sequence[Problem], words: Words) -> tuple[Field, ...]:
    """Return the fields, those at fault with what is wrong and what to do."""
    said = {problem.field: words.field_problem(problem.code, problem.params) for problem in reversed(problems)}
    return tuple(replace(field, error=said.get(field.name, "")) for field in fields)


def form_errors(
    fields: Sequence[Field], problems: Sequence[Problem], file_error: str, words: Words
) -> tuple[FieldError, ...]:
    """Return the error summary in the order of the fields; problems of no visible field come first."""
    visible = {field.name for field in fields if field.kind != "hidden"}
    general = [
        FieldError(_ANCHORS.get(problem.field, "formular"), words.field_problem(problem.code, problem.params))
        for problem in problems
        if problem.field not in visible
    ]
    named = [
        FieldError(f"feld-{field.name}", _sentence(field.label, field.error))
        for field in fields
        if field.error and field.name in visible
    ]
    files = [FieldError("feld-anhaenge", file_error)] if file_error else []
    return (*general, *named, *files)


def plain_form(action: str, token: FormToken, submit: str, fields: tuple[Field, ...], general: str) -> Form:
    """Return a form that takes no files; `general` is what is wrong with it as a whole."""
    wrong = tuple(FieldError(f"feld-{field.name}", f"{field.label}: {field.error}") for field in fields if field.error)
    return Form(
        action=action,
        csrf_token=token.csrf_token,
        idempotency_key=token.idempotency_key,
        fields=fields,
        errors=((FieldError("eingabe", general),) if general else ()) + wrong,
        files=(),
        file_error="",
        file_hint="",
        accept="",
        submit=submit,
        takes_files=False,
    )


def form_again(words: Words) -> str:
    """Ask for a form once more that was not made for this session or browser, or long ago."""
    return words("Bitte senden Sie das Formular noch einmal ab.")


def _sentence(label: str, error: str) -> str:
    return f"{label} {error}" if label.endswith("?") else f"{label}: {error}"
