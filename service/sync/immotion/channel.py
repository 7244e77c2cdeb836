"""What a channel to immotion promises, and the three errors it may raise."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, Protocol
from uuid import UUID

from service.store.records import Anhang, OutboxItem

Scope = Literal["message", "connection", "throttle"] | None


class Temporary(Exception):
    """It may work later.

    `outcome_unknown`: immotion may have done it; `retry_after` in seconds, if it said so; `scope`: whether the fault
    may lie in this message, concerns the whole connection, or is only that immotion takes no more at once; `code` is
    immotion's, if it gave one.
    """

    def __init__(
        self,
        error: str,
        *,
        retry_after: float | None = None,
        outcome_unknown: bool = False,
        scope: Scope = None,
        code: str = "",
    ) -> None:
        super().__init__(error)
        self.code = code
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown
        self.scope = scope


class Permanent(Exception):
    """It will never work as it is; `code` and `felder` are immotion's."""

    def __init__(self, code: str, felder: Sequence[Mapping[str, Any]] = ()) -> None:
        where = ", ".join(f"{feld.get('pfad', '')}: {feld.get('code', '')}" for feld in felder)
        super().__init__(f"{code} ({where})" if where else code)
        self.code = code


class CredentialsRefused(Exception):
    """immotion does not accept who we are; nothing more is sent on this connection for a while."""


class TakenOver(Exception):
    """The row was taken over, parked or answered since it was claimed: what this attempt did counts no more."""


class NotOffered(Exception):
    """This kind of channel has no such thing."""


class CursorExpired(Exception):
    """The feed no longer knows our cursor; everything has to be reconciled."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """immotion has the Vorgang; without a number it follows as an event."""

    immotion_id: str | None
    vorgangsnummer: str | None


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page of a feed; `entries` are as they came."""

    entries: tuple[Mapping[str, Any], ...]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class Stand:
    """How a Vorgang stands at immotion now.

    `view` is what its events that residents may see have said so far, up to `seq`; empty when immotion does not say.
    """

    immotion_id: str | None
    vorgangsnummer: str | None
    seq: int
    view: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kataloge:
    """The catalogs that belong to immotion, as they came."""

    version: str
    etag: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """The rest of a document, behind its first `begin` bytes, as long as it is still that of the ETag."""

    begin: int
    etag: str


@dataclass(frozen=True, slots=True)
class Dokument:
    """An open document, from the byte `begins_at` on.

    `chunks` raises Temporary where it breaks off. `etag` names what a later part must belong to, "" where there cannot
    be one; `sha256` is that of the whole, as immotion states it now, "" where it does not.
    """

    chunks: Iterator[bytes]
    begins_at: int = 0
    etag: str = ""
    sha256: str = ""


class Channel(Protocol):
    """One Mandant's road to immotion. Every method raises Temporary, Permanent or CredentialsRefused."""

    def begin(self, item: OutboxItem) -> None:
        """Take note of the claim under which what follows is sent; sending raises TakenOver if it is seen to be old."""
        ...

    def put_anhang(self, anhang: Anhang, content: BinaryIO, request_id: str) -> None:
        """Hand over a file, streamed; the same file again is fine."""
        ...

    def put_vorgang(self, vorgang_id: UUID, body: Mapping[str, Any], request_id: str) -> Accepted:
        """Hand over a Vorgang."""
        ...

    def put_aktivitaet(self, vorgang_id: UUID, aktivitaet_id: UUID, body: Mapping[str, Any], request_id: str) -> None:
        """Hand over what a resident added."""
        ...

    def find_vorgang(self, vorgang_id: UUID, request_id: str) -> Accepted | None:
        """Ask what became of a Vorgang; None when immotion does not know it."""
        ...

    def ereignisse(self, cursor: str, *, wait: int) -> FeedPage:
        """Read on in the feed of events, waiting up to `wait` seconds; raises CursorExpired."""
        ...

    def stammdaten(self, cursor: str) -> FeedPage:
        """Read on in the feed of master data; raises CursorExpired."""
        ...

    def stand(self, key: str) -> Stand | None:
        """Ask how a Vorgang stands, by our id or immotion's; None when it is not known. Raises NotOffered."""
        ...

    def kataloge(self, etag: str) -> Kataloge | None:
        """Read immotion's catalogs; None when they are still those of this ETag. Raises NotOffered."""
        ...

    def dokument(self, dokument_id: str, part: Part | None = None) -> AbstractContextManager[Dokument]:
        """Open a document: the part asked for where immotion can give it, otherwise from its beginning."""
        ...

    def put_quittung(self, dokument_id: str, body: Mapping[str, Any], request_id: str) -> None:
        """Say what became of a document; the same again is fine."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
