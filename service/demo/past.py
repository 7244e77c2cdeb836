"""The stand-in immotion with a clock that can be set, for as long as the example data is being made."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from falcon.stream import BoundedStream
from typing_extensions import override

from service.demo.passthrough import Question, ask
from service.demo.site_desk import ShortBody
from service.standin.app import app_for
from service.standin.ledger import Ledger

Environ = dict[str, Any]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    @override
    def log_message(self, format: str, *args: object) -> None:  # named as the library does
        """Say nothing: the calls are the demo's own."""


class PastStandin:
    """A running stand-in: `now` is the time that it believes in."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.now = datetime.now(UTC)

    def post(self, path: str, body: object) -> None:
        """Send JSON to the stand-in's test side; raises RuntimeError when it refuses."""
        self._send("POST", path, "application/json", json.dumps(body).encode())

    def put_file(self, path: str, mime: str, content: bytes) -> None:
        """Put a document's bytes; raises RuntimeError when it refuses."""
        self._send("PUT", path, mime, content)

    def _send(self, method: str, path: str, mime: str, body: bytes) -> None:
        answer = ask(self.url, Question(method, path, {"Content-Type": mime}, ShortBody(body), len(body)))
        said = answer.fragment()
        if answer.status >= 400:  # noqa: PLR2004 - an HTTP error
            raise RuntimeError(f"the stand-in refused {method} {path}: {answer.status} {said[:300]}")


@contextmanager
def past_standin(url: str, ledger: Path, token: str) -> Iterator[PastStandin]:
    """Run the stand-in at this address, over this ledger, inside this process."""
    standin = PastStandin(url)
    opened = Ledger(ledger, clock=lambda: standin.now)
    app = app_for(opened, token or None)
    parts = urlsplit(url)
    server = make_server(
        parts.hostname or "", parts.port or 80, _bounded(app), server_class=_Server, handler_class=_Quiet
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield standin
    finally:
        opened.stop()
        server.shutdown()
        thread.join()
        server.server_close()
        opened.close()


def _bounded(app: Callable[..., Iterable[bytes]]) -> Callable[[Environ, Any], Iterable[bytes]]:
    """End the body where its length says: the library's server leaves it open."""

    def serve(environ: Environ, start: Any) -> Iterable[bytes]:  # noqa: ANN401 - WSGI's start_response
        environ["wsgi.input"] = BoundedStream(environ["wsgi.input"], int(environ.get("CONTENT_LENGTH") or 0))
        return app(environ, start)

    return serve
