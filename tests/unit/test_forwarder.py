"""What the forwarder claims: hanging messages leave threads to fresh ones, a throttling immotion is drained in time."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from service.files.storage import Folder
from service.store import breakers, outbox
from service.store.database import connected, open_database
from service.store.migrate import migrate
from service.store.models import OutboxRow
from service.store.query import tuples
from service.sync.breaker import Breaker
from service.sync.forwarder import Forwarder
from service.sync.immotion.channel import Accepted, CredentialsRefused, Temporary
from tests.support.databases import new_database
from tests.support.owed import owe
from tests.support.vorgaenge import NOW


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> Iterator[None]:
    opened = open_database(new_database(tmp_path))
    migrate()
    yield
    opened.close_all()


class FarSide:
    """An immotion that does with each Vorgang what the test says; `put` may raise."""

    def __init__(self, put: Callable[[UUID], None] = lambda _: None) -> None:
        self._put = put
        self.begun: list[UUID] = []
        self.taken: list[UUID] = []

    def begin(self, *_: object) -> None:
        """Take no note."""

    def put_vorgang(self, vorgang_id: UUID, *_: object) -> Accepted:
        self.begun.append(vorgang_id)
        self._put(vorgang_id)
        self.taken.append(vorgang_id)
        return Accepted(None, None)

    def close(self) -> None:
        """Nothing is open."""


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def forwarding(
    tmp_path: Path, far_side: FarSide, threads: int = 4, clock: Callable[[], datetime] = now
) -> Iterator[Forwarder]:
    made = Forwarder(
        "m",
        channel=lambda: far_side,  # type: ignore[arg-type,return-value]
        storage=Folder(tmp_path / "files"),
        threads=threads,
        clock=clock,
        breaker=Breaker("m", clock),
    )
    try:
        yield made
    finally:
        made.close()


def owed(count: int, *, attempts: int = 0) -> list[UUID]:
    """Store so many Vorgänge that are due since a minute, tried so many times."""
    found = [owe("m", now=now() - timedelta(minutes=1)).id for _ in range(count)]
    with connected():
        OutboxRow.update(attempts=attempts).where(OutboxRow.vorgang_id.in_(found)).execute()
    return found


def rows() -> list[tuple[str, int]]:
    with connected():
        return tuples(OutboxRow.select(OutboxRow.state, OutboxRow.attempts))


def eventually(told: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not told() and time.monotonic() < until:
        time.sleep(0.02)
    return told()


@contextmanager
def running(worker: Forwarder) -> Iterator[None]:
    stop = threading.Event()

    def forward() -> None:
        while not stop.is_set():
            if not worker.forward(stop.is_set):
                stop.wait(0.05)

    thread = threading.Thread(target=forward)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("threads,most", [(1, 1), (2, 1), (4, 2), (5, 2)])
def test_messages_that_hang_again_hold_at_most_half_of_the_threads(tmp_path: Path, threads: int, most: int) -> None:
    hanging, free = owed(12, attempts=3), threading.Event()

    def put(vorgang_id: UUID) -> None:
        if vorgang_id in hanging:
            free.wait(30)
            raise Temporary("ReadTimeoutError", outcome_unknown=False)

    far_side = FarSide(put)

    def held() -> int:
        return sum(one in hanging for one in far_side.begun)

    with forwarding(tmp_path, far_side, threads) as worker, running(worker):
        assert eventually(lambda: held() == most)
        fresh = owed(5 * (threads > 1))
        assert eventually(lambda: set(far_side.taken) == set(fresh))
        assert held() == most
        free.set()


def test_when_messages_that_failed_before_are_taken_all_threads_send_them(tmp_path: Path) -> None:
    waiting, together, most = owed(40, attempts=3), threading.Semaphore(0), []

    def put(_: UUID) -> None:
        together.release()
        time.sleep(0.01)
        most.append(together._value)
        together.acquire()

    far_side = FarSide(put)
    with forwarding(tmp_path, far_side) as worker:
        assert worker.forward() == 40
    assert (set(far_side.taken), max(most)) == (set(waiting), 4)


def test_fresh_messages_and_those_that_failed_before_are_both_sent(tmp_path: Path) -> None:
    waiting = owed(20) + owed(20, attempts=1)
    far_side = FarSide()
    with forwarding(tmp_path, far_side, threads=1) as worker:
        assert worker.forward() == 40
    assert set(far_side.taken) == set(waiting)


def test_the_first_claim_of_a_run_is_more_than_the_threads_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owed(100)
    limits, real = [], outbox.claim
    monkeypatch.setattr(outbox, "claim", lambda *given, **more: (limits.append(more["limit"]), real(*given, **more))[1])
    with forwarding(tmp_path, FarSide()) as worker:
        worker.forward()
    assert limits[:2] == [2, 16], "what failed before, then the fresh ones"


class Window:
    """Takes so many calls within any second and refuses those above, as the stand-in does."""

    def __init__(self, limit: int) -> None:
        self._limit, self._lock = limit, threading.Lock()
        self._taken: deque[float] = deque()
        self.refused = 0
        self.first: float | None = None

    def __call__(self, _: UUID) -> None:
        with self._lock:
            moment = time.monotonic()
            self.first = self.first or moment
            while self._taken and moment - self._taken[0] >= 1:
                self._taken.popleft()
            if len(self._taken) >= self._limit:
                self.refused += 1
                raise Temporary("429 RATE_LIMIT", retry_after=1, scope="throttle")
            self._taken.append(moment)


def test_a_throttling_immotion_is_drained_and_no_row_is_blamed(tmp_path: Path) -> None:
    owed(200)
    window = Window(40)
    far_side = FarSide(window)
    with forwarding(tmp_path, far_side) as worker, running(worker):
        assert eventually(lambda: len(far_side.taken) == 200)
    assert rows() == [("sent", 0)] * 200
    assert 0 < window.refused <= 40


def test_a_429_counts_no_attempt_and_waits_as_long_as_immotion_asks(tmp_path: Path) -> None:
    owed(1, attempts=7)
    far_side = FarSide(Window(0))
    with forwarding(tmp_path, far_side) as worker:
        worker.forward()
    assert rows() == [("waiting", 7)]
    with connected():
        ((due,),) = tuples(OutboxRow.select(OutboxRow.next_at))
    assert timedelta(seconds=0.5) < due - now() < timedelta(seconds=6)


def test_a_row_that_is_throttled_for_days_is_never_parked(tmp_path: Path) -> None:
    owe("m", now=NOW)
    with forwarding(tmp_path, FarSide(Window(0)), clock=lambda: NOW + timedelta(days=9)) as worker:
        worker.forward()
    assert rows() == [("waiting", 0)]


def test_while_immotion_asks_to_wait_nothing_more_is_sent(tmp_path: Path) -> None:
    owed(40)

    def put(_: UUID) -> None:
        raise Temporary("503 WARTUNG", retry_after=3600, scope="connection")

    far_side = FarSide(put)
    with forwarding(tmp_path, far_side) as worker:
        worker.forward()
        assert worker.forward() == 0
    assert len(far_side.begun) <= 4, "what the threads had begun"
    assert max(rows()) == ("waiting", 1)
    assert sum(attempts for _, attempts in rows()) == len(far_side.begun)


def states_told(fault: Exception | None) -> tuple[list[str], FarSide]:
    told = []

    def put(_: UUID) -> None:
        with connected():
            told.append(breakers.of(["m"])["m"].state)
        if fault:
            raise fault

    return told, FarSide(put)


def broken_off(clock: Sequence[datetime]) -> Breaker:
    breaker = Breaker("m", lambda: clock[0])
    breaker.allowance(1)
    breaker.refused()
    return breaker


@pytest.mark.parametrize("fault,after", [(None, "closed"), (CredentialsRefused("401"), "open")])
def test_what_the_operator_sees_is_true_while_the_backlog_drains(
    tmp_path: Path, fault: Exception | None, after: str
) -> None:
    owed(6)
    told, far_side = states_told(fault)
    broken_off([now()])
    with forwarding(tmp_path, far_side) as worker:
        worker.forward()
    with connected():
        assert breakers.of(["m"])["m"].state == after
    assert told == ["half_open"] + ["closed"] * (5 if fault is None else 0)


def test_a_probe_is_not_taken_by_a_worker_that_has_nothing_to_send(tmp_path: Path) -> None:
    broken_off([now()])
    with forwarding(tmp_path, FarSide()) as worker:
        assert worker.forward() == 0
    with connected():
        assert breakers.of(["m"])["m"].state == "open"


def test_a_probe_that_cannot_be_built_is_left_to_the_next(tmp_path: Path) -> None:
    gone, good = owed(1), owed(1)

    def put(vorgang_id: UUID) -> None:
        if vorgang_id in gone:
            raise LookupError

    far_side = FarSide(put)
    broken_off([now()])
    with forwarding(tmp_path, far_side) as worker:
        worker.forward()
        worker.forward()
    assert far_side.taken == good
    with connected():
        assert breakers.of(["m"])["m"].state == "closed"
