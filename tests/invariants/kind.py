"""What opens something, and which texts say the same as a good one in another spelling."""

import base64
import binascii
from collections.abc import Callable, Sequence
from contextlib import suppress
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


def same_bytes(good: str, text: str, altchars: bytes | None = None) -> bool:
    """Tell whether a signature has the bytes of a good one.

    Libraries pass over what is no letter of base64, and over all that stands behind its end.
    """
    wanted = base64.b64decode(good + "=" * (-len(good) % 4), altchars)
    for padding in ("", "=", "=="):
        with suppress(binascii.Error):
            if base64.b64decode(text.encode("ascii", "ignore") + padding.encode(), altchars) == wanted:
                return True
    return False


def signed(good: Sequence[str]) -> Callable[[str], bool]:
    """Of a signed text, only its signature has several spellings."""

    def same(text: str) -> bool:
        head, _, signature = text.strip().rpartition(".")
        return any(
            head == one.rpartition(".")[0] and same_bytes(one.rpartition(".")[2], signature, b"-_") for one in good
        )

    return same


def exactly(good: Sequence[str]) -> Callable[[str], bool]:
    return lambda text: text.strip() in good
