"""Mails that are owed: written in the transaction of what they tell of, claimed with a lease and a fence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from peewee import fn
from uuid_utils.compat import uuid7

from service.store.claims import Claims
from service.store.clean import line
from service.store.database import engine
from service.store.models import MailRow
from service.store.query import Query, affected, chunks, dicts, many, tuples
from service.store.records import Benachrichtigung, Mail, MailBacklog, OwedMail, SentMail

# the kinds of mail; each has its texts in templates/mail
NEUES = "neues"
SAMMEL = "sammel"
QUITTUNG = "quittung"
BESTAETIGEN = "bestaetigen"
SICHERHEIT = "sicherheit"
ZUGANG = "zugang"
KENNWORT = "kennwort"
# no mail, but the wish for one: `recipient` is the name that somebody typed
KENNWORT_WUNSCH = "kennwort_wunsch"
_NEWS = (NEUES, SAMMEL, BESTAETIGEN)
A_DAY = timedelta(days=1)

WAITING, PARKED, SENT = "waiting", "parked", "sent"
LEASE_MAX = timedelta(minutes=5)
_claims = Claims(MailRow, Mail, lease_max=LEASE_MAX)
_SHOWN = [getattr(MailRow, field.name) for field in fields(OwedMail)]


@dataclass(frozen=True, slots=True)
class News:
    """What somebody is told of: at once, or with all else of a day when that is due."""

    to: Benachrichtigung
    facts: Mapping[str, Any]
    due: datetime | None = None


def owe(  # noqa: PLR0913 - one mail
    mandant: str, kind: str, *, account: str = "", recipient: str, lang: str, facts: Mapping[str, Any], now: datetime
) -> None:
    """Note that a mail is to be sent; `facts` are what its templates say. Part of the caller's transaction."""
    MailRow.insert(**_row(mandant, kind, account, recipient, lang, facts, now)).execute()


def owe_news(news: Sequence[News], *, now: datetime) -> None:
    """Note mails that tell of news: those for at once together, those of a day each into the mail of its day.

    Part of the caller's transaction.
    """
    at_once = [one for one in news if one.due is None and one.facts.get("vorgang")]
    at_once += _without_waiting([one for one in news if one.due is None and not one.facts.get("vorgang")])
    rows = [_row(one.to.mandant, NEUES, one.to.account, one.to.email, one.to.lang, one.facts, now) for one in at_once]
    for some in chunks(rows):
        affected(MailRow.insert_many(some).as_rowcount())
    _gather([(one, one.due) for one in news if one.due is not None], now)


def _without_waiting(news: Sequence[News]) -> list[News]:
    """Return whom no mail about documents waits to be sent to; one that does tells of these too."""
    left: list[News] = []
    for some in chunks(news):
        of = {one.to.account: one for one in some}
        accounts = (MailRow.mandant == some[0].to.mandant) & MailRow.account.in_(list(of))
        free = (MailRow.kind == NEUES) & (MailRow.state == WAITING) & MailRow.lease_until.is_null()
        query: Query = MailRow.select(MailRow.id, MailRow.account, MailRow.facts).where(accounts & free)
        found = tuples(query.order_by(MailRow.id) if engine() == "sqlite" else query.order_by(MailRow.id).for_update())
        waiting = {account: (facts, row_id) for row_id, account, facts in found if facts.get("vorgang") == ""}
        told = [(_together(facts, of[account].facts), row_id) for account, (facts, row_id) in waiting.items()]
        if told:
            many(
                MailRow.update(facts={}).where(MailRow.id == 0),
                [(MailRow.facts.db_value(facts), row_id) for facts, row_id in told],
            )
        left += [one for one in some if one.to.account not in waiting]
    return left


def _gather(news: Sequence[tuple[News, datetime]], now: datetime) -> None:
    """Put news into the mails of the day; into the next day's where one is being sent already."""
    left = list(news)
    while left:
        left = [late for some in chunks(left) for late in _gather_some(some, now)]


def _gather_some(news: Sequence[tuple[News, datetime]], now: datetime) -> list[tuple[News, datetime]]:
    """Do so for some, by a few statements for all of them; returns those for the next day."""
    rows = {row["sammel"]: row for row in (_sammel(one, due, now) for one, due in news)}
    affected(MailRow.insert_many(list(rows.values())).on_conflict_ignore().as_rowcount())
    free = (MailRow.state == WAITING) & MailRow.lease_until.is_null() & (MailRow.attempts == 0)
    here = MailRow.select(MailRow.id, MailRow.sammel, MailRow.message_id, MailRow.facts, MailRow.recipient)
    query: Query = here.where(MailRow.sammel.in_(list(rows)) & free).order_by(MailRow.id)
    # held: a sender passes them by until this is done
    found = tuples(query if engine() == "sqlite" else query.for_update())
    changes = []
    for row_id, sammel, message_id, facts, recipient in found:
        row = rows[sammel]
        both = (_together(facts, row["facts"]), row["recipient"])
        if message_id != row["message_id"] and both != (facts, recipient):
            changes.append((both[1], MailRow.facts.db_value(both[0]), row_id))
    if changes:
        many(MailRow.update(recipient="", facts={}).where(MailRow.id == 0), changes)
    taken = {sammel for _, sammel, *_ in found}
    return [(one, due + A_DAY) for (one, due), sammel in zip(news, rows, strict=True) if sammel not in taken]


def _sammel(one: News, due: datetime, now: datetime) -> dict[str, Any]:
    to = one.to
    sammel = sha256(f"{to.mandant}|{to.account}|{due:%Y%m%d}".encode()).hexdigest()
    row = _row(to.mandant, SAMMEL, to.account, to.email, to.lang, one.facts, now)
    return row | {"sammel": sammel, "created_at": due, "next_at": due}


def _together(before: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a day's mail with what was added to it: lists and what is true add up."""
    facts = {**before, **more}
    for name, value in more.items():
        if isinstance(value, list):
            facts[name] = list(dict.fromkeys([*before.get(name, []), *value]))
        elif isinstance(value, bool):
            facts[name] = bool(before.get(name)) or value
    return facts


def _row(  # noqa: PLR0913, PLR0917 - one mail
    mandant: str, kind: str, account: str, recipient: str, lang: str, facts: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    return {
        "mandant": mandant,
        "kind": kind,
        "account": account,
        "recipient": recipient,
        "lang": lang,
        "facts": dict(facts),
        "message_id": uuid7().hex,
        "created_at": now,
        "next_at": now,
        "touched_at": now,
    }


def of_message(mandanten: Sequence[str], message_id: str) -> SentMail | None:
    """Return the mail with this id; None if there is none."""
    here = (MailRow.message_id == message_id) & MailRow.mandant.in_(list(mandanten))
    found = tuples(MailRow.select(MailRow.mandant, MailRow.account, MailRow.created_at).where(here))
    return SentMail(*found[0]) if found else None


def withdraw(mandant: str, account: str) -> int:
    """Take back what is owed to an account about news and was not sent yet; returns how many mails."""
    news = (MailRow.mandant == mandant) & (MailRow.account == account) & MailRow.kind.in_(_NEWS)
    here = news & MailRow.state.in_([WAITING, PARKED])
    return affected(MailRow.delete().where(here))


def anything_due(mandanten: Sequence[str], now: datetime) -> bool:
    """Tell whether a claim would find something; an idle worker asks this first, which locks nothing."""
    return bool(tuples(_due(mandanten, now)))


def claim(mandanten: Sequence[str], *, now: datetime, lease: timedelta) -> Mail | None:
    """Take the mail that has been due for longest and that nobody holds, for the length of the lease."""
    taken = _claims.take(_due(mandanten, now), now=now, lease=lease)
    return taken[0] if taken else None


def _due(mandanten: Sequence[str], now: datetime) -> Query:
    here = _claims.due(now) & MailRow.mandant.in_(list(mandanten))
    return MailRow.select(MailRow.id).where(here).order_by(MailRow.next_at).limit(1)


def mark_sent(mail: Mail, now: datetime) -> bool:
    """Write that the server has it, and forget whom it was for; False if the mail was taken over."""
    return _claims.settle(mail, {"state": SENT, "sent_at": now, "recipient": "", "facts": {}, "last_error": ""})


def without_persons(mail: Mail) -> Mail | None:
    """Return a mail about news without what its account saw of the person it stood for; None if nothing is left."""
    gone, facts = set(mail.facts["of_person"]), mail.facts
    numbers = [number for number in facts.get("vorgaenge", ()) if number not in gone]
    dokument = bool(facts.get("dokument")) and "" not in gone
    if mail.kind != SAMMEL or not (numbers or dokument):
        return None
    return replace(mail, facts={**facts, "vorgaenge": numbers, "dokument": dokument})


def take_back(mail: Mail) -> bool:
    """Remove a claimed mail unsent; False if it was taken over."""
    return affected(MailRow.delete().where(_claims.held(mail.id, mail.fence))) == 1


def postpone(mail: Mail, *, next_at: datetime, error: str, counted: bool = True) -> bool:
    """Write that this attempt failed and when the next is due; False if the mail was taken over.

    Not `counted` is an attempt that says nothing of this mail.
    """
    changes = {"next_at": next_at, "attempts": mail.attempts + counted, "last_error": line(error, 255)}
    return _claims.settle(mail, changes)


def park(mail: Mail, *, error: str) -> bool:
    """Put the mail aside for the operator; no other waits behind it."""
    return _claims.settle(mail, {"state": PARKED, "attempts": mail.attempts + 1, "last_error": line(error, 255)})


def set_right(mandant: str, now: datetime) -> int:
    """Correct what a clock which was ahead of this one has written; returns how many rows (`Claims.set_right`)."""
    return _claims.set_right(mandant, now)


def backlogs(mandanten: Sequence[str], now: datetime) -> dict[str, MailBacklog]:
    """Return what each Mandant owes by now, and what was sent within a day, in one query."""
    names = list(mandanten)
    owed_now = MailRow.state.in_([WAITING, PARKED]) & (MailRow.created_at <= now)
    sent = (MailRow.state == SENT) & (MailRow.sent_at >= now - A_DAY)
    query = (
        MailRow.select(MailRow.mandant, MailRow.state, fn.COUNT(MailRow.id), fn.MIN(MailRow.created_at))
        .where(MailRow.mandant.in_(names) & (owed_now | sent))
        .group_by(MailRow.mandant, MailRow.state)
    )
    owed = {(mandant, state): (count, oldest) for mandant, state, count, oldest in tuples(query)}
    nothing = (0, None)
    return {
        name: MailBacklog(
            name,
            *owed.get((name, WAITING), nothing),
            owed.get((name, PARKED), nothing)[0],
            owed.get((name, SENT), nothing)[0],
        )
        for name in names
    }


def owing(mandanten: Sequence[str], state: str, *, limit: int) -> list[OwedMail]:
    """Return what is waiting or parked, the oldest first."""
    here = MailRow.mandant.in_(list(mandanten)) & (MailRow.state == state)
    rows = dicts(MailRow.select(*_SHOWN).where(here).order_by(MailRow.created_at, MailRow.id).limit(limit))
    return [OwedMail(**row) for row in rows]


def retry(mandanten: Sequence[str], ids: Sequence[int], now: datetime) -> int:
    """Make parked mails due now, as if they had never been tried; without ids, all of them. Returns how many."""
    # also its age counts anew: one that was given up by its age would be given up again
    anew = {"state": WAITING, "created_at": now, "next_at": now, "touched_at": now, "attempts": 0, "lease_until": None}
    return affected(MailRow.update(**anew, fence=MailRow.fence + 1).where(_parked(mandanten, ids)))


def drop(mandanten: Sequence[str], ids: Sequence[int]) -> int:
    """Remove parked mails for good; without ids, all of them. Returns how many."""
    return affected(MailRow.delete().where(_parked(mandanten, ids)))


def _parked(mandanten: Sequence[str], ids: Sequence[int]) -> Query:
    here = MailRow.mandant.in_(list(mandanten)) & (MailRow.state == PARKED)
    return here & MailRow.id.in_(list(ids)) if ids else here
