"""The portal's own login, for company pages without user accounts: one more connection, with no CMS behind it."""

import secrets
from typing import ClassVar

from typing_extensions import override

from cms_adapters.connector import CmsLogin, Connector, Embedding
from cms_adapters.tokens import MAX_LIFETIME, Claims, TokenRefused


class OwnConnector(Connector):
    """Nobody signs tokens here. The portal itself says who has signed in, and what comes of it is as from any CMS."""

    kind: ClassVar[str] = "own"

    def signed_in(self, subject: str, *, session_id: str, now: int, **shown: str | None) -> CmsLogin:
        """Return the login of an account whose password was right; `now` in Unix seconds.

        `subject` names the account for good, `session_id` this one sign-in. `shown` are `name`, `email` and `lang`.
        """
        return CmsLogin(
            connection=self.id,
            subject=subject,
            session_id=session_id,
            jti=secrets.token_urlsafe(16),
            issued=now,
            expires=now + MAX_LIFETIME,
            embedding=Embedding.BROWSER,
            base_url=None,
            person=None,
            name=shown.get("name"),
            email=shown.get("email"),
            lang=shown.get("lang"),
            roles=(),
        )

    @override
    def _verify(self, token: str, typ: str, now: float) -> Claims:
        raise TokenRefused("the own login takes no tokens")
