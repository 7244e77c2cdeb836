"""What residents want to be told of and when, addresses that take no mail, documents that nobody was told of yet."""

import peewee
from peewee import BooleanField, CharField, IntegerField

from service.store.migration_steps import add_columns, add_index


def up(migrator, db):
    """Add the columns and indexes; each column may be absent for the version still running."""
    chosen = {
        "arten": CharField(60, null=True),
        "stunde": IntegerField(null=True),
        "bounced_at": peewee.BigIntegerField(null=True),
        "bounce": CharField(40, null=True),
    }
    add_columns(migrator, db, "benachrichtigung", chosen)
    add_columns(migrator, db, "mail", {"sammel": CharField(64, null=True)})
    add_index(migrator, db, "mail", ("sammel",), unique=True)
    add_index(migrator, db, "mail", ("message_id",))
    add_columns(migrator, db, "vorgang", {"told_arten": CharField(60, null=True)})
    add_columns(migrator, db, "dokument", {"news": BooleanField(null=True)})
    add_index(migrator, db, "dokument", ("mandant", "news"))
