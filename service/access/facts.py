"""The fact that is asked for beside a letter's code, and does not stand in it; compared however it is spelled."""

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from service.store.records import Vertrag

MAX_TYPED = 200
_MONTHS = (
    ("januar", "jänner", "january"), ("februar", "february"), ("märz", "maerz", "march"), ("april",),
    ("mai", "may"), ("juni", "june"), ("juli", "july"), ("august",), ("september",), ("oktober", "october"),
    ("november",), ("dezember", "december"),
)  # fmt: skip
_MONTH = {name[:3]: number for number, names in enumerate(_MONTHS, 1) for name in names}
_ISO = re.compile(r"(\d{4})\s*-\s*(\d{1,2})\s*-\s*(\d{1,2})")
_DAY_FIRST = re.compile(r"(\d{1,2})\s*[./-]\s*(\d{1,2})\s*[./-]\s*(\d{4})")
_NAMED = re.compile(r"(\d{1,2})\.?\s*([a-zä]{3,9})\.?,?\s*(\d{4})")
_NEITHER = re.compile(r"[\W_]+")


class Fact(StrEnum):
    """What is asked for: when a contract began, its number, or what came with the list of persons."""

    VERTRAGSBEGINN = "vertragsbeginn"
    VERTRAG_NR = "vertrag_nr"
    CSV = "csv"


def spelled(text: str) -> str:
    """Return a fact as it is compared: a date as ISO, anything else without case, spaces and punctuation."""
    day = read_date(text)
    return day.isoformat() if day else _NEITHER.sub("", text[:MAX_TYPED]).casefold()


def read_date(text: str) -> date | None:
    """Read a date as people write it: 1.4.2019, 01/04/2019, 1. April 2019, 1 April 2019, 2019-04-01."""
    given = text.strip()[:MAX_TYPED].casefold()
    if found := _ISO.fullmatch(given):
        year, month, day = (int(part) for part in found.groups())
    elif found := _DAY_FIRST.fullmatch(given):
        day, month, year = (int(part) for part in found.groups())
    elif (found := _NAMED.fullmatch(given)) and (named := _MONTH.get(found[2][:3])) is not None:
        day, month, year = int(found[1]), named, int(found[3])
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def known(fact: Fact, vertraege: Iterable[Vertrag]) -> set[str]:
    """Return what would be right, of all contracts of a person; nothing where the master data do not say it."""
    given = [vertrag.nr if fact == Fact.VERTRAG_NR else vertrag.beginn[:10] for vertrag in vertraege]
    if fact == Fact.VERTRAGSBEGINN:
        given = [one for one in given if read_date(one)]
    return {spelled(one) for one in given} - {""}


def is_one_of(typed: str, right: Iterable[str]) -> bool:
    """Tell whether what was typed is right."""
    return spelled(typed) in set(right)
