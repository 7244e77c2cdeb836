"""Documents as tests need them: small real files, master data, and what immotion says of a document."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Any
from uuid import UUID

import pikepdf

from service.files.papers import check_paper
from service.files.storage import Folder
from service.store import dokumente, stammdaten
from service.store.database import connected, transaction
from service.store.dokument_records import ORDNER, NeuesDokument, Stored, Ziel
from service.store.models import (
    AktivitaetRow,
    AlarmRow,
    AnhangRow,
    DokumentRow,
    DokumentZielRow,
    EreignisRow,
    LesungRow,
    OutboxRow,
    RueckzugRow,
    StammdatenRow,
    VorgangRow,
)
from service.store.stammdaten import Aenderung
from service.vorgang.catalog import default_catalog
from service.vorgang.dokumente import announce

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def forget_everything() -> None:
    """Empty the tables that documents are about, so that tests need no database each."""
    tables = (DokumentRow, DokumentZielRow, LesungRow, RueckzugRow, StammdatenRow, OutboxRow, VorgangRow, AnhangRow)
    with connected():
        for table in (*tables, AktivitaetRow, EreignisRow, AlarmRow):
            table.delete().execute()


def pdf(words: str = "", pages: int = 1) -> bytes:
    """Return a small PDF whose bytes differ with its words."""
    made, out = pikepdf.new(), BytesIO()
    for _ in range(pages):
        made.add_blank_page(page_size=(200, 300))
    made.docinfo["/Title"] = words
    made.save(out, deterministic_id=True)
    return out.getvalue()


def tell(mandant: str, *changes: tuple[str, str, Mapping[str, Any] | None]) -> None:
    """Let immotion have told of persons, contracts, units and buildings."""
    with connected(), transaction():
        stammdaten.apply_changes(mandant, [Aenderung(*change) for change in changes], full_since=None)


def person(nr: str) -> tuple[str, str, Mapping[str, Any]]:
    return "PERSON", nr, {"personNr": nr, "name": f"Person {nr}"}


def vertrag(nr: str, person_nr: str, einheit: str, **more: Any) -> tuple[str, str, Mapping[str, Any]]:
    daten = {"vertragNr": nr, "personNr": person_nr, "einheitNr": einheit, "rolle": "MIETER", "beginn": "2020-01-01"}
    return "VERTRAG", nr, daten | more


def einheit(nr: str, gebaeude: str) -> tuple[str, str, Mapping[str, Any]]:
    return "EINHEIT", nr, {"einheitNr": nr, "gebaeudeNr": gebaeude, "lage": f"Wohnung {nr}"}


def gebaeude(nr: str) -> tuple[str, str, Mapping[str, Any]]:
    return "GEBAEUDE", nr, {"gebaeudeNr": nr, "strasse": f"Straße {nr}", "plz": "12345", "ort": "Stadt"}


def daten(dokument_id: str, content: bytes, **more: Any) -> dict[str, Any]:
    """Return the Dokument of the Vorgang interface."""
    return {
        "dokumentId": dokument_id,
        "dokumentart": "ANSCHREIBEN",
        "titel": "Ein Brief",
        "dateiname": "Brief.pdf",
        "datum": "2026-03-01",
        "mime": "application/pdf",
        "bytes": len(content),
        "sha256": sha256(content).hexdigest(),
    } | more


def announced(mandant: str, said: Mapping[str, Any]) -> None:
    """Let the feed have brought a document's event."""
    with connected(), transaction():
        announce(mandant, said, default_catalog(), zeit=NOW, now=NOW, of=None)


def publish(  # what a document is made of
    storage: Folder, mandant: str, content: bytes, *ziele: Ziel, quelle: str = ORDNER, **more: Any
) -> UUID:
    """Store a document straight away, and return its id."""
    with storage.incoming() as incoming:
        incoming.write(content)
        incoming.finish()
        paper, size, digest = check_paper(incoming.path), incoming.bytes, incoming.sha256
        key = UUID(digest[:32])
        storage.keep(incoming, key)
    told = {
        "art": "ANSCHREIBEN",
        "titel": "Ein Brief",
        "datum": "2026-03-01",
        "level": None,
        "loeschen_nach": None,
    } | more
    days = {"von": told["datum"], "bis": told["datum"]} | {k: v for k, v in more.items() if k in {"von", "bis"}}
    name = told.pop("dokument_id", f"D-{digest[:12]}")
    told |= days | {"suche": f"{told['titel']} {told['art']}".casefold()}
    neu = NeuesDokument(dokument_id=name, quelle=quelle, dateiname="Brief.pdf", mime="", bytes=0, sha256="", **told)
    with connected(), transaction():
        dokumente.add_stored(mandant, [(neu, Stored(key, paper, size, digest))], now=NOW)
        (found,) = dokumente.find(mandant, [name]).values()
        dokumente.add_ziele([(found.id, ziel, neu.von, neu.bis) for ziel in ziele], now=NOW)
    return found.id
