"""Stored secrets put under the newest encryption key, in batches, while the portal runs."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from service.access.factors import bound_to
from service.access.vault import Vault, VaultRefused
from service.files.sealing import bound_to as bound_to_file
from service.store import dateien, factors
from service.store.records import AccountKey

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Renewal:
    """How many secrets were put under the newest key, were so already, or could not be opened."""

    renewed: int
    current: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A sealed text, what it is bound to, and what puts another in its place unless it has changed meanwhile."""

    text: str
    bound: Sequence[str]
    replace: Callable[..., bool]


def renew_secrets(mandant: str, vault: Vault) -> Renewal:
    """Renew all secrets of a Mandant; one that is replaced meanwhile is under the newest key by that."""
    return _renew_all(_secrets(mandant), vault)


def renew_file_keys(mandant: str, vault: Vault) -> Renewal:
    """Renew the keys of all files of a Mandant; the files themselves stay as they lie."""
    return _renew_all(_file_keys(mandant), vault)


def _secrets(mandant: str) -> Iterator[_Sealed]:
    after = ""
    while batch := factors.sealed_secrets(mandant, after=after, limit=_BATCH):
        for row in batch:
            who = AccountKey(row.mandant, row.account)
            for text in (row.sealed, row.pending_sealed):
                if text is not None:
                    yield _Sealed(text, bound_to(who), partial(factors.seal_anew, who))
        after = batch[-1].account


def _file_keys(mandant: str) -> Iterator[_Sealed]:
    after = None
    while batch := dateien.with_keys(mandant, after=after, limit=_BATCH):
        for file in batch:
            yield _Sealed(file.sealed_key or "", bound_to_file(file.id), partial(dateien.seal_anew, file.id))
        after = batch[-1].id


def _renew_all(secrets: Iterable[_Sealed], vault: Vault) -> Renewal:
    count = Counter(_renew(sealed, vault) for sealed in secrets)
    return Renewal(count["renewed"], count["current"], count["unreadable"])


def _renew(sealed: _Sealed, vault: Vault) -> str:
    try:
        fresh = vault.renew(sealed.text, bound=sealed.bound)
    except VaultRefused:
        return "unreadable"
    if fresh is None or not sealed.replace(old=sealed.text, new=fresh):
        return "current"
    return "renewed"
