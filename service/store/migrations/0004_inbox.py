"""Nudges by webhook, the catalog mirror, the reconcile, full passes of the master data, and a total order of events."""

import peewee
from peewee import CharField


class LongText(peewee.TextField):
    field_type = "LONGTEXT"


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class Nudge(Table):
    mandant = CharField(40, primary_key=True)
    nudged_at = peewee.BigIntegerField()

    class Meta:
        table_name = "nudge"


class CatalogMirror(Table):
    mandant = CharField(40, primary_key=True)
    version = CharField(100)
    etag = CharField(255)
    body = LongText()
    drift = LongText()
    compared_with = CharField(64)
    changed_at = peewee.BigIntegerField()
    checked_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "catalog_mirror"


class Reconcile(Table):
    mandant = CharField(40, primary_key=True)
    due_at = peewee.BigIntegerField()
    position = CharField(36)
    lease_until = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "reconcile"


TABLES = (Nudge, CatalogMirror, Reconcile)


def up(migrator, db):
    """Create the tables; add columns that the version still running need not fill."""
    for table in TABLES:
        if isinstance(db, peewee.MySQLDatabase):
            table._meta.table_settings = ["CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"]
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES, safe=False)
    migrator.migrate(
        migrator.add_column("vorgang", "status_tie", CharField(32, null=True)),
        migrator.add_column("vorgang", "sachbearbeiter_tie", CharField(32, null=True)),
        migrator.add_column("vorgang", "termin_tie", CharField(32, null=True)),
        migrator.add_index("vorgang", ("mandant", "offen", "id")),
        migrator.add_column("outbox", "owed_again_at", peewee.BigIntegerField(null=True)),
        migrator.add_column("feed", "full_since", peewee.BigIntegerField(null=True)),
        migrator.add_column("stammdaten", "full_since", peewee.BigIntegerField(null=True)),
    )
