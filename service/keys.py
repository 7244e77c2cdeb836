"""The secrets in force while the service runs; those given by file change with the file (`service.watched`)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.secretfile import check_bearer, check_keys, check_webhook_secrets, read_secrets
from service.settings import (
    ConnectionSettings,
    ImmotionSettings,
    MailSettings,
    OAuthSettings,
    ServiceSettings,
    Settings,
)
from service.watched import Made, T, Watched

KeyRing = Watched[tuple[str, ...]]
Keys = Sequence[str] | KeyRing


def under(keys: Keys, make: Callable[[tuple[str, ...]], T]) -> Made[tuple[str, ...], T]:
    """Return something made of keys, oldest first, that is made anew when they rotate."""
    return Made(keys if isinstance(keys, Watched) else Watched("keys", tuple(keys)), make)


@dataclass(frozen=True, slots=True)
class Rings:
    """What the portal's own processes verify and sign with."""

    secret_keys: KeyRing
    encryption_keys: KeyRing
    metrics_token: KeyRing
    connections: Mapping[tuple[str, str], KeyRing]
    webhooks: Mapping[str, KeyRing]


def rings_of(settings: Settings) -> Rings:
    """Return the secrets of an installation's portal."""
    mandanten = settings.mandanten.items()
    return Rings(
        secret_keys=secret_keys(settings.service),
        encryption_keys=encryption_keys(settings.service),
        metrics_token=metrics_token(settings.service),
        connections={
            (mandant, name): connection_keys(f"mandanten.{mandant}.connections.{name}", connection)
            for mandant, house in mandanten
            for name, connection in house.connections.items()
        },
        webhooks={
            mandant: webhook_secrets(f"mandanten.{mandant}.immotion", house.immotion)
            for mandant, house in mandanten
            if isinstance(house.immotion, ImmotionSettings)
        },
    )


def files_of(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Yield every setting that names a file with secrets, and the file."""
    rings = rings_of(settings)
    found = [rings.secret_keys, rings.encryption_keys, rings.metrics_token]
    found += [*rings.connections.values(), *rings.webhooks.values()]
    if settings.service.mail is not None:
        found.append(mail_password(settings.service.mail))
    for mandant, house in settings.mandanten.items():
        if isinstance(house.immotion, ImmotionSettings):
            found.append(bearer_token(house.immotion, f"mandanten.{mandant}.immotion"))
            if house.immotion.oauth is not None:
                found.append(client_secret(house.immotion.oauth, f"mandanten.{mandant}.immotion.oauth"))
    yield from ((ring.name, file) for ring in found for file in ring.files)


def secret_keys(service: ServiceSettings) -> KeyRing:
    """Return what forms and links are signed with."""
    return _keys("service.secret_keys", service.secret_keys, service.secret_keys_file)


def encryption_keys(service: ServiceSettings) -> KeyRing:
    """Return what secrets at rest are under; perhaps none."""
    return _keys("service.encryption_keys", service.encryption_keys, service.encryption_keys_file)


def metrics_token(service: ServiceSettings) -> KeyRing:
    """Return what opens the metrics; perhaps none."""
    given = (service.metrics_token,) if service.metrics_token else ()
    return _keys("service.metrics_token", given, service.metrics_token_file)


def connection_keys(where: str, connection: ConnectionSettings) -> KeyRing:
    """Return what a CMS signs with."""
    return _keys(f"{where}.keys", connection.keys, connection.keys_file)


def webhook_secrets(where: str, immotion: ImmotionSettings) -> KeyRing:
    """Return what immotion signs webhooks with; perhaps none."""

    def check(secrets: Sequence[str]) -> None:
        _check_one(secrets)
        check_webhook_secrets(secrets)

    return _ring(f"{where}.webhook_secrets", immotion.webhook_secrets, immotion.webhook_secrets_file, check)


def bearer_token(immotion: ImmotionSettings, where: str = "immotion") -> KeyRing:
    """Return the token that immotion is shown; an empty one for none."""

    def check(secrets: Sequence[str]) -> None:
        _check_one(secrets)
        check_bearer(secrets[0])

    return _ring(f"{where}.token", (immotion.token,), immotion.token_file, check)


def client_secret(oauth: OAuthSettings, where: str = "immotion.oauth") -> KeyRing:
    """Return the secret that the token endpoint is shown."""
    return _ring(f"{where}.client_secret", (oauth.client_secret,), oauth.client_secret_file, _check_one)


def mail_password(mail: MailSettings) -> KeyRing:
    """Return the password that the mail server is shown; an empty one for none."""
    return _ring("service.mail.password", (mail.password,), mail.password_file, _check_one)


def _keys(name: str, given: tuple[str, ...], file: Path | None) -> KeyRing:
    return _ring(name, given, file, lambda secrets: check_keys(secrets, name.rpartition(".")[2]))


def _ring(name: str, given: tuple[str, ...], file: Path | None, check: Callable[[Sequence[str]], None]) -> KeyRing:
    if file is None:
        return Watched(name, given)

    def read() -> tuple[str, ...]:
        secrets = read_secrets(file)
        check(secrets)
        return secrets

    return Watched(name, given, (file,), read)


def _check_one(secrets: Sequence[str]) -> None:
    if not secrets:
        raise ValueError("the file holds none")
