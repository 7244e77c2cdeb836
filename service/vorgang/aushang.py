"""Notices: what may be put up, who sees it, which one a report is about, and whom a fault concerns."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from uuid_utils.compat import uuid7

from service.store import aushaenge, clean, stammdaten
from service.store.aushang_records import Aushang, Gezaehlt, Gezeigt
from service.store.database import in_transaction
from service.store.records import Vertrag
from service.vorgang.delivery_facts import moment
from service.vorgang.tenancy import offered
from service.vorgang.types import House, Problem, Vorgangstyp

TITEL_MAX = 120
TEXT_MAX = 2000
GEBAEUDE_MAX = 200
_NUMBER_MAX = 100
_FAR = timedelta(days=5 * 366)


class Art(StrEnum):
    """A hint, a known fault, planned works."""

    HINWEIS = "HINWEIS"
    STOERUNG = "STOERUNG"
    ARBEITEN = "ARBEITEN"


class Schwere(StrEnum):
    """How severe; the most severe are shown first."""

    DRINGEND = "DRINGEND"
    WICHTIG = "WICHTIG"
    INFO = "INFO"


_RANK = {schwere.value: rank for rank, schwere in enumerate(Schwere)}


@dataclass(frozen=True, slots=True)
class Entwurf:
    """A notice as somebody wants it. Texts are by language; no `gebaeude` means all of the Mandant.

    Without `von` it is from now on, without `bis` until it is ended; works are shown at once, all else from `von` on,
    unless `zeigen_ab` says otherwise.
    """

    art: str
    titel: Mapping[str, str]
    text: Mapping[str, str]
    schwere: str = Schwere.INFO
    gebaeude: tuple[str, ...] = ()
    schadensort: str = ""
    schadenskategorie: str = ""
    oeffentlich: bool = False
    zeigen_ab: datetime | None = None
    von: datetime | None = None
    bis: datetime | None = None


@dataclass(frozen=True, slots=True)
class Haus:
    """Where a notice is put up: the Mandant's house, its languages, and the buildings that its settings name."""

    house: House
    languages: tuple[str, ...]
    gebaeude: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Stelle:
    """Where a damage may be, and of which Kategorie it is; "" for any."""

    orte: tuple[str, ...]
    kategorie: str


class AushangRefused(Exception):
    """A notice cannot be put up as it is; every problem names its field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(", ".join(f"{p.field}: {p.code}" for p in problems))
        self.problems = tuple(problems)


class UnknownAushang(LookupError):
    """There is no such notice, or not for whoever asks."""


def moment_of(text: str, zone: ZoneInfo) -> datetime:
    """Read a time (ISO 8601); one without an offset is meant as clocks show it in `zone`. Raises ValueError."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo is not None else read.replace(tzinfo=zone)


# Putting up


def put_up(entwurf: Entwurf, haus: Haus, *, now: datetime, within: Callable[[UUID], None]) -> Aushang:
    """Store a new notice; `within` is part of the transaction. Raises AushangRefused."""
    aushang = _checked(entwurf, haus, uuid7(), now)

    def store() -> None:
        within(aushang.id)
        aushaenge.insert(aushang)

    in_transaction(store)
    return aushang


def check(entwurf: Entwurf, haus: Haus, *, now: datetime) -> Aushang:
    """Return what a notice would be, without an id of its own to keep; raises AushangRefused."""
    return _checked(entwurf, haus, uuid7(), now)


def change(aushang_id: UUID, entwurf: Entwurf, haus: Haus, *, now: datetime, within: Callable[[UUID], None]) -> None:
    """Put a notice in place of its former state; raises AushangRefused, UnknownAushang."""
    aushang = _checked(entwurf, haus, aushang_id, now)

    def store() -> None:
        within(aushang_id)
        if not aushaenge.change(aushang):
            raise UnknownAushang

    in_transaction(store)


def end(mandant: str, aushang_id: UUID, *, now: datetime, within: Callable[[UUID], None]) -> bool:
    """Let a notice be over now; False if it was already. Raises UnknownAushang."""

    def store() -> bool:
        within(aushang_id)
        if aushaenge.by_id(mandant, aushang_id) is None:
            raise UnknownAushang
        return aushaenge.end(mandant, aushang_id, now=now)

    return in_transaction(store)


def _checked(entwurf: Entwurf, haus: Haus, aushang_id: UUID, now: datetime) -> Aushang:
    given = replace(entwurf, gebaeude=tuple(dict.fromkeys(entwurf.gebaeude)))
    problems = [*_codes(given, haus), *_texts(given, haus), *_times(given, now), *_gebaeude(given, haus)]
    if problems:
        raise AushangRefused(problems)
    von = given.von or now
    return Aushang(
        id=aushang_id,
        mandant=haus.house.mandant,
        art=given.art,
        schwere=given.schwere,
        titel=_said(given.titel),
        text=_said(given.text),
        gebaeude=given.gebaeude,
        schadensort=given.schadensort,
        schadenskategorie=given.schadenskategorie,
        oeffentlich=given.oeffentlich,
        zeigen_ab=given.zeigen_ab or (now if given.art == Art.ARBEITEN else von),
        von=von,
        bis=given.bis,
        created_at=now,
        changed_at=now,
    )


def _said(texts: Mapping[str, str]) -> dict[str, str]:
    return {lang: text.strip() for lang, text in texts.items() if text.strip()}


def _codes(given: Entwurf, haus: Haus) -> Iterable[Problem]:
    catalog = haus.house.catalog
    allowed: dict[str, Iterable[str]] = {
        "art": set(Art),
        "schwere": set(Schwere),
        "schadensort": {"", *catalog.schadensorte},
        "schadenskategorie": {"", *catalog.schadenskategorien},
    }
    return (Problem(name, "not_allowed") for name, codes in allowed.items() if getattr(given, name) not in codes)


def _texts(given: Entwurf, haus: Haus) -> Iterable[Problem]:
    first = haus.languages[0]
    for name, limit in (("titel", TITEL_MAX), ("text", TEXT_MAX)):
        texts: Mapping[str, str] = getattr(given, name)
        if name == "titel" and not texts.get(first, "").strip():
            yield Problem(name, "required", {"lang": first})
        if not set(texts) <= set(haus.languages):
            yield Problem(name, "not_allowed")
        longest = max((len(text.strip()) for text in texts.values()), default=0)
        if longest > limit:
            yield Problem(name, "too_long", {"max": limit, "length": longest})
        if any(_is_odd(letter, name) for text in texts.values() for letter in text):
            yield Problem(name, "characters")


def _is_odd(letter: str, name: str) -> bool:
    """Tell whether a character is none that is seen: control characters, half ones, those that turn the direction."""
    if letter == "\n" and name == "text":
        return False
    return unicodedata.category(letter) in {"Cc", "Cs"} or ord(letter) in clean.OVERRIDES


def _times(given: Entwurf, now: datetime) -> Iterable[Problem]:
    times = {"zeigen_ab": given.zeigen_ab, "von": given.von, "bis": given.bis}
    far = [Problem(name, "too_far") for name, at in times.items() if at is not None and abs(at - now) > _FAR]
    if far:
        return far
    if given.bis is None:
        return [Problem("bis", "required")] if given.art == Art.ARBEITEN else []
    late = given.bis <= max(now, given.von or now, given.zeigen_ab or now)
    return [Problem("bis", "too_early")] if late else []


def _gebaeude(given: Entwurf, haus: Haus) -> Iterable[Problem]:
    if given.oeffentlich and given.gebaeude:
        yield Problem("oeffentlich", "only_for_all")
    if len(given.gebaeude) > GEBAEUDE_MAX:
        yield Problem("gebaeude", "too_many", {"max": GEBAEUDE_MAX})
        return
    if not all(_is_number(nr) for nr in given.gebaeude):
        yield Problem("gebaeude", "characters")
        return
    mandant, asked = haus.house.mandant, [nr for nr in given.gebaeude if nr not in haus.gebaeude]
    unknown = stammdaten.missing(mandant, "GEBAEUDE", asked) if asked else set()
    if unknown and stammdaten.has_gebaeude(mandant):
        yield Problem("gebaeude", "unknown", {"gebaeude": sorted(unknown)})


def _is_number(nr: str) -> bool:
    return 0 < len(nr) <= _NUMBER_MAX and not any(_is_odd(letter, "gebaeude") for letter in nr)


# Reading


def homes(vertraege: Sequence[Vertrag], today: date) -> tuple[Vertrag, ...]:
    """Return the contracts by which somebody lives in a building today: the notices of others are not theirs."""
    return offered(vertraege, Vorgangstyp.SCHADEN, today)


def buildings(vertraege: Sequence[Vertrag]) -> list[str]:
    """Return the buildings of these contracts, each once."""
    return list(dict.fromkeys(vertrag.gebaeude_nr for vertrag in vertraege if vertrag.gebaeude_nr))


def shown_to(mandant: str, gebaeude: Sequence[str], owners: Sequence[str], now: datetime) -> list[Gezeigt]:
    """Return what a resident of these buildings sees now, the most severe first; one query."""
    found = aushaenge.shown(mandant, gebaeude, owners, now)
    return sorted(found, key=lambda one: _rank(one.aushang))


def shown_to_all(mandant: str, now: datetime) -> list[Gezeigt]:
    """Return what everybody sees now who is not signed in; one query."""
    found = sorted(aushaenge.public(mandant, now), key=_rank)
    return [Gezeigt(aushang, betroffen=False) for aushang in found]


def about(found: Iterable[Gezeigt], stelle: Stelle, now: datetime) -> list[Gezeigt]:
    """Return which of these are about such a damage at this time; one that names neither place nor kind is not."""
    return [one for one in found if one.aushang.von <= now and _fits(one.aushang, stelle)]


def _fits(aushang: Aushang, stelle: Stelle) -> bool:
    if not aushang.schadensort and not aushang.schadenskategorie:
        return False
    place = not aushang.schadensort or not stelle.orte or aushang.schadensort in stelle.orte
    return place and (not aushang.schadenskategorie or stelle.kategorie in {"", aushang.schadenskategorie})


def _rank(aushang: Aushang) -> tuple[int, bool, float]:
    return _RANK[aushang.schwere], aushang.art != Art.STOERUNG, -aushang.von.timestamp()


# For whoever looks after notices


def aushang_facts(counted: Gezaehlt, now: datetime) -> dict[str, Any]:
    """Return a notice as JSON: the same on the command line and in the admin interface (docs/admin-api.yaml)."""
    aushang = counted.aushang
    return {
        "id": str(aushang.id),
        "art": aushang.art,
        "schwere": aushang.schwere,
        "titel": dict(aushang.titel),
        "text": dict(aushang.text),
        "gebaeude": list(aushang.gebaeude),
        "schadensort": aushang.schadensort,
        "schadenskategorie": aushang.schadenskategorie,
        "oeffentlich": aushang.oeffentlich,
        "zeigen_ab": moment(aushang.zeigen_ab),
        "von": moment(aushang.von),
        "bis": moment(aushang.bis),
        "changed_at": moment(aushang.changed_at),
        "over": aushang.is_over(now),
        "betroffene": counted.betroffene,
    }
