"""The own login: its accounts, the links of its mails, and by what device a session was begun."""

import peewee
from peewee import CharField, UUIDField

from service.store.migration_steps import add_columns, add_index, create_tables


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class OwnAccount(Table):
    id = UUIDField(primary_key=True)
    mandant = CharField(40)
    connection = CharField(40)
    account = CharField(64)
    number_key = CharField(64, null=True)
    email = CharField(255)
    email_key = CharField(64, null=True)
    lang = CharField(10)
    password_hash = CharField(255)
    password_at = peewee.BigIntegerField()
    created_at = peewee.BigIntegerField()

    class Meta:
        table_name = "own_account"
        indexes = (
            (("mandant", "account"), True),
            (("mandant", "number_key"), True),
            (("mandant", "email_key"), True),
        )


class MailLink(Table):
    id = UUIDField(primary_key=True)
    mandant = CharField(40)
    account = CharField(64)
    purpose = CharField(10)
    email = CharField(255)
    created_at = peewee.BigIntegerField()
    expires_at = peewee.BigIntegerField(index=True)
    used_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "mail_link"
        indexes = ((("mandant", "account"), False),)


def up(migrator, db):
    """Create the tables, add the column and the index."""
    create_tables(db, (OwnAccount, MailLink))
    add_columns(migrator, db, "session", {"device": CharField(80, null=True)})
    add_index(migrator, db, "session", ("mandant", "account"))
