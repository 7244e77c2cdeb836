"""An installation for the command line, with its database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store.database import database, open_database
from service.store.migrate import migrate
from tests.support.portal import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """One of which nothing runs; its database is there, empty, and open."""
    made = Installation(tmp_path)
    open_database(made.database)
    migrate()
    yield made
    database.obj.close_all()
