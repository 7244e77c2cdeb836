"""The list of a folder of documents: one line for each document and recipient, read line by line."""

import csv
import os
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import TextIO

from service.files.papers import SIZE_MAX, is_plain_name
from service.store import clean
from service.store.dokument_records import ORDNER, Empfaenger, NeuesDokument
from service.vorgang.catalog import Catalog
from service.vorgang.dokumente import DokumentRefused, day, level_of, period, search_text

COLUMNS = (
    "datei", "art", "titel", "datum", "personNr", "vertragNr", "gebaeudeNr", "alle", "von", "bis", "loeschenNach",
    "stufe", "dokumentId", "sha256",
)  # fmt: skip
_REQUIRED = ("datei", "art", "datum")
_YES = {"1", "ja", "x", "true"}
_SHA_256 = 64
_NOT_UTF_8 = "is not UTF-8; in Excel, save it as “CSV UTF-8”"


class ListRefused(Exception):
    """The list as a whole cannot be read."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that nothing was published of: a code, and the same in words."""

    line: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Posten:
    """A line: the file, what is told of the document (its id may still be ""), and one recipient."""

    line: int
    path: Path
    neu: NeuesDokument
    empfaenger: Empfaenger


@dataclass(frozen=True, slots=True)
class Rules:
    """What lines are measured by: the folder, the Mandant's catalog, and whether it has second factors."""

    folder: Path
    catalog: Catalog
    level2: bool


def read_postens(file: TextIO, rules: Rules) -> Iterator[Posten | Bad]:
    """Yield a Posten for each line that can be one, and what is wrong with the others; raises ListRefused."""
    try:
        separator, names = _head(file)
        reader = csv.reader(file, delimiter=separator, strict=True)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _posten(reader.line_num + 1, names, cells, rules)
    except UnicodeDecodeError as wrong:
        raise ListRefused(_NOT_UTF_8) from wrong
    except csv.Error as wrong:
        raise ListRefused(f"cannot be read as CSV ({wrong})") from wrong


def unused_columns(file: TextIO) -> list[str]:
    """Return the columns that a list has and nothing is made of, one that is misspelt among them; raises ListRefused.

    Reads the first line.
    """
    try:
        _, names = _head(file)
    except UnicodeDecodeError as wrong:
        raise ListRefused(_NOT_UTF_8) from wrong
    return [name for name in names if name and name not in COLUMNS]


def _head(file: TextIO) -> tuple[str, list[str]]:
    """Return the separator and the names of the columns."""
    head = file.readline()
    separator = max(";,\t", key=head.count)
    names = [_column(name) for name in next(csv.reader([head], delimiter=separator), [])]
    if missing := [name for name in _REQUIRED if name not in names]:
        raise ListRefused(f"its first line must name the columns {', '.join(missing)}; known: {', '.join(COLUMNS)}")
    if twice := [name for name in COLUMNS if names.count(name) > 1]:
        raise ListRefused(f"its first line names columns twice: {', '.join(twice)}")
    return separator, names


def _column(name: str) -> str:
    plain = name.strip().replace("_", "").casefold()
    return next((column for column in COLUMNS if column.casefold() == plain), name.strip())


def _posten(line: int, names: list[str], cells: list[str], rules: Rules) -> Posten | Bad:
    if any(cell.strip() for cell in cells[len(names) :]):
        return Bad(line, "LINE", "more fields than columns")
    given = dict.fromkeys(COLUMNS, "") | {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
    try:
        _check_characters(given)
        path = _path(given["datei"], rules.folder)
        return Posten(line, path, _neu(given, rules), _empfaenger(given))
    except DokumentRefused as refused:
        return Bad(line, refused.code, _WORDS.get(refused.code, refused.code))


def _check_characters(given: Mapping[str, str]) -> None:
    """Refuse what no number, code or day has; a title is for people and is cleaned instead."""
    others = (cell for name, cell in given.items() if name not in {"titel", "datei"})
    if any(clean.is_unseen(sign) or ord(sign) in clean.OVERRIDES for cell in others for sign in cell):
        raise DokumentRefused("CHARACTERS")


def _path(name: str, folder: Path) -> Path:
    if not is_plain_name(name) or name in {".", ".."}:
        raise DokumentRefused("NAME")
    path = _written(name, folder)
    try:
        status = path.lstat()
    except OSError as gone:
        raise DokumentRefused("NO_FILE") from gone
    if not S_ISREG(status.st_mode):
        raise DokumentRefused("NO_FILE")
    if status.st_size > SIZE_MAX:
        raise DokumentRefused("TOO_LARGE")
    if not status.st_size:
        raise DokumentRefused("EMPTY")
    return path


def _written(name: str, folder: Path) -> Path:
    """Return where a file lies whose name may be written with accents of their own in one place, composed in another.

    A Mac writes them so, and Excel and archives the other way: to whoever looks, both are the same name.
    """
    spellings = (name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD")))
    return next((path for path in (folder / one for one in spellings) if os.path.lexists(path)), folder / name)


def _neu(given: Mapping[str, str], rules: Rules) -> NeuesDokument:
    art, datum = given["art"], day(given["datum"])
    if art not in rules.catalog.dokumentarten:
        raise DokumentRefused("KIND")
    if datum is None:
        raise DokumentRefused("DATE")
    von, bis = period({name: given[name] for name in ("von", "bis")}, art, datum)
    titel = clean.shown(given["titel"], 255) or rules.catalog.dokumentarten[art].label.de[:255]
    loeschen_nach = day(given["loeschenNach"])
    if given["loeschenNach"] and loeschen_nach is None:
        raise DokumentRefused("DATE")
    return NeuesDokument(
        dokument_id=given["dokumentId"],
        quelle=ORDNER,
        art=art,
        titel=titel,
        dateiname=given["datei"],
        suche=search_text(titel, given["datei"], art, rules.catalog),
        datum=datum,
        von=von,
        bis=bis,
        level=_level(given["stufe"], rules),
        loeschen_nach=loeschen_nach,
        mime="",
        bytes=0,
        sha256=_digest(given["sha256"]),
    )


def _level(text: str, rules: Rules) -> int | None:
    level = level_of(int(text) if text in {"1", "2"} else text or None)
    if level == 2 and not rules.level2:  # noqa: PLR2004 - the security level
        raise DokumentRefused("LEVEL")
    return level


def _digest(text: str) -> str:
    if text and (len(text) != _SHA_256 or set(text.lower()) - set("0123456789abcdef")):
        raise DokumentRefused("DIGEST")
    return text.lower()


def _empfaenger(given: Mapping[str, str]) -> Empfaenger:
    person, vertrag, gebaeude = (given[name] for name in ("personNr", "vertragNr", "gebaeudeNr"))
    alle = given["alle"].casefold() in _YES
    if bool(person or vertrag) + bool(gebaeude) + alle != 1:
        raise DokumentRefused("NO_RECIPIENT")
    return Empfaenger(person, vertrag, gebaeude, alle)


_WORDS = {
    "CHARACTERS": "a field has control characters, or some that turn the direction of writing",
    "NAME": "datei must be the plain name of a file of the folder, without parts of a path or control characters",
    "NO_FILE": "there is no such file in the folder",
    "TOO_LARGE": f"the file is larger than {SIZE_MAX // 2**20} MiB",
    "EMPTY": "the file has no bytes",
    "KIND": "the catalog has no such kind of document (art)",
    "DATE": "datum, von, bis and loeschenNach are days as 2026-11-23",
    "PERIOD": "bis is before von",
    "LEVEL": "stufe is 1 or 2, and 2 only where the Mandant has second factors ([mandanten.….level2])",
    "DIGEST": "the file has not this sha256",
    "NO_RECIPIENT": "name one recipient: a person (with or without the contract), a contract, a building, or all",
    "TYPE": "neither PDF nor JPEG, PNG or WebP",
    "DAMAGED": "the file is damaged",
    "ENCRYPTED": "the PDF is encrypted",
    "TOO_MANY_PIXELS": "the picture has too many pixels",
    "INFECTED": "the virus scan has found malware in it",
    "UNSCANNABLE": "the virus scan could not look into it",
    "OTHER_CONTENT": "this dokumentId is there already, with other bytes",
    "OTHER_LIMITS": "this dokumentId is there already, with another stufe or loeschenNach, and stays as it is",
    "UNREADABLE": "the file cannot be read",
    "UNKNOWN_PERSON": "the master data know no such person (personNr)",
    "UNKNOWN_VERTRAG": "the master data know no such contract (vertragNr)",
    "UNKNOWN_GEBAEUDE": "the master data know no such building (gebaeudeNr)",
    "NO_PARTY": "the person is no party to this contract in the master data (personNr, vertragNr)",
    "GONE": "its document has just been deleted by its age; publish it again",
}


def bad(posten: Posten, code: str) -> Bad:
    """Return what is wrong with a line, in words."""
    return Bad(posten.line, code, _WORDS.get(code, code))
