"""Imported catalogs of each Mandant; the newest is in force."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.store.models import CatalogRow
from service.store.query import first


def import_catalog(mandant: str, *, version: str, digest: str, body: Mapping[str, Any], now: datetime) -> None:
    """Put this catalog in force; earlier ones stay for the record."""
    CatalogRow.insert(mandant=mandant, version=version, digest=digest, body=dict(body), imported_at=now).execute()


def current_digest(mandant: str) -> str | None:
    """Return the digest of the catalog in force; None while the shipped one is."""
    row = CatalogRow.select(CatalogRow.digest).where(CatalogRow.mandant == mandant)
    newest = first(row.order_by(CatalogRow.id.desc()))
    return str(newest["digest"]) if newest else None


def current(mandant: str) -> Mapping[str, Any] | None:
    """Return the catalog in force as it was imported; None while the shipped one is."""
    row = CatalogRow.select(CatalogRow.body).where(CatalogRow.mandant == mandant)
    newest = first(row.order_by(CatalogRow.id.desc()))
    return newest["body"] if newest else None
