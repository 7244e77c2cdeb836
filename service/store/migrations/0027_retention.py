"""Documents without a last day of their own are deleted by their kind and date."""

from service.store.migration_steps import add_index


def up(migrator, db):
    """Add the index that finds them."""
    add_index(migrator, db, "dokument", ("mandant", "art", "datum"))
