"""By which Aktivität immotion gets a file that was in quarantine when its own delivery went."""

from peewee import UUIDField

from service.store.migration_steps import add_columns


def up(migrator, db):
    """Add the column; the version still running leaves it empty."""
    add_columns(migrator, db, "anhang", {"nachgereicht": UUIDField(null=True)})
