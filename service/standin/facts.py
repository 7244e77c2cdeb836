"""From the ledger to what the clerk pages show: facts in sections, files, and one history in the order of time."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from service.standin import labels
from service.standin.vorgaenge import Vorgang, normal_data
from service.standin.words import JsonObject, as_object, parse_time

_SHOWN_ELSEWHERE = frozenset({"betreff", "beschreibung", "anhaenge"})


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Datei:
    """A file to look at; `url` is a path of the clerk pages."""

    url: str
    name: str
    mime: str
    bytes: int

    @property
    def picture(self) -> bool:
        return self.mime in {"image/jpeg", "image/png", "image/webp"}

    @property
    def size(self) -> str:
        if self.bytes < 1024 * 1024:
            return f"{max(self.bytes // 1024, 1)} KB"
        return f"{self.bytes / 1024 / 1024:.1f} MB".replace(".", ",")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened; `side` is mieter, verwaltung or intern."""

    time: str
    title: str
    text: str
    side: str
    dateien: tuple[Datei, ...]


def sections(body: Mapping[str, Any]) -> list[Section]:
    """Return everything the portal sent, in sections, apart from words and files, which the page shows anyway."""
    plain = {k: v for k, v in body.items() if not isinstance(v, dict) and k not in _SHOWN_ELSEWHERE}
    found = [_section("", plain)]
    found += [_section(name, inner) for name, inner in body.items() if isinstance(inner, dict)]
    return [section for section in found if section.facts]


def _section(name: str, values: Mapping[str, Any]) -> Section:
    facts = tuple(Fact(labels.NAMES.get(key, key), labels.value_text(key, value)) for key, value in values.items())
    return Section(labels.SECTIONS.get(name, name), tuple(fact for fact in facts if fact.value))


def attachments(vorgang: Vorgang, body: Mapping[str, Any]) -> tuple[Datei, ...]:
    """Return the files of a Vorgang's or an activity's body."""
    return tuple(
        Datei(f"/vorgang/{vorgang.key}/anhang/{a['anhangId']}", a["dateiname"], a["mime"], a["bytes"])
        for a in body.get("anhaenge", [])
    )


def history(connection: sqlite3.Connection, vorgang: Vorgang) -> list[Entry]:
    """Return what happened to a Vorgang, oldest first: events, and what the resident added."""
    events = connection.execute("SELECT koerper FROM ereignisse WHERE schluessel = ? ORDER BY seq", (vorgang.key,))
    entries = [_event(json.loads(row["koerper"]), connection) for row in events.fetchall()]
    added = connection.execute("SELECT * FROM aktivitaeten WHERE vorgang = ? ORDER BY id", (vorgang.id,))
    entries += [_added(vorgang, json.loads(row["koerper"]), row["angekommen"]) for row in added.fetchall()]
    return sorted(entries, key=lambda entry: parse_time(entry.time))


def _added(vorgang: Vorgang, body: JsonObject, arrived: str) -> Entry:
    stars = [f"Bewertung: {body['bewertung']} von 5"] if "bewertung" in body else []
    text = "\n".join([*stars, *([body["text"]] if body.get("text") else [])])
    return Entry(arrived, labels.AKTIVITAET[body["art"]], text, "mieter", attachments(vorgang, body))


def _event(event: JsonObject, connection: sqlite3.Connection) -> Entry:
    data = normal_data(event)
    title = labels.EREIGNIS[event["typ"]]
    if event["typ"] == "STATUS":
        code = str(data["status"].get("code", ""))
        title = f"Status: {labels.STATUS.get(code, code)}"
    elif event["typ"] == "AKTIVITAET" and data.get("autor"):
        title = f"Nachricht von {data['autor']}"
    side = "verwaltung" if event["sichtbarkeit"] == "MIETER" else "intern"
    dateien = tuple(_dokumente(data.get("dokumente"), data, connection))
    return Entry(event["zeit"], title, "\n".join(_lines(event["typ"], data)), side, dateien)


def _lines(typ: str, data: JsonObject) -> Iterator[str]:
    if typ == "STATUS":
        yield str(data["status"].get("textMieter", ""))
    elif typ == "ZUORDNUNG":
        person = as_object(data.get("aufgabentraeger"))
        yield ", ".join(str(person[name]) for name in ("anzeigeName", "team", "telefon") if person.get(name))
        for name in ("vorgangsart", "prioritaet", "ausfuehrungsfrist"):
            if data.get(name):
                yield f"{labels.NAMES[name]}: {labels.value_text(name, data[name])}"
    elif typ == "TERMIN":
        termin = as_object(data.get("termin"))
        yield f"{labels.moment(str(termin.get('von', '')))} bis {labels.moment(str(termin.get('bis', '')))}"
        yield str(termin.get("firma", ""))
    else:
        yield str(data.get("text") or data.get("titel") or data.get("grund") or data.get("vorgangsnummer") or "")


def _dokumente(several: object, one: JsonObject, connection: sqlite3.Connection) -> Iterator[Datei]:
    entries = several if isinstance(several, list) else [one]
    ids = [str(entry["dokumentId"]) for entry in map(as_object, entries) if "dokumentId" in entry]
    for dokument_id in ids:
        row = connection.execute("SELECT * FROM dokumente WHERE dokument_id = ?", (dokument_id,)).fetchone()
        if row:
            yield Datei(f"/dokument/{quote(dokument_id, safe='')}", row["dateiname"], row["mime"], row["bytes"])


def receipts(connection: sqlite3.Connection, vorgang: Vorgang) -> list[Fact]:
    """Return what the portal acknowledged about the documents of a Vorgang."""
    events = connection.execute(
        "SELECT koerper FROM ereignisse WHERE schluessel = ? AND typ = 'DOKUMENT' ORDER BY seq", (vorgang.key,)
    )
    facts = []
    for data in [json.loads(row["koerper"])["daten"] for row in events.fetchall()]:
        query = "SELECT koerper FROM quittungen WHERE dokument_id = ? ORDER BY rowid"
        for row in connection.execute(query, (str(data.get("dokumentId")),)):
            body = json.loads(row["koerper"])
            text = f"{labels.QUITTUNG[body['art']]}, {labels.moment(body['zeit'])}"
            facts.append(Fact(str(data.get("titel") or data.get("dokumentId")), text))
    return facts
