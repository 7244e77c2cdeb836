"""Session tokens: the CMS says, signed and for a minute, who its visitor is.

Wire format of itsdangerous, never compressed, so that any language can issue one in ten lines. The portal trusts
nothing else that a CMS sends.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from itsdangerous import BadData, BadPayload, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode, bytes_to_int
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate
from typing_extensions import override

SALT = "portal.session.v1"
MAX_LENGTH = 4096
LEEWAY = 30
MAX_LIFETIME = 60
MIN_KEY_BYTES = 32
TYPES = ("fragment", "login", "logout", "admin")
_TIME_BYTES = 8
_EXACT = 2**53  # below this, every JSON library reads the same whole number


class TokenRefused(Exception):
    """The token is not accepted; `reason` is for the log and never quotes the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says; times are Unix seconds."""

    v: int
    typ: str
    iss: str
    aud: str
    sub: str
    sid: str
    jti: str
    iat: int
    exp: int
    nonce: str | None = None
    amr: tuple[str, ...] = ()
    auth_time: int | None = None
    person: str | None = None
    name: str | None = None
    email: str | None = None
    lang: str | None = None
    roles: tuple[str, ...] = ()


def new_claims(  # noqa: PLR0913 - the claims of the wire format
    *, typ: str, iss: str, aud: str, sub: str, sid: str, now: int, lifetime: int = MAX_LIFETIME, **optional: object
) -> dict[str, object]:
    """Return the claims of a token issued now, with a fresh `jti` unless one is given.

    `lifetime` is in seconds, at most 60; `optional` takes the other claims (nonce, person, name, email, lang, roles …).
    """
    jti = optional.pop("jti", None) or base64_encode(secrets.token_bytes(16)).decode("ascii")
    required = {"v": 1, "typ": typ, "iss": iss, "aud": aud, "sub": sub, "sid": sid, "jti": jti}
    return {**required, "iat": now, "exp": now + lifetime, **optional}


def issue(claims: Mapping[str, object], key: str, *, issued: int | None = None) -> str:
    """Sign claims, as they stand and in their order; `issued` (Unix seconds) defaults to the claim `iat`.

    Raises ValueError when the key is shorter than 32 bytes, or a claim is nothing that JSON in UTF-8 can hold.
    """
    if weak_keys([key]):
        raise ValueError(f"a key has at least {MIN_KEY_BYTES} bytes")
    moment = issued if issued is not None else int(str(claims["iat"]))
    return str(_serializer([key], moment).dumps(dict(claims)))


def verify(  # noqa: PLR0913 - what the token must agree with
    token: str, *, connection: str, keys: Sequence[str], aud: str, typ: str, now: float
) -> Claims:
    """Return the claims of a token of this connection, audience and type; raises TokenRefused.

    `keys` run oldest to newest, `now` is in Unix seconds. The order of the checks is that of the specification
    ("Verifying, in this order"); whoever lets the token change anything must use up its `jti` besides.
    """
    _check_form(token)
    if not keys:
        raise TokenRefused("no such connection")
    try:
        payload, signed_at = _serializer(keys).loads(token, return_timestamp=True)
    except BadPayload as broken:
        raise TokenRefused("claims are not readable") from broken
    except BadData as refused:
        raise TokenRefused(f"signature: {type(refused).__name__}") from refused
    except (ValueError, OverflowError, OSError) as broken:
        # the signature is good, but no calendar reaches that far: itsdangerous leaves these to its caller
        raise TokenRefused("issue time is out of range") from broken
    claims = _claims(payload)
    _check_agreement(claims, connection=connection, aud=aud, typ=typ)
    _check_times(claims, signed_at, now)
    return claims


def inspect(token: str) -> dict[str, Any]:
    """Return what a token says, and when it was signed, WITHOUT verifying anything; for people who look for a fault.

    Raises TokenRefused when it cannot be read.
    """
    _check_form(token)
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - payload, time, signature
        raise TokenRefused("malformed: a token has three parts")
    try:
        payload = _StrictJson.loads(base64_decode(parts[0]).decode("utf-8"))
        issued = base64_decode(parts[1])
    except (BadData, ValueError, RecursionError) as broken:
        raise TokenRefused("malformed: not base64url of JSON") from broken
    if not isinstance(payload, dict):
        raise TokenRefused("claims are not an object")
    if len(issued) > _TIME_BYTES:
        raise TokenRefused("malformed: issue time is out of range")
    return {**payload, "issued": bytes_to_int(issued)}


def weak_keys(keys: Sequence[str]) -> list[int]:
    """Return the positions of keys shorter than 32 bytes."""
    return [position for position, key in enumerate(keys) if len(key.encode()) < MIN_KEY_BYTES]


class _StrictJson:
    """JSON that reads in one way only: no name twice (libraries differ in which one counts), no NaN, no Infinity."""

    @staticmethod
    def dumps(value: object) -> str:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    @staticmethod
    def loads(text: str) -> Any:  # noqa: ANN401 - whatever the JSON holds
        return json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


class _PlainSerializer(URLSafeTimedSerializer):
    """Never compresses: a small signed token could otherwise expand to hundreds of megabytes."""

    default_serializer = _StrictJson()

    @override
    def dump_payload(self, obj: Any) -> bytes:
        return base64_encode(self.serializer.dumps(obj).encode())


def _serializer(keys: Sequence[str], moment: int | None = None) -> _PlainSerializer:
    serializer = _PlainSerializer(
        list(keys), salt=SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": sha256}
    )
    if moment is not None:
        serializer.signer = _signer_at(serializer.signer, moment)
    return serializer


def _signer_at(signer: Any, moment: int) -> Any:  # noqa: ANN401 - a class made by itsdangerous
    class SignerAt(signer):  # type: ignore[misc]  # the base is a value
        def get_timestamp(self) -> int:
            return moment

    return SignerAt


def _check_form(token: str) -> None:
    if len(token) > MAX_LENGTH:
        raise TokenRefused(f"longer than {MAX_LENGTH} characters")
    if not token or token.startswith("."):
        raise TokenRefused("empty or compressed")
    if not token.isascii():
        raise TokenRefused("not ASCII")


def _well_formed(text: str) -> None:
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValidationError("contains half a character or NUL")


class _WholeNumber(fields.Integer):
    """An integer of JSON: no boolean, no fraction, no text, nothing that a float could not hold."""

    @override
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _EXACT:
            raise ValidationError("not an integer, or out of range")
        return value


class _ClaimsSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    v = _WholeNumber(required=True, validate=validate.Equal(1))
    typ = fields.String(required=True, validate=validate.OneOf(TYPES))
    iss = fields.String(required=True, validate=validate.Length(min=1))
    aud = fields.String(required=True, validate=validate.Length(min=1))
    sub = fields.String(required=True, validate=[validate.Length(min=1), _well_formed])
    sid = fields.String(required=True, validate=[validate.Length(min=1), _well_formed])
    jti = fields.String(required=True, validate=[validate.Length(min=1), _well_formed])
    iat = _WholeNumber(required=True)
    exp = _WholeNumber(required=True)
    nonce = fields.String(validate=[validate.Length(min=1), _well_formed])
    amr = fields.List(fields.String(validate=_well_formed))
    auth_time = _WholeNumber()
    person = fields.String(validate=[validate.Length(min=1), _well_formed])
    name = fields.String(validate=_well_formed)
    email = fields.String(validate=_well_formed)
    lang = fields.String(validate=_well_formed)
    roles = fields.List(fields.String(validate=_well_formed))

    @post_load
    def _freeze(self, data: dict[str, Any], **_: object) -> Claims:
        lists = {name: tuple(value) for name, value in data.items() if isinstance(value, list)}
        return Claims(**data | lists)


_SCHEMA = _ClaimsSchema()


def _claims(payload: object) -> Claims:
    if not isinstance(payload, dict):
        raise TokenRefused("claims are not an object")
    try:
        claims: Claims = _SCHEMA.load(payload)
    except ValidationError as refused:
        raise TokenRefused(f"claims: {', '.join(sorted(refused.messages_dict))}") from refused
    return claims


def _check_agreement(claims: Claims, *, connection: str, aud: str, typ: str) -> None:
    if claims.iss != connection:
        raise TokenRefused("iss is not the connection named in the request")
    if claims.aud != aud:
        raise TokenRefused("aud is another portal or Mandant")
    if claims.typ != typ:
        raise TokenRefused("typ does not belong here")


def _check_times(claims: Claims, signed_at: datetime, now: float) -> None:
    if not 0 <= claims.exp - claims.iat <= MAX_LIFETIME:
        raise TokenRefused(f"lifetime is not within {MAX_LIFETIME} s")
    if claims.iat - now > LEEWAY or signed_at.timestamp() - now > LEEWAY:
        raise TokenRefused("issued in the future: compare the clocks")
    if now - claims.exp > LEEWAY or now - signed_at.timestamp() > MAX_LIFETIME + LEEWAY:
        raise TokenRefused("expired")
