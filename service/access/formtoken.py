"""The two hidden fields of every form: an idempotency key, and a CSRF token that binds it to the session."""

from dataclasses import dataclass
from uuid import UUID

from itsdangerous import BadData
from uuid_utils.compat import uuid7

from service.access.signing import Signer
from service.access.visitor import Visitor
from service.keys import Keys

_SALT = "portal.form.v1"
_LIFETIME_S = 24 * 3600


class FormTokenRefused(Exception):
    """The form was not rendered for this visitor, or long ago.

    `account` is whom it was rendered for, when that much is certain: their input may be kept as a draft. `owner` is the
    key of whom they acted for; `switched` when they act for somebody else by now.
    """

    def __init__(self, made_for: "FormOrigin | None" = None, *, switched: bool = False) -> None:
        super().__init__("form token refused")
        self.account = made_for.account if made_for else None
        self.form_key = made_for.form_key if made_for else None
        self.owner = made_for.owner if made_for else None
        self.switched = switched


@dataclass(frozen=True, slots=True)
class FormOrigin:
    """Whom a form was rendered for, in which language; says nothing about who sends it.

    `owner` is the key of whom they acted for; None in forms rendered by an earlier version.
    """

    account: str
    cms_session: str
    form_key: UUID
    lang: str
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class FormToken:
    csrf_token: str
    idempotency_key: str


class FormTokens:
    """Issues and checks the hidden fields; `keys` run oldest to newest."""

    def __init__(self, keys: Keys) -> None:
        self._serializer = Signer(keys, _SALT)

    def issue(self, visitor: Visitor, form_key: UUID | None = None) -> FormToken:
        """Return the fields of a form about to be rendered; without a key, for a fresh one."""
        key = str(form_key or uuid7())
        bound = [key, visitor.mandant, visitor.account, visitor.cms_session, visitor.lang, visitor.owner]
        return FormToken(csrf_token=self._serializer.dumps(bound), idempotency_key=key)

    def check(self, visitor: Visitor | None, mandant: str, csrf_token: str, idempotency_key: str) -> UUID:
        """Return the form's idempotency key; raises FormTokenRefused."""
        made_for = self.origin(visitor, mandant, csrf_token, idempotency_key)
        if visitor is None or visitor.cms_session != made_for.cms_session or self._is_old(csrf_token):
            raise FormTokenRefused(made_for)
        if made_for.owner not in {None, visitor.owner}:
            raise FormTokenRefused(made_for, switched=True)
        return made_for.form_key

    def origin(self, visitor: Visitor | None, mandant: str, csrf_token: str, idempotency_key: str) -> FormOrigin:
        """Return whom a form was rendered for, however long ago; raises FormTokenRefused for another account's."""
        try:
            # forms rendered by earlier versions name no language, or nobody they are for
            key, of_mandant, account, cms_session, *more = self._serializer.loads(csrf_token, max_age=None)
            form_key = UUID(key)
        except (BadData, ValueError, TypeError) as forged:
            raise FormTokenRefused from forged
        if of_mandant != mandant or key != idempotency_key or (visitor is not None and visitor.account != account):
            raise FormTokenRefused
        lang, owner = (more[0] if more else ""), (more[1] if len(more) > 1 else None)
        return FormOrigin(account, cms_session, form_key, lang, owner)

    def belongs_to(self, visitor: Visitor | None, mandant: str, csrf_token: str) -> bool:
        """Tell whether a token without a key of its own was made for this visitor's session."""
        try:
            bound = self._serializer.loads(csrf_token, max_age=None)
        except BadData:
            return False
        return visitor is not None and bound[1:4] == [mandant, visitor.account, visitor.cms_session]

    def _is_old(self, csrf_token: str) -> bool:
        try:
            self._serializer.loads(csrf_token, max_age=_LIFETIME_S)
        except BadData:
            return True
        return False
