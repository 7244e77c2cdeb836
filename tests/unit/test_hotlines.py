"""Whom to call for homes in several buildings, whose settings differ."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from service.store.records import Vertrag
from service.vorgang.assess import notice_of
from service.vorgang.catalog import default_catalog
from service.vorgang.emergency import EmergencySettings
from service.vorgang.hotlines import hotlines
from service.vorgang.types import House, Melder, Meldung, Vorgangstyp

NOON = datetime(2026, 1, 14, 11, 0, tzinfo=UTC)
OWN = {"HAVARIE_HOTLINE": "030 1", "AUFZUG_NOTRUF": "030 9"}
HOUSE = House(
    mandant="m",
    catalog=default_catalog(),
    routing=(),
    notfall=EmergencySettings(notrufnummern=OWN),
    notfall_of={
        "G2": EmergencySettings(notrufnummern=OWN | {"HAVARIE_HOTLINE": "030 2"}, warmwasser_ist_notfall=True),
        "G3": EmergencySettings(notrufnummern={"HAVARIE_HOTLINE": "030 2"}),
    },
    special_categories=False,
    zone=ZoneInfo("Europe/Berlin"),
)


def called(meldung: Meldung, *gebaeude: str) -> list[tuple[str, tuple[str, ...]]] | None:
    """Return the hotlines that a notice shows somebody with a home in each of these buildings."""
    homes = tuple(Vertrag(f"V-{nr}", "P", "MIETER", "2020-01-01", None, "E", "", nr, "", "") for nr in gebaeude)
    notice = notice_of(meldung, Melder("o", "P", "", "", "de", "MIETER", "PORTAL_WEB", homes), HOUSE, now=NOON)
    if notice is None:
        return None
    return [(call.number, call.gebaeude) for call in notice.calls if call.code == "HAVARIE_HOTLINE"]


def warm_water(vertrag_nr: str = "") -> Meldung:
    answers = {"umfang": "haus"}
    return Meldung(Vorgangstyp.SCHADEN, schadensart="HEIZUNG.WARMWASSER_AUS", antworten=answers, vertrag_nr=vertrag_nr)


def test_while_no_home_is_chosen_a_rule_fires_that_fires_in_one_of_them_and_names_that_one() -> None:
    assert called(warm_water(), "G1", "G2") == [("030 2", ("G2",))]
    assert called(warm_water("V-G2"), "G1", "G2") == [("030 2", ("G2",))]
    assert called(warm_water("V-G1"), "G1", "G2") is None


def test_buildings_that_share_a_number_are_named_together_and_a_number_that_one_lacks_names_the_others() -> None:
    found = [(call.code, call.number, call.gebaeude) for call in hotlines(HOUSE, ["G1", "G2", "G3"])]
    assert found == [
        ("HAVARIE_HOTLINE", "030 1", ("G1",)),
        ("HAVARIE_HOTLINE", "030 2", ("G2", "G3")),
        ("AUFZUG_NOTRUF", "030 9", ("G1", "G2")),
    ]
