"""A Vorgang or an Aktivität becomes a package: vorgang.xml, attachments, and a manifest of their digests."""

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from lxml import etree

from service.store.records import Paket
from service.sync.immotion.filedrop.safexml import NAMESPACE, Element, clean, problems

ENVELOPE = "vorgang.xml"
MANIFEST = "manifest.sha256"
# What is a list in JSON is an element around elements of this name.
_ITEMS = {"anhaenge": "anhang", "laermprotokoll": "eintrag", "zeitfenster": "fenster"}
_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """An attachment's bytes, to be read from their beginning."""

    anhang: Mapping[str, Any]
    file: BinaryIO

    @property
    def member(self) -> str:
        """Return its name in the package: the portal's id, so that no resident chooses a name in the ERP's folder."""
        return member_of(self.anhang)


def member_of(anhang: Mapping[str, Any]) -> str:
    """Return the name of an attachment's member."""
    suffix = PurePosixPath(str(anhang["dateiname"])).suffix.lower()
    return f"anhaenge/{anhang['anhangId']}{suffix if _SUFFIX.fullmatch(suffix) else ''}"


def envelope(kind: str, body: Mapping[str, Any]) -> Element:
    """Return the element `vorgang` or `aktivitaet` of a body of the Vorgang interface v1, value for value."""
    files = [{**anhang, "datei": member_of(anhang)} for anhang in body.get("anhaenge", [])]
    return _element(kind, {**body, "anhaenge": files} if files else body)


def envelope_problems(inner: Element) -> list[str]:
    """Return where an envelope is not valid by vorgang.xsd; before it gets a number, which must leave no gap."""
    return problems(inner, "vorgang")


def write_package(file: BinaryIO, paket: Paket, inner: Element, contents: Sequence[Content]) -> None:
    """Write the ZIP: the same record gives the same bytes, so that writing it again changes nothing."""
    document = etree.Element(
        f"{{{NAMESPACE}}}paket",
        nsmap={None: NAMESPACE},
        name=paket.name,
        mandant=paket.mandant,
        nummer=str(paket.seq),
        erstellt=paket.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    document.append(inner)
    text = etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    lines = [f"{sha256(text).hexdigest()}  {ENVELOPE}"]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_info(ENVELOPE, paket.created_at), text)
        lines += [f"{_copy(archive, content, paket.created_at)}  {content.member}" for content in contents]
        archive.writestr(_info(MANIFEST, paket.created_at), "\n".join(lines) + "\n")


def _copy(archive: zipfile.ZipFile, content: Content, moment: datetime) -> str:
    digest = sha256()
    content.file.seek(0)
    with archive.open(_info(content.member, moment), "w") as member:
        while chunk := content.file.read(_CHUNK):
            digest.update(chunk)
            member.write(chunk)
    return digest.hexdigest()


def _info(name: str, moment: datetime) -> zipfile.ZipInfo:
    at = moment.astimezone(UTC)
    info = zipfile.ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
    info.external_attr = 0o644 << 16
    return info


def _element(name: str, value: object) -> Element:
    made = etree.Element(f"{{{NAMESPACE}}}{name}", nsmap={None: NAMESPACE})
    if name == "antworten" and isinstance(value, Mapping):
        made.extend(_answer(str(frage), antwort) for frage, antwort in value.items())
    elif isinstance(value, Mapping):
        made.extend(_element(key, inner) for key, inner in value.items() if inner is not None)
    elif isinstance(value, list | tuple):
        made.extend(_element(_ITEMS[name], inner) for inner in value)
    else:
        made.text = _text(value)
    return made


def _answer(frage: str, antwort: object) -> Element:
    made = etree.Element(f"{{{NAMESPACE}}}antwort", frage=clean(frage))
    made.text = _text(antwort)
    return made


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else clean(str(value))
