"""The owner key of a Vorgang: a hash of fixed length, of a person where one is known, else of an account."""

import json
from hashlib import sha256


def owner_of_person(mandant: str, person_nr: str) -> str:
    """Return the key of what a person of immotion owns."""
    return _key("person", mandant, person_nr)


def owner_of_account(mandant: str, account: str) -> str:
    """Return the key of what an account owns that is linked to no person."""
    return _key("account", mandant, account)


def _key(*parts: str) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()
