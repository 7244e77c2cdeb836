"""What the first page looks for in several rooms, in one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service.store import aushaenge, dokumente, drafts
from service.store.dokument_records import Leser
from service.store.query import tuples

_DRAFT, _UNREAD, _NOTICE = range(3)


@dataclass(frozen=True, slots=True)
class Glance:
    """The forms that have a draft, how many documents are unread, and whether any notice is shown."""

    drafts: tuple[str, ...]
    unread: int
    notices: bool


def glance(account: str, owners: Sequence[str], leser: Leser, gebaeude: Sequence[str], now: datetime) -> Glance:
    """Return what there is for a reader with these homes, in one query."""
    query = (
        drafts.forms_as(_DRAFT, leser.mandant, account, owners)
        .union_all(dokumente.unread_as(_UNREAD, leser))
        .union_all(aushaenge.shown_as(_NOTICE, leser.mandant, gebaeude, now))
    )
    rows = tuples(query)
    count = {what: number for what, _, number in rows}
    forms = {form for what, form, _ in rows if what == _DRAFT and ":" not in form}
    return Glance(tuple(sorted(forms)), count[_UNREAD], notices=count[_NOTICE] > 0)
