"""What somebody may type where a code is asked for: told apart by its form alone, before anything is looked up."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from service.access.typed import ascii_digits, shown

# Crockford's: no letter that is taken for a digit, none that makes a word
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SLOTS = 10
_LENGTH, _GROUP = 8, 4
_APP_DIGITS = 6
_KEY_LENGTH = 16
_MISREAD = str.maketrans("OIL", "011")
_RECOVERY = re.compile(f"[0-9][{ALPHABET}]{{{_LENGTH}}}")
MAX_TYPED = 200


class Kind(StrEnum):
    """The form of what was typed: a code of the app or a recovery code, or what it was taken for."""

    APP = "app"
    RECOVERY = "recovery"
    EMPTY = "empty"
    DIGITS = "digits"
    KEY = "key"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Typed:
    """A code as it is compared: `text` in capitals without separators, `slot` the number of a recovery code."""

    kind: Kind
    text: str
    slot: int = -1


def read_code(typed: str) -> Typed:
    """Recognise a code by its form; whatever separates, lower case, O, I, L and other scripts' digits do no harm."""
    text = _joined(typed)
    if not text:
        return Typed(Kind.EMPTY if all(_separates(one) for one in typed) else Kind.OTHER, "")
    spelled = text.translate(_MISREAD)
    if spelled.isascii() and spelled.isdigit() and len(spelled) == _APP_DIGITS:
        return Typed(Kind.APP, spelled)
    if _RECOVERY.fullmatch(spelled):
        return Typed(Kind.RECOVERY, spelled[1:], int(spelled[0]))
    if text.isdigit():
        return Typed(Kind.DIGITS, "")
    return Typed(Kind.KEY if len(text) >= _KEY_LENGTH else Kind.OTHER, "")


def without_separators(typed: str) -> str:
    """Return what was typed in capitals, letters and digits alone, with 0 and 1 for O, I and L."""
    return _joined(typed).translate(_MISREAD)


def _joined(typed: str) -> str:
    """Return letters and digits, in capitals: whatever people put between them, or pasting has hidden, is no part."""
    plain = shown(typed.strip()[:MAX_TYPED])
    return ascii_digits("".join(one for one in plain if one.isalnum())).upper()


def _separates(character: str) -> bool:
    return unicodedata.category(character)[0] in "ZPC"


def new_recovery_codes(choice: Callable[[str], str]) -> tuple[str, ...]:
    """Return the secret parts of ten codes, 40 bits each; the number of each is its place."""
    return tuple("".join(choice(ALPHABET) for _ in range(_LENGTH)) for _ in range(SLOTS))


def spelled_out(slot: int, secret: str) -> str:
    """Return a recovery code as it is printed: 3-K7QM-2XPD."""
    return f"{slot}-{secret[:_GROUP]}-{secret[_GROUP:]}"
