"""Buildings, units, persons and contracts, as immotion last told them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import peewee

from service.store import clean
from service.store.models import StammdatenRow
from service.store.query import Query, affected, chunks, tuples
from service.store.records import Vertrag
from service.store.written import Written, place

_PARENT = {"EINHEIT": "gebaeudeNr", "VERTRAG": "personNr", "MITMIETER": "personNr"}
OF_PERSONS = ["VERTRAG", "MITMIETER"]  # records whose `parent` is a person
_NUMBER_MAX = 100


@dataclass(frozen=True, slots=True)
class Aenderung:
    """The whole of one record as it is now; `daten` is None when it is gone."""

    art: str
    nr: str
    daten: Mapping[str, Any] | None


def apply_change(mandant: str, art: str, nr: str, daten: Mapping[str, Any] | None) -> None:
    """Put one record in place of the former one; None removes it."""
    apply_changes(mandant, [Aenderung(art, nr, daten)], full_since=None)


def apply_changes(mandant: str, changes: Sequence[Aenderung], *, full_since: datetime | None) -> None:
    """Put records in place of the former ones, in the order of the feed; a person who is gone takes their contracts.

    `full_since` marks them as met in this full pass. The co-residents of a contract come and go with it.
    """
    records: dict[tuple[str, str], dict[str, Any] | None] = {}
    gone: set[str] = set()
    for change in _with_mitmieter(mandant, changes):
        art, nr = clean.text(change.art, 10), clean.key(change.nr, _NUMBER_MAX)
        if change.daten is None and art == "PERSON":
            gone.add(nr)
            records |= {name: None for name, row in records.items() if row and row["parent"] == nr}
        records[art, nr] = None if change.daten is None else _row(mandant, art, nr, change.daten, full_since)
    _remove(mandant, records, gone)
    rows = [row for row in records.values() if row is not None]
    if rows:
        affected(StammdatenRow.insert_many(rows).as_rowcount())


def _with_mitmieter(mandant: str, changes: Sequence[Aenderung]) -> Iterator[Aenderung]:
    """Add to each contract the rows of its co-residents: those it no longer names, gone, and those it names."""
    numbers = [clean.key(change.nr, _NUMBER_MAX) for change in changes if change.art == "VERTRAG"]
    gone = [change.nr for change in changes if change.art == "PERSON" and change.daten is None]
    persons = [clean.key(nr, _NUMBER_MAX) for nr in gone]
    told = _contracts(mandant, StammdatenRow.nr.in_(numbers)) if numbers else {}
    told |= _contracts(mandant, StammdatenRow.parent.in_(persons)) if persons else {}
    for change in changes:
        for nr in _ended(change, told):
            yield from (Aenderung("MITMIETER", nr_of, None) for nr_of, _ in _mitmieter(nr, told.pop(nr)))
        yield change
        if change.art == "VERTRAG" and change.daten is not None:
            nr = clean.key(change.nr, _NUMBER_MAX)
            told[nr] = change.daten
            yield from (Aenderung("MITMIETER", *one) for one in _mitmieter(nr, change.daten))


def _ended(change: Aenderung, told: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the contracts that what was told of them is no longer true of, stored or told of before in this page."""
    nr = clean.key(change.nr, _NUMBER_MAX)
    if change.art == "PERSON" and change.daten is None:
        return [one for one, daten in told.items() if clean.key(daten.get("personNr") or "", _NUMBER_MAX) == nr]
    return [nr] if change.art == "VERTRAG" and nr in told else []


def _contracts(mandant: str, which: Query) -> dict[str, Mapping[str, Any]]:
    here = (StammdatenRow.mandant == mandant) & (StammdatenRow.art == "VERTRAG") & which
    return dict(tuples(StammdatenRow.select(StammdatenRow.nr, StammdatenRow.daten).where(here)))


def _mitmieter(nr: str, vertrag: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield number and content of each co-resident's row: the contract as theirs, perhaps for a part of its time."""
    named = vertrag.get("mitmieter")
    for one in named if isinstance(named, list) else []:
        if not isinstance(one, Mapping) or not one.get("personNr"):
            continue
        person = str(one["personNr"])
        own = {name: one[name] for name in ("beginn", "ende") if one.get(name)}
        whole = {name: value for name, value in vertrag.items() if name != "mitmieter"}
        yield f"{nr}/{person}", {**whole, "vertragNr": nr, **own, "personNr": person, "eigeneZeit": bool(own)}


def _remove(mandant: str, records: Iterable[tuple[str, str]], gone: set[str]) -> None:
    here = StammdatenRow.mandant == mandant
    by_art: dict[str, list[str]] = {}
    for art, nr in records:
        by_art.setdefault(art, []).append(nr)
    for art, numbers in by_art.items():
        affected(StammdatenRow.delete().where(here & (StammdatenRow.art == art) & StammdatenRow.nr.in_(numbers)))
    if gone:
        contracts = StammdatenRow.art.in_(OF_PERSONS) & StammdatenRow.parent.in_(list(gone))
        affected(StammdatenRow.delete().where(here & contracts))


def _row(mandant: str, art: str, nr: str, daten: Mapping[str, Any], full_since: datetime | None) -> dict[str, Any]:
    return {
        "mandant": mandant,
        "art": art,
        "nr": nr,
        "parent": clean.key(daten.get(_PARENT.get(art, "")) or "", _NUMBER_MAX),
        "einheit_nr": clean.key(daten.get("einheitNr") or "", _NUMBER_MAX),
        "daten": clean.tree(dict(daten)),
        "full_since": full_since,
    }


def remove_unmet(mandant: str, full_since: datetime) -> int | None:
    """Remove what did not occur in this full pass; returns how many, None when nothing occurred and so all stays."""
    here = StammdatenRow.mandant == mandant
    met = StammdatenRow.full_since == full_since
    if not StammdatenRow.select().where(here & met).exists():
        return None if StammdatenRow.select().where(here).exists() else 0
    return affected(StammdatenRow.delete().where(here & (StammdatenRow.full_since.is_null() | ~met)))


def namen(mandant: str, numbers: Sequence[str]) -> dict[str, str]:
    """Return the names of those of these persons that immotion has told of."""
    here = (StammdatenRow.mandant == mandant) & (StammdatenRow.art == "PERSON") & StammdatenRow.nr.in_(list(numbers))
    query = StammdatenRow.select(StammdatenRow.nr, StammdatenRow.daten).where(here)
    return {nr: str(daten.get("name") or "") for nr, daten in tuples(query)}


def missing(mandant: str, art: str, numbers: Sequence[str]) -> set[str]:
    """Return which of these persons, contracts or buildings immotion has not told of."""
    known: set[str] = set()
    for some in chunks(numbers):
        here = (StammdatenRow.mandant == mandant) & (StammdatenRow.art == art) & StammdatenRow.nr.in_(some)
        known |= {row[0] for row in tuples(StammdatenRow.select(StammdatenRow.nr).where(here))}
    return set(numbers) - known


def has_persons(mandant: str) -> bool:
    """Tell whether immotion has told of any person; a file drop carries none."""
    return _has_any(mandant, "PERSON")


def has_gebaeude(mandant: str) -> bool:
    """Tell whether immotion has told of any building; a file drop carries none."""
    return _has_any(mandant, "GEBAEUDE")


def _has_any(mandant: str, art: str) -> bool:
    here = (StammdatenRow.mandant == mandant) & (StammdatenRow.art == art)
    return bool(tuples(StammdatenRow.select(StammdatenRow.nr).where(here).limit(1)))


def gebaeude(mandant: str, *, after: str, limit: int) -> list[tuple[str, str]]:
    """Return the buildings that immotion has told of, by number, with their addresses; a keyset page."""
    here = (StammdatenRow.mandant == mandant) & (StammdatenRow.art == "GEBAEUDE") & (StammdatenRow.nr > after)
    query = StammdatenRow.select(StammdatenRow.nr, StammdatenRow.daten).where(here)
    return [(nr, ", ".join(_lines(daten or {}))) for nr, daten in tuples(query.order_by(StammdatenRow.nr).limit(limit))]


_EINHEIT, _GEBAEUDE = StammdatenRow.alias(), StammdatenRow.alias()
_OF_VERTRAG = (StammdatenRow.parent, StammdatenRow.nr, StammdatenRow.daten, _EINHEIT.daten, _GEBAEUDE.daten)


def _contracts_of(mandant: str, persons: Query) -> Query:
    einheit, gebaeude = _EINHEIT, _GEBAEUDE
    home = (einheit.mandant == mandant) & (einheit.art == "EINHEIT") & (einheit.nr == StammdatenRow.einheit_nr)
    house = (gebaeude.mandant == mandant) & (gebaeude.art == "GEBAEUDE") & (gebaeude.nr == einheit.parent)
    query = StammdatenRow.select(*_OF_VERTRAG).join(einheit, peewee.JOIN.LEFT_OUTER, on=home)
    query = query.join(gebaeude, peewee.JOIN.LEFT_OUTER, on=house)
    here = (StammdatenRow.mandant == mandant) & StammdatenRow.art.in_(OF_PERSONS) & persons
    return query.where(here).order_by(StammdatenRow.nr)


_VERTRAEGE = Written(lambda: _contracts_of(place("mandant"), StammdatenRow.parent == place("person_nr")), _OF_VERTRAG)


def vertraege(mandant: str, person_nr: str) -> list[Vertrag]:
    """Return a person's contracts, also those that are over or have not begun, with unit and building, in one query.

    Those that name them as a co-resident are among them.
    """
    return [_vertrag(*row) for _, *row in _VERTRAEGE.tuples({"mandant": mandant, "person_nr": person_nr})]


def vertraege_of(mandant: str, persons: Sequence[str]) -> dict[str, list[Vertrag]]:
    """Return the contracts of each of these persons, as `vertraege` does, in one query for many of them."""
    found: dict[str, list[Vertrag]] = {}
    for some in chunks(persons):
        for person, *contract in tuples(_contracts_of(mandant, StammdatenRow.parent.in_(some))):
            found.setdefault(person, []).append(_vertrag(*contract))
    return found


def parteien(mandant: str, vertraege: Sequence[str]) -> set[str]:
    """Return the persons who are party to these contracts, co-residents among them."""
    found: set[str] = set()
    for some in chunks(vertraege):
        for nr, daten in _contracts(mandant, StammdatenRow.nr.in_(some)).items():
            found |= {str(daten.get("personNr", "")), *(mate["personNr"] for _, mate in _mitmieter(nr, daten))}
    return found - {""}


def _vertrag(
    nr: str, daten: Mapping[str, Any], einheit: Mapping[str, Any] | None, gebaeude: Mapping[str, Any] | None
) -> Vertrag:
    einheit, gebaeude = einheit or {}, gebaeude or {}
    return Vertrag(
        nr=str(daten.get("vertragNr") or nr) if "eigeneZeit" in daten else nr,
        person_nr=str(daten.get("personNr", "")),
        rolle=str(daten.get("rolle", "MIETER")),
        beginn=str(daten.get("beginn") or ""),
        ende=str(daten["ende"]) if daten.get("ende") else None,
        einheit_nr=str(daten.get("einheitNr", "")),
        lage=str(einheit.get("lage", "")),
        gebaeude_nr=str(einheit.get("gebaeudeNr", "")),
        wirtschaftseinheit_nr=str(gebaeude.get("wirtschaftseinheitNr", "")),
        adresse=", ".join(_lines(gebaeude)),
        eigene_zeit=bool(daten.get("eigeneZeit")),
    )


def _lines(gebaeude: Mapping[str, Any]) -> Iterable[str]:
    town = f"{gebaeude.get('plz', '')} {gebaeude.get('ort', '')}".strip()
    return [line for line in (str(gebaeude.get("strasse", "")), town) if line]
