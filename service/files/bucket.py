"""Files kept in an S3-compatible bucket; they wait on this host's disk until they are checked and sealed.

An object is there whole or not at all, however the upload ends; what S3 keeps of one that broke off is for a lifecycle
rule of the bucket to remove (docs/operators.md).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from errno import EIO
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from uuid import uuid4

from typing_extensions import override

from service.files.scan import Scanner
from service.files.sealing import Sealer
from service.files.source import Source, reader
from service.files.storage import Incoming, Storage

if TYPE_CHECKING:
    from obstore.store import S3Store

_PART = 8 * 2**20  # larger files go up in parts, of which two are in memory at once
_TOGETHER = 2
_RETRIES = 2
_BLOCK = 256 * 1024


class StorageAway(OSError):
    """The bucket does not answer, or refuses us; `code` says which, without addresses or keys."""

    def __init__(self, code: str) -> None:
        super().__init__(EIO, f"S3: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class BucketAt:
    """Which bucket, and how it is reached; what is empty or None is asked of the environment (AWS_…)."""

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    access_key_id: str = ""
    secret_access_key: str = ""
    path_style: bool = False
    timeout_s: float = 10


class Bucket(Storage):
    """Keeps files as objects, under the names that a folder has for them; `spool` is a folder on this host."""

    def __init__(self, at: BucketAt, spool: Path, sealer: Sealer | None = None, scanner: Scanner | None = None) -> None:
        super().__init__(spool, sealer, scanner)
        self._at = at

    @override
    def check(self) -> None:
        super().check()
        with _translated():
            next(iter(self._store.list(prefix="check", chunk_size=1)), None)

    def probe(self) -> None:
        """Write, read and delete an object; raises OSError."""
        name = f"probe/doctor-{uuid4().hex}"
        with _translated():
            self._store.put(name, b"ok")
            same = bytes(self._store.get_range(name, start=0, length=2)) == b"ok"
            self._store.delete(name)
        if not same:
            raise StorageAway("what was written is not what is read")

    @cached_property
    def _store(self) -> "S3Store":
        """Return the client: its threads do not survive a fork, so it is made where it is first used."""
        from obstore.store import S3Store  # noqa: PLC0415 - only where it is used

        at = self._at
        config = {
            "endpoint": at.endpoint,
            "region": at.region,
            "access_key_id": at.access_key_id,
            "secret_access_key": at.secret_access_key,
        }
        given = {name: value for name, value in config.items() if value}
        wait = timedelta(seconds=at.timeout_s)
        return S3Store(
            at.bucket,
            prefix=at.prefix or None,
            virtual_hosted_style_request=not at.path_style,
            client_options={
                "allow_http": bool(at.endpoint and at.endpoint.startswith("http:")),
                "timeout": wait,
                "connect_timeout": wait,
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": wait},
            **given,  # type: ignore[arg-type]  # only texts are left
        )

    @override
    def _put(self, incoming: Incoming, name: str) -> None:
        with _translated():
            self._store.put(name, incoming.path, chunk_size=_PART, max_concurrency=_TOGETHER)

    @override
    def _plain(self, name: str) -> BinaryIO:
        return reader(self._source(name), _BLOCK)

    @override
    def _source(self, name: str) -> Source:
        return _InBucket(self._store, name, self._size(name))

    @override
    def _size(self, name: str) -> int:
        with _translated():
            return self._store.head(name)["size"]

    @override
    def _remove(self, name: str) -> None:
        with _translated():
            self._store.delete(name)

    @override
    def _names(self) -> Iterator[tuple[str, float]]:
        with _translated():
            for page in self._store.list(chunk_size=1000):
                for found in page:
                    yield found["path"].rpartition("/")[2], found["last_modified"].timestamp()


class _InBucket:
    """An object, read by ranges: each is a request of its own, tried again by itself."""

    def __init__(self, store: "S3Store", name: str, size: int) -> None:
        self._store = store
        self._name = name
        self.size = size

    def read_at(self, start: int, length: int) -> bytes:
        length = min(length, self.size - start)
        if length <= 0:
            return b""
        with _translated():
            return bytes(self._store.get_range(self._name, start=start, length=length))

    def close(self) -> None:
        """Nothing is held between two reads."""


@contextmanager
def _translated() -> Iterator[None]:
    """Make of every fault of the bucket an OSError that says nothing of addresses or keys."""
    from obstore.exceptions import BaseError  # noqa: PLC0415 - only where it is used

    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, TimeoutError) as fault:
        raise StorageAway(type(fault).__name__) from fault
