"""A Vorgang as tests need one: complete, and nothing special."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from service.store.records import Vorgang

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)


def some_vorgang(**changes: Any) -> Vorgang:
    """Return a Vorgang that is stored and not forwarded yet, with these changes."""
    values = {
        "id": uuid4(),
        "mandant": "musterbau",
        "owner": "o",
        "form_key": None,
        "fingerprint": None,
        "meldenummer": uuid4().hex[:20],
        "typ": "KONTAKT",
        "kanal": "PORTAL_WEB",
        "betreff": "b",
        "beschreibung": "x",
        "erreichbar": "",
        "labels": {},
        "details": {"kontaktthema": "ALLGEMEIN"},
        "melder": {},
        "objekt": {},
        "routing": {},
        "catalog_version": "1",
        "meldezeit": NOW,
        "request_id": "r",
        "status": "UEBERMITTLUNG",
        "status_at": NOW,
    }
    return Vorgang(**values | changes)
