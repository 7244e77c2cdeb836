"""Keeps a long outage cheap: after some failures in a row, one probe at a time asks whether immotion is back."""

import threading
from collections.abc import Callable

FAILURES = 3
PAUSE_S = 2.0
LONGEST_PAUSE_S = 30.0


class Breaker:
    """One per connection, shared by its threads; `monotonic` in seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0

    def allowance(self, wanted: int) -> int:
        """Return how many deliveries may be tried now: all, one as a probe, or none."""
        with self._lock:
            if self._failures < FAILURES:
                return wanted
            return 1 if self._monotonic() >= self._closed_until else 0

    def succeeded(self) -> None:
        """Note that immotion answered."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """Note that immotion did not answer, or not sensibly."""
        with self._lock:
            self._failures += 1
            over = max(0, self._failures - FAILURES)
            self._closed_until = self._monotonic() + min(PAUSE_S * 2 ** min(over, 10), LONGEST_PAUSE_S)

    def refused(self) -> None:
        """Note that the credentials are refused: the longest pause at once."""
        with self._lock:
            self._failures = FAILURES
            self._closed_until = self._monotonic() + LONGEST_PAUSE_S
