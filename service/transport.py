"""Which ways of an installation would cross a network unencrypted: what `mieterportal doctor` warns of."""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from service.settings import ImmotionSettings, Settings

_PUBLIC_HELP = "service.public_url begins with http://"
_DATABASE_HELP = (
    "service.database names no TLS (PostgreSQL: ?sslmode=verify-full&sslrootcert=…; MariaDB: "
    "?ssl_ca=…&ssl_verify_identity=1)"
)
_REDIS_HELP = "service.rates.storage begins with redis://; use rediss://"
_MAIL_HELP = 'service.mail.tls is "none"'
_POSTGRES_TLS = {"require", "verify-ca", "verify-full"}


def unencrypted(settings: Settings) -> list[str]:
    """Return what to change, by setting; nothing for what stays on this host or in a Unix socket."""
    return [*_of_service(settings), *_of_mandanten(settings)]


def _of_service(settings: Settings) -> Iterator[str]:
    service = settings.service
    if _in_the_open(service.public_url, "http"):
        yield _PUBLIC_HELP
    if _database_in_the_open(service.database):
        yield _DATABASE_HELP
    if _in_the_open(service.rates.storage, "redis"):
        yield _REDIS_HELP
    if service.s3.endpoint is not None and _in_the_open(service.s3.endpoint, "http"):
        yield "service.s3.endpoint begins with http://"
    if service.scan is not None and not _is_here(service.scan.address.rpartition(":")[0].strip("[]")):
        yield "service.scan.address sends files to clamd unencrypted; let it listen in a socket on this host"
    if service.metrics_need_token:
        yield "service.metrics_bind serves others by plain http; let it listen on 127.0.0.1 behind a proxy with TLS"
    if service.mail is not None and service.mail.tls == "none" and not _is_here(service.mail.host):
        yield _MAIL_HELP


def _of_mandanten(settings: Settings) -> Iterator[str]:
    for name, mandant in settings.mandanten.items():
        immotion = mandant.immotion
        if isinstance(immotion, ImmotionSettings):
            given = {"url": immotion.url} | ({"oauth.token_url": immotion.oauth.token_url} if immotion.oauth else {})
            for setting, url in given.items():
                if _in_the_open(url, "http"):
                    yield f"mandanten.{name}.immotion.{setting} begins with http://"
        for connection, cms in mandant.connections.items():
            if any(_in_the_open(origin, "http") for origin in cms.origins):
                yield f"mandanten.{name}.connections.{connection}.origins has one that begins with http://"


def _in_the_open(url: str, scheme: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == scheme and not _is_here(parts.hostname or "")


def _database_in_the_open(url: str) -> bool:
    parts = urlsplit(url)
    given = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme == "sqlite" or _is_here(parts.hostname or given.get("host", "")):
        return False
    if parts.scheme == "postgresql":
        return given.get("sslmode") not in _POSTGRES_TLS
    return "ssl_ca" not in given and "unix_socket" not in given


def _is_here(host: str) -> bool:
    """Tell whether a host is this one: by name, by address, or none at all, which is a socket."""
    if not host or host == "localhost" or host.startswith("/"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
