"""Notices for residents, whom they are for, and who has said that a fault concerns them, too."""

import peewee
from peewee import BooleanField, CharField, IntegerField, UUIDField

from service.store.migration_steps import create_tables


class LongText(peewee.TextField):
    field_type = "LONGTEXT"


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class Aushang(Table):
    id = UUIDField(primary_key=True)
    mandant = CharField(40)
    art = CharField(12)
    schwere = CharField(10)
    titel = LongText()
    text = LongText()
    schadensort = CharField(60)
    schadenskategorie = CharField(60)
    oeffentlich = BooleanField()
    zeigen_ab = peewee.BigIntegerField()
    von = peewee.BigIntegerField()
    bis = peewee.BigIntegerField(null=True)
    created_at = peewee.BigIntegerField()
    changed_at = peewee.BigIntegerField()
    changes = IntegerField()

    class Meta:
        table_name = "aushang"
        indexes = ((("mandant", "id"), False), (("bis",), False))


class AushangZiel(Table):
    mandant = CharField(40)
    gebaeude_nr = CharField(100)
    aushang = UUIDField(index=True)

    class Meta:
        table_name = "aushang_ziel"
        primary_key = peewee.CompositeKey("mandant", "gebaeude_nr", "aushang")


class Betroffen(Table):
    aushang = UUIDField()
    owner = CharField(64)
    said_at = peewee.BigIntegerField()

    class Meta:
        table_name = "betroffen"
        primary_key = peewee.CompositeKey("aushang", "owner")


def up(migrator, db):
    """Create the tables."""
    create_tables(db, (Aushang, AushangZiel, Betroffen))
