"""Reads what immotion answers, whatever that is: within bounds, and as values that every engine can store."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import urllib3

from service.store import clean
from service.sync.immotion.channel import Temporary

ANSWER_MAX = 16 * 2**20
_CODE_MAX = 100
_FELDER_MAX = 20
_LONGEST_WAIT_S = 86_400.0
_DIGITS_MAX = 1000
_DEPTH_MAX = 100
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]|[^"\[\]{}]+', re.DOTALL)
_OPENING, _CLOSING = {"[", "{"}, {"]", "}"}
_UNREADABLE = "success without an object: is this immotion?"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its whole body, or with a body that is still to be read from `opened`."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    opened: urllib3.BaseHTTPResponse | None = None


def read(opened: urllib3.BaseHTTPResponse) -> Answer:
    """Return an answer with its whole body; raises Temporary for one longer than any should be, and HTTPError."""
    body = opened.read(ANSWER_MAX + 1)
    if len(body) > ANSWER_MAX:
        opened.close()
        raise Temporary("an answer without end: is this immotion?", outcome_unknown=True)
    return Answer(opened.status, opened.headers, body)


def object_of(answer: Answer) -> Mapping[str, Any]:
    """Return the JSON object that an answer is; raises Temporary for anything else: it was a success of somebody."""
    found = _parsed(answer)
    if found is None:
        raise Temporary(_UNREADABLE, outcome_unknown=True)
    return found


def problem_of(answer: Answer) -> Mapping[str, Any]:
    """Return the problem document (RFC 9457); an empty one for any other answer."""
    return json_of(answer) if "json" in answer.headers.get("Content-Type", "") else {}


def json_of(answer: Answer) -> Mapping[str, Any]:
    """Return the JSON object that an answer is, whatever it calls itself; an empty one for any other."""
    return _parsed(answer) or {}


def _parsed(answer: Answer) -> Mapping[str, Any] | None:
    try:
        whole = answer.body.decode("utf-8-sig")
        found = _tree(whole)
        found = clean.tree(found) if "\\u" in whole else found
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _tree(whole: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return what a JSON text says, null in place of what lies too deep to be written down again."""
    read_it = partial(json.loads, object_pairs_hook=_unambiguous, parse_int=_whole, parse_constant=_no_number)
    try:
        found = read_it(whole)
    except RecursionError:
        return read_it(_cut(whole))
    return read_it(_cut(whole)) if _is_deep(found) else found


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(_DEPTH_MAX):
        level = [inner for one in level for inner in _inner(one)]
        if not level:
            return False
    return True


def _inner(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _cut(whole: str) -> str:
    """Return a JSON text with null in place of each array or object that lies too deep."""
    kept, depth = [], 0
    for found in _TOKEN.finditer(whole):
        token = found[0]
        depth += token in _OPENING
        if depth <= _DEPTH_MAX:
            kept.append(token)
        elif depth == _DEPTH_MAX + 1 and token in _OPENING:
            kept.append("null")
        depth -= token in _CLOSING
    return "".join(kept)


def _unambiguous(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object without the names that it gives two different values (RFC 8259, 4): neither can be relied on."""
    found = dict(pairs)
    if len(found) < len(pairs):
        for name in [name for name, value in pairs if value != found[name]]:
            found.pop(name, None)
    return found


def _whole(digits: str) -> int | None:
    """Return a whole number; None for one that Python would refuse to read, and everything beside it with it."""
    return int(digits) if len(digits) <= _DIGITS_MAX else None


def _no_number(_name: str) -> None:
    """Take NaN and the infinities, which are no JSON (RFC 8259, 6), for nothing."""


def code_of(problem: Mapping[str, Any], status: int) -> str:
    """Return the code of a problem document, or the status."""
    return word(problem.get("code")) or str(status)


def felder_of(problem: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the fields that a problem document complains of, the first of them."""
    felder = problem.get("felder")
    return [feld for feld in felder[:_FELDER_MAX] if isinstance(feld, dict)] if isinstance(felder, list) else []


def word(value: object) -> str | None:
    """Return an id, a number or a code as text, without blanks at its end; None for what is none of these, or empty."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return clean.text(value, _CODE_MAX).rstrip(" ") or None


def retry_after(answer: Answer) -> float | None:
    """Return Retry-After (RFC 9110, 10.2.3) in seconds, up to a day; None when there is none, or nonsense.

    A date is compared with the answer's own, so that it does not matter how far the two clocks are apart.
    """
    value = answer.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return min(float(value), _LONGEST_WAIT_S)
    until = _date(value)
    if until is None:
        return None
    seconds = (until - (_date(answer.headers.get("Date", "")) or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_WAIT_S)


def _date(value: str) -> datetime | None:
    """Return an HTTP date (RFC 9110, 5.6.7)."""
    try:
        found = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
