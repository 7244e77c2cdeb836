"""Documents for residents, whom they are for, who has opened them; the outbox row that tells immotion so."""

import peewee
from peewee import CharField, IntegerField, UUIDField

from service.store.migration_steps import add_columns, create_tables


class LongText(peewee.TextField):
    field_type = "LONGTEXT"


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class Dokument(Table):
    id = UUIDField(primary_key=True)
    mandant = CharField(40)
    dokument_id = CharField(100)
    quelle = CharField(10)
    art = CharField(40)
    titel = CharField(255)
    dateiname = CharField(255)
    suche = CharField(600)
    datum = CharField(10)
    jahr = IntegerField()
    von = CharField(10)
    bis = CharField(10)
    vorgang_id = UUIDField(null=True)
    level = IntegerField(null=True)
    loeschen_nach = CharField(10, null=True, index=True)
    unbekannt = LongText(null=True)
    mime = CharField(100)
    bytes = peewee.BigIntegerField()
    sha256 = CharField(64)
    seiten = IntegerField()
    file_id = UUIDField(null=True, index=True)
    created_at = peewee.BigIntegerField()
    stored_at = peewee.BigIntegerField(null=True)
    fetch_attempts = IntegerField()
    fetch_at = peewee.BigIntegerField(null=True)
    fetch_since = peewee.BigIntegerField(null=True)
    fetch_error = CharField(80, null=True)
    parked_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "dokument"
        indexes = (
            (("mandant", "dokument_id"), True),
            (("mandant", "sha256"), False),
            (("mandant", "stored_at", "parked_at", "fetch_at"), False),
        )


class DokumentZiel(Table):
    ziel = CharField(64)
    dokument = UUIDField(index=True)
    vertrag_nr = CharField(100)
    rolle = CharField(12)
    von = CharField(10)
    bis = CharField(10)

    class Meta:
        table_name = "dokument_ziel"
        primary_key = peewee.CompositeKey("ziel", "dokument")


class Lesung(Table):
    id = UUIDField(primary_key=True)
    mandant = CharField(40)
    dokument = UUIDField()
    leser = CharField(64)
    person = CharField(100, null=True)
    opened_at = peewee.BigIntegerField()

    class Meta:
        table_name = "lesung"
        indexes = ((("dokument", "leser"), True),)


def up(migrator, db):
    """Create the tables; add the column, which the version still running need not fill."""
    create_tables(db, (Dokument, DokumentZiel, Lesung))
    add_columns(migrator, db, "outbox", {"lesung_id": UUIDField(null=True)})
