"""Which contracts a report may be about, before, during and after a tenancy."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from service.house import house_of
from service.settings import MandantSettings
from service.store.records import Vertrag
from service.vorgang.assess import assess
from service.vorgang.catalog import default_catalog
from service.vorgang.tenancy import Period, current, offered, period_of
from service.vorgang.types import Melder, Meldung, MeldungRefused, Vorgangstyp

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SETTINGS = MandantSettings(
    name="M",
    connections={"website": {"kind": "generic", "origins": ["https://x.de"], "keys": ["k" * 32]}},  # type: ignore[dict-item]
)
HOUSE = house_of("m", SETTINGS, ZoneInfo("Europe/Berlin"), default_catalog())
KONTAKT, BESCHWERDE, SCHADEN, DOKUMENT = Vorgangstyp


def vertrag(beginn: str = "2020-01-01", ende: str | None = None, nr: str = "V1") -> Vertrag:
    return Vertrag(nr, "P", "MIETER", beginn, ende, f"E-{nr}", "EG", "G1", "W1", "Weg 1")


OVER, COMING = vertrag(ende="2026-11-22", nr="old"), vertrag("2026-11-24", nr="new")


@pytest.mark.parametrize(
    "beginn,ende,period",
    [
        ("2020-01-01", None, Period.RUNNING),
        ("2026-11-23", "2026-11-23", Period.RUNNING),
        ("2026-11-24", None, Period.COMING),
        ("2026-11-24T00:00:00", None, Period.COMING),
        ("2020-01-01", "2026-11-22", Period.OVER),
        ("2020-01-01", "2022-01-01", Period.OVER),
        ("2010-01-01", "2021-12-31", Period.LONG_OVER),
        ("", None, Period.RUNNING),
        ("soon", "unknown", Period.RUNNING),
        ("2027-01-01", "2026-01-01", Period.OVER),
    ],
)
def test_first_and_last_day_belong_to_a_contract(beginn: str, ende: str | None, period: Period) -> None:
    assert period_of(vertrag(beginn, ende), TODAY) is period


def test_who_moved_out_may_write_and_ask_for_papers_who_moves_in_may_write() -> None:
    both = (OVER, COMING, vertrag())
    names = {typ: [v.nr for v in offered(both, typ, TODAY)] for typ in Vorgangstyp}
    assert names == {
        KONTAKT: ["old", "new", "V1"],
        BESCHWERDE: ["V1"],
        SCHADEN: ["V1"],
        DOKUMENT: ["old", "V1"],
    }
    assert [v.nr for v in current(both, TODAY)] == ["new", "V1"]


def problems(typ: Vorgangstyp, *vertraege: Vertrag, **fields: str) -> set[tuple[str, str]]:
    melder = Melder("o", "P", "", "", "de", "MIETER", "PORTAL_WEB", vertraege)
    filled = {
        KONTAKT: {"kontaktthema": "ALLGEMEIN", "beschreibung": "x"},
        BESCHWERDE: {"beschwerdeart": "LAERM_NACHBAR", "beschreibung": "x"},
        SCHADEN: {
            "schadensort": "W_KUECHE",
            "schadenskategorie": "SANITAER",
            "schadensart": "SANITAER.TROPFT",
            "beschreibung": "x",
        },
        DOKUMENT: {"dokumentart": "MIETBESCHEINIGUNG"},
    }[typ]
    try:
        assess(Meldung(typ, **filled, **fields), melder, HOUSE, now=NOW)  # type: ignore[arg-type]
    except MeldungRefused as refused:
        return {(problem.field, problem.code) for problem in refused.problems if problem.field == "vertrag"}
    return set()


def test_a_damage_in_a_home_that_is_left_or_not_yet_taken_is_not_filed() -> None:
    nothing_runs = {("vertrag", "no_contract_now")}
    for vertraege in ((OVER,), (COMING,), (OVER, COMING)):
        for typ in (SCHADEN, BESCHWERDE):
            assert problems(typ, *vertraege) == nothing_runs
            assert problems(typ, *vertraege, vertrag_nr="old") == nothing_runs
    assert problems(DOKUMENT, COMING) == nothing_runs
    assert problems(SCHADEN, OVER, vertrag(), vertrag_nr="old") == {("vertrag", "not_allowed")}


def test_everybody_may_always_write() -> None:
    for vertraege in ((), (OVER,), (COMING,), (vertrag(ende="2001-01-01"),)):
        assert problems(KONTAKT, *vertraege) == set()
    assert problems(DOKUMENT, OVER) == set()
    assert problems(SCHADEN) == set()
    assert problems(SCHADEN, vertrag()) == set()
    assert problems(KONTAKT, OVER, vertrag()) == {("vertrag", "choose")}


def test_a_day_is_the_day_where_the_house_is() -> None:
    melder = Melder("o", "P", "", "", "de", "MIETER", "PORTAL_WEB", (vertrag("2026-11-24"),))
    meldung = Meldung(DOKUMENT, dokumentart="MIETBESCHEINIGUNG")
    midnight = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    assert assess(meldung, melder, HOUSE, now=midnight).vertrag == vertrag("2026-11-24")
    with pytest.raises(MeldungRefused):
        assess(meldung, melder, HOUSE, now=midnight.replace(hour=22))
