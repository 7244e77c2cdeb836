"""Secrets at rest: sealed under keys that rotate, each bound to its row, so that one row's never opens as another's."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

from service.keys import Keys, under

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

_INFO = b"portal.vault.v1"


class VaultRefused(Exception):
    """The text was not sealed under these keys, or not for this row."""


class Vault:
    """Seals with the newest key and opens with all; `keys` run oldest to newest, each of 32 bytes or more."""

    def __init__(self, keys: Keys) -> None:
        self._fernets = under(keys, _newest_first)

    def seal(self, text: str, *, bound: Sequence[str]) -> str:
        """Return the text sealed for the row that `bound` names; raises LookupError without any key."""
        return self._newest.encrypt(json.dumps([list(bound), text]).encode()).decode("ascii")

    def open(self, sealed: str, *, bound: Sequence[str]) -> str:
        """Return what was sealed for this row; raises VaultRefused.

        What another process sealed under a key that this one has not read yet opens, too.
        """
        fernets: tuple[Fernet, ...] | None = self._fernets.now()
        while fernets is not None:
            for fernet in fernets:
                if (text := _opened(fernet, sealed, bound)) is not None:
                    return text
            fernets = self._fernets.anew(fernets)
        raise VaultRefused

    def renew(self, sealed: str, *, bound: Sequence[str]) -> str | None:
        """Return the same secret under the newest key; None where it is under that already. Raises VaultRefused."""
        if _opened(self._newest, sealed, bound) is not None:
            return None
        return self.seal(self.open(sealed, bound=bound), bound=bound)

    @property
    def _newest(self) -> "Fernet":
        fernets = self._fernets.now()
        if not fernets:
            raise LookupError("service.encryption_keys is not set")
        return fernets[0]


def _newest_first(keys: Sequence[str]) -> "tuple[Fernet, ...]":
    """Return one for each key; the library is loaded only where it is used."""
    return tuple(_fernet(key) for key in reversed(keys))


def _fernet(key: str) -> "Fernet":
    from cryptography.fernet import Fernet  # noqa: PLC0415 - only where it is used
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(key.encode())
    return Fernet(urlsafe_b64encode(derived))


def _opened(fernet: "Fernet", sealed: str, bound: Sequence[str]) -> str | None:
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - only where it is used

    try:
        of_row, text = json.loads(fernet.decrypt(sealed.encode()))
    except (InvalidToken, UnicodeEncodeError):
        return None
    if of_row != list(bound):
        raise VaultRefused
    return str(text)
