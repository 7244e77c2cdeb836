"""Stored secrets put under the newest encryption key, in batches, while the portal runs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from service.access.factors import bound_to
from service.access.vault import Vault, VaultRefused
from service.files.sealing import bound_to as bound_to_file
from service.store import dateien, factors
from service.store.records import AccountKey, Datei, SealedSecrets

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Renewal:
    """How many secrets were put under the newest key, were so already, or could not be opened."""

    renewed: int
    current: int
    unreadable: int


def renew_secrets(mandant: str, vault: Vault) -> Renewal:
    """Renew all secrets of a Mandant; one that is replaced meanwhile is under the newest key by that."""
    count: Counter[str] = Counter()
    for row in _rows(mandant):
        for sealed in (row.sealed, row.pending_sealed):
            if sealed is not None:
                count[_renew(AccountKey(row.mandant, row.account), sealed, vault)] += 1
    return Renewal(count["renewed"], count["current"], count["unreadable"])


def renew_file_keys(mandant: str, vault: Vault) -> Renewal:
    """Renew the keys of all files of a Mandant; the files themselves stay as they lie."""
    count: Counter[str] = Counter()
    for file in _files(mandant):
        count[_renew_key(file, vault)] += 1
    return Renewal(count["renewed"], count["current"], count["unreadable"])


def _files(mandant: str) -> Iterator[Datei]:
    after = None
    while batch := dateien.with_keys(mandant, after=after, limit=_BATCH):
        yield from batch
        after = batch[-1].id


def _renew_key(file: Datei, vault: Vault) -> str:
    sealed = file.sealed_key or ""
    try:
        fresh = vault.renew(sealed, bound=bound_to_file(file.id))
    except VaultRefused:
        return "unreadable"
    if fresh is None or not dateien.seal_anew(file.id, old=sealed, new=fresh):
        return "current"
    return "renewed"


def _rows(mandant: str) -> Iterator[SealedSecrets]:
    after = ""
    while batch := factors.sealed_secrets(mandant, after=after, limit=_BATCH):
        yield from batch
        after = batch[-1].account


def _renew(who: AccountKey, sealed: str, vault: Vault) -> str:
    try:
        fresh = vault.renew(sealed, bound=bound_to(who))
    except VaultRefused:
        return "unreadable"
    if fresh is None or not factors.seal_anew(who, old=sealed, new=fresh):
        return "current"
    return "renewed"
