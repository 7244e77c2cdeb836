"""Faults that tests switch on: which call is spoiled, and how, told by a seed alone."""

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

DEFAULT_KINDS = ("500", "503", "timeout", "cut_before", "cut_after_commit")
HONEST = "ehrlich"


@dataclass(frozen=True, slots=True)
class Faults:
    """What is switched on; rate 0 means nothing.

    `calls` limits the faults to calls such as "PUT /vorgaenge" (none named: all), `keys` to calls about these ids (none
    named: all), `count` to so many in all. `slow` is honest, only `slow_s` seconds late. `token_expired` ends
    every token that /oauth2/token has given out, which live for `token_s` otherwise. The file drop draws as "FILEDROP":
    half_copied, quittung_missing, quittung_doubled, refused. Of the calls concerned, `rate_limit` are taken in any
    second (None: all that come), and those above answered 429.
    """

    rate: float = 0.0
    kinds: tuple[str, ...] = DEFAULT_KINDS
    seed: int = 0
    timeout_s: float = 60.0
    slow_s: float = 1.0
    retry_after_s: int = 1
    batch_s: float = 1.0
    token_s: int = 3600
    calls: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    count: int | None = None
    rate_limit: int | None = None

    def concern(self, call: str, key: str) -> bool:
        """Tell whether a call about an id may be spoiled."""
        return (not self.calls or call in self.calls) and (not self.keys or key in self.keys)

    def wire(self) -> dict[str, Any]:
        """Return the settings as the test side shows them."""
        return asdict(self)


class FaultSwitch:
    """Draws the fault of each call; equal seeds draw equal faults for equal sequences of calls."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._monotonic = monotonic
        self._taken: deque[float] = deque()
        self._drawn: Counter[tuple[str, str]] = Counter()
        self._random = random.Random(0)  # noqa: S311 - repeatable on purpose, guards nothing
        self._left: int | None = None
        self.faults = Faults()
        self._happened: Counter[str] = Counter()

    def set(self, settings: Mapping[str, Any]) -> Faults:
        """Take checked settings, forget what was set before, and begin the sequence of the seed."""
        tuples = {name: tuple(settings[name]) for name in ("kinds", "calls", "keys") if name in settings}
        faults = replace(Faults(), **{**settings, **tuples})
        with self._lock:
            self.faults = faults
            self._taken.clear()
            self._left = faults.count
            self._random = random.Random(faults.seed)  # noqa: S311 - as above
        return faults

    def note(self, kind: str) -> None:
        """Count a fault of the file drop that has happened: not every one that is drawn has something to spoil."""
        with self._lock:
            self._happened[kind] += 1

    def happened(self) -> dict[str, int]:
        """Return how often each noted fault has happened since the stand-in started."""
        with self._lock:
            return dict(self._happened)

    def draw(self, call: str, key: str = "") -> str | None:
        """Return the kind of fault for a call such as "PUT /vorgaenge" about an id, or None for an honest answer."""
        with self._lock:
            faults = self.faults
            if not faults.concern(call, key) or not (faults.rate or faults.rate_limit):
                return None
            kind = "429" if self._too_many(faults.rate_limit) else self._kind(faults)
            self._drawn[call, kind or HONEST] += 1
            return kind

    def _too_many(self, rate_limit: int | None) -> bool:
        """Tell whether this call is one too many within a second; otherwise it counts as taken."""
        if rate_limit is None:
            return False
        now = self._monotonic()
        while self._taken and now - self._taken[0] >= 1:
            self._taken.popleft()
        if len(self._taken) >= rate_limit:
            return True
        self._taken.append(now)
        return False

    def _kind(self, faults: Faults) -> str | None:
        if not faults.rate or self._left == 0 or not faults.kinds or self._random.random() >= faults.rate:
            return None
        if self._left is not None:
            self._left -= 1
        return self._random.choice(faults.kinds)

    def drawn(self) -> dict[str, dict[str, int]]:
        """Return how often each kind, or none ("ehrlich"), was drawn for each call while faults were switched on."""
        with self._lock:
            counts: dict[str, dict[str, int]] = {}
            for (call, kind), times in sorted(self._drawn.items()):
                counts.setdefault(call, {})[kind] = times
        return counts
