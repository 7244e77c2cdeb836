"""Danger first: which rule fires when, and whom to call."""

from datetime import UTC, datetime

import pytest

from service.vorgang.catalog import default_catalog
from service.vorgang.emergency import EmergencyNotice, EmergencySettings, notice_for, parse_sprechzeiten

CATALOG = default_catalog()
SETTINGS = EmergencySettings(notrufnummern={"HAVARIE_HOTLINE": "030 1", "GASNETZ_STOERUNG": "030 2"})
WINTER_NOON = datetime(2026, 1, 14, 11, 0, tzinfo=UTC)
WINTER_NIGHT = datetime(2026, 1, 14, 22, 0, tzinfo=UTC)
SUMMER_NOON = datetime(2026, 7, 15, 10, 0, tzinfo=UTC)


def notice(
    kind: str, now: datetime = WINTER_NOON, settings: EmergencySettings = SETTINGS, **answers: str
) -> EmergencyNotice | None:
    return notice_for(CATALOG, CATALOG.schadensarten[kind], answers, settings=settings, now=now)


def test_gas_is_hotline_only_with_the_numbers_in_order() -> None:
    fired = notice("GEFAHR.GASGERUCH")
    assert fired is not None
    assert (fired.mode, fired.is_emergency) == ("HOTLINE_ONLY", True)
    assert [call.number for call in fired.calls] == ["030 2", "112", "030 1"]


def test_a_dripping_tap_is_none() -> None:
    assert notice("SANITAER.TROPFT") is None


@pytest.mark.parametrize(
    "kind,now,answers,fires",
    [
        ("SANITAER.UNDICHT_KLEIN", WINTER_NOON, {"menge_wasser": "stark"}, True),
        ("SANITAER.UNDICHT_KLEIN", WINTER_NOON, {"menge_wasser": "tropft"}, False),
        ("SANITAER.UNDICHT_KLEIN", WINTER_NOON, {}, False),
        ("HEIZUNG.AUSFALL", WINTER_NOON, {"umfang": "haus"}, True),
        ("HEIZUNG.AUSFALL", SUMMER_NOON, {"umfang": "haus"}, False),
        ("HEIZUNG.AUSFALL", SUMMER_NOON, {"umfang": "haus", "raumtemperatur": "16,5"}, True),
        ("HEIZUNG.AUSFALL", SUMMER_NOON, {"umfang": "haus", "raumtemperatur": "warm"}, False),
        ("HEIZUNG.AUSFALL", WINTER_NOON, {"umfang": "ein_raum"}, False),
        ("ELEKTRO.AUSFALL_HAUS", WINTER_NOON, {}, True),
        ("ELEKTRO.AUSFALL_WHG", WINTER_NOON, {"sicherung_geprueft": "nein"}, False),
        ("ELEKTRO.LICHT_TOTAL", WINTER_NIGHT, {}, True),
        ("ELEKTRO.LICHT_TOTAL", WINTER_NOON, {}, False),
        ("ELEKTRO.LICHT_TOTAL", datetime(2026, 4, 3, 10, 0, tzinfo=UTC), {}, True),
        ("ELEKTRO.LICHT_TOTAL", datetime(2026, 1, 17, 11, 0, tzinfo=UTC), {}, True),
        ("SANITAER.RUECKSTAU", WINTER_NOON, {}, True),
        ("FENSTER.OFFEN", WINTER_NIGHT, {"gesichert": "nein"}, True),
        ("HEIZUNG.WARMWASSER_AUS", WINTER_NOON, {"umfang": "haus"}, False),
    ],
)
def test_a_condition_decides(kind: str, now: datetime, answers: dict[str, str], fires: bool) -> None:
    fired = notice(kind, now, **answers)
    assert (fired is not None) is fires
    if fired is not None:
        assert fired.mode == "HOTLINE_FIRST"


def test_hot_water_is_an_emergency_where_the_house_says_so() -> None:
    settings = EmergencySettings(warmwasser_ist_notfall=True)
    fired = notice("HEIZUNG.WARMWASSER_AUS", settings=settings, umfang="haus")
    assert fired is not None
    assert fired.calls == ()


def test_being_locked_out_is_a_hint_only() -> None:
    fired = notice("TUER.AUSGESPERRT")
    assert fired is not None
    assert not fired.is_emergency


def test_a_heating_period_may_lie_within_one_year() -> None:
    settings = EmergencySettings(heizperiode=("05-01", "09-30"))
    assert notice("HEIZUNG.AUSFALL", SUMMER_NOON, settings, umfang="haus") is not None
    assert notice("HEIZUNG.AUSFALL", WINTER_NOON, settings, umfang="haus") is None


@pytest.mark.parametrize("text", ["immer", "Mo 8-17", "Xx 08:00-17:00", "Mo-Xx 08:00-17:00", "Mo 25:00-26:00"])
def test_office_hours_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_sprechzeiten(text)


def test_office_hours_may_differ_by_day() -> None:
    hours = parse_sprechzeiten("Mo-Do 08:00-17:00, Fr 8:00-12:00")
    settings = EmergencySettings(sprechzeiten=hours)
    friday_afternoon = datetime(2026, 1, 16, 13, 0, tzinfo=UTC)
    assert notice("ELEKTRO.LICHT_TOTAL", friday_afternoon, settings) is not None
