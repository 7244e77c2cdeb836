"""Fields of passwords and codes, as browsers and password managers see them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.inprocess import Portal
from tests.support.own import Browser, own_portal


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    made = own_portal(tmp_path, rates='code_address = "100/minute"')
    yield made
    made.close()


@pytest.mark.parametrize(
    "page,known_as", [("konto/anmelden", "current-password"), ("konto/registrieren", "new-password")]
)
def test_passwords_are_typed_under_cover_and_password_managers_are_told_which_is_which(
    portal: Portal, page: str, known_as: str
) -> None:
    html = Browser(portal).get(page).text
    (field,) = re.findall(r"<input [^>]*\btype=\"password\"[^>]*>", html, re.DOTALL)
    assert f'autocomplete="{known_as}"' in field
    assert 'value=""' in field
    assert not [word for word in ("maxlength", "onpaste", "readonly", "pattern") if word in field]
