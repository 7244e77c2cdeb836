"""A token endpoint and an ERP in this process, over plain HTTP or TLS: they count, delay and refuse as a test says."""

import http.server
import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

TOKEN_PATH = "/oauth2/token"


@dataclass
class FarSide:
    """What the server saw, and what it says. Without `endpoint`, each question for a token gets a new one."""

    url: str = ""
    endpoint: tuple[int, Any] | None = None
    endpoint_headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    expires_in: object = 3600
    issued: list[str] = field(default_factory=list)
    asked: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    refuses_with: int = 401
    calls: list[tuple[str, str | None, bytes]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def give_token(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        with self.lock:
            self.asked.append((headers, body))
            number = len(self.asked)
        time.sleep(self.delay_s)
        if self.endpoint is not None:
            return self.endpoint
        token = f"token-{number}"
        self.issued.append(token)
        life = {} if self.expires_in is None else {"expires_in": self.expires_in}
        return 200, {"access_token": token, "token_type": "bearer", **life}

    def answer(self, method: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        shown = headers.get("Authorization")
        with self.lock:
            self.calls.append((method, shown, body))
        if (shown or "").removeprefix("Bearer ") in self.refused:
            return self.refuses_with, {"code": "NICHT_ANGEMELDET"}
        return 200, {"vorgangsnummer": "V-1", "version": "1"}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    side: FarSide

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        more: Mapping[str, str] = {}
        if self.path.startswith(TOKEN_PATH):
            status, said = self.side.give_token(dict(self.headers), body)
            more = self.side.endpoint_headers
        else:
            status, said = self.side.answer(self.command, dict(self.headers), body)
        if status == 0:
            self.close_connection = True
            return
        data = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_PUT = do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A client whose handshake fails is what some tests want."""


@contextmanager
def far_side(tls: ssl.SSLContext | None = None) -> Iterator[FarSide]:
    """Run both until the test is over; with `tls`, behind real TLS."""
    side = FarSide()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"side": side}))
    if tls is not None:
        # the handshake in the connection's own thread, with its first read
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    side.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield side
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
