"""Interface v1, immotion to the portal: events, master data, catalogues, documents, health, tokens."""

import json
import time
from hashlib import sha256

import falcon

from service.standin import feed, filing
from service.standin.bodies import (
    Piece,
    PieceReader,
    digest_header,
    matches_etag,
    piece_of,
    query_int,
    read_object,
)
from service.standin.feed import Page, Question
from service.standin.guard import Interface
from service.standin.ledger import Ledger
from service.standin.problems import Feld, invalid, unknown
from service.standin.schemas import EREIGNIS_TYPEN, QUITTUNG_NEU
from service.standin.words import JsonObject, canonical

MAX_WAIT = 30
_LOOK_AGAIN = 0.5
NO_CATALOG: JsonObject = {
    "version": "0",
    "vorgangsarten": [],
    "schadensorte": [],
    "schadenskategorien": [],
    "schadensarten": [],
}


class Ereignisse(Interface):
    call = "/ereignisse"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Return the events after the cursor; with `wait`, as soon as there is one, or after so many seconds."""
        typ = req.get_param("typ", default="")
        if typ and typ not in EREIGNIS_TYPEN:
            raise invalid([Feld("?typ", "WERT")])
        question = _question(req, "ereignisse", typ=typ)
        page = self._read(question, query_int(req, "wait", default=0, bounds=(0, MAX_WAIT)))
        resp.media = {"ereignisse": page.entries, "naechsterCursor": page.cursor, "mehr": page.more}

    def _read(self, question: Question, wait: int) -> Page:
        until = time.monotonic() + wait
        while True:
            filing.import_batch(self._ledger)
            growth = self._ledger.growth
            page = feed.read(self._ledger, question)
            left = until - time.monotonic()
            if page.entries or left <= 0 or self._ledger.closing.is_set():
                return page
            self._ledger.wait_for_growth(growth, min(left, _LOOK_AGAIN))


class Stammdaten(Interface):
    call = "/stammdaten/aenderungen"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Return the changes of buildings, units, persons and contracts after the cursor."""
        page = feed.read(self._ledger, _question(req, "stammdaten"))
        resp.media = {"aenderungen": page.entries, "naechsterCursor": page.cursor, "mehr": page.more}


def _question(req: falcon.Request, table: str, *, typ: str = "") -> Question:
    limit = query_int(req, "limit", default=100, bounds=(1, 200))
    return Question(table, req.get_param("cursor", default=""), limit, typ)


class Kataloge(Interface):
    call = "/kataloge"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Return the catalogues with their ETag, or 304."""
        kataloge = current_catalog(self._ledger)
        etag = f'"{sha256(canonical(kataloge).encode()).hexdigest()[:32]}"'
        resp.set_header("ETag", etag)
        if matches_etag(req.get_header("If-None-Match"), [etag]):
            resp.status = falcon.HTTP_304
        else:
            resp.media = kataloge


def current_catalog(ledger: Ledger) -> JsonObject:
    """Return the catalogues as last put by the test side; empty ones before that."""
    with ledger.reading() as connection:
        row = connection.execute("SELECT wert FROM angaben WHERE name = 'kataloge'").fetchone()
    return dict(json.loads(row["wert"])) if row else NO_CATALOG


class DokumentInhalt(Interface):
    call = "/dokumente"
    key_param = "dokument_id"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_get(self, req: falcon.Request, resp: falcon.Response, dokument_id: str) -> None:
        """Return a document's bytes: whole, a piece (Range, If-Range), or 304."""
        with self._ledger.reading() as connection:
            row = connection.execute("SELECT * FROM dokumente WHERE dokument_id = ?", (dokument_id,)).fetchone()
        if row is None:
            raise unknown("Dieses Dokument")
        etag = f'"{row["sha256"]}"'
        resp.set_headers({"ETag": etag, "Accept-Ranges": "bytes", "Repr-Digest": digest_header(row["sha256"])})
        if matches_etag(req.get_header("If-None-Match"), [etag]):
            resp.status = falcon.HTTP_304
            return
        resp.content_type = row["mime"]
        condition = req.get_header("If-Range")
        valid = condition is None or matches_etag(condition, [etag])
        piece = piece_of(req.get_header("Range") if valid else None, row["bytes"])
        if piece is None:
            resp.set_header("Content-Digest", digest_header(row["sha256"]))
            resp.set_stream(self._ledger.blobs.open(row["sha256"]), row["bytes"])
        else:
            self._send_piece(resp, piece, row["sha256"], row["bytes"])

    def _send_piece(self, resp: falcon.Response, piece: Piece, name: str, size: int) -> None:
        resp.status = falcon.HTTP_206
        resp.set_header("Content-Range", f"bytes {piece.first}-{piece.last}/{size}")
        resp.set_stream(PieceReader(self._ledger.blobs.open(name), piece), piece.length)


class DokumentQuittung(Interface):
    call = "/quittung"
    key_param = "dokument_id"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_put(self, req: falcon.Request, resp: falcon.Response, dokument_id: str) -> None:
        """Keep that a document was provided, notified or first opened; the first time counts."""
        body = read_object(req, QUITTUNG_NEU)
        with self._ledger.transaction() as connection:
            if not connection.execute("SELECT 1 FROM dokumente WHERE dokument_id = ?", (dokument_id,)).fetchone():
                raise unknown("Dieses Dokument")
            connection.execute(
                "INSERT OR IGNORE INTO quittungen VALUES (?, ?, ?)", (dokument_id, body["art"], json.dumps(body))
            )
        resp.status = falcon.HTTP_204
