"""The audit log: entries are added, read, and forgotten by their age.

Nothing here changes one but `take_out`, which an erasure needs: what happened stays, and not who it was.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from peewee import fn

from service.store import clean
from service.store.models import AuditRow
from service.store.query import Query, affected, dicts, tuples
from service.store.records import AuditEntry, AuditFilter

if TYPE_CHECKING:
    from service.store.belongings import Whose
    from service.store.holds import Held

_LINKED, _UNLINKED = "linked", "unlinked"


def append(entry: AuditEntry) -> None:
    """Add an entry, in the transaction of what it tells of."""
    values = asdict(entry) | {"person": None if entry.person is None else clean.key(entry.person)}
    del values["id"]
    AuditRow.insert(**values).execute()


def newest(mandant: str, wanted: AuditFilter, *, limit: int) -> list[AuditEntry]:
    """Return the newest entries of a Mandant, the oldest of them first."""
    query = AuditRow.select().where(*_conditions(mandant, wanted)).order_by(AuditRow.id.desc()).limit(limit)
    return _entries(dicts(query))[::-1]


def following(mandant: str, wanted: AuditFilter, *, after: int, limit: int) -> list[AuditEntry]:
    """Return the entries of a Mandant after the one with this id, the oldest first."""
    query = AuditRow.select().where(*_conditions(mandant, wanted), AuditRow.id > after)
    return _entries(dicts(query.order_by(AuditRow.id).limit(limit)))


def count_due(mandant: str, before: datetime, held: "Held") -> int:
    """Return how many entries of a Mandant are older, and not held."""
    return int(AuditRow.select().where(_due(mandant, before, held)).count())


def forget(mandant: str, before: datetime, held: "Held", *, limit: int) -> int:
    """Remove up to `limit` entries that are older, and not held; returns how many."""
    query = AuditRow.select(AuditRow.id).where(_due(mandant, before, held)).order_by(AuditRow.at).limit(limit)
    ids = [row[0] for row in tuples(query)]
    return affected(AuditRow.delete().where(AuditRow.id.in_(ids))) if ids else 0


def _due(mandant: str, before: datetime, held: "Held") -> Query:
    old = (AuditRow.mandant == mandant) & (AuditRow.at < before)
    if held.persons:
        old &= AuditRow.person.is_null() | AuditRow.person.not_in(list(held.persons))
    if held.accounts:
        old &= AuditRow.account.is_null() | AuditRow.account.not_in(list(held.accounts))
    return old


def accounts_of(mandant: str, person: str) -> tuple[set[str], set[str]]:
    """Return the accounts that entries name beside a person, and those of them that have since given the link up."""
    columns = (AuditRow.account, AuditRow.event, fn.MAX(AuditRow.id))
    here = (AuditRow.mandant == mandant) & (AuditRow.person == person) & AuditRow.account.is_null(False)
    latest: dict[str, dict[str, int]] = {}
    query = AuditRow.select(*columns).where(here).group_by(AuditRow.account, AuditRow.event)
    for account, event, last in tuples(query):
        latest.setdefault(account, {})[event] = last
    given_up = {one for one, last in latest.items() if last.get(_UNLINKED, 0) > last.get(_LINKED, 0)}
    return set(latest), given_up


def act_for_others(mandant: str, accounts: Sequence[str], person: str) -> set[str]:
    """Return which of these accounts entries name beside somebody else."""
    here = (AuditRow.mandant == mandant) & AuditRow.account.in_(list(accounts)) & (AuditRow.person != person)
    return {row[0] for row in tuples(AuditRow.select(AuditRow.account).where(here).distinct())}


def about(whose: "Whose") -> Query:
    """Match the entries about somebody: those of their accounts, and those of nobody's account about the person."""
    of_person = AuditRow.account.is_null() & AuditRow.person.in_(list(whose.persons))
    return (AuditRow.mandant == whose.mandant) & (AuditRow.account.in_(list(whose.accounts)) | of_person)


def take_out(mandant: str, person: str, accounts: Sequence[str]) -> int:
    """Take out of the entries about a person, and of these accounts, who it was and from where; returns how many."""
    theirs = AuditRow.account.in_(list(accounts))
    of_person = AuditRow.person == person
    here = AuditRow.mandant == mandant
    nobody: dict[str, Any] = {"account": None, "person": None, "address": ""}
    gone = affected(AuditRow.update(**nobody).where(here & (theirs | (of_person & AuditRow.account.is_null()))))
    return gone + affected(AuditRow.update(person=None).where(here & of_person))


def _conditions(mandant: str, wanted: AuditFilter) -> list[object]:
    pairs = [(AuditRow.event, wanted.event), (AuditRow.person, wanted.person), (AuditRow.account, wanted.account)]
    asked: list[object] = [column == value for column, value in pairs if value is not None]
    since = [AuditRow.at >= wanted.since] if wanted.since is not None else []
    return [AuditRow.mandant == mandant, *asked, *since]


def _entries(rows: Sequence[dict[str, object]]) -> list[AuditEntry]:
    return [AuditEntry(**row) for row in rows]  # type: ignore[arg-type] # one column for each field
