"""Ends an answer that never ends: urllib3's time-out begins anew with each byte, so that drops would hold a thread."""

import http.client
import io
import socket
import time
from typing import Any

from typing_extensions import Buffer, override

SLOWEST = 16 * 1024  # bytes a second


class _Pouring(io.RawIOBase):
    """Reads from a socket for as long as one read may take, and a second more for every SLOWEST bytes that came."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        self._patience = sock.gettimeout()
        self._begun, self._bytes = time.monotonic(), 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Buffer) -> int | None:
        if self._patience is not None:
            left = self._patience + self._bytes / SLOWEST - (time.monotonic() - self._begun)
            if left <= 0:
                raise TimeoutError("the answer comes too slowly")
            if self._bytes:  # for the first ones the socket's own time-out is right
                self._sock.settimeout(min(self._patience, left))
        count = self._raw.readinto(buffer)
        self._bytes += count or 0
        return count

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()


class TimelyResponse(http.client.HTTPResponse):
    """An answer of which head and body together must come in reasonable time; raises TimeoutError where read."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:  # noqa: ANN401 - http.client's
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_Pouring(self.fp.detach(), sock))
