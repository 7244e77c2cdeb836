"""Many readers and appliers at once: the same end on SQLite, PostgreSQL and MariaDB, nothing twice, nothing parked."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from random import Random as Chance
from typing import Any
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

import pytest

from service.house import house_of
from service.settings import MandantSettings
from service.store import handover, inbox, outbox, reconciles, stammdaten, vorgaenge
from service.store.database import connected, database, engine, in_transaction, open_database, transaction
from service.store.migrate import migrate
from service.store.models import EreignisRow, VorgangRow
from service.store.query import dicts
from service.store.records import HandedOver, ReconcilePlan
from service.sync import apply as apply_module
from service.sync.apply import apply_waiting
from service.sync.feed import read_events, read_master_data
from service.sync.immotion.channel import FeedPage, Stand
from service.sync.reconcile import reconcile_if_due
from service.vorgang.catalog import default_catalog
from service.vorgang.types import House
from tests.support.engines import mariadb, postgresql
from tests.support.immotion import Immotion, log_of, view_of
from tests.support.vorgaenge import NOW, some_vorgang

SETTINGS = MandantSettings(
    name="M",
    connections={"website": {"kind": "generic", "origins": ["https://x.de"], "keys": ["k" * 32]}},  # type: ignore[dict-item]
)
IDS = UUID(int=4)
PORTAL, BORN, EACH, WORKERS = 4, 2, 15, 8


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite:///{directory}/portal.db"
        else:
            server = {"postgresql": postgresql, "mysql": mariadb}[request.param]
            yield stack.enter_context(server(directory))


@pytest.fixture
def house(url: str) -> Iterator[House]:
    opened = open_database(url)
    migrate()
    yield new_house()
    opened.close_all()


def chance_of(seed: object) -> Chance:
    return Chance(str(seed))  # noqa: S311 - repeatable on purpose


def new_house() -> House:
    return house_of(uuid4().hex, SETTINGS, ZoneInfo("Europe/Berlin"), default_catalog())


def at_once(work: Callable[[int], Any], workers: int = WORKERS) -> list[Any]:
    begin = threading.Barrier(workers)

    def one(number: int) -> Any:
        begin.wait()
        return work(number)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, range(workers)))


def key(house: House, number: int) -> UUID:
    return uuid5(IDS, f"{house.mandant}/{number}")


def file_all(house: House) -> None:
    with connected(), transaction():
        for number in range(PORTAL):
            vorgaenge.insert(some_vorgang(id=key(house, number), mandant=house.mandant, betreff=f"Vorgang {number}"))
            outbox.owe(house.mandant, key(house, number), request_id="r", now=NOW)
        outbox.mark_sent(outbox.claim(house.mandant, now=NOW, lease=timedelta(minutes=1), limit=99), NOW)


def story(house: House, chance: Chance) -> list[dict[str, Any]]:
    """What happens to each Vorgang, the first ones filed by the portal, the others born in immotion."""
    return [_event(house, number, seq, chance) for number in range(PORTAL + BORN) for seq in range(1, EACH + 1)]


def _event(house: House, number: int, seq: int, chance: Chance) -> dict[str, Any]:
    own = {"externeId": str(key(house, number))} if number < PORTAL else {}
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("STATUS", {"status": {"code": chance.choice(["IN_PRUEFUNG", "TERMINIERT"]), "textMieter": f"t{seq}"}}),
        ("ZUORDNUNG", {"aufgabentraeger": {"anzeigeName": f"Frau {seq}"}}),
        ("TERMIN", {"termin": {"von": f"2026-12-{seq:02d}T08:00:00Z"}}),
        ("AKTIVITAET", {"text": f"Nachricht {seq}", "dokumente": [{"dokumentId": f"d{seq}", "dateiname": "a.pdf"}]}),
    ]
    typ, daten = chance.choice(kinds)
    if seq == 1:
        born = {"typ": "KONTAKT", "betreff": f"Vorgang {number}", "melder": {"personNr": "P"}}
        name = {"vorgangsnummer": f"V-{number}", "vorgangId": f"im-{number}"}
        typ, daten = "VORGANG_ANGELEGT", name | ({} if number < PORTAL else born)
    return {
        "ereignisId": f"{number}-{seq}",
        "typ": typ,
        "zeit": (NOW + timedelta(minutes=seq)).isoformat(),
        "mandant": house.mandant,
        "vorgangId": f"im-{number}",
        "vorgangSeq": seq,
        "sichtbarkeit": "INTERN" if seq > 1 and chance.random() < 0.2 else "MIETER",
        "daten": daten,
        **own,
    }


def end(house: House) -> dict[str, Any]:
    names = ("status", "status_at", "status_text", "sachbearbeiter", "termin", "vorgangsnummer", "unread", "offen")
    with connected():
        rows = dicts(VorgangRow.select().where(VorgangRow.mandant == house.mandant))
        assert len({row["betreff"] for row in rows}) == len(rows)
        return {
            row["betreff"]: {name: row[name] for name in names}
            | {"entries": sorted((e.seq or 0, e.art, e.text) for e, _ in vorgaenge.timeline(row["id"]))}
            | {"files": len(vorgaenge.anhaenge(row["id"]))}
            for row in rows
        }


def states(house: House) -> set[str]:
    with connected():
        return {row["state"] for row in dicts(EreignisRow.select().where(EreignisRow.mandant == house.mandant))}


def expected(seed: int) -> dict[str, Any]:
    house = new_house()
    file_all(house)
    events = story(house, chance_of(seed))
    read_events(house.mandant, Immotion(page=log_of(events, 999)), wait=0, clock=lambda: NOW)
    apply_waiting(house, clock=lambda: NOW)
    return end(house)


def test_eight_readers_of_a_shuffled_feed_come_to_the_same_end_as_one_of_it_in_order(house: House) -> None:
    chance = chance_of(1)
    events = story(house, chance_of(7))
    deliveries = [event for event in events for _ in range(chance.randint(1, 5))]
    chance.shuffle(deliveries)
    file_all(house)
    stands = {}
    for number in range(PORTAL):
        own = [e for e in events if e["vorgangId"] == f"im-{number}"]
        stands[str(key(house, number))] = Stand(f"im-{number}", f"V-{number}", EACH, view_of(own))
    channel = Immotion(page=log_of(deliveries, 23), stands=stands)
    told = [HandedOver(key(house, n), f"im-{n}", f"V-{n}", "EINGEGANGEN") for n in range(PORTAL)]

    def work(number: int) -> None:
        while True:
            with connected():
                before = inbox.cursor(house.mandant, "ereignisse")
                inbox.nudge(house.mandant, NOW)
            read_events(house.mandant, channel, wait=0, clock=lambda: NOW)
            apply_waiting(house, clock=lambda: NOW)
            if number == 0:
                with connected():
                    in_transaction(lambda: handover.note_handed_over(told, NOW))
            reconcile_if_due(house, channel, hour=3, clock=lambda: NOW + timedelta(days=2), random=lambda: 0.0)
            with connected():
                after = inbox.cursor(house.mandant, "ereignisse")
            assert int(after or 0) >= int(before or 0)
            if after == str(len(deliveries)):
                return

    at_once(work)
    apply_waiting(house, clock=lambda: NOW)
    assert end(house) == expected(7)
    assert states(house) == {"applied", "hidden"}


def test_a_vorgang_that_two_events_bear_at_once_is_born_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    births = [_event(house, PORTAL, 1, chance_of(1)) | {"ereignisId": f"birth-{n}"} for n in range(WORKERS)]
    both = threading.Barrier(2)
    waited: list[int] = []
    original = apply_module._new_vorgang

    def at_the_same_time(*given: Any) -> Any:
        if len(waited) < 2:
            waited.append(1)
            with suppress(threading.BrokenBarrierError):  # SQLite has one writer: the other never gets here
                both.wait(1)
        return original(*given)

    monkeypatch.setattr(apply_module, "_new_vorgang", at_the_same_time)
    monkeypatch.setattr(apply_module, "_BATCH", 1)
    with connected():
        for birth in births:
            inbox.receive(house.mandant, birth, NOW)
    at_once(lambda _: apply_waiting(house, clock=lambda: NOW))
    assert len(end(house)) == 1
    assert states(house) == {"applied"}


def test_a_slower_reader_never_sets_the_cursor_back_or_past_what_is_not_stored(house: House) -> None:
    events = story(house, chance_of(3))[:60]
    page = log_of(events, 5)

    def slow_and_fast(cursor: str) -> FeedPage:
        answer = page(cursor)
        threading.Event().wait(chance_of(cursor + str(threading.get_ident())).random() / 50)
        return answer

    def stored() -> set[str]:
        with connected():
            return inbox.known(house.mandant, [event["ereignisId"] for event in events])

    def work(_: int) -> None:
        last = 0
        while last < len(events):
            read_events(house.mandant, Immotion(page=slow_and_fast), wait=0, clock=lambda: NOW)
            with connected():
                now = int(inbox.cursor(house.mandant, "ereignisse") or 0)
            assert now >= last
            assert {event["ereignisId"] for event in events[:now]} <= stored()
            last = now

    at_once(work)


def test_one_of_eight_workers_takes_a_nudge_and_one_a_batch_of_the_reconcile(house: House) -> None:
    file_all(house)
    with connected():
        inbox.nudge(house.mandant, NOW)
        inbox.nudge(house.mandant, NOW + timedelta(seconds=1))
        reconciles.begin(house.mandant, NOW)
        seen = reconciles.plan_of(house.mandant)
    assert seen is not None

    def work(_: int) -> tuple[bool, bool]:
        until = NOW + timedelta(minutes=5)
        with connected():
            nudged = inbox.take_nudge(house.mandant)
            return nudged, reconciles.claim(house.mandant, seen=seen, now=NOW, lease_until=until)

    found = at_once(work)
    assert [sum(column) for column in zip(*found, strict=True)] == [1, 1]
    with connected():
        claimed, then = NOW + timedelta(minutes=5), ReconcilePlan(NOW + timedelta(days=1))
        assert reconciles.give_back(house.mandant, claimed=claimed, seen=seen, then=then)
        assert not reconciles.give_back(house.mandant, claimed=claimed, seen=seen, then=then)
        assert reconciles.plan_of(house.mandant) == then
        batch = reconciles.batch(house.mandant, then, limit=3)
        rest = reconciles.batch(house.mandant, replace(then, position=str(batch[-1].id)), limit=99)
        assert len({one.id for one in batch + rest}) == PORTAL
        assert all(one.sent_at == NOW for one in batch + rest)
        assert reconciles.owe_again(batch[0].id, NOW, deleted="GELOESCHT") == 1
        assert reconciles.owe_again(batch[0].id, NOW, deleted="GELOESCHT") == 0


def test_the_next_batch_of_the_comparison_is_found_by_an_index(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(), transaction():
        for number in range(600):
            moment = NOW - timedelta(hours=number)
            vorgaenge.insert(some_vorgang(mandant=house.mandant, offen=number % 50 == 0, status_at=moment))
    asked: list[tuple[str, Any]] = []
    plan = ReconcilePlan(NOW, closed_from=NOW - timedelta(days=5), position=str(UUID(int=1)))
    with connected():
        statement = {"sqlite": "ANALYZE", "postgresql": "ANALYZE vorgang", "mysql": "ANALYZE TABLE vorgang"}[engine()]
        database.execute_sql(statement)
        real = database.obj.execute_sql
        monkeypatch.setattr(
            database.obj,
            "execute_sql",
            lambda sql, params=None, *more: (asked.append((sql, params)), real(sql, params, *more))[1],
        )
        found = [reconciles.batch(house.mandant, one, limit=50) for one in (plan, replace(plan, closed_from=None))]
        monkeypatch.undo()
        explain = "EXPLAIN QUERY PLAN " if engine() == "sqlite" else "EXPLAIN "
        plans = [str(database.execute_sql(explain + sql, given).fetchall()) for sql, given in asked]
    closed, still_open = found
    assert (len(closed), len(still_open)) == (50, 12)
    assert [one.status_at for one in closed] == sorted(one.status_at for one in closed)
    assert len(plans) == 2
    assert "vorgang_mandant_offen_status_at_id" in plans[0]
    assert "vorgang_mandant_offen" in plans[1]


def test_eight_readers_of_the_master_data_leave_what_one_leaves(house: House) -> None:
    chance = chance_of(5)
    persons = [f"P{number}" for number in range(3)]
    changes = []
    for turn in range(120):
        person = chance.choice(persons)
        gone = chance.random() < 0.1
        art, nr = ("PERSON", person) if gone else ("VERTRAG", f"V{chance.randrange(9)}")
        daten = {} if gone else {"personNr": person, "ende": f"20{turn % 90 + 10}-01-01"}
        changes.append({"art": art, "nr": nr, "geloescht": gone, "daten": daten})

    def contracts(mandant: str) -> list[tuple[str, str, str | None]]:
        with connected():
            return [(v.nr, p, v.ende) for p in persons for v in stammdaten.vertraege(mandant, p)]

    def read(mandant: str, begun: timedelta) -> None:
        with connected():
            stammdaten.apply_change(mandant, "VERTRAG", "stale", {"personNr": "P1"})
            inbox.begin_full_pass(mandant, "stammdaten", NOW + begun)

    alone = new_house().mandant
    read(alone, timedelta(0))
    read_master_data(alone, Immotion(page=log_of(changes)), clock=lambda: NOW)
    read(house.mandant, timedelta(0))
    channel = Immotion(page=log_of(changes, 7))
    at_once(lambda _: read_master_data(house.mandant, channel, clock=lambda: NOW))
    assert contracts(house.mandant) == contracts(alone)
    assert "stale" not in {nr for nr, *_ in contracts(alone)}
