"""One outbox row on its way: everything it needs, read before the first byte is sent, and the sending."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.files.scan import ScanState
from service.files.storage import Storage
from service.store import dokumente, lesungen, vorgaenge
from service.store.dokument_records import Lesung, Zustellung
from service.store.records import Aktivitaet, Anhang, OutboxItem, Vorgang
from service.sync.immotion.channel import Accepted, Channel, Permanent, Temporary
from service.sync.immotion.wire import aktivitaet_body, quittung_body, vorgang_body
from service.sync.kataloge import OUT_OF_DATE, with_version_in_force

# PENDING is among them so that `open` refuses it: it must not be left out as if it were infected.
_HANDED_ON = {None, ScanState.CLEAN, ScanState.PENDING}


@dataclass(frozen=True, slots=True)
class Parcel:
    """An outbox row with what it is about: a Vorgang, an Aktivität of it, or what became of a document.

    What is gone is None.
    """

    item: OutboxItem
    vorgang: Vorgang | None
    aktivitaet: Aktivitaet | None
    anhaenge: tuple[Anhang, ...]
    lesung: Lesung | None = None
    zustellung: Zustellung | None = None

    @property
    def waits_for_scan(self) -> bool:
        """Tell whether one of its files has not been scanned yet."""
        return any(anhang.scan == ScanState.PENDING for anhang in self.anhaenge)


def read_parcels(items: Sequence[OutboxItem]) -> list[Parcel]:
    """Return the parcels of these rows, read in a few queries however many they are."""
    ids = [item.vorgang_id for item in items if not _is_quittung(item)]
    found = vorgaenge.by_ids(ids)
    entries = vorgaenge.aktivitaeten([item.aktivitaet_id for item in items if item.aktivitaet_id])
    opened = lesungen.by_ids([item.lesung_id for item in items if item.lesung_id])
    provided = dokumente.zustellungen([item.dokument for item in items if item.dokument])
    files: dict[object, list[Anhang]] = {}
    for anhang in vorgaenge.anhaenge_of(ids):
        files.setdefault((anhang.vorgang_id, anhang.nachgereicht or anhang.aktivitaet_id), []).append(anhang)
    return [
        Parcel(
            item,
            found.get(item.vorgang_id),
            entries.get(item.aktivitaet_id) if item.aktivitaet_id else None,
            tuple(files.get((item.vorgang_id, item.aktivitaet_id), ())),
            opened.get(item.lesung_id) if item.lesung_id else None,
            provided.get((item.dokument, item.quittung or "")) if item.dokument else None,
        )
        for item in items
    ]


def _is_quittung(item: OutboxItem) -> bool:
    return item.lesung_id is not None or item.dokument is not None


@dataclass(frozen=True, slots=True)
class Sent:
    """What immotion said of a Vorgang (nothing of an Aktivität), and whether our mirror of its catalogs is old."""

    accepted: Accepted | None
    catalog_outdated: bool = False


def send(parcel: Parcel, channel: Channel, storage: Storage) -> Sent:
    """Send the files, then the rest; after an unknown outcome, ask first whether immotion has it already.

    A file in which the virus scan has found something stays here; its Vorgang goes without it.

    Raises the channel's errors; LookupError or FileNotFoundError for a row whose Vorgang, Aktivität or file is gone.
    """
    parcel = replace(parcel, anhaenge=tuple(anhang for anhang in parcel.anhaenge if anhang.scan in _HANDED_ON))
    item, vorgang = parcel.item, parcel.vorgang
    if _is_quittung(item):
        return _put_quittung(parcel, channel)
    if vorgang is None or (item.aktivitaet_id and parcel.aktivitaet is None):
        raise LookupError("what this row is about is gone")
    channel.begin(item)
    if item.outcome_unknown and parcel.aktivitaet is None:
        found = channel.find_vorgang(vorgang.id, item.request_id)
        if found is not None:
            return Sent(found)
    for anhang in parcel.anhaenge:
        with storage.open(anhang) as content:
            channel.put_anhang(anhang, content, item.request_id)
    if parcel.aktivitaet is None:
        return _put_vorgang(vorgang, parcel, channel)
    body = aktivitaet_body(parcel.aktivitaet, parcel.anhaenge)
    channel.put_aktivitaet(vorgang.id, parcel.aktivitaet.id, body, item.request_id)
    return Sent(None)


def _put_quittung(parcel: Parcel, channel: Channel) -> Sent:
    told = parcel.lesung or parcel.zustellung
    if told is None:
        raise LookupError("the document, or who opened it, is gone")
    channel.begin(parcel.item)
    channel.put_quittung(told.dokument_id, quittung_body(told), parcel.item.request_id)
    return Sent(None)


def _put_vorgang(vorgang: Vorgang, parcel: Parcel, channel: Channel) -> Sent:
    """Hand a Vorgang over; when immotion has newer catalogs, once more under their version."""
    body, request_id = vorgang_body(vorgang, parcel.anhaenge), parcel.item.request_id
    try:
        return Sent(channel.put_vorgang(vorgang.id, body, request_id))
    except (Permanent, Temporary) as refused:  # as it is, it is refused for ever, whatever immotion calls repeatable
        if refused.code != OUT_OF_DATE:
            raise
    newer = with_version_in_force(body, channel)
    return Sent(channel.put_vorgang(vorgang.id, newer, request_id), catalog_outdated=True)
