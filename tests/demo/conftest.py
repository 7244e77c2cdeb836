"""The company's site under gunicorn, and a small portal behind it that remembers what it was asked."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from typing_extensions import override

from cms_adapters import tokens
from tests.demo.support import KEY, Site, start_site

PDF = b"%PDF-1.7 " + bytes(range(256)) * 40

FRAME = b"""<!doctype html><html lang="de"><title>Anmeldung</title><p id="token"></p><script>
addEventListener("message", ({ data }) => {
    document.getElementById("token").textContent = data.token;
    parent.postMessage({ type: "portal:height", height: 777 }, "*");
});
parent.postMessage({ type: "portal:nonce", nonce: "nonce-of-the-frame" }, "*");
</script></html>"""


@dataclass
class Asked:
    """One request as it reached the portal."""

    method: str
    path: str
    headers: dict[str, str]
    length: int
    digest: str
    body: bytes


@dataclass
class FakePortal:
    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    def claims(self, number: int = -1) -> tokens.Claims:
        """Return what the token of a request says, verified as the portal does."""
        scheme, _, credentials = self.asked[number].headers["Authorization"].partition(" ")
        connection, _, token = credentials.partition(":")
        assert (scheme, connection) == ("Portal", "website")
        return self.verified(token, "fragment")

    def verified(self, token: str, typ: str) -> tokens.Claims:
        import time

        aud = f"{self.url}/musterbau"
        return tokens.verify(token, connection="website", keys=[KEY], aud=aud, typ=typ, now=time.time())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    portal: FakePortal

    def do_GET(self) -> None:
        self._note()
        self._answer()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        if "zu-gross" in self.path:
            self.close_connection = True
            self._send(413, {"Content-Type": "text/html"}, b"<h1>Zu gro\xc3\x9f</h1>")
            return
        self._note()
        self._answer()

    def _note(self) -> None:
        digest, kept, size = hashlib.sha256(), b"", 0
        for chunk in self._chunks():
            digest.update(chunk)
            size += len(chunk)
            kept = (kept + chunk)[:4096]
        self.portal.asked.append(Asked(self.command, self.path, dict(self.headers), size, digest.hexdigest(), kept))

    def _chunks(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left and (chunk := self.rfile.read(min(left, 65536))):
            left -= len(chunk)
            yield chunk

    def _answer(self) -> None:
        path = self.path.partition("?")[0].removeprefix("/musterbau").strip("/")
        page = "text/html; charset=utf-8"
        answers: dict[str, tuple[int, dict[str, str], bytes]] = {
            "weiter": (303, {"Location": "http://site.test/mieterportal/vorgaenge/1"}, b""),
            "endlos": (200, {"Content-Type": page}, b"x" * (5 * 2**20)),
            "fehler": (500, {"Content-Type": page}, b"<h1>geheim</h1>"),
            "abgelehnt": (401, {"Content-Type": page}, b"<h1>geheim</h1>"),
            "fehlt": (404, {"Content-Type": page}, b"<h1>Das gibt es nicht</h1>"),
            "sso/website/logout": (204, {}, b""),
        }
        if self.command == "POST" and "Authorization" not in self.headers and path in {"melden/kontakt", "vorgaenge/1"}:
            kept = {"Portal-Input-Kept": "1"} if path == "melden/kontakt" else {}
            answers[path] = (401, {"Content-Type": page, **kept}, b"<h1>Anmelden</h1>")
        overview = (200, {"Content-Type": page, "Portal-Title": "%C3%9Cbersicht"}, "<h1>Grüße</h1>".encode())
        if path == "datei":
            self._file()
        elif path == "sso/website" and self.command == "GET":
            self._send(200, {"Content-Type": page}, FRAME)
        elif path == "strom":
            self._stream()
        elif path.startswith("abgebrochen"):
            self._send(200, {"Content-Type": "application/pdf" if path.endswith("pdf") else page}, b"%PDF", length=1000)
            self.close_connection = True
        else:
            self._send(*answers.get(path, overview))

    def _file(self) -> None:
        if self.headers.get("If-None-Match") == '"e1"':
            self._send(304, {"ETag": '"e1"'}, b"")
            return
        about = {"Content-Type": "application/pdf", "Content-Disposition": 'attachment; filename="b.pdf"'}
        if self.headers.get("Range"):
            self._send(206, about | {"Content-Range": f"bytes 0-8/{len(PDF)}"}, PDF[:9])
        else:
            self._send(200, about | {"ETag": '"e1"'}, PDF)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (b"eins ", b"zwei"):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, status: int, headers: dict[str, str], body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in {204, 304}:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class QuietServer(ThreadingHTTPServer):
    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: one answer hangs up on purpose while a body is still coming."""


@pytest.fixture(scope="session")
def fake_portal() -> Iterator[FakePortal]:
    known = FakePortal()
    server = QuietServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"portal": known}))
    known.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield known
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def site(fake_portal: FakePortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with start_site(tmp_path_factory.mktemp("site"), fake_portal.url) as running:
        yield running


@pytest.fixture
def portal(fake_portal: FakePortal) -> FakePortal:
    """The portal, which remembers nothing of other tests."""
    fake_portal.asked.clear()
    return fake_portal


@pytest.fixture
def zoe(site: Site) -> requests.Session:
    """Somebody signed in at the site."""
    return site.sign_in("zoe.mueller")
