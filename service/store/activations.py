"""Codes of letters: issued, looked up, used once."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import peewee

from service.store.models import ActivationRow
from service.store.query import affected, first, tuples
from service.store.records import Activation


class SelectorTaken(Exception):
    """Another code of this Mandant has this selector."""


def taken(mandant: str, selectors: Sequence[str]) -> set[str]:
    """Return which of these selectors belong to other codes."""
    here = (ActivationRow.mandant == mandant) & ActivationRow.selector.in_(list(selectors))
    return {str(row[0]) for row in tuples(ActivationRow.select(ActivationRow.selector).where(here))}


def issue(fresh: Sequence[Activation], *, now: datetime) -> None:
    """Store codes of one Mandant and purpose; the persons' former ones that nobody has used are void.

    Raises SelectorTaken where another code has got one of the selectors meanwhile.
    """
    if not fresh:
        return
    revoke(fresh[0].mandant, [one.person for one in fresh], purpose=fresh[0].purpose, now=now)
    try:
        ActivationRow.insert_many([asdict(one) for one in fresh]).execute()
    except peewee.IntegrityError as clash:
        raise SelectorTaken from clash


def revoke(mandant: str, persons: Sequence[str], *, purpose: str, now: datetime) -> int:
    """Void the codes of these persons that nobody has used; returns how many."""
    here = (ActivationRow.mandant == mandant) & ActivationRow.person.in_(list(persons))
    unused = (ActivationRow.purpose == purpose) & ActivationRow.used_at.is_null() & ActivationRow.revoked_at.is_null()
    return affected(ActivationRow.update(revoked_at=now).where(here & unused))


def find(mandant: str, selector: str) -> Activation | None:
    """Return what the code with this selector is for."""
    names = Activation.__slots__
    row = first(ActivationRow.select(*[getattr(ActivationRow, name) for name in names]).where(_of(mandant, selector)))
    return Activation(**row) if row else None


def count_attempt(found: Activation, *, most: int) -> bool:
    """Count one more wrong fact before it is known to be one; False when there were too many."""
    here = _of(found.mandant, found.selector) & (ActivationRow.failures < most)
    return affected(ActivationRow.update(failures=ActivationRow.failures + 1).where(here)) == 1


def use(found: Activation, *, account: str, now: datetime) -> bool:
    """Use a code up; False when it was used, void or out of date before."""
    unused = (
        (ActivationRow.code_hash == found.code_hash)
        & ActivationRow.used_at.is_null()
        & ActivationRow.revoked_at.is_null()
        & (ActivationRow.expires_at > now)
    )
    used = ActivationRow.update(used_at=now, used_by=account).where(_of(found.mandant, found.selector) & unused)
    return affected(used) == 1


def sweep(*, expired_before: datetime) -> None:
    """Forget the codes that were out of date then, used or not."""
    ActivationRow.delete().where(ActivationRow.expires_at < expired_before).execute()


def _of(mandant: str, selector: str) -> object:
    return (ActivationRow.mandant == mandant) & (ActivationRow.selector == selector)
