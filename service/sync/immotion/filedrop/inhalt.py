"""What a file of the ERP's says, whatever its form."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from service.store import clean
from service.store.records import Answer

Event = Mapping[str, Any]
_MIDNIGHT = re.compile(r"T24:00:00(?:\.0+)?(?=Z|[+-])")
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Inhalt:
    """Events for the inbox, answers to packages by their name, and what could not be understood of it."""

    events: tuple[Event, ...] = ()
    answers: tuple[tuple[str, Answer], ...] = ()
    complaints: tuple[str, ...] = ()


def event_id(mandant: str, record: Mapping[str, Any]) -> str:
    """Return the ereignisId of a record: the same record again, in whatever file, is the same event."""
    text = json.dumps([mandant, record], sort_keys=True, ensure_ascii=False)
    return "fd-" + sha256(text.encode("utf-8", "replace")).hexdigest()


def externe_id(text: str) -> str:
    """Return the portal's id of a Vorgang in its one spelling, "" for none; raises ValueError for anything else."""
    if text and not _ID.fullmatch(text):
        raise ValueError("externeId is no id of the portal")
    return str(UUID(text)) if text else ""


def moment(text: str) -> datetime:
    """Return an aware time that can be reckoned with in any zone; raises ValueError for anything else.

    What xs:dateTime allows and ISO 8601 in Python does not is understood: blanks around it, and 24:00:00.
    """
    written, day_more = _MIDNIGHT.subn("T00:00:00", text.strip())
    found = clean.moment(written)
    if found is None:
        raise ValueError("no time with its zone")
    return found + timedelta(days=day_more)


def written_moment(text: str) -> str:
    """Return a time as it was written, or, where only xs:dateTime allows that, as everybody reads it."""
    found = moment(text)
    return found.isoformat() if _MIDNIGHT.search(text) else text.strip()
