"""Who wants to be told by mail of what is new."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from service.store.database import engine
from service.store.models import BenachrichtigungRow
from service.store.query import Query, affected, chunks, dicts, first
from service.store.records import Benachrichtigung

_OFF = {"email": "", "confirmed_at": None, "bounced_at": None, "bounce": None}


def of_account(mandant: str, account: str) -> Benachrichtigung | None:
    """Return what an account has chosen, also if it has chosen it no longer; None if it never did."""
    row = first(BenachrichtigungRow.select().where(_of(mandant, account)))
    return Benachrichtigung(**row) if row else None


def by_key(mandant: str, key: UUID) -> Benachrichtigung | None:
    """Return what the link in a mail belongs to."""
    here = (BenachrichtigungRow.mandant == mandant) & (BenachrichtigungRow.key == key)
    row = first(BenachrichtigungRow.select().where(here))
    return Benachrichtigung(**row) if row else None


def of_owners(mandant: str, owners: Sequence[str]) -> list[Benachrichtigung]:
    """Return who has confirmed that they want to be told of what these owners have; by the index of either key.

    Without those whose address takes no mail.
    """
    found: dict[str, Benachrichtigung] = {}
    for keys in chunks(owners):
        for mine in (BenachrichtigungRow.owner.in_(keys), BenachrichtigungRow.owner_person.in_(keys)):
            here = (BenachrichtigungRow.mandant == mandant) & mine & _told()
            found |= {
                row["account"]: Benachrichtigung(**row) for row in dicts(BenachrichtigungRow.select().where(here))
            }
    return list(found.values())


def set_wishes(mandant: str, account: str, arten: str, stunde: int | None) -> None:
    """Write what an account wants to be told of, and when."""
    BenachrichtigungRow.update(arten=arten, stunde=stunde).where(_of(mandant, account)).execute()


def pause(chosen: Benachrichtigung, code: str, now: datetime) -> bool:
    """Write that an address takes no mail; False if that is known, or another was chosen meanwhile."""
    same = (BenachrichtigungRow.email == chosen.email) & (BenachrichtigungRow.asked_at == chosen.asked_at)
    here = _of(chosen.mandant, chosen.account) & same & BenachrichtigungRow.bounced_at.is_null()
    return affected(BenachrichtigungRow.update(bounced_at=now, bounce=code[:40]).where(here)) == 1


def paused_since(mandant: str, since: datetime) -> int:
    """Return how many addresses have turned out since then to take no mail."""
    here = (BenachrichtigungRow.mandant == mandant) & (BenachrichtigungRow.bounced_at >= since)
    return int(BenachrichtigungRow.select().where(here).count())


def put(chosen: Benachrichtigung) -> None:
    """Write what an account has chosen; the key of an account's links stays as it was first."""
    columns = {name: value for name, value in asdict(chosen).items() if name not in {"mandant", "account", "key"}}
    target = None if engine() == "mysql" else [BenachrichtigungRow.mandant, BenachrichtigungRow.account]
    BenachrichtigungRow.insert(**asdict(chosen)).on_conflict(
        conflict_target=target, update={getattr(BenachrichtigungRow, name): value for name, value in columns.items()}
    ).as_rowcount().execute()


def with_persons(mandant: str, *, after: str, limit: int) -> list[Benachrichtigung]:
    """Return accounts that stand for a person and are told by mail, by account; a keyset page."""
    told = _told() & BenachrichtigungRow.owner_person.is_null(False)
    here = (BenachrichtigungRow.mandant == mandant) & (BenachrichtigungRow.account > after) & told
    query = BenachrichtigungRow.select().where(here).order_by(BenachrichtigungRow.account).limit(limit)
    return [Benachrichtigung(**row) for row in dicts(query)]


def set_person(mandant: str, account: str, owner_person: str | None, person: str | None) -> None:
    """Write whom an account stands for now, by the person's owner key and number."""
    BenachrichtigungRow.update(owner_person=owner_person, person=person).where(_of(mandant, account)).execute()


def forget_person(mandant: str, account: str, owner_person: str) -> None:
    """Tell an account nothing more of this person, by the person's owner key."""
    here = _of(mandant, account) & (BenachrichtigungRow.owner_person == owner_person)
    BenachrichtigungRow.update(owner_person=None, person=None).where(here).execute()


def confirm(chosen: Benachrichtigung, now: datetime) -> bool:
    """Write that the address was confirmed; False if it was, or another was chosen meanwhile."""
    same = (BenachrichtigungRow.asked_at == chosen.asked_at) & (BenachrichtigungRow.email == chosen.email)
    here = _of(chosen.mandant, chosen.account) & same & BenachrichtigungRow.confirmed_at.is_null()
    return affected(BenachrichtigungRow.update(confirmed_at=now).where(here)) == 1


def end(mandant: str, account: str) -> bool:
    """Forget the address; False if there was none."""
    here = _of(mandant, account) & (BenachrichtigungRow.email != "")
    return affected(BenachrichtigungRow.update(**_OFF).where(here)) == 1


def sweep(*, asked_before: datetime) -> int:
    """Forget addresses that nobody has confirmed since; returns how many."""
    stale = (
        (BenachrichtigungRow.asked_at < asked_before)
        & BenachrichtigungRow.confirmed_at.is_null()
        & (BenachrichtigungRow.email != "")
    )
    return affected(BenachrichtigungRow.update(**_OFF).where(stale))


def _told() -> Query:
    return BenachrichtigungRow.confirmed_at.is_null(False) & BenachrichtigungRow.bounced_at.is_null()


def _of(mandant: str, account: str) -> object:
    return (BenachrichtigungRow.mandant == mandant) & (BenachrichtigungRow.account == account)
