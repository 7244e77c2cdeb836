"""Legal holds: whose rows, and which Vorgänge, nobody deletes by policy or erasure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from service.store import stammdaten, traces
from service.store.models import HoldRow
from service.store.owner import key_of_vertrag, owner_of_account, owner_of_person
from service.store.query import affected, dicts


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold, on a person or on a Vorgang; it stands while `ended_at` is None."""

    id: UUID
    mandant: str
    person: str | None
    vorgang_id: UUID | None
    reason: str
    created_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What the standing holds of a Mandant cover, together.

    `owners` are owner keys, of the persons and of the accounts that act for them; `ziele` these and the keys of the
    persons' contracts, as documents are for them.
    """

    persons: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    ziele: tuple[str, ...] = ()
    vorgang_ids: tuple[UUID, ...] = ()


NOTHING = Held()


def add(mandant: str, *, person: str | None = None, vorgang_id: UUID | None = None, reason: str, now: datetime) -> UUID:
    """Begin a hold on a person or a Vorgang; returns its id."""
    key: UUID = uuid7()
    row = {"mandant": mandant, "person": person, "vorgang_id": vorgang_id, "reason": reason, "created_at": now}
    HoldRow.insert(id=key, **row).execute()
    return key


def end(mandant: str, key: UUID, now: datetime) -> Hold | None:
    """End a hold; returns it as it stood, None if there is none of this id that stands."""
    found = next((hold for hold in standing(mandant) if hold.id == key), None)
    here = (HoldRow.mandant == mandant) & (HoldRow.id == key) & HoldRow.ended_at.is_null()
    return found if affected(HoldRow.update(ended_at=now).where(here)) == 1 else None


def standing(mandant: str) -> list[Hold]:
    """Return the holds of a Mandant that stand, the oldest first."""
    here = (HoldRow.mandant == mandant) & HoldRow.ended_at.is_null()
    return [Hold(**row) for row in dicts(HoldRow.select().where(here).order_by(HoldRow.id))]


def held(mandant: str) -> Held:
    """Return what the standing holds of a Mandant cover; one query where there is none."""
    holds = standing(mandant)
    if not holds:
        return NOTHING
    persons = tuple(sorted({hold.person for hold in holds if hold.person is not None}))
    accounts = tuple(sorted({account for person in persons for account in traces.accounts_of(mandant, person)}))
    owners = (
        *(owner_of_person(mandant, person) for person in persons),
        *(owner_of_account(mandant, account) for account in accounts),
    )
    vorgang_ids = tuple(hold.vorgang_id for hold in holds if hold.vorgang_id is not None)
    return Held(persons, accounts, owners, (*owners, *_contracts(mandant, persons)), vorgang_ids)


def _contracts(mandant: str, persons: Sequence[str]) -> list[str]:
    found = {vertrag.nr for person in persons for vertrag in stammdaten.vertraege(mandant, person)}
    return [key_of_vertrag(mandant, nr) for nr in sorted(found)]
