"""Danger first: which of the catalog's emergency rules fires, and whom to call."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from service.vorgang.catalog import Catalog, EmergencyRule, Label, Schadensart

_DAYS = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
_WINDOW = re.compile(r"^(?P<first>\w\w)(?:[-–](?P<last>\w\w))? (?P<start>\d{1,2}:\d\d)[-–](?P<end>\d{1,2}:\d\d)$")
Sprechzeiten = tuple[tuple[frozenset[int], time, time], ...]


def parse_sprechzeiten(text: str) -> Sprechzeiten:
    """Read office hours such as `Mo-Do 08:00-17:00, Fr 08:00-12:00`; raises ValueError."""
    return tuple(_window(part.strip()) for part in text.split(",") if part.strip())


def _window(part: str) -> tuple[frozenset[int], time, time]:
    found = _WINDOW.match(part)
    if found is None or found["first"] not in _DAYS or (found["last"] or found["first"]) not in _DAYS:
        raise ValueError(f"office hours are written like Mo-Fr 08:00-17:00, not {part!r}")
    first, last = _DAYS.index(found["first"]), _DAYS.index(found["last"] or found["first"])
    start, end = (time.fromisoformat(found[name].zfill(5)) for name in ("start", "end"))
    return frozenset(range(first, last + 1)), start, end


@dataclass(frozen=True, slots=True)
class EmergencySettings:
    """What counts as an emergency for a house or building; `heizperiode` as (MM-DD, MM-DD), both days included."""

    notrufnummern: Mapping[str, str] = field(default_factory=dict)
    heizperiode: tuple[str, str] = ("10-01", "04-30")
    sprechzeiten: Sprechzeiten = field(default_factory=lambda: parse_sprechzeiten("Mo-Fr 08:00-17:00"))
    warmwasser_ist_notfall: bool = False
    timezone: str = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Call:
    """A number to call; `gebaeude` are the buildings it is for, where those in question have different ones."""

    code: str
    label: Label
    number: str
    gebaeude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EmergencyNotice:
    """A rule that fires; `calls` are in the order in which to try them."""

    rule: EmergencyRule
    calls: tuple[Call, ...]

    @property
    def rule_id(self) -> str:
        """Return the rule's id."""
        return self.rule.id

    @property
    def title(self) -> Label:
        """Return the heading."""
        return self.rule.title

    @property
    def mode(self) -> str:
        """Return HOTLINE_ONLY, HOTLINE_FIRST or INFO; HOTLINE_IF that fires is HOTLINE_FIRST (catalog)."""
        return "HOTLINE_FIRST" if self.rule.mode == "HOTLINE_IF" else self.rule.mode

    @property
    def is_emergency(self) -> bool:
        """Tell whether the rule makes the Vorgang P1."""
        return self.rule.mode != "INFO"

    def steps_in(self, lang: str) -> tuple[str, ...]:
        """Return what to do first."""
        return self.rule.steps_in(lang)


def notice_for(
    catalog: Catalog, art: Schadensart, answers: Mapping[str, str], *, settings: EmergencySettings, now: datetime
) -> EmergencyNotice | None:
    """Return the notice that this Art fires with these answers at this time; answers may be missing or unreadable."""
    if art.emergency_rule is None:
        return None
    rule = catalog.emergency_rules[art.emergency_rule]
    case = _Case(art.code, answers, settings, now.astimezone(ZoneInfo(settings.timezone)))
    if rule.condition is not None and not case.holds(rule.condition):
        return None
    return EmergencyNotice(rule, calls_of(catalog, rule, settings))


def calls_of(catalog: Catalog, rule: EmergencyRule, settings: EmergencySettings) -> tuple[Call, ...]:
    """Return whom a rule says to call, of the numbers that these settings know."""
    numbers = {code: code if code.isdigit() else settings.notrufnummern.get(code, "") for code in rule.call}
    return tuple(
        Call(code, catalog.call_labels.get(code, Label(code)), number) for code, number in numbers.items() if number
    )


@dataclass(frozen=True, slots=True)
class _Case:
    kind: str
    answers: Mapping[str, str]
    settings: EmergencySettings
    here: datetime

    def holds(self, condition: Mapping[str, Any]) -> bool:
        if "all" in condition:
            return all(self.holds(part) for part in condition["all"])
        if "any" in condition:
            return any(self.holds(part) for part in condition["any"])
        if "question" in condition:
            return self._answered(condition)
        if "kind" in condition:
            return bool(condition["kind"] == self.kind)
        if "calendar" in condition:
            return self._in_heating_period() if condition["calendar"] == "heating_period" else self._outside_hours()
        return self.settings.warmwasser_ist_notfall is condition.get("eq")

    def _answered(self, condition: Mapping[str, Any]) -> bool:
        answer = self.answers.get(condition["question"], "")
        if "in" in condition:
            return bool(answer in condition["in"])
        try:
            return bool(float(answer.replace(",", ".")) < condition["lt"])
        except ValueError:
            return False

    def _in_heating_period(self) -> bool:
        first, last = self.settings.heizperiode
        today = f"{self.here:%m-%d}"
        return first <= today <= last if first <= last else today >= first or today <= last

    def _outside_hours(self) -> bool:
        if _is_holiday(self.here.date()):
            return True
        moment = self.here.time()
        return not any(
            self.here.weekday() in days and start <= moment < end for days, start, end in self.settings.sprechzeiten
        )


@cache
def _german_holidays() -> Any:  # noqa: ANN401 - the library's mapping of dates, filled as it is asked
    from holidays import country_holidays  # noqa: PLC0415 - a slow import that few requests need

    return country_holidays("DE")


def _is_holiday(day: date) -> bool:
    """Tell whether all of Germany has a public holiday."""
    return day in _german_holidays()
