"""The threads that send: each with a channel of its own; none of them touches the database."""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from service.files.storage import Storage
from service.store.records import OutboxItem
from service.sync.breaker import concerns_all
from service.sync.delivery import Parcel, Sent, send
from service.sync.immotion.channel import Channel

_CLOSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row: sent, failed with `fault`, or not tried at all."""

    item: OutboxItem
    sent: Sent | None = None
    fault: Exception | None = None
    tried: bool = True


class Senders:
    """Takes parcels, gives outcomes, in whatever order they come.

    After an outcome that concerns every message nothing more is tried until `resume`: whoever takes the outcomes may
    not have seen it yet.
    """

    def __init__(self, threads: int, channel: Callable[[], Channel], storage: Storage) -> None:
        self._storage = storage
        self._halted = False
        self._jobs: queue.SimpleQueue[tuple[Parcel, Callable[[], bool]] | None] = queue.SimpleQueue()
        self._landed: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        # daemons: one that hangs in a call must not keep the process from ending
        self._threads = [threading.Thread(target=self._work, args=[channel()], daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def submit(self, parcel: Parcel, unwanted: Callable[[], bool]) -> None:
        """Have a parcel sent, unless `unwanted` says, just before, that it should not be tried now."""
        self._jobs.put((parcel, unwanted))

    def recall(self) -> None:
        """Hand back untried what no thread has begun."""
        with suppress(queue.Empty):
            while (job := self._jobs.get_nowait()) is not None:
                self._landed.put(Outcome(job[0].item, tried=False))

    def resume(self) -> None:
        """Try again what is submitted from now on."""
        self._halted = False

    def outcomes(self, seconds: float, *, gather_s: float) -> list[Outcome]:
        """Wait up to `seconds` for an outcome, then `gather_s` for more; returns all that are there."""
        found = []
        try:
            found.append(self._landed.get(timeout=seconds))
            time.sleep(gather_s)
            while True:
                found.append(self._landed.get_nowait())
        except queue.Empty:
            return found

    def close(self) -> None:
        """End the threads and their channels; one that still waits for immotion ends with the process."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(_CLOSE_S)

    def _work(self, channel: Channel) -> None:
        while (job := self._jobs.get()) is not None:
            parcel, unwanted = job
            self._landed.put(self._outcome(parcel, channel, unwanted))
        channel.close()

    def _outcome(self, parcel: Parcel, channel: Channel, unwanted: Callable[[], bool]) -> Outcome:
        if self._halted or unwanted():
            return Outcome(parcel.item, tried=False)
        try:
            return Outcome(parcel.item, sent=send(parcel, channel, self._storage))
        except Exception as fault:  # noqa: BLE001 - whatever a message does to us, it stops no other
            self._halted |= concerns_all(fault)
            return Outcome(parcel.item, fault=fault)
