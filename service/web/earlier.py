"""Files of an attempt that could not be stored: referred to by its 503 page, taken up by the form sent again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from service.access.filetoken import FileTokenRefused
from service.access.formtoken import FormOrigin
from service.files.intake import StoredFile
from service.files.refusal import FileRefused, Refusal
from service.web.context import Room
from service.web.intake import Submitted


@dataclass(frozen=True, slots=True)
class Reference:
    """A kept file and the reference that a form needs to bring it along."""

    file: StoredFile
    token: str


def with_earlier(  # noqa: PLR0913 - whose form it is
    form: Submitted, room: Room, *, mandant: str, account: str, form_key: UUID, taken: tuple[int, int]
) -> Submitted:
    """Return the form with the files of its earlier attempts; `taken` are number and bytes that the draft holds.

    A file that is not there any more is refused, and so are files of this body that no longer fit beside the earlier.
    """
    if not form.references:
        return form
    kept, gone = references_of(form, room, mandant=mandant, account=account, form_key=form_key, sure=True)
    earlier = [reference.file for reference in kept]
    received, too_many = _fitting(form.received, room, taken, earlier)
    room.intake.discard(file for file in form.received if file not in received)
    return replace(form, earlier=tuple(earlier), received=received, refused=(*form.refused, *gone, *too_many))


def references_of(  # noqa: PLR0913 - whose form it is
    form: Submitted, room: Room, *, mandant: str, account: str, form_key: UUID, sure: bool
) -> tuple[list[Reference], list[FileRefused]]:
    """Return the references of a form whose files are still kept, and what is to be said of the others.

    When the storage is away, `sure` raises OSError; else the files count as kept until the form is sent again.
    """
    kept, gone = [], []
    for token in dict.fromkeys(form.references):
        try:
            file = room.file_tokens.read(token, mandant=mandant, account=account, form_key=form_key, now=room.clock())
        except FileTokenRefused as refused:
            gone.append(FileRefused(refused.dateiname, Refusal.NOT_KEPT))
            continue
        if _kept(file, room, sure=sure):
            kept.append(Reference(file, token))
        else:
            gone.append(FileRefused(file.dateiname, Refusal.NOT_KEPT))
    return kept, gone


def _kept(file: StoredFile, room: Room, *, sure: bool) -> bool:
    try:
        return room.intake.storage.has(file)
    except OSError:
        if sure:
            raise
        return True


def new_references(form: Submitted, room: Room, mandant: str, origin: FormOrigin) -> list[Reference]:
    """Return references to the files of this body."""
    return [Reference(file, room.file_tokens.issue(mandant, origin, file)) for file in form.received]


def _fitting(
    received: Sequence[StoredFile], room: Room, taken: tuple[int, int], earlier: Sequence[StoredFile]
) -> tuple[tuple[StoredFile, ...], list[FileRefused]]:
    limits = room.intake.limits
    count, size = taken[0] + len(earlier), taken[1] + sum(file.bytes for file in earlier)
    fitting: list[StoredFile] = []
    refused: list[FileRefused] = []
    for file in received:
        if count >= limits.files:
            refused.append(FileRefused(file.dateiname, Refusal.TOO_MANY))
        elif size + file.bytes > limits.total_bytes:
            refused.append(FileRefused(file.dateiname, Refusal.TOTAL_TOO_LARGE))
        else:
            fitting.append(file)
            count, size = count + 1, size + file.bytes
    return tuple(fitting), refused
