"""What a reader has begun to write: each draft can be continued or discarded, and none hides another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import falcon

from service.store import clean, drafts
from service.store.records import Draft
from service.vorgang.assess import THEMA, thema_label
from service.vorgang.drafting import DRAFTS_MOST
from service.vorgang.types import Vorgangstyp
from service.web.context import Reader

_THEMA = {typ.lower(): name for typ, name in THEMA.items()}
SCHADEN = Vorgangstyp.SCHADEN.lower()
FORMS = (SCHADEN, *_THEMA)


@dataclass(frozen=True, slots=True)
class DraftView:
    """A draft in a list, and what its own small form needs to discard it.

    `full` says what becomes of the oldest, where there are as many as are kept.
    """

    label: str
    url: str
    saved: str
    action: str
    csrf_token: str
    idempotency_key: str
    full: str = ""


def latest_draft(reader: Reader, form: str) -> Draft | None:
    """Return what the reader has begun to write in this form, for whom they act now."""
    visitor = reader.signed_in
    return drafts.latest(reader.mandant_id, visitor.account, form, visitor.owners)


def chosen_draft(req: falcon.Request, reader: Reader, form: str) -> Draft | None:
    """Return the draft that the address names, None if it is gone; the newest of the form where it names none."""
    visitor, named = reader.signed_in, req.get_param("entwurf", default="")
    if not named:
        return latest_draft(reader, form)
    key = clean.uuid_of(named)
    found = drafts.by_id(reader.mandant_id, visitor.account, key) if key else None
    mine = found is not None and found.form == form and found.owner in {None, *visitor.owners}
    return found if mine else None


def draft_of_schaden(reader: Reader, chosen: Mapping[str, str]) -> Draft | None:
    """Return the newest draft about this Art, at this place if one is chosen: another place is another damage."""
    return next((one for one in _drafts(reader, (SCHADEN,)) if _is_about(one.fields, chosen)), None)


def draft_views(reader: Reader, forms: Sequence[str] = FORMS) -> tuple[DraftView, ...]:
    """Return all drafts of these forms, the newest first; one query."""
    found = _drafts(reader, forms)
    if forms == (SCHADEN,):  # one that names no Art leads to the page that lists it
        found = [one for one in found if _subject(one, reader)]
    return tuple(_view(one, reader, found) for one in found)


def _drafts(reader: Reader, forms: Sequence[str]) -> list[Draft]:
    visitor = reader.signed_in
    return drafts.of_forms(reader.mandant_id, visitor.account, forms, visitor.owners)


def _is_about(fields: Mapping[str, Any], chosen: Mapping[str, str]) -> bool:
    places = {str(fields.get("schadensort", "")), chosen.get("schadensort", "")} - {""}
    return fields.get("schadensart") == chosen.get("schadensart") and len(places) <= 1


def _view(draft: Draft, reader: Reader, all_of_them: Sequence[Draft]) -> DraftView:
    words, path = reader.words, f"melden/{draft.form}"
    same = [one.id for one in all_of_them if one.form == draft.form]
    oldest = len(same) >= DRAFTS_MOST and draft.id == same[-1]
    token = reader.room.tokens.issue(reader.signed_in, draft.id)
    return DraftView(
        label=words("Entwurf weiterschreiben: {art}", art=_subject(draft, reader) or _name(draft, reader)),
        url=reader.link(path, entwurf=str(draft.id)),
        saved=words.minute(draft.updated_at),
        action=reader.link(path),
        csrf_token=token.csrf_token,
        idempotency_key=token.idempotency_key,
        full=words("Beginnen Sie noch einen, geht dieser verloren.") if oldest else "",
    )


def _subject(draft: Draft, reader: Reader) -> str:
    """Return what a draft is about, "" if nothing is chosen yet."""
    catalog, fields = reader.house.catalog, draft.fields
    if draft.form == SCHADEN:
        art = catalog.schadensarten.get(str(fields.get("schadensart", "")))
        ort = catalog.schadensorte.get(str(fields.get("schadensort", "")))
        return ", ".join(one.label.text(reader.lang) for one in (art, ort) if one) if art else ""
    name = _THEMA[draft.form]
    label = thema_label(catalog, name, str(fields.get(name, "")))
    return label.text(reader.lang) if label else ""


def _name(draft: Draft, reader: Reader) -> str:
    words = reader.words
    return {
        "schaden": words("Schaden melden"),
        "beschwerde": words("Beschwerde"),
        "dokument": words("Dokument anfordern"),
        "kontakt": words("Kontakt"),
    }[draft.form]
