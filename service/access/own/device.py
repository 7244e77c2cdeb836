"""Browsers that have signed in before: what strangers try in somebody's name does not hold them up.

A cookie, signed, with a random id and the accounts that have signed in there; it opens nothing.
"""

import secrets
from dataclasses import dataclass

from itsdangerous import BadData

from service.access.signing import Signer
from service.keys import Keys

COOKIE = "__Host-portal-device"
LIFETIME_S = 365 * 24 * 3600
_SALT = "portal.device.v1"
_ACCOUNTS = 5


@dataclass(frozen=True, slots=True)
class Device:
    """A browser by its id, with the accounts it is known to, the latest first."""

    id: str
    accounts: tuple[str, ...] = ()

    def knows(self, account: str) -> bool:
        """Tell whether this account has signed in here."""
        return account in self.accounts

    def with_account(self, account: str) -> "Device":
        """Return the browser as it is after this account has signed in."""
        others = tuple(one for one in self.accounts if one != account)
        return Device(self.id, (account, *others)[:_ACCOUNTS])


class DeviceTokens:
    """Writes and reads the cookie; `keys` run oldest to newest."""

    def __init__(self, keys: Keys) -> None:
        self._serializer = Signer(keys, _SALT)

    def write(self, mandant: str, device: Device) -> str:
        """Return the cookie's value."""
        return self._serializer.dumps([mandant, device.id, list(device.accounts)])

    def read(self, mandant: str, cookie: str | None) -> Device:
        """Return the browser that shows this cookie; one that shows none, or a forged one, is a fresh one."""
        try:
            of_mandant, device, accounts = self._serializer.loads(cookie or "", max_age=LIFETIME_S)
        except (BadData, ValueError, TypeError):
            return _fresh()
        return Device(str(device), tuple(accounts)) if of_mandant == mandant else _fresh()


def _fresh() -> Device:
    return Device(secrets.token_urlsafe(16))
