"""Level 2: the app of an account, its recovery codes, and what a session of the CMS was confirmed by."""

import peewee
from peewee import CharField, IntegerField

from service.store.migration_steps import add_columns, create_tables


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class Totp(Table):
    mandant = CharField(40)
    account = CharField(64)
    person = CharField(100, null=True)
    sealed = peewee.TextField(null=True)
    confirmed_at = peewee.BigIntegerField(null=True)
    last_step = peewee.BigIntegerField()
    pending_sealed = peewee.TextField(null=True)
    pending_session = CharField(64, null=True)
    pending_at = peewee.BigIntegerField(null=True)
    failures = IntegerField()
    blocked_until = peewee.BigIntegerField(null=True)
    recovery_failures = IntegerField()
    recovery_blocked_until = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "totp"
        primary_key = peewee.CompositeKey("mandant", "account")
        indexes = ((("mandant", "person"), False),)


class RecoveryCode(Table):
    mandant = CharField(40)
    account = CharField(64)
    slot = IntegerField()
    code_hash = CharField(255)
    created_at = peewee.BigIntegerField()
    used_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "recovery_code"
        primary_key = peewee.CompositeKey("mandant", "account", "slot")


def up(migrator, db):
    """Create the tables and add the columns."""
    create_tables(db, (Totp, RecoveryCode))
    columns = {
        "account": CharField(64, null=True),
        "level2_until": peewee.BigIntegerField(null=True),
        "level2_by": CharField(10, null=True),
        "level2_failures": IntegerField(null=True),
        "level2_blocked_until": peewee.BigIntegerField(null=True),
    }
    add_columns(migrator, db, "cms_session", columns)
