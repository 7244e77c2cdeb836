"""Signing in to the own login by a passkey alone: the authenticator has made sure who holds it (user verification)."""

from dataclasses import replace

from service.access import audit
from service.access.audit import Event, Source
from service.access.passkeys import Challenge, Party, PasskeyRefused, Shown, asserted, id_hash_of, use_once
from service.access.rates import Rates
from service.store import own_accounts, passkeys
from service.store.database import in_transaction
from service.store.records import OwnAccount


def to_sign_in(party: Party, challenge: Challenge) -> str:
    """Return what the browser is told, as JSON, to have any passkey shown that it has for the portal."""
    from webauthn import generate_authentication_options, options_to_json  # noqa: PLC0415 - only where it is used
    from webauthn.helpers.structs import UserVerificationRequirement  # noqa: PLC0415

    options = generate_authentication_options(
        rp_id=party.id, challenge=challenge.value, user_verification=UserVerificationRequirement.REQUIRED
    )
    return options_to_json(options)


def sign_in(shown: Shown, connection: str, rates: Rates, source: Source) -> OwnAccount:
    """Return the account of this connection that the passkey is of.

    Raises PasskeyRefused, ChallengeStale, PasskeyCloned, TooManyRequests.
    """
    if source.address:
        rates.hit("sign_in_address", source.mandant, source.address)
    rates.hit("sign_in_mandant", source.mandant)
    found = passkeys.of_credential(source.mandant, id_hash_of(shown))
    account = own_accounts.of_account(source.mandant, found.account) if found else None
    if found is None or account is None or account.connection != connection:
        raise PasskeyRefused("of no account")
    count = asserted(shown, found, verified=True)
    in_transaction(lambda: use_once(shown, found, count, now=source.now))
    return account


def note_refused(refused: PasskeyRefused, connection: str, source: Source) -> None:
    """Note in the audit log that a passkey did not let somebody in."""
    event = Event.PASSKEY_CLONED if refused.cloned else Event.SIGN_IN_FAILED
    facts = {"reason": "passkey", "for": "own"}
    about = replace(source, connection=connection)
    in_transaction(lambda: audit.note(event, about, facts=facts))
