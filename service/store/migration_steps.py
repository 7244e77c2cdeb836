"""What migrations are made of. Each step leaves alone what is there already.

MariaDB commits every statement, so that a migration may have ended halfway and be run again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import peewee

Migrator: TypeAlias = Any  # playhouse has no types


def create_tables(db: peewee.Database, tables: Sequence[type[peewee.Model]]) -> None:
    """Create the tables, comparing bytes on MariaDB too."""
    for table in tables:
        if isinstance(db, peewee.MySQLDatabase):
            table._meta.table_settings = ["CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"]  # noqa: SLF001 - the only way
    with db.bind_ctx(tables):
        db.create_tables(tables, safe=True)


def add_columns(migrator: Migrator, db: peewee.Database, table: str, columns: Mapping[str, peewee.Field]) -> None:
    """Add columns that the version still running need not fill."""
    there = {column.name for column in db.get_columns(table)}
    migrator.migrate(*[migrator.add_column(table, name, field) for name, field in columns.items() if name not in there])


def add_index(
    migrator: Migrator, db: peewee.Database, table: str, columns: tuple[str, ...], *, unique: bool = False
) -> None:
    """Add an index over these columns."""
    if columns not in {tuple(index.columns) for index in db.get_indexes(table)}:
        migrator.migrate(migrator.add_index(table, columns, unique))
