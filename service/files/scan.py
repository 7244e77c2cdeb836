"""Whether a file carries a virus: clamd is asked, which is given the bytes and never a path (INSTREAM)."""

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Protocol

# What clamd calls a file that it could not look into as far as it should; only with AlertExceedsMax, AlertEncrypted.
_NOT_LOOKED_INTO = ("Heuristics.Limits.Exceeded", "Heuristics.Encrypted")
_WORD_MAX = 100
_CHUNK = 128 * 1024
_ANSWER_MAX = 4096
_ANSWER = re.compile(rb"stream: (?:(OK)|(.*) FOUND)\Z", re.DOTALL)


class ScanState(StrEnum):
    """What is known of a file; only a clean one is handed out or on."""

    PENDING = "pending"
    CLEAN = "clean"
    INFECTED = "infected"
    UNSCANNABLE = "unscannable"

    @property
    def is_bad(self) -> bool:
        """Tell whether the scanner has looked, and does not let the file go."""
        return self in {ScanState.INFECTED, ScanState.UNSCANNABLE}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the scanner said; `found` is the name of what it has found, or why it could not look."""

    state: ScanState
    found: str = ""


class ScannerAway(OSError):
    """The scanner has not said anything: it is away, too slow, or at a loss."""


class Scanner(Protocol):
    """Looks into files."""

    def look(self, content: BinaryIO) -> Verdict:
        """Return what is in a file, never PENDING; raises ScannerAway, and OSError when the file cannot be read."""
        ...

    def version(self) -> str:
        """Return what it calls itself; raises ScannerAway."""
        ...


class Clamd:
    """clamd at `address`: host:port, or the path of its socket. `timeout_s` is how long it may take for an answer.

    The protocol is that of clamd(8); the libraries for it are under licences that would become the portal's.
    """

    def __init__(self, address: str, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s

    def look(self, content: BinaryIO) -> Verdict:
        """Return what is in a file.

        clamd answers a file that is longer than its StreamMaxLength by hanging up while we still write: when it is
        there all the same, the file was too long for it.
        """
        with self._connected() as connection:
            try:
                connection.sendall(b"nINSTREAM\n")
                while chunk := _read(content):
                    connection.sendall(struct.pack("!L", len(chunk)) + chunk)
                connection.sendall(struct.pack("!L", 0))
                answer = _answer(connection)
            except (BrokenPipeError, ConnectionResetError):
                self.version()
                return Verdict(ScanState.UNSCANNABLE, "SIZE")
        return _verdict(answer)

    def version(self) -> str:
        """Return what clamd calls itself, with the age of its signatures; raises ScannerAway."""
        with self._connected() as connection:
            connection.sendall(b"nVERSION\n")
            said = _answer(connection).decode("ascii", "replace")
        if not said.startswith("ClamAV"):
            raise ScannerAway("clamd: says nothing of use")
        return said

    @contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        """Give a connection; what fails about it becomes ScannerAway, what fails about the file stays as it is."""
        try:
            with self._socket() as connection:
                yield connection
        except _FileFault as unread:
            raise unread.fault from None
        except ScannerAway:
            raise
        except OSError as away:
            raise ScannerAway(f"clamd: {type(away).__name__}") from away

    def _socket(self) -> socket.socket:
        if not self._address.startswith("/"):
            host, _, port = self._address.rpartition(":")
            return socket.create_connection((host.strip("[]"), int(port)), self._timeout_s)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(self._timeout_s)
        try:
            connection.connect(self._address)
        except OSError:
            connection.close()
            raise
        return connection


class _FileFault(Exception):
    """Reading the file has failed, and not the connection."""

    def __init__(self, fault: OSError) -> None:
        super().__init__(fault)
        self.fault = fault


def _read(content: BinaryIO) -> bytes:
    try:
        return content.read(_CHUNK)
    except OSError as fault:
        raise _FileFault(fault) from fault


def _answer(connection: socket.socket) -> bytes:
    """Return the one line that clamd says; "" when it hangs up instead."""
    said = b""
    while not said.endswith(b"\n") and len(said) < _ANSWER_MAX:
        piece = connection.recv(_ANSWER_MAX)
        if not piece:
            break
        said += piece
    return said.rstrip(b"\n")


def _verdict(answer: bytes) -> Verdict:
    if b"size limit exceeded" in answer:
        return Verdict(ScanState.UNSCANNABLE, "SIZE")
    found = _ANSWER.match(answer)
    if found is None:
        raise ScannerAway("clamd: ERROR")
    if found[1]:
        return Verdict(ScanState.CLEAN)
    word = found[2].decode("ascii", "replace")[:_WORD_MAX]
    state = ScanState.UNSCANNABLE if word.startswith(_NOT_LOOKED_INTO) else ScanState.INFECTED
    return Verdict(state, word)
