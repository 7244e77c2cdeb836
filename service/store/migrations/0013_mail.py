"""Mails that are owed, and who wants to be told by mail of what is new."""

import peewee
from peewee import BigAutoField, CharField, IntegerField, UUIDField

from service.store.migration_steps import create_tables


class LongText(peewee.TextField):
    field_type = "LONGTEXT"


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class Mail(Table):
    id = BigAutoField()
    mandant = CharField(40)
    kind = CharField(40)
    account = CharField(64)
    recipient = CharField(255)
    lang = CharField(10)
    facts = LongText()
    message_id = CharField(64)
    state = CharField(10)
    created_at = peewee.BigIntegerField()
    next_at = peewee.BigIntegerField()
    attempts = IntegerField()
    lease_until = peewee.BigIntegerField(null=True)
    touched_at = peewee.BigIntegerField()
    fence = IntegerField()
    sent_at = peewee.BigIntegerField(null=True)
    last_error = CharField(255)

    class Meta:
        table_name = "mail"
        indexes = (
            (("state", "next_at"), False),
            (("mandant", "state", "created_at"), False),
            (("mandant", "account", "state"), False),
        )


class Benachrichtigung(Table):
    mandant = CharField(40)
    account = CharField(64)
    key = UUIDField(unique=True)
    connection = CharField(40)
    owner = CharField(64)
    owner_person = CharField(64, null=True)
    email = CharField(255)
    lang = CharField(10)
    asked_at = peewee.BigIntegerField(index=True)
    confirmed_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "benachrichtigung"
        primary_key = peewee.CompositeKey("mandant", "account")
        indexes = (
            (("mandant", "owner"), False),
            (("mandant", "owner_person"), False),
        )


def up(migrator, db):
    """Create both tables."""
    create_tables(db, (Mail, Benachrichtigung))
