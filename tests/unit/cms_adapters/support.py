"""What the tests of tokens and connectors share: vectors, keys, and a signer that signs anything."""

import hmac
import json
import os
from pathlib import Path
from typing import Any

from hypothesis import settings
from itsdangerous.encoding import base64_encode

from cms_adapters import tokens

ROOT = Path(__file__).parents[3]
VECTORS: dict[str, Any] = json.loads((ROOT / "tests" / "vectors" / "session_tokens.json").read_text(encoding="utf-8"))
KEYS: dict[str, list[str]] = {name: list(keys.values()) for name, keys in VECTORS["keys"].items()}
AUD: str = VECTORS["aud"]
KEY = KEYS["website"][-1]
NOW = 1_790_000_000

# HYPOTHESIS_EXAMPLES=20000 searches longer
many = settings(max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "200")), deadline=None)


def claims(typ: str = "fragment", **changes: object) -> dict[str, object]:
    """Claims that are accepted at NOW, unless a change spoils them."""
    about: dict[str, Any] = {
        "iss": "website",
        "aud": AUD,
        "sub": "fe_users:1001",
        "sid": "s",
        "jti": "AAECAwQFBgcICQoLDA0ODw",
    }
    return tokens.new_claims(typ=typ, now=NOW, **about) | changes


def issued(typ: str = "fragment", **changes: object) -> str:
    """A token of such claims, signed at NOW."""
    return tokens.issue(claims(typ, **changes), KEY, issued=NOW)


def signed(payload: bytes, *, moment: bytes = NOW.to_bytes(4, "big"), key: str = KEY) -> str:
    """Any payload and any time under a good signature, made by hand: what no honest CMS would issue."""
    text = base64_encode(payload) + b"." + base64_encode(moment)
    derived = hmac.digest(key.encode(), tokens.SALT.encode(), "sha256")
    return (text + b"." + base64_encode(hmac.digest(derived, text, "sha256"))).decode()


def verified(token: str, *, now: float = NOW, **other: Any) -> tokens.Claims:
    """Verify as the connection of the vectors would."""
    expected = {"connection": "website", "keys": KEYS["website"], "aud": AUD, "typ": "fragment"} | other
    return tokens.verify(token, now=now, **expected)


def reason_of(token: str, **other: Any) -> str:
    """Why a token is refused; fails when it is not."""
    try:
        said = verified(token, **other)
    except tokens.TokenRefused as refused:
        return refused.reason
    raise AssertionError(f"accepted: {said}")
