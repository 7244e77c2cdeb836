"""Keeping what is typed and uploaded before it is sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.files.intake import StoredFile
from service.store import drafts, holds, retention, vorgaenge
from service.store.database import in_transaction
from service.store.records import Draft
from service.vorgang.filing import anhang_rows

DRAFTS_MOST = 10  # of one form and person


@dataclass(frozen=True, slots=True)
class DraftOf:
    """Whose draft of which form; the id is the form's idempotency key, `owner` the key of whom it is for."""

    mandant: str
    account: str
    form: str
    form_key: UUID
    owner: str | None


def keep_draft(
    draft: DraftOf,
    fields: Mapping[str, str],
    files: Sequence[StoredFile],
    *,
    now: datetime,
    spend: Callable[[], None],
) -> bool:
    """Store the fields and add the files; False (and nothing stored) when this form was sent meanwhile.

    Of so many drafts of one form as nobody needs the oldest goes.
    """
    if vorgaenge.by_form_key(draft.form_key) is not None or vorgaenge.aktivitaet(draft.form_key) is not None:
        return False

    def store() -> None:
        spend()
        if drafts.save(Draft(draft.form_key, draft.mandant, draft.account, draft.form, fields, now, draft.owner)):
            _make_room(draft)
        vorgaenge.add_anhaenge(anhang_rows(files, draft.mandant, now, draft_id=draft.form_key))

    in_transaction(store)
    return True


def _make_room(draft: DraftOf) -> None:
    """Remove what is too much beside a new draft, unless it is held; without its row nobody can read a file's bytes."""
    there = drafts.of_forms(draft.mandant, draft.account, [draft.form], [draft.owner] if draft.owner else [])
    old = [one for one in there if one.id != draft.form_key][DRAFTS_MOST - 1 :]
    if not old:
        return
    held = holds.held(draft.mandant)
    if draft.account not in held.accounts and draft.owner not in held.owners:
        retention.remove_drafts([one.id for one in old])


def drop_draft(draft: DraftOf, *, spend: Callable[[], None]) -> list[UUID]:
    """Forget a draft and return the ids of its files, whose bytes the caller deletes."""

    def remove() -> list[UUID]:
        spend()
        if drafts.by_id(draft.mandant, draft.account, draft.form_key) is None:
            return []
        files = [file.id for file in vorgaenge.draft_anhaenge(draft.form_key)]
        for file_id in files:
            vorgaenge.remove_draft_anhang(draft.form_key, file_id)
        drafts.drop(draft.form_key)
        return files

    return in_transaction(remove)


def drop_draft_file(draft: DraftOf, file_id: UUID, *, spend: Callable[[], None]) -> bool:
    """Forget one file of a draft; True if it was there."""

    def remove() -> bool:
        spend()
        if drafts.by_id(draft.mandant, draft.account, draft.form_key) is None:
            return False
        return vorgaenge.remove_draft_anhang(draft.form_key, file_id)

    return in_transaction(remove)
