"""Statements for the rows of many keys: written once for a size, right for every number of keys."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from service.store import vorgaenge
from service.store.database import connected, in_transaction, open_database
from service.store.migrate import migrate
from tests.support.databases import new_database
from tests.support.vorgaenge import some_vorgang


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> Iterator[None]:
    opened = open_database(new_database(tmp_path))
    migrate()
    with connected():
        yield
    opened.close_all()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 8, 33])
def test_so_many_keys_find_just_their_rows_whole(count: int) -> None:
    filed = [some_vorgang(id=uuid4(), meldezeit=datetime(2026, 11, 26, 8, number, tzinfo=UTC)) for number in range(40)]
    in_transaction(lambda: [vorgaenge.insert(vorgang) for vorgang in filed])
    wanted = filed[:count]
    found = vorgaenge.by_ids([vorgang.id for vorgang in wanted] + [uuid4()] * bool(count))
    assert found == {vorgang.id: vorgang for vorgang in wanted}
