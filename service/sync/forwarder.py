"""Brings what the outbox owes to immotion: claim and commit, send, then record under the fence of the claim.

One thread claims and records in batches, `threads` others send: no connection to the database waits for immotion.
"""

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from service.files.storage import Storage
from service.retry import next_attempt
from service.store import handover, mirrors, outbox, vorgaenge
from service.store.database import connected, in_transaction
from service.store.records import HandedOver, OutboxItem
from service.sync.alarms import raise_alarm
from service.sync.breaker import Breaker
from service.sync.delivery import Parcel, Sent, read_parcels
from service.sync.immotion.channel import Accepted, Channel, CredentialsRefused, Permanent, TakenOver, Temporary
from service.sync.senders import Outcome, Senders

log = structlog.get_logger()

LEASE = timedelta(seconds=60)
STOP_S = 3.0
SCAN_WAIT = timedelta(minutes=5)  # whoever scans the file lets its row go at once
HANDED_OVER = "UEBERGEBEN"
RECEIVED = "EINGEGANGEN"
_LOOK_UP_S = 0.5
_HANGING_LOOK_UP_S = 0.25
_GATHER_S = 0.02
_AHEAD_MAX = 400
_FIRST_AHEAD = 3
_TOGETHER_S = 0.1


class _Pace:
    """How many rows have landed within about a second; a guess in the first half second of a run."""

    def __init__(self, guess: int) -> None:
        self._guess = guess
        self._since, self._count, self._rate = 0.0, 0, 0.0

    def begin(self, now: float) -> None:
        self._since, self._count, self._rate = now, 0, self._guess

    def landed(self, count: int) -> None:
        self._count += count

    def of_a_second(self, now: float) -> int:
        """Return the pace of the last half second or more, in rows a second, but not endlessly many."""
        passed = now - self._since
        if passed > _LOOK_UP_S:
            self._rate, self._since, self._count = self._count / passed, now, 0
        return min(int(self._rate), _AHEAD_MAX)


class Forwarder:
    """Delivers one Mandant's outbox with several threads, each with a channel of its own while it sends."""

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        mandant: str,
        *,
        channel: Callable[[], Channel],
        storage: Storage,
        threads: int,
        clock: Callable[[], datetime],
        breaker: Breaker,
        lease: timedelta = LEASE,
    ) -> None:
        self.mandant = mandant
        self._threads = threads
        self._clock = clock
        self._breaker = breaker
        self._lease = lease
        self._senders = Senders(threads, channel, storage)
        self._flying: dict[tuple[int, int], OutboxItem] = {}
        self._unrecorded: list[Outcome] = []
        self._renewed_at = 0.0
        self._pace = _Pace(threads * _FIRST_AHEAD)
        self._quiet = False
        self._careful = True
        self._probing = False

    def forward(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Deliver until nothing is due, and return how many rows were handled; none while the breaker is open.

        When `stopping` says so, what has not been sent yet is given back untried, and what is on its way after
        STOP_S seconds as well, its outcome unknown. Raises StoreUnavailable; what was sent is recorded with the next
        call then.
        """
        self._record(self._unrecorded)
        self._pace.begin(time.monotonic())
        handled, stop_at = 0, None
        while True:
            if not stopping():
                self._claim(stopping)
            elif stop_at is None:
                stop_at = time.monotonic() + STOP_S
                self._senders.recall()
            if not self._flying:
                self._settle_probe()
                if stopping() or not self._await_room():
                    return handled
                continue
            outcomes = self._await_outcomes()
            if stop_at is not None and time.monotonic() > stop_at:
                self._abandon()
            handled += len(outcomes)
            self._tell_breaker(outcomes)
            self._record(outcomes)

    def close(self) -> None:
        """End the threads and let go of connections."""
        self._senders.close()

    def _claim(self, stopping: Callable[[], bool]) -> None:
        """Claim ahead what the threads send within a second or so, so that none waits while results are recorded."""
        ahead = self._breaker.allowance(self._threads + self._pace.of_a_second(time.monotonic()))
        if len(self._flying) > ahead // 2:
            return
        parcels = self._take(min(ahead - len(self._flying), self._breaker.room()))
        if not self._flying:
            self._renewed_at = time.monotonic()
            self._senders.resume()
        self._breaker.begun(len(parcels))
        unwanted = self._unwanted(stopping)
        for parcel in parcels:
            self._flying[parcel.item.id, parcel.item.fence] = parcel.item
            self._senders.submit(parcel, partial(unwanted, parcel.item))

    def _unwanted(self, stopping: Callable[[], bool]) -> Callable[[OutboxItem], bool]:
        """Return what says of a row claimed now, just before it is sent, that it should not be tried after all."""
        probing, careful = self._breaker.is_open, self._careful

        def unwanted(item: OutboxItem) -> bool:
            held_back = item.attempts > 0 and self._careful and not careful
            return stopping() or held_back or (self._breaker.is_open and not probing)

        return unwanted

    def _take(self, limit: int) -> list[Parcel]:
        now = self._clock()
        if limit <= 0 or not (self._busy or self._anything_due(now)):
            return []
        if self._breaker.is_open:
            limit, self._probing = 1, self._breaker.take_probe()
            if not self._probing:
                return []
        with connected():
            return in_transaction(partial(self._claim_and_read, now, limit))

    @property
    def _busy(self) -> bool:
        """Tell whether rows come and go: then a claim is worth its locks without a look before it."""
        return bool(self._flying) and not self._quiet

    def _anything_due(self, now: datetime) -> bool:
        with connected():
            return outbox.anything_due(self.mandant, now)

    def _claim_and_read(self, now: datetime, limit: int) -> list[Parcel]:
        claim = partial(outbox.claim, self.mandant, now=now, lease=self._lease)
        items = self._claim_carefully(claim, limit) if self._careful else claim(limit=limit)
        parcels = read_parcels(items) if items else []
        for parcel in parcels:
            if parcel.waits_for_scan:
                outbox.postpone(
                    parcel.item,
                    next_at=now + SCAN_WAIT,
                    error="waits for the virus scan",
                    outcome_unknown=parcel.item.outcome_unknown,
                    counted=False,
                )
        return [parcel for parcel in parcels if not parcel.waits_for_scan]

    def _claim_carefully(self, claim: Callable[..., list[OutboxItem]], limit: int) -> list[OutboxItem]:
        """Claim what has failed before for at most half of the threads: it may hang, and fresh rows must not wait."""
        hanging = sum(item.attempts > 0 for item in self._flying.values())
        quota = max(1, self._threads // 2) - hanging
        again = claim(limit=min(quota, limit - 1), tried=True) if min(quota, limit - 1) > 0 else []
        items = again + claim(limit=limit - len(again), tried=False)
        return items or (claim(limit=1, tried=True) if quota > 0 else [])

    def _await_room(self) -> bool:
        """Wait until one more is within the rate that immotion takes; False when it is, or that would be long."""
        seconds = self._breaker.wait_s()
        if 0 < seconds <= 1:
            time.sleep(max(seconds, _TOGETHER_S))
        return 0 < seconds <= 1

    def _await_outcomes(self) -> list[Outcome]:
        """Wait for outcomes; those of rows given back meanwhile are dropped."""
        self._renew()
        longest = _HANGING_LOOK_UP_S if self._quiet else _LOOK_UP_S
        landed = self._senders.outcomes(min(longest, self._lease.total_seconds() / 3), gather_s=_GATHER_S)
        self._pace.landed(len(landed))
        self._quiet = not landed
        return [one for one in landed if self._flying.pop((one.item.id, one.item.fence), None)]

    def _renew(self) -> None:
        """Lengthen the leases of what takes longer, so that nobody else begins it too."""
        if time.monotonic() - self._renewed_at > self._lease.total_seconds() / 3:
            with connected():
                outbox.renew(list(self._flying.values()), self._clock() + self._lease)
            self._renewed_at = time.monotonic()

    def _abandon(self) -> None:
        """Give back what is still on its way; whoever takes it over asks immotion first."""
        with connected():
            outbox.give_back(list(self._flying.values()), outcome_unknown=True)
        self._flying.clear()

    def _tell_breaker(self, outcomes: Sequence[Outcome]) -> None:
        for one in outcomes:
            if one.tried and one.item.attempts:
                self._careful = one.fault is not None
            match one.fault:
                case Temporary() as fault:
                    self._breaker.failed(fault, again=one.item.attempts > 0)
                case CredentialsRefused():
                    self._breaker.refused()
                case Permanent():
                    self._breaker.succeeded()
                case None if one.sent is not None:
                    self._breaker.succeeded()

    def _settle_probe(self) -> None:
        """Let somebody else probe, if what was to be the probe has told nothing about immotion."""
        if self._probing:
            self._probing = False
            self._breaker.release()

    def _record(self, outcomes: list[Outcome]) -> None:
        self._unrecorded = outcomes
        sent = [one for one in outcomes if one.sent is not None]
        if sent:
            self._record_sent(sent)
        untried = [one.item for one in outcomes if not one.tried]
        if untried:
            with connected():
                outbox.give_back(untried, outcome_unknown=False)
        for one in outcomes:
            if one.fault is not None:
                self._record_fault(one.item, one.fault)
        self._unrecorded = []

    def _record_sent(self, outcomes: Sequence[Outcome]) -> None:
        """Write all in one transaction; if immotion gave an id twice, one by one, so that only that one suffers."""
        now = self._clock()

        def write() -> set[int]:
            held = outbox.mark_sent([one.item for one in outcomes], now)
            facts = [(one.item, one.sent.accepted) for one in outcomes if one.sent and one.item.id in held]
            handover.note_handed_over([handed_over(item, said) for item, said in facts if said], now)
            if any(one.sent and one.sent.catalog_outdated for one in outcomes):
                mirrors.expire(self.mandant)
            return held

        try:
            with connected():
                held = in_transaction(write)
        except vorgaenge.ImmotionIdTaken:
            self._record_one_by_one(outcomes)
            return
        for one in outcomes:
            self._log_sent(one.item, now, held=one.item.id in held)

    def _record_one_by_one(self, outcomes: Sequence[Outcome]) -> None:
        if len(outcomes) > 1:
            for one in outcomes:
                self._record_sent([one])
            return
        (one,) = outcomes
        raise_alarm("immotion_id_taken", mandant=self.mandant, now=self._clock(), vorgang=str(one.item.vorgang_id))
        # two reports booked as one keep their number, which their residents go by; the key stays with the first
        number = one.sent.accepted.vorgangsnummer if one.sent and one.sent.accepted else None
        self._record_sent([Outcome(one.item, sent=Sent(Accepted(None, number)))])

    def _log_sent(self, item: OutboxItem, now: datetime, *, held: bool) -> None:
        if not held:
            self._log_late(item)
            return
        log.info(
            "delivered",
            mandant=self.mandant,
            vorgang=str(item.vorgang_id),
            request_id=item.request_id,
            attempts=item.attempts + 1,
            seconds=round((now - item.created_at).total_seconds(), 3),
        )

    def _log_late(self, item: OutboxItem) -> None:
        log.warning("late_result_dropped", mandant=self.mandant, outbox=item.id, fence=item.fence)

    def _record_fault(self, item: OutboxItem, fault: Exception) -> None:
        match fault:
            case Temporary(scope="throttle"):
                self._come_back(item, fault)
            case Temporary():
                self._postpone(item, str(fault), fault.retry_after, outcome_unknown=fault.outcome_unknown)
            case CredentialsRefused():
                raise_alarm("credentials_refused", mandant=self.mandant, detail=str(fault), now=self._clock())
                self._postpone(item, f"credentials refused: {fault}", None, outcome_unknown=False)
            case Permanent():
                self._park(item, str(fault))
            case TakenOver():
                self._log_late(item)
            case OSError() if not isinstance(fault, FileNotFoundError):
                self._postpone(item, f"this machine: {type(fault).__name__}", None, outcome_unknown=False)
            case _:
                self._park(item, f"cannot be built: {type(fault).__name__}")

    def _postpone(self, item: OutboxItem, error: str, retry_after: float | None, *, outcome_unknown: bool) -> None:
        now = self._clock()
        since = item.retried_at or item.created_at
        due = next_attempt(item.attempts + 1, now, created_at=since, retry_after=retry_after, random=random.random)
        if due is None:
            self._park(item, f"given up: {error}")
            return
        with connected():
            held = outbox.postpone(
                item, next_at=due, error=error, outcome_unknown=outcome_unknown or item.outcome_unknown
            )
        if held:
            log.warning("delivery_postponed", mandant=self.mandant, **_facts(item, error))
        else:
            self._log_late(item)

    def _come_back(self, item: OutboxItem, fault: Temporary) -> None:
        """Try a row again soon that immotion had no time for, as if it had not been tried."""
        now = self._clock()
        due = next_attempt(1, now, created_at=now, retry_after=fault.retry_after, random=random.random) or now
        with connected():
            held = outbox.postpone(
                item, next_at=due, error=str(fault), outcome_unknown=item.outcome_unknown, counted=False
            )
        if not held:
            self._log_late(item)

    def _park(self, item: OutboxItem, error: str) -> None:
        with connected():
            held = outbox.park(item, error=error)
        if not held:
            self._log_late(item)
            return
        detail = error.partition(" ")[0].rstrip(":")
        raise_alarm("delivery_parked", mandant=self.mandant, detail=detail, now=self._clock(), **_facts(item, error))


def _facts(item: OutboxItem, error: str) -> dict[str, object]:
    return {
        "vorgang": str(item.vorgang_id),
        "request_id": item.request_id,
        "attempts": item.attempts + 1,
        "error": error,
    }


def handed_over(item: OutboxItem, accepted: Accepted) -> HandedOver:
    """Return what is to be written of a Vorgang that immotion took."""
    status = RECEIVED if accepted.vorgangsnummer else HANDED_OVER
    return HandedOver(item.vorgang_id, accepted.immotion_id, accepted.vorgangsnummer, status)
