"""The tables. `help_text` is each column's data-protection class: personal, secret or technical.

Who owns a row is kept as a SHA-256 (`owner`, `account`, `cms_session`): of fixed length whatever the CMS sends, equal
only when equal to the byte, whatever an engine's collation thinks of upper and lower case.
"""

import peewee
from peewee import BigAutoField, BooleanField, CharField, IntegerField, TextField, UUIDField

from service.store.database import database
from service.store.fields import JsonField, LongTextField, UtcField

PERSONAL = "personal"
SECRET = "secret"  # noqa: S105 - the name of a class of data, not a secret
TECHNICAL = "technical"


class Row(peewee.Model):
    class Meta:
        database = database
        legacy_table_names = False


class VorgangRow(Row):
    """One Vorgang. `id` is its externeId for immotion, for ever (immotion.md)."""

    id = UUIDField(primary_key=True, help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    owner = CharField(64, help_text=PERSONAL)
    form_key = UUIDField(null=True, unique=True, help_text=TECHNICAL)
    fingerprint = CharField(64, null=True, help_text=TECHNICAL)
    meldenummer = CharField(20, help_text=TECHNICAL)
    typ = CharField(20, help_text=TECHNICAL)
    kanal = CharField(20, help_text=TECHNICAL)
    betreff = CharField(255, help_text=PERSONAL)
    beschreibung = LongTextField(help_text=PERSONAL)
    erreichbar = TextField(help_text=PERSONAL)
    labels = JsonField(help_text=TECHNICAL)
    details = JsonField(help_text=PERSONAL)
    melder = JsonField(help_text=PERSONAL)
    objekt = JsonField(help_text=PERSONAL)
    routing = JsonField(help_text=TECHNICAL)
    catalog_version = CharField(100, help_text=TECHNICAL)
    meldezeit = UtcField(help_text=TECHNICAL)
    request_id = CharField(64, help_text=TECHNICAL)
    immotion_id = CharField(100, null=True, help_text=TECHNICAL)
    vorgangsnummer = CharField(100, null=True, help_text=TECHNICAL)
    status = CharField(40, help_text=TECHNICAL)
    status_at = UtcField(help_text=TECHNICAL)
    status_seq = IntegerField(default=0, help_text=TECHNICAL)
    status_tie = CharField(32, null=True, help_text=TECHNICAL)
    status_text = TextField(default="", help_text=PERSONAL)
    offen = BooleanField(default=True, help_text=TECHNICAL)
    sachbearbeiter = CharField(200, default="", help_text=PERSONAL)
    sachbearbeiter_seq = IntegerField(default=0, help_text=TECHNICAL)
    sachbearbeiter_tie = CharField(32, null=True, help_text=TECHNICAL)
    termin = JsonField(null=True, help_text=PERSONAL)
    termin_seq = IntegerField(default=0, help_text=TECHNICAL)
    termin_tie = CharField(32, null=True, help_text=TECHNICAL)
    unread = IntegerField(default=0, help_text=TECHNICAL)
    told_arten = CharField(60, null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "vorgang"
        indexes = (
            (("mandant", "owner", "id"), False),
            (("mandant", "owner", "offen", "id"), False),
            (("mandant", "meldenummer"), True),
            (("mandant", "immotion_id"), True),
            (("mandant", "offen", "id"), False),
            (("mandant", "offen", "status_at", "id"), False),
        )


class AktivitaetRow(Row):
    """One entry of a Vorgang's timeline, from either side."""

    id = UUIDField(primary_key=True, help_text=TECHNICAL)
    vorgang_id = UUIDField(help_text=TECHNICAL)
    zeit = UtcField(help_text=TECHNICAL)
    art = CharField(40, help_text=TECHNICAL)
    author = CharField(20, help_text=TECHNICAL)
    author_name = CharField(200, default="", help_text=PERSONAL)
    text = LongTextField(help_text=PERSONAL)
    daten = JsonField(help_text=PERSONAL)
    seq = IntegerField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "aktivitaet"
        indexes = ((("vorgang_id", "zeit", "id"), False),)


class AnhangRow(Row):
    """One file: of a draft, of a Vorgang, or of an Aktivität. `stored_at` is null until its bytes are here.

    The columns that follow it are for documents of immotion only, and null until fetching one has failed: how often
    since when, when it is tried again, why it failed, and when it was put aside. `nachgereicht` is the Aktivität by
    which immotion gets a file that was in quarantine when its own delivery went.
    """

    id = UUIDField(primary_key=True, help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    draft_id = UUIDField(null=True, index=True, help_text=TECHNICAL)
    vorgang_id = UUIDField(null=True, index=True, help_text=TECHNICAL)
    aktivitaet_id = UUIDField(null=True, help_text=TECHNICAL)
    dokument_id = CharField(100, null=True, help_text=TECHNICAL)
    dateiname = CharField(255, help_text=PERSONAL)
    mime = CharField(100, help_text=TECHNICAL)
    bytes = peewee.BigIntegerField(help_text=TECHNICAL)
    sha256 = CharField(64, help_text=TECHNICAL)
    position = IntegerField(help_text=TECHNICAL)
    created_at = UtcField(help_text=TECHNICAL)
    stored_at = UtcField(null=True, index=True, help_text=TECHNICAL)
    fetch_attempts = IntegerField(null=True, help_text=TECHNICAL)
    fetch_at = UtcField(null=True, help_text=TECHNICAL)
    fetch_since = UtcField(null=True, help_text=TECHNICAL)
    fetch_error = CharField(80, null=True, help_text=TECHNICAL)
    parked_at = UtcField(null=True, help_text=TECHNICAL)
    nachgereicht = UUIDField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "anhang"
        indexes = (
            (("mandant", "stored_at", "parked_at", "fetch_at"), False),
            (("mandant", "dokument_id"), False),
        )


class DateiRow(Row):
    """What is known of a kept file beside what it belongs to; none for one that is neither sealed nor scanned.

    `id` is that of the file, whatever row names it. `sealed_key` opens it, under `service.encryption_keys`. `scan` is
    pending, clean, infected or unscannable; `found` is the scanner's word. `scan_at` is when a pending one is tried
    again; of one in quarantine, when its bytes were deleted.
    """

    id = UUIDField(primary_key=True, help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    created_at = UtcField(help_text=TECHNICAL)
    sealed_key = TextField(null=True, help_text=SECRET)
    scan = CharField(12, null=True, help_text=TECHNICAL)
    scan_at = UtcField(null=True, help_text=TECHNICAL)
    scan_attempts = IntegerField(default=0, help_text=TECHNICAL)
    found = CharField(100, default="", help_text=TECHNICAL)

    class Meta:
        table_name = "datei"
        indexes = ((("mandant", "scan", "scan_at"), False), (("scan", "scan_at"), False))


class RueckzugRow(Row):
    """A document that immotion has withdrawn, announced already or not: whoever owned it no longer sees it."""

    mandant = CharField(40, help_text=TECHNICAL)
    dokument_id = CharField(100, help_text=TECHNICAL)
    withdrawn_at = UtcField(help_text=TECHNICAL)

    class Meta:
        table_name = "rueckzug"
        primary_key = peewee.CompositeKey("mandant", "dokument_id")


class OutboxRow(Row):
    """What immotion is owed. Rows of one Vorgang go in the order of their ids.

    `state` is waiting, parked, sent, or dropped: immotion has deleted the Vorgang, and never gets it again.
    `touched_at` is what the clock of whoever last made the row due, or claimed it, showed: `next_at` and `lease_until`
    are as wrong as that clock was. A row with `lesung_id` tells of a document's first opening, which belongs to no
    Vorgang: its `vorgang_id` is the same id, so that it waits for nothing. Neither does a row with `dokument`, that a
    document was provided or told of (`quittung`): its `vorgang_id` is made of both.
    """

    id = BigAutoField(help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    vorgang_id = UUIDField(help_text=TECHNICAL)
    aktivitaet_id = UUIDField(null=True, index=True, help_text=TECHNICAL)
    state = CharField(10, default="waiting", help_text=TECHNICAL)
    created_at = UtcField(help_text=TECHNICAL)
    next_at = UtcField(help_text=TECHNICAL)
    attempts = IntegerField(default=0, help_text=TECHNICAL)
    outcome_unknown = BooleanField(default=False, help_text=TECHNICAL)
    lease_until = UtcField(null=True, help_text=TECHNICAL)
    fence = IntegerField(default=0, help_text=TECHNICAL)
    sent_at = UtcField(null=True, help_text=TECHNICAL)
    last_error = CharField(255, default="", help_text=TECHNICAL)
    request_id = CharField(64, help_text=TECHNICAL)
    retried_at = UtcField(null=True, help_text=TECHNICAL)
    owed_again_at = UtcField(null=True, help_text=TECHNICAL)
    touched_at = UtcField(null=True, help_text=TECHNICAL)
    lesung_id = UUIDField(null=True, help_text=TECHNICAL)
    dokument = UUIDField(null=True, help_text=TECHNICAL)
    quittung = CharField(20, null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "outbox"
        indexes = (
            (("state", "next_at"), False),
            (("vorgang_id", "state", "id"), False),
            (("mandant", "state", "created_at"), False),
            (("mandant", "sent_at"), False),
        )


class EreignisRow(Row):
    """Events of the feed, each seen once (UNIQUE mandant, ereignis_id), kept for good.

    Of those that are settled the body is emptied after a time (`store.retention`); their state is then `emptied`.
    """

    id = BigAutoField(help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    ereignis_id = CharField(100, help_text=TECHNICAL)
    externe_id = CharField(100, default="", help_text=TECHNICAL)
    immotion_id = CharField(100, default="", help_text=TECHNICAL)
    body = JsonField(help_text=PERSONAL)
    received_at = UtcField(help_text=TECHNICAL)
    state = CharField(10, help_text=TECHNICAL)

    class Meta:
        table_name = "ereignis"
        indexes = (
            (("mandant", "ereignis_id"), True),
            (("state", "id"), False),
        )


class FeedRow(Row):
    """How far each feed of each Mandant has been read; `full_since` while everything is read from the beginning."""

    mandant = CharField(40, help_text=TECHNICAL)
    feed = CharField(20, help_text=TECHNICAL)
    cursor = TextField(help_text=TECHNICAL)
    moved_at = UtcField(help_text=TECHNICAL)
    full_since = UtcField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "feed"
        primary_key = peewee.CompositeKey("mandant", "feed")


class JtiRow(Row):
    """Used-up token ids (session.md, step 4)."""

    mandant = CharField(40, help_text=TECHNICAL)
    iss = CharField(40, help_text=TECHNICAL)
    jti_hash = CharField(64, help_text=TECHNICAL)
    expires_at = UtcField(index=True, help_text=TECHNICAL)

    class Meta:
        table_name = "jti"
        primary_key = peewee.CompositeKey("mandant", "iss", "jti_hash")


class SessionRow(Row):
    """Browser sessions, found by the SHA-256 of their secret."""

    secret_hash = CharField(64, primary_key=True, help_text=SECRET)
    mandant = CharField(40, help_text=TECHNICAL)
    connection = CharField(40, help_text=TECHNICAL)
    account = CharField(64, help_text=PERSONAL)
    cms_session = CharField(64, help_text=TECHNICAL)
    person = CharField(100, null=True, help_text=PERSONAL)
    name = CharField(255, help_text=PERSONAL)
    email = CharField(255, help_text=PERSONAL)
    lang = CharField(10, help_text=TECHNICAL)
    roles = JsonField(help_text=PERSONAL)
    created_at = UtcField(help_text=TECHNICAL)
    seen_at = UtcField(index=True, help_text=TECHNICAL)
    device = CharField(80, null=True, help_text=PERSONAL)

    class Meta:
        table_name = "session"
        indexes = (
            (("mandant", "connection", "cms_session"), False),
            (("mandant", "account"), False),
        )


class CmsSessionRow(Row):
    """Sessions of the CMS. `key` is the digest of connection, account and `cms_session`.

    `ended_at` is by the CMS's clock: what it signed until then no longer lets anybody in. `person` is whom the account
    has chosen to stand for in this session, among several; it counts only while they may. `account` and the columns of
    level 2 are filled once somebody has confirmed this session by a second factor; failures are those in a row since.
    """

    mandant = CharField(40, help_text=TECHNICAL)
    key = CharField(64, help_text=TECHNICAL)
    connection = CharField(40, help_text=TECHNICAL)
    cms_session = CharField(64, help_text=TECHNICAL)
    ended_at = UtcField(null=True, help_text=TECHNICAL)
    updated_at = UtcField(index=True, help_text=TECHNICAL)
    account = CharField(64, null=True, help_text=PERSONAL)
    level2_until = UtcField(null=True, help_text=TECHNICAL)
    level2_by = CharField(10, null=True, help_text=TECHNICAL)
    level2_failures = IntegerField(null=True, help_text=TECHNICAL)
    level2_blocked_until = UtcField(null=True, help_text=TECHNICAL)
    person = CharField(100, null=True, help_text=PERSONAL)

    class Meta:
        table_name = "cms_session"
        primary_key = peewee.CompositeKey("mandant", "key")
        indexes = ((("mandant", "connection", "cms_session"), False),)


class AuditRow(Row):
    """What happened that matters for safety; written once, removed by its age (`store.audit`).

    Nothing changes an entry but the erasure of somebody, which takes from it who it was (`store.erasure`).
    """

    id = BigAutoField(help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    at = UtcField(index=True, help_text=TECHNICAL)
    event = CharField(40, help_text=TECHNICAL)
    actor = CharField(10, help_text=TECHNICAL)
    connection = CharField(40, help_text=TECHNICAL)
    account = CharField(64, null=True, help_text=PERSONAL)
    person = CharField(100, null=True, help_text=PERSONAL)
    subject = CharField(100, help_text=TECHNICAL)
    address = CharField(45, help_text=PERSONAL)
    request_id = CharField(64, help_text=TECHNICAL)
    facts = JsonField(help_text=TECHNICAL)

    class Meta:
        table_name = "audit"
        indexes = (
            (("mandant", "id"), False),
            (("mandant", "account", "id"), False),
            (("mandant", "person", "id"), False),
        )


class DraftRow(Row):
    """What somebody has typed but not sent. `id` is the idempotency key of the form.

    `owner` is the key of whom it is for, where an account stands for several persons; null in older rows.
    """

    id = UUIDField(primary_key=True, help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    account = CharField(64, help_text=PERSONAL)
    form = CharField(60, help_text=TECHNICAL)
    fields = JsonField(help_text=PERSONAL)
    updated_at = UtcField(index=True, help_text=TECHNICAL)
    owner = CharField(64, null=True, help_text=PERSONAL)

    class Meta:
        table_name = "draft"
        indexes = ((("mandant", "account", "form", "updated_at"), False),)


class CatalogRow(Row):
    """Imported catalogs; the newest import of a Mandant is in force, older ones stay for the record."""

    id = BigAutoField(help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    version = CharField(100, help_text=TECHNICAL)
    digest = CharField(64, help_text=TECHNICAL)
    body = JsonField(help_text=TECHNICAL)
    imported_at = UtcField(help_text=TECHNICAL)

    class Meta:
        table_name = "catalog"
        indexes = ((("mandant", "id"), False),)


class NummernkreisRow(Row):
    """The last Meldenummer given out, per Mandant and year."""

    mandant = CharField(40, help_text=TECHNICAL)
    jahr = IntegerField(help_text=TECHNICAL)
    letzte = IntegerField(help_text=TECHNICAL)

    class Meta:
        table_name = "nummernkreis"
        primary_key = peewee.CompositeKey("mandant", "jahr")


class StammdatenRow(Row):
    """Buildings, units, persons and contracts as immotion last told them; `full_since` of the pass they were met in.

    A contract has a further row, of the art MITMIETER, for each co-resident it names.
    """

    mandant = CharField(40, help_text=TECHNICAL)
    art = CharField(10, help_text=TECHNICAL)
    nr = CharField(100, help_text=PERSONAL)
    parent = CharField(100, default="", help_text=PERSONAL)
    einheit_nr = CharField(100, default="", help_text=TECHNICAL)
    daten = JsonField(help_text=PERSONAL)
    full_since = UtcField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "stammdaten"
        primary_key = peewee.CompositeKey("mandant", "art", "nr")
        indexes = ((("mandant", "art", "parent"), False),)


class AlarmRow(Row):
    """What wants a person, per Mandant, kind and detail. `count` only grows; `cleared_at` is null while it stands.

    The order of the last three times matters: MariaDB works an upsert off from left to right.
    """

    mandant = CharField(40, help_text=TECHNICAL)
    kind = CharField(40, help_text=TECHNICAL)
    detail = CharField(80, help_text=TECHNICAL)
    count = IntegerField(help_text=TECHNICAL)
    first_at = UtcField(help_text=TECHNICAL)
    last_at = UtcField(help_text=TECHNICAL)
    cleared_at = UtcField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "alarm"
        primary_key = peewee.CompositeKey("mandant", "kind", "detail")


class BreakerRow(Row):
    """The circuit breaker of each Mandant's channel, shared by all workers.

    `next_probe_at`: before it nothing is tried (open), or the probe that is out has time until then (half_open).
    `told_at` is what the clock of whoever wrote it showed: `next_probe_at` is as wrong as that clock was.
    """

    mandant = CharField(40, primary_key=True, help_text=TECHNICAL)
    state = CharField(10, help_text=TECHNICAL)
    failures = IntegerField(help_text=TECHNICAL)
    since = UtcField(help_text=TECHNICAL)
    next_probe_at = UtcField(null=True, help_text=TECHNICAL)
    last_success_at = UtcField(null=True, help_text=TECHNICAL)
    worker = CharField(100, help_text=TECHNICAL)
    told_at = UtcField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "breaker"


class HeartbeatRow(Row):
    """When something last worked, and first did: the worker's minute, each feed's reading."""

    mandant = CharField(40, help_text=TECHNICAL)
    name = CharField(20, help_text=TECHNICAL)
    beat_at = UtcField(help_text=TECHNICAL)
    first_at = UtcField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "heartbeat"
        primary_key = peewee.CompositeKey("mandant", "name")


class DeliveredRow(Row):
    """How much each Mandant had delivered up to a time, so that nobody counts a million sent rows again."""

    mandant = CharField(40, primary_key=True, help_text=TECHNICAL)
    total = peewee.BigIntegerField(help_text=TECHNICAL)
    counted_until = UtcField(help_text=TECHNICAL)

    class Meta:
        table_name = "delivered"


class NudgeRow(Row):
    """immotion has said by webhook that its feed has something new, and nobody has asked since."""

    mandant = CharField(40, primary_key=True, help_text=TECHNICAL)
    nudged_at = UtcField(help_text=TECHNICAL)

    class Meta:
        table_name = "nudge"


class CatalogMirrorRow(Row):
    """immotion's own catalogs as last read; `checked_at` is null when they are to be read again."""

    mandant = CharField(40, primary_key=True, help_text=TECHNICAL)
    version = CharField(100, help_text=TECHNICAL)
    etag = CharField(255, help_text=TECHNICAL)
    body = JsonField(help_text=TECHNICAL)
    drift = JsonField(help_text=TECHNICAL)
    compared_with = CharField(64, help_text=TECHNICAL)
    changed_at = UtcField(help_text=TECHNICAL)
    checked_at = UtcField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "catalog_mirror"


class ReconcileRow(Row):
    """When each Mandant's Vorgänge are next compared with immotion, and how far that has come.

    Open ones first, in the order of their ids; then, with `closed_from`, those closed since, in the order of that time.
    `everything`: all that was ever closed.
    """

    mandant = CharField(40, primary_key=True, help_text=TECHNICAL)
    due_at = UtcField(help_text=TECHNICAL)
    position = CharField(36, default="", help_text=TECHNICAL)
    lease_until = UtcField(null=True, help_text=TECHNICAL)
    closed_from = UtcField(null=True, help_text=TECHNICAL)
    everything = BooleanField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "reconcile"


class FiledropRow(Row):
    """One package of the file drop channel: its number, and what the ERP answered.

    `aktivitaet_key` is the nil UUID for the Vorgang itself, since engines take two NULLs for different; `answer` is the
    digest of the acknowledgement that was taken over, so that the same one again changes nothing.
    """

    id = BigAutoField(help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    seq = IntegerField(help_text=TECHNICAL)
    vorgang_id = UUIDField(help_text=TECHNICAL)
    aktivitaet_key = UUIDField(help_text=TECHNICAL)
    name = CharField(100, help_text=TECHNICAL)
    created_at = UtcField(help_text=TECHNICAL)
    written_at = UtcField(null=True, help_text=TECHNICAL)
    acknowledged_at = UtcField(null=True, help_text=TECHNICAL)
    result = CharField(10, default="", help_text=TECHNICAL)
    answer = CharField(64, default="", help_text=TECHNICAL)
    immotion_id = CharField(100, default="", help_text=TECHNICAL)
    vorgangsnummer = CharField(100, default="", help_text=TECHNICAL)
    grund = LongTextField(default="", help_text=PERSONAL)

    class Meta:
        table_name = "filedrop"
        indexes = (
            (("mandant", "seq"), True),
            (("mandant", "vorgang_id", "aktivitaet_key"), True),
            (("mandant", "name"), False),
            (("mandant", "acknowledged_at", "written_at"), False),
        )


class FiledropNummerRow(Row):
    """The last number of a package, per Mandant."""

    mandant = CharField(40, primary_key=True, help_text=TECHNICAL)
    letzte = IntegerField(help_text=TECHNICAL)

    class Meta:
        table_name = "filedrop_nummer"


class TotpRow(Row):
    """The app of an account: the secret in force, and one that was begun and is not confirmed yet.

    Both are sealed under `service.encryption_keys`. `last_step` is the last step that was used; failures are those in a
    row of the app and of the recovery codes. `person` is whom the account stood for when the app was set up.
    """

    mandant = CharField(40, help_text=TECHNICAL)
    account = CharField(64, help_text=PERSONAL)
    person = CharField(100, null=True, help_text=PERSONAL)
    sealed = TextField(null=True, help_text=SECRET)
    confirmed_at = UtcField(null=True, help_text=TECHNICAL)
    last_step = peewee.BigIntegerField(default=0, help_text=TECHNICAL)
    pending_sealed = TextField(null=True, help_text=SECRET)
    pending_session = CharField(64, null=True, help_text=TECHNICAL)
    pending_at = UtcField(null=True, help_text=TECHNICAL)
    failures = IntegerField(default=0, help_text=TECHNICAL)
    blocked_until = UtcField(null=True, help_text=TECHNICAL)
    recovery_failures = IntegerField(default=0, help_text=TECHNICAL)
    recovery_blocked_until = UtcField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "totp"
        primary_key = peewee.CompositeKey("mandant", "account")
        indexes = ((("mandant", "person"), False),)


class RecoveryCodeRow(Row):
    """Recovery codes of an account, as argon2id; `slot` is the number that the printed code begins with."""

    mandant = CharField(40, help_text=TECHNICAL)
    account = CharField(64, help_text=PERSONAL)
    slot = IntegerField(help_text=TECHNICAL)
    code_hash = CharField(255, help_text=SECRET)
    created_at = UtcField(help_text=TECHNICAL)
    used_at = UtcField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "recovery_code"
        primary_key = peewee.CompositeKey("mandant", "account", "slot")


class PasskeyRow(Row):
    """A passkey of an account: its public half, and how far its authenticator has counted."""

    id_hash = CharField(64, primary_key=True, help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    account = CharField(64, help_text=PERSONAL)
    credential_id = TextField(help_text=PERSONAL)
    public_key = TextField(help_text=PERSONAL)
    sign_count = peewee.BigIntegerField(help_text=TECHNICAL)
    name = CharField(80, help_text=PERSONAL)
    created_at = UtcField(help_text=TECHNICAL)
    used_at = UtcField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "passkey"
        indexes = ((("mandant", "account"), False),)


class AccountPersonRow(Row):
    """For whom an account may act, by a letter's code. `connection` is where the account comes from."""

    mandant = CharField(40, help_text=TECHNICAL)
    account = CharField(64, help_text=PERSONAL)
    person = CharField(100, help_text=PERSONAL)
    connection = CharField(40, help_text=TECHNICAL)
    linked_at = UtcField(help_text=TECHNICAL)

    class Meta:
        table_name = "account_person"
        primary_key = peewee.CompositeKey("mandant", "account", "person")
        indexes = ((("mandant", "person"), False),)


class ActivationRow(Row):
    """Codes of letters, as argon2id. `selector` is the part of a code that finds its row.

    `fact` names what has to be typed beside the code; only one that came with the list is kept here (`fact_hash`), any
    other is compared with the master data. `failures` counts wrong facts beside the right code.
    """

    mandant = CharField(40, help_text=TECHNICAL)
    selector = CharField(8, help_text=TECHNICAL)
    code_hash = CharField(255, help_text=SECRET)
    purpose = CharField(10, help_text=TECHNICAL)
    person = CharField(100, help_text=PERSONAL)
    fact = CharField(20, help_text=TECHNICAL)
    fact_hash = CharField(255, null=True, help_text=SECRET)
    created_at = UtcField(help_text=TECHNICAL)
    expires_at = UtcField(index=True, help_text=TECHNICAL)
    used_at = UtcField(null=True, help_text=TECHNICAL)
    used_by = CharField(64, null=True, help_text=PERSONAL)
    revoked_at = UtcField(null=True, help_text=TECHNICAL)
    failures = IntegerField(default=0, help_text=TECHNICAL)

    class Meta:
        table_name = "activation"
        primary_key = peewee.CompositeKey("mandant", "selector")
        indexes = ((("mandant", "person"), False),)


class MailRow(Row):
    """A mail that is owed, or was sent. `kind` names its templates; a mail that is sent forgets recipient and facts.

    `sammel` is a digest of account and day of a mail that gathers the news of a day; there is one of each.

    `message_id` is what its Message-ID is made of: it stays the same however often the mail is sent.
    """

    id = BigAutoField(help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    kind = CharField(40, help_text=TECHNICAL)
    account = CharField(64, default="", help_text=PERSONAL)
    recipient = CharField(255, help_text=PERSONAL)
    lang = CharField(10, help_text=TECHNICAL)
    facts = JsonField(help_text=PERSONAL)
    message_id = CharField(64, index=True, help_text=TECHNICAL)
    state = CharField(10, default="waiting", help_text=TECHNICAL)
    created_at = UtcField(help_text=TECHNICAL)
    next_at = UtcField(help_text=TECHNICAL)
    attempts = IntegerField(default=0, help_text=TECHNICAL)
    lease_until = UtcField(null=True, help_text=TECHNICAL)
    touched_at = UtcField(help_text=TECHNICAL)
    fence = IntegerField(default=0, help_text=TECHNICAL)
    sent_at = UtcField(null=True, help_text=TECHNICAL)
    last_error = CharField(255, default="", help_text=TECHNICAL)
    sammel = CharField(64, null=True, unique=True, help_text=PERSONAL)

    class Meta:
        table_name = "mail"
        indexes = (
            (("state", "next_at"), False),
            (("mandant", "state", "created_at"), False),
            (("mandant", "account", "state"), False),
        )


class BenachrichtigungRow(Row):
    """Who wants to be told by mail of what is new, and where; nobody is told before `confirmed_at`.

    `key` stands in the links that end it, and is kept with an empty `email` afterwards, so that the links of old mails
    go on working. `owner` and `owner_person` are the account's owner keys, `person` is the number behind the latter.
    `arten` are the kinds of news that are wanted, null for all; with an hour (`stunde`), once a day then. An address
    that took no mail is left alone from `bounced_at` on; `bounce` is the code that its server gave.
    """

    mandant = CharField(40, help_text=TECHNICAL)
    account = CharField(64, help_text=PERSONAL)
    key = UUIDField(unique=True, help_text=SECRET)
    connection = CharField(40, help_text=TECHNICAL)
    owner = CharField(64, help_text=PERSONAL)
    owner_person = CharField(64, null=True, help_text=PERSONAL)
    email = CharField(255, help_text=PERSONAL)
    lang = CharField(10, help_text=TECHNICAL)
    asked_at = UtcField(index=True, help_text=TECHNICAL)
    confirmed_at = UtcField(null=True, help_text=TECHNICAL)
    arten = CharField(60, null=True, help_text=TECHNICAL)
    stunde = IntegerField(null=True, help_text=TECHNICAL)
    bounced_at = UtcField(null=True, help_text=TECHNICAL)
    bounce = CharField(40, null=True, help_text=TECHNICAL)
    person = CharField(100, null=True, help_text=PERSONAL)

    class Meta:
        table_name = "benachrichtigung"
        primary_key = peewee.CompositeKey("mandant", "account")
        indexes = (
            (("mandant", "owner"), False),
            (("mandant", "owner_person"), False),
        )


class OwnAccountRow(Row):
    """Accounts of the own login. `account` is the key that sessions, links and the second factor hang on.

    `number_key` and `email_key` are the digests of what somebody may sign in by: the Kundennummer, and the e-mail
    address once its owner has opened the link of a mail. `lang` is what mails are written in.
    """

    id = UUIDField(primary_key=True, help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    connection = CharField(40, help_text=TECHNICAL)
    account = CharField(64, help_text=PERSONAL)
    number_key = CharField(64, null=True, help_text=PERSONAL)
    email = CharField(255, help_text=PERSONAL)
    email_key = CharField(64, null=True, help_text=PERSONAL)
    lang = CharField(10, help_text=TECHNICAL)
    password_hash = CharField(255, help_text=SECRET)
    password_at = UtcField(help_text=TECHNICAL)
    created_at = UtcField(help_text=TECHNICAL)

    class Meta:
        table_name = "own_account"
        indexes = (
            (("mandant", "account"), True),
            (("mandant", "number_key"), True),
            (("mandant", "email_key"), True),
        )


class MailLinkRow(Row):
    """What the links of mails to accounts of the own login do, each once: `purpose` is `kennwort` or `email`.

    No part of a link is kept here: it is a signature over the id. `email` is the address that it was sent to.
    """

    id = UUIDField(primary_key=True, help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    account = CharField(64, help_text=PERSONAL)
    purpose = CharField(10, help_text=TECHNICAL)
    email = CharField(255, help_text=PERSONAL)
    created_at = UtcField(help_text=TECHNICAL)
    expires_at = UtcField(index=True, help_text=TECHNICAL)
    used_at = UtcField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "mail_link"
        indexes = ((("mandant", "account"), False),)


class DokumentRow(Row):
    """A document for residents. Nobody sees it until `stored_at`; its bytes may be those of other rows too (`file_id`).

    `quelle` is feed or ordner. `datum`, `von` and `bis` (what period it is about) and `loeschen_nach` are days, as
    YYYY-MM-DD; `level` is the security level that it needs, null for the Mandant's own rule. `unbekannt` are the
    recipients that the master data do not know yet. `dateiname` is as it came until `stored_at`. The columns from
    `fetch_attempts` on are as those of `AnhangRow`. `news` is true while it has recipients that were not told by mail.
    `meldet` is true until immotion was owed that residents see it; from when they do (`eingestellt_at`), and when the
    first of them was told by mail (`benachrichtigt_at`).
    """

    id = UUIDField(primary_key=True, help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    dokument_id = CharField(100, help_text=TECHNICAL)
    quelle = CharField(10, help_text=TECHNICAL)
    art = CharField(40, help_text=TECHNICAL)
    titel = CharField(255, help_text=PERSONAL)
    dateiname = CharField(255, help_text=PERSONAL)
    suche = CharField(600, help_text=PERSONAL)
    datum = CharField(10, help_text=TECHNICAL)
    jahr = IntegerField(help_text=TECHNICAL)
    von = CharField(10, help_text=TECHNICAL)
    bis = CharField(10, help_text=TECHNICAL)
    vorgang_id = UUIDField(null=True, help_text=TECHNICAL)
    level = IntegerField(null=True, help_text=TECHNICAL)
    loeschen_nach = CharField(10, null=True, index=True, help_text=TECHNICAL)
    unbekannt = JsonField(null=True, help_text=PERSONAL)
    mime = CharField(100, help_text=TECHNICAL)
    bytes = peewee.BigIntegerField(help_text=TECHNICAL)
    sha256 = CharField(64, help_text=TECHNICAL)
    seiten = IntegerField(default=0, help_text=TECHNICAL)
    file_id = UUIDField(null=True, index=True, help_text=TECHNICAL)
    created_at = UtcField(help_text=TECHNICAL)
    stored_at = UtcField(null=True, help_text=TECHNICAL)
    fetch_attempts = IntegerField(default=0, help_text=TECHNICAL)
    fetch_at = UtcField(null=True, help_text=TECHNICAL)
    fetch_since = UtcField(null=True, help_text=TECHNICAL)
    fetch_error = CharField(80, null=True, help_text=TECHNICAL)
    parked_at = UtcField(null=True, help_text=TECHNICAL)
    news = BooleanField(null=True, help_text=TECHNICAL)
    meldet = BooleanField(null=True, help_text=TECHNICAL)
    eingestellt_at = UtcField(null=True, help_text=TECHNICAL)
    benachrichtigt_at = UtcField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "dokument"
        indexes = (
            (("mandant", "news"), False),
            (("mandant", "meldet"), False),
            (("mandant", "dokument_id"), True),
            (("mandant", "sha256"), False),
            (("mandant", "stored_at", "parked_at", "fetch_at"), False),
            (("mandant", "art", "datum"), False),
        )


class DokumentZielRow(Row):
    """Whom a document is for. `ziel` is the key (`store.owner`) of a person, an account, a contract, a building or all.

    `von` and `bis` are the document's period, `rolle` the only role that it concerns ("" for every), `vertrag_nr` the
    contract that it is for, or that of a document for one person. It is news from `news_at` on, until whom it reaches
    were told by mail: found by `ziel`, or, of a building or all (`viele`), by a round among all readers.
    """

    ziel = CharField(64, help_text=PERSONAL)
    dokument = UUIDField(index=True, help_text=TECHNICAL)
    vertrag_nr = CharField(100, default="", help_text=PERSONAL)
    rolle = CharField(12, default="", help_text=TECHNICAL)
    von = CharField(10, help_text=TECHNICAL)
    bis = CharField(10, help_text=TECHNICAL)
    news_at = UtcField(null=True, help_text=TECHNICAL)
    viele = BooleanField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "dokument_ziel"
        primary_key = peewee.CompositeKey("ziel", "dokument")
        indexes = ((("dokument", "news_at"), False),)


class RundeRow(Row):
    """A round among all readers of a Mandant who are told of documents by mail: how far it is.

    `ziele` are the documents and keys that it is about, `account` the one that it has come to last.
    """

    mandant = CharField(40, primary_key=True, help_text=TECHNICAL)
    ziele = JsonField(help_text=TECHNICAL)
    account = CharField(64, help_text=PERSONAL)
    begun_at = UtcField(help_text=TECHNICAL)

    class Meta:
        table_name = "runde"


class LesungRow(Row):
    """When somebody first opened a document: `leser` is the owner key of the person, or of an account without one."""

    id = UUIDField(primary_key=True, help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    dokument = UUIDField(help_text=TECHNICAL)
    leser = CharField(64, help_text=PERSONAL)
    person = CharField(100, null=True, help_text=PERSONAL)
    opened_at = UtcField(help_text=TECHNICAL)

    class Meta:
        table_name = "lesung"
        indexes = ((("dokument", "leser"), True),)


class AushangRow(Row):
    """A notice for residents. `art` is HINWEIS, STOERUNG or ARBEITEN, `schwere` INFO, WICHTIG or DRINGEND.

    It is shown from `zeigen_ab` until `bis`, null until it is ended; `von` is since when a fault is known, or when
    works begin. `titel` and `text` are texts by language, the codes empty where it is about no place or kind of damage.
    """

    id = UUIDField(primary_key=True, help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    art = CharField(12, help_text=TECHNICAL)
    schwere = CharField(10, help_text=TECHNICAL)
    titel = JsonField(help_text=TECHNICAL)
    text = JsonField(help_text=TECHNICAL)
    schadensort = CharField(60, help_text=TECHNICAL)
    schadenskategorie = CharField(60, help_text=TECHNICAL)
    oeffentlich = BooleanField(help_text=TECHNICAL)
    zeigen_ab = UtcField(help_text=TECHNICAL)
    von = UtcField(help_text=TECHNICAL)
    bis = UtcField(null=True, help_text=TECHNICAL)
    created_at = UtcField(help_text=TECHNICAL)
    changed_at = UtcField(help_text=TECHNICAL)
    changes = IntegerField(help_text=TECHNICAL)

    class Meta:
        table_name = "aushang"
        indexes = ((("mandant", "id"), False), (("bis",), False))


class AushangZielRow(Row):
    """For which building a notice is; `gebaeude_nr` is "" for all of the Mandant."""

    mandant = CharField(40, help_text=TECHNICAL)
    gebaeude_nr = CharField(100, help_text=TECHNICAL)
    aushang = UUIDField(index=True, help_text=TECHNICAL)

    class Meta:
        table_name = "aushang_ziel"
        primary_key = peewee.CompositeKey("mandant", "gebaeude_nr", "aushang")


class BetroffenRow(Row):
    """Who has said that a fault concerns them, too: the owner key, once for each person."""

    aushang = UUIDField(help_text=TECHNICAL)
    owner = CharField(64, help_text=PERSONAL)
    said_at = UtcField(help_text=TECHNICAL)

    class Meta:
        table_name = "betroffen"
        primary_key = peewee.CompositeKey("aushang", "owner")


class HoldRow(Row):
    """A legal hold: until `ended_at`, nothing of this person or Vorgang is deleted by policy or erasure."""

    id = UUIDField(primary_key=True, help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    person = CharField(100, null=True, help_text=PERSONAL)
    vorgang_id = UUIDField(null=True, help_text=TECHNICAL)
    reason = CharField(200, help_text=PERSONAL)
    created_at = UtcField(help_text=TECHNICAL)
    ended_at = UtcField(null=True, help_text=TECHNICAL)

    class Meta:
        table_name = "hold"
        indexes = ((("mandant", "ended_at"), False),)


class GeloeschtRow(Row):
    """A Vorgang that was deleted here: what immotion still tells of it brings nothing of it back."""

    vorgang_id = UUIDField(primary_key=True, help_text=TECHNICAL)
    mandant = CharField(40, help_text=TECHNICAL)
    immotion_id = CharField(100, null=True, help_text=TECHNICAL)
    deleted_at = UtcField(help_text=TECHNICAL)

    class Meta:
        table_name = "geloescht"
        indexes = ((("mandant", "immotion_id"), False),)


MODELS: tuple[type[Row], ...] = (
    VorgangRow,
    AktivitaetRow,
    AnhangRow,
    DateiRow,
    RueckzugRow,
    OutboxRow,
    EreignisRow,
    FeedRow,
    JtiRow,
    SessionRow,
    CmsSessionRow,
    AuditRow,
    DraftRow,
    CatalogRow,
    NummernkreisRow,
    StammdatenRow,
    AlarmRow,
    BreakerRow,
    HeartbeatRow,
    DeliveredRow,
    NudgeRow,
    CatalogMirrorRow,
    ReconcileRow,
    FiledropRow,
    FiledropNummerRow,
    TotpRow,
    RecoveryCodeRow,
    PasskeyRow,
    AccountPersonRow,
    MailRow,
    BenachrichtigungRow,
    ActivationRow,
    OwnAccountRow,
    MailLinkRow,
    DokumentRow,
    DokumentZielRow,
    RundeRow,
    LesungRow,
    AushangRow,
    AushangZielRow,
    BetroffenRow,
    HoldRow,
    GeloeschtRow,
)
