"""From the inbox to the Vorgang: each visible event once, early ones wait, internal ones stay unseen."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import structlog
from uuid_utils.compat import uuid7

from service.files.names import clean_name
from service.store import inbox, vorgaenge
from service.store.database import connected, transaction
from service.store.owner import owner_of_person
from service.store.records import Anhang, Ereignis, Vorgang
from service.sync.immotion.wire import moment_of
from service.vorgang.status import Change, Event, change_of
from service.vorgang.types import House

log = structlog.get_logger()

VISIBLE = "MIETER"
BORN_IN_IMMOTION = "VORGANG_ANGELEGT"
_BATCH = 200
_TYPES = {"KONTAKT", "BESCHWERDE", "SCHADEN", "DOKUMENT"}


def apply_waiting(house: House, *, clock: Callable[[], datetime]) -> int:
    """Apply every event that can be applied now; returns how many. Early ones stay for the next round."""
    applied, after = 0, 0
    while True:
        with connected():
            batch = inbox.waiting(house.mandant, after=after, limit=_BATCH)
        for ereignis in batch:
            after = ereignis.id
            applied += _apply_or_park(ereignis, house, clock())
        if len(batch) < _BATCH:
            return applied


def _apply_or_park(ereignis: Ereignis, house: House, now: datetime) -> bool:
    """Apply one event; one that cannot be understood is put aside with an alarm and stops no other."""
    try:
        with connected(), transaction():
            return _apply(ereignis, house, now)
    except (LookupError, TypeError, ValueError, AttributeError) as broken:
        log.error("event_parked", mandant=house.mandant, ereignis=ereignis.id, error=type(broken).__name__, alarm=True)
        with connected():
            inbox.settle(ereignis.id, "parked")
        return False


def _apply(ereignis: Ereignis, house: House, now: datetime) -> bool:
    if ereignis.body.get("sichtbarkeit") != VISIBLE:
        return inbox.settle(ereignis.id, "hidden")
    vorgang = _vorgang_of(ereignis)
    if vorgang is None:
        vorgang = _born(ereignis, house, now)
    if vorgang is None:
        return not _belongs_to_a_vorgang(ereignis) and inbox.settle(ereignis.id, "kept")
    if not inbox.settle(ereignis.id, "applied"):
        return False
    event = _event(ereignis, vorgang, now)
    change = change_of(event, vorgang, house.catalog)
    if change.unmapped is not None:
        log.error("status_unmapped", mandant=house.mandant, code=change.unmapped, alarm=True)
    _write(vorgang, event, change, now)
    return True


def _write(vorgang: Vorgang, event: Event, change: Change, now: datetime) -> None:
    if change.facts:
        vorgaenge.update(vorgang.id, dict(change.facts))
    for what, columns in change.latest.items():
        vorgaenge.update_latest(vorgang.id, what, event.seq, dict(columns))
    if change.entry is not None and vorgaenge.add_aktivitaet(change.entry):
        vorgaenge.add_anhaenge(_announced(dokument, vorgang, change.entry.id, now) for dokument in change.dokumente)
        if change.unread:
            vorgaenge.count_unread(vorgang.id)


def _vorgang_of(ereignis: Ereignis) -> Vorgang | None:
    try:
        found = vorgaenge.by_id(ereignis.mandant, UUID(ereignis.externe_id)) if ereignis.externe_id else None
    except ValueError:
        found = None
    if found is None and ereignis.immotion_id:
        found = vorgaenge.by_immotion_id(ereignis.mandant, ereignis.immotion_id)
    return found


def _belongs_to_a_vorgang(ereignis: Ereignis) -> bool:
    return bool(ereignis.externe_id or ereignis.immotion_id)


def _born(ereignis: Ereignis, house: House, now: datetime) -> Vorgang | None:
    """Create the Vorgang that a clerk has begun for a person; anything else waits."""
    body, daten = ereignis.body, ereignis.body.get("daten") or {}
    melder = daten.get("melder")
    if body.get("typ") != BORN_IN_IMMOTION or ereignis.externe_id or not isinstance(melder, Mapping):
        return None
    person = melder.get("personNr")
    typ = str(daten.get("typ", ""))
    if not person or typ not in _TYPES or not ereignis.immotion_id:
        return None
    vorgang = _new_vorgang(ereignis, daten, str(person), house, now)
    vorgaenge.insert(vorgang)
    return vorgang


def _new_vorgang(ereignis: Ereignis, daten: Mapping[str, Any], person: str, house: House, now: datetime) -> Vorgang:
    meldezeit = moment_of(daten.get("meldezeit")) or moment_of(ereignis.body.get("zeit")) or now
    label = house.catalog.vorgangstypen[str(daten["typ"])].label
    objekt = daten.get("objekt")
    return Vorgang(
        id=uuid7(),
        mandant=house.mandant,
        owner=owner_of_person(house.mandant, person),
        form_key=None,
        fingerprint=None,
        meldenummer=vorgaenge.next_meldenummer(house.mandant, now.astimezone(house.zone).year),
        typ=str(daten["typ"]),
        kanal="IMMOTION",
        betreff=str(daten.get("betreff") or label.de)[:120],
        beschreibung=str(daten.get("beschreibung") or ""),
        erreichbar="",
        labels={"typ": {"de": label.de, "en": label.text("en")}},
        details={},
        melder={"personNr": person},
        objekt=dict(objekt) if isinstance(objekt, Mapping) else {},
        routing={},
        catalog_version=house.catalog.version,
        meldezeit=meldezeit,
        request_id="",
        status="EINGEGANGEN",
        status_at=meldezeit,
        immotion_id=ereignis.immotion_id,
    )


def _event(ereignis: Ereignis, vorgang: Vorgang, now: datetime) -> Event:
    body = ereignis.body
    seq = body.get("vorgangSeq")
    daten = body.get("daten")
    return Event(
        id=ereignis.ereignis_id,
        typ=str(body.get("typ", "")),
        zeit=(moment_of(body.get("zeit")) or now).astimezone(UTC),
        seq=seq if isinstance(seq, int) and not isinstance(seq, bool) else vorgang.status_seq + 1,
        daten=daten if isinstance(daten, Mapping) else {},
    )


def _announced(dokument: Mapping[str, Any], vorgang: Vorgang, aktivitaet_id: UUID, now: datetime) -> Anhang:
    """Return the row of a file whose bytes are fetched later; what is not known yet is empty."""
    size = dokument.get("bytes")
    mime = str(dokument.get("mime") or "application/octet-stream")[:100]
    return Anhang(
        id=uuid4(),
        mandant=vorgang.mandant,
        vorgang_id=vorgang.id,
        aktivitaet_id=aktivitaet_id,
        dokument_id=str(dokument.get("dokumentId") or "")[:100],
        dateiname=clean_name(str(dokument.get("dateiname") or dokument.get("titel") or "Dokument"), mime),
        mime=mime,
        bytes=size if isinstance(size, int) else 0,
        sha256=str(dokument.get("sha256") or "")[:64],
        position=0,
        created_at=now,
    )
