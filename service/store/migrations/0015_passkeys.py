"""Passkeys of accounts."""

import peewee
from peewee import CharField

from service.store.migration_steps import create_tables


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class Passkey(Table):
    id_hash = CharField(64, primary_key=True)
    mandant = CharField(40)
    account = CharField(64)
    credential_id = peewee.TextField()
    public_key = peewee.TextField()
    sign_count = peewee.BigIntegerField()
    name = CharField(80)
    created_at = peewee.BigIntegerField()
    used_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "passkey"
        indexes = ((("mandant", "account"), False),)


def up(migrator, db):
    """Create the table."""
    create_tables(db, (Passkey,))
