"""Reads a posted form: text into memory within limits, files straight to storage, nothing trusted."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import IO
from urllib.parse import parse_qsl

import falcon
from falcon.media.multipart import BodyPart, MultipartForm, MultipartFormHandler, MultipartParseError
from falcon.util import BufferedReader
from falcon.util.reader import BufferedReader as PyBufferedReader

from service.files.intake import StoredFile, take_in
from service.files.names import clean_name
from service.files.refusal import FileRefused, Limits, Refusal
from service.files.storage import Storage
from service.store.database import FAULTS

_MAX_FIELDS = 400
_OVERHEAD = 2**20
_CHUNK = 64 * 1024
_BUFFER = 256 * 1024
_REFERENCE_BYTES = 2048

FILES = "anhaenge"  # the field of the files themselves
REFERENCE = "gesichert_"  # the fields that refer to files which an earlier attempt has left in storage
Taken = Callable[[Mapping[str, str]], tuple[int, int]]


class BadForm(Exception):
    """The body is no form that this service reads: 400. `field` names the field at fault, if one is."""

    def __init__(self, reason: str, field_name: str = "") -> None:
        super().__init__(reason)
        self.field = field_name


class BodyTooLarge(Exception):
    """The body passes the limit for one Vorgang: 413."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A form as it was posted.

    `received` are the files of this body, kept already; `refused` names those that were not. `references` are what the
    form says of files kept by an earlier attempt; `earlier` are those of them that were recognised.
    """

    fields: Mapping[str, str]
    received: tuple[StoredFile, ...] = ()
    refused: tuple[FileRefused, ...] = ()
    references: tuple[str, ...] = ()
    earlier: tuple[StoredFile, ...] = ()

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """Return every file that the form brings along."""
        return self.earlier + self.received

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of what was sent, less the CSRF token, which differs between renderings."""
        digest = sha256()
        for name, value in sorted(self.fields.items()):
            if name != "csrf_token":
                digest.update(f"{name}\0{value}\0".encode())
        for file in self.files:
            digest.update(f"{file.dateiname}\0{file.sha256}\0".encode())
        return digest.hexdigest()

    def get(self, name: str) -> str:
        """Return a field with outer white space removed; absent fields are empty."""
        return self.fields.get(name, "").strip()

    def raw(self, name: str) -> str:
        """Return a field as it was typed, as passwords are taken."""
        return self.fields.get(name, "")


@dataclass
class _Reading:
    fields: dict[str, str] = field(default_factory=dict)
    files: list[StoredFile] = field(default_factory=list)
    refused: list[FileRefused] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    fault: Exception | None = None
    text_left: int = 0

    def put(self, name: str, value: str) -> None:
        """Keep a field; the first of several with one name counts."""
        if "\x00" in name or "\x00" in value:
            raise BadForm("the text contains a NUL character", name.replace("\x00", ""))
        if any("\ud800" <= letter <= "\udfff" for letter in name + value):
            raise BadForm("the text contains half a character", name)
        if name.startswith(REFERENCE):
            self.references.append(value)
            return
        self.text_left -= len(name) + len(value)
        if self.text_left < 0:
            raise BadForm("the form has too much text")
        self.fields.setdefault(name, value.replace("\r\n", "\n"))


class Intake:
    """Reads forms within the limits of this installation into its file storage."""

    def __init__(self, storage: Storage, limits: Limits, *, text_bytes: int) -> None:
        self.storage = storage
        self.limits = limits
        self._text_bytes = text_bytes
        self._handler = MultipartFormHandler()
        options = self._handler.parse_options
        options.max_body_part_count = _MAX_FIELDS
        options.max_body_part_buffer_size = text_bytes

    def read(self, req: falcon.Request, *, taken: Taken) -> Submitted:
        """Read the body to its end and leave the form in `req.context.form`.

        `taken` is asked, with the fields read so far, for the number and bytes of the files that the draft holds
        already. Raises BadForm, BodyTooLarge; then every file of this body is deleted again. A fault of the disk or of
        the database is raised at the end of the body, when the form has been left where its error page finds it.
        """
        reading = _Reading(text_left=self._text_bytes * 8)
        try:
            stream = _Counted(_body(req), self.limits.total_bytes + _OVERHEAD, req.content_length)
            self._read_into(reading, req, stream, taken)
        except BaseException:
            self.discard(reading.files)
            raise
        form = Submitted(reading.fields, tuple(reading.files), tuple(reading.refused), tuple(reading.references))
        req.context.form = form
        if reading.fault is not None:
            raise reading.fault
        return form

    def discard(self, files: Iterable[StoredFile]) -> None:
        """Delete files that nothing refers to."""
        for file in files:
            self.storage.discard(file.id)

    def _read_into(
        self,
        reading: _Reading,
        req: falcon.Request,
        stream: "_Counted",
        taken: Taken,
    ) -> None:
        kind = (req.content_type or "").partition(";")[0].strip().lower()
        if kind == "application/x-www-form-urlencoded":
            self._urlencoded(reading, stream)
        elif kind == "multipart/form-data":
            self._multipart(reading, req, stream, taken)
        else:
            raise BadForm("a form must be multipart/form-data or application/x-www-form-urlencoded")

    def _urlencoded(self, reading: _Reading, stream: "_Counted") -> None:
        limit = self._text_bytes * 8
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BadForm("the form has too much text")
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
        except ValueError as broken:
            raise BadForm("the form is not valid UTF-8 or has too many fields") from broken
        for name, value in pairs:
            if len(value.encode("utf-8", "replace")) > self._text_bytes:
                raise BadForm("the text is too long", name)
            reading.put(name, value)

    def _multipart(
        self,
        reading: _Reading,
        req: falcon.Request,
        stream: "_Counted",
        taken: Taken,
    ) -> None:
        try:
            form: MultipartForm = self._handler.deserialize(stream.buffered(), req.content_type, None)
            for part in form:
                self._part(reading, part, taken)
        except (MultipartParseError, falcon.MediaMalformedError, falcon.HTTPInvalidHeader, ValueError) as broken:
            raise BadForm("the form is malformed") from broken

    def _part(self, reading: _Reading, part: BodyPart, taken: Taken) -> None:
        name, filename = part.name, part.filename
        if name is None:
            raise BadForm("a part of the form has no name")
        if filename is None:
            self._text_part(reading, part, name)
        elif name == FILES and filename:
            self._file_part(reading, part, filename, _asked(taken, reading))
        else:
            _drain(part.stream)

    def _text_part(self, reading: _Reading, part: BodyPart, name: str) -> None:
        most = _REFERENCE_BYTES if name.startswith(REFERENCE) else self._text_bytes
        data = part.stream.read(most + 1)
        if len(data) > most:
            raise BadForm("the text is too long", name)
        try:
            reading.put(name, data.decode("utf-8"))
        except UnicodeDecodeError as broken:
            raise BadForm("the text is not valid UTF-8", name) from broken

    def _file_part(self, reading: _Reading, part: BodyPart, filename: str, taken: tuple[int, int]) -> None:
        try:
            stored = take_in(
                part.stream,
                filename,
                storage=self.storage,
                limits=self.limits,
                taken_files=taken[0] + len(reading.files),
                taken_bytes=taken[1] + sum(file.bytes for file in reading.files),
            )
            reading.files.append(stored)
        except FileRefused as refused:
            reading.refused.append(refused)
            _drain(part.stream)
        except OSError as fault:  # what follows is still wanted: words, and files that are smaller
            reading.fault = fault
            reading.refused.append(FileRefused(clean_name(filename), Refusal.NOT_KEPT))
            _drain(part.stream)


class _Counted:
    """A body that refuses to be longer than its limit, while it is read."""

    def __init__(self, stream: IO[bytes], limit: int, announced: int | None) -> None:
        if announced is not None and announced > limit:
            raise BodyTooLarge
        self._stream = stream
        self._left = limit

    def buffered(self) -> PyBufferedReader:
        """Return the body for the multipart parser, with a buffer large enough for fast uploads."""
        reader: PyBufferedReader = BufferedReader(self.read, self._left + 1, _BUFFER)
        return reader

    def read(self, size: int | None = -1) -> bytes:
        wanted = _CHUNK if size is None or size < 0 else size
        data = self._stream.read(wanted)
        self._left -= len(data)
        if self._left < 0:
            raise BodyTooLarge
        return data


def _body(req: falcon.Request) -> IO[bytes]:
    chunked = "chunked" in (req.get_header("Transfer-Encoding") or "").lower()
    return req.stream if chunked else req.bounded_stream  # type: ignore[return-value]  # falcon's own reader type


def _drain(stream: object) -> None:
    while stream.read(_CHUNK):  # type: ignore[attr-defined]  # falcon's body part stream has no public type
        pass


def _asked(taken: Taken, reading: _Reading) -> tuple[int, int]:
    """Ask what the draft holds already, once in vain at most: the rest of the body is wanted all the same."""
    if reading.fault is not None:
        return 0, 0
    try:
        return taken(reading.fields)
    except FAULTS as fault:
        reading.fault = fault
        return 0, 0
