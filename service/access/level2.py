"""What a second factor is needed for, and how long a wrong code makes everybody wait: decisions without a store."""

from datetime import date, datetime, timedelta
from enum import StrEnum

_FREE = 5
_FIRST = timedelta(seconds=30)


class Demand(StrEnum):
    """What stands between somebody and what they want to do."""

    NOTHING = "nothing"
    CONFIRM = "confirm"
    SET_UP = "set_up"


class Lane(StrEnum):
    """Where wrong codes are counted.

    Codes of the app and recovery codes of an account each have their own count, so that whoever guesses at one leaves
    the other open. A session that has been confirmed before counts by itself: nobody else can make it wait.
    """

    APP = "app"
    RECOVERY = "recovery"
    SESSION = "session"


# A recovery code has 40 bits; what keeps a six-digit code from being guessed need not hold it up
_LONGEST = {
    Lane.APP: timedelta(minutes=15),
    Lane.RECOVERY: timedelta(minutes=1),
    Lane.SESSION: timedelta(minutes=15),
}


def demand(*, has_factor: bool, until: datetime | None, compulsory_from: date | None, now: datetime) -> Demand:
    """Decide for an action that the Mandant wants confirmed; `now` in the zone of the residents.

    Somebody without a second factor is let through until the day from which it is compulsory.
    """
    if has_factor:
        return Demand.NOTHING if is_raised(until, now) else Demand.CONFIRM
    compulsory = compulsory_from is not None and compulsory_from <= now.date()
    return Demand.SET_UP if compulsory else Demand.NOTHING


def is_raised(until: datetime | None, now: datetime) -> bool:
    """Tell whether a session is at level 2."""
    return until is not None and now < until


def pause_after(failures: int, lane: Lane) -> timedelta:
    """Return how long nobody may try again: nothing at first, then doubled with each, up to the lane's longest."""
    if failures < _FREE:
        return timedelta(0)
    doubled = min(failures - _FREE, 10)
    return min(_FIRST * (1 << doubled), _LONGEST[lane])
