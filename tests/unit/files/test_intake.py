import errno
import io
import os
import tracemalloc
from hashlib import sha256
from typing import BinaryIO

import pytest
from PIL import Image

from service.access.vault import Vault
from service.files.intake import take_in
from service.files.refusal import FileRefused, Limits, Refusal
from service.files.scan import ScanState, Verdict
from service.files.storage import Folder, Incoming
from tests.unit.files.conftest import left_behind


class Watched:
    """A stream that notes how much was asked for at once, and whether it was read to its end."""

    def __init__(self, size: int, start: bytes = b"%PDF-") -> None:
        self.left = size
        self.largest = 0
        self.start = start

    def read(self, size: int, /) -> bytes:
        self.largest = max(self.largest, size)
        data = (self.start + bytes(size))[: min(size, self.left)]
        self.start = b""
        self.left -= len(data)
        return data


def disk_full(*_: object, **__: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_size_and_digest_are_those_of_the_file_as_kept(take, storage, samples):
    original = (samples / "gps.jpg").read_bytes()
    stored = take(original, "küche.jpg")
    with storage.open(stored) as file:
        data = file.read()
    assert (stored.bytes, stored.sha256) == (len(data), sha256(data).hexdigest())
    assert stored.sha256 != sha256(original).hexdigest()
    assert storage.has(stored)
    assert stored.id.version == 4


def test_the_original_of_a_picture_is_not_on_the_disk(take, root, samples):
    take((samples / "gps.jpg").read_bytes(), "a.jpg")
    kept = [path for path in root.rglob("*") if path.is_file()]
    assert len(kept) == 1
    assert b"Musterfon" not in kept[0].read_bytes()


def test_an_empty_file_is_refused(refusal):
    assert refusal(b"") is Refusal.EMPTY


@pytest.mark.parametrize(
    "limits, taken, reason",
    [
        (Limits(file_bytes=10_000_000), {}, Refusal.TOO_LARGE),
        (Limits(total_bytes=10_000_000), {}, Refusal.TOTAL_TOO_LARGE),
        (Limits(), {"taken_bytes": 100 * 2**20 - 1}, Refusal.TOTAL_TOO_LARGE),
        (Limits(), {"taken_files": 20}, Refusal.TOO_MANY),
        (Limits(), {}, Refusal.DAMAGED),
    ],
)
def test_a_stream_is_read_to_its_end_in_pieces_whatever_is_wrong(limits, taken, reason, storage, root):
    stream = Watched(20_000_000)
    with pytest.raises(FileRefused) as refused:
        take_in(stream, "a.pdf", storage=storage, limits=limits, **{"taken_files": 0, "taken_bytes": 0, **taken})
    assert refused.value.refusal is reason
    assert (stream.left, stream.largest) == (0, 64 * 1024)
    assert left_behind(root) == []


def test_a_file_of_exactly_the_limits_is_taken(take, samples):
    data = (samples / "page.pdf").read_bytes()
    limits = Limits(file_bytes=len(data), total_bytes=len(data) + 5, files=3)
    assert take(data, "a.pdf", limits, taken_files=2, taken_bytes=5).bytes == len(data)


def test_writing_stops_when_the_limit_is_passed(storage, monkeypatch):
    written = []
    write = Incoming.write
    monkeypatch.setattr(Incoming, "write", lambda self, data: written.append(len(data)) or write(self, data))
    limits = Limits(file_bytes=200_000)
    with pytest.raises(FileRefused):
        take_in(Watched(5_000_000), "a", storage=storage, limits=limits, taken_files=0, taken_bytes=0)
    assert sum(written) <= 200_000


@pytest.mark.parametrize(
    "case", ["page.pdf 1", "gps.jpg 1", "gps.jpg 2", "gps.heic 2", "picture.png 2", "picture.webp 2"]
)
def test_a_full_disk_is_told_as_it_is_and_leaves_nothing(case, take, root, samples, monkeypatch):
    """The first write is of the file as it comes, the second of the picture made anew."""
    name, at = case.split()
    calls = []
    write = Incoming.write

    def writing(self: Incoming, data: bytes) -> int:
        calls.append(1)
        return disk_full() if len(calls) == int(at) else write(self, data)

    monkeypatch.setattr(Incoming, "write", writing)
    data = (samples / name).read_bytes()
    with pytest.raises(OSError, match="No space") as failed:
        take(data, name)
    assert failed.value.errno == errno.ENOSPC
    assert [path for path in root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_disk_that_fails_to_sync_leaves_nothing(nth, take, root, samples, monkeypatch):
    calls = []
    fsync = os.fsync

    def syncing(descriptor: int) -> None:
        calls.append(1)
        if len(calls) == nth:
            disk_full()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", syncing)
    with pytest.raises(OSError, match="No space"):
        take((samples / "page.pdf").read_bytes())
    assert [path for path in root.rglob("*") if path.is_file()] == []


class Says:
    """A scanner that says the same of every file."""

    def __init__(self, state: ScanState) -> None:
        self.state = state

    def look(self, content: BinaryIO) -> Verdict:
        return Verdict(self.state, "Test")

    def version(self) -> str:
        return "ClamAV"


@pytest.mark.parametrize("says", [ScanState.INFECTED, ScanState.UNSCANNABLE])
@pytest.mark.parametrize("sealer", [None, Vault(["a key as long as it has to be" * 2])], ids=["plain", "sealed"])
def test_what_the_scan_calls_bad_is_never_written_where_files_are_kept(root, samples, monkeypatch, says, sealer):
    put = []
    monkeypatch.setattr(Folder, "_put", lambda *given: put.append(given))
    storage = Folder(root, sealer, Says(says))
    with (samples / "page.pdf").open("rb") as page, pytest.raises(FileRefused) as refused:
        take_in(page, "a.pdf", storage=storage, limits=Limits(), taken_files=0, taken_bytes=0)
    assert (refused.value.refusal.value, put) == (says.value, [])
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_file_is_brought_to_the_disk_once(take, samples, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(descriptor), fsync(descriptor)))
    take((samples / "page.pdf").read_bytes())
    assert len(synced) == 4  # the file, and three folders


def test_a_stream_that_breaks_leaves_nothing(storage, root):
    class Broken(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        take_in(Broken(), "a", storage=storage, limits=Limits(), taken_files=0, taken_bytes=0)
    assert left_behind(root) == []


def test_memory_does_not_grow_with_the_file(storage):
    body = io.BytesIO()
    Image.new("L", (4, 4)).save(body, "PNG")
    tracemalloc.start()
    try:
        with pytest.raises(FileRefused):
            take_in(
                Watched(20_000_000), "a", storage=Folder(storage._root), limits=Limits(), taken_files=0, taken_bytes=0
            )
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
