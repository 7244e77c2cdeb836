"""Queries that are written once: each run has its own values, each shape its own text."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store.database import connected, open_database
from service.store.migrate import migrate
from service.store.models import StammdatenRow
from service.store.query import Query
from service.store.written import Written, place
from tests.support.databases import new_database

COLUMNS = (StammdatenRow.nr, StammdatenRow.daten)


class Forms:
    """Makes a query of so many numbers, and counts how often it is asked to."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, numbers: int) -> Query:
        self.made += 1
        some = StammdatenRow.nr.in_([place(f"nr{at}") for at in range(numbers)])
        here = (StammdatenRow.art == "PERSON") & some & (StammdatenRow.mandant == place("mandant"))
        return StammdatenRow.select(*COLUMNS).where(here).order_by(StammdatenRow.nr)


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> Iterator[None]:
    opened = open_database(new_database(tmp_path))
    migrate()
    with connected():
        for mandant in ("a", "b"):
            for nr in ("1", "2", "?"):
                daten = {"of": f"{mandant}{nr}"}
                StammdatenRow.insert(mandant=mandant, art="PERSON", nr=nr, daten=daten).execute()
        yield
    opened.close_all()


def test_it_is_written_once_for_each_shape_and_every_run_has_its_own_values() -> None:
    forms = Forms()
    written = Written(forms, COLUMNS)
    assert written.tuples({"mandant": "a", "nr0": "1"}, 1) == [("1", {"of": "a1"})]
    assert written.tuples({"mandant": "b", "nr0": "?"}, 1) == [("?", {"of": "b?"})]
    assert written.dicts({"mandant": "b", "nr0": "nobody"}, 1) == []
    assert forms.made == 1
    found = written.dicts({"mandant": "a", "nr0": "2", "nr1": "1"}, 2)
    assert found == [{"nr": "1", "daten": {"of": "a1"}}, {"nr": "2", "daten": {"of": "a2"}}]
    assert forms.made == 2


def test_a_run_without_one_of_its_values_is_an_error() -> None:
    with pytest.raises(KeyError, match="mandant"):
        Written(Forms(), COLUMNS).tuples({"nr0": "1"}, 1)
