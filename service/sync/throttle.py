"""How many deliveries a second immotion takes, learned from its answers 429."""

from collections import deque
from datetime import UTC, datetime, timedelta

ENDLESS = 10**6
_PLATEAU = 0.94  # immotion counts in seconds of its own, and our calls do not come evenly
_DIP = 0.06
_PLATEAU_S = 15.0
FORGOTTEN_S = 60.0
_BURST_S = 0.08  # with the plateau: never more in any second than was taken in one
_SLOWEST = 0.2
_SECOND = timedelta(seconds=1)


def rate_at(limit: float, seconds: float) -> float:
    """Return how many a second may be tried so many seconds after `limit` a second had turned out to be too many.

    An eighth less at first, a little below the limit for long, then ever faster beyond it: immotion may take more by
    now. The curve is that of TCP CUBIC (RFC 9438), so that little is lost to answers 429 and to what they ask to wait.
    """
    return limit * (_PLATEAU + _DIP * ((seconds - _PLATEAU_S) / _PLATEAU_S) ** 3)


class Throttle:
    """Allows everything until the first 429, and again a minute after the last one."""

    def __init__(self) -> None:
        self._limit: float | None = None
        self._taken: deque[datetime] = deque()
        self._since = self._at = datetime.min.replace(tzinfo=UTC)
        self._saved = 0.0

    def taken(self, now: datetime) -> None:
        """Note that immotion took one."""
        self._taken.append(now)
        while self._taken[0] <= now - _SECOND:
            self._taken.popleft()

    def exceeded(self, now: datetime) -> None:
        """Note that immotion takes no more for now: what it took in the last second is what it takes in a second."""
        measured = sum(moment > now - _SECOND for moment in self._taken)
        rate = self._rate(now)
        if rate is not None:
            # soon after a pause there is little to measure
            self._limit = max(_SLOWEST, min(rate, max(measured, rate / 2)))
        elif measured:
            self._limit = float(measured)
        self.resume(now)

    def resume(self, now: datetime) -> None:
        """Begin anew after a pause."""
        self._since = self._at = now
        self._saved = 0.0

    def room(self, now: datetime) -> int:
        """Return how many may be tried now."""
        rate = self._rate(now)
        if rate is None:
            return ENDLESS
        passed = max(0.0, (now - self._at).total_seconds())
        self._saved, self._at = min(self._saved + passed * rate, max(2.0, rate * _BURST_S)), now
        return int(self._saved)

    def spent(self, count: int) -> None:
        """Note that so many are being tried."""
        self._saved -= count

    def wait_s(self, now: datetime) -> float:
        """Return in how many seconds there is room for one."""
        rate = self._rate(now)
        return 0.0 if rate is None else max(0.0, (1 - self._saved) / rate)

    def _rate(self, now: datetime) -> float | None:
        if self._limit is None:
            return None
        passed = (now - self._since).total_seconds()
        if not 0 <= passed <= FORGOTTEN_S:
            self._limit = None
            return None
        return rate_at(self._limit, passed)
