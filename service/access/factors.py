"""The second factor of an account: set up, used, replaced, reset. Its outcome is a session at level 2 (session.md).

Every attempt is counted before it is known to be wrong, in a transaction of its own that uses up the request's token;
what is right is used up and the session raised in a second one. Hashing and the like stay outside of both.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from service.access import notices
from service.access.audit import Event, Source
from service.access.browser import hold_live
from service.access.codes import Kind, Typed, new_recovery_codes, read_code, spelled_out
from service.access.hashing import Hasher
from service.access.level2 import Lane, is_raised, pause_after
from service.access.totp import matching_step, new_secret
from service.access.vault import Vault
from service.access.visitor import Visitor
from service.store import factors, level2, sessions
from service.store.database import in_transaction
from service.store.records import AccountKey, Totp

PENDING = timedelta(minutes=30)
_FORM_REMEMBERED = timedelta(days=2)  # longer than a form is taken
_FORM_ISSUER = "@form"


class CodeRefused(Exception):
    """The code does not fit; `kind` is the form of what was typed, which says nothing of the right one."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.kind = kind


class TooManyTries(Exception):
    """Nothing was looked at: there were too many wrong codes, and none is taken until then."""

    def __init__(self, until: datetime, kind: Kind) -> None:
        super().__init__("too many wrong codes")
        self.until = until
        self.kind = kind


class NoFactor(Exception):
    """This account has no second factor."""


class FormUsed(Exception):
    """This form has made what it was for already."""


@dataclass(frozen=True, slots=True)
class Factors:
    """What second factors need; `minutes` is how long a session stays at level 2."""

    vault: Vault
    hasher: Hasher
    minutes: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with an account: since when it has a confirmed app, until when this session is at level 2."""

    set_up_at: datetime | None
    until: datetime | None

    @property
    def has_factor(self) -> bool:
        """Tell whether a second factor can be asked for."""
        return self.set_up_at is not None

    def is_raised(self, now: datetime) -> bool:
        """Tell whether the session is at level 2; nobody is without a factor."""
        return self.has_factor and is_raised(self.until, now)


def account_of(visitor: Visitor) -> AccountKey:
    """Return whose factors these are."""
    return AccountKey(visitor.mandant, visitor.account)


def standing(visitor: Visitor) -> Standing:
    """Look up how it stands; two queries by key."""
    found = factors.find(account_of(visitor))
    return Standing(found.confirmed_at if found else None, level2.until(visitor.of_cms_session))


def begin(visitor: Visitor, with_: Factors, *, now: datetime) -> None:
    """Make a secret for an app; the one in force stays so until the new one is confirmed."""
    who = account_of(visitor)
    sealed = with_.vault.seal(new_secret(), bound=bound_to(who))

    def store() -> None:
        visitor.spend()
        factors.begin(who, person=visitor.person, sealed=sealed, session=visitor.cms_session, now=now)

    in_transaction(store)


def begun(visitor: Visitor, with_: Factors, *, now: datetime) -> str | None:
    """Return the secret that was begun in this very session, to be shown; None if there is none, or an old one."""
    found = _begun(visitor, now)
    return with_.vault.open(found.pending_sealed, bound=bound_to(found)) if found and found.pending_sealed else None


def confirm(visitor: Visitor, typed: str, with_: Factors, *, form_key: UUID, source: Source) -> tuple[str, ...]:
    """Put the secret that was begun in force by a code of it, which raises the session.

    Returns ten fresh recovery codes where the account had no app before, else none: the former codes stay good.
    Raises CodeRefused, FormUsed, CmsSessionOver.
    """
    now = source.now
    found, code = _begun(visitor, now), read_code(typed)
    if found is None or found.pending_sealed is None:
        raise FormUsed
    sealed, who = found.pending_sealed, account_of(visitor)
    secret = with_.vault.open(sealed, bound=bound_to(found))
    step = matching_step(secret, code.text, now) if code.kind == Kind.APP else None
    if step is None:
        raise CodeRefused(code.kind)
    codes = new_recovery_codes(secrets.choice) if found.confirmed_at is None else ()
    hashes = [with_.hasher.hash(one) for one in codes]

    def store() -> None:
        visitor.spend()
        _use_form(visitor.mandant, form_key, now)
        if not factors.confirm(who, sealed=sealed, step=step, now=now):
            raise FormUsed
        if hashes:
            factors.replace_codes(who, hashes, now)
        _lift(visitor, with_, "app", now)
        notices.note(Event.FACTOR_SET, source, facts={"by": "app", "replaced": int(found.confirmed_at is not None)})

    in_transaction(store)
    return _printed(codes)


def step_up(visitor: Visitor, typed: str, with_: Factors, *, source: Source) -> None:
    """Raise the visitor's session by a code of the app or a recovery code.

    Raises CodeRefused, TooManyTries, NoFactor, CmsSessionOver.
    """
    code, who, now = read_code(typed), account_of(visitor), source.now
    if code.kind not in {Kind.APP, Kind.RECOVERY}:
        raise CodeRefused(code.kind)
    found = factors.find(who)
    if found is None or found.sealed is None:
        raise NoFactor
    counter = _count(visitor, code.kind, now)
    use = _app_use(found, code, with_, now) if code.kind == Kind.APP else _recovery_use(who, code, with_, now)
    if use is None:
        raise CodeRefused(code.kind)

    def store() -> None:
        if not use():
            raise CodeRefused(code.kind)
        level2.forgive(counter)
        level2.forgive(level2.app_counter(who))
        _lift(visitor, with_, code.kind, now)
        notices.note(Event.RECOVERY_USED if code.kind == Kind.RECOVERY else Event.LEVEL2, source)

    in_transaction(store)


def new_codes(visitor: Visitor, with_: Factors, *, form_key: UUID, source: Source) -> tuple[str, ...]:
    """Return ten fresh recovery codes; the former ones are good no more. Raises FormUsed."""
    codes = new_recovery_codes(secrets.choice)
    hashes = [with_.hasher.hash(one) for one in codes]

    def store() -> None:
        visitor.spend()
        _use_form(visitor.mandant, form_key, source.now)
        factors.replace_codes(account_of(visitor), hashes, source.now)
        notices.note(Event.CODES_MADE, source)

    in_transaction(store)
    return _printed(codes)


def reset(who: AccountKey, *, source: Source) -> None:
    """Forget an account's second factor and put all its sessions back to level 1."""

    def store() -> None:
        factors.drop(who)
        level2.end_account(who)
        notices.note(Event.FACTOR_REMOVED, source)

    in_transaction(store)


def bound_to(who: AccountKey | Totp) -> tuple[str, ...]:
    """Return what a sealed secret is bound to."""
    return "totp", who.mandant, who.account


def _begun(visitor: Visitor, now: datetime) -> Totp | None:
    found = factors.find(account_of(visitor))
    if found is None or found.pending_at is None or found.pending_session != visitor.cms_session:
        return None
    return found if now - found.pending_at <= PENDING else None


def _count(visitor: Visitor, kind: Kind, now: datetime) -> level2.Counter:
    """Count an attempt and return where it was counted; raises TooManyTries."""
    lane, counter = _lane(visitor, kind)

    def store() -> level2.Counter:
        visitor.spend()
        failures = level2.count_attempt(counter, now=now)
        if not failures:
            raise TooManyTries(level2.blocked_until(counter) or now, kind)
        if pause := pause_after(failures, lane):
            level2.block(counter, now + pause)
        return counter

    return in_transaction(store)


def _lane(visitor: Visitor, kind: Kind) -> tuple[Lane, level2.Counter]:
    who, session = account_of(visitor), visitor.of_cms_session
    if level2.until(session) is not None:
        return Lane.SESSION, level2.session_counter(session)
    if kind == Kind.RECOVERY:
        return Lane.RECOVERY, level2.recovery_counter(who)
    return Lane.APP, level2.app_counter(who)


def _app_use(found: Totp, code: Typed, with_: Factors, now: datetime) -> Callable[[], bool] | None:
    """Return what uses up the step of this code; None if the code is of none."""
    who, sealed = AccountKey(found.mandant, found.account), found.sealed or ""
    step = matching_step(with_.vault.open(sealed, bound=bound_to(found)), code.text, now)
    return None if step is None else lambda: factors.use_step(who, sealed=sealed, step=step)


def _recovery_use(who: AccountKey, code: Typed, with_: Factors, now: datetime) -> Callable[[], bool] | None:
    """Return what uses up this recovery code; None if there is none such."""
    stored = factors.code_hash(who, code.slot)
    if not with_.hasher.verify(code.text, stored) or stored is None:
        return None
    return lambda: factors.use_code(who, slot=code.slot, code_hash=stored, now=now)


def _lift(visitor: Visitor, with_: Factors, by: str, now: datetime) -> None:
    """Raise the session, unless it has ended since the request came; raises CmsSessionOver."""
    hold_live(visitor, now=now)
    until = now + timedelta(minutes=with_.minutes)
    level2.lift(visitor.of_cms_session, account_of(visitor), until=until, by=by)


def _use_form(mandant: str, form_key: UUID, now: datetime) -> None:
    """Use up a form whose answer shows something once; raises FormUsed."""
    try:
        sessions.use_up(mandant, _FORM_ISSUER, str(form_key), now + _FORM_REMEMBERED)
    except sessions.TokenAlreadyUsed as again:
        raise FormUsed from again


def _printed(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(spelled_out(slot, secret) for slot, secret in enumerate(codes))
