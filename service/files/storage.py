"""A folder of files, each under its random id; what is kept survives a power cut."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO
from uuid import UUID

_INCOMING = "incoming"
ORPHAN_AGE = timedelta(days=1)  # a file that no row names is kept for so long: its request may come again


class Incoming:
    """A file being written; gone again unless it is kept."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.path = path
        self.bytes = 0
        self._file = file
        self._digest = sha256()

    def write(self, data: bytes) -> int:
        """Append data; raises OSError when the disk is full."""
        self.bytes += len(data)
        self._digest.update(data)
        return self._file.write(data)

    def begin_anew(self) -> None:
        """Forget everything written."""
        self._file.seek(0)
        self._file.truncate()
        self.bytes = 0
        self._digest = sha256()

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of what was written, as hex."""
        return self._digest.hexdigest()

    def finish(self) -> None:
        """Bring everything written to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())


class Folder:
    """Keeps files below `root`; ids are random, so their first two bytes spread them over folders in folders."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """Give a file to write into, on the same file system as the kept ones; removed at the end unless kept."""
        folder = self._root / _INCOMING
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, delete=False) as file:
            path = Path(file.name)
            try:
                yield Incoming(file.file, path)  # type: ignore[arg-type]  # the buffered writer inside
            finally:
                with suppress(FileNotFoundError):
                    path.unlink()

    def keep(self, incoming: Incoming, file_id: UUID) -> None:
        """Keep a finished file under its id: the file's bytes and then its name reach the disk.

        Raises OSError when the disk fails; then the file is not kept.
        """
        incoming.finish()
        target = self._path(file_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        incoming.path.rename(target)
        try:
            # All three each time: another thread may have made a folder and not yet brought it to the disk.
            for folder in (target.parent, target.parent.parent, self._root):
                _fsync_folder(folder)
        except OSError:
            target.unlink(missing_ok=True)
            raise

    def open(self, file_id: UUID) -> BinaryIO:
        """Open a kept file for reading; raises FileNotFoundError."""
        return self._path(file_id).open("rb")

    def size(self, file_id: UUID) -> int:
        """Return a kept file's size in bytes; raises FileNotFoundError."""
        return self._path(file_id).stat().st_size

    def has(self, file_id: UUID, size: int) -> bool:
        """Tell whether a file is kept, whole."""
        try:
            return self.size(file_id) == size
        except OSError:
            return False

    def delete(self, file_id: UUID) -> None:
        """Delete a file; one that is not there is fine."""
        self._path(file_id).unlink(missing_ok=True)

    def ids(self, older_than: datetime) -> Iterator[UUID]:
        """Yield the ids of kept files last written before `older_than`, for the search for orphans."""
        for path in self._root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
            if _older(path, older_than) and (file_id := _as_id(path.name)):
                yield file_id

    def sweep_incoming(self, older_than: datetime) -> int:
        """Delete what interrupted uploads have left; returns how many files."""
        swept = 0
        for path in (self._root / _INCOMING).glob("*"):
            if _older(path, older_than):
                path.unlink(missing_ok=True)
                swept += 1
        return swept

    def _path(self, file_id: UUID) -> Path:
        return self._root / file_id.hex[:2] / file_id.hex[2:4] / str(file_id)


def _older(path: Path, moment: datetime) -> bool:
    """Tell whether a file was last written before a moment; one that has gone meanwhile is not older."""
    try:
        return path.stat().st_mtime < moment.timestamp()
    except FileNotFoundError:
        return False


def _as_id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
