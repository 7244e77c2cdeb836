"""Which contracts a report may be about: those that run, and some kinds of report also before and after."""

from collections.abc import Sequence
from datetime import date
from enum import Enum

from service.store.records import Vertrag
from service.vorgang.types import Vorgangstyp

# Claims from a tenancy lapse after three years (§ 195 BGB), counted here generously from the day it ended.
FORMER_YEARS = 4


class Period(Enum):
    COMING = "coming"
    RUNNING = "running"
    OVER = "over"
    LONG_OVER = "long over"


_KINDS = {
    Period.COMING: {Vorgangstyp.KONTAKT},
    Period.RUNNING: set(Vorgangstyp),
    Period.OVER: {Vorgangstyp.KONTAKT, Vorgangstyp.DOKUMENT},
    Period.LONG_OVER: set(),
}


def period_of(vertrag: Vertrag, today: date) -> Period:
    """Return where a contract stands; `beginn` and `ende` belong to it. A date that is none limits nothing."""
    beginn, ende = day_of(vertrag.beginn), day_of(vertrag.ende)
    if ende is not None and ende < today:
        return Period.OVER if ende.year + FORMER_YEARS >= today.year else Period.LONG_OVER
    return Period.COMING if beginn is not None and beginn > today else Period.RUNNING


def offered(vertraege: Sequence[Vertrag], typ: Vorgangstyp, today: date) -> tuple[Vertrag, ...]:
    """Return the contracts that a report of this kind may be about today."""
    return tuple(vertrag for vertrag in vertraege if typ in _KINDS[period_of(vertrag, today)])


def current(vertraege: Sequence[Vertrag], today: date) -> tuple[Vertrag, ...]:
    """Return the contracts of the homes that somebody has, or will have."""
    return tuple(v for v in vertraege if period_of(v, today) in {Period.COMING, Period.RUNNING})


def day_of(text: str | None) -> date | None:
    """Return the day on which a contract begins or ends; None for what is no date."""
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
