"""Files in a real S3 server (SeaweedFS): streamed, sealed, read by parts; and what happens when it is killed."""

import re
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import falcon.testing
import pytest

from service.access.erasure import erase
from service.access.vault import Vault
from service.doctor_files import examine_files
from service.files.bucket import Bucket, StorageAway
from service.files.intake import StoredFile
from service.files.sealing import Tampered
from service.store.database import connected, database
from service.store.models import AnhangRow, DateiRow
from service.store.query import dicts, tuples
from service.sync.housekeeping import tidy
from tests.faults.evidence import missing_in, typed_in
from tests.support.inprocess import Portal, Visitor
from tests.support.seaweed import SeaweedServer, seaweed_server
from tests.unit.test_erasure import FILE, MANDANT, PERSON, found, lying, plant, source

VAULT = Vault(["first" * 8])
TOMORROW = timedelta(days=2)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedServer]:
    with seaweed_server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(params=[VAULT, None], ids=["sealed", "plain"])
def bucket(request: pytest.FixtureRequest, server: SeaweedServer, tmp_path: Path) -> Bucket:
    return server.bucket(tmp_path / "spool", request.param, prefix=f"own/{uuid4().hex}")


def keep(bucket: Bucket, data: bytes) -> StoredFile:
    file_id = uuid4()
    with bucket.incoming() as incoming:
        incoming.write(data)
        kept = bucket.keep(incoming, file_id)
        return StoredFile(file_id, "a.pdf", "application/pdf", len(data), incoming.sha256, kept.sealed_key)


def noise(size: int) -> bytes:
    return Random(size).randbytes(size)  # noqa: S311 - repeatable on purpose


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 3_000_000])
def test_a_file_comes_back_as_it_was_whole_and_by_parts(bucket: Bucket, tmp_path: Path, size: int) -> None:
    data = noise(size)
    file = keep(bucket, data)
    assert bucket.has(file)
    with bucket.open(file) as content:
        assert content.read() == data
        content.seek(size // 2)
        assert content.read(100) == data[size // 2 :][:100]
    assert list((tmp_path / "spool").glob("*")) == []
    bucket.delete(file.id)
    bucket.delete(file.id)
    assert not bucket.has(file)
    with pytest.raises(FileNotFoundError):
        bucket.open(file)


def test_an_erasure_leaves_no_object_and_no_key_of_the_persons(bucket: Bucket, tmp_path: Path) -> None:
    plant(bucket, tmp_path)
    later = datetime.now(UTC) + TOMORROW
    try:
        assert list(bucket.ids(later)) == [FILE]
        with connected():
            report = erase(MANDANT, PERSON, storage=bucket, source=source())
            assert (report.whole, report.left, tuples(DateiRow.select(DateiRow.id))) == (True, 0, [])
        assert (list(bucket.ids(later)), found(), lying(tmp_path)) == ([], {}, set())
    finally:
        database.obj.close_all()


def test_large_files_go_up_and_down_in_parts(server: SeaweedServer, tmp_path: Path) -> None:
    bucket, size = server.bucket(tmp_path / "spool", VAULT), 25 * 2**20
    data = noise(size)
    tracemalloc.start()
    try:
        file = keep(bucket, data)
        with bucket.open(file) as content:
            while piece := content.read(100_000):
                assert piece == data[content.tell() - len(piece) : content.tell()]
        assert tracemalloc.get_traced_memory()[1] < 12 * 2**20  # of Python's own; the client holds two parts of 8 MiB
    finally:
        tracemalloc.stop()
    assert bucket.has(file)


def test_names_tell_nothing_and_are_those_of_a_folder(server: SeaweedServer, tmp_path: Path) -> None:
    file = keep(server.bucket(tmp_path, VAULT), b"Kanarienvogel")
    name = f"/buckets/akten/mieter/portal/{file.id.hex[:2]}/{file.id.hex[2:4]}/{file.id}.sealed"
    assert name in server.objects()
    everything = b"".join(path.read_bytes() for path in server.directory.rglob("*.dat"))
    assert b"Kanarien" not in everything


def test_what_was_exchanged_in_the_bucket_does_not_open(server: SeaweedServer, tmp_path: Path) -> None:
    bucket = server.bucket(tmp_path, VAULT)
    one, other = keep(bucket, b"eins" * 50_000), keep(bucket, b"zwei" * 50_000)
    exchanged = bytes(bucket._store.get(bucket._name(other.id, sealed=True)).bytes())
    bucket._store.put(bucket._name(one.id, sealed=True), exchanged)
    with pytest.raises(Tampered), bucket.open(one) as content:
        content.read()


def test_only_what_is_old_is_listed(bucket: Bucket) -> None:
    files = {keep(bucket, b"x" * number).id for number in range(1, 4)}
    now = datetime.now(UTC)
    assert set(bucket.ids(now + TOMORROW)) == files
    assert set(bucket.ids(now - timedelta(minutes=5))) == set()
    assert set(bucket.ids(now + TOMORROW, plain=True)) == (set() if bucket.seals else files)


def test_a_bucket_that_refuses_us_is_away_and_says_no_secret(server: SeaweedServer, tmp_path: Path) -> None:
    bucket = Bucket(server.at(secret="wrong-secret"), tmp_path, VAULT)
    for attempt in (bucket.check, bucket.probe, lambda: keep(bucket, b"x"), lambda: bucket.delete(uuid4())):
        with pytest.raises(StorageAway) as away:
            attempt()
        assert re.fullmatch(r"\[Errno 5\] S3: \w+", str(away.value))
    assert list(tmp_path.glob("*")) == []


@pytest.fixture
def portal(server: SeaweedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    for name, value in server.settings.items():
        monkeypatch.setenv(name, value)
    running = Portal(tmp_path)
    try:
        yield running
    finally:
        running.close()


TYPED = {"kontaktthema": "ALLGEMEIN", "beschreibung": "Zeile <eins> & „zwei“ 😀"}


def upload(visitor: Visitor, form: dict[str, str], data: bytes, name: str = "brief.pdf") -> falcon.testing.Result:
    return visitor.post("melden/kontakt", form | TYPED, {"anhaenge": (name, data)})


def anhang() -> dict[str, object]:
    with connected():
        (row,) = dicts(AnhangRow.select())
    return row


def test_the_portal_keeps_and_hands_out_files_of_the_bucket(
    portal: Portal, server: SeaweedServer, samples: Path
) -> None:
    visitor, page = portal.visitor(), (samples / "page.pdf").read_bytes()
    filed = upload(visitor, visitor.form("melden/kontakt"), page)
    where = re.search(r"vorgaenge/[0-9a-f-]{36}", visitor.where(filed)).group(0)
    row = anhang()
    answer = visitor.get(f"{where}/anhaenge/{row['id']}")
    assert (answer.status_code, answer.content) == (200, page)
    assert any(str(row["id"]) in name for name in server.objects())
    assert portal.client.simulate_get("/readyz").status_code == 200
    findings = {one.subject: one for one in examine_files(portal.settings)}
    assert findings["files"].good, findings["files"]
    assert findings["file keys"].text == "1 key(s); 1 files tried, all open"


def test_a_server_that_is_killed_costs_nothing_and_comes_back(
    portal: Portal, server: SeaweedServer, samples: Path
) -> None:
    visitor, page = portal.visitor(), (samples / "page.pdf").read_bytes()
    kept = upload(visitor, visitor.form("melden/kontakt") | {"aktion": "hochladen"}, page, "vorher.pdf")
    assert kept.status_code == 200
    form = visitor.form("melden/kontakt")
    other = server.bucket(portal.directory, VAULT, prefix="other")
    acknowledged = {keep(other, noise(size)): size for size in (5, 70_000, 9_000_000)}
    half_read = other.open(next(iter(acknowledged)))
    server.kill()
    try:
        for attempt in (lambda: other.open(next(iter(acknowledged))), lambda: keep(other, b"neu")):
            with pytest.raises(StorageAway):
                attempt()
        refused = upload(visitor, form, page)
        assert refused.status_code == 503
        assert {name: typed_in(refused.text)[name] for name in TYPED} == TYPED
        assert missing_in(refused.text, ["brief.pdf"]) == ["brief.pdf"]
        assert portal.client.simulate_get("/readyz").json["problems"] == ["file storage is not writable"]
        words = visitor.post("melden/kontakt", form | TYPED | {"aktion": "speichern"})
        assert words.status_code == 200  # what has no new file is stored all the same
        removed = visitor.post("melden/kontakt", form | TYPED | {"aktion": f"entfernen:{anhang()['id']}"})
        assert removed.status_code == 200
    finally:
        server.start()
    for file, size in acknowledged.items():
        with half_read if size == 5 else other.open(file) as content:
            assert content.read() == noise(size)
    again = visitor.form("melden/kontakt")
    assert again["idempotency_key"] == form["idempotency_key"]
    assert upload(visitor, again, page).status_code == 303
    row = anhang()
    assert row["dateiname"] == "brief.pdf"
    storage = server.bucket(portal.directory, Vault(portal.settings.service.encryption_keys))
    with connected():
        (sealed_key,) = [key for (key,) in tuples(DateiRow.select(DateiRow.sealed_key).where(DateiRow.id == row["id"]))]
    file = StoredFile(UUID(str(row["id"])), "a", "b", int(str(row["bytes"])), str(row["sha256"]), sealed_key)
    with storage.open(file) as content:
        assert content.read() == page
    later = datetime.now(UTC) + TOMORROW
    tidy(storage, draft_days=30, audit_days=365, now=later)
    assert set(storage.ids(later)) == {row["id"]}  # what could not be deleted while it was away is gone
