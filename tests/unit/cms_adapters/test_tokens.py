"""Session tokens against the shared vectors, and each rule of the specification at its edge."""

import json
import zlib
from typing import Any

import pytest
from itsdangerous import URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode

from cms_adapters import tokens
from tests.unit.cms_adapters.support import AUD, KEY, KEYS, NOW, VECTORS, claims, issued, reason_of, signed, verified


def as_dict(said: tokens.Claims) -> dict[str, object]:
    """What was claimed, in the shapes of JSON, without what was absent."""
    fields = {name: getattr(said, name) for name in said.__dataclass_fields__}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in fields.items()
        if value is not None and value != ()
    }


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda vector: vector["name"])
def test_a_valid_vector_is_accepted_with_exactly_its_claims(vector: dict[str, Any]) -> None:
    said = verified(vector["token"], now=vector["now"], connection=vector["connection"], typ=vector["claims"]["typ"])
    assert as_dict(said) == vector["claims"]


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda vector: vector["name"])
def test_a_valid_vector_is_issued_again_byte_for_byte(vector: dict[str, Any]) -> None:
    assert tokens.issue(vector["claims"], vector["secret"], issued=vector["issued"]) == vector["token"]


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda vector: vector["name"])
def test_an_invalid_vector_is_refused(vector: dict[str, Any]) -> None:
    keys = KEYS.get(vector["connection"], [])
    where = {"connection": vector["connection"], "keys": keys, "typ": vector["expects_typ"]}
    reason = reason_of(vector["token"], now=vector["now"], **where)
    assert reason
    assert not vector["token"] or vector["token"] not in reason


def test_the_vectors_agree_on_the_limits() -> None:
    limits = (VECTORS["salt"], VECTORS["leeway_s"], VECTORS["max_lifetime_s"])
    assert limits == (tokens.SALT, tokens.LEEWAY, tokens.MAX_LIFETIME)


@pytest.mark.parametrize("token", ["x" * 4097, ".eJx.arE7gA.x", "", "ä.b.c"], ids=["long", "compressed", "empty", "ä"])
def test_the_form_is_refused_before_anything_is_decoded(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(*_: object, **__: object) -> None:
        pytest.fail("decoded")

    monkeypatch.setattr(URLSafeTimedSerializer, "loads", decoded)
    monkeypatch.setattr(tokens, "base64_decode", decoded)
    assert reason_of(token)
    with pytest.raises(tokens.TokenRefused):
        tokens.inspect(token)


def test_what_is_not_signed_is_never_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(URLSafeTimedSerializer, "loads_unsafe", lambda *_, **__: pytest.fail("unsafe"))
    monkeypatch.setattr(URLSafeTimedSerializer, "load_payload", lambda *_, **__: pytest.fail("loaded"))
    assert reason_of(issued()[:-3] + "AAA").startswith("signature")


def test_a_token_of_4096_characters_is_read_and_one_more_is_refused() -> None:
    fitting = max(n for n in range(2700, 2900) if len(issued(name="x" * n)) <= tokens.MAX_LENGTH)
    assert verified(issued(name="x" * fitting)).name == "x" * fitting
    too_long = issued(name="x" * (fitting + 1))
    assert len(too_long) == tokens.MAX_LENGTH + 1
    assert reason_of(too_long) == "longer than 4096 characters"


def test_a_long_payload_is_never_compressed() -> None:
    assert not issued(name="a" * 2000).startswith(".")


def test_a_signed_payload_that_is_compressed_is_refused() -> None:
    packed = b"." + base64_encode(zlib.compress(json.dumps(claims()).encode()))
    signer = tokens._serializer([KEY]).make_signer(tokens.SALT)
    assert reason_of(signer.sign(packed).decode()) == "empty or compressed"


def text_of(changes: dict[str, object] | None = None, *, drop: str = "") -> str:
    return json.dumps({name: value for name, value in (claims() | (changes or {})).items() if name != drop})


@pytest.mark.parametrize(
    "payload",
    [
        text_of()[:-1] + ', "sub": "fe_users:1"}',
        text_of()[:-1] + ', "more": {"a": 1, "a": 2}}',
        text_of()[:-1] + ', "more": NaN}',
        text_of()[:-1] + ', "more": -Infinity}',
        text_of() + " {}",
        "\ufeff" + text_of(),
        text_of()[:-1] + ', "more": ' + "[" * 1200 + "]" * 1200 + "}",
        "null",
        '"text"',
        " ",
    ],
    ids=["twice", "twice inside", "NaN", "Infinity", "two objects", "BOM", "deep", "null", "text", "nothing"],
)
def test_json_that_can_be_read_in_two_ways_or_not_at_all_is_refused(payload: str) -> None:
    assert reason_of(signed(payload.encode())) in {"claims are not readable", "claims are not an object"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1"])
def test_json_in_another_encoding_is_refused(encoding: str) -> None:
    payload = json.dumps(claims(name="Zoë"), ensure_ascii=False).encode(encoding)
    assert reason_of(signed(payload)) == "claims are not readable"


@pytest.mark.parametrize("name", ["v", "typ", "iss", "aud", "sub", "sid", "jti", "iat", "exp"])
def test_a_required_claim_is_there_and_not_null(name: str) -> None:
    assert reason_of(signed(text_of(drop=name).encode())) == f"claims: {name}"
    assert reason_of(signed(text_of({name: None}).encode())) == f"claims: {name}"


@pytest.mark.parametrize("name", ["nonce", "amr", "auth_time", "person", "name", "email", "lang", "roles"])
def test_an_optional_claim_may_be_absent_but_not_null(name: str) -> None:
    verified(issued())
    assert reason_of(signed(text_of({name: None}).encode())) == f"claims: {name}"


@pytest.mark.parametrize("value", [True, 1.0, "1", 2, 0, -1, [1]])
def test_the_version_is_the_number_one(value: object) -> None:
    assert reason_of(signed(text_of({"v": value}).encode())) == "claims: v"


@pytest.mark.parametrize("name", ["iat", "exp", "auth_time"])
@pytest.mark.parametrize("value", [True, False, NOW + 0.5, float(NOW), str(NOW), -1, 2**53, 10**400, [NOW], {}])
def test_a_time_is_a_whole_number_that_every_language_can_hold(name: str, value: object) -> None:
    assert name in reason_of(signed(text_of({name: value}).encode()))


@pytest.mark.parametrize("name", ["typ", "iss", "aud", "sub", "sid", "jti", "nonce", "person", "name", "email", "lang"])
@pytest.mark.parametrize("value", [1, True, ["x"], {"x": 1}, "half \ud83c", "\udfe0 half", "a\x00b"])
def test_a_text_is_whole_text(name: str, value: object) -> None:
    assert reason_of(signed(text_of({name: value}).encode()))


@pytest.mark.parametrize("name", ["sub", "sid", "jti", "nonce", "person"])
def test_what_identifies_is_never_empty(name: str) -> None:
    assert reason_of(signed(text_of({name: ""}).encode())) == f"claims: {name}"


@pytest.mark.parametrize("name", ["amr", "roles"])
@pytest.mark.parametrize("value", ["mieter", {"mieter": 1}, [1], [None], ["mieter", "a\x00"], ["\ud800"], 1])
def test_a_list_holds_whole_texts(name: str, value: object) -> None:
    assert reason_of(signed(text_of({name: value}).encode())) == f"claims: {name}"


@pytest.mark.parametrize("extra", [None, 1.5, ["x"], {"deep": {"er": None}}, "text"])
def test_an_unknown_claim_is_ignored(extra: object) -> None:
    assert verified(issued(more=extra)) == verified(issued())


@pytest.mark.parametrize("typ", tokens.TYPES)
def test_a_token_is_accepted_only_where_its_type_belongs(typ: str) -> None:
    for place in tokens.TYPES:
        if place == typ:
            assert verified(issued(typ), typ=place).typ == typ
        else:
            assert reason_of(issued(typ), typ=place) == "typ does not belong here"


def test_a_token_belongs_to_one_connection_one_mandant_and_known_keys() -> None:
    assert reason_of(issued(), connection="intranet").startswith("iss")
    assert reason_of(issued(), aud=AUD + "/").startswith("aud")
    assert reason_of(issued(), keys=[]) == "no such connection"
    assert reason_of(issued(), keys=["another key of thirty-two bytes.."]).startswith("signature")


@pytest.mark.parametrize("old", range(2))
def test_either_key_signs_during_a_rotation_and_none_afterwards(old: int) -> None:
    token = tokens.issue(claims(), KEYS["website"][old])
    verified(token)
    assert reason_of(token, keys=[KEYS["website"][1 - old]]).startswith("signature")


@pytest.mark.parametrize(
    "now, outcome",
    [
        (NOW - 30, None),
        (NOW - 30.5, "issued in the future: compare the clocks"),
        (NOW, None),
        (NOW + 90, None),
        (NOW + 90.5, "expired"),
    ],
)
def test_clocks_may_differ_by_thirty_seconds_either_way(now: float, outcome: str | None) -> None:
    if outcome is None:
        verified(issued(), now=now)
    else:
        assert reason_of(issued(), now=now) == outcome


@pytest.mark.parametrize("lifetime, accepted", [(0, True), (1, True), (60, True), (61, False), (-1, False)])
def test_a_token_lives_for_a_minute_at_most(lifetime: int, accepted: bool) -> None:
    token = issued(exp=NOW + lifetime)
    if accepted:
        assert verified(token).exp == NOW + lifetime
    else:
        assert reason_of(token) == "lifetime is not within 60 s"


def test_the_time_of_the_signature_counts_as_well() -> None:
    payload = text_of().encode()
    verified(signed(payload, moment=(NOW + 30).to_bytes(4, "big")))
    assert "future" in reason_of(signed(payload, moment=(NOW + 31).to_bytes(4, "big")))
    verified(signed(payload, moment=(NOW - 90).to_bytes(4, "big")))
    assert reason_of(signed(payload, moment=(NOW - 91).to_bytes(4, "big"))) == "expired"


@pytest.mark.parametrize("exponent", [36, 40, 50, 56, 60, 62, 63, 64, 200])
def test_a_signature_of_the_far_future_is_refused(exponent: int) -> None:
    moment = (2**exponent).to_bytes(32, "big").lstrip(b"\0")
    assert reason_of(signed(text_of().encode(), moment=moment))


def test_new_claims_carry_a_fresh_jti_of_16_bytes() -> None:
    made = [
        tokens.new_claims(typ="login", iss="website", aud=AUD, sub="1", sid="s", now=NOW, nonce="n") for _ in range(2)
    ]
    ids = [str(one["jti"]) for one in made]
    assert len(set(ids)) == 2
    assert [len(base64_decode(one)) for one in ids] == [16, 16]
    assert list(made[0]) == ["v", "typ", "iss", "aud", "sub", "sid", "jti", "iat", "exp", "nonce"]
    assert (made[0]["iat"], made[0]["exp"]) == (NOW, NOW + 60)


def test_claims_that_json_cannot_hold_are_not_signed() -> None:
    for name in ("\ud800", float("nan")):
        with pytest.raises(ValueError):
            issued(name=name)


def test_a_token_is_issued_at_its_iat_unless_said_otherwise() -> None:
    assert tokens.issue(claims(), KEY) == issued()


def test_a_key_under_32_bytes_is_weak_and_signs_nothing() -> None:
    assert tokens.weak_keys(["x" * 31, "x" * 32, "ä" * 16, ""]) == [0, 3]
    with pytest.raises(ValueError, match="32 bytes"):
        tokens.issue(claims(), "x" * 31)


def test_inspect_says_what_stands_there_without_verifying() -> None:
    token = issued(name="Zoë")[:-5] + "AAAAA"
    assert tokens.inspect(token) == claims(name="Zoë") | {"issued": NOW}


@pytest.mark.parametrize(
    "token",
    [
        "a.b",
        "a.b.c.d",
        "a.b.c",
        "W10.arE7gA.x",
        signed(text_of().encode("utf-16")),
        signed(text_of()[:-1].encode() + b', "v": 1}'),
        signed(text_of().encode(), moment=b"\1" * 9),
        signed(b"[" * 2000),
    ],
    ids=["two parts", "four parts", "no base64", "a list", "UTF-16", "twice", "long time", "deep"],
)
def test_inspect_refuses_what_cannot_be_read(token: str) -> None:
    with pytest.raises(tokens.TokenRefused):
        tokens.inspect(token)


def test_a_reason_never_quotes_the_token() -> None:
    secret_text = "Geheimnis"
    for token in (
        issued(name=secret_text, iat=1),
        issued(sub=secret_text, typ="login"),
        secret_text,
        "." + secret_text,
    ):
        refused = reason_of(token)
        assert secret_text not in refused
        assert token not in refused
