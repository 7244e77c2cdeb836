"""Cursors of any length, clocks that were wrong, first heartbeats, and a comparison that knows what is closed."""

import peewee
from peewee import BooleanField

from service.store.migration_steps import add_columns, add_index


def up(migrator, db):
    """Lengthen the cursor; add the columns and the index. Each column may be absent for the version still running."""
    moment = peewee.BigIntegerField
    lengthen_cursor(db)
    add_columns(migrator, db, "outbox", {"touched_at": moment(null=True)})
    add_columns(migrator, db, "heartbeat", {"first_at": moment(null=True)})
    stages = {"closed_from": moment(null=True), "everything": BooleanField(null=True)}
    add_columns(migrator, db, "reconcile", stages)
    add_index(migrator, db, "vorgang", ("mandant", "offen", "status_at", "id"))


def lengthen_cursor(db):
    """Make it TEXT; SQLite keeps texts of any length whatever the column says."""
    if isinstance(db, peewee.MySQLDatabase):
        db.execute_sql("ALTER TABLE feed MODIFY `cursor` TEXT NOT NULL")
    elif isinstance(db, peewee.PostgresqlDatabase):
        db.execute_sql('ALTER TABLE feed ALTER COLUMN "cursor" TYPE TEXT')
