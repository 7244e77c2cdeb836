"""The back end of a CMS, asking for one Mandant: an `admin` token, used up by every request (session.md)."""

from dataclasses import dataclass
from datetime import UTC, datetime

from cms_adapters.tokens import LEEWAY, Claims
from service.store import sessions


@dataclass(frozen=True, slots=True)
class Admin:
    """Who asks: a connection of one Mandant; which person of the CMS it was, the CMS knows."""

    mandant: str
    connection: str
    jti: str
    expires: datetime

    def spend(self) -> None:
        """Use up the token, inside the transaction of what it changes; raises TokenAlreadyUsed."""
        sessions.use_up(self.mandant, self.connection, self.jti, self.expires)


def admin_of_claims(mandant: str, claims: Claims) -> Admin:
    """Turn a verified token into who asks; its id is remembered for longer than the token could be shown."""
    return Admin(mandant, claims.iss, claims.jti, datetime.fromtimestamp(claims.exp + 2 * LEEWAY, UTC))
