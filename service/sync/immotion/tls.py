"""What the other side's TLS says about our certificate: a refusal, which wants a person; no fault of the network."""

import re
import ssl
from typing import Any

from typing_extensions import override
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, SSLError

from service.sync.immotion.timely import TimelyResponse

# RFC 8446, 6.2; TLS 1.2 has no alert of its own for a certificate that was not shown
_ALERT = re.compile(r"ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)$")


def certificate_refused(fault: HTTPError) -> str | None:
    """Return the TLS alert that refuses our certificate, or the lack of one; None for other faults."""
    cause = fault.args[0] if isinstance(fault, SSLError) and fault.args else None
    reason = str(cause.reason or "") if isinstance(cause, ssl.SSLError) else ""
    return reason if _ALERT.search(reason) else None


class _AtOnce(HTTPConnection):
    """Sends the head of a request together with the first piece of its body: one call of the system instead of two.

    With many threads each call is a chance to lose the processor; immotion, too, is woken once instead of twice.
    """

    response_class = TimelyResponse
    _holding = False
    _head = b""

    @override
    def request(self, *args: Any, **options: Any) -> None:
        self._head = b""
        super().request(*args, **options)
        if self._head:
            self.send(b"")

    @override
    def endheaders(self, *args: Any, **options: Any) -> None:
        self._holding = True
        super().endheaders(*args, **options)

    @override
    def send(self, data: Any) -> None:
        if self._holding:
            self._holding, self._head = False, data
            return
        head, self._head = self._head, b""
        super().send(head + data if head else data)


class _Connection(_AtOnce, HTTPSConnection):
    """Asks why the other side hung up while we were sending.

    In TLS 1.3 a client is through with the handshake before the server has looked at its certificate: the refusal
    arrives while the request is under way, and would be lost behind "broken pipe".
    """

    @override
    def send(self, data: Any) -> None:
        try:
            super().send(data)
        except ssl.SSLEOFError:
            self.sock.recv(1)  # raises the alert if one has arrived
            raise


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _AtOnce


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _PlainPool, "https": _Pool}
