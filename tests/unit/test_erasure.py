"""Erasure, holds and retention, with canaries in every personal column of every table."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import peewee
import pytest

from service.access.audit import Actor, Source
from service.access.erasure import UnderHold, erase
from service.files.storage import Folder, Storage
from service.store import belongings, holds, inbox, retention
from service.store.belongings import EXPORTED, NOT_BY_ROWS
from service.store.database import connected, database, open_database
from service.store.fields import JsonField, UtcField
from service.store.holds import NOTHING
from service.store.migrate import migrate
from service.store.models import MODELS, PERSONAL, SECRET, DateiRow, StammdatenRow
from service.store.owner import owner_of_account, owner_of_person
from service.store.retention import Kind, Over
from service.sync.apply import apply_waiting
from service.vorgang.catalog import default_catalog
from service.vorgang.emergency import EmergencySettings
from service.vorgang.types import House
from tests.support.vorgaenge import NOW

CANARY, PERSON, MANDANT = "Kanarie", "Kanarie-4711", "m"
ACCOUNT = "ca4a41e" * 9
OWNER = owner_of_person(MANDANT, PERSON)
VORGANG, DRAFT, DOKUMENT, FILE = uuid4(), uuid4(), uuid4(), uuid4()
MARKS = (CANARY, ACCOUNT, OWNER, owner_of_account(MANDANT, ACCOUNT))
HOUSE = House(
    MANDANT, default_catalog(), (), EmergencySettings({}), {}, special_categories=False, zone=ZoneInfo("Europe/Berlin")
)
KEYS = {
    "mandant": MANDANT, "account": ACCOUNT, "owner": OWNER, "owner_person": OWNER, "person": PERSON, "leser": OWNER,
    "ziel": OWNER, "used_by": ACCOUNT, "vorgang_id": VORGANG, "dokument": DOKUMENT, "offen": False,
}  # fmt: skip
OF_TABLE = {
    "datei": {"id": FILE},
    "vorgang": {"id": VORGANG},
    "draft": {"id": DRAFT},
    "anhang": {"id": FILE, "draft_id": None, "dokument_id": None},
    "dokument": {"id": DOKUMENT, "file_id": FILE, "stored_at": None, "unbekannt": [{"person_nr": PERSON}]},
    "ereignis": {"externe_id": str(VORGANG), "state": "applied", "body": {"text": CANARY}},
    "stammdaten": {"art": "PERSON", "nr": PERSON, "parent": ""},
    "outbox": {"state": "sent"},
    "hold": {"ended_at": NOW},
    "geloescht": {"vorgang_id": uuid4()},
}
TABLES = {model._meta.table_name: model for model in MODELS}


def planted(field: peewee.Field) -> object:
    """Return a value for a column: a canary where it is personal or secret and can hold one."""
    if field.name in KEYS:
        return KEYS[field.name]
    if isinstance(field, peewee.UUIDField):
        return uuid4()
    if isinstance(field, UtcField):
        return NOW
    marked = f"{CANARY}-{field.name}" if field.help_text in {PERSONAL, SECRET} else "x"
    if isinstance(field, JsonField):
        return {"text": marked}
    if isinstance(field, peewee.CharField | peewee.TextField):
        return marked[: getattr(field, "max_length", 0) or None]
    return 1


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path / "files")
    plant(made, tmp_path)
    yield made
    database.obj.close_all()


def plant(storage: Storage, directory: Path) -> None:
    """Make a database in which every table has a row with canaries, and keep a file with one."""
    open_database(f"sqlite:///{directory}/portal.db")
    migrate()
    with storage.incoming() as incoming:
        incoming.write(CANARY.encode())
        kept = storage.keep(incoming, FILE)
    with connected():
        for table, model in TABLES.items():
            columns = {f.name: planted(f) for f in model._meta.sorted_fields if not isinstance(f, peewee.AutoField)}
            columns = {name: value for name, value in columns.items() if name != "id" or isinstance(value, UUID)}
            model.insert(**columns | OF_TABLE.get(table, {})).execute()
        if kept.sealed_key is not None:
            DateiRow.update(sealed_key=kept.sealed_key).execute()


def plant_contract() -> None:
    """Add a contract of the person, whose number its row has as the one that it belongs to."""
    with connected():
        contract = {"art": "VERTRAG", "nr": f"{CANARY}-V", "parent": PERSON, "daten": {"personNr": PERSON}}
        StammdatenRow.insert(mandant=MANDANT, **contract).execute()


def found() -> dict[str, int]:
    """Return the tables that hold a canary, each with how many rows do."""
    rows: dict[str, int] = {}
    with connected():
        for table in TABLES:
            said = [str(row) for row in database.execute_sql(f"SELECT * FROM {table}").fetchall()]
            rows[table] = sum(any(mark in one for mark in MARKS) for one in said)
    return {table: count for table, count in rows.items() if count}


def personal() -> set[str]:
    return {table for table, model in TABLES.items() if any(f.help_text == PERSONAL for f in model._meta.sorted_fields)}


def source() -> Source:
    return Source(MANDANT, Actor.OPERATOR, NOW)


def test_an_erasure_leaves_nothing_personal_in_any_table_or_file(
    storage: Folder, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plant_contract()
    assert personal() <= set(found())  # or nothing would show that they go
    with connected():
        report = erase(MANDANT, PERSON, storage=storage, source=source())
    assert report.whole
    assert found() == {}
    said = "".join(capfd.readouterr())
    assert not [mark for mark in MARKS if mark in said]


def test_an_erasure_leaves_nothing_in_free_pages_or_the_log_of_sqlite_while_others_have_it_open(
    storage: Folder, tmp_path: Path
) -> None:
    """As the processes of a portal do: the log of writes is then not removed with the last connection."""
    plant_contract()
    with connected():
        database.execute_sql("PRAGMA wal_checkpoint(FULL)").fetchall()
    assert lying(tmp_path) >= {"portal.db", "portal.db-wal", str(FILE)}
    others = [sqlite3.connect(tmp_path / "portal.db") for _ in range(2)]
    for other in others:
        assert other.execute("SELECT COUNT(*) FROM vorgang").fetchall() == [(1,)]
    with connected():
        erase(MANDANT, PERSON, storage=storage, source=source())
    assert (tmp_path / "portal.db-wal").exists()
    assert lying(tmp_path) == set()
    for other in others:
        other.close()


def lying(root: Path) -> set[str]:
    """Return the names of all files in which a canary stands."""
    contents = {path.name: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return {name for name, content in contents.items() if any(mark.encode() in content for mark in MARKS)}


def test_every_personal_column_that_can_hold_a_text_was_given_a_canary(storage: Folder) -> None:
    plant_contract()
    bare = []
    with connected():
        for table, model in TABLES.items():
            for one in model._meta.sorted_fields:
                if one.help_text in {PERSONAL, SECRET} and isinstance(one, peewee.CharField | peewee.TextField):
                    rows = database.execute_sql(f"SELECT {one.column_name} FROM {table}").fetchall()
                    if not any(mark in str(row) for row in rows for mark in MARKS):
                        bare.append(f"{table}.{one.name}")
    assert bare == []


def test_under_a_hold_nothing_is_erased_and_nothing_goes_by_policy(storage: Folder) -> None:
    before = found()
    with connected():
        holds.add(MANDANT, person=PERSON, reason="x", now=NOW)
        with pytest.raises(UnderHold):
            erase(MANDANT, PERSON, storage=storage, source=source())
        held = holds.held(MANDANT)
        for kind in (Kind.VORGANG, Kind.DRAFT, Kind.AUDIT):
            assert retention.remove(Over(kind, MANDANT, NOW + timedelta(days=1), held), limit=9).rows == 0
    assert {table: count for table, count in found().items() if table != "hold"} == {
        table: count for table, count in before.items() if table != "hold"
    }


def test_of_a_vorgang_under_a_hold_its_documents_stay_and_that_they_were_opened(storage: Folder) -> None:
    with connected():
        holds.add(MANDANT, vorgang_id=VORGANG, reason="x", now=NOW)
        report = erase(MANDANT, PERSON, storage=storage, source=source())
    assert (report.whole, report.plan.vorgaenge.held) == (False, 1)
    assert found().keys() >= {"vorgang", "anhang", "dokument", "dokument_ziel", "lesung"}
    assert "session" not in found()


def test_what_is_over_goes_with_its_files_and_is_remembered(storage: Folder) -> None:
    with connected():
        over = Over(Kind.VORGANG, MANDANT, NOW + timedelta(days=1), NOTHING)
        assert retention.count(over) == retention.remove(over, limit=9).rows == 1
        assert retention.gone(MANDANT, [VORGANG], []) >= {str(VORGANG)}
    assert "vorgang" not in found()


def test_what_immotion_still_tells_of_it_brings_nothing_back(storage: Folder) -> None:
    with connected():
        retention.remove(Over(Kind.VORGANG, MANDANT, NOW + timedelta(days=1), NOTHING), limit=9)
        told = {"ereignisId": "E9", "typ": "STATUS", "externeId": str(VORGANG), "sichtbarkeit": "MIETER"}
        inbox.receive(MANDANT, told, NOW)
    assert apply_waiting(HOUSE, clock=lambda: NOW) == 1
    with connected():
        assert inbox.waiting(MANDANT) == []
    assert "vorgang" not in found()


def test_every_table_with_a_personal_column_is_in_the_export_or_said_why_not() -> None:
    assert personal() == set(EXPORTED) | NOT_BY_ROWS


def test_the_export_has_no_secret_and_nothing_of_others(storage: Folder) -> None:
    mine = belongings.Whose(MANDANT, (PERSON,), (ACCOUNT,), (OWNER, owner_of_account(MANDANT, ACCOUNT)))
    others = belongings.Whose(MANDANT, ("P2",), ("b" * 64,), ("c" * 64,))
    with connected():
        for table in EXPORTED:
            (row,) = belongings.rows(table, mine)
            assert not {f.name for f in TABLES[table]._meta.sorted_fields if f.help_text == SECRET} & set(row)
            assert not list(belongings.rows(table, others))
