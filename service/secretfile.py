"""Secrets as the operator gives them: in the settings, or in a file with one a line; and what makes a good one."""

import base64
from collections.abc import Sequence
from pathlib import Path

from cms_adapters.tokens import MIN_KEY_BYTES

# Standard Webhooks: 24 to 64 bytes
WEBHOOK_PREFIX = "whsec_"
MIN_WEBHOOK_BYTES = 24


def read_secrets(file: Path) -> tuple[str, ...]:
    """Return the secrets of a file, one a line; lines that begin with # are none.

    Raises ValueError, which quotes nothing of what stands in the file.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as fault:
        raise ValueError(f"{file} cannot be read ({fault.strerror})") from fault
    except UnicodeDecodeError:
        raise ValueError(f"{file} is no text in UTF-8") from None
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def secrets_of(given: tuple[str, ...], file: Path | None) -> tuple[str, ...]:
    """Return the secrets, from the file if one is named; raises ValueError."""
    return given if file is None else read_secrets(file)


def one_secret(name: str, given: str, file: Path | None) -> str:
    """Return a secret, from the file if one is named; empty when there is neither. Raises ValueError by name."""
    if file is None:
        return given
    try:
        secrets = read_secrets(file)
    except ValueError as fault:
        raise ValueError(f"{name}_file: {fault}") from None
    if not secrets:
        raise ValueError(f"{name}_file: {file} holds none")
    return secrets[0]


def check_keys(keys: Sequence[str], name: str) -> None:
    """Raise ValueError, naming the setting, unless there are keys, all long enough."""
    if not keys:
        raise ValueError(f"{name}: give at least one secret, or name a file in {name}_file")
    if any(len(key.encode()) < MIN_KEY_BYTES for key in keys):
        raise ValueError(
            f"{name}: at least {MIN_KEY_BYTES} bytes each; "
            'make one with: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )


def check_bearer(token: str) -> None:
    """Raise ValueError for a token that cannot be sent."""
    if not (token.isascii() and token.isprintable()):
        raise ValueError("token: only printable ASCII can be sent")


def check_webhook_secrets(secrets: Sequence[str]) -> None:
    """Raise ValueError for what no webhook can be signed with."""
    if not all(_is_webhook_secret(secret) for secret in secrets):
        raise ValueError(
            f"webhook_secrets: whsec_ and base64 of at least {MIN_WEBHOOK_BYTES} bytes each; make one with: "
            "python3 -c \"import base64, secrets; print('whsec_' + "
            'base64.b64encode(secrets.token_bytes(32)).decode())"'
        )


def _is_webhook_secret(secret: str) -> bool:
    encoded = secret.removeprefix(WEBHOOK_PREFIX)
    try:
        return len(base64.b64decode(encoded, validate=True)) >= MIN_WEBHOOK_BYTES and encoded != secret
    except ValueError:
        return False
