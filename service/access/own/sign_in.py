"""Signing in: the same work, the same words and the same counting whether or not there is such an account.

Attempts are counted before the password is looked at. A browser that has signed in before has a count of its own for
its account; all others share one, so that strangers hold up strangers only, and for an hour at most.
"""

from dataclasses import dataclass, replace

from service.access import audit
from service.access.audit import Event, Source
from service.access.hashing import Hasher
from service.access.own.device import Device
from service.access.own.names import name_key
from service.access.rates import Rates
from service.store import own_accounts
from service.store.database import in_transaction
from service.store.records import OwnAccount


class SignInRefused(Exception):
    """Name and password do not fit."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was typed, in which browser."""

    name: str
    password: str
    device: Device


def sign_in(attempt: Attempt, connection: str, hasher: Hasher, rates: Rates, source: Source) -> OwnAccount:
    """Return the account of this connection that was named, if the password is right.

    Raises SignInRefused, TooManyRequests.
    """
    key = name_key(attempt.name)
    named = own_accounts.by_name(source.mandant, key)
    found = named if named is not None and named.connection == connection else None
    _count(key, attempt.device, found, rates, source)
    if hasher.verify(attempt.password, found.password_hash if found else None) and found is not None:
        return found
    about = replace(source, account=found.account if found else None, connection=connection)
    in_transaction(lambda: audit.note(Event.SIGN_IN_FAILED, about, facts={"reason": "password", "for": "own"}))
    raise SignInRefused


def _count(key: str, device: Device, found: OwnAccount | None, rates: Rates, source: Source) -> None:
    mandant = source.mandant
    if found is not None and device.knows(found.account):
        rates.hit("sign_in_name", mandant, key, device.id)
        return
    if source.address:
        rates.hit("sign_in_address", mandant, source.address)
    rates.hit("sign_in_name", mandant, key, source.address)
    rates.hit("sign_in_strangers", mandant, key)
    rates.hit("sign_in_mandant", mandant)
