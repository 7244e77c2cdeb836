"""Limits: how often something may be done, per account, address or Mandant; in memory, or in Redis for many processes.

What is counted, and by whom, is chosen so that nobody can lock somebody else out: good tokens are never refused for bad
ones, and what an account may do is counted where that account has proved itself. What must be exact is counted with its
row in the database besides; these limits keep floods away from it.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import TypeVar

import structlog
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from service.access.visitor import digest

log = structlog.get_logger()
T = TypeVar("T")

MEMORY = "memory://"
_PREFIX = "mieterportal"
_ANSWERS_WITHIN_S = 0.5
_ASK_AGAIN_AFTER_S = 10.0


class TooManyRequests(Exception):
    """A limit is reached; in `retry_after` seconds there is room again.

    `who` it is for is as it was given to `hit`; `first` once in the limit's time, for whoever keeps a record of it.
    """

    def __init__(self, kind: str, who: Sequence[str], *, retry_after: int, first: bool) -> None:
        super().__init__(kind)
        self.kind = kind
        self.who = tuple(who)
        self.retry_after = retry_after
        self.first = first


class Rates:
    """The limits of this installation, by kind. A moving window: any stretch of its length has at most so many."""

    def __init__(
        self, storage: str, limits: Mapping[str, str], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Make the limits of each kind, such as `{"code_account": "5/5 minutes; 20/day"}`."""
        self._limits = {kind: parse_many(text) for kind, text in limits.items()}
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._shared = None if storage == MEMORY else MovingWindowRateLimiter(_redis(storage))
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._ask_at = 0.0
        self._down = False

    def hit(self, kind: str, *who: str) -> None:
        """Count one more of this kind by whoever it is; raises TooManyRequests, and then does not count it.

        `who` names whom the limit is for: the Mandant first, then the account of a kind that ends in `_account`, the
        address of one in `_address`.
        """
        key = digest(*who)
        for limit in self._limits[kind]:
            if not self._count(limit, kind, key):
                first = self._count(type(limit)(1, limit.multiples), kind, key, "told")
                raise TooManyRequests(kind, who, retry_after=self._wait(limit, kind, key), first=first)

    def _count(self, limit: RateLimitItem, *key: str) -> bool:
        return self._ask(lambda limiter: limiter.hit(limit, *key))

    def _wait(self, limit: RateLimitItem, *key: str) -> int:
        stats = self._ask(lambda limiter: limiter.get_window_stats(limit, *key))
        return max(1, ceil(stats.reset_time - time.time()))

    def _ask(self, question: Callable[[MovingWindowRateLimiter], T]) -> T:
        """Ask the storage that all share; while it does not answer, this process counts on its own."""
        if self._shared is not None and self._monotonic() >= self._ask_at:
            try:
                answer = question(self._shared)
            except StorageError as fault:
                self._went_down(fault)
            else:
                self._is_up()
                return answer
        return question(self._own)

    def _went_down(self, fault: StorageError) -> None:
        with self._lock:
            self._ask_at = self._monotonic() + _ASK_AGAIN_AFTER_S
            told, self._down = self._down, True
        if not told:
            log.error("limits_storage_down", fault=type(fault.storage_error).__name__, alarm=True)

    def _is_up(self) -> None:
        if self._down:
            with self._lock:
                was_down, self._down = self._down, False
            if was_down:
                log.info("limits_storage_up")


def answers(storage: str) -> bool:
    """Tell whether a storage answers."""
    try:
        return storage == MEMORY or _redis(storage).check()
    except StorageError:
        return False


def _redis(url: str) -> Storage:
    """Return a storage in Redis that answers soon or not at all; no connection is made yet."""
    from redis.backoff import NoBackoff  # noqa: PLC0415 - loaded only where it is used
    from redis.retry import Retry  # noqa: PLC0415

    return storage_from_string(  # type: ignore[return-value] # one of the asynchronous kind has another scheme
        url,
        key_prefix=_PREFIX,
        wrap_exceptions=True,
        socket_timeout=_ANSWERS_WITHIN_S,
        socket_connect_timeout=_ANSWERS_WITHIN_S,
        retry=Retry(NoBackoff(), 1),  # type: ignore[arg-type] # goes to redis as it is
    )
