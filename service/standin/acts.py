"""What clerks do, as events: each act is a pure function of the Vorgang and the form."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from service.standin import labels
from service.standin.forms import Form, FormRefused, limit, require
from service.standin.vorgaenge import Vorgang
from service.standin.words import JsonObject, stamp

Act = Callable[[Vorgang, Form, str], JsonObject]


def _draft(vorgang: Vorgang, typ: str, daten: JsonObject, sichtbarkeit: str = "MIETER") -> JsonObject:
    return {"typ": typ, "vorgangId": vorgang.vorgang_id, "sichtbarkeit": sichtbarkeit, "daten": daten}


def _filled(**values: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def assign(vorgang: Vorgang, form: Form, _now: str) -> JsonObject:
    """Give the Vorgang to a Sachbearbeiter: event ZUORDNUNG."""
    require(form, anzeigeName="Bitte den Namen des Sachbearbeiters angeben.")
    limit(form, anzeigeName=120, nr=40, team=120, telefon=40, vorgangsart=40)
    person = _filled(
        nr=form.get("nr"), anzeigeName=form.get("anzeigeName"), team=form.get("team"), telefon=form.get("telefon")
    )
    more = _filled(
        vorgangsart=form.get("vorgangsart"),
        prioritaet=form.get("prioritaet") if form.get("prioritaet") in labels.PRIORITAET else "",
        ausfuehrungsfrist=_date(form, "ausfuehrungsfrist"),
    )
    return _draft(vorgang, "ZUORDNUNG", {"aufgabentraeger": person, **more})


def change_status(vorgang: Vorgang, form: Form, now: str) -> JsonObject:
    """Set the status, with words for the resident if there are any: event STATUS."""
    if form.get("code") not in labels.STATUS:
        raise FormRefused({"code": "Bitte einen Status auswählen."})
    limit(form, textMieter=4000)
    status = {"code": form.get("code"), "seit": now, **_filled(textMieter=form.get("textMieter"))}
    return _draft(vorgang, "STATUS", {"status": status})


def set_termin(vorgang: Vorgang, form: Form, _now: str) -> JsonObject:
    """Agree on an appointment; times are entered in German time: event TERMIN."""
    begin, end = _local(form, "von"), _local(form, "bis")
    if end <= begin:
        raise FormRefused({"bis": "Das Ende muss nach dem Beginn liegen."})
    limit(form, firma=120)
    termin = {"von": stamp(begin), "bis": stamp(end), **_filled(firma=form.get("firma"))}
    return _draft(vorgang, "TERMIN", {"termin": termin})


def write(vorgang: Vorgang, form: Form, _now: str) -> JsonObject:
    """Write to the resident or for colleagues only, files included: event AKTIVITAET."""
    require(form, text="Bitte eine Nachricht schreiben.")
    limit(form, text=4000, autor=120)
    author = form.get("autor") or vorgang.stand.get("aufgabentraeger", {}).get("anzeigeName") or "Verwaltung"
    daten = {
        "aktivitaetId": form.id,
        "art": "NACHRICHT",
        "text": form.get("text"),
        "autor": author,
        "dokumente": [new.wire() for new in form.files],
    }
    return _draft(vorgang, "AKTIVITAET", daten, _visibility(form))


def attach(vorgang: Vorgang, form: Form, now: str) -> JsonObject:
    """Provide one document: event DOKUMENT."""
    if not form.files:
        raise FormRefused({"datei": "Bitte eine Datei auswählen."})
    limit(form, titel=120, dokumentart=60)
    receiver = {k: v for k, v in vorgang.koerper.get("melder", {}).items() if k in {"personNr", "vertragNr"}}
    daten = {
        **form.files[0].wire(),
        "version": 1,
        "dokumentart": form.get("dokumentart") or "SCHREIBEN",
        "titel": form.get("titel") or form.files[0].dateiname,
        "datum": now[:10],
        "empfaenger": [receiver] if receiver else [],
        "vorgangId": vorgang.vorgang_id,
        "zustellung": "PORTAL",
    }
    return _draft(vorgang, "DOKUMENT", daten, _visibility(form))


ACTS: dict[str, Act] = {
    "zuordnung": assign,
    "status": change_status,
    "termin": set_termin,
    "nachricht": write,
    "dokument": attach,
}


def born_here(form: Form, now: str) -> JsonObject:
    """Return the body of a Vorgang that a clerk files for a person; raises FormRefused."""
    require(
        form,
        mandant="Bitte den Mandanten angeben.",
        personNr="Bitte die Personennummer angeben.",
        betreff="Bitte einen Betreff angeben.",
    )
    limit(form, mandant=60, personNr=40, einheitNr=40, betreff=120, beschreibung=4000)
    if form.get("typ") not in labels.TYP:
        raise FormRefused({"typ": "Bitte einen Vorgangstyp auswählen."})
    objekt = {"objekt": {"einheitNr": form.get("einheitNr")}} if form.get("einheitNr") else {}
    return {
        "mandant": form.get("mandant"),
        "typ": form.get("typ"),
        "meldezeit": now,
        "melder": {"personNr": form.get("personNr")},
        **objekt,
        "betreff": form.get("betreff"),
        **_filled(beschreibung=form.get("beschreibung")),
    }


def _visibility(form: Form) -> str:
    return "INTERN" if form.get("sichtbarkeit") == "INTERN" else "MIETER"


def _date(form: Form, name: str) -> str:
    text = form.get(name)
    try:
        return datetime.strptime(text, "%Y-%m-%d").date().isoformat() if text else ""  # noqa: DTZ007 - a day, not a time
    except ValueError as error:
        raise FormRefused({name: "Bitte ein Datum angeben."}) from error


def _local(form: Form, name: str) -> datetime:
    try:
        return datetime.fromisoformat(form.get(name)).replace(tzinfo=labels.ZONE).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FormRefused({name: "Bitte Datum und Uhrzeit angeben."}) from error
