"""Which files wait for the virus scan is asked every second, of all Mandanten at once."""

from service.store.migration_steps import add_index


def up(migrator, db):
    """Add the index that finds them among all that were scanned."""
    add_index(migrator, db, "datei", ("scan", "scan_at"))
