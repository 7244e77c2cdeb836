"""Where files are kept, each under its random id: scanned, sealed, whole before anybody is told of it.

What every place does alike is in `Storage`; `Folder` is one on this host's disk, `service.files.bucket` one on S3.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from errno import EACCES
from hashlib import sha256
from io import FileIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Protocol
from uuid import UUID

from typing_extensions import override

from service.files.refusal import Refusal, Unfit
from service.files.scan import Scanner, ScannerAway, ScanState, Verdict
from service.files.sealing import Sealer, key_of, new_key, opened, seal, sealed_size
from service.files.source import Source

_INCOMING = "incoming"
_SUFFIX = ".sealed"
ORPHAN_AGE = timedelta(days=1)  # a file that no row names is kept for so long: its request may come again


class Held(Exception):
    """A file is not handed out: it was not scanned yet, or the scan has found something."""


class KeyRefused(OSError):
    """The key of a sealed file is under none of our keys: for the operator to mend, and nothing the file has done."""

    def __init__(self, file_id: UUID) -> None:
        super().__init__(EACCES, "the key of a sealed file is under none of service.encryption_keys", str(file_id))


class SealedFile(Protocol):
    """What it takes to open a kept file."""

    @property
    def id(self) -> UUID:
        """The id that it is kept under."""
        ...

    @property
    def sealed_key(self) -> str | None:
        """Its key, sealed; None for one that lies as it is."""
        ...


class KeptFile(SealedFile, Protocol):
    """A kept file as its row knows it."""

    @property
    def bytes(self) -> int:
        """Its size, unsealed."""
        ...

    @property
    def scan(self) -> str | None:
        """A ScanState; None for one that was never to be scanned."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """What its row has to know of a kept file, beside name and size. `found` is the scanner's word."""

    sealed_key: str | None = None
    scan: ScanState | None = None
    found: str = ""


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
        """Let whoever opens `path` read everything written."""
        self._file.flush()

    def to_disk(self) -> None:
        """Bring everything written to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())


class Storage(ABC):
    """Keeps files; they wait in `spool` on this host until they are checked, scanned and sealed.

    Without a sealer files lie as they are; without a scanner none is scanned.
    """

    def __init__(self, spool: Path, sealer: Sealer | None, scanner: Scanner | None) -> None:
        self._spool = spool
        self._sealer = sealer
        self._scanner = scanner

    @property
    def seals(self) -> bool:
        """Tell whether files are sealed from now on."""
        return self._sealer is not None

    @contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """Give a file to write into; removed at the end unless kept."""
        self._spool.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._spool, delete=False) as file:
            path = Path(file.name)
            try:
                yield Incoming(file.file, path)  # type: ignore[arg-type]  # the buffered writer inside
            finally:
                with suppress(FileNotFoundError):
                    path.unlink()

    def keep(self, incoming: Incoming, file_id: UUID) -> Kept:
        """Scan a finished file, seal it and keep it under its id: all of it is there before this returns.

        What the scan says is for the caller to write down: `open` asks for it. While the scanner is away, the file is
        PENDING. Raises OSError when disk or network fail; then the file is not kept.
        """
        return self._keep(incoming, file_id, self._looked_into(incoming))

    def keep_fit(self, incoming: Incoming, file_id: UUID) -> Kept:
        """Keep a finished file as `keep` does, but none that the scan calls bad: of that, nothing is written.

        Raises Unfit for it, and as `keep`.
        """
        verdict = self._looked_into(incoming)
        if verdict is not None and verdict.state.is_bad:
            raise Unfit(Refusal(verdict.state.value))
        return self._keep(incoming, file_id, verdict)

    def _keep(self, incoming: Incoming, file_id: UUID, verdict: Verdict | None) -> Kept:
        sealed_key = None
        if self._sealer is None:
            self._put(incoming, self._name(file_id, sealed=False))
        else:
            with incoming.path.open("rb") as content:
                sealed_key = self._put_sealed(content, file_id, self._sealer)
        return Kept(sealed_key, verdict.state, verdict.found) if verdict else Kept(sealed_key)

    def seal_plain(self, file_id: UUID) -> str:
        """Keep a plain file sealed, too, and return its sealed key; raises FileNotFoundError, OSError."""
        if self._sealer is None:
            raise LookupError("service.encryption_keys is not set")
        with self._plain(self._name(file_id, sealed=False)) as content:
            return self._put_sealed(content, file_id, self._sealer)

    def _put_sealed(self, content: BinaryIO, file_id: UUID, sealer: Sealer) -> str:
        key, sealed_key = new_key(sealer, file_id)
        with self.incoming() as sealed:
            for piece in seal(content, key, file_id):
                sealed.write(piece)
            sealed.finish()
            self._put(sealed, self._name(file_id, sealed=True))
        return sealed_key

    def open(self, file: KeptFile) -> BinaryIO:
        """Open a kept file for reading and seeking.

        Raises Held when it is not to be handed out, FileNotFoundError, and OSError, also while it is read.
        """
        if file.scan not in {None, ScanState.CLEAN}:
            raise Held
        return self.raw(file)

    def raw(self, file: SealedFile) -> BinaryIO:
        """Open a kept file whatever the scan says, for the scan itself and for the operator; raises as `open`."""
        if file.sealed_key is None:
            return self._plain(self._name(file.id, sealed=False))
        key = self._key(file.id, file.sealed_key)
        return opened(self._source(self._name(file.id, sealed=True)), key, file.id)

    def look(self, file: SealedFile) -> Verdict:
        """Have a kept file scanned; raises ScannerAway, FileNotFoundError, OSError."""
        if self._scanner is None:
            raise ScannerAway("service.scan is not set")
        with self.raw(file) as content:
            return self._scanner.look(content)

    def scanner_answers(self) -> bool:
        """Tell whether the scanner is there at all."""
        try:
            return self._scanner is not None and bool(self._scanner.version())
        except ScannerAway:
            return False

    def has(self, file: KeptFile) -> bool:
        """Tell whether a file is kept, whole; raises OSError when that cannot be told."""
        sealed = file.sealed_key is not None
        try:
            return self._size(self._name(file.id, sealed=sealed)) == (sealed_size(file.bytes) if sealed else file.bytes)
        except FileNotFoundError:
            return False

    def delete(self, file_id: UUID) -> None:
        """Delete a file; one that is not there is fine."""
        for sealed in (True, False):
            self._remove(self._name(file_id, sealed=sealed))

    def discard(self, file_id: UUID) -> None:
        """Delete a file that no row names; what cannot be deleted now is left to the search for orphans."""
        with suppress(OSError):
            self.delete(file_id)

    def delete_plain(self, file_id: UUID) -> None:
        """Delete what of a file is not sealed."""
        self._remove(self._name(file_id, sealed=False))

    def ids(self, older_than: datetime, *, plain: bool = False) -> Iterator[UUID]:
        """Yield the ids of kept files last written before `older_than`; with `plain`, of those that are not sealed."""
        for name, written in self._names():
            file_id = _as_id(name if plain else name.removesuffix(_SUFFIX))
            if file_id is not None and written < older_than.timestamp():
                yield file_id

    def sweep_incoming(self, older_than: datetime) -> int:
        """Delete what interrupted uploads have left on this host; returns how many files."""
        swept = 0
        for path in self._spool.glob("*"):
            if (_written(path) or older_than.timestamp()) < older_than.timestamp():
                path.unlink(missing_ok=True)
                swept += 1
        return swept

    def check(self) -> None:
        """Raise OSError where nothing can be kept now; leaves nothing behind."""
        with self.incoming():
            pass

    def _looked_into(self, incoming: Incoming) -> Verdict | None:
        incoming.finish()
        if self._scanner is None:
            return None
        try:
            with incoming.path.open("rb") as content:
                return self._scanner.look(content)
        except ScannerAway:
            return Verdict(ScanState.PENDING)

    def _key(self, file_id: UUID, sealed_key: str) -> bytes:
        if self._sealer is None:
            raise KeyRefused(file_id)
        try:
            return key_of(self._sealer, sealed_key, file_id)
        except Exception as refused:
            raise KeyRefused(file_id) from refused

    @staticmethod
    def _name(file_id: UUID, *, sealed: bool) -> str:
        """Return where a file lies: ids are random, so their first two bytes spread them over folders in folders."""
        return f"{file_id.hex[:2]}/{file_id.hex[2:4]}/{file_id}{_SUFFIX if sealed else ''}"

    @abstractmethod
    def _put(self, incoming: Incoming, name: str) -> None:
        """Keep a finished file; raises OSError, and then it is not kept."""

    @abstractmethod
    def _plain(self, name: str) -> BinaryIO:
        """Open a file as it lies."""

    @abstractmethod
    def _source(self, name: str) -> Source:
        """Open a file as it lies, to be read from any place."""

    @abstractmethod
    def _size(self, name: str) -> int:
        """Return how many bytes a file takes where it lies; raises FileNotFoundError."""

    @abstractmethod
    def _remove(self, name: str) -> None:
        """Delete a file if it is there."""

    @abstractmethod
    def _names(self) -> Iterator[tuple[str, float]]:
        """Yield the last part of each name, and when it was last written (seconds since 1970)."""


class Folder(Storage):
    """Keeps files below `root`; what is kept survives a power cut."""

    def __init__(self, root: Path, sealer: Sealer | None = None, scanner: Scanner | None = None) -> None:
        super().__init__(root / _INCOMING, sealer, scanner)  # on the same file system as the kept ones
        self._root = root

    @override
    def _put(self, incoming: Incoming, name: str) -> None:
        """Bring the file's bytes and then its name to the disk."""
        target = self._root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        incoming.to_disk()
        incoming.path.rename(target)
        try:
            # All three each time: another thread may have made a folder and not yet brought it to the disk.
            for folder in (target.parent, target.parent.parent, self._root):
                _fsync_folder(folder)
        except OSError:
            target.unlink(missing_ok=True)
            raise

    @override
    def _plain(self, name: str) -> BinaryIO:
        return (self._root / name).open("rb")

    @override
    def _source(self, name: str) -> Source:
        return _OnDisk(self._root / name)

    @override
    def _size(self, name: str) -> int:
        return (self._root / name).stat().st_size

    @override
    def _remove(self, name: str) -> None:
        (self._root / name).unlink(missing_ok=True)

    @override
    def _names(self) -> Iterator[tuple[str, float]]:
        for path in self._root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
            if (written := _written(path)) is not None:
                yield path.name, written


class _OnDisk:
    """A kept file on this host's disk."""

    def __init__(self, path: Path) -> None:
        self._file = FileIO(path)
        self.size = path.stat().st_size

    def read_at(self, start: int, length: int) -> bytes:
        return os.pread(self._file.fileno(), length, start)

    def close(self) -> None:
        self._file.close()


def _written(path: Path) -> float | None:
    """Return when a file was last written; None for one that has gone meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return None


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
