"""The key of each kept file, and what the virus scan said of it."""

import peewee
from peewee import CharField, IntegerField, TextField, UUIDField

from service.store.migration_steps import create_tables


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class Datei(Table):
    id = UUIDField(primary_key=True)
    mandant = CharField(40)
    created_at = peewee.BigIntegerField()
    sealed_key = TextField(null=True)
    scan = CharField(12, null=True)
    scan_at = peewee.BigIntegerField(null=True)
    scan_attempts = IntegerField()
    found = CharField(100)

    class Meta:
        table_name = "datei"
        indexes = ((("mandant", "scan", "scan_at"), False),)


def up(migrator, db):
    """Create the table; what was kept before has no row in it."""
    create_tables(db, (Datei,))
