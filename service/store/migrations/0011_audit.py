"""The audit log."""

import peewee
from peewee import BigAutoField, BigIntegerField, CharField, TextField

from service.store.migration_steps import create_tables


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class Audit(Table):
    id = BigAutoField()
    mandant = CharField(40)
    at = BigIntegerField(index=True)
    event = CharField(40)
    actor = CharField(10)
    connection = CharField(40)
    account = CharField(64, null=True)
    person = CharField(100, null=True)
    subject = CharField(100)
    address = CharField(45)
    request_id = CharField(64)
    facts = TextField()

    class Meta:
        table_name = "audit"
        indexes = (
            (("mandant", "id"), False),
            (("mandant", "account", "id"), False),
            (("mandant", "person", "id"), False),
        )


def up(migrator, db):
    """Create the table."""
    create_tables(db, (Audit,))
