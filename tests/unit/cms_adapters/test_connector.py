"""Connectors: who is let in by which way, and where links may lead."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cms_adapters import KINDS, connector_for, tokens
from cms_adapters.connector import Connector, Embedding, origin_of
from cms_adapters.own import OwnConnector
from tests.unit.cms_adapters.support import AUD, KEYS, NOW, claims, issued, many

SITE = "https://www.example.de"
ORIGINS = (SITE, "http://127.0.0.1:8080", "https://[::1]:8443")
BASE = f"{SITE}/mieterportal"
SIGNING = sorted(set(KINDS) - {"own"})


def connector(kind: str = "generic", *, trust_person: bool = True) -> Connector:
    return connector_for(kind)(id="website", origins=ORIGINS, keys=KEYS["website"], aud=AUD, trust_person=trust_person)


def browser(token: str, *, origin: str | None = None, nonce_cookie: str | None = None) -> Any:
    return connector().browser_login(token, origin=origin, nonce_cookie=nonce_cookie, now=NOW)


def refusal_of_base(base_url: str | None) -> str:
    with pytest.raises(tokens.TokenRefused) as refused:
        connector().fragment_login(issued(), base_url=base_url, now=NOW)
    return refused.value.reason


def test_the_kinds_are_those_of_the_settings() -> None:
    assert set(KINDS) == {"generic", "own", "typo3"}
    assert [connector_for(kind).kind for kind in sorted(KINDS)] == ["generic", "own", "typo3"]
    with pytest.raises(KeyError):
        connector_for("wordpress")


@pytest.mark.parametrize("kind", SIGNING)
def test_a_fragment_login_says_who_through_which_cms_and_where_links_lead(kind: str) -> None:
    token = issued(person="0004711", name="Zoë Müller", email="zoe@example.test", lang="de", roles=["eigentuemer"])
    login = connector(kind).fragment_login(token, base_url=BASE + "/", now=NOW)
    assert (login.connection, login.subject, login.session_id) == ("website", "fe_users:1001", "s")
    assert (login.jti, login.expires) == (claims()["jti"], NOW + 60)
    assert (login.embedding, login.base_url) == (Embedding.FRAGMENT, BASE)
    assert (login.person, login.name, login.email, login.lang) == ("0004711", "Zoë Müller", "zoe@example.test", "de")
    assert login.roles == ("eigentuemer",)


@pytest.mark.parametrize("kind", SIGNING)
def test_a_person_is_believed_only_where_the_settings_say_so(kind: str) -> None:
    distrusting = connector(kind, trust_person=False)
    fragment = distrusting.fragment_login(issued(person="0004711"), base_url=BASE, now=NOW)
    login = distrusting.browser_login(issued("login", person="0004711"), origin=SITE, nonce_cookie=None, now=NOW)
    assert (fragment.person, login.person) == (None, None)
    assert fragment.subject == login.subject == "fe_users:1001"


def test_the_own_login_takes_no_tokens_and_says_itself_who_has_signed_in() -> None:
    own = connector("own")
    assert isinstance(own, OwnConnector)
    for take in (own.logout, own.admin):
        with pytest.raises(tokens.TokenRefused):
            take(issued("logout"), now=NOW)
    with pytest.raises(tokens.TokenRefused):
        own.fragment_login(issued(), base_url=BASE, now=NOW)
    with pytest.raises(tokens.TokenRefused):
        own.browser_login(issued("login"), origin=SITE, nonce_cookie=None, now=NOW)
    first, second = (own.signed_in("7", session_id=session, now=NOW, name="Zoë") for session in "ab")
    assert (first.connection, first.subject, first.name, first.person) == ("website", "7", "Zoë", None)
    assert (first.embedding, first.base_url) == (Embedding.BROWSER, None)
    assert first.jti != second.jti


def test_roles_that_a_resident_cannot_have_are_left_out() -> None:
    token = issued(roles=["admin", "mieter", "Mieter", "", "eigentuemer"])
    assert connector().fragment_login(token, base_url=BASE, now=NOW).roles == ("mieter", "eigentuemer")


@pytest.mark.parametrize("typ", tokens.TYPES)
def test_each_way_in_takes_its_own_type_only(typ: str) -> None:
    ways: dict[str, Any] = {
        "fragment": lambda: connector().fragment_login(issued(typ), base_url=BASE, now=NOW),
        "login": lambda: browser(issued(typ), origin=SITE),
        "logout": lambda: connector().logout(issued(typ), now=NOW),
    }
    for way, enter in ways.items():
        if way == typ:
            assert enter()
        else:
            with pytest.raises(tokens.TokenRefused, match="typ does not belong here"):
                enter()


def test_a_logout_names_the_cms_session_that_ended() -> None:
    assert connector().logout(issued("logout", sid="session-7"), now=NOW).sid == "session-7"


@pytest.mark.parametrize(
    "base_url",
    [SITE, f"{SITE}/", "HTTPS://WWW.EXAMPLE.DE/portal", f"{SITE}:443/portal", "http://127.0.0.1:8080/a/b.c/~d/%C3%A4"],
)
def test_a_base_url_under_a_configured_origin_is_taken(base_url: str) -> None:
    assert connector().fragment_login(issued(), base_url=base_url, now=NOW).base_url == base_url.rstrip("/")


def test_a_base_url_on_an_ipv6_address_is_taken() -> None:
    login = connector().fragment_login(issued(), base_url="https://[::1]:8443/portal", now=NOW)
    assert login.base_url == "https://[::1]:8443/portal"


@pytest.mark.parametrize(
    "base_url",
    [
        "https://evil.example/",
        "https://www.example.de.evil.example/",
        "https://evil-www.example.de/",
        "https://example.de/",
        "https://www.example.de./",
        "https://www.example.de:444/",
        "https://www.example.de:80/",
        "http://www.example.de/",
        "http://127.0.0.1/",
        "http://127.0.0.1:808/",
        "http://localhost:8080/",
        "https://www.example.de@evil.example/",
        "https://evil.example/https://www.example.de/",
        "https://user@www.example.de/",
        "https://user:word@www.example.de/",
        "https://@www.example.de/",
    ],
)
def test_a_base_url_elsewhere_is_refused(base_url: str) -> None:
    assert refusal_of_base(base_url) == "Portal-Base-Url does not lie under the connection's origins"


@pytest.mark.parametrize(
    "base_url",
    [
        None,
        "",
        "/mieterportal",
        "//www.example.de/",
        "www.example.de",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://www.example.de/",
        "https:www.example.de",
        "https:///www.example.de",
        "https://[::1",
        "https://www.example.de:99999/",
        "https://www.example.de:x/",
        f"{SITE}/?",
        f"{SITE}/?x=1",
        f"{SITE}/#",
        f"{SITE}/#x",
        f"{SITE}/..",
        f"{SITE}/a/../b",
        f"{SITE}/%2e%2E/x",
        f"{SITE}/.%2e/x",
        f"{SITE}\\@evil.example/",
        f"{SITE}/a\\b",
        f"{SITE}/a b",
        f" {SITE}/",
        f"{SITE}/\t",
        f"{SITE}/\r\nX: y",
        f"{SITE}/\x00",
        f"{SITE}/\x7f",
        f"{SITE}/ä",
        f'{SITE}/"><script>',
        f"{SITE}/'",
        "https://www。example.de/",
        "https://www.example.de\ud800/",
    ],
)
def test_a_base_url_that_is_no_plain_address_is_refused(base_url: str | None) -> None:
    assert refusal_of_base(base_url).startswith("Portal-Base-Url")


@many
@given(
    st.builds(
        "{}{}{}".format, st.sampled_from([*ORIGINS, "", "https://", "HTTPS://www.example.de"]), st.text(), st.text()
    )
)
@example("https://www.example.de@evil.example")
def test_no_base_url_ever_leads_outside_the_origins(base_url: str) -> None:
    try:
        taken = connector().fragment_login(issued(), base_url=base_url, now=NOW).base_url
    except tokens.TokenRefused:
        return
    link = urlsplit(connector().link(taken, "vorgaenge?zustand=offen"))
    assert origin_of(link.geturl()) in ORIGINS
    assert link.query == "zustand=offen"
    assert link.path.endswith("/vorgaenge")


def test_the_token_is_checked_before_the_base_url() -> None:
    with pytest.raises(tokens.TokenRefused, match="typ"):
        connector().fragment_login(issued("login"), base_url=None, now=NOW)


def test_a_nonce_must_be_this_browsers() -> None:
    token = issued("login", nonce="n0nce")
    login = browser(token, nonce_cookie="n0nce")
    assert (login.embedding, login.base_url) == (Embedding.BROWSER, None)
    for cookie in (None, "", "other", "n0nce ", "N0NCE", "n0ncé", "\udce9"):
        with pytest.raises(tokens.TokenRefused, match="nonce"):
            browser(token, nonce_cookie=cookie)


def test_a_good_origin_does_not_replace_the_nonce_that_a_token_carries() -> None:
    with pytest.raises(tokens.TokenRefused, match="nonce"):
        browser(issued("login", nonce="n0nce"), origin=SITE, nonce_cookie=None)


@pytest.mark.parametrize("origin", ORIGINS)
def test_without_a_nonce_the_origin_is_the_connections_own(origin: str) -> None:
    assert browser(issued("login"), origin=origin).subject == "fe_users:1001"


@pytest.mark.parametrize(
    "origin",
    [None, "", "null", "https://evil.example", "http://www.example.de", f"{SITE}:443", f"{SITE}/", f"{SITE}, {SITE}"],
)
def test_without_a_nonce_any_other_origin_is_refused(origin: str | None) -> None:
    with pytest.raises(tokens.TokenRefused, match="Origin"):
        browser(issued("login"), origin=origin, nonce_cookie="n0nce")


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    "base_url, path, link",
    [
        (BASE, "", BASE),
        (BASE, "vorgaenge", f"{BASE}/vorgaenge"),
        (BASE, "vorgaenge?zustand=offen", f"{BASE}/vorgaenge?zustand=offen"),
        (BASE, "?lang=en", f"{BASE}?lang=en"),
        (BASE + "/", "vorgaenge", f"{BASE}/vorgaenge"),
        (None, "", "/"),
        (None, "vorgaenge", "/vorgaenge"),
    ],
)
def test_links_lead_below_the_cms_page(kind: str, base_url: str | None, path: str, link: str) -> None:
    assert connector(kind).link(base_url, path) == link


def test_only_the_connections_origins_may_frame_the_portal() -> None:
    assert connector().frame_ancestors == ORIGINS
