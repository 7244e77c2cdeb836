"""Reads a package of the file drop as docs/filedrop.md asks of an ERP: manifest, schema, the same body as by HTTP."""

import hashlib
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree

from service.standin.words import JsonObject

NAMESPACE = "urn:mieterportal:filedrop:1"
SCHEMAS = Path(__file__).parents[1] / "schemas"
_LISTS = frozenset({"anhaenge", "laermprotokoll", "zeitfenster"})
_OBJECTS = frozenset(
    {
        "melder",
        "objekt",
        "schaden",
        "notfallAnzeige",
        "kontakt",
        "beschwerde",
        "eintrag",
        "dokument",
        "zugang",
        "vorschlag",
        "anhang",
        "verknuepfung",
        "vorgang",
        "aktivitaet",
    }
)
_NUMBERS = frozenset({"bytes", "bewertung"})
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_CHUNK = 256 * 1024


class PaketRefused(Exception):
    """The package is not what the interface says."""


@dataclass(frozen=True, slots=True)
class Paket:
    """`kind` is vorgang or aktivitaet; `members` maps each attachment's id to its name in the ZIP."""

    name: str
    kind: str
    body: JsonObject
    members: Mapping[str, str]
    archive: zipfile.ZipFile

    def open(self, anhang_id: str) -> BinaryIO:
        """Open an attachment; raises PaketRefused."""
        try:
            return self.archive.open(self.members[anhang_id])  # type: ignore[return-value] # its read() is all we use
        except KeyError as missing:
            raise PaketRefused("Ein Anhang fehlt im Paket") from missing


def read_paket(archive: zipfile.ZipFile, name: str) -> Paket:
    """Check the manifest and the schema and return what the package says; raises PaketRefused."""
    _check_manifest(archive)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(archive.read("vorgang.xml"), parser)
    except etree.XMLSyntaxError as broken:
        raise PaketRefused("vorgang.xml ist kein XML") from broken
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "vorgang.xsd"))
    if not schema.validate(root) or root.get("name") != name:
        raise PaketRefused("vorgang.xml passt nicht zu vorgang.xsd oder zum Namen des Pakets")
    inner = root[0]
    body = _value(inner)
    members = {anhang["anhangId"]: anhang.pop("datei") for anhang in body.get("anhaenge", [])}
    return Paket(name, etree.QName(inner).localname, body, members, archive)


def _check_manifest(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    if len(set(names)) != len(names) or not {"vorgang.xml", "manifest.sha256"} <= set(names):
        raise PaketRefused("vorgang.xml oder manifest.sha256 fehlt")
    lines = [_LINE.fullmatch(line) for line in archive.read("manifest.sha256").decode().splitlines()]
    stated = {line[2]: line[1] for line in lines if line}
    if set(stated) != set(names) - {"manifest.sha256"}:
        raise PaketRefused("manifest.sha256 nennt andere Dateien, als das Paket enthält")
    for name, digest in stated.items():
        if _digest(archive, name) != digest:
            raise PaketRefused("Eine Datei passt nicht zu ihrer Prüfsumme")


def _digest(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as member:
        while chunk := member.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _value(element: Any) -> Any:  # noqa: ANN401 - lxml has no types, and JSON may be anything
    name = etree.QName(element).localname
    text = element.text or ""
    if name == "antworten":
        return {answer.get("frage"): answer.text or "" for answer in element}
    if name in _LISTS:
        return [_value(inner) for inner in element]
    if name in _OBJECTS:
        return {etree.QName(inner).localname: _value(inner) for inner in element}
    if name in _NUMBERS:
        return int(text)
    return text == "true" if name == "anwesenheit" else text
