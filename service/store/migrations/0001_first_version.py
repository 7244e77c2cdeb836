"""Every table of the first version. A frozen copy: no model of the running code is imported."""

import peewee
from peewee import BigAutoField, BooleanField, CharField, IntegerField, TextField, UUIDField


class LongText(peewee.TextField):
    field_type = "LONGTEXT"


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class Vorgang(Table):
    id = UUIDField(primary_key=True)
    mandant = CharField(40)
    owner = CharField(64)
    form_key = UUIDField(null=True, unique=True)
    fingerprint = CharField(64, null=True)
    meldenummer = CharField(20)
    typ = CharField(20)
    kanal = CharField(20)
    betreff = CharField(255)
    beschreibung = LongText()
    erreichbar = TextField()
    labels = LongText()
    details = LongText()
    melder = LongText()
    objekt = LongText()
    routing = LongText()
    catalog_version = CharField(100)
    meldezeit = peewee.BigIntegerField()
    request_id = CharField(64)
    immotion_id = CharField(100, null=True)
    vorgangsnummer = CharField(100, null=True)
    status = CharField(40)
    status_at = peewee.BigIntegerField()
    status_seq = IntegerField()
    status_text = TextField()
    offen = BooleanField()
    sachbearbeiter = CharField(200)
    sachbearbeiter_seq = IntegerField()
    termin = LongText(null=True)
    termin_seq = IntegerField()
    unread = IntegerField()

    class Meta:
        table_name = "vorgang"
        indexes = (
            (("mandant", "owner", "id"), False),
            (("mandant", "owner", "offen", "id"), False),
            (("mandant", "meldenummer"), True),
            (("mandant", "immotion_id"), True),
        )


class Aktivitaet(Table):
    id = UUIDField(primary_key=True)
    vorgang_id = UUIDField()
    zeit = peewee.BigIntegerField()
    art = CharField(40)
    author = CharField(20)
    author_name = CharField(200)
    text = LongText()
    daten = LongText()
    seq = IntegerField(null=True)

    class Meta:
        table_name = "aktivitaet"
        indexes = ((("vorgang_id", "zeit", "id"), False),)


class Anhang(Table):
    id = UUIDField(primary_key=True)
    mandant = CharField(40)
    draft_id = UUIDField(null=True, index=True)
    vorgang_id = UUIDField(null=True, index=True)
    aktivitaet_id = UUIDField(null=True)
    dokument_id = CharField(100, null=True)
    dateiname = CharField(255)
    mime = CharField(100)
    bytes = peewee.BigIntegerField()
    sha256 = CharField(64)
    position = IntegerField()
    created_at = peewee.BigIntegerField()
    stored_at = peewee.BigIntegerField(null=True, index=True)

    class Meta:
        table_name = "anhang"


class Outbox(Table):
    id = BigAutoField()
    mandant = CharField(40)
    vorgang_id = UUIDField()
    aktivitaet_id = UUIDField(null=True, index=True)
    state = CharField(10)
    created_at = peewee.BigIntegerField()
    next_at = peewee.BigIntegerField()
    attempts = IntegerField()
    outcome_unknown = BooleanField()
    lease_until = peewee.BigIntegerField(null=True)
    fence = IntegerField()
    sent_at = peewee.BigIntegerField(null=True)
    last_error = CharField(255)
    request_id = CharField(64)

    class Meta:
        table_name = "outbox"
        indexes = (
            (("state", "next_at"), False),
            (("vorgang_id", "state", "id"), False),
        )


class Ereignis(Table):
    id = BigAutoField()
    mandant = CharField(40)
    ereignis_id = CharField(100)
    externe_id = CharField(100)
    immotion_id = CharField(100)
    body = LongText()
    received_at = peewee.BigIntegerField()
    state = CharField(10)

    class Meta:
        table_name = "ereignis"
        indexes = (
            (("mandant", "ereignis_id"), True),
            (("state", "id"), False),
        )


class Feed(Table):
    mandant = CharField(40)
    feed = CharField(20)
    cursor = CharField(255)
    moved_at = peewee.BigIntegerField()

    class Meta:
        table_name = "feed"
        primary_key = peewee.CompositeKey("mandant", "feed")


class Jti(Table):
    mandant = CharField(40)
    iss = CharField(40)
    jti_hash = CharField(64)
    expires_at = peewee.BigIntegerField(index=True)

    class Meta:
        table_name = "jti"
        primary_key = peewee.CompositeKey("mandant", "iss", "jti_hash")


class Session(Table):
    secret_hash = CharField(64, primary_key=True)
    mandant = CharField(40)
    connection = CharField(40)
    account = CharField(64)
    cms_session = CharField(64)
    person = CharField(100, null=True)
    name = CharField(255)
    email = CharField(255)
    lang = CharField(10)
    roles = LongText()
    created_at = peewee.BigIntegerField()
    seen_at = peewee.BigIntegerField(index=True)

    class Meta:
        table_name = "session"
        indexes = ((("mandant", "connection", "cms_session"), False),)


class Draft(Table):
    id = UUIDField(primary_key=True)
    mandant = CharField(40)
    account = CharField(64)
    form = CharField(60)
    fields = LongText()
    updated_at = peewee.BigIntegerField(index=True)

    class Meta:
        table_name = "draft"
        indexes = ((("mandant", "account", "form", "updated_at"), False),)


class Catalog(Table):
    id = BigAutoField()
    mandant = CharField(40)
    version = CharField(100)
    digest = CharField(64)
    body = LongText()
    imported_at = peewee.BigIntegerField()

    class Meta:
        table_name = "catalog"
        indexes = ((("mandant", "id"), False),)


class Nummernkreis(Table):
    mandant = CharField(40)
    jahr = IntegerField()
    letzte = IntegerField()

    class Meta:
        table_name = "nummernkreis"
        primary_key = peewee.CompositeKey("mandant", "jahr")


class Stammdaten(Table):
    mandant = CharField(40)
    art = CharField(10)
    nr = CharField(100)
    parent = CharField(100)
    einheit_nr = CharField(100)
    daten = LongText()

    class Meta:
        table_name = "stammdaten"
        primary_key = peewee.CompositeKey("mandant", "art", "nr")
        indexes = ((("mandant", "art", "parent"), False),)


TABLES = (Vorgang, Aktivitaet, Anhang, Outbox, Ereignis, Feed, Jti, Session, Draft, Catalog, Nummernkreis, Stammdaten)


def up(migrator, db):
    """Create the tables; MariaDB compares bytes, as the other engines do."""
    for table in TABLES:
        if isinstance(db, peewee.MySQLDatabase):
            table._meta.table_settings = ["CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"]
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES, safe=False)
