"""Small things that every module of the stand-in needs: JSON in one spelling, times, keys."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

JsonObject = dict[str, Any]


class NotJson(ValueError):
    """The text is no JSON that can be kept: malformed, too deep, NaN, or a lone surrogate."""


def parse_json(text: bytes) -> Any:  # noqa: ANN401 - JSON may be anything; its schema is checked next
    """Return what the JSON text says; raises NotJson."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise NotJson(type(error).__name__) from error
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def canonical(value: Mapping[str, Any] | list[Any]) -> str:
    """Return the one spelling by which two bodies are compared."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def as_object(value: object) -> JsonObject:
    """Return a JSON value if it is an object, else an empty one; events by hand may say anything."""
    return value if isinstance(value, dict) else {}


def stamp(moment: datetime) -> str:
    """Return an aware time as RFC 3339 in UTC with milliseconds and "Z"."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Return the aware time that RFC 3339 text names; raises ValueError, also for a time without zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone")
    return moment


def is_uuid(text: str) -> bool:
    """Tell whether the text is a UUID in its usual spelling, in either case."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
