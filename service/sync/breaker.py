"""Keeps a long outage cheap: after some failures in a row, one probe at a time asks whether immotion is back.

Our own, because it guards how much is claimed, and must not hold a lock while 64 threads wait for immotion, as the
libraries' breakers, which wrap each call, do.
"""

import threading
from collections.abc import Callable

from service.sync.immotion.channel import Temporary

FAILURES = 5
PAUSE_S = 2.0
LONGEST_PAUSE_S = 30.0


class Breaker:
    """One per connection, shared by its threads; `monotonic` in seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0

    @property
    def is_open(self) -> bool:
        """Tell whether nothing but a probe may be tried."""
        return self._failures >= FAILURES

    @property
    def failures(self) -> int:
        """Return how many deliveries have failed in a row."""
        return self._failures

    def pause_s(self) -> float:
        """Return for how many seconds nothing at all may be tried."""
        return max(0.0, self._closed_until - self._monotonic())

    def allowance(self, wanted: int) -> int:
        """Return how many deliveries may be tried now: all, one as a probe, or none."""
        with self._lock:
            if self._monotonic() < self._closed_until:
                return 0
            return 1 if self.is_open else wanted

    def succeeded(self) -> None:
        """Note that immotion answered."""
        if self._failures:
            with self._lock:
                self._failures = 0

    def failed(self, fault: Temporary, *, again: bool) -> None:
        """Note that immotion did not answer, or not sensibly; `again` when this message has failed before.

        A message that fails again may itself be the cause: others may fare better. Being asked to slow down counts at
        once.
        """
        if fault.scope == "message" and again:
            return
        wanted = min(fault.retry_after or 0.0, LONGEST_PAUSE_S)
        with self._lock:
            self._failures += 1
            over = self._failures - FAILURES
            if over >= 0:
                self._pause(max(wanted, min(PAUSE_S * 2 ** min(over, 10), LONGEST_PAUSE_S)))
            elif fault.scope == "connection":
                self._pause(wanted)

    def refused(self) -> None:
        """Note that the credentials are refused: the longest pause at once."""
        with self._lock:
            self._failures = FAILURES
            self._pause(LONGEST_PAUSE_S)

    def _pause(self, seconds: float) -> None:
        self._closed_until = max(self._closed_until, self._monotonic() + seconds)
