"""Linking: persons of an account, codes of letters, whom a session stands for, and whom a draft is for."""

import peewee
from peewee import CharField, IntegerField

from service.store.migration_steps import add_columns, create_tables


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class AccountPerson(Table):
    mandant = CharField(40)
    account = CharField(64)
    person = CharField(100)
    connection = CharField(40)
    linked_at = peewee.BigIntegerField()

    class Meta:
        table_name = "account_person"
        primary_key = peewee.CompositeKey("mandant", "account", "person")
        indexes = ((("mandant", "person"), False),)


class Activation(Table):
    mandant = CharField(40)
    selector = CharField(8)
    code_hash = CharField(255)
    purpose = CharField(10)
    person = CharField(100)
    fact = CharField(20)
    fact_hash = CharField(255, null=True)
    created_at = peewee.BigIntegerField()
    expires_at = peewee.BigIntegerField(index=True)
    used_at = peewee.BigIntegerField(null=True)
    used_by = CharField(64, null=True)
    revoked_at = peewee.BigIntegerField(null=True)
    failures = IntegerField()

    class Meta:
        table_name = "activation"
        primary_key = peewee.CompositeKey("mandant", "selector")
        indexes = ((("mandant", "person"), False),)


def up(migrator, db):
    """Create the tables and add the columns."""
    create_tables(db, (AccountPerson, Activation))
    add_columns(migrator, db, "cms_session", {"person": CharField(100, null=True)})
    add_columns(migrator, db, "draft", {"owner": CharField(64, null=True)})
