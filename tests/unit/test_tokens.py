"""Signed sessions against the shared vectors, and against everything that hypothesis makes of them."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cms_adapters import connector_for, tokens
from cms_adapters.connector import check_origin

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "session_tokens.json").read_text(encoding="utf-8"))
KEYS = {name: list(keys.values()) for name, keys in VECTORS["keys"].items()}
KEY = "0123456789abcdef0123456789abcdef"
NOW = 1_790_000_000


def opened(token: str, now: float = NOW) -> tokens.Claims:
    return tokens.verify(token, connection="website", keys=KEYS["website"], aud=VECTORS["aud"], typ="fragment", now=now)


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda v: v["name"])
def test_a_valid_vector_is_accepted_and_made_again_byte_for_byte(vector: dict[str, object]) -> None:
    claims = opened(vector["token"], vector["now"])
    assert claims.sub == vector["claims"]["sub"]
    assert tokens.issue(vector["claims"], vector["secret"], issued=vector["issued"]) == vector["token"]


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda v: v["name"])
def test_an_invalid_vector_is_refused(vector: dict[str, object]) -> None:
    with pytest.raises(tokens.TokenRefused):
        tokens.verify(
            vector["token"],
            connection=vector["connection"],
            keys=KEYS.get(vector["connection"], []),
            aud=VECTORS["aud"],
            typ=vector["expects_typ"],
            now=vector["now"],
        )


@given(position=st.integers(0, 500), letter=st.characters(max_codepoint=0x2FF), cut=st.integers(0, 3))
@settings(max_examples=400, deadline=None)
def test_a_changed_token_is_refused_or_says_the_same(position: int, letter: str, cut: int) -> None:
    token = VECTORS["valid"][1]["token"]
    position %= len(token)
    changed = token[:position] + letter + token[position + cut :]
    try:
        claims = opened(changed)
    except tokens.TokenRefused:
        return
    assert claims == opened(token)


@given(text=st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(tokens.TokenRefused):
        opened(text)
    with contextlib.suppress(tokens.TokenRefused):
        assert isinstance(tokens.inspect(text), dict)


@given(
    name=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=50),
    roles=st.lists(st.sampled_from(["mieter", "eigentuemer", "admin"]), max_size=3),
    ahead=st.integers(-29, 29),
)
@settings(deadline=None)
def test_what_is_issued_is_opened_again(name: str, roles: list[str], ahead: int) -> None:
    claims = tokens.new_claims(
        typ="fragment", iss="website", aud=VECTORS["aud"], sub="1", sid="s", now=NOW, name=name, roles=roles
    )
    opened_claims = opened(tokens.issue(claims, KEY), NOW + ahead)
    assert (opened_claims.name, list(opened_claims.roles)) == (name, roles)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"sub": "\ud800"},
        {"sub": "a\x00"},
        {"roles": "mieter"},
        {"iat": True},
        {"exp": NOW + 61},
        {"exp": NOW - 1},
        {"nonce": ""},
        {"typ": "other"},
    ],
)
def test_claims_of_another_shape_are_refused(changes: dict[str, object]) -> None:
    claims = tokens.new_claims(typ="fragment", iss="website", aud=VECTORS["aud"], sub="1", sid="s", now=NOW) | changes
    with pytest.raises(tokens.TokenRefused):
        opened(signed_escaped(claims))


def signed_escaped(claims: dict[str, object]) -> str:
    """Sign JSON in which half a character is written as an escape, as any JSON library may do."""
    serializer = tokens._serializer([KEY], NOW)
    payload = tokens.base64_encode(json.dumps(claims).encode())
    return serializer.make_signer(tokens.SALT).sign(payload).decode()


def test_a_short_key_signs_nothing() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        tokens.issue({"iat": 1}, "short")


def test_inspect_reads_without_verifying() -> None:
    assert tokens.inspect(VECTORS["valid"][0]["token"])["sub"] == "fe_users:1001"
    for broken in ("a.b", "a.b.c", "W10.arE7gA.x", ".x.y.z"):
        with pytest.raises(tokens.TokenRefused):
            tokens.inspect(broken)


def connector(kind: str = "generic", *, trust_person: bool = True):
    return connector_for(kind)(
        id="website",
        origins=["https://www.example.de", "http://127.0.0.1:8080"],
        keys=[KEY],
        aud=VECTORS["aud"],
        trust_person=trust_person,
    )


def made(typ: str, **optional: object) -> str:
    return tokens.issue(
        tokens.new_claims(typ=typ, iss="website", aud=VECTORS["aud"], sub="1", sid="s", now=NOW, **optional), KEY
    )


@pytest.mark.parametrize("kind", ["generic", "typo3"])
def test_a_person_is_believed_only_where_the_connection_is_trusted(kind: str) -> None:
    token = made("fragment", person="0004711", roles=["mieter", "chef"])
    base = "https://www.example.de/portal/"
    trusted = connector(kind).fragment_login(token, base_url=base, now=NOW)
    assert (trusted.person, trusted.roles, trusted.base_url) == ("0004711", ("mieter",), base.rstrip("/"))
    assert connector(kind, trust_person=False).fragment_login(token, base_url=base, now=NOW).person is None


@pytest.mark.parametrize(
    "base",
    [
        None,
        "",
        "https://evil.example/",
        "https://www.example.de.evil.example/",
        "https://www.example.de@evil.example/",
        "https://user@www.example.de/",
        "https://www.example.de:444/",
        "http://www.example.de/",
        "https://www.example.de/?x=1",
        "https://www.example.de/#x",
        "https://www.example.de/../x",
        "https://www.example.de/a b",
        "https://www.example.de/ä",
        "https://www.example.de\\@evil.example",
        "javascript:alert(1)",
        "//www.example.de/",
        "https://[::1",
    ],
)
def test_a_base_url_elsewhere_is_refused(base: str | None) -> None:
    with pytest.raises(tokens.TokenRefused):
        connector().fragment_login(made("fragment"), base_url=base, now=NOW)


def test_links_lead_below_the_cms_page() -> None:
    assert (
        connector().link("https://www.example.de/portal", "vorgaenge?zustand=offen")
        == "https://www.example.de/portal/vorgaenge?zustand=offen"
    )
    assert connector().link("https://www.example.de/portal", "") == "https://www.example.de/portal"
    assert connector().link("https://www.example.de/portal", "?lang=en") == "https://www.example.de/portal?lang=en"
    assert connector().frame_ancestors == ("https://www.example.de", "http://127.0.0.1:8080")


@pytest.mark.parametrize(
    "origin",
    [
        "https://www.example.de/",
        "https://www.example.de:443",
        "ftp://x",
        "www.example.de",
        "https://a b",
        "https://x;y",
        "https://u@x",
        "",
    ],
)
def test_an_origin_is_written_as_browsers_send_it(origin: str) -> None:
    with pytest.raises(ValueError, match=r"origin|browsers|address"):
        check_origin(origin)
