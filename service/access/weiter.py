"""Where somebody was when a second factor was asked for: signed, so that it leads nowhere else."""

from dataclasses import dataclass

from itsdangerous import BadData

from service.access.signing import Signer
from service.keys import Keys

_SALT = "portal.weiter.v1"
_LIFETIME_S = 2 * 3600


@dataclass(frozen=True, slots=True)
class Weiter:
    """A page of a Mandant below its address.

    `draft` is the key of what was kept of a form sent there; `page` the page on which a download was asked for.
    """

    path: str
    draft: str = ""
    page: str = ""


HOME = Weiter("")


class WeiterTokens:
    """Signs and reads them; `keys` run oldest to newest."""

    def __init__(self, keys: Keys) -> None:
        self._serializer = Signer(keys, _SALT)

    def sign(self, mandant: str, weiter: Weiter) -> str:
        """Return the token that goes along in addresses and forms."""
        return self._serializer.dumps([mandant, weiter.path, weiter.draft, weiter.page])

    def read(self, mandant: str, token: str) -> Weiter:
        """Return where the token leads; whatever is no token of this Mandant, or old, leads to the first page."""
        try:
            of_mandant, path, draft, page = self._serializer.loads(token, max_age=_LIFETIME_S)
        except (BadData, ValueError, TypeError):
            return HOME
        return Weiter(path, draft, page) if of_mandant == mandant else HOME
