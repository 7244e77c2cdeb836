"""Sessions of the CMS: when one was ended, so that what was signed before no longer lets anybody in."""

import peewee
from peewee import CharField

from service.store.migration_steps import create_tables


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class CmsSession(Table):
    mandant = CharField(40)
    key = CharField(64)
    connection = CharField(40)
    cms_session = CharField(64)
    ended_at = peewee.BigIntegerField(null=True)
    updated_at = peewee.BigIntegerField(index=True)

    class Meta:
        table_name = "cms_session"
        primary_key = peewee.CompositeKey("mandant", "key")
        indexes = ((("mandant", "connection", "cms_session"), False),)


def up(migrator, db):
    """Create the table."""
    create_tables(db, (CmsSession,))
