"""Status files: one line for each thing that happened to a Vorgang, as ERPs export them."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from service.sync.immotion.filedrop.inhalt import Event, Inhalt, event_id, externe_id, moment, written_moment
from service.sync.immotion.filedrop.unreadable import Unreadable

SIZE_MAX = 16 * 2**20
LINES_MAX = 20_000
TEXT_MAX = 20_000
_COMPLAINTS_MAX = 20
_BEGINNING = 100
_REQUIRED = {"zeit", "sichtbarkeit"}
_ONE_OF = {"externeId", "vorgangId"}
_COLUMNS = (
    "externeId",
    "vorgangId",
    "folge",
    "zeit",
    "sichtbarkeit",
    "status",
    "text",
    "sachbearbeiter",
    "team",
    "termin_von",
    "termin_bis",
    "firma",
    "autor",
)
_TIMES = ("zeit", "termin_von", "termin_bis")
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,60}")
_FOLGE = re.compile(r"[0-9]{1,10}")
_FOLGE_MIN, _FOLGE_MAX = 2, 2_000_000_000


def read_status(data: bytes, mandant: str) -> Inhalt:
    """Return the events of a status file; lines that cannot be understood are complaints. Raises Unreadable."""
    if len(data) > SIZE_MAX:
        raise Unreadable(f"CSV of more than {SIZE_MAX} bytes")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\x00" in data[:_BEGINNING]:
        raise Unreadable("UTF-16, where UTF-8 or CP1252 is read")
    if not data.endswith((b"\n", b"\r")):
        raise Unreadable("CSV whose last line does not end: not complete")
    events: list[Event] = []
    complaints: list[str] = []
    for line, row in _rows(_text(data)):
        try:
            events.append(_event(row, mandant))
        except ValueError as wrong:
            complaints.append(f"line {line}: {wrong}")
    more = len(complaints) - _COMPLAINTS_MAX
    shown = complaints[:_COMPLAINTS_MAX] + ([f"and {more} lines more"] if more > 0 else [])
    return Inhalt(events=tuple(events), complaints=tuple(shown))


def _text(data: bytes) -> str:
    """Decode UTF-8, with a byte order mark or without, else CP1252; what is valid UTF-8 is hardly ever CP1252."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError as neither:
        raise Unreadable("neither UTF-8 nor CP1252") from neither


def _rows(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    try:
        head = [name.strip() for name in next(reader, [])]
        _check_head(head)
        for count, row in enumerate(reader):
            if count >= LINES_MAX:
                raise Unreadable(f"CSV of more than {LINES_MAX} lines")
            if row:
                yield reader.line_num, _row(head, row)
    except csv.Error as broken:
        raise Unreadable(f"not a CSV file (near line {reader.line_num})") from broken


def _check_head(head: list[str]) -> None:
    if len(set(head)) != len(head):
        raise Unreadable("CSV with two columns of the same name")
    if missing := _REQUIRED - set(head):
        raise Unreadable(f"CSV without the column {', '.join(sorted(missing))}")
    if not _ONE_OF & set(head):
        raise Unreadable("CSV without a column externeId or vorgangId")


def _row(head: list[str], row: list[str]) -> Mapping[str, str]:
    """Return the columns we know; those missing at the end are empty, one too many makes the line wrong."""
    values = dict(zip(head, row, strict=False))
    found = {name: values.get(name, "").strip() for name in _COLUMNS}
    return found | {"": "x"} if len(row) > len(head) else found


def _event(row: Mapping[str, str], mandant: str) -> Event:
    """Return the event of a line; raises ValueError with what is wrong, without what stands there."""
    if row.get(""):
        raise ValueError("more fields than columns")
    externe, vorgang_id = externe_id(row["externeId"]), row["vorgangId"]
    if not externe and not vorgang_id:
        raise ValueError("neither externeId nor vorgangId")
    _check(row)
    times = {name: written_moment(row[name]) for name in _TIMES if row[name]}
    typ, daten = _meaning({**row, **times})
    event = {
        "ereignisId": event_id(mandant, {name: value for name, value in row.items() if value}),
        "typ": typ,
        "zeit": times["zeit"],
        "mandant": mandant,
        "sichtbarkeit": "MIETER" if row["sichtbarkeit"] == "MIETER" else "INTERN",
        "daten": daten,
    }
    optional = {"externeId": externe, "vorgangId": vorgang_id, "vorgangSeq": int(row["folge"] or 0)}
    return event | {name: value for name, value in optional.items() if value}


def _check(row: Mapping[str, str]) -> None:
    rules: dict[str, Callable[[str], bool]] = {
        "vorgangId": lambda value: len(value) <= 100 and value.isprintable(),  # noqa: PLR2004 - the length of its column
        "zeit": _is_time,
        "folge": lambda value: not value or _is_folge(value),
        "sichtbarkeit": lambda value: value in {"", "MIETER", "INTERN"},
        "status": lambda value: not value or bool(_CODE.fullmatch(value)),
        "text": lambda value: len(value) <= TEXT_MAX,
        "termin_von": lambda value: not value or _is_time(value),
        "termin_bis": lambda value: not value or _is_time(value),
    }
    for name, holds in rules.items():
        if not holds(row[name]):
            raise ValueError(f"{name} cannot be understood")
    if any("\x00" in value for value in row.values()):
        raise ValueError("a NUL in it")


def _meaning(row: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Return what a line is: a status (with all that is said beside it), an assignment, an appointment, a message."""
    person = _filled({"anzeigeName": row["sachbearbeiter"], "team": row["team"]})
    termin = _filled({"von": row["termin_von"], "bis": row["termin_bis"], "firma": row["firma"]})
    more: dict[str, Any] = _filled({"aufgabentraeger": person, "termin": termin if termin.get("von") else {}})
    if row["status"]:
        status = _filled({"code": row["status"], "seit": row["zeit"], "textMieter": row["text"]})
        return "STATUS", {"status": status, **more}
    if row["text"] and "termin" in more:
        raise ValueError("a text beside an appointment needs a status, or a line of its own")
    if row["text"]:
        return "AKTIVITAET", _filled({"art": "NACHRICHT", "text": row["text"], "autor": row["autor"]})
    if "termin" in more:
        return "TERMIN", more
    if more:
        return "ZUORDNUNG", more
    raise ValueError("nothing is said: status, text, sachbearbeiter, team and termin_von are empty")


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _is_time(text: str) -> bool:
    try:
        moment(text)
    except ValueError:
        return False
    return True


def _is_folge(text: str) -> bool:
    return bool(_FOLGE.fullmatch(text)) and _FOLGE_MIN <= int(text) <= _FOLGE_MAX
