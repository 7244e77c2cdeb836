"""`mieterportal files`: how files lie, and sealing those that were kept before there was a key."""

import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import click

from service.cli.common import TEMPORARY, read_settings, with_store

if TYPE_CHECKING:
    from uuid import UUID

    from service.files.storage import Storage
    from service.store.records import Datei

_CHUNK = 2**20
# A worker or a download that has read a file's row before it was sealed may still open the plain one.
_PLAIN_KEPT = timedelta(hours=1)


@click.group()
def files() -> None:
    """Look after the files of residents and of immotion."""


@files.command("seal")
@with_store
def seal() -> None:
    """Seal files that lie plain, each under a key of its own; the plain ones are deleted an hour later.

    Run it again then: it compares each sealed file with its digest first, and deletes the plain one only if they are
    the same. Safe to run again at any time, and while the portal runs. Ends with 1 if a file is not what it should be,
    with 75 if the storage fails.

    Example: mieterportal files seal
    """
    from service.access.vault import Vault  # noqa: PLC0415 - only where used
    from service.storage import storage_of  # noqa: PLC0415

    service = read_settings().service
    storage = storage_of(service, Vault(service.encryption_keys))
    if not storage.seals:
        raise click.UsageError("service.encryption_keys is not set: there is nothing to seal files with")
    count: Counter[str] = Counter()
    try:
        for file_id in storage.ids(datetime.now(UTC), plain=True):
            count[_seal(file_id, storage)] += 1
    except OSError as fault:
        click.echo(f"files: cannot be read or written ({fault}); what is done is done", err=True)
        sys.exit(TEMPORARY)
    click.echo(f"sealed {count['sealed']}, plain ones deleted {count['deleted']}, to be deleted later {count['later']}")
    if count["differs"]:
        click.echo(f"{count['differs']} are not what was stored; they are left as they are", err=True)
        sys.exit(1)


def _seal(file_id: "UUID", storage: "Storage") -> str:
    from service.store import dateien  # noqa: PLC0415 - only where used

    owner = dateien.digests([file_id]).get(file_id)
    if owner is None:
        return "orphan"  # the worker deletes it
    mandant, digest = owner
    known, now = dateien.sealed([file_id]).get(file_id), datetime.now(UTC)
    if known is None:
        return _seal_plain(file_id, mandant, digest, storage)
    if now - known.created_at < _PLAIN_KEPT:
        return "later"
    if _digest(known, storage) != digest:
        dateien.drop_key(file_id)
        return "differs"
    storage.delete_plain(file_id)
    return "deleted"


def _seal_plain(file_id: "UUID", mandant: str, digest: str, storage: "Storage") -> str:
    from service.store import dateien  # noqa: PLC0415 - only where used
    from service.store.records import Datei  # noqa: PLC0415

    if _digest(Datei(file_id, mandant, datetime.now(UTC)), storage) != digest:
        return "differs"
    sealed_key = storage.seal_plain(file_id)
    return "sealed" if dateien.set_key(file_id, mandant, sealed_key, datetime.now(UTC)) else "later"


def _digest(file: "Datei", storage: "Storage") -> str:
    """Return the SHA-256 of a file as it is kept; "" when it does not open, or is not there."""
    from service.files.sealing import Tampered  # noqa: PLC0415 - only where used

    digest = sha256()
    try:
        with storage.raw(file) as content:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
    except (FileNotFoundError, Tampered):
        return ""
    return digest.hexdigest()
