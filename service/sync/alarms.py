"""What wants a person: a log event and a counted row, in one place. The kinds are described in docs/operators.md."""

import re
import threading
from dataclasses import replace
from datetime import datetime

import structlog

from service.store import alarms
from service.store.database import StoreUnavailable, connected
from service.store.records import Alarm

log = structlog.get_logger()

_CODE = re.compile(r"[\w.:/-]{0,80}")
_NO_CODE = "?"


class _Uncounted:
    """What has been raised and is not in the database yet; shared by the threads of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._alarms: dict[tuple[str, str, str], Alarm] = {}

    def add(self, alarm: Alarm) -> None:
        key = (alarm.mandant, alarm.kind, alarm.detail)
        with self._lock:
            known = self._alarms.get(key)
            self._alarms[key] = alarm if known is None else _together(known, alarm)

    def take(self) -> list[Alarm]:
        with self._lock:
            taken, self._alarms = list(self._alarms.values()), {}
            return taken


def _together(one: Alarm, other: Alarm) -> Alarm:
    return replace(
        one,
        count=one.count + other.count,
        first_at=min(one.first_at, other.first_at),
        last_at=max(one.last_at, other.last_at),
    )


_uncounted = _Uncounted()


def raise_alarm(kind: str, *, mandant: str, detail: str = "", now: datetime, **facts: object) -> None:
    """Write a log event with `alarm` and count the alarm in the database; never raises.

    `detail` is a code (of immotion, of the catalog), never personal: whatever does not look like a code is counted
    as "?". `facts` go into the log only. Inside a transaction, or while the database is down, the counting waits for
    the next alarm or the next `watch`: a fault of the counter must not undo what the transaction does.
    """
    code = detail if _CODE.fullmatch(detail) else _NO_CODE
    log.error(kind, **facts, mandant=mandant, detail=code, alarm=True)
    _uncounted.add(Alarm(mandant, kind, code, count=1, first_at=now, last_at=now, cleared_at=None))
    flush()


def flush() -> None:
    """Count what is not in the database yet; what cannot be written now is kept for the next time."""
    if not alarms.writable():
        return
    for alarm in _uncounted.take():
        try:
            with connected():
                alarms.count(alarm)
        except StoreUnavailable:
            _uncounted.add(alarm)
