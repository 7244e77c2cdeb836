"""A storage folder, and a way to take a file in and see that nothing is left of the way there."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from service.files.intake import StoredFile, take_in
from service.files.refusal import FileRefused, Limits, Refusal
from service.files.storage import Folder


def left_behind(root: Path) -> list[Path]:
    return list((root / "incoming").glob("*"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def storage(root: Path) -> Folder:
    return Folder(root)


@pytest.fixture
def take(storage: Folder, root: Path) -> Callable[..., StoredFile]:
    def taking(data: bytes, name: str = "datei", limits: Limits | None = None, **taken: int) -> StoredFile:
        counts = {"taken_files": 0, "taken_bytes": 0, **taken}
        try:
            return take_in(io.BytesIO(data), name, storage=storage, limits=limits or Limits(), **counts)
        finally:
            assert left_behind(root) == []

    return taking


@pytest.fixture
def refusal(take: Callable[..., StoredFile]) -> Callable[..., Refusal]:
    def refusing(data: bytes, name: str = "datei", limits: Limits | None = None, **taken: int) -> Refusal:
        with pytest.raises(FileRefused) as refused:
            take(data, name, limits, **taken)
        return refused.value.refusal

    return refusing
