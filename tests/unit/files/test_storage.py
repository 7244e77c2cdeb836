import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from service.files.intake import StoredFile
from service.files.storage import Folder
from tests.unit.files.conftest import left_behind

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILE_ID = UUID("abcd0000-0000-4000-8000-000000000001")


def put(storage: Folder, data: bytes = b"inhalt", file_id: UUID | None = None) -> UUID:
    file_id = file_id or uuid4()
    with storage.incoming() as incoming:
        incoming.write(data)
        storage.keep(incoming, file_id)
    return file_id


def test_a_kept_file_lies_two_folders_deep_and_only_its_owner_may_read_it(storage, root):
    put(storage, b"inhalt", FILE_ID)
    path = root / "ab" / "cd" / str(FILE_ID)
    assert path.read_bytes() == b"inhalt"
    assert path.stat().st_mode & 0o077 == 0
    assert left_behind(root) == []


def test_what_is_not_kept_is_gone_also_after_an_error(storage, root):
    with storage.incoming() as incoming:
        incoming.write(b"weg")
    with pytest.raises(ZeroDivisionError), storage.incoming() as incoming:
        incoming.write(bytes(1 // 0))
    assert left_behind(root) == []


def test_file_and_folders_reach_the_disk_before_keep_returns(storage, root, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(str(Path(f"/proc/self/fd/{fd}").readlink())), fsync(fd)))
    put(storage, file_id=FILE_ID)
    assert synced[0].startswith(str(root / "incoming"))
    assert synced[1:] == [str(root / "ab" / "cd"), str(root / "ab"), str(root)]


def test_a_deleted_file_is_gone_and_deleting_it_again_is_fine(storage):
    file_id = put(storage)
    storage.delete(file_id)
    storage.delete(file_id)
    with pytest.raises(FileNotFoundError):
        storage.open(StoredFile(file_id, "a", "b", 6, ""))


def test_the_sweep_sees_old_files_only_and_passes_over_what_is_no_file_of_ours(storage, root):
    old, new = put(storage, file_id=FILE_ID), put(storage)
    path = root / "ab" / "cd" / str(old)
    (path.parent / "README").write_text("fremd")
    for aged in (path, path.parent / "README"):
        os.utime(aged, (NOW.timestamp(), NOW.timestamp() - 60))
    (path.parent / "weg").symlink_to("nirgends")
    assert list(storage.ids(NOW)) == [old]
    assert set(storage.ids(datetime.now(UTC) + timedelta(minutes=1))) == {old, new}


def test_interrupted_uploads_are_swept_when_they_are_old(storage, root):
    assert storage.sweep_incoming(NOW) == 0
    with storage.incoming() as incoming:
        (root / "incoming" / "alt").write_bytes(b"x")
        os.utime(root / "incoming" / "alt", (NOW.timestamp(), NOW.timestamp() - 60))
        assert storage.sweep_incoming(NOW) == 1
        assert incoming.path.exists()
