"""What clerks did, as a status file and ZIPs of documents."""

import csv
import hashlib
import io
import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from lxml import etree

from service.standin.ledger import Ledger
from service.standin.paket import NAMESPACE
from service.standin.vorgaenge import normal_data
from service.standin.words import JsonObject, as_object

COLUMNS = (
    "externeId",
    "vorgangId",
    "folge",
    "zeit",
    "sichtbarkeit",
    "status",
    "text",
    "sachbearbeiter",
    "team",
    "termin_von",
    "termin_bis",
    "firma",
    "autor",
)
_BATCH = 500
_EXPORTED = ("STATUS", "ZUORDNUNG", "TERMIN", "AKTIVITAET", "DOKUMENT")
_TITLE_MAX = 100
_FIRST_FOLGE = 2

Write = Callable[[str, bytes], None]


class Export:
    """Remembers in the ledger how far it has come; what was written twice, the portal takes over once."""

    def __init__(self, ledger: Ledger, mandant: str) -> None:
        self._ledger = ledger
        self._mandant = mandant
        self._position = f"filedrop:{mandant}"

    def step(self, write: Write) -> None:
        """Write what happened since the last time; raises what `write` raises, and then comes back to it."""
        with self._ledger.reading() as connection:
            after = self._read_position(connection)
            rows = connection.execute(
                "SELECT seq, koerper FROM ereignisse WHERE seq > ? ORDER BY seq LIMIT ?", (after, _BATCH)
            ).fetchall()
        if not rows:
            return
        events = [(row["seq"], json.loads(row["koerper"])) for row in rows]
        mine = [(seq, e) for seq, e in events if e["mandant"] == self._mandant and e["typ"] in _EXPORTED]
        lines = [line for _, event in mine if (line := _line(event))]
        if lines:
            write(f"ST_{self._mandant}_{rows[0]['seq']:08d}.csv", _csv(lines))
        for seq, event in mine:
            if data := self._zip(event):
                write(f"DO_{self._mandant}_{seq:08d}.zip", data)
        with self._ledger.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO angaben VALUES (?, ?)", (self._position, str(rows[-1]["seq"])))

    def _read_position(self, connection: sqlite3.Connection) -> int:
        row = connection.execute("SELECT wert FROM angaben WHERE name = ?", (self._position,)).fetchone()
        return int(row["wert"]) if row else 0

    def _zip(self, event: JsonObject) -> bytes | None:
        """Return the documents of an event with their index; None if it has none whose bytes are here."""
        root = etree.Element(f"{{{NAMESPACE}}}dokumente", nsmap={None: NAMESPACE}, mandant=self._mandant)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for at, (entry, row) in enumerate(self._dokumente(event)):
                name = f"dokumente/{at}{PurePosixPath(row['dateiname']).suffix}"
                with self._ledger.blobs.open(row["sha256"]) as content:
                    data = content.read()
                archive.writestr(name, data)
                given = {**_dokument(event, entry, row), "datei": name, "sha256": hashlib.sha256(data).hexdigest()}
                etree.SubElement(root, f"{{{NAMESPACE}}}dokument", **given)
            archive.writestr("index.xml", etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
        return packed.getvalue() if len(root) else None

    def _dokumente(self, event: JsonObject) -> Iterator[tuple[JsonObject, sqlite3.Row]]:
        several = event["daten"].get("dokumente") if event["typ"] == "AKTIVITAET" else [event["daten"]]
        for entry in map(as_object, several if isinstance(several, list) else []):
            with self._ledger.reading() as connection:
                query = "SELECT * FROM dokumente WHERE dokument_id = ?"
                row = connection.execute(query, (str(entry.get("dokumentId")),)).fetchone()
            if row:
                yield entry, row


def _dokument(event: Mapping[str, Any], entry: Mapping[str, Any], row: sqlite3.Row) -> dict[str, str]:
    given = {
        **_about(event),
        "dokumentId": str(entry["dokumentId"]),
        "version": str(entry.get("version", 1)),
        "titel": str(entry.get("titel") or row["dateiname"])[:_TITLE_MAX],
        "dokumentart": str(entry.get("dokumentart", "")),
        "dateiname": str(row["dateiname"])[-_TITLE_MAX:],
        "mime": row["mime"],
        **_for_residents(event, entry),
    }
    return {name: value for name, value in given.items() if value}


def _for_residents(event: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, str]:
    """Return whom a document without a Vorgang is for; one record names one recipient."""
    told = entry.get("empfaenger")
    first = as_object(told[0]) if isinstance(told, list) and told else {}
    names = () if _about(event)["externeId"] or _about(event)["vorgangId"] else ("personNr", "vertragNr", "gebaeudeNr")
    given = {name: str(first.get(name) or "") for name in names}
    alle = {"alle": "true"} if names and first.get("alle") is True else {}
    return given | alle | {name: str(entry.get(name) or "") for name in ("datum", "loeschenNach", "stufe")}


def _about(event: Mapping[str, Any]) -> dict[str, str]:
    folge = int(event.get("vorgangSeq", 0))
    return {
        "externeId": event.get("externeId", ""),
        "vorgangId": event.get("vorgangId", ""),
        "folge": str(folge) if folge >= _FIRST_FOLGE else "",
        "zeit": event["zeit"],
        "sichtbarkeit": event["sichtbarkeit"],
    }


def _line(event: JsonObject) -> dict[str, str]:
    """Return the line of an event; an empty one for what a status file does not say."""
    data = normal_data(event)
    status, person, termin = (as_object(data.get(name)) for name in ("status", "aufgabentraeger", "termin"))
    text = data.get("text") if event["typ"] == "AKTIVITAET" else status.get("textMieter")
    said = {
        "status": status.get("code"),
        "text": text,
        "sachbearbeiter": person.get("anzeigeName"),
        "team": person.get("team"),
        "termin_von": termin.get("von"),
        "termin_bis": termin.get("bis"),
        "firma": termin.get("firma"),
    }
    line = {name: str(value) for name, value in said.items() if value}
    if not line or event["typ"] == "DOKUMENT":
        return {}
    return _about(event) | line | {"autor": str(data.get("autor", ""))}


def _csv(lines: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, delimiter=";", lineterminator="\r\n", restval="")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()
