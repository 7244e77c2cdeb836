"""What the link in a mail carries that asks whether an address is right: the same however often the mail is sent."""

from datetime import datetime, timedelta
from uuid import UUID

from itsdangerous import BadData

from service.access.signing import Signer
from service.keys import Keys

VALID_FOR = timedelta(hours=24)
_SALT = "portal.mail.confirm.v1"


class MailTokenRefused(Exception):
    """The link is not ours, too old, or for an address that was given up meanwhile."""


class MailTokens:
    """Issues and reads the links; `keys` run oldest to newest."""

    def __init__(self, keys: Keys) -> None:
        self._serializer = Signer(keys, _SALT, timed=False)

    def issue(self, mandant: str, key: str, asked: str) -> str:
        """Return what confirms the address that was chosen at this time (ISO 8601) under this key."""
        return self._serializer.dumps([mandant, key, asked])

    def read(self, token: str, mandant: str) -> tuple[UUID, datetime]:
        """Return the key and when the address was chosen; raises MailTokenRefused."""
        try:
            of_mandant, key, asked = self._serializer.loads(token)
            found = UUID(key), datetime.fromisoformat(asked)
        except (BadData, ValueError, TypeError, AttributeError) as forged:
            raise MailTokenRefused from forged
        if of_mandant != mandant:
            raise MailTokenRefused
        return found
