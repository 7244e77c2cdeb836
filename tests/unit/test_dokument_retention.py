"""How long documents are kept for which nobody has said a last day: by their kind, from the end of their year."""

import copy
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.files.storage import Folder
from service.settings import RetentionSettings
from service.store import catalogs, dokumente, holds
from service.store.database import connected
from service.store.dokument_records import Ziel
from service.store.models import CatalogRow, HoldRow
from service.store.owner import owner_of_person
from service.sync.retention import Policy, apply
from service.vorgang.catalog import DEFAULT_CATALOG, CatalogError, default_catalog, load_catalog
from tests.support.cli import run
from tests.support.dokumente import forget_everything, pdf, publish
from tests.support.inprocess import Portal
from tests.support.portal import MANDANT

RAW = json.loads(Path(DEFAULT_CATALOG).read_text(encoding="utf-8"))
OWNER = owner_of_person(MANDANT, "P1")
REST = Policy(draft_days=30, audit_days=365)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = Portal(tmp_path_factory.mktemp("portal"))
    yield made
    made.close()


@pytest.fixture
def portal(opened: Portal) -> Portal:
    forget_everything()
    with connected():
        CatalogRow.delete().execute()
        HoldRow.delete().execute()
    return opened


def put(portal: Portal, name: str, **more: Any) -> None:
    publish(Folder(portal.settings.service.files), MANDANT, pdf(name), Ziel(OWNER), dokument_id=name, **more)


def left(names: list[str]) -> set[str]:
    with connected():
        return set(dokumente.find(MANDANT, names))


def over(years: Mapping[str, int], now: datetime) -> None:
    apply({MANDANT: Policy(draft_days=30, audit_days=365, dokument_years=years)}, REST, now)


def test_its_years_begin_with_the_end_of_the_year_that_it_is_about(portal: Portal) -> None:
    put(portal, "old", datum="2019-12-31")
    put(portal, "new", datum="2020-01-01")
    put(portal, "about", datum="2019-12-31", von="2019-01-01", bis="2020-06-30")
    names = ["old", "new", "about"]
    over({"ANSCHREIBEN": 6}, datetime(2026, 1, 1, 11, tzinfo=UTC))  # where it is still the old year somewhere
    assert left(names) == {"old", "new", "about"}
    over({"ANSCHREIBEN": 6}, datetime(2026, 1, 1, 13, tzinfo=UTC))
    assert left(names) == {"new", "about"}
    over({"ANSCHREIBEN": 6}, datetime(2027, 1, 2, tzinfo=UTC))
    assert left(names) == set()


def test_another_kind_zero_years_and_a_last_day_of_its_own_are_not_touched(portal: Portal) -> None:
    put(portal, "kind", datum="1999-01-01", art="UVI")
    put(portal, "zero", datum="1999-01-01", art="HAUSORDNUNG")
    put(portal, "own", datum="1999-01-01", loeschen_nach="2030-01-01")
    over({"ANSCHREIBEN": 3, "HAUSORDNUNG": 0}, datetime(2026, 6, 1, tzinfo=UTC))
    assert left(["kind", "zero", "own"]) == {"kind", "zero", "own"}


def test_nothing_goes_of_somebody_who_is_held(portal: Portal) -> None:
    put(portal, "held", datum="1999-01-01")
    with connected():
        holds.add(MANDANT, person="P1", reason="Streit", now=datetime(2026, 1, 1, tzinfo=UTC))
    over({"ANSCHREIBEN": 3}, datetime(2026, 6, 1, tzinfo=UTC))
    assert left(["held"]) == {"held"}


def test_the_catalog_in_force_says_how_many_years_and_the_settings_win(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = copy.deepcopy(RAW)
    arten = {art["code"]: art for art in raw["dokumentarten"]}
    arten["UVI"]["retention_years_default"] = 1
    del arten["ANSCHREIBEN"]["retention_years_default"]  # then it is as in the shipped catalog
    with connected():
        catalogs.import_catalog(MANDANT, version="1", digest="d" * 64, body=raw, now=portal.now)
    year = datetime.now(UTC).year
    for name, art, age in (("u2", "UVI", 2), ("u1", "UVI", 1), ("a7", "ANSCHREIBEN", 7), ("a6", "ANSCHREIBEN", 6)):
        put(portal, name, art=art, datum=f"{year - age}-07-01")
    put(portal, "b5", art="BK_ABRECHNUNG", datum=f"{year - 5}-07-01")
    monkeypatch.setenv(f"MIETERPORTAL_MANDANTEN__{MANDANT.upper()}__RETENTION__DOKUMENT_YEARS", '{"BK_ABRECHNUNG": 4}')
    said = run(portal.installation, "retention", "--dry-run").output
    assert f"{MANDANT} dokument: 1 from before {year - 4}-01-01 (BK_ABRECHNUNG without loeschenNach)" in said
    assert run(portal.installation, "retention", "--yes").exit_code == 0
    assert left(["u2", "u1", "a7", "a6", "b5"]) == {"u1", "a6"}


def test_what_belongs_to_a_contract_is_kept_until_somebody_says_its_last_day() -> None:
    arten = default_catalog().dokumentarten
    assert {arten[code].keep_years for code in ("MIETVERTRAG", "NACHTRAG", "UEBERGABEPROTOKOLL", "KAUTION")} == {0}
    assert (arten["BK_ABRECHNUNG"].keep_years, arten["ANSCHREIBEN"].keep_years) == (8, 6)


@pytest.mark.parametrize("years", [-1, 101, "viele", None])
def test_years_that_are_none_are_refused_with_their_place(years: object) -> None:
    raw = copy.deepcopy(RAW)
    raw["dokumentarten"][0]["retention_years_default"] = years
    with pytest.raises(CatalogError, match=r"dokumentarten\[0\]\.retention_years_default"):
        load_catalog(raw)
    with pytest.raises(ValueError, match="dokument_years"):
        RetentionSettings(dokument_years={"UVI": years})  # type: ignore[dict-item]
