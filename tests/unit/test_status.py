"""Events in any order, any number of times, with the same end."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import peewee
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from service.house import house_of
from service.settings import MandantSettings
from service.store import deliveries, inbox, outbox, vorgaenge
from service.store.database import connected, database, open_database, transaction
from service.store.migrate import migrate
from service.store.records import Vorgang
from service.sync.apply import apply_waiting
from service.vorgang.catalog import default_catalog
from service.vorgang.messages import allowed
from service.vorgang.status import Event, change_of, read_status
from tests.support.databases import new_database
from tests.support.vorgaenge import NOW, some_vorgang

ZONE = ZoneInfo("Europe/Berlin")
MANDANT = MandantSettings(
    name="Musterbau eG",
    connections={"website": {"kind": "generic", "origins": ["https://x.de"], "keys": ["k" * 32]}},  # type: ignore[dict-item]
)
HOUSE = house_of("musterbau", MANDANT, ZONE, default_catalog())


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory):
    opened = open_database(new_database(tmp_path_factory.mktemp("status")))
    migrate()
    yield
    opened.close_all()


def stored() -> Vorgang:
    vorgang = some_vorgang(typ="SCHADEN")
    with connected():
        vorgaenge.insert(vorgang)
    return vorgang


def event(vorgang: Vorgang, seq: int, typ: str, daten: dict[str, Any], sichtbarkeit: str = "MIETER") -> dict[str, Any]:
    return {
        "ereignisId": f"{vorgang.id}-{seq}",
        "typ": typ,
        "zeit": (NOW + timedelta(minutes=seq)).isoformat(),
        "mandant": "musterbau",
        "externeId": str(vorgang.id),
        "vorgangSeq": seq,
        "sichtbarkeit": sichtbarkeit,
        "daten": daten,
    }


def story(vorgang: Vorgang) -> list[dict[str, Any]]:
    return [
        event(vorgang, 1, "VORGANG_ANGELEGT", {"vorgangsnummer": "V-1", "vorgangId": f"im-{vorgang.id}"}),
        event(vorgang, 2, "ZUORDNUNG", {"aufgabentraeger": {"anzeigeName": "Frau A"}}),
        event(vorgang, 3, "STATUS", {"status": {"code": "IN_PRUEFUNG"}}),
        event(vorgang, 4, "ZUORDNUNG", {"aufgabentraeger": {"anzeigeName": "Herr B"}}),
        event(vorgang, 5, "TERMIN", {"termin": {"von": "2026-12-01T08:00:00Z"}}),
        event(vorgang, 6, "STATUS", {"status": {"code": "ABGELEHNT", "textMieter": "Intern"}}, "INTERN"),
        event(
            vorgang,
            7,
            "AKTIVITAET",
            {"text": "Hallo", "autor": "Herr B", "dokumente": [{"dokumentId": "d1", "dateiname": "a.pdf"}]},
        ),
        event(vorgang, 8, "STATUS", {"status": {"code": "ERLEDIGT", "textMieter": "Fertig"}}),
        event(vorgang, 9, "TERMIN", {"termin": {"von": "2026-12-02T08:00:00Z", "firma": "Krause"}}),
    ]


def deliver(events: list[dict[str, Any]]) -> None:
    for one in events:
        with connected(), transaction():
            inbox.receive("musterbau", one, NOW)
        apply_waiting(HOUSE, clock=lambda: NOW)


def end_of(vorgang: Vorgang) -> dict[str, Any]:
    with connected():
        found = vorgaenge.by_id("musterbau", vorgang.id)
        assert found is not None
        entries = [(entry.art, entry.text, entry.seq) for entry, _ in vorgaenge.timeline(vorgang.id)]
        files = len(vorgaenge.anhaenge(vorgang.id))
    names = ("status", "status_at", "status_text", "offen", "sachbearbeiter", "termin", "vorgangsnummer", "unread")
    return {name: getattr(found, name) for name in names} | {"entries": entries, "files": files}


@given(order=st.permutations(range(9)), again=st.lists(st.integers(0, 8), max_size=12))
@settings(max_examples=40, deadline=None)
def test_any_order_and_number_of_deliveries_has_the_same_end(order: list[int], again: list[int]) -> None:
    in_order, shuffled = stored(), stored()
    deliver(story(in_order))
    events = story(shuffled)
    deliver([events[n] for n in [*order, *again]])
    assert end_of(shuffled) == end_of(in_order)


def test_the_end_is_what_the_latest_events_say() -> None:
    vorgang = stored()
    deliver(story(vorgang))
    end = end_of(vorgang)
    assert (end["status"], end["status_text"], end["offen"]) == ("ERLEDIGT", "Fertig", False)
    assert (end["sachbearbeiter"], end["vorgangsnummer"], end["unread"]) == ("Herr B", "V-1", 4)
    assert end["termin"] == {"von": "2026-12-02T08:00:00Z", "firma": "Krause"}
    assert "Intern" not in str(end["entries"])


@pytest.mark.parametrize(
    "daten,expected",
    [
        ({"status": {"code": "ERLEDIGT", "textMieter": "x"}}, ("ERLEDIGT", "x")),
        ({"status": "ERLEDIGT", "text": "x"}, ("ERLEDIGT", "x")),
        ({"code": "ERLEDIGT", "textMieter": "x"}, ("ERLEDIGT", "x")),
        ({}, ("", "")),
        ({"status": ["x"]}, ("", "")),
    ],
)
def test_a_status_is_read_in_each_of_its_shapes(daten: dict[str, Any], expected: tuple[str, str]) -> None:
    assert read_status(daten) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["status", "code", "aufgabentraeger", "termin", "text", "dokumente", "von", "anzeigeName", "dokumentId"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(
    typ=st.sampled_from(
        [
            "VORGANG_ANGELEGT",
            "VORGANG_ABGEWIESEN",
            "STATUS",
            "ZUORDNUNG",
            "TERMIN",
            "AKTIVITAET",
            "DOKUMENT",
            "GELOESCHT",
            "x",
        ]
    ),
    daten=st.dictionaries(
        st.sampled_from(
            [
                "status",
                "code",
                "aufgabentraeger",
                "termin",
                "text",
                "dokumente",
                "grund",
                "dokumentId",
                "vorgangsnummer",
            ]
        ),
        JSON,
        max_size=4,
    ),
)
@settings(max_examples=300, deadline=None)
def test_whatever_immotion_sends_is_applied_or_ignored(typ: str, daten: dict[str, Any]) -> None:
    vorgang = VORGANG
    change_of(Event("e", typ, NOW, 1, daten), vorgang, default_catalog())


VORGANG = some_vorgang()


def test_an_event_that_cannot_be_understood_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from service.sync import apply

    vorgang = some_vorgang()
    with connected():
        vorgaenge.insert(vorgang)
    original = apply.change_of

    def stumbles(one: Event, *rest: Any) -> Any:
        if one.seq == 1:
            raise KeyError("x")
        return original(one, *rest)

    monkeypatch.setattr(apply, "change_of", stumbles)
    deliver([event(vorgang, 1, "STATUS", {}), event(vorgang, 2, "STATUS", {"status": {"code": "IN_PRUEFUNG"}})])
    assert end_of(vorgang)["status"] == "IN_BEARBEITUNG"
    with connected():
        assert not [one for one in inbox.waiting("musterbau") if one.externe_id == str(vorgang.id)]


def test_a_refusal_closes_the_vorgang_with_its_reason() -> None:
    vorgang = stored()
    deliver([event(vorgang, 1, "VORGANG_ABGEWIESEN", {"grund": "Vertrag beendet"})])
    assert (end_of(vorgang)["status"], end_of(vorgang)["status_text"], end_of(vorgang)["offen"]) == (
        "ABGELEHNT",
        "Vertrag beendet",
        False,
    )


def test_an_event_without_a_vorgang_of_ours_is_kept_or_waits(tmp_path: Path) -> None:
    general = {"ereignisId": f"k-{uuid4()}", "typ": "KATALOG_NEU", "sichtbarkeit": "MIETER"}
    early = {
        "ereignisId": f"w-{uuid4()}",
        "typ": "STATUS",
        "sichtbarkeit": "MIETER",
        "externeId": "no-uuid",
        "vorgangId": "unknown",
    }
    deliver([general, early])
    with connected():
        waiting = [one.ereignis_id for one in inbox.waiting("musterbau")]
    assert early["ereignisId"] in waiting
    assert general["ereignisId"] not in waiting
    assert database.is_closed()


class Victim(peewee.OperationalError):
    """What PostgreSQL says to the one of two that it ends to resolve a deadlock."""

    orig = SimpleNamespace(sqlstate="40P01", args=())


def test_a_vorgang_born_in_a_transaction_that_the_engine_undoes_is_born_again(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"im-{uuid4()}"
    daten = {"vorgangsnummer": "V-7", "vorgangId": name, "typ": "KONTAKT", "melder": {"personNr": "P"}}
    born = {"ereignisId": f"b-{name}", "typ": "VORGANG_ANGELEGT", "sichtbarkeit": "MIETER", "vorgangId": name}
    settled, tries = inbox.settle_all, []

    def undone_at_first(ids: list[int], state: str) -> int:
        tries.append(state)
        if len(tries) == 1:
            raise Victim("deadlock detected")
        return settled(ids, state)

    monkeypatch.setattr(inbox, "settle_all", undone_at_first)
    deliver([born | {"daten": daten}])
    with connected():
        found = vorgaenge.by_immotion_id("musterbau", name)
    assert found is not None
    assert (found.vorgangsnummer, tries) == ("V-7", ["applied", "applied"])


@pytest.mark.parametrize("sichtbarkeit,told", [("MIETER", "Doppelt"), ("INTERN", "")])
def test_what_immotion_has_deleted_is_closed_whatever_comes_after_it(sichtbarkeit: str, told: str) -> None:
    vorgang = stored()
    with connected():
        outbox.owe("musterbau", vorgang.id, request_id="r", now=NOW)
    later = event(vorgang, 9, "STATUS", {"status": {"code": "IN_PRUEFUNG"}})
    deliver([event(vorgang, 2, "GELOESCHT", {"grund": "Doppelt"}, sichtbarkeit), later])
    end = end_of(vorgang)
    assert (end["status"], end["offen"], end["status_text"]) == ("GELOESCHT", False, told)
    assert [text for art, text, _ in end["entries"] if text] == ([told] if told else [])
    with connected():
        assert [row.state for row in deliveries.rows_of("musterbau", vorgang.id)] == ["dropped"]
        assert all(not pending for _, pending in vorgaenge.timeline(vorgang.id))
        assert allowed(vorgaenge.by_id("musterbau", vorgang.id) or vorgang, [], now=NOW) == frozenset()


def test_a_withdrawal_may_come_before_the_document_and_needs_no_vorgang() -> None:
    vorgang, dokument = stored(), {"dokumentId": f"d-{uuid4()}", "titel": "Brief"}
    early = {"ereignisId": f"w-{uuid4()}", "typ": "DOKUMENT_ZURUECKGEZOGEN", "vorgangId": "unknown", "daten": dokument}
    deliver([early, event(vorgang, 1, "DOKUMENT", dokument)])
    assert end_of(vorgang)["files"] == 0
    with connected():
        assert early["ereignisId"] not in {one.ereignis_id for one in inbox.waiting("musterbau")}


def test_a_birth_or_withdrawal_that_names_nothing_is_put_aside_with_an_alarm() -> None:
    born = {"ereignisId": f"b-{uuid4()}", "typ": "VORGANG_ANGELEGT", "sichtbarkeit": "MIETER", "daten": {}}
    nothing = {"ereignisId": f"n-{uuid4()}", "typ": "DOKUMENT_ZURUECKGEZOGEN", "daten": {"dokumentId": ""}}
    with capture_logs() as logs:
        deliver([born, nothing])
    assert [entry["event"] for entry in logs] == ["event_parked", "event_parked"]
    with connected():
        assert deliveries.parked_events("musterbau")


def test_the_end_of_a_vorgang_that_never_was_for_residents_is_forgotten_after_a_while() -> None:
    gone = {"ereignisId": f"g-{uuid4()}", "typ": "GELOESCHT", "sichtbarkeit": "INTERN", "vorgangId": f"im-{uuid4()}"}
    deliver([gone])
    with connected():
        assert gone["ereignisId"] in {one.ereignis_id for one in inbox.waiting("musterbau")}
    apply_waiting(HOUSE, clock=lambda: NOW + timedelta(hours=13))
    with connected():
        assert gone["ereignisId"] not in {one.ereignis_id for one in inbox.waiting("musterbau")}
