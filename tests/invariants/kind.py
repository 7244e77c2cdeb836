"""What opens something, and which texts say the same as a good one in another spelling."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import falcon.testing

Answer = falcon.testing.Result


@dataclass(frozen=True)
class Kind:
    """`good` is what opens, the first of them here; `show` answers and tells whether it was opened.

    `same` tells of a text whether it says what a good one says, in another spelling. In a header, not every character
    can be sent.
    """

    good: Sequence[str]
    show: Callable[[str], tuple[Answer, bool]]
    same: Callable[[str], bool]
    in_header: bool = False


def raw_of(text: str) -> bytes | None:
    """Decode as leniently as the libraries do: they pass over what is no letter of base64, and up to two "="."""
    letters = re.sub(r"[^A-Za-z0-9+/]", "", text.replace("-", "+").replace("_", "/"))
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4))
    except binascii.Error:
        return None


def signed(good: Sequence[str]) -> Callable[[str], bool]:
    """Of a signed text, only its signature has several spellings."""

    def same(text: str) -> bool:
        head, _, signature = text.strip().rpartition(".")
        return any(
            head == one.rpartition(".")[0] and raw_of(signature) == raw_of(one.rpartition(".")[2]) for one in good
        )

    return same


def exactly(good: Sequence[str]) -> Callable[[str], bool]:
    return lambda text: text.strip() in good
