"""An ERP that does nothing: answers every PUT and GET after so many seconds. Run as a process of its own.

Usage: python -m benchmarks.far_side PORT SECONDS
"""

import asyncio
import sys
import time
from itertools import count

_END = b"\r\n\r\n"
_LENGTH = b"Content-Length: "
_CREATED = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_NOTHING_NEW = b'{"ereignisse": [], "aenderungen": [], "naechsterCursor": "c", "mehr": false}'
_numbers = count(time.time_ns())  # no two runs give the same id


class FarSide(asyncio.Protocol):
    """Reads requests with Content-Length from a connection that stays open; a PUT is a Vorgang, a GET finds nothing."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := _end_of_request(self._received)) is not None:
            put = self._received.startswith(b"PUT")
            self._received = self._received[end:]
            self._answer(_vorgang() if put else _OK % (len(_NOTHING_NEW), _NOTHING_NEW))

    def _answer(self, answer: bytes) -> None:
        assert self._transport is not None
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._transport.write, answer)
        else:
            self._transport.write(answer)


def _vorgang() -> bytes:
    number = next(_numbers)
    body = b'{"vorgangId": "I-%d", "vorgangsnummer": "V-2026-%06d"}' % (number, number)
    return _CREATED % (len(body), body)


def _end_of_request(received: bytes) -> int | None:
    head = received.find(_END)
    if head < 0:
        return None
    at = received.find(_LENGTH, 0, head)
    length = int(received[at + len(_LENGTH) : received.index(b"\r", at)]) if at >= 0 else 0
    end = head + len(_END) + length
    return end if len(received) >= end else None


async def serve(port: int, latency: float) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(lambda: FarSide(latency), "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
