"""Keeps an outage cheap and a backlog's end quick: after failures one probe at a time, then more and more at once.

Whether a connection is open is a row of the database, for all workers; whoever wants to probe takes the probe by a
conditional update of it, so that there is one in each pause however many workers there are.

Our own, because it guards how much is claimed, and must not hold a lock while 64 threads wait for immotion, as the
libraries' breakers, which wrap each call and know one process, do.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from service.retry import A_DAY, LONGEST
from service.store import breakers
from service.store.breakers import CLOSED, HALF_OPEN, OPEN
from service.store.database import StoreUnavailable, connected
from service.store.records import BreakerState
from service.sync.immotion.channel import CredentialsRefused, Permanent, Temporary
from service.sync.throttle import Throttle

FAILURES = 5
DOUBTFUL_FAILURES = 100
PAUSE_S = 2.0
LONGEST_PAUSE_S = 30.0
REFUSED_S = 900.0
PROBE_TAKES = timedelta(seconds=60)
_THROTTLED_S = 1.0
_EXPONENT_MAX = 10
_LOOK = timedelta(seconds=1)
_CLOCKS_DIFFER = timedelta(minutes=1)


def pause_after(failures: int, *, asked: float | None, on_trial: bool) -> float | None:
    """Return for how many seconds nothing may be tried after so many failures in a row; None: go on.

    `asked` is what immotion asked to wait, a lower bound up to a day; `on_trial`: the probe failed, or the first one
    after it. From FAILURES on the pauses double up to LONGEST_PAUSE_S.
    """
    over = failures - FAILURES
    if over < 0 and asked is not None:
        return min(asked, A_DAY.total_seconds())
    if over < 0 and not on_trial:
        return None
    grown: float = min(PAUSE_S * 2 ** min(max(over, 0), _EXPONENT_MAX), LONGEST_PAUSE_S)
    return min(max(asked or 0.0, grown), A_DAY.total_seconds())


def counts(fault: Temporary, *, again: bool, quiet: timedelta | None, on_trial: bool) -> bool:
    """Tell whether a failure speaks against the connection; `again` when this message has failed before.

    Such a message may itself be the cause. Its failure counts when nothing else has been taken either for as long as
    any message waits between two tries (`quiet` since the last one; None: never), or while immotion is on trial.
    """
    if not again or fault.scope == "throttle":
        return True
    if fault.scope == "message":
        return False
    return on_trial or quiet is None or quiet > LONGEST


def concerns_all(fault: Exception) -> bool:
    """Tell whether a fault says of every message that it should not be sent now."""
    return isinstance(fault, CredentialsRefused) or (isinstance(fault, Temporary) and _asked(fault) is not None)


def _asked(fault: Temporary) -> float | None:
    """Return how long immotion asked the whole connection to wait."""
    if fault.scope == "throttle":
        return _THROTTLED_S if fault.retry_after is None else fault.retry_after
    return fault.retry_after if fault.scope == "connection" else None


class Breaker:
    """One per Mandant and process, shared by its threads; what the other processes should know is in the database.

    A new one, that is a worker that was just started, ends a pause: somebody may have mended what was wrong.
    """

    def __init__(self, mandant: str, clock: Callable[[], datetime], *, probe_takes: timedelta = PROBE_TAKES) -> None:
        self._clock, self._probe_takes = clock, probe_takes
        self._lock = threading.RLock()
        worker = f"{socket.gethostname()}:{os.getpid()}"[:100]
        self._seen = BreakerState(mandant, CLOSED, 0, clock(), None, None, worker)
        self._looked_at: datetime | None = None
        self._new, self._unsaved = True, False
        self._probe: datetime | None = None
        self._failures = self._doubtful = 0
        self._taken_at: datetime | None = None
        self._window: int | None = None
        self._throttle = Throttle()

    @property
    def is_open(self) -> bool:
        """Tell whether nothing but a probe may be tried."""
        return self._seen.state != CLOSED

    def allowance(self, wanted: int) -> int:
        """Return how many deliveries may be on their way: all, a few after an outage, one as a probe, or none.

        One while this breaker is open: call `take_probe` before it. Raises StoreUnavailable.
        """
        now = self._clock()
        with self._lock:
            self._look(now)
            if self.is_open:
                return int(self._may_probe(now))
            if self._window is not None and self._window >= wanted:
                self._window = None
            return wanted if self._window is None else self._window

    def room(self) -> int:
        """Return how many deliveries more may be begun now, at the rate immotion takes."""
        with self._lock:
            return self._throttle.room(self._clock())

    def begun(self, count: int) -> None:
        """Note that so many deliveries were begun."""
        with self._lock:
            self._throttle.spent(count)

    def wait_s(self) -> float:
        """Return how long to wait for room for one more; 0 when there is some, or when waiting would not help."""
        with self._lock:
            return 0.0 if self.is_open else self._throttle.wait_s(self._clock())

    def take_probe(self) -> bool:
        """Take the probe of this pause, unless another worker has it. Raises StoreUnavailable."""
        now = self._clock()
        with self._lock:
            if not self._may_probe(now):
                return False
            taken = replace(self._seen, state=HALF_OPEN, next_probe_at=now + self._probe_takes, told_at=now)
            with connected():
                mine = breakers.take_probe(taken, seen=self._seen)
            if mine:
                self._seen, self._probe = taken, taken.next_probe_at
            self._looked_at = now if mine else None
            return mine

    def release(self) -> None:
        """Give a probe back that was not used, or told nothing about immotion."""
        now = self._clock()
        with self._lock:
            if self._probe is None:
                return
            given = replace(self._seen, state=OPEN, next_probe_at=now, told_at=now)
            self._seen, self._probe = given, None
            self._save(lambda: breakers.open_until(given))

    def succeeded(self) -> None:
        """Note that immotion answered to a delivery."""
        now = self._clock()
        with self._lock:
            self._taken_at = now
            if self._seen.state == OPEN:
                return  # begun before: whatever opened it stands
            self._throttle.taken(now)
            self._failures = self._doubtful = 0
            if self._seen.state == HALF_OPEN:
                self._close(now)
            elif self._window is not None:
                self._window += 1

    def failed(self, fault: Temporary, *, again: bool) -> None:
        """Note that immotion did not take a delivery; `again` when this message has failed before."""
        now, asked = self._clock(), _asked(fault)
        with self._lock:
            if self._seen.state == OPEN:  # begun before
                self._lengthen(now, asked or 0.0)
                return
            probing = self._seen.state == HALF_OPEN
            if fault.scope == "throttle" and not probing:
                self._throttle.exceeded(now)
            quiet = now - self._taken_at if self._taken_at else None
            on_trial = self._window is not None
            if not probing and not counts(fault, again=again, quiet=quiet, on_trial=on_trial):
                self._doubtful += 1
                if self._doubtful < DOUBTFUL_FAILURES:
                    return
                self._failures = FAILURES - 1
            self._failures += 1
            pause = pause_after(self._failures, asked=asked, on_trial=probing or self._window == 1)
            if pause is not None:
                self._open(now, pause)
            elif self._window is not None:
                # an immotion that fails now and then is not away: more slowly, but on
                self._window = max(1, self._window // 2)

    def refused(self) -> None:
        """Note that the credentials are refused: a long pause at once."""
        now = self._clock()
        with self._lock:
            self._failures = max(self._failures, FAILURES)
            if self._seen.state == OPEN:
                self._lengthen(now, REFUSED_S)
            else:
                self._open(now, REFUSED_S)

    @contextmanager
    def asking(self, *, after: timedelta = timedelta(0)) -> Iterator[bool]:
        """Tell whether a feed may be asked, as a probe too, and note how that ended.

        Deliveries go first: only a probe that none has taken for as long as `after` is taken.
        A feed that fails says nothing of deliveries, unless it was the probe or immotion asked to wait. Raises
        StoreUnavailable, and what the block raises.
        """
        now = self._clock()
        with self._lock:
            self._look(now)
            probe = self.is_open
            since = self._seen.next_probe_at
        left_to_deliveries = since is not None and since <= now < since + after
        if probe and (left_to_deliveries or not self.take_probe()):
            yield False
            return
        try:
            yield True
        except Temporary as fault:
            if probe or _asked(fault) is not None:
                self.failed(fault, again=False)
            raise
        except CredentialsRefused:
            self.refused()
            raise
        except Permanent:
            self._answered()
            raise
        else:
            self._answered()
        finally:
            if probe:
                self.release()

    def _answered(self) -> None:
        with self._lock:
            if self._seen.state == HALF_OPEN:
                self._close(self._clock())

    def _may_probe(self, now: datetime) -> bool:
        """Tell whether the pause is over, or the time that another worker had for its probe."""
        seen = self._seen
        if not self.is_open or self._probe is not None:
            return False
        if seen.next_probe_at is None or now >= seen.next_probe_at:
            return True
        # written by a clock that was ahead, ours perhaps before it was set right: nobody knows when that will be
        return seen.told_at is not None and seen.told_at > now + _CLOCKS_DIFFER

    def _open(self, now: datetime, pause_s: float) -> None:
        since = self._seen.since if self.is_open else now
        until = now + timedelta(seconds=pause_s)
        opened = replace(self._seen, state=OPEN, failures=self._failures, since=since, next_probe_at=until, told_at=now)
        self._seen, self._probe, self._window = opened, None, None
        self._save(lambda: breakers.open_until(opened))

    def _lengthen(self, now: datetime, pause_s: float) -> None:
        until = self._seen.next_probe_at
        if until is None or now + timedelta(seconds=pause_s) > until:
            self._open(now, pause_s)

    def _close(self, now: datetime) -> None:
        closed = replace(
            self._seen, state=CLOSED, failures=0, since=now, next_probe_at=None, last_success_at=now, told_at=now
        )
        self._begin_slowly(closed, now)
        self._save(lambda: breakers.close(closed))

    def _begin_slowly(self, closed: BreakerState, now: datetime) -> None:
        self._seen, self._probe = closed, None
        self._window, self._failures, self._doubtful = 1, 0, 0
        self._throttle.resume(now)

    def _save(self, write: Callable[[], None]) -> None:
        """Write the state down, best effort; `_look` writes what a database that is down did not take."""
        self._looked_at = None
        try:
            with connected():
                write()
        except StoreUnavailable:
            self._unsaved = self.is_open
        else:
            self._unsaved = False

    def _look(self, now: datetime) -> None:
        """Read what other workers have found out, about once a second. Raises StoreUnavailable."""
        if self._looked_at is not None and self._looked_at <= now < self._looked_at + _LOOK:
            return
        if self._probe is not None:
            return
        mandant = self._seen.mandant
        with connected():
            if self._unsaved:
                breakers.open_until(self._seen)
            elif self._new:
                breakers.end_pause(mandant, now)
            row = breakers.of([mandant]).get(mandant)
        self._new, self._unsaved, self._looked_at = False, False, now
        if row is not None:
            self._take_over(row, now)

    def _take_over(self, row: BreakerState, now: datetime) -> None:
        mine = replace(row, worker=self._seen.worker)
        if row.state == CLOSED and self.is_open:
            self._begin_slowly(mine, now)
            return
        if not self.is_open and row.state != CLOSED:
            self._window = None
        self._seen = mine
