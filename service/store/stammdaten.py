"""Buildings, units, persons and contracts, as immotion last told them."""

from collections.abc import Iterable, Mapping
from typing import Any

from service.store.models import StammdatenRow
from service.store.query import tuples
from service.store.records import Vertrag

_PARENT = {"EINHEIT": "gebaeudeNr", "VERTRAG": "personNr"}


def apply_change(mandant: str, art: str, nr: str, daten: Mapping[str, Any] | None) -> None:
    """Put one record in place of the former one; None removes it."""
    here = (StammdatenRow.mandant == mandant) & (StammdatenRow.art == art) & (StammdatenRow.nr == nr)
    StammdatenRow.delete().where(here).execute()
    if daten is not None:
        StammdatenRow.insert(
            mandant=mandant,
            art=art,
            nr=nr,
            parent=str(daten.get(_PARENT.get(art, ""), "")),
            einheit_nr=str(daten.get("einheitNr", "")),
            daten=dict(daten),
        ).execute()


def vertraege(mandant: str, person_nr: str) -> list[Vertrag]:
    """Return a person's contracts with unit and building, in one query."""
    einheit, gebaeude = StammdatenRow.alias(), StammdatenRow.alias()
    query = (
        StammdatenRow.select(StammdatenRow.nr, StammdatenRow.daten, einheit.daten, gebaeude.daten)
        .join(
            einheit,
            "LEFT OUTER JOIN",
            on=((einheit.mandant == mandant) & (einheit.art == "EINHEIT") & (einheit.nr == StammdatenRow.einheit_nr)),
        )
        .join(
            gebaeude,
            "LEFT OUTER JOIN",
            on=((gebaeude.mandant == mandant) & (gebaeude.art == "GEBAEUDE") & (gebaeude.nr == einheit.parent)),
        )
        .where(
            (StammdatenRow.mandant == mandant) & (StammdatenRow.art == "VERTRAG") & (StammdatenRow.parent == person_nr)
        )
        .order_by(StammdatenRow.nr)
    )
    return [_vertrag(nr, daten, lage or {}, haus or {}) for nr, daten, lage, haus in tuples(query)]


def _vertrag(nr: str, daten: Mapping[str, Any], einheit: Mapping[str, Any], gebaeude: Mapping[str, Any]) -> Vertrag:
    return Vertrag(
        nr=nr,
        person_nr=str(daten.get("personNr", "")),
        rolle=str(daten.get("rolle", "MIETER")),
        beginn=str(daten.get("beginn", "")),
        ende=daten.get("ende"),
        einheit_nr=str(daten.get("einheitNr", "")),
        lage=str(einheit.get("lage", "")),
        gebaeude_nr=str(einheit.get("gebaeudeNr", "")),
        wirtschaftseinheit_nr=str(gebaeude.get("wirtschaftseinheitNr", "")),
        adresse=", ".join(_lines(gebaeude)),
    )


def _lines(gebaeude: Mapping[str, Any]) -> Iterable[str]:
    town = f"{gebaeude.get('plz', '')} {gebaeude.get('ort', '')}".strip()
    return [line for line in (str(gebaeude.get("strasse", "")), town) if line]
