"""What a resident may see of a Vorgang: what its visible events have said, nothing internal."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from service.standin.vorgaenge import Vorgang, normal_data
from service.standin.words import JsonObject

_REFUSED = "ABGELEHNT"
_OF_TYP = {
    "STATUS": ("status", "aufgabentraeger", "termin"),
    "ZUORDNUNG": ("aufgabentraeger", "termin"),
    "TERMIN": ("aufgabentraeger", "termin"),
    "VORGANG_ABGEWIESEN": ("status",),
}


def mieter_sicht(connection: sqlite3.Connection, vorgang: Vorgang) -> JsonObject:
    """Return the view of a Vorgang for `GET /vorgaenge/{vorgang}`; empty before its first event."""
    rows = connection.execute("SELECT koerper FROM ereignisse WHERE schluessel = ? ORDER BY seq", (vorgang.key,))
    events = sorted((json.loads(row["koerper"]) for row in rows), key=lambda event: int(event["vorgangSeq"]))
    if not events:
        return {}
    return {"mieterSicht": {**_seen(events), "vorgangSeq": events[-1]["vorgangSeq"]}}


def _seen(events: Iterable[Mapping[str, Any]]) -> JsonObject:
    seen: JsonObject = {}
    for event in events:
        names = _OF_TYP.get(event["typ"], ()) if event["sichtbarkeit"] == "MIETER" else ()
        data = _data(event) if names else {}
        seen |= {name: data[name] for name in names if isinstance(data.get(name), dict)}
    return seen


def _data(event: Mapping[str, Any]) -> Mapping[str, Any]:
    if event["typ"] != "VORGANG_ABGEWIESEN":
        return {**event["daten"], **normal_data(event)}
    return {"status": {"code": _REFUSED, "seit": event["zeit"], "textMieter": str(event["daten"].get("grund", ""))}}
