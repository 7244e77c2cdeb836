"""The code of a letter: told apart from other codes, and from itself mistyped, by its form alone.

16 characters: 4 find the row, 11 are secret (55 bits), the last is a check character over all others.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from service.access.codes import ALPHABET, Kind, read_code, without_separators

LENGTH, SELECTOR, GROUP = 16, 4, 4
MAX_TYPED = 500
_FROM_URL = re.compile(r"[#&?]code=([^&#\s]+)", re.IGNORECASE)
_FIELD, _OVERFLOW = 0x25, 0x20  # GF(32), x^5 + x^2 + 1


class Shape(StrEnum):
    """What was typed instead of a code."""

    EMPTY = "empty"
    APP = "app"
    RECOVERY = "recovery"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TYPO = "typo"


@dataclass(frozen=True, slots=True)
class Code:
    """A code as it was issued, in capitals without separators."""

    selector: str
    secret: str

    @property
    def text(self) -> str:
        """Return all of it."""
        return f"{self.selector}{self.secret}{_check(self.selector + self.secret)}"

    @property
    def printed(self) -> str:
        """Return it as it stands in the letter: K7QM-2XPD-9FHA-W3ZC."""
        return "-".join(self.text[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def new_code(choice: Callable[[str], str]) -> Code:
    """Return a fresh code; `choice` picks one of the characters."""
    drawn = "".join(choice(ALPHABET) for _ in range(LENGTH - 1))
    return Code(drawn[:SELECTOR], drawn[SELECTOR:])


def parse(typed: str) -> Code | Shape:
    """Recognise a code by its form, also one pasted with its address; spaces, dashes, case, O, I and L do no harm.

    One wrong character, or two neighbours changed about, is always noticed.
    """
    pasted = _FROM_URL.search(typed[:MAX_TYPED])
    given = pasted.group(1) if pasted else typed[:MAX_TYPED]
    text = without_separators(given)
    if len(text) == LENGTH and set(text) <= set(ALPHABET):
        found = Code(text[:SELECTOR], text[SELECTOR:-1])
        return found if found.text == text else Shape.TYPO
    return _shape(given, len(text))


def _shape(given: str, length: int) -> Shape:
    kind = read_code(given).kind
    other = {Kind.EMPTY: Shape.EMPTY, Kind.APP: Shape.APP, Kind.RECOVERY: Shape.RECOVERY}
    if kind in other:
        return other[kind]
    if length == LENGTH:
        return Shape.TYPO
    return Shape.TOO_SHORT if length < LENGTH else Shape.TOO_LONG


def _check(text: str) -> str:
    """Return the check character: a polynomial over GF(32), one step for each character."""
    value = 0
    for character in text:
        value = _doubled(value) ^ ALPHABET.index(character)
    return ALPHABET[_doubled(value)]


def _doubled(value: int) -> int:
    shifted = value << 1
    return shifted ^ _FIELD if shifted & _OVERFLOW else shifted
