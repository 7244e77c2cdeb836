"""The first page stays cheap however many Vorgänge there are."""

import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import falcon.testing
import pytest

from cms_adapters import tokens
from service.app import create_app
from service.settings import load_settings
from service.store.database import database
from service.store.migrate import migrate
from service.store.owner import owner_of_person
from tests.support.portal import KEY, Installation

ROWS = 100_000
MINE = 20
NOW_MICROSECONDS = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 1_000_000


def fill(path: Path) -> None:
    """Store a hundred thousand Vorgänge, twenty of them of one person, spread over all."""
    mine = owner_of_person("musterbau", "P1")
    connection = sqlite3.connect(path)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(vorgang)")]
    fixed = {
        "mandant": "musterbau",
        "typ": "SCHADEN",
        "kanal": "PORTAL_WEB",
        "betreff": "Wasserhahn tropft (Küche)",
        "beschreibung": "",
        "erreichbar": "",
        "labels": "{}",
        "details": "{}",
        "melder": "{}",
        "objekt": "{}",
        "routing": "{}",
        "catalog_version": "1",
        "meldezeit": NOW_MICROSECONDS,
        "request_id": "",
        "status": "IN_BEARBEITUNG",
        "status_at": NOW_MICROSECONDS,
        "status_seq": 1,
        "status_text": "",
        "sachbearbeiter": "Frau Yıldız",
        "sachbearbeiter_seq": 0,
        "termin_seq": 0,
        "unread": 0,
    }

    def rows() -> Iterator[tuple[object, ...]]:
        for number in range(ROWS):
            owner = mine if number % (ROWS // MINE) == 7 else f"{number // 20:064d}"
            values = fixed | {
                "id": UUID(int=(0x0190 << 112) + (7 << 76) + (2 << 62) + number).hex,
                "owner": owner,
                "meldenummer": f"2026-{number}",
                "offen": number % 2,
            }
            yield tuple(values.get(column) for column in columns)

    connection.execute("PRAGMA synchronous=OFF")
    connection.executemany(f"INSERT INTO vorgang VALUES ({', '.join('?' * len(columns))})", rows())
    connection.execute("UPDATE vorgang SET offen=1 WHERE owner=?", (mine,))
    connection.commit()
    connection.execute("ANALYZE")
    connection.close()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[falcon.testing.TestClient]:
    directory = tmp_path_factory.mktemp("many")
    installation = Installation(directory, database=f"sqlite:///{directory}/portal.db")
    app = create_app(load_settings(installation.config))
    migrate()
    fill(installation.directory / "portal.db")
    client = falcon.testing.TestClient(app)
    client.installation = installation
    yield client
    database.obj.close_all()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[object]]]:
    """Record what is asked of the database."""
    seen: list[tuple[str, list[object]]] = []
    original = database.obj.execute_sql

    def recorded(sql: str, params: list[object] | None = None):
        seen.append((sql, list(params or [])))
        return original(sql, params)

    monkeypatch.setattr(database.obj, "execute_sql", recorded)
    return seen


def overview(client: falcon.testing.TestClient, path: str = "/musterbau/") -> falcon.testing.Result:
    now = int(time.time())
    aud = f"{client.installation.url}/musterbau"
    claims = tokens.new_claims(typ="fragment", iss="website", aud=aud, sub="1", sid="s", now=now, person="P1")
    headers = {
        "Authorization": f"Portal website:{tokens.issue(claims, KEY)}",
        "Portal-Base-Url": "http://127.0.0.1:8080/portal",
    }
    return client.simulate_get(path, headers=headers)


@pytest.mark.parametrize("path,most", [("/musterbau/", 4), ("/musterbau/vorgaenge", 4)])
def test_at_most_four_queries_each_by_index_and_a_small_page(
    client: falcon.testing.TestClient, statements: list[tuple[str, list[object]]], path: str, most: int
) -> None:
    overview(client, path)  # once in ten seconds a process asks for the catalog's digest, whoever's page it is
    statements.clear()
    page = overview(client, path)
    assert page.status_code == 200
    assert "Wasserhahn tropft" in page.text
    assert len(page.content) < 20_000
    selects = [(sql, params) for sql, params in statements if sql.lstrip().upper().startswith("SELECT")]
    assert 1 <= len(statements) <= most, statements
    for sql, params in selects:
        plan = [row[3] for row in database.obj.connection().execute(f"EXPLAIN QUERY PLAN {sql}", params)]
        assert not [step for step in plan if step.startswith("SCAN")], (sql, plan)
    assert any("vorgang" in sql for sql, _ in selects)


def test_the_next_page_is_found_by_key_not_by_offset(
    client: falcon.testing.TestClient, statements: list[tuple[str, list[object]]]
) -> None:
    overview(client, "/musterbau/vorgaenge?zustand=offen&vor=01900000-0000-7000-8000-0000000f0000")
    assert not [sql for sql, _ in statements if "OFFSET" in sql.upper()]
