"""What the HTTP channel makes of connections that fail."""

import socket
import threading
import time
from uuid import uuid4

import pytest

from service.settings import ImmotionSettings
from service.sync.immotion.channel import Temporary
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
