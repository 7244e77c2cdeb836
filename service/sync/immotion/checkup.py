"""Whether immotion accepts who we are, asked as `mieterportal doctor` asks; every answer says what to do."""

from datetime import datetime, timedelta
from pathlib import Path

from service.pem import validity
from service.settings import ImmotionSettings
from service.sync.immotion.channel import CredentialsRefused, Permanent, Temporary
from service.sync.immotion.http import HttpChannel, shared_of

_RENEW_WITHIN = timedelta(days=14)


def certificate(cert: Path, now: datetime) -> tuple[bool, str]:
    """Return whether something is wrong with our certificate's dates, and the text that says what."""
    remedy = f"have it renewed, replace {cert} and its key, and restart `mieterportal sync run`"
    try:
        begins, ends = validity(cert)
    except (OSError, ValueError) as fault:
        return True, f"{cert} cannot be read ({type(fault).__name__}); check immotion.client_cert"
    if now < begins:
        return True, f"is valid only from {begins:%Y-%m-%d %H:%M} UTC; check the clock, or {remedy}"
    if now >= ends:
        return True, f"has expired at {ends:%Y-%m-%d %H:%M} UTC; {remedy}"
    soon = ends - now < _RENEW_WITHIN
    text = f"is valid until {ends:%Y-%m-%d %H:%M} UTC"
    return soon, f"{text}, which is soon; {remedy}" if soon else text


def shown(settings: ImmotionSettings) -> str:
    """Return in words what immotion is shown."""
    ways = [
        f"a token of {settings.oauth.token_url}" if settings.oauth else "",
        "a bearer token" if settings.token else "",
        "a certificate" if settings.client_cert else "",
    ]
    return " and ".join(filter(None, ways)) or "nothing"


def access(settings: ImmotionSettings) -> str | None:
    """Fetch a token if there is an endpoint, and read the catalogs; return what was refused, None when nothing was."""
    shared = shared_of(settings)
    try:
        shared.access.headers()
    except CredentialsRefused as refused:
        return f"the token endpoint refuses us ({refused}); check immotion.oauth: client_id, client_secret and scope"
    except Temporary as fault:
        return f"the token endpoint gives no token ({fault}); check immotion.oauth.token_url and the network"
    channel = HttpChannel(settings, shared)
    try:
        channel.kataloge("")
    except CredentialsRefused as refused:
        return f"immotion refuses us, who show {shown(settings)} ({refused}); {_remedy(settings)}"
    except (Temporary, Permanent) as fault:
        return f"/kataloge cannot be read ({fault}); ask immotion's operator"
    finally:
        channel.close()
    return None


def _remedy(settings: ImmotionSettings) -> str:
    if settings.oauth is not None:
        return "check immotion.oauth.scope, and that immotion takes tokens of this endpoint"
    if settings.token:
        return "renew immotion.token"
    if settings.client_cert is not None:
        return "have immotion's operator admit this certificate"
    return "set immotion.token, immotion.oauth or immotion.client_cert"
