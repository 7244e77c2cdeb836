"""Stored values become bodies of the Vorgang interface v1 (docs/immotion-v1.yaml): the same value, the same body."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from service.store.clean import moment
from service.store.dokument_records import Lesung, Zustellung
from service.store.records import Aktivitaet, Anhang, Vorgang

_SEQ_END = 2**31


def vorgang_body(vorgang: Vorgang, anhaenge: Sequence[Anhang]) -> dict[str, Any]:
    """Return the VorgangNeu of a Vorgang with the files it was filed with."""
    body: dict[str, Any] = {
        "externeId": str(vorgang.id),
        "mandant": vorgang.mandant,
        "typ": vorgang.typ,
        "meldezeit": timestamp(vorgang.meldezeit),
        "kanal": vorgang.kanal,
        "melder": dict(vorgang.melder),
        "betreff": vorgang.betreff,
        "vorschlag": _vorschlag(vorgang.routing),
        **_kind(vorgang),
    }
    optional = {
        "objekt": dict(vorgang.objekt),
        "beschreibung": vorgang.beschreibung,
        "zugang": {"zeitfenster": [vorgang.erreichbar]} if vorgang.erreichbar else {},
        "anhaenge": [_anhang(anhang) for anhang in anhaenge],
    }
    return body | {name: value for name, value in optional.items() if value}


def aktivitaet_body(aktivitaet: Aktivitaet, anhaenge: Sequence[Anhang]) -> dict[str, Any]:
    """Return the body of what a resident added."""
    body: dict[str, Any] = {"art": aktivitaet.art, "zeit": timestamp(aktivitaet.zeit)}
    optional = {
        "text": aktivitaet.text,
        "bewertung": aktivitaet.daten.get("bewertung"),
        "anhaenge": [_anhang(anhang) for anhang in anhaenge],
    }
    return body | {name: value for name, value in optional.items() if value}


def quittung_body(told: Lesung | Zustellung) -> dict[str, Any]:
    """Return the QuittungNeu of what became of a document: provided, told of by mail, or opened by somebody first."""
    if isinstance(told, Zustellung):
        return {"art": told.art, "zeit": timestamp(told.zeit)}
    return _opened(told)


def _opened(lesung: Lesung) -> dict[str, Any]:
    person = {"personNr": lesung.person} if lesung.person else {}
    return {"art": "ERSTMALS_GEOEFFNET", "zeit": timestamp(lesung.opened_at), **person}


def timestamp(zeit: datetime) -> str:
    """Write a time as RFC 3339 in UTC, to the microsecond."""
    return zeit.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def seq_of(event: Mapping[str, Any]) -> int:
    """Return the vorgangSeq of an event or view; 0, lower than any, when there is none."""
    seq = event.get("vorgangSeq")
    return seq if isinstance(seq, int) and not isinstance(seq, bool) and 0 < seq < _SEQ_END else 0


def _vorschlag(routing: Mapping[str, Any]) -> dict[str, Any]:
    sent = ("vorgangsart", "prioritaet", "aufgabentraeger", "sachbearbeiter", "ausfuehrungsfrist", "regel")
    return {name: routing[name] for name in sent if routing.get(name)}


def _kind(vorgang: Vorgang) -> dict[str, Any]:
    details = vorgang.details
    if vorgang.typ == "SCHADEN":
        return {"schaden": _schaden(vorgang)}
    if vorgang.typ == "BESCHWERDE":
        log = {
            "von": details.get("laerm_wann"),
            "bis": details.get("laerm_dauer"),
            "art": details.get("laerm_haeufigkeit"),
        }
        noted = {name: value for name, value in log.items() if value}
        return {"beschwerde": {"art": details["beschwerdeart"]} | ({"laermprotokoll": [noted]} if noted else {})}
    if vorgang.typ == "DOKUMENT":
        names = ("dokumentart", "zeitraum", "zweck")
        return {"dokument": {name: details[name] for name in names if details.get(name)}}
    return {"kontakt": {"thema": details["kontaktthema"]}}


def _schaden(vorgang: Vorgang) -> dict[str, Any]:
    details = vorgang.details
    schaden: dict[str, Any] = {
        "schadensort": details["schadensort"],
        "schadenskategorie": details["schadenskategorie"],
        "schadensart": details["schadensart"],
        "katalogVersion": vorgang.catalog_version,
        "antworten": dict(details.get("antworten", {})),
    }
    if notfall := details.get("notfall"):
        confirmed = moment(notfall["bestaetigt_um"]) or vorgang.meldezeit
        schaden["notfallAnzeige"] = {"regel": notfall["regel"], "bestaetigtUm": timestamp(confirmed)}
    return schaden


def _anhang(anhang: Anhang) -> dict[str, Any]:
    return {
        "anhangId": str(anhang.id),
        "dateiname": anhang.dateiname,
        "mime": anhang.mime,
        "bytes": anhang.bytes,
        "sha256": anhang.sha256,
    }
