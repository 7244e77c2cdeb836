"""Acknowledgements: what the ERP says became of each package."""

from collections.abc import Mapping
from hashlib import sha256

from service.store.records import Answer, Paket
from service.sync.immotion.filedrop.inhalt import Event, Inhalt, moment
from service.sync.immotion.filedrop.safexml import parse
from service.sync.immotion.filedrop.unreadable import Unreadable

REFUSED = "FEHLER"


def read_quittungen(data: bytes, mandant: str) -> Inhalt:
    """Return the answers of a file, in its order; raises Unreadable."""
    root = parse(data, "quittung")
    if root.get("mandant") != mandant:
        raise Unreadable("acknowledgements of another Mandant")
    answers, complaints = [], []
    for record in root:
        name = str(record.get("paket")).removesuffix(".zip")
        if record.get("ergebnis") == REFUSED and not record.get("grund"):
            complaints.append(f"{name}: FEHLER without grund")
        try:
            answers.append((name, _answer(record.attrib)))
        except ValueError:
            complaints.append(f"{name}: zeit cannot be understood")
    return Inhalt(answers=tuple(answers), complaints=tuple(complaints))


def _answer(record: Mapping[str, str]) -> Answer:
    given = {name: str(record.get(name, "")) for name in ("ergebnis", "zeit", "vorgangsnummer", "vorgangId", "grund")}
    return Answer(
        result=given["ergebnis"],
        zeit=moment(given["zeit"]),
        digest=sha256("\n".join(f"{name}={value}" for name, value in sorted(given.items())).encode()).hexdigest(),
        immotion_id=given["vorgangId"] or given["vorgangsnummer"],
        vorgangsnummer=given["vorgangsnummer"],
        grund=given["grund"] or ("ohne Grund" if given["ergebnis"] == REFUSED else ""),
    )


def announcement(paket: Paket, answer: Answer) -> Event:
    """Return the event VORGANG_ANGELEGT of an accepted Vorgang: one for each Vorgang, however often it is said."""
    return {
        "ereignisId": f"fd-angelegt-{paket.vorgang_id}",
        "typ": "VORGANG_ANGELEGT",
        "zeit": answer.zeit.isoformat(),
        "mandant": paket.mandant,
        "externeId": str(paket.vorgang_id),
        "vorgangId": answer.immotion_id,
        "vorgangSeq": 1,
        "sichtbarkeit": "MIETER",
        "daten": {"vorgangsnummer": answer.vorgangsnummer, "vorgangId": answer.immotion_id},
    }
