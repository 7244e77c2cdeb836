"""What is made of files that the operator may replace while the service runs: read again when they change.

A file is taken once it has been quiet for two seconds, so that one which is still being written is left alone. What
cannot be used leaves the former in force and is logged; nobody is signed out, and nothing ends, for a bad file.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger()

LOOK_EVERY_S = 2.0
QUIET_S = 2.0
T = TypeVar("T")
M = TypeVar("M")
# of each file: when it was last written, by its date and by the system's, which one it is, and how long
Stamp = tuple[tuple[float, int, int, int], ...]


@dataclass(slots=True, eq=False)
class Watched(Generic[T]):
    """The value of one setting that may stand in files; `name` is the setting's. Shared by all threads.

    `value` is what is in force; `read` makes another one of the files, and raises ValueError for what cannot be used;
    `taken` is the state of them that it is of, if that is known.
    `clock` is what files are dated by.
    """

    name: str
    value: T = field(repr=False)
    files: Sequence[Path] = ()
    read: Callable[[], T] | None = None
    taken: Stamp | None = None
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    _look_at: float = 0.0
    _said: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> T:
        """Return what is in force; the files are looked at when that was not done for two seconds."""
        if self.read is not None and self.monotonic() >= self._look_at:
            with self._lock:
                if self.monotonic() >= self._look_at:
                    self._look(self.read)
        return self.value

    def looked_up(self) -> T:
        """Return what is in force after a look now: another process may have seen a change a moment sooner."""
        if self.read is not None:
            with self._lock:
                self._look(self.read)
        return self.value

    def _look(self, read: Callable[[], T]) -> None:
        self._look_at = self.monotonic() + LOOK_EVERY_S
        try:
            stamp = stamp_of(self.files)
            now = self.clock()
            if stamp == self.taken or not is_quiet(stamp, now):
                return
            found = read()
        except ValueError as fault:
            self._complain(str(fault))
            return
        # dated by a clock ahead of ours, it may change again without being dated anew: looked at each time
        self.taken = stamp if _age_of(stamp, now) >= QUIET_S else None
        self._take(found)

    def _take(self, found: T) -> None:
        if found != self.value or self._said:
            log.info("keys_read", setting=self.name)
        self.value, self._said = found, ""

    def _complain(self, reason: str) -> None:
        if reason != self._said:
            log.error("keys_unusable", setting=self.name, reason=reason, alarm=True)
        self._said = reason


class Made(Generic[T, M]):
    """Something made of what is watched, made anew when that is another."""

    def __init__(self, source: Watched[T], make: Callable[[T], M]) -> None:
        self._source = source
        self._make = make
        self._made: tuple[T, M] | None = None

    def now(self) -> M:
        """Return it as of what is in force."""
        return self._of(self._source())

    def anew(self, former: M) -> M | None:
        """Return it as of a look now; None if it is still the former one."""
        found = self._of(self._source.looked_up())
        return None if found is former else found

    def _of(self, value: T) -> M:
        made = self._made
        if made is None or made[0] != value:
            made = self._made = value, self._make(value)
        return made[1]


def stamp_of(files: Sequence[Path]) -> Stamp:
    """Return what tells one state of files from another; raises ValueError when one is not there."""
    return tuple(_stamp(file) for file in files)


def is_quiet(stamp: Stamp, now: float) -> bool:
    """Tell whether none of the files was written a moment ago; one whose date is ahead is not waited for."""
    return not 0 <= _age_of(stamp, now) < QUIET_S


def _age_of(stamp: Stamp, now: float) -> float:
    """Return how many seconds ago the newest of the files was written; negative when its date is ahead."""
    return now - max(one[0] for one in stamp)


def _stamp(file: Path) -> tuple[float, int, int, int]:
    try:
        found = file.stat()
    except OSError as fault:
        raise ValueError(f"{file} cannot be read ({fault.strerror})") from fault
    return found.st_mtime_ns / 1e9, found.st_ctime_ns, found.st_ino, found.st_size
