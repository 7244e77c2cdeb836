"""What the clock of the worker showed that last wrote a breaker down."""

import peewee

from service.store.migration_steps import add_columns


def up(migrator, db):
    """Add the column."""
    add_columns(migrator, db, "breaker", {"told_at": peewee.BigIntegerField(null=True)})
