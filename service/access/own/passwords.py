"""What a new password must be: twelve characters or more, and none of those that everybody tries first.

There are no rules of composition, and a password is taken as it was typed, however a keyboard composes it. Common
passwords are told by what they are made of: a word of the shipped list (or one that belongs to this very account) with
the usual digits and signs around it, doubled, in another case or with digits for letters; a row of the keyboard; a few
characters over and over.
"""

import gzip
import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path

from service.access.hashing import composed

SHORTEST, LONGEST = 12, 256
_LIST = Path(__file__).with_name("common.txt.gz")
_LEET = str.maketrans("01345789@$!|€+", "oieastbgasiiet")
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_BETWEEN = re.compile(r"[\W_]+")
_NO_LETTERS = re.compile(r"[\W\d_]+")
_DOUBLED = re.compile(r"(.+?)\1+")
_ROWS = (
    "1234567890", "0123456789", "qwertzuiop", "qwertyuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm",
    "abcdefghijklmnopqrstuvwxyz", "1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6zhn", "6yhn", "7ujm", "1qay",
)  # fmt: skip
_RUN, _FEW, _SHORT = 3, 4, 4


class Weakness(StrEnum):
    """Why a password is not taken."""

    SHORT = "short"
    LONG = "long"
    COMMON = "common"


def weakness(password: str, around: Iterable[str] = ()) -> Weakness | None:
    """Tell why a password is not taken; None for a good one.

    `around` are words of the account and its house, such as its address and the name of the company.
    """
    counted = composed(password)
    if len(counted) < SHORTEST:
        return Weakness.SHORT
    if len(counted) > LONGEST:
        return Weakness.LONG
    folded = counted.casefold()
    known = _common()
    if folded in known or len(set(folded)) <= _FEW or _is_row(folded):
        return Weakness.COMMON
    near = {stem(word) for one in around for word in (one, *_BETWEEN.split(one))}
    near = {word for word in near if len(word) >= _SHORT}
    return Weakness.COMMON if any(_is_made_of(core, known, near) for core in _cores(folded)) else None


def stem(text: str) -> str:
    """Return what is left of a word without the digits and signs around it, in lower case, letters for digits."""
    return _AROUND.sub("", text.casefold()).translate(_LEET)


def _cores(folded: str) -> set[str]:
    """Return what a password may be made of: its stem, also without what is between or above, once if it is twice."""
    bare = _BETWEEN.sub("", folded)
    found = {stem(folded), stem(bare), _AROUND.sub("", bare), _AROUND.sub("", bare.translate(_LEET))}
    letters = {_NO_LETTERS.sub("", text) for text in (folded, unicodedata.normalize("NFKD", folded))}
    found |= {core for core in letters if len(set(core)) > _FEW}  # a few among much else are no word
    found |= {stem(part[1]) for core in {folded, bare, *found} if (part := _DOUBLED.fullmatch(core))}
    return found


def _is_made_of(core: str, known: frozenset[str], near: set[str]) -> bool:
    """Tell whether a core is a known word, a few letters over and over, or not much beside words that are near."""
    over = _DOUBLED.fullmatch(core)
    if core in known or core in near or (over and len(over[1]) <= _SHORT):
        return True
    rest = core
    for word in sorted(near, key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != core and (len(rest) < _SHORT or stem(rest) in known)


def _is_row(folded: str) -> bool:
    """Tell whether it is runs along the keyboard or the alphabet, forward or back, and hardly anything else."""
    steps = {pair for row in _ROWS for way in (row, row[::-1]) for pair in pairwise(way)}
    loose, run = 0, 1
    for pair in [*pairwise(folded), ("", "")]:
        if pair in steps or pair[0] == pair[1] != "":
            run += 1
            continue
        loose += 0 if run >= _RUN else run
        run = 1
    return loose <= _FEW


@cache
def _common() -> frozenset[str]:
    """Return the shipped list, read once."""
    lines = gzip.decompress(_LIST.read_bytes()).decode().splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
