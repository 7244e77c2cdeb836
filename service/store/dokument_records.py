"""What the store takes and hands out about documents: frozen values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

FEED, ORDNER = "feed", "ordner"
# what immotion hears of a document, besides that it was opened
EINGESTELLT, BENACHRICHTIGT = "EINGESTELLT", "BENACHRICHTIGT"
FIRST_DAY, LAST_DAY = "0000-01-01", "9999-12-31"


@dataclass(frozen=True, slots=True)
class Empfaenger:
    """Whom a document is for: one of person (perhaps as party to a contract), contract, building, or everybody."""

    person_nr: str = ""
    vertrag_nr: str = ""
    gebaeude_nr: str = ""
    alle: bool = False


@dataclass(frozen=True, slots=True)
class Ziel:
    """The same as a key (`store.owner`), the contract that it is for, and the only role it concerns.

    `viele` is what is for a building or all, whose readers the key does not lead to.
    """

    key: str
    vertrag_nr: str = ""
    rolle: str = ""
    viele: bool = False


@dataclass(frozen=True, slots=True)
class NeuesDokument:
    """A document that is to be kept, with all days as YYYY-MM-DD; `sha256` and `bytes` as told, "" and 0 if not."""

    dokument_id: str
    quelle: str
    art: str
    titel: str
    dateiname: str
    suche: str
    datum: str
    von: str
    bis: str
    level: int | None
    loeschen_nach: str | None
    mime: str
    bytes: int
    sha256: str
    vorgang_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """What a look into a file has found: its type, and how many pages of a PDF can be shown."""

    mime: str
    seiten: int


@dataclass(frozen=True, slots=True)
class Stored:
    """The bytes of a document, kept."""

    file_id: UUID
    paper: Paper
    bytes: int
    sha256: str


class Known(NamedTuple):
    """What is known of a document by the id that it came with; SHA-256 and size as told or as stored."""

    id: UUID
    sha256: str
    bytes: int
    level: int | None
    loeschen_nach: str | None


@dataclass(frozen=True, slots=True)
class Angekuendigt:
    """A document whose bytes are not here yet: `attempts` have failed since `since`."""

    id: UUID
    mandant: str
    dokument_id: str
    dateiname: str
    bytes: int
    sha256: str
    unbekannt: Sequence[Empfaenger]
    anhang_id: UUID | None
    attempts: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Zugang:
    """One way to documents: what is for `key`, as far as it falls into a time and concerns a role.

    With `vertrag_nr`, not what is for the same person as party to another contract.
    """

    key: str
    beginn: str = FIRST_DAY
    ende: str = LAST_DAY
    rolle: str = ""
    vertrag_nr: str = ""


@dataclass(frozen=True, slots=True)
class Leser:
    """Who reads, on which day, and by which ways; `key` is the owner key under which their reading is noted."""

    mandant: str
    key: str
    zugaenge: tuple[Zugang, ...]
    today: str


@dataclass(frozen=True, slots=True)
class DokumentFilter:
    """What of a reader's documents is wanted; "" and 0 do not matter. `after` is the last one seen: its day and id."""

    jahr: int = 0
    art: str = ""
    words: tuple[str, ...] = ()
    unread: bool = False
    after: tuple[str, UUID] | None = None


@dataclass(frozen=True, slots=True)
class Neuigkeit:
    """Whom a document is for, and since when they may be told of it by mail; `news_at` is None once they were."""

    dokument: UUID
    ziel: str
    vertrag_nr: str
    rolle: str
    von: str
    bis: str
    news_at: datetime | None
    stored_at: datetime
    vorgang_id: UUID | None
    quelle: str
    loeschen_nach: str | None


@dataclass(frozen=True, slots=True)
class Runde:
    """A round among all who are told of documents by mail, about these (document, key), behind the account `nach`."""

    mandant: str
    ziele: tuple[tuple[UUID, str], ...]
    nach: str
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class Zustellung:
    """That a document was provided, or told of by mail, as immotion hears it; `dokument_id` is immotion's."""

    dokument_id: str
    art: str
    zeit: datetime


@dataclass(frozen=True, slots=True)
class Dokument:
    """A document as its reader may see it; `opened_at` is when they first opened it, None while it is unread."""

    id: UUID
    mandant: str
    dokument_id: str
    quelle: str
    art: str
    titel: str
    dateiname: str
    datum: str
    von: str
    bis: str
    vorgang_id: UUID | None
    level: int | None
    mime: str
    bytes: int
    sha256: str
    seiten: int
    file_id: UUID
    opened_at: datetime | None
    sealed_key: str | None = None
    scan: str | None = None

    @property
    def file(self) -> "KeptPaper":
        """Its bytes, as the storage knows them."""
        return KeptPaper(self.file_id, self.bytes, self.sealed_key, self.scan)


@dataclass(frozen=True, slots=True)
class KeptPaper:
    """The file of a document, which may be that of others too."""

    id: UUID
    bytes: int
    sealed_key: str | None
    scan: str | None


@dataclass(frozen=True, slots=True)
class Lesung:
    """A first opening that immotion is to be told of; `dokument_id` is immotion's."""

    id: UUID
    dokument_id: str
    person: str | None
    opened_at: datetime
