"""An ERP that does nothing: answers every PUT and GET after so many seconds. Run as a process of its own.

Usage: python -m benchmarks.far_side PORT SECONDS
"""

import asyncio
import sys
import time
from itertools import count

_HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
_numbers = count(time.time_ns())  # no two runs give the same id


class FarSide(asyncio.Protocol):
    """Reads requests with Content-Length from a connection that stays open."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (request := self._whole_request()) is not None:
            self._received = self._received[request:]
            number = next(_numbers)
            body = b'{"vorgangId": "I-%d", "vorgangsnummer": "V-2026-%06d"}' % (number, number)
            self._answer(_HEAD % len(body) + body)

    def _whole_request(self) -> int | None:
        head, blank, rest = self._received.partition(b"\r\n\r\n")
        if not blank:
            return None
        _, found, after = head.lower().partition(b"content-length:")
        length = int(after.split(b"\r\n", 1)[0]) if found else 0
        return len(head) + len(blank) + length if len(rest) >= length else None

    def _answer(self, answer: bytes) -> None:
        assert self._transport is not None
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._transport.write, answer)
        else:
            self._transport.write(answer)


async def serve(port: int, latency: float) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(lambda: FarSide(latency), "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
