"""The owner key of a Vorgang: a hash of fixed length, of a person where one is known, else of an account.

Documents are for persons and accounts by the same keys, and for contracts, buildings and all by keys of their own.
"""

import json
from hashlib import sha256


def owner_of_person(mandant: str, person_nr: str) -> str:
    """Return the key of what a person of immotion owns."""
    return _key("person", mandant, person_nr)


def owner_of_account(mandant: str, account: str) -> str:
    """Return the key of what an account owns that is linked to no person."""
    return _key("account", mandant, account)


def key_of_vertrag(mandant: str, vertrag_nr: str) -> str:
    """Return the key of what a contract owns: its documents."""
    return _key("vertrag", mandant, vertrag_nr)


def key_of_gebaeude(mandant: str, gebaeude_nr: str) -> str:
    """Return the key of what is for everybody in a building."""
    return _key("gebaeude", mandant, gebaeude_nr)


def key_of_alle(mandant: str) -> str:
    """Return the key of what is for everybody of a Mandant."""
    return _key("alle", mandant)


def _key(*parts: str) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()
