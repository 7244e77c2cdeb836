"""Time-based one-time passwords (RFC 6238): six digits, steps of 30 seconds, one step back at most."""

from datetime import datetime
from hmac import compare_digest

import pyotp

STEP_S = 30
_GROUP = 4
_NAME_MAX, _ISSUER_MAX = 40, 60


def new_secret() -> str:
    """Return a fresh secret of 160 bits, base32."""
    return pyotp.random_base32()


def setup_uri(secret: str, *, issuer: str, name: str) -> str:
    """Return what the QR code says to the app: short enough for a picture, and without the separator in a name."""
    company = issuer.replace(":", " ")[:_ISSUER_MAX]
    return pyotp.TOTP(secret).provisioning_uri(name=name.replace(":", " ")[:_NAME_MAX] or company, issuer_name=company)


def grouped(secret: str) -> str:
    """Return the key as it is typed by hand, in groups of four."""
    return " ".join(secret[start : start + _GROUP] for start in range(0, len(secret), _GROUP))


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the step that this code is of: the present one or the one before; never a coming one.

    pyotp's own window reaches into the future too. Both are compared whatever the first says.
    """
    app, present = pyotp.TOTP(secret), int(now.timestamp()) // STEP_S
    matching = [step for step in (present, present - 1) if compare_digest(app.generate_otp(step), code)]
    return matching[0] if matching else None
