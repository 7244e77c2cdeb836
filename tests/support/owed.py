"""An outbox as operators' tests need it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from peewee import fn

from service.store import deliveries, outbox, vorgaenge
from service.store.database import connected, transaction
from service.store.models import OutboxRow
from service.store.records import OutboxItem, OwedRow, Vorgang
from tests.support.vorgaenge import NOW, some_vorgang

LEASE = timedelta(seconds=60)


def owe(mandant: str, *, rows: int = 1, now: datetime = NOW, **changes: Any) -> Vorgang:
    """Store a Vorgang that owes so many rows."""
    vorgang = some_vorgang(**{"mandant": mandant, "betreff": "Geheimes", "beschreibung": "Persönliches"} | changes)
    with connected(), transaction():
        vorgaenge.insert(vorgang)
        for _ in range(rows):
            outbox.owe(mandant, vorgang.id, request_id=uuid4().hex, now=now)
    return vorgang


def receipts(mandant: str, now: datetime = NOW) -> list[OwedRow]:
    """Owe what became of a document; needs a connection to the store."""
    of = uuid4()
    outbox.owe_quittung(mandant, of, request_id=uuid4().hex, now=now)
    return deliveries.rows_of(mandant, of)


def claim(mandant: str, now: datetime = NOW, limit: int = 100) -> list[OutboxItem]:
    """Take what is due, as a worker does."""
    with connected():
        return outbox.claim(mandant, now=now, lease=LEASE, limit=limit)


def parked(mandant: str, *, rows: int = 1, error: str = "VALIDIERUNG (/betreff: LAENGE)", **changes: Any) -> Vorgang:
    """Store a Vorgang whose first row immotion refused for good."""
    vorgang = owe(mandant, rows=rows, **changes)
    with connected():
        head = OutboxRow.select(fn.MIN(OutboxRow.id)).where(OutboxRow.vorgang_id == vorgang.id).scalar()
        refused = {"state": "parked", "attempts": 1, "fence": 1, "last_error": error}
        OutboxRow.update(**refused).where(OutboxRow.id == head).execute()
    return vorgang
