"""Brings what the outbox owes to immotion: claim and commit, send, then record under the fence of the claim."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from service.files.storage import Folder
from service.store import outbox, vorgaenge
from service.store.database import connected, transaction
from service.store.records import Aktivitaet, Anhang, OutboxItem, Vorgang
from service.sync.breaker import Breaker
from service.sync.immotion.channel import Accepted, Channel, CredentialsRefused, Permanent, Temporary
from service.sync.immotion.wire import aktivitaet_body, vorgang_body
from service.sync.retry import next_attempt

log = structlog.get_logger()

LEASE = timedelta(seconds=60)
HANDED_OVER = "UEBERGEBEN"
RECEIVED = "EINGEGANGEN"


@dataclass(frozen=True, slots=True)
class _Parcel:
    """Everything that one outbox row needs, read before the first byte is sent."""

    vorgang: Vorgang
    aktivitaet: Aktivitaet | None
    anhaenge: tuple[Anhang, ...]


class Forwarder:
    """Delivers one Mandant's outbox with several threads, each with its own channel."""

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        mandant: str,
        *,
        channel: Callable[[], Channel],
        storage: Folder,
        threads: int,
        clock: Callable[[], datetime],
        breaker: Breaker,
    ) -> None:
        self.mandant = mandant
        self._storage = storage
        self._threads = threads
        self._clock = clock
        self._breaker = breaker
        self._channels = [channel() for _ in range(threads)]
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"forward-{mandant}")

    def forward(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Deliver one batch and return how many rows were claimed; none while the breaker is open.

        When `stopping` says so, what has not been sent yet is given back untried.
        """
        limit = self._breaker.allowance(self._threads)
        if limit == 0:
            return 0
        with connected():
            items = outbox.claim(self.mandant, now=self._clock(), lease=LEASE, limit=limit)
        jobs = zip(items, self._channels, strict=False)
        list(self._pool.map(lambda job: self._handle(job[0], job[1], stopping), jobs))
        return len(items)

    def close(self) -> None:
        """End the threads and let go of connections."""
        self._pool.shutdown()
        for channel in self._channels:
            channel.close()

    def _handle(self, item: OutboxItem, channel: Channel, stopping: Callable[[], bool]) -> None:
        if stopping():
            with connected():
                outbox.release(item)
            return
        try:
            with connected():
                parcel = _read(item)
            accepted = self._send(item, parcel, channel)
        except Temporary as fault:
            self._breaker.failed()
            self._postpone(item, str(fault), fault.retry_after, outcome_unknown=fault.outcome_unknown)
        except CredentialsRefused as fault:
            self._breaker.refused()
            log.error("credentials_refused", mandant=self.mandant, error=str(fault), alarm=True)
            self._postpone(item, f"credentials refused: {fault}", None, outcome_unknown=item.outcome_unknown)
        except Permanent as fault:
            self._breaker.succeeded()
            self._park(item, str(fault))
        except (OSError, LookupError, ValueError) as fault:
            # the row itself is broken, such as a file that is gone: it stops nobody else
            self._park(item, f"cannot be built: {type(fault).__name__}")
        else:
            self._breaker.succeeded()
            self._record(item, parcel, accepted)

    def _send(self, item: OutboxItem, parcel: _Parcel, channel: Channel) -> Accepted | None:
        """Send files, then the rest; after an unknown outcome, ask first whether immotion has it already."""
        vorgang, request_id = parcel.vorgang, item.request_id
        if item.outcome_unknown and parcel.aktivitaet is None:
            found = channel.find_vorgang(vorgang.id, request_id)
            if found is not None:
                return found
        for anhang in parcel.anhaenge:
            with self._storage.open(anhang.id) as content:
                channel.put_anhang(anhang, content, request_id)
        if parcel.aktivitaet is None:
            return channel.put_vorgang(vorgang.id, vorgang_body(vorgang, parcel.anhaenge), request_id)
        body = aktivitaet_body(parcel.aktivitaet, parcel.anhaenge)
        channel.put_aktivitaet(vorgang.id, parcel.aktivitaet.id, body, request_id)
        return None

    def _record(self, item: OutboxItem, parcel: _Parcel, accepted: Accepted | None) -> None:
        now = self._clock()
        with connected(), transaction():
            if not outbox.mark_sent(item, now):
                log.warning("late_result_dropped", mandant=self.mandant, outbox=item.id, fence=item.fence)
                return
            if accepted is not None:
                note_accepted(parcel.vorgang.id, accepted, now)
        log.info(
            "delivered",
            mandant=self.mandant,
            vorgang=str(item.vorgang_id),
            request_id=item.request_id,
            attempts=item.attempts + 1,
            seconds=round((now - item.created_at).total_seconds(), 3),
        )

    def _postpone(self, item: OutboxItem, error: str, retry_after: float | None, *, outcome_unknown: bool) -> None:
        now = self._clock()
        due = next_attempt(
            item.attempts + 1, now, created_at=item.created_at, retry_after=retry_after, random=random.random
        )
        if due is None:
            self._park(item, f"given up: {error}")
            return
        with connected():
            outbox.postpone(item, next_at=due, error=error, outcome_unknown=outcome_unknown or item.outcome_unknown)
        log.warning(
            "delivery_postponed",
            mandant=self.mandant,
            vorgang=str(item.vorgang_id),
            request_id=item.request_id,
            attempts=item.attempts + 1,
            error=error,
        )

    def _park(self, item: OutboxItem, error: str) -> None:
        with connected():
            outbox.park(item, error=error)
        log.error(
            "delivery_parked",
            mandant=self.mandant,
            vorgang=str(item.vorgang_id),
            request_id=item.request_id,
            error=error,
            alarm=True,
        )


def note_accepted(vorgang_id: UUID, accepted: Accepted, now: datetime) -> None:
    """Write what immotion said of a Vorgang; a status that came as an event meanwhile stays in force."""
    known = {"immotion_id": accepted.immotion_id, "vorgangsnummer": accepted.vorgangsnummer}
    changes = {name: value for name, value in known.items() if value}
    vorgaenge.note_handed_over(vorgang_id, changes, RECEIVED if accepted.vorgangsnummer else HANDED_OVER, now)


def _read(item: OutboxItem) -> _Parcel:
    vorgang = vorgaenge.by_id(item.mandant, item.vorgang_id)
    if vorgang is None:
        raise LookupError("the Vorgang is gone")
    files = vorgaenge.anhaenge(vorgang.id)
    aktivitaet = vorgaenge.aktivitaet(item.aktivitaet_id) if item.aktivitaet_id else None
    mine = tuple(anhang for anhang in files if anhang.aktivitaet_id == item.aktivitaet_id)
    return _Parcel(vorgang, aktivitaet, mine)
