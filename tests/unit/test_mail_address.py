"""Which mail addresses are taken, and as what: nothing goes to another domain than the one that was typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.mailaddress import LONGEST, mail_address
from service.access.own.names import email_key


@pytest.mark.parametrize(
    "typed, taken",
    [
        (" Zoe+Miete@Example.ORG ", "Zoe+Miete@Example.ORG"),
        ("zoe@müller.example", "zoe@xn--mller-kva.example"),
        ("zoe@MÜLLER.example", "zoe@xn--mller-kva.example"),
        ("zoe@straße.example", "zoe@xn--strae-oqa.example"),
        ("zoe@strasse.example", "zoe@strasse.example"),
        (f"{'x' * 64}@a.example", f"{'x' * 64}@a.example"),
    ],
)
def test_an_address_goes_to_the_domain_that_was_typed(typed: str, taken: str) -> None:
    assert mail_address(typed) == taken


@pytest.mark.parametrize(
    "typed",
    ["", "zoe", "zoe@", "@a.example", "zoë@a.example", "a..b@a.example", ".a@a.example", "a.@a.example", "a@localhost",
     "a@-a.example", "a@a-.example", "a@a..example", "a@a.example.", "a@[192.0.2.1]", "a@a.example,b@a.example",
     "Zoë <a@a.example>", "a@a.example\r\nBcc: b@a.example", f"{'x' * 65}@a.example", f"a@{'x' * 64}.example",
     f"a@{'x.' * 130}example", "a@ü\u200d.example", f"a@{'ü' * 100_000}.example"],
)  # fmt: skip
def test_what_no_mail_server_takes_is_none(typed: str) -> None:
    assert mail_address(typed) == ""


@given(st.text(max_size=400))
def test_whatever_is_typed_is_an_ascii_address_or_none(typed: str) -> None:
    found = mail_address(f"{typed}@{typed}.example")
    assert found.isascii()
    assert len(found) <= LONGEST


def test_two_domains_that_look_alike_are_two_accounts() -> None:
    assert email_key("zoe@straße.example") != email_key("zoe@strasse.example")
    assert email_key("Zoe@MÜLLER.example") == email_key("zoe@xn--mller-kva.example")
