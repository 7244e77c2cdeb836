"""What somebody has typed but not sent."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import peewee

from service.store.models import DraftRow
from service.store.query import Query, dicts, first
from service.store.records import Draft


def save(draft: Draft) -> bool:
    """Store a draft, or put it in place of its former state; True if it is a new one."""
    here = (DraftRow.id == draft.id) & (DraftRow.mandant == draft.mandant) & (DraftRow.account == draft.account)
    changes = {"fields": dict(draft.fields), "updated_at": draft.updated_at, "owner": draft.owner}
    if DraftRow.update(**changes).where(here).execute():
        return False
    DraftRow.insert(
        id=draft.id, mandant=draft.mandant, account=draft.account, form=draft.form, **changes
    ).on_conflict_ignore().as_rowcount().execute()
    return True


def latest(mandant: str, account: str, form: str, owners: Sequence[str]) -> Draft | None:
    """Return the newest draft of this account for this form, for one of these owners."""
    here = _of(mandant, account, owners) & (DraftRow.form == form)
    row = first(DraftRow.select().where(here).order_by(DraftRow.updated_at.desc()))
    return Draft(**row) if row else None


def of_forms(mandant: str, account: str, forms: Sequence[str], owners: Sequence[str]) -> list[Draft]:
    """Return all drafts of this account for these forms, for one of these owners, the newest first."""
    here = _of(mandant, account, owners) & DraftRow.form.in_(list(forms))
    return [Draft(**row) for row in dicts(DraftRow.select().where(here).order_by(DraftRow.updated_at.desc()))]


def by_id(mandant: str, account: str, draft_id: UUID) -> Draft | None:
    """Return this account's draft."""
    here = (DraftRow.id == draft_id) & (DraftRow.mandant == mandant) & (DraftRow.account == account)
    row = first(DraftRow.select().where(here))
    return Draft(**row) if row else None


def drop(draft_id: UUID) -> None:
    """Forget a draft; its files are handed on or deleted by the caller."""
    DraftRow.delete().where(DraftRow.id == draft_id).execute()


def forms_as(what: int, mandant: str, account: str, owners: Sequence[str]) -> Query:
    """Return the query of the forms for which this account has a draft, for one of these owners: (what, form, 1)."""
    columns = (peewee.SQL(str(what)).alias("what"), DraftRow.form, peewee.SQL("1").alias("number"))
    return DraftRow.select(*columns).where(_of(mandant, account, owners))


def _of(mandant: str, account: str, owners: Sequence[str]) -> Any:  # noqa: ANN401 - peewee's conditions have no types
    theirs = DraftRow.owner.is_null() | DraftRow.owner.in_(list(owners))
    return (DraftRow.mandant == mandant) & (DraftRow.account == account) & theirs
