"""Origins as settings name them: exactly as browsers send them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cms_adapters.connector import check_origin, origin_of
from tests.unit.cms_adapters.support import many

TAKEN = (
    "https://www.example.de",
    "http://127.0.0.1:8080",
    "https://[::1]:8443",
    "http://localhost",
    "https://xn--mnchen-3ya.de",
    "https://my_site.intern",
)


@pytest.mark.parametrize("origin", TAKEN)
def test_an_origin_as_browsers_send_it_is_taken(origin: str) -> None:
    check_origin(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "*",
        "www.example.de",
        "//www.example.de",
        "ftp://www.example.de",
        "https://",
        "https://*.example.de",
        "https://www.example.de/",
        "https://www.example.de?",
        "https://www.example.de#",
        "https://www.example.de:",
        "https://www.example.de:0",
        "https://www.example.de:65536",
        "https://www.example.de:08443",
        "https://www.example.de:443",
        "http://www.example.de:80",
        "https://WWW.example.de",
        "HTTPS://www.example.de",
        "https://user@www.example.de",
        "https://@www.example.de",
        "https://münchen.de",
        "https://ſ.de",
        "https://a..b",
        "https://a b",
        "https://a;b",
        "https://a,b",
        "https://a'b",
        "https://a\\b",
        "https://a%2eb",
        "https://[::1",
        "https://[:::1]",
        " https://www.example.de",
        "https://www.example.de\n",
    ],
)
def test_anything_else_is_no_origin(origin: str) -> None:
    with pytest.raises(ValueError):
        check_origin(origin)


@many
@given(st.text() | st.text(alphabet="htps:/.aZ0*@?#[]%", max_size=30).map("https://{}".format))
@example("https://www.example.de")
def test_an_origin_that_is_taken_can_stand_in_a_header_and_says_itself(text: str) -> None:
    try:
        check_origin(text)
    except ValueError:
        return
    assert origin_of(text) == text
    assert text.isascii()
    assert not set(text) & set(" *;,'\"\\@?#%")


def test_a_wrong_origin_says_how_to_write_it() -> None:
    with pytest.raises(ValueError, match=r"as browsers send it: https://www\.example\.de$"):
        check_origin("https://WWW.example.de:443")
    with pytest.raises(ValueError, match=r"like https://www\.example\.de; no wildcard"):
        check_origin("https://*.example.de")
