"""What another system sends, made fit for every engine: a value that one of them refuses must not stop a feed."""

import json
import unicodedata
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

OVERRIDES = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}  # they turn the direction of what follows
_NOT_SEEN = {"Cc", "Cs", "Zl", "Zp"}
# Years that can be reckoned with: the last one is what systems write for "never", and no zone east of it has it.
YEARS = range(1970, 9999)


def text(value: object, limit: int) -> str:
    """Return a value as text without NUL and half characters, cut to `limit`."""
    return str(value).replace("\x00", "").encode("utf-8", "replace").decode("utf-8")[:limit]


def line(value: object, limit: int) -> str:
    """Return a value as one line that a terminal shows as it is: without what would steer it."""
    return "".join(sign if sign.isprintable() else " " for sign in text(value, limit))


def shown(value: object, limit: int) -> str:
    """Return a value as one line for people: composed, so that a search finds it, without what turns or hides it."""
    composed = unicodedata.normalize("NFC", str(value))
    kept = (" " if is_unseen(sign) else sign for sign in composed if ord(sign) not in OVERRIDES)
    return "".join(kept).strip()[:limit]


def is_unseen(sign: str) -> bool:
    """Tell whether a character steers what shows it: control characters, ends of lines, half characters."""
    return unicodedata.category(sign) in _NOT_SEEN


def key(value: object, limit: int = 100) -> str:
    """Return an identifier as it is, or the digest of one that cannot be stored: cut, two of them might become one.

    Blanks at its end are none of it: systems with columns of fixed width add them, and MariaDB compares without them.
    """
    given = str(value).rstrip(" ")
    kept = text(given, limit)
    return kept if kept == given else "sha256:" + sha256(given.encode("utf-8", "surrogatepass")).hexdigest()


def uuid_of(given: str) -> UUID | None:
    """Return the id that a text is; None for any other."""
    try:
        return UUID(given)
    except ValueError:
        return None


def moment(value: object) -> datetime | None:
    """Return an aware time that can be reckoned with in any zone; None for anything else."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo is not None and found.year in YEARS else None


def tree(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value whose texts can be stored."""
    whole = json.dumps(value, ensure_ascii=False)
    fit = whole.encode("utf-8", "replace").decode("utf-8")
    return value if fit == whole else json.loads(fit)
