"""What follows from the ERP's answers: events for the residents, outbox rows for the operator, packages put away."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from service.store import filedrop, vorgaenge
from service.store.database import connected
from service.store.records import Answer, Paket
from service.sync.alarms import raise_alarm
from service.sync.immotion.filedrop.folders import Folders, Place
from service.sync.immotion.filedrop.inhalt import Event
from service.sync.immotion.filedrop.quittungen import announcement

log = structlog.get_logger()

Answers = Sequence[tuple[str, Answer]]


def announcements(mandant: str, given: Answers, now: datetime) -> list[Event]:
    """Return the events that accepted Vorgänge with a number deserve; needs a connection to the store."""
    pakete = filedrop.by_names(mandant, [name for name, _ in given])
    events = []
    for name, answer in given:
        paket = pakete.get(name)
        if paket and paket.aktivitaet_id is None and answer.result != filedrop.REFUSED and answer.vorgangsnummer:
            events.append(announcement(paket, _with_free_id(paket, answer, now)))
    return events


def _with_free_id(paket: Paket, answer: Answer, now: datetime) -> Answer:
    """Leave out the ERP's id if another Vorgang has it: two reports booked as one keep their number, not the key."""
    if answer.immotion_id in {"", paket.immotion_id}:
        return answer
    other = vorgaenge.by_immotion_id(paket.mandant, answer.immotion_id)
    if other is None or other.id == paket.vorgang_id:
        return answer
    raise_alarm("immotion_id_taken", mandant=paket.mandant, now=now, vorgang=str(paket.vorgang_id))
    return Answer(answer.result, answer.digest, answer.zeit, "", answer.vorgangsnummer, answer.grund)


def carry_out(mandant: str, given: Answers, folders: Folders, now: datetime) -> list[str]:
    """Write the answers down and put the packages away; returns what could not be understood. Raises OSError."""
    complaints = []
    for name, answer in given:
        with connected():
            paket, complaint = _settle(mandant, name, answer, now)
        if complaint:
            complaints.append(f"{name}: {complaint}")
        if paket is not None:
            put_away(paket, folders)
    return complaints


def _settle(mandant: str, name: str, answer: Answer, now: datetime) -> tuple[Paket | None, str]:
    """Return the package as it stands after this answer, and what is wrong with the answer."""
    while True:
        paket = filedrop.by_names(mandant, [name]).get(name)
        if paket is None:
            return None, "no package of this name was written"
        complaint, new = _judge(paket, answer)
        if not new:
            return paket, complaint
        if filedrop.acknowledge(paket, answer, now):
            _say(paket, answer, now)
            return filedrop.by_names(mandant, [name])[name], complaint


def _judge(paket: Paket, answer: Answer) -> tuple[str, bool]:
    """Return what is wrong with an answer, and whether it is to be written down."""
    if answer.digest == paket.answer:
        return "", False
    accepted = paket.result not in {"", filedrop.REFUSED}
    if accepted and answer.result == filedrop.REFUSED:
        return "FEHLER after it was accepted", False
    if accepted and paket.vorgangsnummer and answer.vorgangsnummer not in {"", paket.vorgangsnummer}:
        return "another Vorgangsnummer than before", False
    if accepted and (paket.vorgangsnummer or not answer.vorgangsnummer):
        return "", False
    lacking = answer.result == "OK" and paket.aktivitaet_id is None and not answer.vorgangsnummer
    return ("OK without vorgangsnummer" if lacking else ""), True


def _say(paket: Paket, answer: Answer, now: datetime) -> None:
    facts = {"vorgang": str(paket.vorgang_id), "paket": paket.name}
    if answer.result == filedrop.REFUSED:
        raise_alarm("package_refused", mandant=paket.mandant, now=now, **facts)
    else:
        log.info("package_acknowledged", mandant=paket.mandant, **facts, result=answer.result)


def put_away(paket: Paket, folders: Folders) -> None:
    """Take an answered package out of in/, if the ERP has not; one that waits for an answer stays. Raises OSError."""
    name = f"{paket.name}.zip"
    path = folders.path(Place.IN, name)
    if paket.result == filedrop.REFUSED:
        folders.put_away(path, Place.FEHLER, name, paket.grund)
    elif paket.result:
        folders.put_away(path, Place.ARCHIV, name)
