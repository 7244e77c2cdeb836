"""Interface v1, open to anyone: health, and tokens by client credentials."""

import base64
import binascii
from hashlib import sha256
from secrets import token_urlsafe
from urllib.parse import unquote_plus

import falcon

from service.standin.api_feed import current_catalog
from service.standin.faults import FaultSwitch
from service.standin.guard import Interface, same_secret
from service.standin.ledger import Ledger
from service.standin.words import JsonObject


class Gesundheit(Interface):
    call = "/gesundheit"
    open = True

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Say that the stand-in is alive, and which catalogue it has."""
        resp.media = {
            "status": "ok",
            "katalogVersion": current_catalog(self._ledger)["version"],
            "hinweis": "Nachbau für Tests und Vorführungen, nicht immotion",
        }


class OAuthToken(Interface):
    """Client credentials: any client id; the configured token is the client secret."""

    call = "/oauth2/token"
    open = True

    def __init__(self, ledger: Ledger, token: str | None, switch: FaultSwitch) -> None:
        self._ledger = ledger
        self._token = token
        self._switch = switch

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Give out a bearer token for an hour, or as the faults say (RFC 6749, 4.4)."""
        form = req.get_media(default_when_empty={})
        form = form if isinstance(form, dict) else {}
        if form.get("grant_type") != "client_credentials":
            _refuse(resp, falcon.HTTP_400, "unsupported_grant_type")
        elif self._token is not None and not same_secret(_client_secret(req, form), self._token):
            _refuse(resp, falcon.HTTP_401, "invalid_client")
            resp.set_header("WWW-Authenticate", 'Basic realm="immotion-standin"')
        else:
            scope = {"scope": form["scope"]} if isinstance(form.get("scope"), str) else {}
            seconds = self._switch.faults.token_s
            resp.media = {"access_token": self._issue(seconds), "token_type": "Bearer", "expires_in": seconds, **scope}

    def _issue(self, seconds: int) -> str:
        token = token_urlsafe(32)
        now = self._ledger.now().timestamp()
        with self._ledger.transaction() as connection:
            connection.execute("DELETE FROM zugaenge WHERE gueltig_bis < ?", (now,))
            connection.execute(
                "INSERT INTO zugaenge VALUES (?, ?)", (sha256(token.encode()).hexdigest(), now + seconds)
            )
        return token


def _client_secret(req: falcon.Request, form: JsonObject) -> str:
    scheme, _, value = (req.auth or "").partition(" ")
    if scheme.lower() != "basic":
        return str(form.get("client_secret", ""))
    try:
        _, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return unquote_plus(secret)


def _refuse(resp: falcon.Response, status: str, error: str) -> None:
    resp.status = status
    resp.media = {"error": error}
