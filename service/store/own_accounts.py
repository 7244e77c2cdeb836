"""Accounts of the own login."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import peewee

from service.store.models import OwnAccountRow
from service.store.query import affected, first
from service.store.records import OwnAccount


class NameTaken(Exception):
    """Another account of this Mandant is signed in by this already."""


def add(fresh: OwnAccount) -> None:
    """Store an account; raises NameTaken."""
    try:
        OwnAccountRow.insert(**asdict(fresh)).execute()
    except peewee.IntegrityError as clash:
        raise NameTaken from clash


def by_name(mandant: str, key: str) -> OwnAccount | None:
    """Return the account that is signed in by this number or address, given by its key."""
    named = (OwnAccountRow.number_key == key) | (OwnAccountRow.email_key == key)
    return _found((OwnAccountRow.mandant == mandant) & named)


def of_account(mandant: str, account: str) -> OwnAccount | None:
    """Return an account by the key that its sessions have."""
    return _found(_of(mandant, account))


def release_number(mandant: str, number_key: str) -> OwnAccount | None:
    """Let nobody be signed in by this number any more; returns whose it was."""
    former = _found((OwnAccountRow.mandant == mandant) & (OwnAccountRow.number_key == number_key))
    if former is not None:
        OwnAccountRow.update(number_key=None).where(OwnAccountRow.id == former.id).execute()
    return former


def set_password(mandant: str, account: str, password_hash: str, *, now: datetime) -> bool:
    """Put another password in force; False where there is no such account any more."""
    change = OwnAccountRow.update(password_hash=password_hash, password_at=now)
    return affected(change.where(_of(mandant, account))) == 1


def set_email(mandant: str, account: str, email: str, key: str) -> bool:
    """Let an account be signed in by this address; False where there is no such account. Raises NameTaken."""
    try:
        found = affected(OwnAccountRow.update(email=email, email_key=key).where(_of(mandant, account)))
    except peewee.IntegrityError as clash:
        raise NameTaken from clash
    return found == 1 or of_account(mandant, account) is not None


def _found(here: Any) -> OwnAccount | None:  # noqa: ANN401 - peewee's conditions have no types
    row = first(OwnAccountRow.select().where(here))
    return OwnAccount(**row) if row else None


def _of(mandant: str, account: str) -> Any:  # noqa: ANN401 - peewee's conditions have no types
    return (OwnAccountRow.mandant == mandant) & (OwnAccountRow.account == account)
