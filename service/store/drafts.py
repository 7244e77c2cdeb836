"""What somebody has typed but not sent."""

from datetime import datetime
from uuid import UUID

from service.store.models import AnhangRow, DraftRow
from service.store.query import first, tuples
from service.store.records import Draft


def save(draft: Draft) -> None:
    """Store a draft, or put it in place of its former state."""
    here = (DraftRow.id == draft.id) & (DraftRow.mandant == draft.mandant) & (DraftRow.account == draft.account)
    changes = {"fields": dict(draft.fields), "updated_at": draft.updated_at}
    if not DraftRow.update(**changes).where(here).execute():
        DraftRow.insert(
            id=draft.id, mandant=draft.mandant, account=draft.account, form=draft.form, **changes
        ).on_conflict_ignore().as_rowcount().execute()


def latest(mandant: str, account: str, form: str) -> Draft | None:
    """Return the newest draft of this account for this form."""
    query = (
        DraftRow.select()
        .where((DraftRow.mandant == mandant) & (DraftRow.account == account) & (DraftRow.form == form))
        .order_by(DraftRow.updated_at.desc())
    )
    row = first(query)
    return Draft(**row) if row else None


def by_id(mandant: str, account: str, draft_id: UUID) -> Draft | None:
    """Return this account's draft."""
    here = (DraftRow.id == draft_id) & (DraftRow.mandant == mandant) & (DraftRow.account == account)
    row = first(DraftRow.select().where(here))
    return Draft(**row) if row else None


def drop(draft_id: UUID) -> None:
    """Forget a draft; its files are handed on or deleted by the caller."""
    DraftRow.delete().where(DraftRow.id == draft_id).execute()


def expire(before: datetime) -> list[UUID]:
    """Forget drafts not touched since `before` and return the ids of their files."""
    old = DraftRow.select(DraftRow.id).where(DraftRow.updated_at < before)
    files = [row[0] for row in tuples(AnhangRow.select(AnhangRow.id).where(AnhangRow.draft_id.in_(old)))]
    AnhangRow.delete().where(AnhangRow.id.in_(files)).execute()
    DraftRow.delete().where(DraftRow.updated_at < before).execute()
    return files


def forms(mandant: str, account: str) -> list[str]:
    """Name the report forms for which this account has a draft."""
    here = (DraftRow.mandant == mandant) & (DraftRow.account == account)
    found = {row[0] for row in tuples(DraftRow.select(DraftRow.form).where(here).distinct())}
    return sorted(form for form in found if ":" not in form)
