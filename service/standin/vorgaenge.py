"""Vorgänge in the ledger: found by either id, numbered, and kept at the state that the events gave them."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.standin.words import JsonObject, canonical

_STATE_OF_TYP = {
    "STATUS": ("status",),
    "TERMIN": ("termin",),
    "ZUORDNUNG": ("aufgabentraeger", "vorgangsart", "prioritaet", "ausfuehrungsfrist"),
}
_OBJECTS = frozenset({"status", "termin", "aufgabentraeger"})


@dataclass(frozen=True, slots=True)
class Vorgang:
    """One row of the ledger; `koerper` is the body as it came, `stand` what immotion made of it."""

    id: int
    externe_id: str | None
    vorgang_id: str
    mandant: str
    vorgangsnummer: str | None
    koerper: JsonObject
    stand: JsonObject
    stand_seq: dict[str, int]
    version: int
    angekommen: str

    @property
    def key(self) -> str:
        """The id under which its events are numbered."""
        return self.externe_id or self.vorgang_id

    @property
    def in_batch(self) -> bool:
        """Whether it still waits for the batch import that will give it a number."""
        return self.vorgangsnummer is None

    def wire(self) -> JsonObject:
        """Return the Vorgang as `GET /vorgaenge/{vorgang}` shows it."""
        number = {"vorgangsnummer": self.vorgangsnummer} if self.vorgangsnummer else {}
        return {**self.koerper, "vorgangId": self.vorgang_id, **number, "version": self.version, **self.stand}


@dataclass(frozen=True, slots=True)
class NewVorgang:
    externe_id: str | None
    vorgang_id: str
    koerper: JsonObject
    batch_due: float | None = None


def from_row(row: sqlite3.Row) -> Vorgang:
    """Return the record of a row of `vorgaenge`."""
    return Vorgang(
        id=row["id"],
        externe_id=row["externe_id"],
        vorgang_id=row["vorgang_id"],
        mandant=row["mandant"],
        vorgangsnummer=row["vorgangsnummer"],
        koerper=json.loads(row["koerper"]),
        stand=json.loads(row["stand"]),
        stand_seq=json.loads(row["stand_seq"]),
        version=row["version"],
        angekommen=row["angekommen"],
    )


def find(connection: sqlite3.Connection, key: str) -> Vorgang | None:
    """Return the Vorgang with this externeId or vorgangId."""
    row = connection.execute(
        "SELECT * FROM vorgaenge WHERE externe_id = :key OR vorgang_id = :key", {"key": key.lower()}
    ).fetchone()
    return from_row(row) if row else None


def is_deleted(connection: sqlite3.Connection, vorgang: Vorgang) -> bool:
    """Tell whether an event has said that this Vorgang is deleted; the ledger keeps it all the same."""
    query = "SELECT 1 FROM ereignisse WHERE schluessel = ? AND typ = 'GELOESCHT'"
    return connection.execute(query, (vorgang.key,)).fetchone() is not None


def insert(connection: sqlite3.Connection, new: NewVorgang, now: str) -> None:
    """Keep a new Vorgang, without a number and without events."""
    status = "" if new.batch_due is not None else "NEU"
    stand = {"status": {"code": status, "seit": now}} if status else {}
    connection.execute(
        "INSERT INTO vorgaenge (externe_id, vorgang_id, mandant, koerper, stand, stand_seq, status, version,"
        " batch_faellig, angekommen) VALUES (?, ?, ?, ?, ?, '{}', ?, 1, ?, ?)",
        (
            new.externe_id,
            new.vorgang_id,
            new.koerper["mandant"],
            json.dumps(new.koerper),
            canonical(stand),
            status,
            new.batch_due,
            now,
        ),
    )


def give_number(connection: sqlite3.Connection, vorgang_id: str, moment: datetime) -> str:
    """Give a Vorgang the year's next number, V-<year>-<six digits>, and return it."""
    (last,) = connection.execute(
        "INSERT INTO nummern VALUES (?, 1) ON CONFLICT DO UPDATE SET zuletzt = zuletzt + 1 RETURNING zuletzt",
        (moment.year,),
    ).fetchone()
    number = f"V-{moment.year}-{last:06d}"
    connection.execute(
        "UPDATE vorgaenge SET vorgangsnummer = ?, batch_faellig = NULL WHERE vorgang_id = ?", (number, vorgang_id)
    )
    return number


def start_status(connection: sqlite3.Connection, vorgang: Vorgang, now: str) -> None:
    """Let a Vorgang that comes out of the batch begin as NEU, unless an event has already said more."""
    if "status" not in vorgang.stand:
        _write_state(connection, vorgang, {**vorgang.stand, "status": {"code": "NEU", "seit": now}}, vorgang.stand_seq)


def apply_event(connection: sqlite3.Connection, vorgang: Vorgang, event: Mapping[str, Any]) -> None:
    """Bring the ledger's state to what a STATUS, ZUORDNUNG or TERMIN event says; an older one changes nothing."""
    names = _STATE_OF_TYP.get(event["typ"])
    if names is None or event["vorgangSeq"] < vorgang.stand_seq.get(event["typ"], 0):
        return
    data = normal_data(event)
    changed = {name: data[name] for name in names if isinstance(data.get(name), dict if name in _OBJECTS else str)}
    seqs = {**vorgang.stand_seq, event["typ"]: event["vorgangSeq"]}
    _write_state(connection, vorgang, {**vorgang.stand, **changed}, seqs)


def normal_data(event: Mapping[str, Any]) -> JsonObject:
    """Return an event's `daten`, a status in its long form whichever of the three forms it came in."""
    data: JsonObject = event["daten"]
    if event["typ"] != "STATUS":
        return data
    status = data.get("status", data)
    if not isinstance(status, dict):
        status = {**data, "code": str(status)}
    status = {name: value for name, value in status.items() if name != "status"}
    return {"status": {"seit": event["zeit"], **status}}


def _write_state(
    connection: sqlite3.Connection, vorgang: Vorgang, stand: JsonObject, stand_seq: Mapping[str, int]
) -> None:
    connection.execute(
        "UPDATE vorgaenge SET stand = ?, stand_seq = ?, status = ?, version = version + 1 WHERE id = ?",
        (canonical(stand), canonical(stand_seq), str(stand.get("status", {}).get("code", "")), vorgang.id),
    )
