"""What the store hands out: frozen values, one per table; nothing of the database library gets past here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Vorgang:
    """A stored Vorgang; the comments of `VorgangRow` hold here too."""

    id: UUID
    mandant: str
    owner: str
    form_key: UUID | None
    fingerprint: str | None
    meldenummer: str
    typ: str
    kanal: str
    betreff: str
    beschreibung: str
    erreichbar: str
    labels: Json
    details: Json
    melder: Json
    objekt: Json
    routing: Json
    catalog_version: str
    meldezeit: datetime
    request_id: str
    status: str
    status_at: datetime
    immotion_id: str | None = None
    vorgangsnummer: str | None = None
    status_seq: int = 0
    status_text: str = ""
    offen: bool = True
    sachbearbeiter: str = ""
    sachbearbeiter_seq: int = 0
    termin: Json | None = None
    termin_seq: int = 0
    unread: int = 0
    told_arten: str | None = None
    status_tie: str | None = None
    sachbearbeiter_tie: str | None = None
    termin_tie: str | None = None


@dataclass(frozen=True, slots=True)
class VorgangLine:
    """The few columns that a list shows, and when the resident withdrew it (`vorgaenge.page`)."""

    id: UUID
    meldenummer: str
    vorgangsnummer: str | None
    typ: str
    betreff: str
    labels: Json
    meldezeit: datetime
    status: str
    status_at: datetime
    status_text: str
    sachbearbeiter: str
    termin: Json | None
    offen: bool
    unread: int
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What immotion said when it took a Vorgang; without a number it follows as an event."""

    vorgang_id: UUID
    immotion_id: str | None
    vorgangsnummer: str | None
    status: str


@dataclass(frozen=True, slots=True)
class Aktivitaet:
    id: UUID
    vorgang_id: UUID
    zeit: datetime
    art: str
    author: str
    author_name: str
    text: str
    daten: Json
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Anhang:
    id: UUID
    mandant: str
    dateiname: str
    mime: str
    bytes: int
    sha256: str
    position: int
    created_at: datetime
    draft_id: UUID | None = None
    vorgang_id: UUID | None = None
    aktivitaet_id: UUID | None = None
    dokument_id: str | None = None
    stored_at: datetime | None = None
    nachgereicht: UUID | None = None
    sealed_key: str | None = None
    scan: str | None = None

    @property
    def ready(self) -> bool:
        """Tell whether its bytes are here and may be handed out: scanned, where that was wanted, and clean."""
        return self.stored_at is not None and self.scan in {None, "clean"}


@dataclass(frozen=True, slots=True)
class Datei:
    """What is known of a kept file beside what it belongs to; the comments of `DateiRow` hold here too."""

    id: UUID
    mandant: str
    created_at: datetime
    sealed_key: str | None = None
    scan: str | None = None
    scan_at: datetime | None = None
    scan_attempts: int = 0
    found: str = ""


@dataclass(frozen=True, slots=True)
class Announced:
    """A document of immotion that is to be fetched: `attempts` have failed since `since`; due at `fetch_at`."""

    anhang: Anhang
    attempts: int
    since: datetime
    fetch_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A claimed or listed outbox row. `fence` is the number that a result must still carry to be written."""

    id: int
    mandant: str
    vorgang_id: UUID
    aktivitaet_id: UUID | None
    created_at: datetime
    next_at: datetime
    attempts: int
    outcome_unknown: bool
    fence: int
    last_error: str
    request_id: str
    state: str
    sent_at: datetime | None
    retried_at: datetime | None = None
    lesung_id: UUID | None = None
    dokument: UUID | None = None
    quittung: str | None = None


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    mandant: str
    waiting: int
    parked: int
    sent: int
    oldest_waiting: datetime | None


@dataclass(frozen=True, slots=True)
class Ereignis:
    id: int
    mandant: str
    ereignis_id: str
    externe_id: str
    immotion_id: str
    body: Json
    received_at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Session:
    """A browser session; `person` by the CMS's claim, `links` of its account as they are now."""

    secret_hash: str
    mandant: str
    connection: str
    account: str
    cms_session: str
    person: str | None
    name: str
    email: str
    lang: str
    roles: tuple[str, ...]
    created_at: datetime
    seen_at: datetime
    device: str | None = None
    links: int = 0


@dataclass(frozen=True, slots=True)
class CmsSession:
    """Names a session of the CMS; `key` names it together with the account that uses it."""

    mandant: str
    key: str
    connection: str
    cms_session: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log; `id` is given by the store. `facts` are codes and numbers."""

    mandant: str
    at: datetime
    event: str
    actor: str
    connection: str
    account: str | None
    person: str | None
    subject: str
    address: str
    request_id: str
    facts: Mapping[str, str | int]
    id: int = 0


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted; what is None does not matter."""

    event: str | None = None
    person: str | None = None
    account: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """`fields` maps each form field to what was typed, exactly as typed; `owner` is the key of whom it is for."""

    id: UUID
    mandant: str
    account: str
    form: str
    fields: Json
    updated_at: datetime
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Vertrag:
    """A contract with its unit and building, joined.

    With `eigene_zeit`, beginn and ende are those of a co-resident, who belongs to the contract for a part of its time.
    """

    nr: str
    person_nr: str
    rolle: str
    beginn: str
    ende: str | None
    einheit_nr: str
    lage: str
    gebaeude_nr: str
    wirtschaftseinheit_nr: str
    adresse: str
    eigene_zeit: bool = False

    @property
    def wohnung(self) -> str:
        """Return the home as its resident is shown it: address and place; "" when neither is known."""
        return ", ".join(part for part in (self.adresse, self.lage) if part)


@dataclass(frozen=True, slots=True)
class Alarm:
    """`cleared_at` is None while it stands; `first_at` is when it began to stand."""

    mandant: str
    kind: str
    detail: str
    count: int
    first_at: datetime
    last_at: datetime
    cleared_at: datetime | None


@dataclass(frozen=True, slots=True)
class BreakerState:
    """`state` is closed, open or half_open; `worker` names the process that wrote it, at `told_at` by its clock."""

    mandant: str
    state: str
    failures: int
    since: datetime
    next_probe_at: datetime | None
    last_success_at: datetime | None
    worker: str
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a Mandant owes immotion, and how much was delivered: in five minutes, in an hour, ever."""

    mandant: str
    waiting: int
    oldest_waiting: datetime | None
    parked: int
    sent: int
    sent_5min: int
    sent_hour: int


@dataclass(frozen=True, slots=True)
class OwedRow:
    """An outbox row as the operator sees it; `art` is that of its Aktivität, None for the Vorgang itself."""

    id: int
    mandant: str
    vorgang_id: UUID
    aktivitaet_id: UUID | None
    art: str | None
    state: str
    created_at: datetime
    next_at: datetime
    attempts: int
    outcome_unknown: bool
    lease_until: datetime | None
    fence: int
    sent_at: datetime | None
    retried_at: datetime | None
    last_error: str
    request_id: str
    lesung_id: UUID | None = None
    quittung: str | None = None


@dataclass(frozen=True, slots=True)
class OwedVorgang:
    """A Vorgang that owes something: its next row, its numbers, and how many rows it owes in all."""

    head: OwedRow
    meldenummer: str
    vorgangsnummer: str | None
    typ: str
    rows: int


@dataclass(frozen=True, slots=True)
class FeedPlace:
    """How far a feed has been read; `full_since` while everything is read from the beginning."""

    cursor: str = ""
    full_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class CatalogMirror:
    """immotion's catalogs. `drift` maps a table to the codes that only one side has, against `compared_with`."""

    mandant: str
    version: str
    etag: str
    body: Json
    drift: Mapping[str, Mapping[str, Sequence[str]]]
    compared_with: str
    changed_at: datetime
    checked_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReconcilePlan:
    """When the next comparison is due; `position` is the last Vorgang of one that is under way.

    Open ones come first, then those closed: `closed_from` is None, then when the last compared one was closed.
    `everything` goes back as far as there is anything.
    """

    due_at: datetime
    position: str = ""
    lease_until: datetime | None = None
    closed_from: datetime | None = None
    everything: bool | None = False


@dataclass(frozen=True, slots=True)
class KnownVorgang:
    """As much of a Vorgang as is compared; `sent_at` is None unless the outbox says that immotion has it."""

    id: UUID
    kanal: str
    immotion_id: str | None
    vorgangsnummer: str | None
    status: str
    status_at: datetime
    offen: bool
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Paket:
    """A package of the file drop channel. `result` is "" until it is answered, then OK, DUBLETTE or FEHLER."""

    id: int
    mandant: str
    seq: int
    vorgang_id: UUID
    aktivitaet_key: UUID
    name: str
    created_at: datetime
    written_at: datetime | None
    acknowledged_at: datetime | None
    result: str
    answer: str
    immotion_id: str
    vorgangsnummer: str
    grund: str

    @property
    def aktivitaet_id(self) -> UUID | None:
        """Return which Aktivität it carries; None for the Vorgang itself."""
        return self.aktivitaet_key if self.aktivitaet_key.int else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the ERP said of a package: OK, DUBLETTE or FEHLER; `digest` tells two answers apart."""

    result: str
    digest: str
    zeit: datetime
    immotion_id: str
    vorgangsnummer: str
    grund: str


@dataclass(frozen=True, slots=True)
class AccountKey:
    """Names an account of a Mandant."""

    mandant: str
    account: str


@dataclass(frozen=True, slots=True)
class Totp:
    """An account's app, without what is counted."""

    mandant: str
    account: str
    person: str | None
    sealed: str | None
    confirmed_at: datetime | None
    pending_sealed: str | None
    pending_session: str | None
    pending_at: datetime | None


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of an account; `id_hash` is the SHA-256 of the credential's id, the rest is base64url."""

    id_hash: str
    mandant: str
    account: str
    credential_id: str
    public_key: str
    sign_count: int
    name: str
    created_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SealedSecrets:
    """What of an account stands under an encryption key."""

    mandant: str
    account: str
    sealed: str | None
    pending_sealed: str | None


@dataclass(frozen=True, slots=True)
class Link:
    """An account that may act for a person."""

    mandant: str
    account: str
    person: str
    connection: str
    linked_at: datetime


@dataclass(frozen=True, slots=True)
class Activation:
    """A letter's code, without what is counted. `fact` names what has to be typed beside it."""

    mandant: str
    selector: str
    code_hash: str
    purpose: str
    person: str
    fact: str
    fact_hash: str | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    used_by: str | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """A claimed mail. `fence` is the number that a result must still carry to be written."""

    id: int
    mandant: str
    kind: str
    account: str
    recipient: str
    lang: str
    facts: Json
    message_id: str
    created_at: datetime
    attempts: int
    fence: int


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that was handed over: for which account, when it was owed, and where it went, if that is still known."""

    mandant: str
    account: str
    at: datetime
    email: str = ""


@dataclass(frozen=True, slots=True)
class MailBacklog:
    """The mails that a Mandant owes residents, but those of the day that are not due; `sent` within a day."""

    mandant: str
    waiting: int
    oldest_waiting: datetime | None
    parked: int
    sent: int = 0


@dataclass(frozen=True, slots=True)
class OwedMail:
    """A mail as the operator sees it: nothing of whom it is for, or of what it says."""

    id: int
    mandant: str
    kind: str
    state: str
    created_at: datetime
    next_at: datetime
    attempts: int
    last_error: str


# the kinds of news that a resident may be told of by mail
STAND, NACHRICHT, DOKUMENT, ANTWORT = "stand", "nachricht", "dokument", "antwort"
ARTEN = (STAND, NACHRICHT, DOKUMENT, ANTWORT)


@dataclass(frozen=True, slots=True)
class Benachrichtigung:
    """Who is told by mail of what is new; with an empty `email`, they no longer are.

    `arten` are the kinds of news, joined by commas (None: all); with an hour (`stunde`), one mail a day tells
    them, else each does. An address that took no mail (`bounced_at`, and the code why) is told nothing. `person` is
    the number behind `owner_person`.
    """

    mandant: str
    account: str
    key: UUID
    connection: str
    owner: str
    owner_person: str | None
    email: str
    lang: str
    asked_at: datetime
    confirmed_at: datetime | None
    arten: str | None = None
    stunde: int | None = None
    bounced_at: datetime | None = None
    bounce: str | None = None
    person: str | None = None

    @property
    def wanted(self) -> tuple[str, ...]:
        """Return the kinds of news that are wanted."""
        return ARTEN if self.arten is None else tuple(art for art in self.arten.split(",") if art)


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """An account of the own login; it can be signed in by what it has a key of."""

    id: UUID
    mandant: str
    connection: str
    account: str
    number_key: str | None
    email: str
    email_key: str | None
    lang: str
    password_hash: str
    password_at: datetime
    created_at: datetime

    @property
    def confirmed_email(self) -> str:
        """Return the address that mails may go to; empty before its owner has confirmed it."""
        return self.email if self.email_key is not None else ""


@dataclass(frozen=True, slots=True)
class MailLink:
    """What the link of a mail does, once; `email` is where it was sent to."""

    id: UUID
    mandant: str
    account: str
    purpose: str
    email: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
