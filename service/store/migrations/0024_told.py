"""Whom documents are news for, recipient by recipient; rounds among many readers; what immotion hears of delivery."""

import peewee
from peewee import BooleanField, CharField, UUIDField

from service.store.migration_steps import add_columns, add_index, create_tables


class LongTextField(peewee.TextField):
    field_type = "LONGTEXT"


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class Runde(Table):
    mandant = CharField(40, primary_key=True)
    ziele = LongTextField()
    account = CharField(64)
    begun_at = peewee.BigIntegerField()

    class Meta:
        table_name = "runde"


def up(migrator, db):
    """Add the table, the columns and the indexes; each column may be absent for the version still running."""
    create_tables(db, (Runde,))
    add_columns(
        migrator,
        db,
        "dokument_ziel",
        {"news_at": peewee.BigIntegerField(null=True), "viele": BooleanField(null=True)},
    )
    add_index(migrator, db, "dokument_ziel", ("dokument", "news_at"))
    told = {
        "meldet": BooleanField(null=True),
        "eingestellt_at": peewee.BigIntegerField(null=True),
        "benachrichtigt_at": peewee.BigIntegerField(null=True),
    }
    add_columns(migrator, db, "dokument", told)
    add_index(migrator, db, "dokument", ("mandant", "meldet"))
    owed = {"dokument": UUIDField(null=True), "quittung": CharField(20, null=True)}
    add_columns(migrator, db, "outbox", owed)
    add_columns(migrator, db, "benachrichtigung", {"person": CharField(100, null=True)})
