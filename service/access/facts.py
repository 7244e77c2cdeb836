"""The fact that is asked for beside a letter's code, and does not stand in it; compared however it is spelled."""

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from service.access.typed import shown
from service.store.records import Vertrag

MAX_TYPED = 200
_MONTHS = (
    ("januar", "jänner", "january"), ("februar", "february"), ("märz", "maerz", "march"), ("april",),
    ("mai", "may"), ("juni", "june"), ("juli", "july"), ("august",), ("september",), ("oktober", "october"),
    ("november",), ("dezember", "december"),
)  # fmt: skip
_MONTH = {name[:3]: number for number, names in enumerate(_MONTHS, 1) for name in names}
_GAP = r"\s*[./,\s-]\s*"
_YEAR_FIRST = re.compile(rf"(\d{{4}}){_GAP}(\d{{1,2}}){_GAP}(\d{{1,2}})")
_DAY_FIRST = re.compile(rf"(\d{{1,2}}){_GAP}(\d{{1,2}}){_GAP}(\d{{4}})|(\d{{2}})(\d{{2}})(\d{{4}})")
_NAMED = re.compile(r"(\d{1,2})(?:\.|st|nd|rd|th)?\s*([a-zä]{3,9})\.?,?\s*(\d{4})")
_MONTH_FIRST = re.compile(r"([a-zä]{3,9})\.?\s*(\d{1,2})(?:\.|st|nd|rd|th)?\s*,?\s+(\d{4})")
_DASHES = str.maketrans("‐–—−", "----")
_NEITHER = re.compile(r"[\W_]+")


class Fact(StrEnum):
    """What is asked for: when a contract began, its number, or what came with the list of persons."""

    VERTRAGSBEGINN = "vertragsbeginn"
    VERTRAG_NR = "vertrag_nr"
    CSV = "csv"


def spelled(text: str) -> str:
    """Return a fact as it is compared: a date as ISO, anything else without case, spaces and punctuation."""
    day = read_date(text)
    return day.isoformat() if day else _NEITHER.sub("", _plain(text))


def read_date(text: str) -> date | None:
    """Read a date as people write it: 1.4.2019, 01/04/2019, 1. April 2019, April 1st, 2019, 2019-04-01.

    Of two numbers, the day comes first, as it does in the house's own papers.
    """
    given = _plain(text).removesuffix(".")
    if found := _YEAR_FIRST.fullmatch(given):
        return _date(found[1], found[2], found[3])
    if found := _DAY_FIRST.fullmatch(given):
        day, month, year = (part for part in found.groups() if part)
        return _date(year, month, day)
    if found := _NAMED.fullmatch(given):
        return _date(found[3], _MONTH.get(found[2][:3], 0), found[1])
    found = _MONTH_FIRST.fullmatch(given)
    return _date(found[3], _MONTH.get(found[1][:3], 0), found[2]) if found else None


def _date(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _plain(text: str) -> str:
    """Return what was typed in small letters and one spelling of each, without signs that pasting has hidden in it."""
    return shown(text.strip()[:MAX_TYPED]).translate(_DASHES).strip().casefold()


def known(fact: Fact, vertraege: Iterable[Vertrag]) -> set[str]:
    """Return what would be right, of all contracts of a person; nothing where the master data do not say it."""
    given = [vertrag.nr if fact == Fact.VERTRAG_NR else vertrag.beginn[:10] for vertrag in vertraege]
    if fact == Fact.VERTRAGSBEGINN:
        given = [one for one in given if read_date(one)]
    return {spelled(one) for one in given} - {""}


def is_one_of(typed: str, right: Iterable[str]) -> bool:
    """Tell whether what was typed is right."""
    return spelled(typed) in set(right)
