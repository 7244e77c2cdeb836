"""Writes a breaker's state down when it changes, so that the operator and other processes see it."""

import os
import socket
from datetime import datetime, timedelta

from service.store import breakers
from service.store.database import StoreUnavailable, connected
from service.store.records import BreakerState

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"


class BreakerNote:
    """One per breaker. Best effort: what a database that is down did not take is written with the next change."""

    def __init__(self, mandant: str) -> None:
        self._mandant = mandant
        self._worker = f"{socket.gethostname()}:{os.getpid()}"[:100]
        self._written: BreakerState | None = None

    def tell(self, *, is_open: bool, failures: int, pause_s: float, now: datetime) -> None:
        """Note how the breaker stands; `pause_s` is how long nothing at all may be tried.

        Written are the first state, each change, and each probe that failed; nothing while all stays as it is.
        """
        state = (OPEN if pause_s > 0 else HALF_OPEN) if is_open else CLOSED
        known = self._written
        if known is not None and (known.state, known.failures) == (state, failures):
            return
        if known is not None and state == CLOSED == known.state:
            return  # a few failures do not open it
        written = BreakerState(
            mandant=self._mandant,
            state=state,
            failures=failures,
            since=known.since if known is not None and known.state == state else now,
            next_probe_at=now + timedelta(seconds=pause_s) if state == OPEN else None,
            last_success_at=now if state == CLOSED and known is not None else None,
            worker=self._worker,
        )
        try:
            with connected():
                breakers.note(written)
        except StoreUnavailable:
            return
        self._written = written
