"""Alarms, breakers and the operator's hand in the outbox mean the same on SQLite, PostgreSQL and MariaDB."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from playhouse.schema_diff import diff_models

from service.store import alarms, breakers, deliveries, heartbeats, outbox
from service.store.database import connected, database, engine, open_database, transaction
from service.store.migrate import migrate, versions
from service.store.models import MODELS, OutboxRow
from service.store.query import tuples
from service.store.records import Alarm, BreakerState
from service.vorgang import delivery
from tests.support.engines import mariadb, postgresql
from tests.support.owed import claim, owe, parked
from tests.support.vorgaenge import NOW

LATER = NOW + timedelta(minutes=1)


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
def mandant(url: str) -> Iterator[str]:
    opened = open_database(url)
    migrate()
    yield uuid4().hex
    opened.close_all()


def alarm(mandant: str, now: datetime = NOW, **changes: Any) -> Alarm:
    values = {"kind": "status_unmapped", "detail": "X1", "count": 1, "first_at": now, "last_at": now}
    return Alarm(mandant=mandant, cleared_at=None, **values | changes)


def rows(vorgang) -> list[tuple[str, int, str]]:
    with connected():
        return [(row.state, row.attempts, row.last_error) for row in deliveries.rows_of(vorgang.mandant, vorgang.id)]


def test_an_alarm_raised_by_many_at_once_is_counted_each_time(mandant: str) -> None:
    def one(number: int) -> None:
        with connected():
            alarms.count(alarm(mandant, NOW + timedelta(seconds=number)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(40)))
    with connected():
        (found,) = alarms.standing([mandant])
    assert (found.count, found.last_at) == (40, NOW + timedelta(seconds=39))


def test_a_cleared_alarm_begins_to_stand_anew_and_its_count_only_grows(mandant: str) -> None:
    with connected():
        alarms.count(alarm(mandant))
        alarms.count(alarm(mandant, LATER))
        assert alarms.standing([mandant])[0].first_at == NOW
        assert alarms.clear(mandant, "status_unmapped", raised_before=LATER, now=LATER) == 0
        after = LATER + timedelta(seconds=1)
        assert alarms.clear(mandant, "status_unmapped", raised_before=after, now=after) == 1
        assert (alarms.standing([mandant]), alarms.last_raised(mandant, "status_unmapped", "X1")) == ([], None)
        assert alarms.totals([mandant]) == [(mandant, "status_unmapped", 2, False)]
        again = LATER + timedelta(hours=1)
        alarms.count(alarm(mandant, again))
        assert alarms.standing([mandant]) == [alarm(mandant, again, count=3)]
        assert alarms.totals([mandant]) == [(mandant, "status_unmapped", 3, True)]


def test_a_breakers_last_success_outlives_its_opening(mandant: str) -> None:
    closed = BreakerState(mandant, "closed", 0, NOW, None, NOW, "host:1")
    opened = BreakerState(mandant, "open", 5, LATER, LATER + timedelta(seconds=2), None, "host:2")
    with connected():
        breakers.note(closed)
        breakers.note(opened)
        found = breakers.of([mandant])[mandant]
    assert (found.state, found.since, found.last_success_at, found.worker) == ("open", LATER, NOW, "host:2")


def opened(mandant: str, seconds: float = 2, **changes: Any) -> BreakerState:
    values = {"failures": 5, "since": NOW, "last_success_at": None, "worker": "host:1", "told_at": NOW}
    until = NOW + timedelta(seconds=seconds)
    return BreakerState(**{"mandant": mandant, "state": "open", "next_probe_at": until} | values | changes)


def test_of_many_workers_one_takes_the_probe(mandant: str) -> None:
    with connected():
        breakers.open_until(opened(mandant))
        seen = breakers.of([mandant])[mandant]

    def take(number: int) -> bool:
        with connected():
            return breakers.take_probe(opened(mandant, 60, told_at=LATER, worker=f"host:{number}"), seen=seen)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(32))) == 1
    with connected():
        assert breakers.of([mandant])[mandant].state == "half_open"
        breakers.close(opened(mandant, failures=0, since=LATER, next_probe_at=None, last_success_at=LATER))
        found = breakers.of([mandant])[mandant]
    assert (found.state, found.failures, found.since, found.last_success_at) == ("closed", 0, LATER, LATER)


def test_a_breaker_is_opened_for_longer_but_never_for_less(mandant: str) -> None:
    with connected():
        for seconds, failures in ((60, 5), (2, 7), (90, 8)):
            breakers.open_until(opened(mandant, seconds, failures=failures, since=NOW + timedelta(seconds=failures)))
        breakers.close(opened(mandant, next_probe_at=None))
        found = breakers.of([mandant])[mandant]
        assert (found.state, found.failures, found.since) == ("open", 8, NOW + timedelta(seconds=5))
        assert found.next_probe_at == NOW + timedelta(seconds=90)
        breakers.end_pause(mandant, LATER)
        assert breakers.of([mandant])[mandant].next_probe_at == LATER


def test_only_what_failed_before_or_only_what_did_not_is_claimed(mandant: str) -> None:
    fresh, again = owe(mandant), owe(mandant)
    with connected():
        OutboxRow.update(attempts=2).where(OutboxRow.vorgang_id == again.id).execute()
        for tried, wanted in ((True, again), (False, fresh), (None, None)):
            items = outbox.claim(mandant, now=NOW, lease=timedelta(minutes=1), limit=9, tried=tried)
            assert [item.vorgang_id for item in items] == ([wanted.id] if wanted else [])


def test_a_heartbeat_is_the_last_one(mandant: str) -> None:
    with connected():
        heartbeats.beat(mandant, "worker", NOW)
        heartbeats.beat(mandant, "worker", LATER)
        assert heartbeats.last([mandant]) == {(mandant, "worker"): LATER}


def deliver(mandant: str, moments: list[datetime], state: str = "sent") -> None:
    """Store rows that were sent at these times, or are owed since."""
    plain = {"mandant": mandant, "state": state, "request_id": "r"}
    many = [
        plain | {"vorgang_id": uuid4(), "created_at": at, "next_at": at, "sent_at": at if state == "sent" else None}
        for at in moments
    ]
    with connected(), transaction():
        for start in range(0, len(many), 1000):
            OutboxRow.insert_many(many[start : start + 1000]).execute()


def test_a_backlog_counts_what_waits_is_parked_and_was_sent(mandant: str) -> None:
    owe(mandant, now=NOW - timedelta(hours=1), rows=2)
    parked(mandant)
    deliver(mandant, [NOW - age for age in (timedelta(minutes=1), timedelta(minutes=30), timedelta(days=9))])
    with connected():
        found = deliveries.backlogs([mandant, "nobody"], NOW)
    mine, nobody = found[mandant], found["nobody"]
    assert (mine.waiting, mine.oldest_waiting, mine.parked) == (2, NOW - timedelta(hours=1), 1)
    assert (mine.sent_5min, mine.sent_hour, mine.sent) == (1, 2, 3)
    assert (nobody.waiting, nobody.oldest_waiting, nobody.parked, nobody.sent) == (0, None, 0, 0)


def test_the_running_total_neither_loses_nor_doubles_a_delivery(mandant: str) -> None:
    deliver(mandant, [NOW - timedelta(hours=hours) for hours in (1, 3, 5)])

    def total(now: datetime) -> int:
        with connected():
            return deliveries.backlogs([mandant], now)[mandant].sent

    def count(now: datetime) -> None:
        with connected():
            deliveries.count_delivered(mandant, now)

    assert total(NOW) == 3
    count(NOW)
    assert total(NOW) == 3
    deliver(mandant, [NOW + timedelta(minutes=1), NOW - timedelta(minutes=90)])  # the latter by a clock that is behind
    assert total(NOW) == 5
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(count, [NOW + timedelta(hours=4)] * 12))
    assert total(NOW + timedelta(hours=4)) == 5


def test_a_retry_counts_attempts_and_age_anew_and_keeps_the_order(mandant: str) -> None:
    vorgang = parked(mandant, rows=3, now=NOW - timedelta(days=6))
    with connected():
        assert delivery.effect_of_retry(vorgang, NOW).rows == 3
        assert delivery.retry(vorgang, now=NOW) == delivery.Effect(3, 1, 0)
        order = [row.id for row in deliveries.rows_of(mandant, vorgang.id)]
    went = []
    for _ in range(4):
        for item in claim(mandant, LATER):
            assert (item.attempts, item.retried_at) == (0, NOW)
            went.append(item.id)
            with connected(), transaction():
                assert outbox.mark_sent([item], LATER) == {item.id}
    assert went == order


def test_a_row_that_a_worker_holds_is_not_made_due_again(mandant: str) -> None:
    vorgang = owe(mandant)
    (item,) = claim(mandant)
    with connected():
        assert delivery.retry(vorgang, now=NOW) == delivery.Effect(0, 0, held=1)
        with transaction():
            assert outbox.mark_sent([item], NOW) == {item.id}


def test_after_a_dead_workers_lease_a_retry_still_asks_immotion_first(mandant: str) -> None:
    vorgang = owe(mandant)
    claim(mandant)
    after = NOW + timedelta(minutes=5)
    with connected():
        assert delivery.retry(vorgang, now=after).rows == 1
    (again,) = claim(mandant, after)
    assert again.outcome_unknown


def test_a_worker_that_slept_past_its_lease_writes_nothing_over_a_retry(mandant: str) -> None:
    vorgang = owe(mandant)
    (sleeper,) = claim(mandant)
    after = NOW + timedelta(minutes=5)
    with connected():
        assert delivery.retry(vorgang, now=after).rows == 1
        outbox.renew([sleeper], after + timedelta(minutes=1))
        assert not outbox.postpone(sleeper, next_at=after + timedelta(hours=9), error="x", outcome_unknown=False)
        assert not outbox.park(sleeper, error="x")
        outbox.give_back([sleeper], outcome_unknown=False)
    (again,) = claim(mandant, after)
    assert (again.attempts, again.retried_at, again.outcome_unknown) == (0, after, True)


HOUR = timedelta(hours=1)


def schedule(mandant: str) -> list[tuple[timedelta, timedelta | None]]:
    """Return when each row is due and how long it is leased, from NOW."""
    here = OutboxRow.select(OutboxRow.next_at, OutboxRow.lease_until).where(OutboxRow.mandant == mandant)
    return [(due - NOW, lease and lease - NOW) for due, lease in tuples(here.order_by(OutboxRow.id))]


def test_what_a_clock_that_was_ahead_has_written_is_corrected(mandant: str) -> None:
    for _ in range(3):
        owe(mandant)
    ahead = NOW + HOUR
    dead, soon, day = claim(mandant, ahead)
    filed_ahead = owe(mandant, now=ahead)
    with connected():
        outbox.postpone(soon, next_at=ahead + timedelta(minutes=20), error="x", outcome_unknown=False)
        outbox.postpone(day, next_at=ahead + timedelta(hours=20), error="x", outcome_unknown=False)
        assert outbox.set_right(mandant, NOW) == 4
        nothing, minute = timedelta(0), timedelta(minutes=1)
        assert schedule(mandant) == [
            (nothing, minute),
            (timedelta(minutes=20), None),
            (timedelta(hours=20), None),
            (nothing, None),
        ]
        assert outbox.set_right(mandant, NOW) == 0
    assert [item.vorgang_id for item in claim(mandant)] == [filed_ahead.id]
    taken = claim(mandant, NOW + timedelta(seconds=61))
    assert {item.vorgang_id: item.outcome_unknown for item in taken}[dead.vorgang_id]


def test_whoever_is_at_work_under_a_lease_that_was_shortened_keeps_the_row(mandant: str) -> None:
    owe(mandant)
    (item,) = claim(mandant, NOW + HOUR)
    with connected():
        assert outbox.set_right(mandant, NOW) == 1
        outbox.renew([item], NOW + timedelta(seconds=90))
    assert claim(mandant, NOW + timedelta(seconds=80)) == []
    with connected(), transaction():
        assert outbox.mark_sent([item], NOW) == {item.id}


def test_nothing_that_clocks_agree_on_is_changed(mandant: str) -> None:
    owe(mandant, now=NOW - HOUR)
    owe(mandant, now=NOW + timedelta(seconds=30))
    parked(mandant, now=NOW + HOUR)
    for item in claim(mandant, NOW, limit=1):
        with connected():
            outbox.postpone(item, next_at=NOW + timedelta(days=1), error="x", outcome_unknown=False)
    before = schedule(mandant)
    with connected():
        assert outbox.set_right(mandant, NOW) == 0
    assert schedule(mandant) == before


def test_parking_takes_the_row_out_of_a_workers_hands(mandant: str) -> None:
    vorgang = owe(mandant, rows=2)
    (item,) = claim(mandant)
    with connected():
        assert delivery.park(vorgang, reason="Umzug") == delivery.Effect(1, 1, held=1)
        with transaction():
            assert outbox.mark_sent([item], NOW) == set()
        assert not outbox.postpone(item, next_at=NOW, error="x", outcome_unknown=False)
        assert delivery.park(vorgang) == delivery.Effect(0, 0)
    assert rows(vorgang) == [("parked", 0, "parked by hand: Umzug"), ("waiting", 0, "")]
    assert claim(mandant, NOW + timedelta(days=1)) == []
    with connected():
        assert delivery.retry(vorgang, now=NOW).rows == 2
        with transaction():
            assert outbox.mark_sent([item], NOW) == set()
    (again,) = claim(mandant)
    assert (again.id, again.outcome_unknown) == (item.id, True)


def test_nothing_changes_when_the_token_was_used_before(mandant: str) -> None:
    vorgang = parked(mandant)

    def spent() -> None:
        raise ZeroDivisionError

    with connected():
        for change in (
            lambda: delivery.retry(vorgang, now=NOW, spend=spent),
            lambda: delivery.park(vorgang, spend=spent),
            lambda: list(delivery.retry_parked(mandant, clock=lambda: NOW, spend=spent)),
        ):
            with pytest.raises(ZeroDivisionError):
                change()
    assert rows(vorgang)[0][0] == "parked"


def test_all_that_is_parked_is_retried_in_batches_once_each(mandant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BATCH", 3)
    for number in range(8):
        parked(mandant, now=NOW + timedelta(seconds=number))
    begun = NOW + timedelta(hours=1)
    waiting = owe(mandant, now=begun + timedelta(days=1))
    with connected():
        assert deliveries.parked(mandant) == (8, 8)
        batches = []
        for done in delivery.retry_parked(mandant, clock=lambda: begun):
            batches.append(done)
            for item in claim(mandant, begun):
                outbox.park(item, error="again")  # a worker that is refused at once
        assert batches == [3, 3, 2]
        assert deliveries.parked(mandant) == (8, 8)
    assert rows(waiting) == [("waiting", 0, "")]


def test_a_list_of_what_is_owed_is_paged_without_gaps_or_doubles(mandant: str) -> None:
    moments = [NOW - timedelta(minutes=minute) for minute in (5, 9, 9, 9, 1, 3)]
    vorgaenge = {owe(mandant, rows=2, now=moment).id for moment in moments}
    parked(mandant)
    seen, after = [], 0
    with connected():
        while page := deliveries.owing(mandant, "waiting", after=after, limit=2):
            seen += page
            after = page[-1].head.id
        (refused,) = deliveries.owing(mandant, "parked", after=0, limit=5)
    assert [owed.head.created_at for owed in seen] == sorted(moments)
    assert {owed.head.vorgang_id for owed in seen} == vorgaenge
    assert {(owed.rows, owed.typ) for owed in seen} == {(2, "KONTAKT")}
    assert refused.head.last_error == "VALIDIERUNG (/betreff: LAENGE)"


def plans_of(queries: list[tuple[str, Any]]) -> list[list[tuple[Any, ...]]]:
    explain = "EXPLAIN QUERY PLAN " if engine() == "sqlite" else "EXPLAIN "
    return [
        database.execute_sql(explain + sql, given).fetchall()
        for sql, given in queries
        if "outbox" in sql and "delivered" not in sql
    ]


def reads_all(plan: list[tuple[Any, ...]]) -> bool:
    """Tell whether a plan goes through every row of the outbox, in the table or in an index."""
    if engine() == "mysql":
        return any(row[3] in {"ALL", "index"} or (row[3], row[5]) == ("range", "PRIMARY") for row in plan)
    text = "\n".join(str(row[-1]) for row in plan)
    return any(sign in text for sign in ("SCAN t", "SCAN outbox", "Seq Scan on outbox")) or (
        "outbox_pkey" in text and "Index Cond: (id =" not in text
    )


def test_no_query_of_the_operator_reads_all_that_was_sent(mandant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(mandant, [NOW - timedelta(hours=3, seconds=number) for number in range(12_000)])
    vorgang = parked(mandant, now=NOW - timedelta(hours=1))
    deliver(mandant, [NOW - timedelta(seconds=number) for number in range(3_000)], state="waiting")
    queries: list[tuple[str, Any]] = []
    with connected():
        deliveries.count_delivered(mandant, NOW)
        statement = {"sqlite": "ANALYZE", "postgresql": "ANALYZE outbox", "mysql": "ANALYZE TABLE outbox"}[engine()]
        if engine() != "sqlite":  # it has no statistics but by hand, and must do without
            database.execute_sql(statement)
        real = database.obj.execute_sql
        monkeypatch.setattr(
            database.obj,
            "execute_sql",
            lambda sql, params=None, *more: (queries.append((sql, params)), real(sql, params, *more))[1],
        )
        delivery.status([mandant], NOW)
        (first, *_) = deliveries.owing(mandant, "waiting", after=0, limit=1)
        deliveries.owing(mandant, "waiting", after=first.head.id, limit=50)
        deliveries.owing(mandant, "parked", after=0, limit=50)
        deliveries.parked(mandant)
        deliveries.last_sent(mandant)
        deliveries.rows_of(mandant, vorgang.id)
        deliveries.lock_parked(mandant, retried_before=NOW, limit=500)
        outbox.set_right(mandant, NOW)
        outbox.set_right(mandant, NOW - timedelta(days=1))
        monkeypatch.undo()
        plans = plans_of(queries)
        everything = plans_of([("SELECT COUNT(*) FROM outbox WHERE request_id = 'r'", ())])
    assert len(plans) >= 12
    assert [plan for plan in plans if reads_all(plan)] == []
    assert reads_all(everything[0])


def test_a_migration_that_ended_halfway_can_be_run_again(url: str) -> None:
    opened = open_database(url)
    migrate()
    with connected():
        database.execute_sql("DROP TABLE breaker")
        database.execute_sql("DELETE FROM schema_migration WHERE name >= '0003'")
    assert migrate() == [name for name in versions() if name >= "0003"]
    with connected():
        assert not any(diff_models(database.obj, MODELS))
    opened.close_all()
