"""What the operator sees and steers: alarms, breakers, heartbeats, a running total, and the indexes to count by."""

import peewee
from peewee import CharField, IntegerField


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class Alarm(Table):
    mandant = CharField(40)
    kind = CharField(40)
    detail = CharField(80)
    count = IntegerField()
    first_at = peewee.BigIntegerField()
    last_at = peewee.BigIntegerField()
    cleared_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "alarm"
        primary_key = peewee.CompositeKey("mandant", "kind", "detail")


class Breaker(Table):
    mandant = CharField(40, primary_key=True)
    state = CharField(10)
    failures = IntegerField()
    since = peewee.BigIntegerField()
    next_probe_at = peewee.BigIntegerField(null=True)
    last_success_at = peewee.BigIntegerField(null=True)
    worker = CharField(100)

    class Meta:
        table_name = "breaker"


class Heartbeat(Table):
    mandant = CharField(40)
    name = CharField(20)
    beat_at = peewee.BigIntegerField()

    class Meta:
        table_name = "heartbeat"
        primary_key = peewee.CompositeKey("mandant", "name")


class Delivered(Table):
    mandant = CharField(40, primary_key=True)
    total = peewee.BigIntegerField()
    counted_until = peewee.BigIntegerField()

    class Meta:
        table_name = "delivered"


TABLES = (Alarm, Breaker, Heartbeat, Delivered)


INDEXES = (("mandant", "state", "created_at"), ("mandant", "sent_at"))


def up(migrator, db):
    """Create the tables, comparing bytes on MariaDB too; add the column and the indexes of the outbox.

    What is there already is left alone: MariaDB commits each statement, so that a migration may have ended halfway.
    """
    for table in TABLES:
        if isinstance(db, peewee.MySQLDatabase):
            table._meta.table_settings = ["CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"]
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES, safe=True)
    if "retried_at" not in {column.name for column in db.get_columns("outbox")}:
        migrator.migrate(migrator.add_column("outbox", "retried_at", peewee.BigIntegerField(null=True)))
    there = {tuple(index.columns) for index in db.get_indexes("outbox")}
    migrator.migrate(*[migrator.add_index("outbox", columns) for columns in INDEXES if columns not in there])
