"""Several persons under one account: for whom it may act, for whom it acts now, and no longer.

What a trusted CMS claims comes first, then the persons linked by letter, in that order; whom somebody has chosen wins.
"""

from collections.abc import Sequence
from dataclasses import replace

from service.access import audit, notices
from service.access.audit import Event, Source
from service.access.browser import CmsSessionOver, is_over
from service.access.visitor import Visitor
from service.store import accounts, benachrichtigungen, cms_sessions, sessions
from service.store.database import in_transaction
from service.store.owner import owner_of_person
from service.store.records import Link


class NotYours(Exception):
    """The account may not act for this person, or not by a link that it could give up."""


def seen_by_cms(visitor: Visitor) -> Visitor:
    """Complete the visitor of a CMS's request; raises CmsSessionOver. One query, two where somebody is linked."""
    ended, links = cms_sessions.standing(visitor.of_cms_session, visitor.account)
    if is_over(visitor, ended):
        raise CmsSessionOver
    return acting(visitor, links)


def acting(visitor: Visitor, links: int) -> Visitor:
    """Return the visitor with all persons, as whom they have chosen; no query where nobody is linked."""
    if not links:
        return visitor
    linked, chosen = accounts.linked(visitor.account, visitor.of_cms_session)
    names = dict.fromkeys(visitor.persons, visitor.name) | linked
    if not names:  # unlinked meanwhile
        return visitor
    person = chosen if chosen in names else next(iter(names))
    return replace(visitor, persons=tuple(names), person=person, acting_for=names[person] or person)


def linked_to(visitor: Visitor) -> tuple[str, ...]:
    """Return the persons that the visitor's account is linked to by letter."""
    return tuple(accounts.linked(visitor.account, visitor.of_cms_session)[0])


def switch(visitor: Visitor, person: str, source: Source) -> None:
    """Act for another of the account's persons from now on, in this session; raises NotYours."""
    if person not in visitor.persons:
        raise NotYours

    def store() -> None:
        visitor.spend()
        accounts.choose(visitor.of_cms_session, person, now=source.now)
        audit.note(Event.SWITCHED, replace(source, person=person))

    in_transaction(store)


def unlink(visitor: Visitor, person: str, source: Source) -> None:
    """Give a link up; what was filed stays with the person. Raises NotYours."""

    def store() -> None:
        visitor.spend()
        if not _unlink(visitor.mandant, visitor.account, person):
            raise NotYours
        notices.note(Event.UNLINKED, replace(source, person=person))

    in_transaction(store)


def _unlink(mandant: str, account: str, person: str) -> bool:
    """Give one link up, and the mails about what is the person's; False if there was none."""
    benachrichtigungen.forget_person(mandant, account, owner_of_person(mandant, person))
    return accounts.unlink(mandant, account, person)


def unlink_person(which: Sequence[Link], source: Source) -> int:
    """Give these links up; returns how many there still were."""

    def store() -> int:
        gone = [link for link in which if _unlink(link.mandant, link.account, link.person)]
        for link in gone:
            who = replace(source, account=link.account, person=link.person, connection=link.connection)
            notices.note(Event.UNLINKED, who)
        return len(gone)

    return in_transaction(store)


def sign_out_person(person: str, source: Source) -> int:
    """End the browser sessions of everybody who may act for a person; returns how many."""

    def store() -> int:
        linked = [link.account for link in accounts.links_of(source.mandant, person)]
        ended = sessions.end_person(source.mandant, person, linked)
        audit.note(Event.SESSION_REVOKED, replace(source, person=person), facts={"sessions": ended})
        return ended

    return in_transaction(store)
