"""Passkeys of accounts: what of them the portal keeps, and that each count of an authenticator is used once."""

from datetime import datetime
from typing import Any

import peewee

from service.store.models import PasskeyRow
from service.store.query import affected, dicts, first, tuples
from service.store.records import AccountKey, Passkey


class PasskeyKnown(Exception):
    """This credential is somebody's already."""


def add(passkey: Passkey) -> None:
    """Keep a fresh passkey; raises PasskeyKnown."""
    try:
        PasskeyRow.insert(
            id_hash=passkey.id_hash,
            mandant=passkey.mandant,
            account=passkey.account,
            credential_id=passkey.credential_id,
            public_key=passkey.public_key,
            sign_count=passkey.sign_count,
            name=passkey.name,
            created_at=passkey.created_at,
        ).execute()
    except peewee.IntegrityError as clash:
        raise PasskeyKnown from clash


def of_account(who: AccountKey) -> list[Passkey]:
    """Return an account's passkeys, in the order in which they were added."""
    rows = dicts(PasskeyRow.select().where(_of(who)).order_by(PasskeyRow.created_at, PasskeyRow.id_hash))
    return [Passkey(**row) for row in rows]


def find(who: AccountKey, id_hash: str) -> Passkey | None:
    """Return one of an account's passkeys."""
    row = first(PasskeyRow.select().where(_of(who) & (PasskeyRow.id_hash == id_hash)))
    return Passkey(**row) if row else None


def of_credential(mandant: str, id_hash: str) -> Passkey | None:
    """Return a passkey of whichever account of the Mandant."""
    row = first(PasskeyRow.select().where((PasskeyRow.mandant == mandant) & (PasskeyRow.id_hash == id_hash)))
    return Passkey(**row) if row else None


def use(passkey: Passkey, *, sign_count: int, now: datetime) -> bool:
    """Note that a passkey was used; False when its authenticator has counted as far before, or it is gone.

    Authenticators that do not count say 0 each time. Whoever shows a count for the second time has a copy.
    """
    here = _of(AccountKey(passkey.mandant, passkey.account)) & (PasskeyRow.id_hash == passkey.id_hash)
    if sign_count:
        counted = here & (PasskeyRow.sign_count < sign_count)
        return affected(PasskeyRow.update(sign_count=sign_count, used_at=now).where(counted)) == 1
    PasskeyRow.update(used_at=now).where(here & (PasskeyRow.sign_count == 0)).execute()
    return bool(tuples(PasskeyRow.select(PasskeyRow.id_hash).where(here & (PasskeyRow.sign_count == 0))))


def remove(who: AccountKey, id_hash: str) -> bool:
    """Forget one of an account's passkeys; False when there is none such."""
    return affected(PasskeyRow.delete().where(_of(who) & (PasskeyRow.id_hash == id_hash))) == 1


def _of(who: AccountKey) -> Any:  # noqa: ANN401 - peewee's conditions have no types
    return (PasskeyRow.mandant == who.mandant) & (PasskeyRow.account == who.account)
