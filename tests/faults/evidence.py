"""What the fault harness looks at: what came back to the browser, and what the database holds."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pymysql

from service.access.vault import Vault
from service.files.storage import Folder
from service.store.records import Datei
from tests.support.portal import ENCRYPTION_KEY, Installation, forms

_OWN = {"aktivitaet": " WHERE author = 'MIETER'"}
TABLES = ("vorgang", "aktivitaet", "anhang", "outbox", "draft", "jti")


class _Fields(HTMLParser):
    """Collects what a browser would send of the one form that is posted with a key."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._area: str | None = None
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "input" and given.get("type") != "file" and "name" in given:
            self.found[given["name"]] = given.get("value", "")
        if tag == "textarea":
            self._area, self._text = given["name"], []

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            self.found[self._area] = "".join(self._text).removeprefix("\n")
            self._area = None


def typed_in(html: str) -> dict[str, str]:
    """Return every field of the page's form with what stands in it."""
    assert len(forms(html)) <= 1
    parser = _Fields()
    parser.feed(html)
    return parser.found


def missing_in(html: str, files: Sequence[str]) -> list[str]:
    """Return which of these files the page asks for again."""
    return [name for name in files if f"„{name}“ ist nicht gespeichert" in html]


def counted(installation: Installation) -> dict[str, int]:
    """Count what residents have caused in each table."""
    asked = [f"SELECT COUNT(*) FROM {table}{_OWN.get(table, '')}" for table in TABLES]
    return {table: int(rows[0][0]) for table, rows in zip(TABLES, rows_of(installation, asked), strict=True)}


def stored_files(installation: Installation) -> dict[str, str]:
    """Return the SHA-256 of each file by its id."""
    (rows,) = rows_of(installation, ["SELECT id, sha256 FROM anhang"])
    return {str(UUID(str(row[0]))): str(row[1]) for row in rows}


def kept_files(folder: Path) -> Folder:
    """Return the folder of an installation as its programs see it."""
    return Folder(folder, Vault([ENCRYPTION_KEY]))


def sealed_keys(installation: Installation) -> dict[str, str]:
    """Return the sealed key of each file by its id."""
    (rows,) = rows_of(installation, ["SELECT id, sealed_key FROM datei"])
    return {str(UUID(str(row[0]))): str(row[1]) for row in rows}


def digest_of(storage: Folder, file_id: str, keys: Mapping[str, str]) -> str:
    """Return the SHA-256 of a file as who opens it gets it."""
    file = Datei(UUID(file_id), "", datetime.min.replace(tzinfo=UTC), keys.get(file_id))
    with storage.raw(file) as content:
        return sha256(content.read()).hexdigest()


def rows_of(installation: Installation, asked: Sequence[str]) -> list[list[Any]]:
    """Ask the database itself, past the service."""
    parts = urlsplit(installation.database)
    if parts.scheme == "sqlite":
        connection: Any = sqlite3.connect(parts.path[1:])
    elif parts.scheme == "postgresql":
        connection = psycopg.connect(installation.database)
    else:
        connection = pymysql.connect(host=parts.hostname, port=parts.port or 0, user="root", database=parts.path[1:])
    with closing(connection), closing(connection.cursor()) as cursor:
        found = []
        for sql in asked:
            cursor.execute(sql)
            found.append(list(cursor.fetchall()))
        return found
