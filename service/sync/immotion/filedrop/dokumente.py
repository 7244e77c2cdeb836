"""Documents of the ERP: a ZIP with an index. Each is an event; its bytes stay in the ZIP until they are fetched."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from service.sync.immotion.filedrop.inhalt import Event, Inhalt, event_id, externe_id, written_moment
from service.sync.immotion.filedrop.safexml import SIZE_MAX, Element, parse
from service.sync.immotion.filedrop.safezip import SafeZip, open_zip
from service.sync.immotion.filedrop.unreadable import Unreadable

INDEX = "index.xml"
MANIFEST = "manifest.sha256"
_DOKUMENT_ID = re.compile(r"fd-([0-9a-f]{64})-([0-9]{1,4})")


def read_dokumente(path: Path, digest: str, mandant: str) -> Inhalt:
    """Return the events of an archive's index, each file read to its end; raises Unreadable, OSError.

    A file that has not the digest of the index hurts no other: it is put aside when it is fetched.
    """
    with open_zip(path) as archive:
        root = _index(archive, mandant)
        named = {str(entry.get("datei")) for entry in root} | {INDEX, MANIFEST}
        if spare := set(archive.names) - named:
            raise Unreadable(f"{len(spare)} members that the index does not name")
        return Inhalt(events=tuple(_event(archive, digest, mandant, at, entry) for at, entry in enumerate(root)))


def _index(archive: SafeZip, mandant: str) -> Element:
    root = parse(archive.read(INDEX, SIZE_MAX), "dokumente")
    if root.get("mandant") != mandant:
        raise Unreadable("documents of another Mandant")
    return root


def _event(archive: SafeZip, digest: str, mandant: str, at: int, entry: Element) -> Event:
    given = {name: str(value) for name, value in entry.attrib.items()}
    zeit = written_moment(given["zeit"])
    size = sum(len(chunk) for chunk in archive.chunks(given["datei"]))
    externe = externe_id(given.get("externeId", ""))
    empfaenger = _empfaenger(given)
    if not externe and not given.get("vorgangId") and not empfaenger:
        raise Unreadable("a document with neither externeId nor vorgangId, and no recipient")
    event = {
        "ereignisId": event_id(mandant, given),
        "typ": "DOKUMENT",
        "zeit": zeit,
        "mandant": mandant,
        "sichtbarkeit": given["sichtbarkeit"],
        "daten": {**_daten(given, f"fd-{digest}-{at}", size), **({"empfaenger": [empfaenger]} if empfaenger else {})},
    }
    optional = {"externeId": externe, "vorgangId": given.get("vorgangId"), "vorgangSeq": int(given.get("folge", 0))}
    return event | {name: value for name, value in optional.items() if value}


def _daten(given: Mapping[str, str], dokument_id: str, size: int) -> dict[str, object]:
    return {
        "dokumentId": dokument_id,
        "erpDokumentId": given["dokumentId"],
        "version": int(given.get("version", 1)),
        "titel": given["titel"],
        "dokumentart": given.get("dokumentart", ""),
        "dateiname": given.get("dateiname") or given["datei"].rsplit("/", 1)[-1],
        "mime": given.get("mime", ""),
        "bytes": size,
        "sha256": given["sha256"].lower(),
        **_optional(given),
    }


def _optional(given: Mapping[str, str]) -> dict[str, object]:
    """Return what of a document need not be told: its day, its period, when it is deleted, the level it needs."""
    told: dict[str, object] = {name: given[name] for name in ("datum", "loeschenNach") if name in given}
    zeitraum = {name: given[f"zeitraum{name.title()}"] for name in ("von", "bis") if f"zeitraum{name.title()}" in given}
    return (
        told
        | ({"zeitraum": zeitraum} if zeitraum else {})
        | ({"stufe": int(given["stufe"])} if "stufe" in given else {})
    )


def _empfaenger(given: Mapping[str, str]) -> dict[str, object]:
    named: dict[str, object] = {
        name: given[name] for name in ("personNr", "vertragNr", "gebaeudeNr") if given.get(name)
    }
    return named | ({"alle": True} if given.get("alle", "").strip() in {"true", "1"} else {})


def place_of(dokument_id: str) -> tuple[str, int] | None:
    """Return the digest of the archive and the place in its index that our id of a document names."""
    match = _DOKUMENT_ID.fullmatch(dokument_id)
    return (match[1], int(match[2])) if match else None


def open_dokument(path: Path, at: int, mandant: str) -> Iterator[bytes]:
    """Yield the bytes of a document; raises Unreadable, OSError."""
    with open_zip(path) as archive:
        entries = list(_index(archive, mandant))
        if at >= len(entries):
            raise Unreadable("a document that the index does not have")
        yield from archive.chunks(str(entries[at].get("datei")))
