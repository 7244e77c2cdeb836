"""Sealed files: whole or not at all, read from any place, and nothing readable where they lie."""

import io
from collections.abc import Iterator
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.access.vault import Vault
from service.files.intake import StoredFile
from service.files.sealing import Tampered, new_key, opened, seal, sealed_size
from service.files.storage import Folder, KeyRefused
from tests.unit.files.test_storage import FILE_ID

CHUNK = 64 * 1024
SEALED = CHUNK + 16
HEAD = 16
OTHER_ID = UUID("abcd0000-0000-4000-8000-000000000002")
KEY = bytes(range(32))
SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 20 * CHUNK + 7)


class InMemory:
    """A sealed file in memory, that notes what was read of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.reads: list[tuple[int, int]] = []

    def read_at(self, start: int, length: int) -> bytes:
        self.reads.append((start, length))
        return self.data[start : start + length]

    def close(self) -> None:
        """Nothing is open."""


def noise(size: int) -> bytes:
    return Random(size).randbytes(size)  # noqa: S311 - repeatable on purpose


def sealed(plain: bytes, key: bytes = KEY, file_id: UUID = FILE_ID) -> bytes:
    return b"".join(seal(io.BytesIO(plain), key, file_id))


def unsealed(data: bytes, key: bytes = KEY, file_id: UUID = FILE_ID) -> bytes:
    with opened(InMemory(data), key, file_id) as file:
        return file.read()


@pytest.mark.parametrize("size", SIZES)
def test_what_is_sealed_opens_as_it_was_and_takes_as_much_as_foretold(size):
    data = sealed(noise(size))
    assert unsealed(data) == noise(size)
    assert len(data) == sealed_size(size)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 5 * CHUNK + 9), st.integers(1, 2 * CHUNK), st.integers(0, 5 * CHUNK))
def test_any_part_is_read_as_it_was(start, length, size):
    with opened(InMemory(sealed(noise(size))), KEY, FILE_ID) as file:
        file.seek(start)
        assert file.read(length) == noise(size)[start : start + length]


def test_a_part_needs_its_own_chunks_only():
    source = InMemory(sealed(noise(50 * CHUNK)))
    with opened(source, KEY, FILE_ID) as file:
        source.reads.clear()
        file.seek(30 * CHUNK + 5)
        assert file.read(10) == noise(50 * CHUNK)[30 * CHUNK + 5 :][:10]
    assert source.reads == [(HEAD + 30 * SEALED, SEALED)]


def test_what_is_read_in_order_comes_in_larger_and_larger_parts():
    source = InMemory(sealed(noise(50 * CHUNK)))
    with opened(source, KEY, FILE_ID) as file:
        file.read()
    assert len(source.reads) < 10
    assert max(length for _, length in source.reads) <= 16 * SEALED


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[: HEAD + SEALED],
        lambda data: data[: HEAD + 2 * SEALED],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[:HEAD] + data[HEAD + SEALED :],
        lambda data: data[:HEAD] + data[HEAD + SEALED :][:SEALED] + data[HEAD:][:SEALED] + data[HEAD + 2 * SEALED :],
        lambda data: data[: HEAD + SEALED] + data[HEAD:],
        lambda data: data[:5000] + bytes([data[5000] ^ 1]) + data[5001:],
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda _: b"",
        lambda _: noise(3 * CHUNK),
        lambda _: sealed(noise(3 * CHUNK), file_id=OTHER_ID),
        lambda _: sealed(noise(3 * CHUNK), key=bytes(32)),
    ],
    ids=[
        *("cut-to-one", "cut-at-chunk", "cut", "appended", "left-out", "exchanged", "repeated"),
        *("flipped", "mark", "empty", "plain", "other-file", "other-key"),
    ],
)  # fmt: skip
def test_a_file_that_was_changed_does_not_open(change):
    with pytest.raises(Tampered):
        unsealed(change(sealed(noise(3 * CHUNK))))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2 * CHUNK + 100), st.integers(1, 255))
def test_no_byte_can_be_changed_unseen(at, flip):
    data = bytearray(sealed(noise(2 * CHUNK)))
    data[at % len(data)] ^= flip
    with pytest.raises(Tampered):
        unsealed(bytes(data))


@pytest.fixture
def vault() -> Vault:
    return Vault(["first" * 8])


def pieces(data: bytes) -> Iterator[bytes]:
    yield from (data[at : at + 1000] for at in range(0, len(data), 1000))


def keep(storage: Folder, data: bytes, file_id: UUID = FILE_ID) -> StoredFile:
    with storage.incoming() as incoming:
        for piece in pieces(data):
            incoming.write(piece)
        kept = storage.keep(incoming, file_id)
        return StoredFile(file_id, "a", "b", len(data), incoming.sha256, kept.sealed_key, kept.scan)


def test_nothing_readable_is_left_on_the_disk(root: Path, vault: Vault) -> None:
    storage = Folder(root, vault)
    words = b"Kanarienvogel " * 20_000
    file = keep(storage, words)
    (path,) = [path for path in root.rglob("*") if path.is_file()]
    assert path == root / "ab" / "cd" / f"{FILE_ID}.sealed"
    assert b"Kanarien" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    with storage.open(file) as content:
        assert content.read() == words
    assert storage.has(file)
    path.write_bytes(path.read_bytes()[:-1])
    assert not storage.has(file)


def test_each_file_has_a_key_of_its_own(vault: Vault) -> None:
    first, second = new_key(vault, FILE_ID), new_key(vault, FILE_ID)
    assert first[0] != second[0]
    assert first[0] not in first[1].encode()


def test_a_key_opens_its_own_file_only_and_only_with_our_keys(root: Path, vault: Vault) -> None:
    storage = Folder(root, vault)
    one, other = keep(storage, b"eins"), keep(storage, b"zwei", OTHER_ID)
    exchanged = StoredFile(one.id, "a", "b", 4, one.sha256, other.sealed_key)
    for wrong in (storage, Folder(root, Vault(["other" * 8])), Folder(root)):
        with pytest.raises(KeyRefused):
            wrong.open(exchanged)
    with Folder(root, Vault(["first" * 8, "other" * 8])).open(one) as content:
        assert content.read() == b"eins"


def test_files_from_before_there_was_a_key_stay_readable(root: Path, vault: Vault) -> None:
    plain = keep(Folder(root), b"alt")
    sealed_file = keep(Folder(root, vault), b"neu", OTHER_ID)
    storage = Folder(root, vault)
    with storage.open(plain) as before, storage.open(sealed_file) as after:
        assert (before.read(), after.read()) == (b"alt", b"neu")
    storage.delete(plain.id)
    storage.delete(sealed_file.id)
    assert [path for path in root.rglob("*") if path.is_file()] == []
