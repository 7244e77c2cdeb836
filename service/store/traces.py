"""Which accounts act for a person, or have: by links, sessions, second factors, notices, drafts and the audit log."""

from collections.abc import Iterator
from typing import Any

from service.store import audit
from service.store.models import (
    AccountPersonRow,
    BenachrichtigungRow,
    CmsSessionRow,
    DraftRow,
    SessionRow,
    TotpRow,
)
from service.store.owner import owner_of_account, owner_of_person
from service.store.query import Query, tuples

# They say that an account acts for a person; the others only that it did once
_NOW: tuple[Any, ...] = (AccountPersonRow, SessionRow, CmsSessionRow)


def accounts_of(mandant: str, person: str) -> set[str]:
    """Return the accounts that act for this person, or did and have not given that up by themselves; seven queries."""
    now = {account for model in _NOW for account in _by(model, mandant, model.person == person)}
    owner = owner_of_person(mandant, person)
    once = set(_by(TotpRow, mandant, TotpRow.person == person))
    once.update(_by(BenachrichtigungRow, mandant, BenachrichtigungRow.owner_person == owner))
    once.update(_by(DraftRow, mandant, DraftRow.owner == owner))
    noted, given_up = audit.accounts_of(mandant, person)
    return now | ((once | noted) - given_up)


def act_for_others(mandant: str, accounts: set[str], person: str) -> set[str]:
    """Return which of these accounts act for somebody else, too, or did; seven queries."""
    if not accounts:
        return set()
    names = sorted(accounts)
    found = {
        account
        for model in (*_NOW, TotpRow)
        for account in _by(model, mandant, model.account.in_(names) & (model.person != person))
    }
    found.update(_by_other_owner(mandant, names, person))
    return found | audit.act_for_others(mandant, names, person)


def _by_other_owner(mandant: str, accounts: list[str], person: str) -> Iterator[str]:
    mine = {owner_of_person(mandant, person)}
    columns: tuple[tuple[Any, Any], ...] = (
        (BenachrichtigungRow, BenachrichtigungRow.owner_person),
        (DraftRow, DraftRow.owner),
    )
    for model, owner in columns:
        here = (model.mandant == mandant) & model.account.in_(accounts) & owner.is_null(False)
        for account, key in tuples(model.select(model.account, owner).where(here).distinct()):
            if key not in mine | {owner_of_account(mandant, account)}:
                yield account


def _by(model: Any, mandant: str, here: Query) -> Iterator[str]:  # noqa: ANN401 - any table with accounts
    query = model.select(model.account).where((model.mandant == mandant) & here).distinct()
    yield from (account for (account,) in tuples(query) if account)
