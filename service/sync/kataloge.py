"""Mirrors the catalogs that belong to immotion, and says when ours have drifted from them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from service.store import alarms, mirrors
from service.store.database import connected
from service.store.records import CatalogMirror
from service.sync.alarms import raise_alarm
from service.sync.immotion.channel import Channel, Kataloge, NotOffered
from service.vorgang.catalog import Catalog
from service.vorgang.types import House

OUT_OF_DATE = "KATALOG_VERALTET"
DRIFT = "catalog_drift"
EVERY = timedelta(hours=1)
CATALOGS = "kataloge"
_TABLES = ("vorgangsarten", "schadensorte", "schadenskategorien", "schadensarten")
_CODES_MAX = 20


def mirror(house: House, channel: Channel, *, clock: Callable[[], datetime], force: bool = False) -> bool:
    """Read immotion's catalogs when that is due, at least once an hour, or by force; True when they were read.

    Raises or clears the alarm `catalog_drift`, also when only our own catalog has changed. Raises the channel's errors.
    """
    now = clock()
    with connected():
        known = mirrors.of(house.mandant)
    read, due = False, force or _is_due(known, now)
    if due:
        try:
            fresh = channel.kataloge(known.etag if known else "")
        except NotOffered:
            return False
        known, read = _taken(house.mandant, known, fresh, now), True
    if known is not None and (due or known.compared_with != house.catalog.digest):
        _compare(known, house.catalog, now)
    return read


def _is_due(known: CatalogMirror | None, now: datetime) -> bool:
    return known is None or known.checked_at is None or not known.checked_at <= now < known.checked_at + EVERY


def _taken(mandant: str, known: CatalogMirror | None, fresh: Kataloge | None, now: datetime) -> CatalogMirror | None:
    if fresh is None:
        return replace(known, checked_at=now) if known else None
    return CatalogMirror(
        mandant=mandant,
        version=fresh.version,
        etag=fresh.etag,
        body=fresh.body,
        drift=known.drift if known else {},
        compared_with="",
        changed_at=now,
        checked_at=now,
    )


def _compare(mirrored: CatalogMirror, catalog: Catalog, now: datetime) -> None:
    drift = drift_of(mirrored.body, catalog)
    if drift != mirrored.drift:
        with connected():
            alarms.clear(mirrored.mandant, DRIFT, raised_before=now, now=now)
        for table, codes in drift.items():
            some = {side: list(found[:_CODES_MAX]) for side, found in codes.items()}
            raise_alarm(DRIFT, mandant=mirrored.mandant, detail=table, now=now, version=mirrored.version, **some)
    with connected():
        mirrors.save(replace(mirrored, drift=drift, compared_with=catalog.digest))


def drift_of(body: Mapping[str, Any], catalog: Catalog) -> dict[str, dict[str, Sequence[str]]]:
    """Return, for each table that differs, the codes `only_immotion` and `only_portal` have.

    A table that immotion leaves empty is not kept there, and none is compared with it.
    """
    drift: dict[str, dict[str, Sequence[str]]] = {}
    for table in _TABLES:
        theirs, ours = _codes(body.get(table)), set(getattr(catalog, table))
        if theirs and theirs != ours:
            drift[table] = {"only_immotion": sorted(theirs - ours), "only_portal": sorted(ours - theirs)}
    return drift


def _codes(entries: object) -> set[str]:
    given = entries if isinstance(entries, list) else []
    return {str(entry["code"]) for entry in given if isinstance(entry, Mapping) and entry.get("code")}


def with_version_in_force(body: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
    """Return the body of a Vorgang with the version of the catalogs that immotion has now; needs no database.

    Asked for once after KATALOG_VERALTET: immotion then either takes the codes, which may still be good, or refuses
    them for good. Raises the channel's errors.
    """
    try:
        current = channel.kataloge("")
    except NotOffered:
        current = None
    schaden = body.get("schaden")
    if current is None or not isinstance(schaden, Mapping):
        return dict(body)
    return {**body, "schaden": {**schaden, "katalogVersion": current.version}}
