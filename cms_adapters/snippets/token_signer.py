"""Signs who the visitor is, with the standard library alone. `claims` as in docs/integrators.md; `issued` in Unix s."""  # noqa: INP001 - for pasting, not for importing

import base64
import hmac
import json


def portal_token(claims: dict[str, object], secret: str, issued: int) -> str:
    """Return the token; raises UnicodeEncodeError for claims that are no proper text."""

    def b64(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    text = json.dumps(claims, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    signed = b64(text.encode()) + b"." + b64(issued.to_bytes(8, "big").lstrip(b"\0"))
    key = hmac.digest(secret.encode(), b"portal.session.v1", "sha256")
    return (signed + b"." + b64(hmac.digest(key, signed, "sha256"))).decode()
