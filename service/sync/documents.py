"""Fetches the bytes of files that immotion has announced; checked before anybody sees them.

What cannot be had is tried again later and later, and put aside in the end; it never stops the others.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from service.files.documents import is_encrypted, media_type_of
from service.files.papers import SIZE_MAX
from service.files.storage import Incoming, Kept, Storage
from service.retry import next_attempt
from service.store import dateien, documents
from service.store.database import connected, transaction
from service.store.dokument_records import Angekuendigt
from service.store.records import Announced, Datei
from service.sync.alarms import raise_alarm
from service.sync.immotion.channel import Channel, CredentialsRefused, Part, Permanent, Temporary

log = structlog.get_logger()

# A wrong digest or a 404 may be the moment between two of immotion's own steps, but not for long.
TRIES = 5
BATCH = 50
_CLAIM = timedelta(minutes=2)  # what a killed worker had is fetched again after that
_PARTS = 5
# One after the other that fails is no longer about single documents, and each may have taken the time limit.
FAILING = 3


@dataclass(frozen=True, slots=True)
class Fetcher:
    """What fetching needs; `random` gives numbers in [0, 1)."""

    storage: Storage
    clock: Callable[[], datetime]
    random: Callable[[], float]


def fetch_announced(mandant: str, channel: Channel, fetcher: Fetcher) -> int:
    """Fetch what is announced, due and not here; returns how many files came.

    Raises CredentialsRefused, OSError and StoreUnavailable: those are nothing that a document has done.
    """
    with connected():
        wanted = documents.due(mandant, fetcher.clock(), limit=BATCH)
    fetched = failing = 0
    for announced in wanted:
        claimed = _claim(announced, fetcher)
        if claimed is None:
            continue
        try:
            _fetch(claimed, channel, fetcher)
            fetched, failing = fetched + 1, 0
        except (Temporary, Permanent) as fault:
            _note(announced, fault, fetcher)
            failing = failing + 1 if isinstance(fault, Temporary) else 0
        except (CredentialsRefused, OSError):
            with connected():
                documents.claim(claimed, until=fetcher.clock())
            raise
        if failing == FAILING:
            break
    return fetched


def _claim(seen: Announced, fetcher: Fetcher) -> Announced | None:
    """Take a document, or keep it for longer; None when another worker has it."""
    until = fetcher.clock() + _CLAIM
    if until == seen.fetch_at:  # a row that is left as it was counts as not found on MariaDB
        until += timedelta(microseconds=1)
    with connected():
        return replace(seen, fetch_at=until) if documents.claim(seen, until=until) else None


def _note(announced: Announced, fault: Temporary | Permanent, fetcher: Fetcher) -> None:
    now, attempts = fetcher.clock(), announced.attempts + 1
    next_at, code = next_try(announced, fault, now, fetcher), code_of(fault)
    with connected():
        written = documents.note_failure(announced, code, next_at=next_at, now=now)
    facts = {"mandant": announced.anhang.mandant, "anhang": str(announced.anhang.id)}
    log.warning("document_not_fetched", **facts, error=str(fault), attempts=attempts)
    if written and next_at is None:
        raise_alarm("document_parked", mandant=facts["mandant"], detail=code, now=now, anhang=facts["anhang"])


def next_try(
    seen: Announced | Angekuendigt, fault: Temporary | Permanent, now: datetime, fetcher: Fetcher
) -> datetime | None:
    """Return when to try again after this failure; None when it is to be put aside."""
    attempts = seen.attempts + 1
    if isinstance(fault, Permanent) and attempts >= TRIES:
        return None
    retry_after = fault.retry_after if isinstance(fault, Temporary) else None
    return next_attempt(attempts, now, created_at=seen.since, retry_after=retry_after, random=fetcher.random)


def code_of(fault: Temporary | Permanent) -> str:
    """Return why a document could not be had, as one word."""
    return (fault.code if isinstance(fault, Permanent) else str(fault)).replace(" ", "_")


def _fetch(claimed: Announced, channel: Channel, fetcher: Fetcher) -> None:
    anhang = claimed.anhang
    if not anhang.dokument_id:
        raise Permanent("NO_ID")
    with fetcher.storage.incoming() as incoming:
        stated = receive(anhang.dokument_id, channel, incoming)
        check(anhang.sha256, anhang.bytes, incoming, stated)
        incoming.finish()
        mime = media_type_of(incoming.path)
        if mime == "application/pdf" and is_encrypted(incoming.path):
            raise Permanent("ENCRYPTED")
        if _claim(claimed, fetcher) is None:  # it took so long that another worker has begun anew
            return
        kept, now = fetcher.storage.keep(incoming, anhang.id), fetcher.clock()
        with connected(), transaction():
            dateien.replace(Datei(anhang.id, anhang.mandant, now, kept.sealed_key, kept.scan, found=kept.found))
            documents.mark_fetched(anhang.id, mime=mime, size=incoming.bytes, sha256=incoming.sha256, now=now)
    raise_if_bad(kept, anhang.mandant, now, anhang=str(anhang.id))


def raise_if_bad(kept: Kept, mandant: str, now: datetime, **whose: str) -> None:
    """Have a person know of a file that the virus scan keeps from everybody."""
    if kept.scan is not None and kept.scan.is_bad:
        raise_alarm("file_quarantined", mandant=mandant, detail=kept.scan, now=now, **whose, found=kept.found)


def receive(dokument_id: str, channel: Channel, incoming: Incoming) -> str:
    """Read a document, on from where it broke off; returns the SHA-256 that immotion states of it, or ""."""
    part: Part | None = None
    stated = ""
    for left in reversed(range(_PARTS)):
        with channel.dokument(dokument_id, part) as dokument:
            if dokument.begins_at != incoming.bytes:
                incoming.begin_anew()
                stated = ""
            stated = dokument.sha256 or stated
            try:
                for chunk in dokument.chunks:
                    if incoming.bytes + len(chunk) > SIZE_MAX:
                        raise Permanent("TOO_LARGE")
                    incoming.write(chunk)
            except Temporary:
                if not left:
                    raise
                part = Part(incoming.bytes, dokument.etag) if dokument.etag and incoming.bytes else None
            else:
                break
    return stated


def check(sha256: str, size: int, incoming: Incoming, stated: str) -> None:
    """Compare with what the event and the answer have said; the size counts where neither told a digest.

    Raises Permanent, also for a file without a byte.
    """
    told = {digest.lower() for digest in (sha256, stated) if digest}
    if told - {incoming.sha256}:
        raise Permanent("DIGEST")
    if not told and size and size != incoming.bytes:
        raise Permanent("SIZE")
    if not incoming.bytes:
        raise Permanent("EMPTY")
