"""The audit log: who did what that matters for safety, when, and from where (docs/operators.md, Audit log).

Append-only, and without anything secret or written by anybody: events, ids and codes. An entry is written in the
transaction of what it tells of, so that neither is there without the other.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_network
from typing import Protocol, TypeVar

from service.store import audit
from service.store.database import in_transaction
from service.store.records import AuditEntry

_CODE = re.compile(r"[\w.:/@-]{0,100}", re.ASCII)
_NO_CODE = "?"


class Event(StrEnum):
    """What is noted; each is described in docs/operators.md."""

    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_OUT = "sign_out"
    SESSION_REVOKED = "session_revoked"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - the name of an event, not a secret
    LIMITED = "limited"
    LEVEL2 = "level2"
    LEVEL2_FAILED = "level2_failed"
    FACTOR_SET = "factor_set"
    FACTOR_REMOVED = "factor_removed"
    CODES_MADE = "codes_made"
    RECOVERY_USED = "recovery_used"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_CLONED = "passkey_cloned"
    INVITED = "invited"
    LINKED = "linked"
    UNLINKED = "unlinked"
    SWITCHED = "switched"
    ACTIVATION_FAILED = "activation_failed"
    REGISTERED = "registered"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an event, not a secret
    RESET_ASKED = "reset_asked"
    EMAIL_CONFIRMED = "email_confirmed"
    EMAIL_CHANGED = "email_changed"
    DOWNLOAD = "download"
    EXPORTED = "exported"
    ERASED = "erased"
    HOLD_SET = "hold_set"
    HOLD_ENDED = "hold_ended"
    ADMIN_RETRY = "admin_retry"
    ADMIN_PARK = "admin_park"
    CATALOG_IMPORTED = "catalog_imported"
    FILE_SCANNED = "file_scanned"
    FILE_RELEASED = "file_released"
    FILE_DISCARDED = "file_discarded"
    AUSHANG_CHANGED = "aushang_changed"


class Actor(StrEnum):
    """On whose part: a resident, somebody who is not signed in, a CMS's server, the operator's command line."""

    RESIDENT = "resident"
    NOBODY = "nobody"
    CMS = "cms"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Notice:
    """That accounts are told by mail of what changes their safety (`access.notices`).

    `email` is the address of whoever acts, as the CMS has just handed it on; `lang` is their language.
    """

    lang: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Who acts, when, from where and by which request: what the entries of one request have in common.

    `account` and `person` are of whom it concerns. `address` is what `service.web.client` tells; less of it is kept.
    `notice` is None where no mail is sent.
    """

    mandant: str
    actor: Actor
    now: datetime
    connection: str = ""
    account: str | None = None
    person: str | None = None
    address: str = ""
    request_id: str = ""
    notice: Notice | None = None


class _Counted(Protocol):
    """What a change of deliveries did: to how many rows, and how many a worker held."""

    @property
    def rows(self) -> int: ...

    @property
    def held(self) -> int: ...


C = TypeVar("C", bound=_Counted)


def note(event: Event, source: Source, *, subject: str = "", facts: Mapping[str, str | int] | None = None) -> None:
    """Add an entry to the audit log, in the transaction of what it tells of.

    `subject` is the id of what it is about, `facts` are codes and numbers: any other value is kept as "?".
    """
    entry = AuditEntry(
        mandant=source.mandant,
        at=source.now,
        event=event.value,
        actor=source.actor.value,
        connection=source.connection,
        account=source.account,
        person=source.person,
        subject=_code(subject),
        address=_coarse(source.address),
        request_id=source.request_id,
        facts={name: value if isinstance(value, int) else _code(value) for name, value in (facts or {}).items()},
    )
    audit.append(entry)


def counted(event: Event, source: Source, change: Callable[[], C], *, subject: str) -> C:
    """Make a change of deliveries and note what it did, in one transaction."""

    def noted() -> C:
        effect = change()
        note(event, source, subject=subject, facts={"rows": effect.rows, "held": effect.held})
        return effect

    return in_transaction(noted)


def code_of(words: str) -> str:
    """Return a code for a reason in fixed words; what stands behind a colon is left out."""
    return re.sub(r"[^a-z0-9]+", "_", words.partition(":")[0].lower()).strip("_")[:40]


def _code(value: str) -> str:
    return value if _CODE.fullmatch(value) else _NO_CODE


def _coarse(address: str) -> str:
    """Leave enough of an address to tell networks apart, not households: /24, or /64 for IPv6."""
    if not address:
        return ""
    network = ip_network(address, strict=False)
    return str(network if network.version == 6 else network.supernet(new_prefix=24))  # noqa: PLR2004 - IP versions
