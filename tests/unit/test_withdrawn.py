"""A Vorgang that its resident has withdrawn, as long as immotion has not closed it."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest

from service.store import vorgaenge
from service.store.database import connected, open_database
from service.store.migrate import migrate
from service.store.records import Aktivitaet, Vorgang
from service.vorgang.messages import Art, withdrawn_at
from service.vorgang.status import WITHDRAWN, standing
from tests.support.databases import new_database
from tests.support.vorgaenge import NOW, some_vorgang

LATER = NOW + timedelta(hours=1)


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    opened = open_database(new_database(tmp_path_factory.mktemp("withdrawn")))
    migrate()
    yield
    opened.close_all()


def with_entries(*arten: Art) -> Vorgang:
    """Store a Vorgang of an owner of its own with these entries, an hour apart."""
    vorgang = some_vorgang(owner=uuid4().hex)
    with connected():
        vorgaenge.insert(vorgang)
        for hours, art in enumerate(arten):
            zeit = NOW + timedelta(hours=hours)
            vorgaenge.add_aktivitaet(Aktivitaet(uuid4(), vorgang.id, zeit, art, "MIETER", "", "", {}))
    return vorgang


@pytest.mark.parametrize(
    "arten, expected",
    [
        ((), None),
        ((Art.ANTWORT,), None),
        ((Art.RUECKZUG, Art.ANTWORT), NOW),
        ((Art.RUECKZUG, Art.WIEDEROEFFNUNG), None),
        ((Art.WIEDEROEFFNUNG, Art.RUECKZUG), LATER),
    ],
)
def test_list_and_page_agree_on_when_it_was_withdrawn(arten: tuple[Art, ...], expected: object) -> None:
    vorgang = with_entries(*arten)
    with connected():
        (line,) = vorgaenge.page(vorgang.mandant, [vorgang.owner], limit=2)
        entries = [entry for entry, _ in vorgaenge.timeline(vorgang.id)]
    assert line.withdrawn_at == withdrawn_at(entries) == expected


@pytest.mark.parametrize("status", ["UEBERMITTLUNG", "UEBERGEBEN", "EINGEGANGEN"])
def test_it_stands_as_withdrawn_even_when_immotion_receives_it_only_then(status: str) -> None:
    assert standing(status, LATER, NOW) == WITHDRAWN


def test_it_stands_as_withdrawn_whatever_immotion_had_said_before() -> None:
    assert standing("TERMIN", NOW, LATER) == WITHDRAWN


def test_what_immotion_decides_after_the_withdrawal_is_how_it_stands() -> None:
    assert standing("TERMIN", LATER, NOW) == "TERMIN"


def test_without_a_withdrawal_it_stands_as_immotion_says() -> None:
    assert standing("EINGEGANGEN", NOW, None) == "EINGEGANGEN"
