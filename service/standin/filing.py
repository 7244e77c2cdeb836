"""What arrives from the portal: a Vorgang once for ever, and what the resident adds to it."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from service.standin import feed, vorgaenge
from service.standin.blobs import Blob
from service.standin.check import check
from service.standin.ledger import Ledger
from service.standin.problems import Feld, invalid, reused, unknown
from service.standin.schemas import AKTIVITAET_NEU, SECTION_OF_TYP, VORGANG_NEU
from service.standin.vorgaenge import NewVorgang, Vorgang
from service.standin.words import JsonObject, canonical, stamp


class Outcome(StrEnum):
    CREATED = "created"
    SAME = "same"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Filed:
    outcome: Outcome
    vorgang: Vorgang


def file_vorgang(ledger: Ledger, externe_id: str, body: JsonObject, *, batch_s: float | None = None) -> Filed:
    """File a Vorgang under its externeId; the same body again gives the same Vorgang.

    With `batch_s` it is only taken for an import that happens so many seconds later. Raises the problems 409
    (another body), 422 (fields, missing attachments, unknown catalog codes).
    """
    with ledger.transaction() as connection:
        known = vorgaenge.find(connection, externe_id)
        if known:
            return _again(known, body)
        _require_valid(connection, externe_id, body)
        now = ledger.now()
        new = NewVorgang(
            externe_id=externe_id.lower(),
            vorgang_id=f"im-{ledger.new_id()}",
            koerper=body,
            batch_due=None if batch_s is None else now.timestamp() + batch_s,
        )
        vorgaenge.insert(connection, new, stamp(now))
        if batch_s is None:
            enrol(ledger, connection, new.vorgang_id)
        filed = _found(connection, new.vorgang_id)
    return Filed(Outcome.BATCH if filed.in_batch else Outcome.CREATED, filed)


def _again(known: Vorgang, body: JsonObject) -> Filed:
    if canonical(known.koerper) != canonical(body):
        raise reused("Ein Vorgang")
    return Filed(Outcome.BATCH if known.in_batch else Outcome.SAME, known)


def enrol(ledger: Ledger, connection: sqlite3.Connection, vorgang_id: str) -> None:
    """Give a Vorgang its number and announce it by the event VORGANG_ANGELEGT."""
    now = ledger.now()
    number = vorgaenge.give_number(connection, vorgang_id, now)
    vorgang = _found(connection, vorgang_id)
    vorgaenge.start_status(connection, vorgang, stamp(now))
    data: JsonObject = {"vorgangsnummer": number, "vorgangId": vorgang_id}
    if vorgang.externe_id is None:
        names = ("typ", "betreff", "beschreibung", "melder", "objekt", "meldezeit")
        data |= {name: vorgang.koerper[name] for name in names if name in vorgang.koerper}
    draft = {"typ": "VORGANG_ANGELEGT", "vorgangId": vorgang_id, "sichtbarkeit": "MIETER", "daten": data}
    feed.append(ledger, connection, draft)


def import_batch(ledger: Ledger, *, everything: bool = False) -> int:
    """Import the Vorgänge whose batch is due (or all that wait) and return how many."""
    due = float("inf") if everything else ledger.now().timestamp()
    select = "SELECT vorgang_id FROM vorgaenge WHERE batch_faellig IS NOT NULL AND batch_faellig <= ? ORDER BY id"
    with ledger.reading() as connection:
        if not connection.execute(select, (due,)).fetchone():
            return 0
    with ledger.transaction() as connection:
        waiting = [row["vorgang_id"] for row in connection.execute(select, (due,)).fetchall()]
        for vorgang_id in waiting:
            enrol(ledger, connection, vorgang_id)
    return len(waiting)


def add_aktivitaet(ledger: Ledger, key: str, aktivitaet_id: str, body: JsonObject) -> bool:
    """Keep what the resident added; False if it was there already. Raises the problems 404, 409, 422."""
    with ledger.transaction() as connection:
        vorgang = _found(connection, key)
        row = connection.execute(
            "SELECT koerper FROM aktivitaeten WHERE vorgang = ? AND aktivitaet_id = ?", (vorgang.id, aktivitaet_id)
        ).fetchone()
        if row:
            if canonical(json.loads(row["koerper"])) != canonical(body):
                raise reused("Eine Aktivität")
            return False
        _refuse_any([*check(body, AKTIVITAET_NEU)])
        _require_uploads(connection, body)
        connection.execute(
            "INSERT INTO aktivitaeten (vorgang, aktivitaet_id, koerper, angekommen) VALUES (?, ?, ?, ?)",
            (vorgang.id, aktivitaet_id, json.dumps(body), stamp(ledger.now())),
        )
    return True


def keep_anhang(ledger: Ledger, anhang_id: str, blob: Blob) -> bool:
    """Note an attachment whose bytes are kept; False if it was there already. Raises the 409 for other bytes."""
    with ledger.transaction() as connection:
        row = connection.execute("SELECT sha256 FROM anhaenge WHERE anhang_id = ?", (anhang_id,)).fetchone()
        if row is None:
            now = stamp(ledger.now())
            connection.execute("INSERT INTO anhaenge VALUES (?, ?, ?, ?)", (anhang_id, blob.sha256, blob.bytes, now))
        elif row["sha256"] != blob.sha256:
            raise reused("Ein Anhang")
    return row is None


def _found(connection: sqlite3.Connection, key: str) -> Vorgang:
    vorgang = vorgaenge.find(connection, key)
    if vorgang is None:
        raise unknown("Dieser Vorgang")
    return vorgang


def _require_valid(connection: sqlite3.Connection, externe_id: str, body: JsonObject) -> None:
    _refuse_any([*check(body, VORGANG_NEU)])
    wrong = [*_missing_section(body)]
    if body["externeId"].lower() != externe_id.lower():
        wrong.append(Feld("/externeId", "ABWEICHEND"))
    _refuse_any(wrong)
    _require_uploads(connection, body)
    _require_catalog_codes(connection, body)


def _refuse_any(wrong: list[Feld]) -> None:
    if wrong:
        raise invalid(wrong)


def _missing_section(body: Mapping[str, Any]) -> Iterator[Feld]:
    section = SECTION_OF_TYP.get(body["typ"])
    if section and section not in body:
        yield Feld(f"/{section}", "PFLICHT")


def _require_uploads(connection: sqlite3.Connection, body: Mapping[str, Any]) -> None:
    missing, differing = [], []
    for index, anhang in enumerate(body.get("anhaenge", [])):
        row = connection.execute(
            "SELECT sha256, bytes FROM anhaenge WHERE anhang_id = ?", (anhang["anhangId"].lower(),)
        ).fetchone()
        if row is None:
            missing.append(Feld(f"/anhaenge/{index}/anhangId", "FEHLT"))
        elif (row["sha256"], row["bytes"]) != (anhang["sha256"].lower(), anhang["bytes"]):
            differing.append(Feld(f"/anhaenge/{index}/sha256", "ABWEICHEND"))
    if missing:
        raise invalid(missing, code="ANHANG_FEHLT", title="Ein Anhang wurde noch nicht hochgeladen")
    _refuse_any(differing)


def _require_catalog_codes(connection: sqlite3.Connection, body: Mapping[str, Any]) -> None:
    row = connection.execute("SELECT wert FROM angaben WHERE name = 'kataloge'").fetchone()
    schaden = body.get("schaden")
    if row is None or schaden is None:
        return
    kataloge = json.loads(row["wert"])
    lists = {"schadensort": "schadensorte", "schadenskategorie": "schadenskategorien", "schadensart": "schadensarten"}
    wrong = [
        Feld(f"/schaden/{name}", "WERT")
        for name, plural in lists.items()
        if schaden[name] not in {entry["code"] for entry in kataloge[plural]}
    ]
    if wrong:
        stale = schaden.get("katalogVersion", kataloge["version"]) != kataloge["version"]
        code = "KATALOG_VERALTET" if stale else "KATALOG_UNBEKANNT"
        raise invalid(wrong, code=code, title="Diese Angaben stehen nicht im Katalog")
