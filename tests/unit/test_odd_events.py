"""What immotion says that is well-formed, and must not be taken as it is: times and numbers without end."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from service.store import documents, dokumente, inbox, reconciles, stammdaten, vorgaenge
from service.store.database import connected, open_database
from service.store.migrate import migrate
from service.store.owner import owner_of_person
from service.store.records import Vorgang
from service.sync.apply import apply_waiting
from service.sync.feed import read_events, read_master_data
from service.sync.immotion.answers import Answer, object_of
from service.sync.immotion.channel import Stand
from service.sync.reconcile import reconcile_if_due
from service.web.text import Words
from service.web.views import termin_text
from tests.support.databases import new_database
from tests.support.immotion import Immotion, log_of
from tests.support.vorgaenge import NOW, some_vorgang
from tests.unit.test_reconcile import HOUSE, raised, sent

NEVER = "9999-12-31T23:59:59Z"
FAR_ZONE = ZoneInfo("Pacific/Kiritimati")


@pytest.fixture
def vorgang(tmp_path: Path) -> Iterator[Vorgang]:
    opened = open_database(new_database(tmp_path))
    migrate()
    yield sent()
    opened.close_all()


def shown(vorgang: Vorgang) -> list[datetime]:
    """Return each time that a page of it shows."""
    with connected():
        found = vorgaenge.by_id("m", vorgang.id)
        entries = vorgaenge.timeline(vorgang.id)
    assert found is not None
    return [found.meldezeit, found.status_at, *(entry.zeit for entry, _ in entries)]


@pytest.mark.parametrize("zeit", [NEVER, "9999-12-31T00:00:00+14:00", "0001-01-01T00:00:00-12:00"])
def test_a_time_without_end_is_none_and_no_page_fails_of_it(vorgang: Vorgang, zeit: str) -> None:
    about = {"externeId": str(vorgang.id), "sichtbarkeit": "MIETER", "zeit": zeit}
    status = {"code": "TERMINIERT", "textMieter": "Bald"}
    born = {"melder": {"personNr": "P"}, "typ": "KONTAKT", "meldezeit": zeit}
    with connected():
        inbox.receive("m", {"ereignisId": "1", "typ": "STATUS", "daten": {"status": status}, **about}, NOW)
        named = {**about, "externeId": None, "vorgangId": "I-1"}
        inbox.receive("m", {"ereignisId": "2", "typ": "VORGANG_ANGELEGT", "daten": born, **named}, NOW)
    assert apply_waiting(HOUSE, clock=lambda: NOW) == 2
    with connected():
        theirs = vorgaenge.by_immotion_id("m", "I-1")
    assert theirs is not None
    for moment in (*shown(vorgang), *shown(theirs)):
        assert moment.astimezone(FAR_ZONE)


def test_a_time_without_end_in_a_comparison_is_none(vorgang: Vorgang) -> None:
    with connected():
        reconciles.begin("m", NOW)
    view = {"status": {"code": "TERMINIERT", "seit": NEVER}}
    channel = Immotion(stands={str(vorgang.id): Stand("im-1", "V-1", 7, view)})
    reconcile_if_due(HOUSE, channel, hour=3, clock=lambda: NOW, random=lambda: 0.0)
    assert all(moment.astimezone(FAR_ZONE) for moment in shown(vorgang))


def test_an_appointment_without_end_is_shown_as_it_is() -> None:
    termin = {"von": NEVER, "bis": "0001-01-01T00:00:00Z", "firma": "Muster GmbH"}
    reader = SimpleNamespace(words=Words("de", FAR_ZONE))
    assert NEVER in termin_text(some_vorgang(termin=termin), reader)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 5000, "NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_stops_nothing_beside_it(number: str) -> None:
    body = f'{{"ereignisse": [{{"ereignisId": "1", "vorgangSeq": {number}}}], "naechsterCursor": 7}}'
    assert object_of(Answer(200, {}, body.encode())) == {
        "ereignisse": [{"ereignisId": "1", "vorgangSeq": None}],
        "naechsterCursor": 7,
    }


@pytest.mark.parametrize("depth", [100, 970, 100_000])
@pytest.mark.parametrize("opening,closing", [("[", "]"), ('{"\\"[{": ', "}")])
def test_what_lies_too_deep_to_be_stored_is_left_out_and_stops_nothing_beside_it(
    vorgang: Vorgang, depth: int, opening: str, closing: str
) -> None:
    deep = f"{opening * depth}1{closing * depth}"
    body = f'{{"ereignisse": [{{"ereignisId": "1", "daten": {{"x": {deep}, "y": 2}}}}, {{"ereignisId": "2"}}]}}'
    entries = object_of(Answer(200, {}, body.encode()))["ereignisse"]
    read_events("m", Immotion(log_of(entries)), wait=0, clock=lambda: NOW)
    with connected():
        assert [(one.ereignis_id, one.body.get("daten", {}).get("y")) for one in inbox.waiting("m")] == [
            ("1", 2),
            ("2", None),
        ]


@pytest.mark.parametrize("gone", ["false", "true", 0, 1, [], {}])
def test_what_is_neither_deleted_nor_not_leaves_a_contract_as_it_is(vorgang: Vorgang, gone: object) -> None:
    contract = {"art": "VERTRAG", "nr": "V-1", "daten": {"personNr": "P", "einheitNr": "E"}}
    read_master_data("m", Immotion(log_of([contract, {**contract, "geloescht": gone}])), clock=lambda: NOW)
    with connected():
        assert [found.nr for found in stammdaten.vertraege("m", "P")] == ["V-1"]
        assert raised() == {"master_data_not_understood"}


def test_blanks_at_the_end_of_an_id_are_none_of_it_on_any_engine(vorgang: Vorgang) -> None:
    daten = {"melder": {"personNr": "P  "}, "typ": "KONTAKT"}
    born = {"typ": "VORGANG_ANGELEGT", "sichtbarkeit": "MIETER", "daten": daten}
    events = [
        {"ereignisId": "1", "vorgangId": "I-1  ", **born},
        {"ereignisId": "1 ", "vorgangId": "I-1", **born},
        {"ereignisId": "2", "vorgangId": "I-1", **born},
        {"ereignisId": "  ", "vorgangId": "I-2", **born},
    ]
    assert read_events("m", Immotion(log_of(events)), wait=0, clock=lambda: NOW) == 2
    assert apply_waiting(HOUSE, clock=lambda: NOW) == 2
    persons = [{"art": "PERSON", "nr": nr, "daten": {"name": nr}} for nr in ("P", "P  ", "  ")]
    contract = {"art": "VERTRAG ", "nr": "V-1 ", "daten": {"personNr": "P ", "mitmieter": [{"personNr": "Q "}]}}
    alone = {"art": "VERTRAG", "nr": "V-1", "daten": {"personNr": "P"}}
    read_master_data("m", Immotion(log_of([*persons, contract, alone])), clock=lambda: NOW)
    with connected():
        theirs = vorgaenge.by_immotion_id("m", "I-1")
        assert theirs is not None
        assert theirs.owner == owner_of_person("m", "P")
        assert raised() == {"event_parked", "master_data_not_understood"}
        assert stammdaten.namen("m", ["P"]) == {"P": "P  "}
        assert stammdaten.parteien("m", ["V-1"]) == {"P"}
        assert stammdaten.vertraege("m", "Q") == []


def test_a_document_with_a_long_id_is_withdrawn_like_any_other(vorgang: Vorgang) -> None:
    dokument = {"dokumentId": "D" * 200, "titel": "T", "empfaenger": [{"personNr": "P"}], "dokumentart": "MIETVERTRAG"}
    about = {"sichtbarkeit": "MIETER", "zeit": "2026-11-23T12:00:00Z", "daten": dokument}
    with connected():
        inbox.receive("m", {"ereignisId": "1", "typ": "DOKUMENT", **about}, NOW)
        inbox.receive("m", {"ereignisId": "2", "typ": "DOKUMENT", "externeId": str(vorgang.id), **about}, NOW)
    assert apply_waiting(HOUSE, clock=lambda: NOW) == 2
    with connected():
        assert documents.due("m", NOW, limit=9)
        assert dokumente.due("m", NOW, limit=9)
        inbox.receive("m", {"ereignisId": "3", "typ": "DOKUMENT_ZURUECKGEZOGEN", **about}, NOW)
    assert apply_waiting(HOUSE, clock=lambda: NOW) == 1
    with connected():
        assert documents.due("m", NOW, limit=9) == []
        assert dokumente.due("m", NOW, limit=9) == []


def test_who_no_longer_lives_there_sees_nothing_also_where_one_page_tells_of_both(vorgang: Vorgang) -> None:
    with_q = {"art": "VERTRAG", "nr": "V-1", "daten": {"personNr": "P", "mitmieter": [{"personNr": "Q"}]}}
    afterwards = (
        {"art": "VERTRAG", "nr": "V-1", "daten": {"personNr": "P"}},
        {"art": "VERTRAG", "nr": "V-1", "geloescht": True},
        {"art": "PERSON", "nr": "P", "geloescht": True},
    )
    for last in afterwards:
        for pages in (1, 2):
            read_master_data("m", Immotion(log_of([with_q, last], 2 // pages)), clock=lambda: NOW)
            with connected():
                assert stammdaten.vertraege("m", "Q") == [], (last, pages)
                stammdaten.apply_change("m", "VERTRAG", "V-1", None)
                inbox.begin_full_pass("m", "stammdaten", NOW)


@pytest.mark.parametrize("typ", ["GELOESCHT", "STATUS", "VORGANG_ABGEWIESEN", "AKTIVITAET"])
def test_a_text_of_any_length_and_any_signs_keeps_no_event_from_its_effect(vorgang: Vorgang, typ: str) -> None:
    words = "😀" * 30_000
    daten = {"grund": words, "status": {"code": "TERMINIERT", "textMieter": words}, "text": words}
    about = {"externeId": str(vorgang.id), "sichtbarkeit": "MIETER", "daten": daten}
    with connected():
        inbox.receive("m", {"ereignisId": "1", "typ": typ, **about}, NOW)
    assert apply_waiting(HOUSE, clock=lambda: NOW) == 1
    with connected():
        assert "😀" * 10_000 in next(
            one.text for one, _ in vorgaenge.timeline(vorgang.id) if one.author == "VERWALTUNG"
        )


def test_two_vorgaenge_that_events_give_one_id_have_each_the_number_that_it_gives_them(vorgang: Vorgang) -> None:
    other = sent()
    about = {"typ": "VORGANG_ANGELEGT", "sichtbarkeit": "MIETER"}
    with connected():
        for one in (vorgang, other):
            daten = {"vorgangId": "I-1", "vorgangsnummer": f"V-{one.id}"}
            inbox.receive("m", {"ereignisId": str(one.id), "externeId": str(one.id), "daten": daten, **about}, NOW)
    assert apply_waiting(HOUSE, clock=lambda: NOW) == 2
    with connected():
        found = list(vorgaenge.by_ids([vorgang.id, other.id]).values())
        assert [(one.vorgangsnummer, one.status) for one in found] == [(f"V-{one.id}", "EINGEGANGEN") for one in found]
        assert sorted(str(one.immotion_id) for one in found) == ["I-1", "None"]
        assert raised() == {"immotion_id_taken"}
