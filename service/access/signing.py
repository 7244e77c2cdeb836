"""What the portal signs for itself to read again: itsdangerous, under keys that rotate while it runs."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from itsdangerous import BadSignature, Serializer, SignatureExpired, URLSafeSerializer, URLSafeTimedSerializer

from service.keys import Keys, under


class Signer:
    """Signs with the newest key and reads what any of them has signed; a timed one notes when."""

    def __init__(self, keys: Keys, salt: str, *, timed: bool = True) -> None:
        kind: type[Serializer[str]] = URLSafeTimedSerializer if timed else URLSafeSerializer

        def make(secrets: Sequence[str]) -> Serializer[str]:
            return kind(list(secrets), salt=salt, signer_kwargs={"key_derivation": "hmac", "digest_method": sha256})

        self._serializer = under(keys, make)

    def dumps(self, value: object) -> str:
        """Return the signed text."""
        return str(self._serializer.now().dumps(value))

    def loads(self, text: str | bytes, **how: Any) -> Any:  # noqa: ANN401 - itsdangerous' own arguments, and whatever was signed
        """Return what was signed; raises BadData.

        What another process signed with a key that this one has not read yet is good, too.
        """
        serializer = self._serializer.now()
        try:
            return serializer.loads(text, **how)
        except SignatureExpired:
            raise
        except BadSignature:
            newer = self._serializer.anew(serializer)
            if newer is None:
                raise
            return newer.loads(text, **how)
