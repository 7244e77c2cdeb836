"""The processes of one sync worker: threads of one process share one core, and sending fills it at about eight."""

import math
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.process import parent_process
from typing import TYPE_CHECKING

import structlog

from service.settings import Settings
from service.standing import Standing

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

log = structlog.get_logger()

THREADS_EACH = 4
_LOOK_S = 0.5
_AGAIN_S = 1.0
_END_S = 6.0


@dataclass(frozen=True, slots=True)
class Place:
    """Which process of the crew this is. The first one reads the feeds, keeps house and watches, too."""

    number: int = 0
    of: int = 1

    @property
    def leads(self) -> bool:
        """Tell whether this is the first one."""
        return self.number == 0

    def share(self, threads: int) -> int:
        """Return how many of so many threads this process runs; the shares of all add up to them."""
        return threads // self.of + (self.number < threads % self.of)


def size(settings: Settings) -> int:
    """Return how many processes the worker takes: the setting, or one for every few threads up to one a core."""
    if settings.service.sync_processes:
        return settings.service.sync_processes
    threads = [mandant.immotion.threads for mandant in settings.mandanten.values() if mandant.immotion is not None]
    return max(1, min(math.ceil(max(threads, default=1) / THREADS_EACH), len(os.sched_getaffinity(0))))


class Crew:
    """Starts the processes, starts again whichever dies, and ends them together.

    `work` is what each does, given its place; it returns after SIGTERM, and when `parent_ended` says so.
    """

    def __init__(self, work: Callable[[Settings, Place], None], settings: Settings) -> None:
        self._work = work
        self._settings = settings
        self._standing = Standing()
        self._standing.keep(settings)
        self._members: dict[Place, SpawnProcess] = {}

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set; what has not ended a few seconds later is killed, and its leases run out."""
        count = size(self._settings)
        places = [Place(number, count) for number in range(count)]
        while not stop.is_set():
            self._settings = self._standing.look() or self._settings
            for place in places:
                self._see_to(place)
            wait([member.sentinel for member in self._members.values()], _LOOK_S)
        self._end()

    def _see_to(self, place: Place) -> None:
        member = self._members.get(place)
        if member is not None and member.is_alive():
            return
        if member is not None:
            log.error("sync_process_ended", number=place.number, exit_code=member.exitcode)
            time.sleep(_AGAIN_S)  # one that ends at once, again and again, must not take the machine
        # spawned, not forked: this process has threads by now
        started = get_context("spawn").Process(target=self._work, args=(self._settings, place))
        started.start()
        self._members[place] = started

    def _end(self) -> None:
        for member in self._members.values():
            member.terminate()
        until = time.monotonic() + _END_S
        for member in self._members.values():
            member.join(max(0.0, until - time.monotonic()))
            if member.is_alive():
                member.kill()
                member.join()


def keep_to_own_core(place: Place) -> None:
    """Keep this process to one core, where the crew has one for each.

    Of its threads one runs at a time, and each hands over hundreds of times a second: without waking another core.
    With fewer processes than cores there is room enough, and the system's choice is the better one.
    """
    cores = sorted(os.sched_getaffinity(0))
    if place.of == len(cores) > 1:
        with suppress(OSError):  # a sandbox may forbid it
            os.sched_setaffinity(0, {cores[place.number]})


def stop_with_parent(stop: threading.Event) -> None:
    """Set `stop` when the process that started this one is gone, killed perhaps: nobody else would end this one."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        stop.set()

    threading.Thread(target=watch, daemon=True).start()
