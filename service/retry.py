"""When a failed delivery is tried again: pure arithmetic."""

from collections.abc import Callable
from datetime import datetime, timedelta

FIRST = timedelta(seconds=5)
LONGEST = timedelta(minutes=30)
A_DAY = timedelta(days=1)
GIVE_UP_AFTER = timedelta(days=5)
_EXPONENT_MAX = 20


def next_attempt(
    attempts: int, now: datetime, *, created_at: datetime, retry_after: float | None, random: Callable[[], float]
) -> datetime | None:
    """Return when to try again after `attempts` failures (this one included); None when it is time to park.

    Exponential with full jitter, from 5 s to 30 min, for 5 days (immotion.md, Outbox and forwarder). `random` gives
    numbers in [0, 1). immotion's own Retry-After (seconds) is a lower bound, up to a day.
    """
    if now - created_at > GIVE_UP_AFTER:
        return None
    ceiling = min(FIRST * 2 ** min(attempts - 1, _EXPONENT_MAX), LONGEST)
    wait: timedelta = ceiling * random()
    if retry_after is not None:
        wait = max(wait, timedelta(seconds=min(retry_after, A_DAY.total_seconds())))
    return now + wait
