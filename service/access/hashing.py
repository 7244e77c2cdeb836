"""Argon2id for what people type and is short enough to be guessed; never more than two at once in a process."""

import unicodedata
from functools import cached_property
from threading import Semaphore
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pwdlib import PasswordHash

# OWASP's second choice of equal strength: 19 MiB, two passes, one lane
_MEMORY_KIB, _PASSES, _LANES = 19 * 1024, 2, 1
AT_ONCE = 2
_TURNS = Semaphore(AT_ONCE)


def composed(typed: str) -> str:
    """Return what was typed in the one composition that all keyboards share: one device writes é as e and an accent.

    NFKC, as NIST SP 800-63B-4, 3.1.1.2, has it for passwords; nothing is cut, trimmed or put in another case.
    """
    return unicodedata.normalize("NFKC", typed)


class Hasher:
    """Hashes and verifies what is typed, however a keyboard composes it.

    A verification without a hash takes as long as one with it.
    """

    def hash(self, secret: str) -> str:
        """Return the hash with its salt and its parameters."""
        with _TURNS:
            return self._argon2.hash(composed(secret))

    def verify(self, secret: str, stored: str | None) -> bool:
        """Tell whether this is the secret; without a hash the same work is done in vain."""
        wanted = stored or self._dummy
        with _TURNS:
            return self._argon2.verify(composed(secret), wanted) and stored is not None

    @cached_property
    def _argon2(self) -> "PasswordHash":
        from pwdlib import PasswordHash  # noqa: PLC0415 - only where it is used
        from pwdlib.hashers.argon2 import Argon2Hasher  # noqa: PLC0415

        return PasswordHash((Argon2Hasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES),))

    @cached_property
    def _dummy(self) -> str:
        return self.hash("")
