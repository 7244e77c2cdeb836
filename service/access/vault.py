"""Secrets at rest: sealed under keys that rotate, each bound to its row, so that one row's never opens as another's."""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

from service.keys import Keys, under

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_INFO = b"portal.vault.v2"
_MARK = "v2."  # how it is sealed: AES-256-GCM under a key of HKDF-SHA-256, the row as associated data
_NONCE_BYTES = 12  # drawn anew each time: good for 2^32 secrets under one key (NIST SP 800-38D, 8.3)


class VaultRefused(Exception):
    """The text was not sealed under these keys, or not for this row."""


class Vault:
    """Seals with the newest key and opens with all; `keys` run oldest to newest, each of 32 bytes or more."""

    def __init__(self, keys: Keys) -> None:
        self._ciphers = under(keys, _newest_first)

    def seal(self, text: str, *, bound: Sequence[str]) -> str:
        """Return the text sealed for the row that `bound` names; raises LookupError without any key."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._newest.encrypt(nonce, text.encode(), _row(bound))
        return _MARK + urlsafe_b64encode(nonce + sealed).decode("ascii")

    def open(self, sealed: str, *, bound: Sequence[str]) -> str:
        """Return what was sealed for this row; raises VaultRefused.

        What another process sealed under a key that this one has not read yet opens, too.
        """
        ciphers: tuple[AESGCM, ...] | None = self._ciphers.now()
        while ciphers is not None:
            for cipher in ciphers:
                if (text := _opened(cipher, sealed, bound)) is not None:
                    return text
            ciphers = self._ciphers.anew(ciphers)
        raise VaultRefused

    def renew(self, sealed: str, *, bound: Sequence[str]) -> str | None:
        """Return the same secret under the newest key; None where it is under that already. Raises VaultRefused."""
        if _opened(self._newest, sealed, bound) is not None:
            return None
        return self.seal(self.open(sealed, bound=bound), bound=bound)

    @property
    def _newest(self) -> "AESGCM":
        ciphers = self._ciphers.now()
        if not ciphers:
            raise LookupError("service.encryption_keys is not set")
        return ciphers[0]


def _newest_first(keys: Sequence[str]) -> "tuple[AESGCM, ...]":
    """Return one for each key; the library is loaded only where it is used."""
    return tuple(_cipher(key) for key in reversed(keys))


def _cipher(key: str) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - only where it is used
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(key.encode()))


def _opened(cipher: "AESGCM", sealed: str, bound: Sequence[str]) -> str | None:
    """Return the text; None if it was sealed under another key, or for another row, or not at all."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - only where it is used

    if not sealed.startswith(_MARK):
        return None
    try:
        raw = urlsafe_b64decode(sealed.removeprefix(_MARK))
        return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _row(bound)).decode()
    except (InvalidTag, ValueError):
        return None


def _row(bound: Sequence[str]) -> bytes:
    return json.dumps(list(bound)).encode()
