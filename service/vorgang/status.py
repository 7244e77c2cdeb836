"""What an event of immotion changes: in any order, delivered any number of times, with the same end."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID, uuid5

from service.store import clean
from service.store.records import Aktivitaet, Vorgang

DELETED = "GELOESCHT"
CLOSED = frozenset({"ERLEDIGT", "ABGELEHNT", "ZURUECKGEZOGEN", "ZUSAMMENGEFUEHRT", DELETED})
RECEIVED = "EINGEGANGEN"
REFUSED = "ABGELEHNT"
OWN = frozenset({"UEBERMITTLUNG", "UEBERGEBEN"})
# How an open Vorgang stands that the resident has withdrawn and immotion has not closed; never stored.
WITHDRAWN = "RUECKZUG"
# Namespace of the ids of timeline entries, so that the same event always makes the same entry (RFC 9562, 5.5).
_ENTRIES = UUID("6f0f4b0e-6f0d-4b5e-9d43-6a3f5c0e8f11")
_TEXT_MAX = 20_000
_BYTES_MAX = 65_000  # a text column of MariaDB holds no more
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_BY_RECEIPT, _BY_EVENT, _BY_DELETION = "0", "1", "2"
# Above every vorgangSeq: nothing that immotion says of a Vorgang counts any more once it has deleted it.
_LAST = 2**31 - 1
# What we conclude ourselves gives way to any event.
LOWEST = "0" * 32


def _tie(rank: str, zeit: datetime, name: str = "") -> str:
    micros = max(0, (zeit - _LONG_AGO) // timedelta(microseconds=1))
    return f"{rank}{micros:016x}{sha256(name.encode('utf-8', 'replace')).hexdigest()[:15] if name else '0' * 15}"


class HasCode(Protocol):
    """A status of the catalog."""

    @property
    def code(self) -> str:
        """Return its code."""
        ...


class StatusTable(Protocol):
    """As much of the catalog as an event needs."""

    def tenant_status_for(self, erp_code: str, /) -> tuple[HasCode, bool]:
        """Return what the resident sees for a code, and whether the code is mapped."""
        ...


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is applied; `seq` is gap-free per Vorgang on immotion's side, 0 where it does not count.

    `visible` tells whether residents may read what it says; of an internal one, no more than its effect.
    """

    id: str
    typ: str
    zeit: datetime
    seq: int
    daten: Mapping[str, Any]
    visible: bool = True

    @property
    def tie(self) -> str:
        """Return what puts events of equal `seq` in an order that all of us agree on: their time, then their ids."""
        return _tie(_BY_EVENT, self.zeit, self.id)


@dataclass(frozen=True, slots=True)
class Change:
    """What an event does: facts that never change, columns that only the latest event may set, a timeline entry.

    `deleted` are the status columns of a Vorgang that immotion no longer has, and `deleted_order` their place, behind
    every event; nothing of it is ever sent again. `latest` maps status, sachbearbeiter and termin to their columns;
    each follows its own highest vorgangSeq. `received` are the status columns that hold as long as nothing else has set
    them, and `received_tie` their order.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    received: Mapping[str, Any] = field(default_factory=dict)
    received_tie: str = LOWEST
    deleted: Mapping[str, Any] = field(default_factory=dict)
    deleted_order: tuple[int, str] = (0, LOWEST)
    latest: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    entry: Aktivitaet | None = None
    unread: bool = False
    unmapped: str | None = None
    dokumente: tuple[Mapping[str, Any], ...] = ()


def standing(status: str, status_at: datetime, withdrawn_at: datetime | None) -> str:
    """Return how an open Vorgang stands: withdrawn, until immotion says more than that it has received it."""
    if withdrawn_at is None or (status not in OWN | {RECEIVED} and status_at > withdrawn_at):
        return status
    return WITHDRAWN


def change_of(event: Event, vorgang: Vorgang, catalog: StatusTable) -> Change:
    """Return what an event changes that residents may know of; an unknown kind changes nothing."""
    handler = {
        DELETED: _deleted,
        "VORGANG_ANGELEGT": _created,
        "VORGANG_ABGEWIESEN": _refused,
        "STATUS": _status,
        "ZUORDNUNG": _assigned,
        "TERMIN": _appointment,
        "AKTIVITAET": _message,
        "DOKUMENT": _document,
    }.get(event.typ)
    return Change() if handler is None else handler(event, vorgang, catalog)


def _created(event: Event, _vorgang: Vorgang, _catalog: StatusTable) -> Change:
    return Change(
        facts=facts_of(event.daten),
        received={"status": RECEIVED, "status_at": event.zeit},
        received_tie=_tie(_BY_RECEIPT, event.zeit, event.id),
    )


def facts_of(daten: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of immotion's own names for a Vorgang, as far as they are told."""
    return _texts(daten, {"vorgangsnummer": "vorgangsnummer", "vorgangId": "immotion_id"})


def view_of(view: Mapping[str, Any], catalog: StatusTable) -> tuple[Change, str]:
    """Return what the resident may see of a Vorgang as immotion shows it, and the order it has among events.

    It makes no entry in the timeline: the event that it is about makes it, if it still comes.
    """
    zeit = _seit(view)
    change = _latest(view, zeit, catalog) if read_status(view)[0] else Change(latest=_facts(view))
    return change, _tie(_BY_EVENT, zeit)


def _seit(view: Mapping[str, Any]) -> datetime:
    status = view.get("status")
    seit = clean.moment(status.get("seit")) if isinstance(status, Mapping) else None
    return max(seit, _LONG_AGO) if seit else _LONG_AGO


def _refused(event: Event, vorgang: Vorgang, _catalog: StatusTable) -> Change:
    grund = _text(event.daten.get("grund"))
    status = {"status": REFUSED, "status_at": event.zeit, "status_text": grund, "offen": False}
    entry = _entry(event, vorgang, "STATUS", grund, {"status": REFUSED})
    return Change(latest={"status": status}, entry=entry, unread=True)


def _deleted(event: Event, vorgang: Vorgang, _catalog: StatusTable) -> Change:
    grund = _text(event.daten.get("grund")) if event.visible else ""
    status = {"status": DELETED, "status_at": event.zeit, "status_text": grund, "offen": False}
    entry = _entry(event, vorgang, "STATUS", grund, {"status": DELETED}) if event.visible else None
    order = (_LAST, _tie(_BY_DELETION, event.zeit, event.id))
    return Change(deleted=status, deleted_order=order, entry=entry, unread=event.visible)


def _status(event: Event, vorgang: Vorgang, catalog: StatusTable) -> Change:
    erp_code, text = read_status(event.daten)
    if not erp_code:
        return Change()
    change = _latest(event.daten, event.zeit, catalog)
    entry = _entry(event, vorgang, "STATUS", text, {"status": change.latest["status"]["status"]})
    return replace(change, entry=entry, unread=bool(text))


def _latest(daten: Mapping[str, Any], zeit: datetime, catalog: StatusTable) -> Change:
    erp_code, text = read_status(daten)
    tenant, known = catalog.tenant_status_for(erp_code)
    status = {"status": tenant.code, "status_at": zeit, "status_text": text, "offen": tenant.code not in CLOSED}
    return Change(latest={"status": status, **_facts(daten)}, unmapped=None if known else erp_code)


def read_status(daten: Mapping[str, Any]) -> tuple[str, str]:
    """Return code and text of a status; the code may stand in an object, alone, or beside the rest."""
    status = daten.get("status", daten)
    if not isinstance(status, Mapping):
        return _text(status)[:100], _text(daten.get("textMieter") or daten.get("text"))
    text = status.get("textMieter") or daten.get("textMieter") or daten.get("text")
    return _text(status.get("code"))[:100], _text(text)


def _assigned(event: Event, vorgang: Vorgang, _catalog: StatusTable) -> Change:
    latest = _facts(event.daten)
    name = str(latest.get("sachbearbeiter", {}).get("sachbearbeiter", ""))
    return Change(latest=latest, entry=_entry(event, vorgang, "ZUORDNUNG", name, {}) if name else None)


def _appointment(event: Event, vorgang: Vorgang, _catalog: StatusTable) -> Change:
    latest = _facts(event.daten)
    entry = _entry(event, vorgang, "TERMIN", "", latest["termin"]) if "termin" in latest else None
    return Change(latest=latest, entry=entry, unread=entry is not None)


def _message(event: Event, vorgang: Vorgang, _catalog: StatusTable) -> Change:
    text = _text(event.daten.get("text"))
    dokumente = _objects(event.daten.get("dokumente"))
    if not text and not dokumente:
        return Change()
    entry = _entry(event, vorgang, "NACHRICHT", text, {}, _text(event.daten.get("autor")))
    return Change(entry=entry, unread=True, dokumente=dokumente)


def _document(event: Event, vorgang: Vorgang, _catalog: StatusTable) -> Change:
    if not event.daten.get("dokumentId"):
        return Change()
    entry = _entry(event, vorgang, "DOKUMENT", _text(event.daten.get("titel")), {})
    return Change(entry=entry, unread=True, dokumente=(event.daten,))


def _facts(daten: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    latest: dict[str, dict[str, Any]] = {}
    person = daten.get("aufgabentraeger")
    if isinstance(person, Mapping) and (name := _text(person.get("anzeigeName") or person.get("team"))):
        latest["sachbearbeiter"] = {"sachbearbeiter": name[:200]}
    termin = daten.get("termin")
    if isinstance(termin, Mapping):
        kept = {key: _text(termin.get(key))[:200] for key in ("von", "bis", "firma") if termin.get(key)}
        latest["termin"] = {"termin": kept}
    return latest


def _entry(  # noqa: PLR0913, PLR0917 - the parts of an entry
    event: Event, vorgang: Vorgang, art: str, text: str, daten: Mapping[str, Any], author_name: str = ""
) -> Aktivitaet:
    return Aktivitaet(
        id=uuid5(_ENTRIES, f"{vorgang.mandant}/{event.id}"),
        vorgang_id=vorgang.id,
        zeit=event.zeit,
        art=art,
        author="VERWALTUNG",
        author_name=author_name[:200],
        text=text,
        daten=dict(daten),
        seq=event.seq,
    )


def _texts(daten: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    told = {column: _text(daten.get(name))[:100].rstrip(" ") for name, column in names.items()}
    return {column: text for column, text in told.items() if text}


def _text(value: object) -> str:
    """Return text as it may be stored: without NUL and half characters, and not endless."""
    if value is None or isinstance(value, Mapping | list):
        return ""
    kept = str(value).replace("\x00", "").encode("utf-8", "replace")[:_BYTES_MAX].decode("utf-8", "ignore")
    return kept[:_TEXT_MAX]


def _objects(value: object) -> tuple[Mapping[str, Any], ...]:
    return tuple(item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else ()
