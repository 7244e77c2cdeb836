"""Packages of the file drop and their numbers. A frozen copy: no model of the running code is imported."""

import peewee
from peewee import BigAutoField, CharField, IntegerField, UUIDField


class LongText(peewee.TextField):
    field_type = "LONGTEXT"


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class Filedrop(Table):
    id = BigAutoField()
    mandant = CharField(40)
    seq = IntegerField()
    vorgang_id = UUIDField()
    aktivitaet_key = UUIDField()
    name = CharField(100)
    created_at = peewee.BigIntegerField()
    written_at = peewee.BigIntegerField(null=True)
    acknowledged_at = peewee.BigIntegerField(null=True)
    result = CharField(10)
    answer = CharField(64)
    immotion_id = CharField(100)
    vorgangsnummer = CharField(100)
    grund = LongText()

    class Meta:
        table_name = "filedrop"
        indexes = (
            (("mandant", "seq"), True),
            (("mandant", "vorgang_id", "aktivitaet_key"), True),
            (("mandant", "name"), False),
            (("mandant", "acknowledged_at", "written_at"), False),
        )


class FiledropNummer(Table):
    mandant = CharField(40, primary_key=True)
    letzte = IntegerField()

    class Meta:
        table_name = "filedrop_nummer"


TABLES = (Filedrop, FiledropNummer)


def up(migrator, db):
    """Create the tables; MariaDB compares bytes, as the other engines do."""
    for table in TABLES:
        if isinstance(db, peewee.MySQLDatabase):
            table._meta.table_settings = ["CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"]
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES, safe=False)
