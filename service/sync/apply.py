"""From the inbox to the Vorgang: each visible event once, early ones wait, internal ones stay unseen.

Two kinds take effect also when they are internal: a Vorgang that immotion has deleted is closed and never sent again,
and a document that it has withdrawn is hidden. What such an event says besides stays unseen, too.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

from service.files.names import clean_name
from service.store import clean, deliveries, documents, inbox, retention, vorgaenge
from service.store.clean import moment, text
from service.store.database import connected, in_transaction
from service.store.owner import owner_of_person
from service.store.records import Anhang, Ereignis, Vorgang
from service.store.vorgaenge import FormAlreadyFiled, ImmotionIdTaken
from service.sync.alarms import raise_alarm
from service.sync.immotion.wire import seq_of
from service.vorgang import dokumente
from service.vorgang.notices import Sammelzeit, art_of, owe_news
from service.vorgang.status import DELETED, Change, Event, change_of
from service.vorgang.types import House

VISIBLE = "MIETER"
BORN_IN_IMMOTION = "VORGANG_ANGELEGT"
WITHDRAWN = "DOKUMENT_ZURUECKGEZOGEN"
DOCUMENT = "DOKUMENT"
_ALWAYS = {DELETED, WITHDRAWN}
# What residents never were to see may be deleted without ever having appeared here: sooner than `events_waiting`.
_DELETION_WAITS = timedelta(hours=12)
_BATCH = 100
_TRIES = 3
_BETREFF_MAX, _TEXT_MAX = 120, 20_000
_BYTES_END = 2**62
_TYPES = {"KONTAKT", "BESCHWERDE", "SCHADEN", "DOKUMENT"}
_BROKEN = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, inbox.DataRefused, ImmotionIdTaken)


@dataclass
class _Done:
    """What a transaction has done; told to anybody only once it is committed."""

    applied: int = 0
    born: int = 0
    unmapped: list[str] = field(default_factory=list)
    states: dict[str, list[int]] = field(default_factory=dict)

    def settle(self, ereignis: Ereignis, state: str) -> None:
        self.states.setdefault(state, []).append(ereignis.id)


class _Known:
    """The Vorgänge that a batch of events is about, by either id."""

    def __init__(self, mandant: str, batch: Sequence[Ereignis]) -> None:
        ids = [found for e in batch if (found := clean.uuid_of(e.externe_id))]
        self._own = {key: v for key, v in vorgaenge.by_ids(ids).items() if v.mandant == mandant} if ids else {}
        names = sorted({e.immotion_id for e in batch if e.immotion_id})
        self._theirs = vorgaenge.by_immotion_ids(mandant, names)
        strange = [e for e in batch if _belongs_to_a_vorgang(e) and self.of(e) is None]
        own = [key for e in strange if (key := clean.uuid_of(e.externe_id))]
        self._gone = retention.gone(mandant, own, [e.immotion_id for e in strange if e.immotion_id]) if strange else ()

    def of(self, ereignis: Ereignis) -> Vorgang | None:
        own = clean.uuid_of(ereignis.externe_id)
        return (self._own.get(own) if own else None) or self._theirs.get(ereignis.immotion_id)

    def is_gone(self, ereignis: Ereignis) -> bool:
        """Tell whether it is about a Vorgang that was deleted here: nothing of it comes back."""
        return bool(self._gone) and bool({ereignis.externe_id.lower(), ereignis.immotion_id} & set(self._gone))

    def add(self, vorgang: Vorgang) -> None:
        self._theirs = {**self._theirs, vorgang.immotion_id or "": vorgang}

    def order(self, ereignis: Ereignis) -> tuple[bool, str, int]:
        """Order births first, then by Vorgang, as all do who change several: so none waits for another in a circle."""
        vorgang = self.of(ereignis)
        return vorgang is not None, str(vorgang.id) if vorgang else ereignis.immotion_id, ereignis.id


def apply_waiting(house: House, *, clock: Callable[[], datetime]) -> int:
    """Apply every event that can be applied now; returns how many. Early ones stay for the next round.

    Any number of workers may do so at once: each event is held by one of them, the others pass it by.
    """
    total = 0
    while True:
        done = _round(house, clock)
        total += done.applied
        if not done.born:  # a Vorgang that has appeared may be what earlier events wait for
            return total


def _round(house: House, clock: Callable[[], datetime]) -> _Done:
    total, after = _Done(), 0
    while True:
        now = clock()
        with connected():
            batch = inbox.waiting(house.mandant, after=after, limit=_BATCH)
            known = _Known(house.mandant, batch) if batch else None
        if known is not None and (ready := [e for e in batch if _can_be_settled(e, known, house, now)]):
            done = _together(ready, known, house, now)
            total.applied, total.born = total.applied + done.applied, total.born + done.born
        if len(batch) < _BATCH:
            return total
        after = batch[-1].id


def _can_be_settled(ereignis: Ereignis, known: _Known, house: House, now: datetime) -> bool:
    if _unseen(ereignis, house.mandant) is not None or not _belongs_to_a_vorgang(ereignis):
        return True
    if known.of(ereignis) is not None or known.is_gone(ereignis) or _birth(ereignis) is not None:
        return True
    return _typ(ereignis) == WITHDRAWN or _is_of_no_interest(ereignis, now)


def _is_of_no_interest(ereignis: Ereignis, now: datetime) -> bool:
    """Tell whether this is the end of a Vorgang that never was for residents."""
    internal = _typ(ereignis) == DELETED and not _is_visible(ereignis)
    return internal and now - ereignis.received_at > _DELETION_WAITS


def _together(batch: Sequence[Ereignis], known: _Known, house: House, now: datetime) -> _Done:
    """Apply events in one transaction; if one of them cannot be, each in its own."""
    try:
        return _in_one_transaction(batch, known, house, now)
    except (*_BROKEN, FormAlreadyFiled):
        pass
    done = _Done()
    for ereignis in batch:
        one = _apply_or_park(ereignis, house, now)
        done.applied, done.born = done.applied + one.applied, done.born + one.born
    return done


def _apply_or_park(ereignis: Ereignis, house: House, now: datetime) -> _Done:
    """Apply one event; one that cannot be understood is put aside with an alarm and stops no other."""
    try:
        for _ in range(_TRIES):
            try:
                with connected():
                    known = _Known(house.mandant, [ereignis])
                return _in_one_transaction([ereignis], known, house, now)
            except FormAlreadyFiled:  # another worker has just created this Vorgang: it is there when we look again
                continue
    except ImmotionIdTaken:
        raise_alarm("immotion_id_taken", mandant=house.mandant, now=now, ereignis=ereignis.id)
        return _apply_or_park(_without_immotion_id(ereignis), house, now)
    except _BROKEN as broken:
        with connected():
            parked = inbox.settle(ereignis.id, "parked")
        if parked:
            error, code = type(broken).__name__, broken.code if isinstance(broken, dokumente.DokumentRefused) else ""
            raise_alarm("event_parked", mandant=house.mandant, detail=code, now=now, ereignis=ereignis.id, error=error)
    return _Done()


def _without_immotion_id(ereignis: Ereignis) -> Ereignis:
    """Return what an event says but for immotion's id: two reports booked as one have each a number, and one the id."""
    daten = {name: value for name, value in ereignis.body["daten"].items() if name != "vorgangId"}
    return replace(ereignis, body={**ereignis.body, "daten": daten})


def _in_one_transaction(batch: Sequence[Ereignis], known: _Known, house: House, now: datetime) -> _Done:
    def work() -> _Done:
        with inbox.refused_data():
            return _apply(batch, copy.copy(known), house, now)  # what a rolled back attempt has added is not there

    with connected():
        done = in_transaction(work)
    for code in done.unmapped:
        raise_alarm("status_unmapped", mandant=house.mandant, detail=code, now=now)
    return done


def _apply(batch: Sequence[Ereignis], known: _Known, house: House, now: datetime) -> _Done:
    done = _Done()
    held = inbox.hold([ereignis.id for ereignis in batch])
    for ereignis in sorted((e for e in batch if e.id in held), key=known.order):
        state = _unseen(ereignis, house.mandant)
        if state is not None:
            done.settle(ereignis, state)
        elif _typ(ereignis) == WITHDRAWN:
            documents.withdraw(house.mandant, _withdrawn_dokument(ereignis), now)
            done.settle(ereignis, "applied")
        elif known.is_gone(ereignis):
            done.settle(ereignis, "hidden")
        elif (vorgang := known.of(ereignis) or _born(ereignis, known, house, now, done)) is not None:
            _apply_to(vorgang, ereignis, house, now, done)
        elif _typ(ereignis) == DOCUMENT and not _belongs_to_a_vorgang(ereignis):
            _announce(_event(ereignis, now), None, house, now)
            done.settle(ereignis, "applied")
        else:
            done.settle(ereignis, _without_vorgang(ereignis))
    for state, ids in done.states.items():
        done.applied += inbox.settle_all(ids, state)
    return done


def _born(ereignis: Ereignis, known: _Known, house: House, now: datetime, done: _Done) -> Vorgang | None:
    """Create the Vorgang that an event says was born in immotion; None for any other event."""
    birth = _birth(ereignis)
    if birth is None:
        return None
    vorgang = _new_vorgang(ereignis, birth, house, now)
    vorgaenge.insert(vorgang)
    known.add(vorgang)
    done.born += 1
    return vorgang


def _withdrawn_dokument(ereignis: Ereignis) -> str:
    daten = ereignis.body["daten"]
    named = clean.key(daten["dokumentId"] or "")
    if not named:
        raise ValueError("a withdrawal of no document")
    return named


def _without_vorgang(ereignis: Ereignis) -> str:
    """Return the state of an event that is about no Vorgang of ours; raises ValueError when it should be."""
    if _belongs_to_a_vorgang(ereignis):
        return "hidden"
    if _typ(ereignis) in {BORN_IN_IMMOTION, DELETED}:
        raise ValueError("about a Vorgang that it does not name")
    return "kept"


def _apply_to(vorgang: Vorgang, ereignis: Ereignis, house: House, now: datetime, done: _Done) -> None:
    event = _event(ereignis, now)
    change = change_of(event, vorgang, house.catalog)
    if change.unmapped is not None:
        done.unmapped.append(change.unmapped)
    if change.facts:
        vorgaenge.set_facts(vorgang.id, change.facts)
    if change.deleted:
        vorgaenge.update_latest(vorgang.id, "status", *change.deleted_order, change.deleted)
        deliveries.drop(vorgang.id)
    if change.received:
        vorgaenge.update_latest(vorgang.id, "status", 0, change.received_tie, change.received)
    for what, columns in change.latest.items():
        vorgaenge.update_latest(vorgang.id, what, event.seq, event.tie, columns)
    if change.entry is not None and vorgaenge.add_aktivitaet(change.entry):
        vorgaenge.add_anhaenge(_announced(change.dokumente, vorgang, change.entry.id, now))
        _tell(vorgang, event, house, now, change)
    done.settle(ereignis, "applied")


def _tell(vorgang: Vorgang, event: Event, house: House, now: datetime, change: Change) -> None:
    """Make what an event has brought known beyond the Vorgang's page."""
    brought = (str(_announce(event, vorgang, house, now)),) if event.typ == DOCUMENT else ()
    if change.unread:
        status = str(change.deleted.get("status") or change.latest.get("status", {}).get("status", ""))
        art = art_of(event.typ, vorgang, status)
        owe_news(vorgang, art, Sammelzeit(house.zone), now=now, dokumente=brought)


def _announce(event: Event, vorgang: Vorgang | None, house: House, now: datetime) -> UUID:
    """Put a document into the lists of whom it is for: of the Vorgang's owner, if it belongs to one; returns our id."""
    of = (vorgang.id, vorgang.owner) if vorgang else None
    zeit = event.zeit.astimezone(house.zone)
    return dokumente.announce(house.mandant, event.daten, house.catalog, zeit=zeit, now=now, of=of)


def _unseen(ereignis: Ereignis, mandant: str) -> str | None:
    """Return the state of an event that changes nothing here; None for one that residents may see the effect of."""
    named = ereignis.body.get("mandant")
    if named not in (None, "", mandant):  # no set: what immotion says may be a list, which has no hash
        return "foreign"
    return None if _is_visible(ereignis) or _typ(ereignis) in _ALWAYS else "hidden"


def _is_visible(ereignis: Ereignis) -> bool:
    return ereignis.body.get("sichtbarkeit") == VISIBLE


def _typ(ereignis: Ereignis) -> str:
    return str(ereignis.body.get("typ", ""))


def _belongs_to_a_vorgang(ereignis: Ereignis) -> bool:
    return bool(ereignis.externe_id or ereignis.immotion_id)


@dataclass(frozen=True, slots=True)
class _Birth:
    """A Vorgang that a clerk has begun for a person."""

    typ: str
    person: str
    daten: Mapping[str, Any]


def _birth(ereignis: Ereignis) -> _Birth | None:
    """Return what an event says of a Vorgang born in immotion; None for any other, which waits for its Vorgang."""
    body, daten = ereignis.body, ereignis.body.get("daten")
    if body.get("typ") != BORN_IN_IMMOTION or ereignis.externe_id or not isinstance(daten, Mapping):
        return None
    melder, typ = daten.get("melder"), str(daten.get("typ", ""))
    person = melder.get("personNr") if isinstance(melder, Mapping) else None
    return _Birth(typ, clean.key(person), daten) if person and typ in _TYPES and ereignis.immotion_id else None


def _new_vorgang(ereignis: Ereignis, birth: _Birth, house: House, now: datetime) -> Vorgang:
    daten = birth.daten
    meldezeit = moment(daten.get("meldezeit")) or moment(ereignis.body.get("zeit")) or now
    label = house.catalog.vorgangstypen[birth.typ].label
    objekt = daten.get("objekt")
    return Vorgang(
        id=uuid7(),
        mandant=house.mandant,
        owner=owner_of_person(house.mandant, birth.person),
        form_key=None,
        fingerprint=None,
        meldenummer=vorgaenge.next_meldenummer(house.mandant, now.astimezone(house.zone).year),
        typ=birth.typ,
        kanal="IMMOTION",
        betreff=text(daten.get("betreff") or label.de, _BETREFF_MAX),
        beschreibung=text(daten.get("beschreibung") or "", _TEXT_MAX),
        erreichbar="",
        labels={"typ": {"de": label.de, "en": label.text("en")}},
        details={},
        melder={"personNr": birth.person},
        objekt=dict(objekt) if isinstance(objekt, Mapping) else {},
        routing={},
        catalog_version=house.catalog.version,
        meldezeit=meldezeit,
        request_id="",
        status="EINGEGANGEN",
        status_at=meldezeit,
        immotion_id=ereignis.immotion_id,
    )


def _event(ereignis: Ereignis, now: datetime) -> Event:
    body = ereignis.body
    daten = body.get("daten")
    return Event(
        id=ereignis.ereignis_id,
        typ=_typ(ereignis),
        zeit=(moment(body.get("zeit")) or now).astimezone(UTC),
        seq=seq_of(body),
        daten=daten if isinstance(daten, Mapping) else {},
        visible=_is_visible(ereignis),
    )


def _announced(
    dokumente: Sequence[Mapping[str, Any]], vorgang: Vorgang, aktivitaet_id: UUID, now: datetime
) -> Iterator[Anhang]:
    """Return the rows of files whose bytes are fetched later; what is not known yet is empty."""
    for position, dokument in enumerate(dokumente):
        size = dokument.get("bytes")
        mime = text(dokument.get("mime") or "application/octet-stream", 100)
        yield Anhang(
            id=uuid5(aktivitaet_id, str(position)),
            mandant=vorgang.mandant,
            vorgang_id=vorgang.id,
            aktivitaet_id=aktivitaet_id,
            dokument_id=clean.key(dokument.get("dokumentId") or ""),
            dateiname=clean_name(text(dokument.get("dateiname") or dokument.get("titel") or "Dokument", 255), mime),
            mime=mime,
            bytes=size if isinstance(size, int) and 0 <= size < _BYTES_END else 0,
            sha256=text(dokument.get("sha256") or "", 64),
            position=position,
            created_at=now,
        )
