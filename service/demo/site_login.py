"""The site's own login: a signed cookie, and the tokens that tell the portal who is signed in."""

import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from cms_adapters import tokens
from service.demo.people import BY_LOGIN, CONNECTION, Person, roles_of

COOKIE = "musterbau_sitzung"
LIFETIME_S = 12 * 60 * 60


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """Where site and portal are, and what the site signs with. `aud` is the portal's address of this Mandant."""

    url: str
    aud: str
    key: str
    cookie_secret: str


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody signed in at the site; `sid` stays between browser and site, the portal gets a hash of it."""

    person: Person
    sid: str


class Logins:
    def __init__(self, settings: SiteSettings) -> None:
        self._settings = settings
        self._cookies = URLSafeTimedSerializer(settings.cookie_secret, salt="musterbau.sitzung")

    def start(self, person: Person) -> str:
        """Return the cookie of a new session."""
        return str(self._cookies.dumps({"login": person.login, "sid": secrets.token_urlsafe(24)}))

    def find(self, cookie: str | None) -> Login | None:
        """Return who holds this cookie; None when it is forged, over, or of nobody."""
        try:
            said = self._cookies.loads(cookie or "", max_age=LIFETIME_S)
        except BadData:
            return None
        person = BY_LOGIN.get(said["login"])
        return None if person is None else Login(person, said["sid"])

    def token(self, login: Login, typ: str, *, now: int, nonce: str | None = None) -> str:
        """Sign who is logged in: `fragment` for one request, `login` for a browser, `logout`. `now` in Unix seconds."""
        person = login.person
        about: dict[str, Any] = {"nonce": nonce} if nonce is not None else {}
        if typ != "logout":
            about |= {"person": person.nr, "name": person.name, "email": person.email}
            about |= {"lang": person.sprache, "roles": list(roles_of(person))}
        claims = tokens.new_claims(
            typ=typ,
            iss=CONNECTION,
            aud=self._settings.aud,
            sub=f"mitglied:{person.nr}",
            sid=sha256(login.sid.encode()).hexdigest(),
            now=now,
            **about,
        )
        return tokens.issue(claims, self._settings.key, issued=now)
