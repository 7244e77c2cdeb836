"""Who gets a letter: read from a list, completed from the master data, refused by line and reason."""

import csv
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path

from service.access.facts import Fact, known, spelled
from service.store import stammdaten
from service.store.records import Vertrag
from service.vorgang.tenancy import current

COLUMNS = ("personNr", "name", "strasse", "plz", "ort", "fakt")
_BATCH = 500


class ListRefused(Exception):
    """The list as a whole cannot be read."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list as it stands there; `line` 0 is the command line. `more` is what no column is named for."""

    line: int
    values: Mapping[str, str]
    more: str = ""

    def get(self, column: str) -> str:
        """Return what stands in a column, nothing where there is none."""
        return self.values.get(column, "")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a letter goes to, and what is asked for beside its code, where that came with the list."""

    person: str
    name: str
    strasse: str
    plz: str
    ort: str
    fact: str

    @property
    def anschrift(self) -> tuple[str, ...]:
        """Return the lines below the name."""
        return self.strasse, f"{self.plz} {self.ort}".strip()


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that no letter can be made of."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class House:
    """Whose letters they are: the Mandant, what it asks for beside the code, and the day it is there."""

    mandant: str
    fact: Fact
    today: date


def read_list(path: Path) -> list[Row]:
    """Return the lines of a CSV file, whose first line names its columns; raises ListRefused."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise ListRefused("is not UTF-8; in Excel, save it as “CSV UTF-8”") from wrong
    try:
        head, *rows = _lines(text) or [(1, [])]
    except csv.Error as broken:
        raise ListRefused(f"is no CSV that can be read: {broken}; does a quotation mark stand alone?") from broken
    columns = [_column(name) for name in head[1]]
    _check_columns(columns)
    found = [_row(line, cells, columns) for line, cells in rows]
    if not found:
        raise ListRefused("names nobody: there is nothing below its first line")
    return found


def _lines(text: str) -> list[tuple[int, list[str]]]:
    """Return the cells of each line that is not empty, in one line of text each, with the number of its last line."""
    separator = max(";,\t", key=text.lstrip("\n").partition("\n")[0].count)
    reader = csv.reader(StringIO(text), delimiter=separator, strict=True)
    found = ((reader.line_num, [_plain(cell) for cell in cells]) for cells in reader)
    return [(line, cells) for line, cells in found if any(cells)]


def _plain(cell: str) -> str:
    """Return a cell in one line, without signs that nobody sees, such as those that turn the direction of writing."""
    shown = (one if one.isspace() or unicodedata.category(one)[0] != "C" else "" for one in cell)
    return " ".join("".join(shown).split())


def _check_columns(columns: Sequence[str]) -> None:
    if "personNr" not in columns:
        raise ListRefused(f"its first line must name the column personNr; known are: {', '.join(COLUMNS)}")
    twice = [name for name, times in Counter(columns).items() if name in COLUMNS and times > 1]
    if twice:
        raise ListRefused(f"its first line names the column {twice[0]} twice")


def _row(line: int, cells: Sequence[str], columns: Sequence[str]) -> Row:
    return Row(line, dict(zip(columns, cells, strict=False)), "".join(cells[len(columns) :]))


def recipients(rows: Sequence[Row], house: House) -> tuple[list[Recipient], list[Bad]]:
    """Return who gets a letter, in the order of the list, and the lines that none can be made of."""
    good: dict[str, Recipient] = {}
    bad: list[Bad] = []
    for batch in _batches(rows):
        names = stammdaten.namen(house.mandant, [row.get("personNr") for row in batch])
        for row in batch:
            found = _recipient(row, names, house)
            if isinstance(found, Recipient) and found.person in good:
                found = f"{found.person} is in the list twice"
            if isinstance(found, Recipient):
                good[found.person] = found
            else:
                bad.append(Bad(row.line, found))
    return list(good.values()), bad


def _recipient(row: Row, names: Mapping[str, str], house: House) -> Recipient | str:
    """Return the recipient, or why there can be no letter."""
    person = row.get("personNr")
    if not person:
        return "personNr is empty"
    if row.more:  # what stands in the columns is not to be relied on, and a code must not go astray
        return f"{person}: more cells than columns; is there a separator in a name that is not in quotation marks?"
    if person not in names:
        return f"{person}: the master data know no such person"
    vertraege = stammdaten.vertraege(house.mandant, person)
    address = _given(row) or _home(vertraege, house.today)
    name = row.get("name") or names[person]
    if not name or address is None:
        return f"{person}: " + ("no name; give it in the column name" if not name else _NO_ADDRESS)
    made = Recipient(person, name, *address, row.get("fakt"))
    return _fact_problem(made, vertraege, house.fact) or made


_NO_ADDRESS = (
    "no single address of a tenancy that runs; give it in the columns strasse, plz, ort "
    "(owners may live elsewhere, and a code must not go astray)"
)


def _fact_problem(made: Recipient, vertraege: Sequence[Vertrag], fact: Fact) -> str:
    if fact != Fact.CSV:
        return "" if known(fact, vertraege) else f"{made.person}: the master data know no {fact} to ask for"
    if not spelled(made.fact):
        return f"{made.person}: the column fakt is empty"
    printed = spelled(" ".join((made.name, *made.anschrift)))
    return f"{made.person}: the letter would say what is in the column fakt" if spelled(made.fact) in printed else ""


def _given(row: Row) -> tuple[str, str, str] | None:
    given = row.get("strasse"), row.get("plz"), row.get("ort")
    return given if all(given) else None


def _home(vertraege: Sequence[Vertrag], today: date) -> tuple[str, str, str] | None:
    """Return where somebody lives: the address of their tenancies, if they all have the same one."""
    tenancies = [vertrag for vertrag in current(vertraege, today) if vertrag.rolle == "MIETER" and vertrag.adresse]
    addresses = {vertrag.adresse for vertrag in tenancies}
    if len(addresses) != 1:
        return None
    street, _, town = addresses.pop().rpartition(", ")
    plz, _, ort = town.partition(" ")
    return (street, plz, ort) if street and plz.isdigit() else None


def _column(name: str) -> str:
    plain = name.strip().replace("_", "").casefold()
    return next((column for column in COLUMNS if column.casefold() == plain), name.strip())


def _batches(rows: Sequence[Row]) -> Iterable[Sequence[Row]]:
    return (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))
