"""For tests and agencies, under /_standin: the ledger, faults, events and data by hand, a fresh start."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import falcon

from service.standin import feed, filing, vorgaenge
from service.standin.bodies import read_list, read_object
from service.standin.dokumente import NewDokument, keep_dokument
from service.standin.faults import FaultSwitch
from service.standin.guard import Inquiries
from service.standin.ledger import Ledger
from service.standin.schemas import AENDERUNG, EREIGNIS_ENTWURF, FEHLER, KATALOGE
from service.standin.vorgaenge import Vorgang
from service.standin.words import JsonObject, canonical


class LedgerView:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Return every Vorgang that the portal filed, in the order of arrival, and how often each call came for it."""
        resp.media = {"vorgaenge": arrived(self._ledger)}


def arrived(ledger: Ledger) -> list[JsonObject]:
    """Return what the portal filed; Vorgänge born in immotion are not among it."""
    with ledger.transaction() as connection:
        calls = _calls(connection)
        uploads = {row["anhang_id"]: row for row in connection.execute("SELECT * FROM anhaenge")}
        aktivitaeten = _aktivitaeten(connection)
        rows = connection.execute("SELECT * FROM vorgaenge WHERE externe_id IS NOT NULL ORDER BY id").fetchall()
    entries = []
    for vorgang in map(vorgaenge.from_row, rows):
        added = aktivitaeten[vorgang.id]
        entries.append(
            {
                "externeId": vorgang.externe_id,
                "vorgangsnummer": vorgang.vorgangsnummer,
                "koerper": vorgang.koerper,
                "anhaenge": [_upload(anhang, uploads) for anhang in vorgang.koerper.get("anhaenge", [])],
                "aktivitaeten": added,
                "aufrufe": dict(sum((calls[key] for key in _keys(vorgang, added)), Counter())),
            }
        )
    return entries


def _calls(connection: sqlite3.Connection) -> defaultdict[str, Counter[str]]:
    calls: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in connection.execute("SELECT * FROM aufrufe"):
        calls[row["schluessel"]][row["aufruf"]] += row["anzahl"]
    return calls


def _aktivitaeten(connection: sqlite3.Connection) -> defaultdict[int, list[JsonObject]]:
    found: defaultdict[int, list[JsonObject]] = defaultdict(list)
    for row in connection.execute("SELECT * FROM aktivitaeten ORDER BY id"):
        found[row["vorgang"]].append({"aktivitaetId": row["aktivitaet_id"], **json.loads(row["koerper"])})
    return found


def _upload(anhang: Mapping[str, Any], uploads: Mapping[str, sqlite3.Row]) -> JsonObject:
    row = uploads[anhang["anhangId"].lower()]
    return {
        "anhangId": anhang["anhangId"],
        "dateiname": anhang["dateiname"],
        "sha256": row["sha256"],
        "bytes": row["bytes"],
    }


def _keys(vorgang: Vorgang, added: list[JsonObject]) -> set[str]:
    attached = [*vorgang.koerper.get("anhaenge", [])]
    for aktivitaet in added:
        attached += aktivitaet.get("anhaenge", [])
    return {vorgang.key, vorgang.vorgang_id} | {anhang["anhangId"].lower() for anhang in attached}


class FaultsSetting:
    def __init__(self, switch: FaultSwitch) -> None:
        self._switch = switch

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Return the faults that are switched on, and how often those of the file drop have happened."""
        resp.media = self._switch.faults.wire() | {"happened": self._switch.happened()}

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Switch faults on, or off with rate 0."""
        resp.media = self._switch.set(read_object(req, FEHLER)).wire()


class Counts:
    def __init__(self, switch: FaultSwitch, inquiries: Inquiries) -> None:
        self._switch = switch
        self._inquiries = inquiries

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Return what faults were drawn for each call, and which Vorgänge arrived again although nobody had asked."""
        resp.media = {"gezogen": self._switch.drawn(), "ohneNachfrage": self._inquiries.blind()}


class EreignisseByHand:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Append one event or a list of them, all or none, completed from the ledger."""
        drafts = read_list(req, EREIGNIS_ENTWURF)
        with self._ledger.transaction() as connection:
            events = [feed.append(self._ledger, connection, draft) for draft in drafts]
        resp.status = falcon.HTTP_201
        resp.media = {"ereignisse": events}


class StammdatenByHand:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Append changes of master data: a list, one, or {"aenderungen": [...]}."""
        changes = read_list(req, AENDERUNG, wrapper="aenderungen")
        with self._ledger.transaction() as connection:
            connection.executemany(
                "INSERT INTO stammdaten (koerper) VALUES (?)", [(json.dumps(change),) for change in changes]
            )
        resp.status = falcon.HTTP_201
        resp.media = {"aenderungen": len(changes)}


class KatalogeByHand:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Put the catalogues; every Mandant that has filed something gets a KATALOG_NEU event."""
        kataloge = read_object(req, KATALOGE)
        with self._ledger.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO angaben VALUES ('kataloge', ?)", (canonical(kataloge),))
            for row in connection.execute("SELECT DISTINCT mandant FROM vorgaenge ORDER BY mandant").fetchall():
                draft = {"typ": "KATALOG_NEU", "mandant": row["mandant"], "daten": {"version": kataloge["version"]}}
                feed.append(self._ledger, connection, draft)
        resp.status = falcon.HTTP_204


class DokumentByHand:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_put(self, req: falcon.Request, resp: falcon.Response, dokument_id: str) -> None:
        """Keep a document's bytes so that `GET /dokumente/{dokumentId}/inhalt` finds them; no event follows."""
        blob = self._ledger.blobs.receive(req.stream)
        name = req.get_param("dateiname", default="dokument")
        new = NewDokument(dokument_id, name, req.content_type or "application/octet-stream", blob)
        with self._ledger.transaction() as connection:
            keep_dokument(connection, new)
        resp.status = falcon.HTTP_201
        resp.media = new.wire()

    def on_get(self, _req: falcon.Request, resp: falcon.Response, dokument_id: str) -> None:
        """Return what the portal acknowledged of a document, in the order of arrival."""
        with self._ledger.reading() as connection:
            rows = connection.execute(
                "SELECT koerper FROM quittungen WHERE dokument_id = ? ORDER BY rowid", (dokument_id,)
            ).fetchall()
        resp.media = {"quittungen": [json.loads(row["koerper"]) for row in rows]}


class Batch:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_post(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Import every Vorgang that waits for its batch, now."""
        resp.media = {"eingespielt": filing.import_batch(self._ledger, everything=True)}


class Reset:
    def __init__(self, ledger: Ledger, switch: FaultSwitch) -> None:
        self._ledger = ledger
        self._switch = switch

    def on_post(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Forget everything, and switch the faults off."""
        self._switch.set({"rate": 0})
        self._ledger.reset()
        resp.status = falcon.HTTP_204
