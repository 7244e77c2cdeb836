"""When announced documents are fetched, which were parked, and which immotion has withdrawn."""

import peewee
from peewee import CharField, IntegerField

from service.store.migration_steps import add_columns, add_index, create_tables


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class Rueckzug(Table):
    mandant = CharField(40)
    dokument_id = CharField(100)
    withdrawn_at = peewee.BigIntegerField()

    class Meta:
        table_name = "rueckzug"
        primary_key = peewee.CompositeKey("mandant", "dokument_id")


def up(migrator, db):
    """Create the table; add the columns, which nobody need fill, and the indexes that documents are found by."""
    create_tables(db, (Rueckzug,))
    moments = {name: peewee.BigIntegerField(null=True) for name in ("fetch_at", "fetch_since", "parked_at")}
    told = {"fetch_attempts": IntegerField(null=True), "fetch_error": CharField(80, null=True)}
    add_columns(migrator, db, "anhang", moments | told)
    add_index(migrator, db, "anhang", ("mandant", "stored_at", "parked_at", "fetch_at"))
    add_index(migrator, db, "anhang", ("mandant", "dokument_id"))
