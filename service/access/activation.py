"""Letters: a code is issued for a person, and links the account that types it together with a fact not in the letter.

Only who holds the right code is told more than that the two do not fit, and their wrong facts are counted in its row:
nobody else can use it up. Hashing stays outside of transactions.
"""

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from service.access import audit, factors, notices
from service.access.activation_code import Code, new_code
from service.access.audit import Event, Source
from service.access.facts import Fact, is_one_of, known, spelled
from service.access.hashing import AT_ONCE, Hasher
from service.access.visitor import Visitor
from service.store import accounts, activations, benachrichtigungen, stammdaten
from service.store.activations import SelectorTaken
from service.store.database import in_transaction
from service.store.owner import owner_of_person
from service.store.records import AccountKey, Activation, Link

MOST_FAILURES = 10
_TRIES = 5


class Purpose(StrEnum):
    """What a code does: lets an account act for a person, or removes a second factor that was lost."""

    PERSON = "person"
    FACTOR = "factor"


class Refusal(StrEnum):
    """Why a code was not taken. All but the first are said only where code and fact are right."""

    MISMATCH = "mismatch"
    EXPIRED = "expired"
    USED = "used"
    USED_BY_YOU = "used_by_you"
    REVOKED = "revoked"
    NOT_YOURS = "not_yours"


class ActivationRefused(Exception):
    """The code was not taken; nothing has changed but the count of wrong facts."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Invited:
    """For whom a code is wanted; `fact` is what came with the list, where that is asked for."""

    person: str
    fact: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a Mandant's codes are for, what is asked for beside them, and how long they are good."""

    mandant: str
    purpose: Purpose
    fact: Fact
    days: int


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code that was issued: known here and in the letter only."""

    person: str
    code: Code
    expires_at: datetime


def invite(wanted: Sequence[Invited], terms: Terms, hasher: Hasher, source: Source) -> list[Invitation]:
    """Issue a code for each of these persons, in this order; their former ones that nobody has used are void."""
    now = source.now

    def store(rows: Sequence[Activation]) -> None:
        activations.issue(rows, now=now)
        for row in rows:
            audit.note(Event.INVITED, replace(source, person=row.person), facts={"purpose": row.purpose})

    for _ in range(_TRIES):
        codes = _fresh_codes(terms.mandant, len(wanted))
        rows = _rows(list(zip(wanted, codes, strict=True)), terms, hasher, now)
        try:
            in_transaction(partial(store, rows))
        except SelectorTaken:  # by another command at the same time
            continue
        return [
            Invitation(one.person, code, row.expires_at) for one, code, row in zip(wanted, codes, rows, strict=True)
        ]
    raise SelectorTaken


def redeem(code: Code, fact: str, visitor: Visitor, hasher: Hasher, source: Source) -> Activation:
    """Use a code up for the visitor's account and return what it was for; raises ActivationRefused."""
    found = examine(code, fact, visitor, hasher)
    in_transaction(lambda: use(found, visitor, source))
    return found


def examine(code: Code, fact: str, visitor: Visitor, hasher: Hasher) -> Activation:
    """Return what a code is for, if the fact is right and it may be this visitor's; raises ActivationRefused.

    That it is still unused is not looked at before `use`.
    """
    found = activations.find(visitor.mandant, code.selector)
    of_list = found.fact_hash if found else None
    code_fits = hasher.verify(code.secret, found.code_hash if found else None)
    fact_fits = hasher.verify(spelled(fact), of_list)  # the same work, whoever's code it is
    if found is None or not code_fits:
        raise ActivationRefused(Refusal.MISMATCH)
    if not _counted(found, visitor):
        raise ActivationRefused(Refusal.MISMATCH)
    if not (fact_fits if of_list else _is_known(found, fact)):
        raise ActivationRefused(Refusal.MISMATCH)
    if found.purpose == Purpose.FACTOR and found.person not in visitor.persons:
        raise ActivationRefused(Refusal.NOT_YOURS)
    return found


def use(found: Activation, visitor: Visitor, source: Source) -> None:
    """Use a code up that was examined, as part of the caller's transaction; raises ActivationRefused."""
    now = source.now
    if not activations.use(found, account=visitor.account, now=now):
        raise ActivationRefused(_why_not(activations.find(found.mandant, found.selector), visitor.account))
    if found.purpose == Purpose.FACTOR:
        factors.reset(AccountKey(visitor.mandant, visitor.account), source=replace(source, person=found.person))
        return
    accounts.link(Link(visitor.mandant, visitor.account, found.person, visitor.connection, now))
    accounts.choose(visitor.of_cms_session, found.person, now=now)
    owner = owner_of_person(visitor.mandant, found.person)
    benachrichtigungen.set_person(visitor.mandant, visitor.account, owner, found.person)
    notices.note(Event.LINKED, replace(source, person=found.person))
    for other in accounts.links_of(visitor.mandant, found.person):
        if other.account != visitor.account:
            notices.tell_other(notices.LINKED_OTHER, other.account, other.connection, source)


def _counted(found: Activation, visitor: Visitor) -> bool:
    """Count an attempt at the fact before it is known to be wrong; False when there were too many."""

    def store() -> bool:
        visitor.spend()
        return activations.count_attempt(found, most=MOST_FAILURES)

    return in_transaction(store)


def _is_known(found: Activation, fact: str) -> bool:
    return is_one_of(fact, known(Fact(found.fact), stammdaten.vertraege(found.mandant, found.person)))


def _why_not(found: Activation | None, account: str) -> Refusal:
    if found is None:
        return Refusal.MISMATCH
    if found.used_at is not None:
        return Refusal.USED_BY_YOU if found.used_by == account else Refusal.USED
    return Refusal.REVOKED if found.revoked_at is not None else Refusal.EXPIRED


def _fresh_codes(mandant: str, count: int) -> list[Code]:
    """Return codes whose selectors nobody has."""
    fresh: dict[str, Code] = {}
    while len(fresh) < count:
        drawn = {code.selector: code for code in (new_code(secrets.choice) for _ in range(count - len(fresh)))}
        taken = activations.taken(mandant, list(drawn))
        fresh |= {selector: code for selector, code in drawn.items() if selector not in taken}
    return list(fresh.values())


def _rows(wanted: Sequence[tuple[Invited, Code]], terms: Terms, hasher: Hasher, now: datetime) -> list[Activation]:
    expires_at = now + timedelta(days=terms.days)

    def row(one: Invited, code: Code) -> Activation:
        return Activation(
            mandant=terms.mandant,
            selector=code.selector,
            code_hash=hasher.hash(code.secret),
            purpose=terms.purpose,
            person=one.person,
            fact=terms.fact,
            fact_hash=hasher.hash(spelled(one.fact)) if terms.fact == Fact.CSV else None,
            created_at=now,
            expires_at=expires_at,
        )

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(row, *zip(*wanted, strict=True))) if wanted else []
