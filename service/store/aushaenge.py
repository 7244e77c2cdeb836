"""Notices for residents, for which buildings they are, and whom a fault concerns."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee
from peewee import fn

from service.store.aushang_records import Aushang, Gezaehlt, Gezeigt
from service.store.models import AushangRow, AushangZielRow, BetroffenRow
from service.store.query import Query, affected, dicts, tuples

ALLE = ""
_READ_MAX = 100
_FIRST = peewee.Case(AushangRow.schwere, (("DRINGEND", 0), ("WICHTIG", 1)), 2)  # of too many, the most severe


def insert(aushang: Aushang) -> None:
    """Store a new notice; inside a transaction."""
    AushangRow.insert(**_columns(aushang)).execute()
    _aim(aushang)


def change(aushang: Aushang) -> bool:
    """Put a notice in place of its former state, made at `created_at`; False if there is none of this Mandant's.

    Inside a transaction.
    """
    changes = {name: value for name, value in _columns(aushang).items() if name not in {"id", "mandant", "created_at"}}
    changes["changes"] = AushangRow.changes + 1
    if not affected(AushangRow.update(**changes).where(_is(aushang.mandant, aushang.id))):
        return False
    AushangZielRow.delete().where(AushangZielRow.aushang == aushang.id).execute()
    _aim(aushang)
    return True


def end(mandant: str, aushang_id: UUID, *, now: datetime) -> bool:
    """Let a notice be over now; False if it is already, or is none of this Mandant's."""
    running = AushangRow.bis.is_null() | (AushangRow.bis > now)
    over = {"bis": now, "changed_at": now, "changes": AushangRow.changes + 1}
    return affected(AushangRow.update(**over).where(_is(mandant, aushang_id) & running)) == 1


def by_id(mandant: str, aushang_id: UUID) -> Gezaehlt | None:
    """Return a notice of this Mandant."""
    found = _counted(AushangRow.select(AushangRow, _count()).where(_is(mandant, aushang_id)))
    return found[0] if found else None


def page(mandant: str, *, over: bool, before: UUID | None, limit: int, now: datetime) -> list[Gezaehlt]:
    """Return up to `limit` notices that are over, or are not, the newest first; a keyset page."""
    ended = AushangRow.bis.is_null(False) & (AushangRow.bis <= now)
    condition = (AushangRow.mandant == mandant) & (ended if over else ~ended)
    if before is not None:
        condition &= AushangRow.id < before
    query = AushangRow.select(AushangRow, _count()).where(condition)
    return _counted(query.order_by(AushangRow.id.desc()).limit(limit))


def shown(mandant: str, gebaeude: Sequence[str], owners: Sequence[str], now: datetime) -> list[Gezeigt]:
    """Return what is shown now to a resident of these buildings, in one query; `gebaeude` of each are of theirs."""
    said = fn.EXISTS(
        BetroffenRow.select(peewee.SQL("1")).where(
            (BetroffenRow.aushang == AushangRow.id) & BetroffenRow.owner.in_(list(owners))
        )
    )
    query = _shown(mandant, [ALLE, *gebaeude], now).select_extend(said.alias("betroffen"))
    met: dict[UUID, tuple[dict[str, Any], set[str]]] = {}
    for row in dicts(query):
        met.setdefault(row["id"], (row, set()))[1].add(row.pop("gebaeude_nr"))
    return [Gezeigt(betroffen=bool(row.pop("betroffen")), aushang=_aushang(row, of)) for row, of in met.values()]


def shown_as(what: int, mandant: str, gebaeude: Sequence[str], now: datetime) -> Query:
    """Return the query of how many notices are shown now to a resident of these buildings: (what, "", number)."""
    columns = (peewee.SQL(str(what)).alias("what"), peewee.SQL("''").alias("form"), fn.COUNT(AushangRow.id))
    query: Query = AushangRow.select(*columns).join(AushangZielRow, on=(AushangZielRow.aushang == AushangRow.id))
    return query.where(_running(mandant, [ALLE, *gebaeude], now))


def public(mandant: str, now: datetime) -> list[Aushang]:
    """Return what is shown now to everybody, in one query."""
    query = _shown(mandant, [ALLE], now).where(AushangRow.oeffentlich == True)  # noqa: E712 - an expression of SQL
    return [_aushang(row, {row.pop("gebaeude_nr")}) for row in dicts(query)]


def concern(aushang_id: UUID, owner: str, *, now: datetime) -> bool:
    """Note that a fault concerns somebody; False if they had said so before."""
    row = {"aushang": aushang_id, "owner": owner, "said_at": now}
    return affected(BetroffenRow.insert(**row).on_conflict_ignore().as_rowcount()) == 1


def sweep(*, ended_before: datetime) -> None:
    """Remove notices that are long over, with all that is noted about them; inside a transaction."""
    old = [row[0] for row in tuples(AushangRow.select(AushangRow.id).where(AushangRow.bis < ended_before))]
    if old:
        BetroffenRow.delete().where(BetroffenRow.aushang.in_(old)).execute()
        AushangZielRow.delete().where(AushangZielRow.aushang.in_(old)).execute()
        AushangRow.delete().where(AushangRow.id.in_(old)).execute()


def _shown(mandant: str, gebaeude: Sequence[str], now: datetime) -> Query:
    query: Query = AushangRow.select(AushangRow, AushangZielRow.gebaeude_nr).join(
        AushangZielRow, on=(AushangZielRow.aushang == AushangRow.id)
    )
    return query.where(_running(mandant, gebaeude, now)).order_by(_FIRST, AushangRow.id.desc()).limit(_READ_MAX)


def _running(mandant: str, gebaeude: Sequence[str], now: datetime) -> Query:
    aimed = (AushangZielRow.mandant == mandant) & AushangZielRow.gebaeude_nr.in_(list(gebaeude))
    return aimed & (AushangRow.zeigen_ab <= now) & (AushangRow.bis.is_null() | (AushangRow.bis > now))


def _is(mandant: str, aushang_id: UUID) -> Query:
    return (AushangRow.id == aushang_id) & (AushangRow.mandant == mandant)


def _count() -> Query:
    here = BetroffenRow.aushang == AushangRow.id
    return BetroffenRow.select(fn.COUNT(BetroffenRow.owner)).where(here).alias("betroffene")


def _counted(query: Query) -> list[Gezaehlt]:
    rows = dicts(query)
    ziele: dict[UUID, set[str]] = {row["id"]: set() for row in rows}
    if ziele:
        columns = (AushangZielRow.aushang, AushangZielRow.gebaeude_nr)
        for aushang_id, gebaeude in tuples(
            AushangZielRow.select(*columns).where(AushangZielRow.aushang.in_(list(ziele)))
        ):
            ziele[aushang_id].add(gebaeude)
    return [Gezaehlt(betroffene=row.pop("betroffene"), aushang=_aushang(row, ziele[row["id"]])) for row in rows]


def _columns(aushang: Aushang) -> dict[str, Any]:
    columns = asdict(aushang)
    del columns["gebaeude"]
    return columns


def _aim(aushang: Aushang) -> None:
    ziele = [
        {"mandant": aushang.mandant, "aushang": aushang.id, "gebaeude_nr": nr} for nr in aushang.gebaeude or [ALLE]
    ]
    AushangZielRow.insert_many(ziele).execute()


def _aushang(row: dict[str, Any], gebaeude: Iterable[str]) -> Aushang:
    return Aushang(**row, gebaeude=tuple(sorted(nr for nr in gebaeude if nr != ALLE)))
