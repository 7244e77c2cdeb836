"""Which documents may be handed out, and to whom: the conditions of every query for a reader's documents.

A reader goes into a query as `Ways`. The same query with places instead (`places`) is written once for all readers who
have as many ways of each kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import peewee
from peewee import fn

from service.store.dokument_records import Leser, Zugang
from service.store.models import DateiRow, DokumentRow, DokumentZielRow, RueckzugRow
from service.store.query import Query
from service.store.written import place

# How many ways by a key alone there are, and of each other one, whether it is one of a contract
Shape = tuple[int, tuple[bool, ...]]


@dataclass(frozen=True, slots=True)
class Ways:
    """A reader in a query, or the places of one: their ways by a key alone, and those within limits."""

    mandant: str
    key: str
    today: str
    whole: Sequence[str]
    limited: Sequence[Zugang]

    @property
    def shape(self) -> Shape:
        """Return what the query's text depends on."""
        return len(self.whole), tuple(bool(one.vertrag_nr) for one in self.limited)

    def values(self) -> dict[str, Any]:
        """Return what goes to the places of this shape."""
        values: dict[str, Any] = {"mandant": self.mandant, "key": self.key, "today": self.today}
        values |= {f"whole{at}": key for at, key in enumerate(self.whole)}
        return values | {
            f"{name}{at}": getattr(one, name) for at, one in enumerate(self.limited) for name in Zugang.__slots__
        }


def ways_of(leser: Leser) -> Ways:
    """Return a reader's ways; within limits only those whose key does not open everything anyway."""
    whole = dict.fromkeys(one.key for one in leser.zugaenge if one == Zugang(one.key))
    limited = [one for one in leser.zugaenge if one.key not in whole]
    return Ways(leser.mandant, leser.key, leser.today, list(whole), limited)


def places(shape: Shape) -> Ways:
    """Return places for a reader with so many ways."""
    whole, limited = shape
    return Ways(
        *(place(name) for name in ("mandant", "key", "today")),
        whole=[place(f"whole{at}") for at in range(whole)],
        limited=[_zugang(at, of_vertrag=of_vertrag) for at, of_vertrag in enumerate(limited)],
    )


def _zugang(at: int, *, of_vertrag: bool) -> Zugang:
    limits = [place(f"{name}{at}") for name in ("key", "beginn", "ende", "rolle")]
    return Zugang(*limits, vertrag_nr=place(f"vertrag_nr{at}") if of_vertrag else "")


def readable_by(ways: Ways) -> Query:
    """Match the documents that are handed out to this reader."""
    mine = DokumentZielRow.select(DokumentZielRow.dokument).where(by_any(ways))
    kept = DokumentRow.loeschen_nach.is_null() | (DokumentRow.loeschen_nach >= ways.today)
    here = DokumentRow.id.in_(mine) & (fn.COALESCE(DokumentRow.mandant, "") == ways.mandant)
    return here & stored() & kept & handed_out()


def handed_out() -> Query:
    """Match the documents that are not withdrawn, nor kept back until their file was scanned, or for good."""
    return shown() & ~fn.EXISTS(held(DokumentRow.file_id))


def shown() -> Query:
    """Match what immotion has not withdrawn."""
    same = (RueckzugRow.mandant == DokumentRow.mandant) & (RueckzugRow.dokument_id == DokumentRow.dokument_id)
    return ~fn.EXISTS(RueckzugRow.select(peewee.SQL("1")).where(same))


def stored() -> Query:
    """Match what is stored, by no index: SQLite would take it for few rows, and read everything of a Mandant."""
    return fn.COALESCE(DokumentRow.stored_at, 0) > 0


def held(file_id: Query) -> Query:
    """Select the file if it is not to be handed out: not scanned yet, or in quarantine."""
    file = DateiRow.alias()
    return file.select(peewee.SQL("1")).where((file.id == file_id) & file.scan.is_null(False) & (file.scan != "clean"))


def by_any(ways: Ways) -> Query:
    """Match what is for one of these keys, and by this key: the keys alone let an engine go by its index."""
    keys = [*ways.whole, *(one.key for one in ways.limited)]
    by_key = [DokumentZielRow.ziel.in_(ways.whole)] if ways.whole else []
    return DokumentZielRow.ziel.in_(keys) & _any_of([*by_key, *(_by(one) for one in ways.limited)])


def _by(zugang: Zugang) -> Query:
    period = (DokumentZielRow.bis >= zugang.beginn) & (DokumentZielRow.von <= zugang.ende)
    rolle = DokumentZielRow.rolle.in_(["", zugang.rolle])
    here = (DokumentZielRow.ziel == zugang.key) & period & rolle
    return here & DokumentZielRow.vertrag_nr.in_(["", zugang.vertrag_nr]) if zugang.vertrag_nr else here


def _any_of(conditions: Sequence[Query]) -> Query:
    """Join conditions as a balanced tree: engines refuse a chain of hundreds, which an owner of a house would make."""
    if not conditions:
        return peewee.Value(1) == 0
    if len(conditions) == 1:
        return conditions[0]
    middle = len(conditions) // 2
    return _any_of(conditions[:middle]) | _any_of(conditions[middle:])
