"""Registration: the code of a letter and a fact that is not in it make an account that acts for the letter's person."""

from dataclasses import dataclass, replace
from secrets import token_urlsafe
from uuid import UUID, uuid4

from cms_adapters.own import OwnConnector
from service.access import activation, audit
from service.access.activation_code import Code
from service.access.audit import Actor, Event, Source
from service.access.hashing import Hasher
from service.access.own import links
from service.access.own.links import Purpose
from service.access.own.names import number_key
from service.access.visitor import Visitor, visitor_of_login
from service.store import own_accounts
from service.store.database import in_transaction
from service.store.records import OwnAccount


@dataclass(frozen=True, slots=True)
class Registration:
    """What was typed, checked already but for the code itself; `email` is empty where no mail is sent."""

    code: Code
    fact: str
    email: str
    password: str
    lang: str


def register(wanted: Registration, connector: OwnConnector, hasher: Hasher, source: Source) -> OwnAccount:
    """Use the code up and return the account that it made; raises ActivationRefused.

    The person's number signs in to the newest account: whoever lost an earlier one gets another letter. The address
    signs in once its owner has confirmed it, so that nobody learns here which addresses have an account.
    """
    account_id = uuid4()
    visitor = _about_to_be(account_id, connector, source)
    found = activation.examine(wanted.code, wanted.fact, visitor, hasher)
    account = OwnAccount(
        id=account_id,
        mandant=source.mandant,
        connection=connector.id,
        account=visitor.account,
        number_key=number_key(found.person),
        email=wanted.email,
        email_key=None,
        lang=wanted.lang,
        password_hash=hasher.hash(wanted.password),
        password_at=source.now,
        created_at=source.now,
    )
    about = replace(source, actor=Actor.RESIDENT, connection=connector.id, account=visitor.account)

    def store() -> None:
        activation.use(found, visitor, about)
        own_accounts.release_number(source.mandant, number_key(found.person))
        own_accounts.add(account)
        audit.note(Event.REGISTERED, replace(about, person=found.person))
        if wanted.email:
            links.send(account, Purpose.EMAIL, wanted.email, wanted.lang, now=source.now)

    in_transaction(store)
    return account


def signed_in(account: OwnAccount, connector: OwnConnector, source: Source, *, name: str, lang: str) -> Visitor:
    """Return the visitor of a fresh sign-in to this account: at level 1, whatever was confirmed in others."""
    login = connector.signed_in(
        str(account.id),
        session_id=token_urlsafe(32),
        now=int(source.now.timestamp()),
        name=name,
        email=account.confirmed_email,
        lang=lang,
    )
    return visitor_of_login(account.mandant, login)


def _about_to_be(account_id: UUID, connector: OwnConnector, source: Source) -> Visitor:
    """Return who is about to have an account; nothing of theirs is to be used up but the code."""
    login = connector.signed_in(str(account_id), session_id=token_urlsafe(32), now=int(source.now.timestamp()))
    return replace(visitor_of_login(source.mandant, login), token=None)
