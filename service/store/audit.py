"""The audit log: entries are added, read, and forgotten by their age; nothing here changes one."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from service.store import clean
from service.store.models import AuditRow
from service.store.query import dicts
from service.store.records import AuditEntry, AuditFilter


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


def forget(before: datetime) -> None:
    """Remove what is older."""
    AuditRow.delete().where(AuditRow.at < before).execute()


def _conditions(mandant: str, wanted: AuditFilter) -> list[object]:
    pairs = [(AuditRow.event, wanted.event), (AuditRow.person, wanted.person), (AuditRow.account, wanted.account)]
    asked: list[object] = [column == value for column, value in pairs if value is not None]
    since = [AuditRow.at >= wanted.since] if wanted.since is not None else []
    return [AuditRow.mandant == mandant, *asked, *since]


def _entries(rows: Sequence[dict[str, object]]) -> list[AuditEntry]:
    return [AuditEntry(**row) for row in rows]  # type: ignore[arg-type] # one column for each field
