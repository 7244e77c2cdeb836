"""What the HTTP channel makes of connections that fail."""

import socket
import threading
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
