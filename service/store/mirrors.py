"""immotion's own catalogs as each Mandant's channel last gave them."""

from dataclasses import asdict

from service.store.models import CatalogMirrorRow
from service.store.query import affected, first
from service.store.records import CatalogMirror


def of(mandant: str) -> CatalogMirror | None:
    """Return the mirror of a Mandant; None when nothing was ever read."""
    row = first(CatalogMirrorRow.select().where(CatalogMirrorRow.mandant == mandant))
    return CatalogMirror(**row) if row else None


def save(mirror: CatalogMirror) -> None:
    """Put a mirror in place of the former one; of two who do so at once, either may win."""
    values = asdict(mirror)
    here = CatalogMirrorRow.mandant == values.pop("mandant")
    if not affected(CatalogMirrorRow.update(**values).where(here)):
        affected(CatalogMirrorRow.insert(**asdict(mirror)).on_conflict_ignore().as_rowcount())


def expire(mandant: str) -> None:
    """Have the catalogs read again at the next opportunity."""
    affected(CatalogMirrorRow.update(checked_at=None).where(CatalogMirrorRow.mandant == mandant))
