"""Removes what nobody needs any more: ended sessions, what is over by policy, files without a row."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

import structlog

from service.access.benachrichtigungen import FORGOTTEN_AFTER
from service.access.browser import ABSOLUTE, IDLE
from service.files.storage import ORPHAN_AGE, Storage
from service.store import (
    activations,
    aushaenge,
    benachrichtigungen,
    cms_sessions,
    dateien,
    documents,
    factors,
    mail_links,
    quarantine,
    sessions,
    vorgaenge,
)
from service.store.database import connected, transaction
from service.sync import retention
from service.sync.retention import Policy

log = structlog.get_logger()

_BATCH = 500
_FACTOR_BEGUN = timedelta(days=1)
_QUARANTINED = timedelta(days=30)
_LINK_KEPT = timedelta(days=1)
_AUSHANG_KEPT = timedelta(days=90)
_LETTER_KEPT = timedelta(days=90)  # so long it is told that a code is out of date, and not that it is wrong


def tidy(
    storage: Storage, *, draft_days: int, audit_days: int, now: datetime, policies: Mapping[str, Policy] | None = None
) -> int:
    """Do all of it once and return how many files went; each after its row, so that no row ever points to nothing.

    `policies` are those of the Mandanten; the two numbers are for one that has none.
    """
    with connected():
        sessions.sweep(now=now, seen_before=now - IDLE, created_before=now - ABSOLUTE)
        cms_sessions.sweep(before=now - ABSOLUTE)
        factors.sweep(begun_before=now - _FACTOR_BEGUN)
        benachrichtigungen.sweep(asked_before=now - FORGOTTEN_AFTER)
        mail_links.sweep(expired_before=now - _LINK_KEPT)
        activations.sweep(expired_before=now - _LETTER_KEPT)
        with transaction():
            aushaenge.sweep(ended_before=now - _AUSHANG_KEPT)
    files = retention.apply(policies or {}, Policy(draft_days, audit_days), now)
    files += _forget_withdrawn()
    quarantined = _quarantined(now)
    for file_id in files:
        storage.delete(file_id)
    _forget_keys(files)
    for file_id in quarantined:
        storage.delete(file_id)
    swept = storage.sweep_incoming(now - ORPHAN_AGE)
    orphans = _delete_orphans(storage, now)
    log.info("tidied", files=len(files), interrupted_uploads=swept, orphans=orphans)
    return len(files) + len(quarantined) + swept + orphans


def _forget_withdrawn() -> list[UUID]:
    """Return documents that immotion has withdrawn and whose bytes are to go; their rows say that they are not here."""
    with connected():
        files = documents.withdrawn_bytes(retention.held_everywhere(), limit=_BATCH)
        documents.forget_bytes(files)
    return files


def _quarantined(now: datetime) -> list[UUID]:
    """Return files in which the scan has found something, long enough ago; that it has stays known."""
    with connected():
        held = retention.held_everywhere()
        return quarantine.purge(before=now - _QUARANTINED, now=now, held=held, limit=_BATCH)


def _forget_keys(files: Sequence[UUID]) -> None:
    """Forget the keys of deleted files: whatever may be left of them elsewhere, in backups too, is unreadable then."""
    with connected():
        dateien.forget(files)


def _delete_orphans(storage: Storage, now: datetime) -> int:
    deleted = 0
    ids = storage.ids(now - ORPHAN_AGE)
    while batch := list(islice(ids, _BATCH)):
        with connected():
            known = vorgaenge.known_files(batch)
        orphans = [file_id for file_id in batch if file_id not in known]
        for file_id in orphans:
            storage.delete(file_id)
        _forget_keys(orphans)
        deleted += len(orphans)
    return deleted
