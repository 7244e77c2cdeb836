"""The breaker: when it opens, what it lets through, what all workers know of it, and the rate that immotion takes."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from service.retry import A_DAY, LONGEST
from service.store import breakers
from service.store.database import connected, database, open_database
from service.store.migrate import migrate
from service.store.records import BreakerState
from service.sync.breaker import DOUBTFUL_FAILURES, Breaker, counts, pause_after
from service.sync.immotion.channel import CredentialsRefused, Permanent, Scope, Temporary
from service.sync.throttle import ENDLESS, rate_at
from service.vorgang import delivery
from tests.support.databases import new_database
from tests.support.owed import owe
from tests.support.vorgaenge import NOW

AWAY = Temporary("ReadTimeoutError")
DAY_S = A_DAY.total_seconds()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def skip(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> Iterator[str]:
    url = new_database(tmp_path)
    opened = open_database(url)
    migrate()
    yield url
    opened.close_all()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return worker(clock)


def worker(clock: Clock) -> Breaker:
    """A worker that has been running for a while: a new one would end a pause."""
    made = Breaker("m", clock)
    made.allowance(1)
    return made


def opened(breaker: Breaker, fault: Temporary = AWAY) -> Breaker:
    while not breaker.is_open:
        breaker.failed(fault, again=False)
    return breaker


def row() -> BreakerState:
    with connected():
        return breakers.of(["m"])["m"]


def pause_s(clock: Clock) -> float:
    until = row().next_probe_at
    assert until is not None
    return (until - clock.now).total_seconds()


def test_pauses_double_from_the_fifth_failure_up_to_half_a_minute() -> None:
    def after(failures: int, asked: float | None = None, on_trial: bool = False) -> float | None:
        return pause_after(failures, asked=asked, on_trial=on_trial)

    assert [after(failures) for failures in (1, 4, 5, 6, 9, 1000)] == [None, None, 2.0, 4.0, 30.0, 30.0]
    assert (after(1, on_trial=True), after(1, asked=3600), after(9, asked=0)) == (2.0, 3600, 30.0)
    assert (after(1, asked=1e9), after(9, asked=1e9)) == (DAY_S, DAY_S)


@pytest.mark.parametrize(
    "scope,quiet_minutes,on_trial,expected",
    [
        (None, 1, False, False),
        (None, None, False, True),
        (None, LONGEST.total_seconds() / 60 + 1, False, True),
        (None, 1, True, True),
        ("connection", 1, False, False),
        ("message", None, True, False),
        ("throttle", 1, False, True),
    ],
)
def test_a_message_that_fails_again_counts_only_when_nothing_else_is_taken(
    scope: Scope, quiet_minutes: float | None, on_trial: bool, expected: bool
) -> None:
    quiet = None if quiet_minutes is None else timedelta(minutes=quiet_minutes)
    assert counts(Temporary("x", scope=scope), again=True, quiet=quiet, on_trial=on_trial) is expected
    assert counts(Temporary("x", scope=scope), again=False, quiet=quiet, on_trial=on_trial)


def test_fifty_messages_that_always_time_out_open_nothing_while_others_are_taken(breaker: Breaker) -> None:
    for _ in range(3):
        breaker.succeeded()
        for _ in range(50):
            breaker.failed(AWAY, again=True)
    assert not breaker.is_open


def test_nothing_but_failures_opens_it_whatever_failed_before(breaker: Breaker) -> None:
    breaker.succeeded()
    for _ in range(DOUBTFUL_FAILURES - 1):
        breaker.failed(AWAY, again=True)
    assert not breaker.is_open
    breaker.failed(AWAY, again=True)
    assert breaker.is_open


def test_one_probe_then_one_two_four_and_all(breaker: Breaker, clock: Clock) -> None:
    assert breaker.allowance(10) == 10
    opened(breaker)
    assert breaker.allowance(10) == 0
    clock.skip(2)
    assert (breaker.allowance(10), breaker.take_probe()) == (1, True)
    assert (breaker.allowance(10), breaker.take_probe()) == (0, False)
    breaker.succeeded()
    allowed = [breaker.allowance(10)]
    for _ in range(4):
        for _ in range(allowed[-1]):
            breaker.succeeded()
        allowed.append(breaker.allowance(10))
    assert allowed == [1, 2, 4, 8, 10]


def test_a_failure_while_it_begins_slowly_opens_it_at_once(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.skip(2)
    breaker.take_probe()
    breaker.succeeded()
    breaker.failed(AWAY, again=True)
    assert (breaker.is_open, pause_s(clock)) == (True, 2.0)


def test_a_failure_now_and_then_while_it_begins_slowly_halves_what_is_tried_at_once(
    breaker: Breaker, clock: Clock
) -> None:
    opened(breaker)
    clock.skip(2)
    breaker.take_probe()
    for _ in range(8):
        breaker.succeeded()
    assert breaker.allowance(10) == 8
    breaker.failed(AWAY, again=True)
    assert (breaker.is_open, breaker.allowance(10)) == (False, 4)


@pytest.mark.parametrize("scope", ["connection", "throttle"])
@pytest.mark.parametrize("asked,pause", [(7.0, 7.0), (3600.0, 3600.0), (1e9, DAY_S)])
def test_what_immotion_asks_to_wait_holds_for_everything(
    breaker: Breaker, clock: Clock, scope: Scope, asked: float, pause: float
) -> None:
    breaker.failed(Temporary("503", scope=scope, retry_after=asked), again=False)
    clock.skip(pause - 0.5)
    assert breaker.allowance(4) == 0
    clock.skip(1)
    assert breaker.allowance(4) == 1


def test_what_was_on_its_way_when_it_opened_neither_closes_nor_shortens_it(breaker: Breaker, clock: Clock) -> None:
    breaker.failed(Temporary("503", scope="connection", retry_after=60), again=False)
    breaker.succeeded()
    breaker.failed(Temporary("503", scope="connection", retry_after=30), again=False)
    assert (row().state, pause_s(clock), row().failures) == ("open", 60, 1)
    breaker.failed(Temporary("503", scope="connection", retry_after=90), again=False)
    assert (row().state, pause_s(clock), row().failures) == ("open", 90, 1)


def test_refused_credentials_pause_for_a_quarter_of_an_hour(breaker: Breaker, clock: Clock) -> None:
    breaker.refused()
    assert pause_s(clock) == 900
    clock.skip(900)
    assert breaker.take_probe()
    breaker.refused()
    assert pause_s(clock) == 900


def test_a_retry_by_hand_ends_the_pause_for_every_worker(breaker: Breaker, clock: Clock) -> None:
    vorgang = owe("m")
    breaker.refused()
    clock.skip(2)
    assert breaker.allowance(4) == 0
    with connected():
        delivery.retry(vorgang, now=clock.now)
    clock.skip(2)
    assert breaker.allowance(4) == 1


def test_a_worker_that_was_just_started_ends_the_pause(breaker: Breaker, clock: Clock) -> None:
    breaker.refused()
    assert Breaker("m", clock).allowance(4) == 1


def test_many_workers_send_one_probe_in_each_pause(clock: Clock) -> None:
    workers = [worker(clock) for _ in range(4)]
    opened(workers[0])
    for _ in range(3):
        clock.skip(31)
        assert [one.allowance(4) for one in workers] == [1] * 4
        probing = [one for one in workers if one.take_probe()]
        assert len(probing) == 1
        assert [one.take_probe() for one in workers] == [False] * 4
        probing[0].failed(AWAY, again=False)
    assert row().failures == 8
    clock.skip(31)
    (prober,) = [one for one in workers if one.allowance(4) and one.take_probe()]
    prober.succeeded()
    clock.skip(1)
    assert [one.allowance(4) for one in workers] == [1] * 4


def test_a_probe_whose_worker_died_is_taken_by_another(clock: Clock) -> None:
    dead, other = Breaker("m", clock, probe_takes=timedelta(seconds=20)), worker(clock)
    opened(dead)
    clock.skip(31)
    assert dead.take_probe()
    clock.skip(19)
    assert not other.allowance(4)
    clock.skip(2)
    assert other.allowance(4)
    assert other.take_probe()


def test_a_probe_that_told_nothing_is_given_back(clock: Clock) -> None:
    one, other = worker(clock), worker(clock)
    opened(one)
    clock.skip(31)
    assert one.take_probe()
    one.release()
    clock.skip(1)
    assert other.allowance(4)
    assert other.take_probe()


def test_a_clock_that_was_ahead_pauses_nobody_for_hours(breaker: Breaker, clock: Clock) -> None:
    clock.skip(3600)
    opened(breaker)
    clock.skip(-3600)
    assert breaker.allowance(4) == 1


def test_what_is_told_is_what_is(breaker: Breaker, clock: Clock) -> None:
    told = []

    def tell() -> None:
        state = row()
        told.append((state.state, state.failures, (state.since - NOW).total_seconds()))

    opened(breaker)
    tell()
    clock.skip(2)
    breaker.take_probe()
    tell()
    breaker.failed(AWAY, again=False)
    tell()
    clock.skip(4)
    breaker.take_probe()
    breaker.succeeded()
    tell()
    assert told == [("open", 5, 0), ("half_open", 5, 0), ("open", 6, 0), ("closed", 0, 6)]
    assert row().last_success_at == clock.now


def test_a_new_worker_writes_nothing_over_what_another_one_told(breaker: Breaker, clock: Clock) -> None:
    opened(breaker, Temporary("503", scope="connection", retry_after=60))
    new = Breaker("m", clock)
    new.allowance(4)
    new.succeeded()
    new.failed(AWAY, again=False)
    assert row().state == "open"


def test_a_breaker_that_could_not_be_written_down_is_written_later(breaker: Breaker, clock: Clock, store: str) -> None:
    database.obj.close_all()
    open_database("postgresql://nobody@127.0.0.1:1/none")
    opened(breaker, Temporary("503", scope="connection", retry_after=60))
    open_database(store)
    clock.skip(1)
    assert breaker.allowance(4) == 0
    assert (row().state, pause_s(clock)) == ("open", 59)


def test_a_feed_asks_when_no_delivery_wants_to_be_the_probe(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.skip(3)
    first = timedelta(seconds=5)
    with breaker.asking(after=first) as may:
        assert not may
    clock.skip(5)
    with breaker.asking(after=first) as may:
        assert may
        assert row().state == "half_open"
    assert row().state == "closed"


def test_a_feed_that_fails_opens_nothing_unless_it_was_the_probe(breaker: Breaker, clock: Clock) -> None:
    def fail() -> None:
        with pytest.raises(Temporary), breaker.asking():
            raise AWAY

    for _ in range(9):
        fail()
    assert not breaker.is_open
    opened(breaker)
    clock.skip(2)
    fail()
    assert (row().state, row().failures) == ("open", 6)


@pytest.mark.parametrize(
    "fault,pause",
    [
        (CredentialsRefused("401"), 900),
        (Temporary("503", scope="connection", retry_after=120), 120),
        (Temporary("429", scope="throttle", retry_after=20), 20),
    ],
)
def test_a_feed_that_is_refused_or_asked_to_wait_pauses_the_connection(
    breaker: Breaker, clock: Clock, fault: Exception, pause: float
) -> None:
    with pytest.raises(type(fault)), breaker.asking():
        raise fault
    assert pause_s(clock) == pause


@pytest.mark.parametrize("fault,state", [(Permanent("X"), "closed"), (OSError(), "open")])
def test_a_feeds_probe_tells_what_it_found_or_is_given_back(
    breaker: Breaker, clock: Clock, fault: Exception, state: str
) -> None:
    opened(breaker)
    clock.skip(2)
    with pytest.raises(type(fault)), breaker.asking():
        raise fault
    assert (row().state, breaker.allowance(1)) == (state, 1)


def test_the_rate_keeps_close_below_what_was_too_much_and_then_tries_for_more() -> None:
    assert [round(rate_at(100, seconds)) for seconds in (0, 5, 15, 25, 30, 45, 60)] == [88, 92, 94, 96, 100, 142, 256]


class Throttling:
    """An ERP that takes so many calls in each second, and says 429 to more."""

    def __init__(self, clock: Clock, limit: int) -> None:
        self._clock, self._limit = clock, limit
        self._second, self._count = NOW, 0
        self.taken = self.refused = 0

    def call(self, breaker: Breaker) -> None:
        second = self._clock.now.replace(microsecond=0)
        self._count = self._count + 1 if second == self._second else 1
        self._second = second
        if self._count <= self._limit:
            self.taken += 1
            breaker.succeeded()
        else:
            self.refused += 1
            breaker.failed(Temporary("429", scope="throttle", retry_after=1), again=False)


def drain(breaker: Breaker, clock: Clock, erp: Throttling, seconds: float, most: float = ENDLESS) -> None:
    """Deliver without end, as the forwarder does with eight threads: some at once, a moment later more."""
    until = clock.now + timedelta(seconds=seconds)
    while clock.now < until:
        allowed = min(breaker.allowance(32), breaker.room(), round(most * 0.02) or 1)
        if breaker.is_open:
            allowed = int(bool(allowed) and breaker.take_probe())
        breaker.begun(allowed)
        for _ in range(allowed):
            erp.call(breaker)
        clock.skip(0.02)


@pytest.mark.parametrize("limit", [3, 20, 50, 200])
@pytest.mark.parametrize("quickly", [1.2, 50])
def test_a_backlog_drains_at_the_rate_that_a_throttling_erp_takes(
    breaker: Breaker, clock: Clock, limit: int, quickly: float
) -> None:
    erp = Throttling(clock, limit)
    drain(breaker, clock, erp, 120, most=limit * quickly)
    assert erp.taken >= 0.8 * limit * 120
    assert erp.refused <= 0.05 * erp.taken + 10


def test_an_erp_that_takes_more_or_less_than_before_is_followed(breaker: Breaker, clock: Clock) -> None:
    for limit in (100, 10, 60):
        erp = Throttling(clock, limit)
        drain(breaker, clock, erp, 60)
        begun = erp.taken
        drain(breaker, clock, erp, 60)
        assert erp.taken - begun >= 0.75 * limit * 60, limit


def test_what_an_erp_took_is_forgotten_after_a_quiet_minute(breaker: Breaker, clock: Clock) -> None:
    erp = Throttling(clock, 10)
    drain(breaker, clock, erp, 20)
    assert breaker.room() < ENDLESS
    clock.skip(100)
    assert breaker.room() == ENDLESS
