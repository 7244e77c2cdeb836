"""Nudges by webhook, the catalog mirror, the reconcile, full passes of the master data, and a total order of events."""

import peewee
from peewee import CharField

from service.store.migration_steps import add_columns, add_index, create_tables


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
    """Create the tables; add the columns and the index."""
    create_tables(db, TABLES)
    ties = {"status_tie": CharField(32, null=True), "sachbearbeiter_tie": CharField(32, null=True)}
    add_columns(migrator, db, "vorgang", ties | {"termin_tie": CharField(32, null=True)})
    add_index(migrator, db, "vorgang", ("mandant", "offen", "id"))
    add_columns(migrator, db, "outbox", {"owed_again_at": peewee.BigIntegerField(null=True)})
    for table in ("feed", "stammdaten"):
        add_columns(migrator, db, table, {"full_since": peewee.BigIntegerField(null=True)})
