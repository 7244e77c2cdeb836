"""Faults that tests switch on: which call is spoiled, and how, told by a seed alone."""

import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

DEFAULT_KINDS = ("500", "503", "timeout", "cut_before", "cut_after_commit")


@dataclass(frozen=True, slots=True)
class Faults:
    """What is switched on; rate 0 means nothing.

    `calls` limits the faults to calls such as "PUT /vorgaenge" (none named: all), `keys` to calls about these ids (none
    named: all), `count` to so many in all. `slow` is honest, only `slow_s` seconds late. `token_expired` ends
    every token that /oauth2/token has given out, which live for `token_s` otherwise. The file drop draws as "FILEDROP":
    half_copied, quittung_missing, quittung_doubled, refused.
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

    def concern(self, call: str, key: str) -> bool:
        """Tell whether a call about an id may be spoiled."""
        return (not self.calls or call in self.calls) and (not self.keys or key in self.keys)

    def wire(self) -> dict[str, Any]:
        """Return the settings as the test side shows them."""
        return asdict(self)


class FaultSwitch:
    """Draws the fault of each call; equal seeds draw equal faults for equal sequences of calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
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
            if not faults.rate or self._left == 0 or not faults.concern(call, key):
                return None
            if not faults.kinds or self._random.random() >= faults.rate:
                return None
            if self._left is not None:
                self._left -= 1
            return self._random.choice(faults.kinds)
