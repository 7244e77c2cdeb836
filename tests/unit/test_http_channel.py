"""What the HTTP channel makes of connections that fail."""

import gzip
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from uuid import uuid4

import pytest
from typing_extensions import override

from service.settings import ImmotionSettings
from service.sync.immotion.channel import Part, Permanent, Temporary
from service.sync.immotion.http import HttpChannel
from tests.support.ports import free_port


def outcome_unknown(port: int) -> bool:
    channel = HttpChannel(ImmotionSettings(url=f"http://127.0.0.1:{port}"))
    with pytest.raises(Temporary) as fault:
        channel.put_vorgang(uuid4(), {}, "r")
    channel.close()
    return fault.value.outcome_unknown


def test_where_nobody_listens_nothing_has_arrived() -> None:
    assert not outcome_unknown(free_port())


def test_a_connection_that_came_about_and_broke_may_have_brought_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].close())  # noqa: PLW0108 - accepts in the thread
        thread.start()
        assert outcome_unknown(server.getsockname()[1])
        thread.join()


def test_an_answer_may_take_as_long_as_the_setting_says() -> None:
    def answer_late() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            time.sleep(5.5)
            connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer_late)
        thread.start()
        channel = HttpChannel(ImmotionSettings(url=f"http://127.0.0.1:{server.getsockname()[1]}", timeout_s=8))
        assert channel.put_vorgang(uuid4(), {}, "r").vorgangsnummer is None
        channel.close()
        thread.join()


def test_a_proxy_with_credentials_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def pass_on() -> None:
        connection, _ = proxy.accept()
        with connection:
            seen.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}")

    with socket.create_server(("127.0.0.1", 0)) as proxy:
        thread = threading.Thread(target=pass_on)
        thread.start()
        monkeypatch.setenv("http_proxy", f"user:secret@127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        channel = HttpChannel(ImmotionSettings(url="http://immotion.example"))
        channel.put_vorgang(uuid4(), {}, "r")
        channel.close()
        thread.join()
    assert seen[0].startswith(b"PUT http://immotion.example/vorgaenge/")
    assert b"Basic dXNlcjpzZWNyZXQ=" in seen[0]


class Shop(BaseHTTPRequestHandler):
    """Answers as the test says: status, headers and body of each question in turn."""

    answers: ClassVar[list[tuple[int, dict[str, str], bytes]]] = []
    asked: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append(dict(self.headers))
        status, headers, body = self.answers.pop(0)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Content-Type": "application/pdf", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def shop() -> Iterator[HttpChannel]:
    Shop.answers, Shop.asked = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever).start()
    channel = HttpChannel(ImmotionSettings(url=f"http://127.0.0.1:{server.server_port}"))
    yield channel
    channel.close()
    server.shutdown()
    server.server_close()


CONTENT = b"0123456789"
SHA_256 = sha256(CONTENT).hexdigest()
DIGEST = {"Repr-Digest": f"md5=:AAAA:, sha-256=:{b64encode(sha256(CONTENT).digest()).decode()}:"}
TAG = {"ETag": '"1"'}
REST = {"Content-Range": "bytes 4-9/10"}


def read(channel: HttpChannel, part: Part | None = None) -> tuple[int, bytes, str, str]:
    with channel.dokument("d", part) as dokument:
        return dokument.begins_at, b"".join(dokument.chunks), dokument.etag, dokument.sha256


def test_a_document_comes_with_the_digest_that_its_answer_states(shop: HttpChannel) -> None:
    Shop.answers += [(200, DIGEST | TAG, CONTENT), (200, {"Content-Digest": DIGEST["Repr-Digest"]}, CONTENT)]
    assert read(shop) == (0, CONTENT, '"1"', SHA_256)
    assert read(shop) == (0, CONTENT, "", SHA_256)


def test_the_rest_of_a_document_is_asked_for_as_long_as_it_is_the_same(shop: HttpChannel) -> None:
    Shop.answers += [(206, DIGEST | TAG | REST, CONTENT[4:]), (200, TAG, b"another")]
    assert read(shop, Part(4, '"1"')) == (4, CONTENT[4:], '"1"', SHA_256)
    assert (Shop.asked[0]["Range"], Shop.asked[0]["If-Range"]) == ("bytes=4-", '"1"')
    assert read(shop, Part(4, '"1"'))[:2] == (0, b"another")


def test_a_digest_of_a_part_says_nothing_of_the_whole(shop: HttpChannel) -> None:
    Shop.answers += [(206, {"Content-Digest": DIGEST["Repr-Digest"]} | REST, CONTENT[4:])]
    assert read(shop, Part(4, '"1"'))[3] == ""


def test_a_part_that_does_not_exist_makes_the_whole_be_read(shop: HttpChannel) -> None:
    Shop.answers += [(416, {}, b""), (200, {}, CONTENT)]
    assert read(shop, Part(10, '"1"'))[:2] == (0, CONTENT)
    assert "Range" not in Shop.asked[1]


@pytest.mark.parametrize("headers", [{}, {"Content-Range": "bytes 5-9/10"}, {"Content-Range": "4-9"}])
def test_a_part_that_was_not_asked_for_is_not_taken(shop: HttpChannel, headers: dict[str, str]) -> None:
    Shop.answers += [(206, headers, CONTENT[4:])]
    with pytest.raises(Temporary):
        read(shop, Part(4, '"1"'))


def test_neither_a_weak_etag_nor_a_coded_answer_can_be_gone_on_with(shop: HttpChannel) -> None:
    Shop.answers += [(200, {"ETag": 'W/"1"'}, CONTENT)]
    Shop.answers += [(200, {"Content-Encoding": "gzip"} | DIGEST | TAG, gzip.compress(CONTENT))]
    assert read(shop) == (0, CONTENT, "", "")
    assert read(shop) == (0, CONTENT, "", "")


@pytest.mark.parametrize("status", [404, 410])
def test_a_document_that_is_not_there_is_no_fault_of_the_connection(shop: HttpChannel, status: int) -> None:
    Shop.answers += [(status, {}, b"")]
    with pytest.raises(Permanent, match=str(status)):
        read(shop)


def test_an_answer_that_breaks_off_is_told_where_it_does(shop: HttpChannel) -> None:
    Shop.answers += [(200, {"Content-Length": "99"}, CONTENT)]
    with shop.dokument("d") as dokument, pytest.raises(Temporary):
        for chunk in dokument.chunks:
            assert chunk == CONTENT
