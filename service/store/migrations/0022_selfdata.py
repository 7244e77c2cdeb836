"""Legal holds, and the Vorgänge that were deleted here."""

import peewee
from peewee import CharField, UUIDField

from service.store.migration_steps import create_tables


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class Hold(Table):
    id = UUIDField(primary_key=True)
    mandant = CharField(40)
    person = CharField(100, null=True)
    vorgang_id = UUIDField(null=True)
    reason = CharField(200)
    created_at = peewee.BigIntegerField()
    ended_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "hold"
        indexes = ((("mandant", "ended_at"), False),)


class Geloescht(Table):
    vorgang_id = UUIDField(primary_key=True)
    mandant = CharField(40)
    immotion_id = CharField(100, null=True)
    deleted_at = peewee.BigIntegerField()

    class Meta:
        table_name = "geloescht"
        indexes = ((("mandant", "immotion_id"), False),)


def up(migrator, db):
    """Create the tables."""
    create_tables(db, (Hold, Geloescht))
