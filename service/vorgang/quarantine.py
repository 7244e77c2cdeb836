"""The ways out of quarantine: a file is scanned again, released, or discarded for good.

A file that is released is there for whoever it belongs to. immotion gets it with its Vorgang, or with what it was added
by; where that has gone already, by an Aktivität of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from uuid_utils.compat import uuid7

from service.files.scan import ScanState, Verdict
from service.store import deliveries, outbox, quarantine, vorgaenge
from service.store.database import in_transaction
from service.store.holds import Held
from service.store.quarantine import Quarantined
from service.store.records import DOKUMENT, NACHRICHT, Aktivitaet, OwedRow, Vorgang
from service.vorgang.delivery_facts import moment
from service.vorgang.messages import Art
from service.vorgang.notices import Sammelzeit, owe_news

FREIGEGEBEN = "freigegeben"
_TEXT = "Nach der Virenprüfung freigegeben."


class Weg(StrEnum):
    """How immotion gets a released file: not at all, with a delivery that is still owed, or by one of its own."""

    NICHT = "none"
    MIT = "along"
    NACH = "after"


class UnderHold(Exception):
    """A legal hold keeps the file: it is not discarded."""


@dataclass(frozen=True, slots=True)
class Freigabe:
    """By whose command something is released: `within` is part of the transaction, `request_id` follows it."""

    zeit: Sammelzeit
    request_id: str
    within: Callable[[], None]


def weg_of(item: Quarantined) -> Weg:
    """Return how immotion would get a file if it were released now."""
    if item.anhang is None or item.anhang.vorgang_id is None or not item.of_resident:
        return Weg.NICHT
    return _weg(item, deliveries.rows_of(item.datei.mandant, item.anhang.vorgang_id))


def _weg(item: Quarantined, rows: list[OwedRow]) -> Weg:
    """Take the delivery that the file belongs to; what may be at immotion already must not become another body."""
    own = next((row for row in rows if item.anhang and row.aktivitaet_id == item.anhang.aktivitaet_id), None)
    if own is None or own.state == deliveries.DROPPED:
        return Weg.NICHT
    open_ = own.state in deliveries.OWED and own.lease_until is None and not own.outcome_unknown
    return Weg.MIT if open_ else Weg.NACH


def release(item: Quarantined, how: Freigabe, *, now: datetime) -> bool:
    """Let a file go; False when it is not in quarantine any more, and then nothing is done."""

    def work() -> bool:
        if not quarantine.release(item.datei.id, now):
            return False
        how.within()
        anhang = item.anhang
        vorgang = vorgaenge.by_id(item.datei.mandant, anhang.vorgang_id) if anhang and anhang.vorgang_id else None
        if vorgang is not None:
            _hand_in(item, vorgang, how, now)
            owe_news(vorgang, NACHRICHT if item.of_resident else DOKUMENT, how.zeit, now=now)
        return True

    return in_transaction(work)


def _hand_in(item: Quarantined, vorgang: Vorgang, how: Freigabe, now: datetime) -> None:
    """Have immotion receive a resident's file; no worker takes the Vorgang's rows until this is committed."""
    deliveries.lock_vorgang(vorgang.mandant, vorgang.id)
    if item.anhang is None or weg_of(item) is not Weg.NACH:
        return
    name = item.anhang.dateiname
    entry = Aktivitaet(uuid7(), vorgang.id, now, Art.ANHANG, "PORTAL", "", _TEXT, {FREIGEGEBEN: name})
    vorgaenge.add_aktivitaet(entry)
    quarantine.hand_in(item.datei.id, entry.id)
    outbox.owe(vorgang.mandant, vorgang.id, aktivitaet_id=entry.id, request_id=how.request_id, now=now)


def settle(item: Quarantined, verdict: Verdict, how: Freigabe, *, now: datetime) -> bool:
    """Write what a scan has said anew, and let a clean file go; True if it went."""
    if verdict.state is ScanState.CLEAN:
        return release(item, how, now=now)

    def work() -> bool:
        quarantine.still(item.datei.id, verdict.state, verdict.found)
        how.within()
        return False

    return in_transaction(work)


def discard(item: Quarantined, held: Callable[[], Held], within: Callable[[], None], *, now: datetime) -> bool:
    """Give a file up for good: its key is forgotten, its bytes are the caller's to delete; what is known of it stays.

    False when it is not in quarantine any more. Raises UnderHold.
    """

    def work() -> bool:
        if quarantine.is_held(item.datei.id, held()):
            raise UnderHold(item.datei.id)
        if not quarantine.discard(item.datei.id, now):
            return False
        within()
        return True

    return in_transaction(work)


def facts(item: Quarantined) -> Mapping[str, Any]:
    """Return a file in quarantine as JSON."""
    anhang, dokumente = item.anhang, item.dokumente
    return {
        "id": str(item.datei.id),
        "mandant": item.datei.mandant,
        "state": item.datei.scan,
        "found": item.datei.found,
        "since": moment(item.datei.created_at),
        "dateiname": anhang.dateiname if anhang else dokumente.dateiname if dokumente else "",
        "bytes": anhang.bytes if anhang else dokumente.bytes if dokumente else 0,
        "sha256": anhang.sha256 if anhang else dokumente.sha256 if dokumente else "",
        "from": "resident" if item.of_resident else "company",
        "meldenummer": item.meldenummer,
        "draft": anhang is not None and anhang.vorgang_id is None,
        "dokument_id": dokumente.dokument_id if dokumente else anhang.dokument_id if anhang else None,
        "documents": dokumente.count if dokumente else 0,
        "recipients": dokumente.recipients if dokumente else 0,
        "on_release": weg_of(item),
    }
