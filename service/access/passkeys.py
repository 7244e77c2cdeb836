"""Passkeys (WebAuthn) beside the app: added at level 2, and shown in place of a code (session.md, Two security levels).

They need the portal's own address in the browser's bar: a fragment stands on the CMS's, and a frame may not ask for
them. Nothing is kept between asking and answer: what the authenticator has to sign is a challenge that the portal has
signed itself, for one session of one account, for five minutes, and once.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from itsdangerous import BadData
from itsdangerous.encoding import base64_decode, base64_encode

from service.access import audit, notices
from service.access.audit import Event, Source
from service.access.browser import hold_live
from service.access.factors import account_of
from service.access.signing import Signer
from service.access.visitor import Visitor, digest
from service.keys import Keys
from service.store import level2, passkeys, sessions
from service.store.database import in_transaction
from service.store.records import Passkey

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

VALID_FOR = timedelta(minutes=5)
MOST = 10
NAME_MAX = 40
ADD, CONFIRM, SIGN_IN = "add", "confirm", "sign_in"
_ISSUER = "@passkey"
_TIMEOUT_MS = 300_000
_SALT = "portal.passkey.v1"
T = TypeVar("T")


class PasskeyRefused(Exception):
    """What was shown is no passkey of this account, or not for this challenge; `reason` is for the log."""

    cloned = False

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ChallengeStale(PasskeyRefused):
    """The challenge was good, and is too old or used up: asked again, the same passkey will do."""


class PasskeyCloned(PasskeyRefused):
    """The authenticator's count did not go up: there is a second one with the same secret, or it was shown twice."""

    cloned = True


@dataclass(frozen=True, slots=True)
class Party:
    """Who the portal is to authenticators: the host that passkeys belong to, and the origin they are shown at."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """What an authenticator signs, and the token by which the portal knows it again."""

    token: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """What an authenticator answered, as the browser's JSON, and to whom and what it should have."""

    party: Party
    challenge: bytes
    credential: str


def party_of(public_url: str) -> Party | None:
    """Return who the portal is at this address; None where browsers offer no passkeys: no TLS, or no host name."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    if not _is_name(host) or (parts.scheme != "https" and host != "localhost"):
        return None
    return Party(host, f"{parts.scheme}://{parts.netloc}")


def _is_name(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return bool(host)
    return False


class Challenges:
    """Issues challenges and knows them again; `keys` run oldest to newest. `bound` names what one is good for."""

    def __init__(self, keys: Keys) -> None:
        self._signer = Signer(keys, _SALT, timed=False)

    def issue(self, bound: Sequence[str], *, now: datetime) -> Challenge:
        """Return a fresh challenge."""
        value = secrets.token_bytes(32)
        return Challenge(self._signer.dumps([*bound, _text(value), int(now.timestamp())]), value)

    def read(self, token: str, bound: Sequence[str], *, now: datetime) -> bytes:
        """Return the challenge; raises ChallengeStale, PasskeyRefused."""
        try:
            *good_for, value, issued = self._signer.loads(token)
            if good_for != list(bound):
                raise PasskeyRefused("challenge is another's")
            challenge, age = base64_decode(value), now.timestamp() - issued
        except (BadData, ValueError, TypeError) as forged:
            raise PasskeyRefused("challenge is not ours") from forged
        if age > VALID_FOR.total_seconds():
            raise ChallengeStale("challenge is too old")
        return challenge


def to_create(visitor: Visitor, party: Party, challenge: Challenge, *, company: str) -> str:
    """Return what the browser is told, as JSON, to make a passkey that this account does not have yet."""
    from webauthn import generate_registration_options, options_to_json  # noqa: PLC0415 - only where it is used
    from webauthn.helpers.structs import (  # noqa: PLC0415
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = generate_registration_options(
        rp_id=party.id,
        rp_name=company,
        user_id=bytes.fromhex(digest(visitor.mandant, visitor.account)),
        user_name=visitor.name or company,
        challenge=challenge.value,
        timeout=_TIMEOUT_MS,
        exclude_credentials=_descriptors(visitor),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )
    return options_to_json(options)


def to_confirm(visitor: Visitor, party: Party, challenge: Challenge) -> str | None:
    """Return what the browser is told, as JSON, to have a passkey shown; None where the account has none."""
    from webauthn import generate_authentication_options, options_to_json  # noqa: PLC0415 - only where it is used

    known = _descriptors(visitor)
    if not known:
        return None
    options = generate_authentication_options(
        rp_id=party.id, challenge=challenge.value, timeout=_TIMEOUT_MS, allow_credentials=known
    )
    return options_to_json(options)


def add(visitor: Visitor, shown: Shown, *, name: str, source: Source) -> None:
    """Keep a passkey that was made for this challenge; raises PasskeyRefused, ChallengeStale."""
    from webauthn import verify_registration_response  # noqa: PLC0415 - only where it is used

    made = _verified(
        lambda: verify_registration_response(
            credential=shown.credential,
            expected_challenge=shown.challenge,
            expected_rp_id=shown.party.id,
            expected_origin=shown.party.origin,
        )
    )
    if len(passkeys.of_account(account_of(visitor))) >= MOST:
        raise PasskeyRefused("too many")
    fresh = Passkey(
        id_hash=_hash(made.credential_id),
        mandant=visitor.mandant,
        account=visitor.account,
        credential_id=_text(made.credential_id),
        public_key=_text(made.credential_public_key),
        sign_count=made.sign_count,
        name=name[:NAME_MAX],
        created_at=source.now,
    )

    def store() -> None:
        visitor.spend()
        _use_up(visitor.mandant, shown.challenge, source.now)
        passkeys.add(fresh)
        notices.note(Event.PASSKEY_ADDED, source, subject=fresh.id_hash[:16])

    try:
        in_transaction(store)
    except passkeys.PasskeyKnown as known:
        raise PasskeyRefused("known already") from known


def step_up(visitor: Visitor, shown: Shown, *, minutes: int, source: Source) -> None:
    """Raise the visitor's session by a passkey of theirs.

    Raises PasskeyRefused, ChallengeStale, PasskeyCloned, and CmsSessionOver when the session has ended meanwhile.
    """
    found = passkeys.find(account_of(visitor), id_hash_of(shown))
    if found is None:
        raise PasskeyRefused("not of this account")
    count = asserted(shown, found, verified=False)

    def store() -> None:
        visitor.spend()
        use_once(shown, found, count, now=source.now)
        until = source.now + timedelta(minutes=minutes)
        hold_live(visitor, now=source.now)
        level2.lift(visitor.of_cms_session, account_of(visitor), until=until, by="passkey")
        audit.note(Event.LEVEL2, source, subject=found.id_hash[:16], facts={"by": "passkey"})

    in_transaction(store)


def asserted(shown: Shown, found: Passkey, *, verified: bool) -> int:
    """Return how far the authenticator has counted, if it has signed the challenge; raises PasskeyRefused.

    With `verified`, it must have made sure who holds it.
    """
    from webauthn import verify_authentication_response  # noqa: PLC0415 - only where it is used

    used = _verified(
        lambda: verify_authentication_response(
            credential=shown.credential,
            expected_challenge=shown.challenge,
            expected_rp_id=shown.party.id,
            expected_origin=shown.party.origin,
            credential_public_key=base64_decode(found.public_key),
            credential_current_sign_count=0,  # compared where it is used up
            require_user_verification=verified,
        )
    )
    return used.new_sign_count


def use_once(shown: Shown, found: Passkey, count: int, *, now: datetime) -> None:
    """Use up the challenge and the authenticator's count, in the transaction of what they allow.

    Raises ChallengeStale, PasskeyCloned, PasskeyRefused.
    """
    _use_up(found.mandant, shown.challenge, now)
    if passkeys.use(found, sign_count=count, now=now):
        return
    gone = passkeys.of_credential(found.mandant, found.id_hash) is None
    raise PasskeyRefused("removed meanwhile") if gone else PasskeyCloned("its count did not go up")


def id_hash_of(shown: Shown) -> str:
    """Return by what the store knows the passkey that was shown; raises PasskeyRefused."""
    return _hash(_verified(lambda: base64_decode(json.loads(shown.credential)["rawId"])))


def remove(visitor: Visitor, id_hash: str, *, source: Source) -> bool:
    """Forget one of the visitor's passkeys; False when they have none such."""

    def store() -> bool:
        visitor.spend()
        removed = passkeys.remove(account_of(visitor), id_hash)
        if removed:
            notices.note(Event.PASSKEY_REMOVED, source, subject=id_hash[:16])
        return removed

    return in_transaction(store)


def _use_up(mandant: str, challenge: bytes, now: datetime) -> None:
    """Use up a challenge, in the transaction of what it allows; raises ChallengeStale."""
    try:
        sessions.use_up(mandant, _ISSUER, _text(challenge), now + 2 * VALID_FOR)
    except sessions.TokenAlreadyUsed as again:
        raise ChallengeStale("challenge was used before") from again


def _verified(verify: Callable[[], T]) -> T:
    """Return what the library makes of it; raises PasskeyRefused, also for what it stumbles over."""
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415 - only where it is used

    try:
        return verify()
    except WebAuthnException as refused:
        raise PasskeyRefused(type(refused).__name__) from refused
    except (BadData, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as broken:
        raise PasskeyRefused(f"unreadable: {type(broken).__name__}") from broken


def _descriptors(visitor: Visitor) -> "list[PublicKeyCredentialDescriptor]":
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor  # noqa: PLC0415 - only where it is used

    known = passkeys.of_account(account_of(visitor))
    return [PublicKeyCredentialDescriptor(id=base64_decode(one.credential_id)) for one in known]


def bound_to(visitor: Visitor, purpose: str) -> list[str]:
    """Return what a challenge is bound to that is good for one purpose in one session."""
    return [purpose, visitor.mandant, visitor.account, visitor.cms_session]


def bound_to_guest(mandant: str, guest: str) -> list[str]:
    """Return what a challenge is bound to by which a browser, not signed in yet, signs in."""
    return [SIGN_IN, mandant, "", guest]


def _hash(credential_id: bytes) -> str:
    return sha256(credential_id).hexdigest()


def _text(raw: bytes) -> str:
    return base64_encode(raw).decode("ascii")
