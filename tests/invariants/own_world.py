"""The own login in the world of the matrix: who has an account there, and what the owner of one has.

Everybody signs in anew for each case, since a new password, or signing out everywhere, ends their sessions.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from secrets import token_urlsafe
from uuid import UUID, uuid4

from service.access.browser import hash_of, start_session
from service.access.devices import handle_of
from service.access.guesttoken import COOKIE as GUEST_COOKIE
from service.access.guesttoken import Guest, GuestTokens
from service.access.hashing import Hasher
from service.access.own.links import LinkTokens, Purpose
from service.access.own.names import email_key, number_key
from service.store import accounts, mail_links, own_accounts, sessions
from service.store.database import connected
from service.store.models import MailLinkRow
from service.store.records import Link, MailLink, OwnAccount
from tests.invariants.people import CONNECTION, NEIGHBOUR, Somebody, Who
from tests.support.inprocess import ORIGIN, Portal
from tests.support.portal import KEY, MANDANT

PASSWORD, OTHER_PASSWORD = "Nebel über dem Bahndamm", "Kraniche ziehen nach Süden"
PERSONS = {Who.OWNER: "4711", Who.CO_RESIDENT: "4711", Who.FOREIGN: "4799", Who.NEIGHBOUR: "4711"}
SETTINGS = "".join(
    f'[mandanten.{mandant}.connections.{CONNECTION}]\nkind = "own"\norigins = ["{ORIGIN}"]\n'
    for mandant in (MANDANT, NEIGHBOUR)
)
UNLIMITED = ", ".join(
    f'{kind} = "1000000/minute"'
    for kind in (
        "form_account",
        "file_account",
        "sso_address",
        "sso_mandant",
        "code_account",
        "code_address",
        "sign_in_address",
        "sign_in_name",
        "sign_in_strangers",
        "sign_in_mandant",
        "mail_address",
        "mail_name",
    )
)


@dataclass
class OwnLogin:
    """Accounts of the own login.

    The owner has two: the links of mails are those of the second, which nobody signs in to, or they would end sessions.
    """

    portal: Portal
    email: str
    give_app: Callable[[Somebody], None]
    lift: Callable[[Somebody], None]
    people: dict[Who, Somebody] = field(default_factory=dict)
    made: dict[tuple[Who, bool], Somebody] = field(default_factory=dict)
    links: dict[Purpose, UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        hashes = {word: Hasher().hash(word) for word in (PASSWORD, OTHER_PASSWORD)}
        for who, person in PERSONS.items():
            made = Somebody(self.portal, sub=str(uuid4()), person=person, who=who, connection=CONNECTION)
            made.mandant = NEIGHBOUR if who == Who.NEIGHBOUR else MANDANT
            made.email = self.email if who == Who.OWNER else f"{who.name.lower()}@x.example"
            self._add(made, hashes[password_of(made)], named=who != Who.CO_RESIDENT)
            self.give_app(made)
            self.people[who] = made
        owner, neighbour = self.people[Who.OWNER], self.people[Who.NEIGHBOUR]
        self.people[Who.LEVEL_1] = replace(owner, who=Who.LEVEL_1)
        self.people[Who.STRAY] = replace(neighbour, who=Who.STRAY, mandant=MANDANT)
        self.people[Who.NOBODY] = Somebody(self.portal, sub="nobody", who=Who.NOBODY)
        self.second = replace(owner, sub=str(uuid4()), person="4712", email="zweite@x.example")
        self._add(self.second, hashes[PASSWORD], named=False)

    def _add(self, somebody: Somebody, password_hash: str, *, named: bool) -> None:
        """Let somebody have registered and confirmed their address; one account is signed in by a person's number."""
        key, now = somebody.account, self.portal.now
        account = OwnAccount(
            id=UUID(somebody.sub),
            mandant=key.mandant,
            connection=CONNECTION,
            account=key.account,
            number_key=number_key(somebody.person) if named else None,
            email=somebody.email,
            email_key=email_key(somebody.email),
            lang="de",
            password_hash=password_hash,
            password_at=now,
            created_at=now,
        )
        with connected():
            own_accounts.add(account)
            accounts.link(Link(key.mandant, key.account, somebody.person, CONNECTION, now))

    @property
    def marks(self) -> tuple[str, ...]:
        """Return what marks the rows that are the owner's."""
        return tuple(mark for one in (self.people[Who.OWNER], self.second) for mark in (one.sub, one.account.account))

    def begin_anew(self) -> None:
        """Let everybody sign in again, and ask for other links."""
        self.made.clear()
        self.links.clear()

    def who(self, who: Who, *, browser: bool) -> Somebody:
        """Return somebody who is signed in: with a cookie, or as in a frame whose cookies are kept back."""
        if (who, browser) not in self.made:
            self.made[who, browser] = self._signed_in(who, browser=browser)
        return self.made[who, browser]

    def _signed_in(self, who: Who, *, browser: bool) -> Somebody:
        if who == Who.NOBODY:
            return self.people[who]
        if who == Who.STRAY:
            there = self.who(Who.NEIGHBOUR, browser=browser)
            return replace(self.people[who], session=there.session, sid=there.sid)
        somebody = replace(self.people[who], sid=token_urlsafe(8))
        with connected():
            secret = start_session(somebody.reader, replaces=[], now=self.portal.now).secret
        shown = {"Cookie": f"__Host-portal={secret}"} if browser else {"Authorization": f"Portal-Session {secret}"}
        if who != Who.LEVEL_1:
            self.lift(somebody)
        return replace(somebody, session=shown)

    def handle(self) -> str:
        """Return what names a session of the owner's on the page of devices."""
        secret = self.who(Who.LEVEL_1, browser=True).session["Cookie"].partition("=")[2]
        with connected():
            (found,) = sessions.find([hash_of(secret)])
        return handle_of(found)

    def link(self, purpose: Purpose) -> str:
        """Return what a link carries that a mail has brought; good again, if it was used."""
        now = self.portal.now
        with connected():
            if purpose not in self.links:
                link = self.links[purpose] = uuid4()
                key, until = self.second.account, now + timedelta(hours=1)
                mail_links.add(MailLink(link, MANDANT, key.account, purpose, self.second.email, now, until))
            MailLinkRow.update(used_at=None).where(MailLinkRow.id == self.links[purpose]).execute()
        return LinkTokens([KEY]).issue(MANDANT, str(self.links[purpose]))


def password_of(sender: Somebody) -> str:
    """Return the password that somebody has; nobody tries one as well."""
    return PASSWORD if sender.who in {Who.OWNER, Who.LEVEL_1} else OTHER_PASSWORD


def guest_of(sender: Somebody) -> Guest:
    """Return the browser of somebody who is not signed in."""
    return Guest(f"guest-{sender.who.name}", in_frame=False)


def guest_form(sender: Somebody) -> dict[str, str]:
    """Return the hidden field of a form as it was shown in this one's browser."""
    there = NEIGHBOUR if sender.who == Who.STRAY else sender.mandant
    return {"csrf_token": GuestTokens([KEY]).issue(there, guest_of(sender))}


def guest_cookie(sender: Somebody) -> dict[str, str]:
    """Return the header that such a browser sends with it."""
    return {"Cookie": f"{GUEST_COOKIE}={guest_of(sender).value}"}
