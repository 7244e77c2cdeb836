"""Whatever is done to a token: it is refused, or it says exactly the same. Nothing else ever comes out."""

import contextlib
from itertools import permutations
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from cms_adapters import tokens
from tests.unit.cms_adapters.support import AUD, KEY, NOW, VECTORS, claims, issued, many, signed, verified

VALID = [vector for vector in VECTORS["valid"] if vector["claims"]["typ"] == "fragment"]
LETTERS = st.one_of(
    st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \x00\n"), st.characters()
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60)
NAMED = TEXT.filter(bool)
TIMES = st.integers(0, 2**53 - 1)


def refused_or_the_same(changed: str, vector: dict[str, Any]) -> None:
    with contextlib.suppress(tokens.TokenRefused):
        assert verified(changed, now=vector["now"]) == verified(vector["token"], now=vector["now"])
    with contextlib.suppress(tokens.TokenRefused):
        assert isinstance(tokens.inspect(changed), dict)


@many
@given(st.sampled_from(VALID), st.integers(min_value=0), LETTERS, st.integers(0, 3), st.integers(0, 3))
def test_letters_flipped_inserted_or_deleted(
    vector: dict[str, Any], place: int, letter: str, removed: int, repeated: int
) -> None:
    token = vector["token"]
    place %= len(token) + 1
    refused_or_the_same(token[:place] + letter * repeated + token[place + removed :], vector)


@many
@given(st.sampled_from(VALID), st.sampled_from(VALID), st.sampled_from(list(permutations(range(3)))), st.integers(0, 7))
def test_parts_swapped_within_a_token_or_between_two(
    vector: dict[str, Any], other: dict[str, Any], order: tuple[int, ...], foreign: int
) -> None:
    both = [vector["token"].split("."), other["token"].split(".")]
    changed = ".".join(both[foreign >> place & 1][part] for place, part in enumerate(order))
    assume(changed != other["token"])
    refused_or_the_same(changed, vector)


@many
@given(st.sampled_from(VALID), st.integers(min_value=0), st.integers(0, 7))
def test_a_single_bit_flipped(vector: dict[str, Any], place: int, bit: int) -> None:
    token = vector["token"]
    place %= len(token)
    refused_or_the_same(token[:place] + chr(ord(token[place]) ^ 1 << bit) + token[place + 1 :], vector)


@many
@given(TEXT, TEXT, st.sampled_from(["", *tokens.TYPES, "Fragment", "fragment "]))
@example("website", AUD, "fragment")
def test_a_token_shown_at_another_place(connection: str, aud: str, typ: str) -> None:
    here = {"connection": "website", "aud": AUD, "typ": "fragment"}
    shown: dict[str, Any] = {"connection": connection, "aud": aud, "typ": typ}
    for name, value in shown.items():
        if value == here[name]:
            verified(issued())
            continue
        with contextlib.suppress(tokens.TokenRefused):
            raise AssertionError(verified(issued(), **{name: value}))


def test_another_spelling_of_the_same_bytes_says_the_same() -> None:
    token = issued()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelled = token[:-1] + letters[letters.index(token[-1]) ^ 1]
    assert respelled != token
    assert verified(respelled) == verified(token)


@many
@given(st.text(max_size=300) | st.text(alphabet="AZaz09-_.=", max_size=300))
def test_any_text_is_refused(text: str) -> None:
    with contextlib.suppress(tokens.TokenRefused):
        raise AssertionError(verified(text))
    with contextlib.suppress(tokens.TokenRefused):
        assert isinstance(tokens.inspect(text), dict)


@many
@given(st.binary(max_size=200), st.binary(max_size=40))
def test_any_bytes_under_a_good_signature_are_refused(payload: bytes, moment: bytes) -> None:
    with contextlib.suppress(tokens.TokenRefused):
        raise AssertionError(verified(signed(payload, moment=moment)))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@many
@given(st.dictionaries(st.sampled_from([*claims(), "nonce", "amr", "auth_time", "roles", "person", "x"]), ANYTHING))
def test_any_claims_under_a_good_signature_are_refused_or_of_the_right_shape(changes: dict[str, object]) -> None:
    token = tokens.issue(claims() | changes, KEY, issued=NOW)
    try:
        said = verified(token)
    except tokens.TokenRefused:
        return
    assert all(
        getattr(said, name) == (tuple(v) if isinstance(v, list) else v) for name, v in changes.items() if name != "x"
    )
    assert (said.v, said.typ, said.iss, said.aud) == (1, "fragment", "website", AUD)
    assert said.sub


@many
@given(
    st.fixed_dictionaries(
        {"sub": NAMED, "sid": NAMED, "jti": NAMED},
        optional={
            "nonce": NAMED,
            "amr": st.lists(TEXT, max_size=3),
            "auth_time": TIMES,
            "person": NAMED,
            "name": TEXT,
            "email": TEXT,
            "lang": TEXT,
            "roles": st.lists(TEXT, max_size=3),
        },
    ),
    st.sampled_from(tokens.TYPES),
    st.integers(0, 60),
    st.integers(-30, 30),
)
def test_what_is_issued_is_read_again(about: dict[str, object], typ: str, lifetime: int, ahead: int) -> None:
    given_claims = claims(typ, **about, iat=NOW + ahead, exp=NOW + ahead + lifetime)
    token = tokens.issue(given_claims, KEY)
    assume(len(token) <= tokens.MAX_LENGTH)
    said = verified(token, typ=typ)
    for name, value in given_claims.items():
        assert getattr(said, name) == (tuple(value) if isinstance(value, list) else value)
    assert tokens.inspect(token) == given_claims | {"issued": NOW + ahead}
