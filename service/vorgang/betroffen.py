"""The use case "betrifft mich auch": one tap on a known fault becomes a light Vorgang of whoever it concerns."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from service.store import aushaenge, outbox, vorgaenge
from service.store.aushang_records import Aushang, Gezeigt
from service.store.database import in_transaction
from service.store.records import Vertrag, Vorgang
from service.vorgang.assess import BETREFF_MAX, assess_light
from service.vorgang.aushang import Art, UnknownAushang, homes
from service.vorgang.catalog import Catalog, Schadensfall, Thema
from service.vorgang.filing import vorgang_of
from service.vorgang.types import House, Melder, Meldung, Submission, Vorgangstyp

_OTHER, _WHOLE_HOME, _GENERAL = ".SONSTIGES", "W_GESAMT", "ALLGEMEIN"
_SUFFIX = ": betrifft auch mich"


@dataclass(frozen=True, slots=True)
class Betroffener:
    """Who is concerned, by which sending of the button; `spend` uses up the request's token."""

    melder: Melder
    submission: Submission
    spend: Callable[[], None]


def concern(
    aushang_id: UUID, seen: Callable[[], Iterable[Gezeigt]], who: Betroffener, house: House, *, now: datetime
) -> Vorgang | None:
    """Note that a fault, one of those that `seen` returns, concerns somebody, and file it for them in one transaction.

    Returns the Vorgang, None if they had said so before. Raises UnknownAushang, and whatever `spend` raises.
    """

    def store() -> Vorgang | None:
        who.spend()
        faults = {one.aushang.id: one.aushang for one in seen() if one.aushang.art == Art.STOERUNG}
        if aushang_id not in faults:
            raise UnknownAushang
        if not aushaenge.concern(aushang_id, who.melder.owner, now=now):
            return None
        vorgang = _vorgang(faults[aushang_id], who, house, now)
        vorgaenge.insert(vorgang)
        outbox.owe(house.mandant, vorgang.id, request_id=vorgang.request_id, now=now)
        return vorgang

    return in_transaction(store)


def _vorgang(aushang: Aushang, who: Betroffener, house: House, now: datetime) -> Vorgang:
    """Make it; that it is there once is kept by who has said so, and not by the form's key."""
    vertrag = _home(aushang, who.melder, house, now)
    meldung = _meldung(aushang, house)
    assessed = assess_light(meldung, vertrag, house, now=now)
    details = {**assessed.details, "aushang": str(aushang.id)}
    made = vorgang_of(meldung, replace(assessed, details=details), who.melder, who.submission, house, now)
    return replace(made, form_key=None, fingerprint=None)


def _home(aushang: Aushang, melder: Melder, house: House, now: datetime) -> Vertrag | None:
    """Return the contract by which a fault concerns somebody: the first of theirs in its buildings."""
    at_home = homes(melder.vertraege, now.astimezone(house.zone).date())
    here = (one for one in at_home if not aushang.gebaeude or one.gebaeude_nr in aushang.gebaeude)
    return next(here, None)


def _meldung(aushang: Aushang, house: House) -> Meldung:
    """Say it in the clerk's words, as a damage of the fault's kind; one that names no kind is a Kontakt."""
    titel = aushang.titel.get("de") or next(iter(aushang.titel.values()), "")
    since = aushang.von.astimezone(house.zone)
    said = f"Die bekannte Störung „{titel}“ (seit {since:%d.%m.%Y, %H:%M} Uhr) betrifft auch mich."
    betreff = titel[: BETREFF_MAX - len(_SUFFIX)] + _SUFFIX
    fall = _fall(house.catalog, aushang)
    if fall is not None:
        return Meldung(
            Vorgangstyp.SCHADEN,
            betreff=betreff,
            beschreibung=said,
            schadensort=fall.ort.code,
            schadenskategorie=fall.kategorie.code,
            schadensart=fall.art.code,
        )
    themen = house.catalog.kontaktthemen
    thema = _GENERAL if _GENERAL in themen else _filed(themen)
    return Meldung(Vorgangstyp.KONTAKT, betreff=betreff, beschreibung=said, kontaktthema=thema)


def _filed(themen: Mapping[str, Thema]) -> str:
    """Return the first topic that more can be done about than to inform."""
    return next((code for code, one in themen.items() if not one.information), next(iter(themen)))


def _fall(catalog: Catalog, aushang: Aushang) -> Schadensfall | None:
    """Return the combination that a fault is of: its Kategorie's "other" if there is such, at its place."""
    arten = [
        art
        for art in catalog.schadensarten.values()
        if art.kategorie == aushang.schadenskategorie and aushang.schadensort in {"", *art.orte}
    ]
    if not arten:
        return None
    art = next((one for one in arten if one.code.endswith(_OTHER)), arten[0])
    whole = _WHOLE_HOME if _WHOLE_HOME in art.orte else art.orte[0]
    return catalog.triple(aushang.schadensort or whole, art.kategorie, art.code)
