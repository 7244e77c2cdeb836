"""ZIP files that strangers wrote: looked at as a whole before a byte is unpacked, and never unpacked to paths."""

import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from service.sync.immotion.filedrop.unreadable import Unreadable

ARCHIVE_MAX = 300 * 2**20
MEMBERS_MAX = 1000
MEMBER_MAX = 100 * 2**20
TOTAL_MAX = 300 * 2**20
RATIO_MAX = 200
_RATIO_FROM = 2**20
_DIRECTORY_MAX = 2**20
_CHUNK = 64 * 1024
_END = b"PK\x05\x06"
_END_SIZE = 22
_ZIP64_END = b"PK\x06\x07"
_ZIP64_END_SIZE = 20
_COMMENT_MAX = 0xFFFF
_ENCRYPTED = 0x1 | 0x40
_UTF8 = 0x800
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class SafeZip:
    """An archive whose list of members has been found harmless."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = {name_of(info): info for info in archive.infolist() if not info.is_dir()}

    @property
    def names(self) -> list[str]:
        """Return the names of the members, folders left out."""
        return list(self._members)

    def read(self, name: str, limit: int) -> bytes:
        """Return a small member; raises Unreadable when it is not there, larger than `limit` or damaged."""
        if self._member(name).file_size > limit:
            raise Unreadable(f"a member of more than {limit} bytes where a small one belongs")
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a member's bytes; raises Unreadable when they are damaged or more than announced."""
        member = self._member(name)
        seen = 0
        try:
            with self._archive.open(member) as content:
                while chunk := content.read(_CHUNK):
                    seen += len(chunk)
                    if seen > member.file_size:
                        raise Unreadable("a member that is larger than it says")
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as broken:
            raise Unreadable(f"a damaged member ({type(broken).__name__})") from broken

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise Unreadable("a member that the index names is missing")
        return self._members[name]


@contextmanager
def open_zip(path: Path) -> Iterator[SafeZip]:
    """Open an archive; raises Unreadable for one that is damaged, hostile or too large, and OSError."""
    with path.open("rb") as file:
        _require_small_directory(file)
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError, ValueError, EOFError) as broken:
            raise Unreadable("not a complete ZIP") from broken
        with archive:
            _require_harmless(archive.infolist())
            yield SafeZip(archive)


def _require_small_directory(file: BinaryIO) -> None:
    """Look at the end record ourselves: zipfile would read a directory of any length into memory."""
    size = file.seek(0, 2)
    if size > ARCHIVE_MAX:
        raise Unreadable(f"a ZIP of more than {ARCHIVE_MAX} bytes")
    tail_size = min(size, _END_SIZE + _COMMENT_MAX)
    file.seek(size - tail_size)
    tail = file.read(tail_size)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise Unreadable("not a complete ZIP")
    if tail[max(at - _ZIP64_END_SIZE, 0) : at].startswith(_ZIP64_END):
        raise Unreadable("a ZIP in the format ZIP64")
    here, count, directory = struct.unpack_from("<8xHHI", tail, at)
    if max(here, count) > MEMBERS_MAX or directory > _DIRECTORY_MAX:
        raise Unreadable(f"a ZIP of more than {MEMBERS_MAX} members")
    file.seek(0)


def _require_harmless(infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > MEMBERS_MAX:
        raise Unreadable(f"a ZIP of more than {MEMBERS_MAX} members")
    seen: set[str] = set()
    for info in infos:
        _require_plain(info)
        key = unicodedata.normalize("NFKC", name_of(info)).casefold()
        if key in seen:
            raise Unreadable("two members of the same name")
        seen.add(key)
    if sum(info.file_size for info in infos) > TOTAL_MAX:
        raise Unreadable(f"members of more than {TOTAL_MAX} bytes together")


def _require_plain(info: zipfile.ZipInfo) -> None:
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise Unreadable("a member that is no file (a symbolic link, for example)")
    if info.flag_bits & _ENCRYPTED:
        raise Unreadable("an encrypted member")
    if info.compress_type not in _METHODS:
        raise Unreadable("a member packed by another method than deflate")
    if info.file_size > MEMBER_MAX:
        raise Unreadable(f"a member of more than {MEMBER_MAX} bytes")
    if info.file_size > _RATIO_FROM and info.file_size > RATIO_MAX * max(info.compress_size, 1):
        raise Unreadable("a member that unpacks to far more than it is")
    _require_plain_name(info)


def _require_plain_name(info: zipfile.ZipInfo) -> None:
    if "\x00" in info.orig_filename:
        raise Unreadable("a member whose name has a NUL in it")
    name = name_of(info)
    parts = name.rstrip("/").split("/")
    odd = any(not letter.isprintable() for letter in name)
    if odd or "\\" in info.orig_filename or ":" in name or any(part in {"", ".", ".."} for part in parts):
        raise Unreadable("a member whose name is no plain relative path")


def name_of(info: zipfile.ZipInfo) -> str:
    """Return a member's name: UTF-8 if it says so or is so, else as DOS wrote names (CP437)."""
    if info.flag_bits & _UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename
