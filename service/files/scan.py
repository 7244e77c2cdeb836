"""Whether a file carries a virus: clamd is asked, which is given the bytes and never a path (INSTREAM)."""

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clamav_client.clamd import ClamdNetworkSocket

# What clamd calls a file that it could not look into as far as it should; only with AlertExceedsMax, AlertEncrypted.
_NOT_LOOKED_INTO = ("Heuristics.Limits.Exceeded", "Heuristics.Encrypted")
_WORD_MAX = 100


class ScanState(StrEnum):
    """What is known of a file; only a clean one is handed out or on."""

    PENDING = "pending"
    CLEAN = "clean"
    INFECTED = "infected"
    UNSCANNABLE = "unscannable"


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
    """clamd at `address`: host:port, or the path of its socket. `timeout_s` is how long it may take for an answer."""

    def __init__(self, address: str, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s

    def look(self, content: BinaryIO) -> Verdict:
        """Return what is in a file.

        clamd answers a file that is longer than its StreamMaxLength by hanging up while we still write: when it is
        there all the same, the file was too long for it.
        """
        from clamav_client import clamd  # noqa: PLC0415 - only where files are scanned

        try:
            with self._socket() as socket:
                answer = socket.instream(content)
        except clamd.BufferTooLongError:
            return Verdict(ScanState.UNSCANNABLE, "SIZE")
        except (BrokenPipeError, ConnectionResetError):
            self.version()
            return Verdict(ScanState.UNSCANNABLE, "SIZE")
        except (clamd.ClamdError, TimeoutError, UnicodeDecodeError) as away:
            raise ScannerAway(f"clamd: {type(away).__name__}") from away
        return _verdict(*next(iter(answer.values()), ("ERROR", "no answer")))

    def version(self) -> str:
        """Return what clamd calls itself, with the age of its signatures; raises ScannerAway."""
        from clamav_client.clamd import ClamdError  # noqa: PLC0415 - only where files are scanned

        try:
            with self._socket() as socket:
                said = str(socket.version()).strip()
        except (ClamdError, OSError, UnicodeDecodeError) as away:
            raise ScannerAway(f"clamd: {type(away).__name__}") from away
        if not said.startswith("ClamAV"):
            raise ScannerAway("clamd: says nothing of use")
        return said

    @contextmanager
    def _socket(self) -> "Iterator[ClamdNetworkSocket]":
        """Give a connection, not made yet; the library leaves one open that could not be made."""
        from clamav_client.clamd import ClamdNetworkSocket, ClamdUnixSocket  # noqa: PLC0415 - as above

        if self._address.startswith("/"):
            made: ClamdNetworkSocket = ClamdUnixSocket(self._address, self._timeout_s)  # type: ignore[arg-type]  # fractions do, too
        else:
            host, _, port = self._address.rpartition(":")
            made = ClamdNetworkSocket(host.strip("[]"), int(port), self._timeout_s)
        try:
            yield made
        finally:
            with suppress(AttributeError):  # nothing was connected
                made.clamd_socket.close()


def _verdict(status: str, found: str | None) -> Verdict:
    word = (found or "")[:_WORD_MAX]
    if status == "OK":
        return Verdict(ScanState.CLEAN)
    if status != "FOUND":
        raise ScannerAway("clamd: ERROR")
    state = ScanState.UNSCANNABLE if word.startswith(_NOT_LOOKED_INTO) else ScanState.INFECTED
    return Verdict(state, word)
