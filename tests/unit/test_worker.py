"""The worker's loops: what immotion says to one of them holds for all that use the same connection."""

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from service.settings import ImmotionSettings, MandantSettings, ServiceSettings, Settings
from service.store import alarms, breakers
from service.store.database import connected, open_database
from service.store.migrate import migrate
from service.sync import worker as module
from service.sync.immotion.channel import CredentialsRefused, Permanent, Temporary
from service.sync.worker import AFTER_FAULT_S, TRY_AGAIN, _rest_s, _Worker
from tests.support.databases import new_database
from tests.support.owed import owe


class FarSide(http.server.BaseHTTPRequestHandler):
    """Says the same to every call."""

    status = 200
    headers_sent: ClassVar[dict[str, str]] = {}
    calls: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        type(self).calls.append(f"{self.command} {self.path.partition('?')[0]}")
        self.send_response(type(self).status)
        for name, value in ({"Content-Length": "2", "Content-Type": "application/json"} | self.headers_sent).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"{}")

    do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def far_side() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FarSide)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    FarSide.calls = []
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def worker(tmp_path: Path, far_side: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Worker]:
    url = new_database(tmp_path)
    opened = open_database(url)
    migrate()
    for name, seconds in {"AFTER_FAULT_S": 0.05, "FEED_WAIT_S": 0, "MASTER_DATA_EVERY_S": 0}.items():
        monkeypatch.setattr(module, name, seconds)
    mandant = MandantSettings(
        name="M",
        connections={"website": {"kind": "generic", "origins": ["https://x.de"], "keys": ["k" * 32]}},  # type: ignore[dict-item]
        immotion=ImmotionSettings(url=far_side, timeout_s=5),
    )
    service = ServiceSettings(
        public_url="https://portal.example.de", database=url, files=tmp_path / "files", secret_keys=("s" * 32,)
    )
    yield _Worker(Settings(service=service, mandanten={"m": mandant}))
    opened.close_all()


def looping(worker: _Worker, seconds: float = 1.0, *, until: Callable[[], bool] = lambda: False) -> None:
    """Run the feed loop for a while."""
    stop = threading.Event()
    thread = threading.Thread(target=worker._feed_loop, args=["m", worker._channels["m"], stop])
    thread.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        time.sleep(0.02)
    stop.set()
    thread.join()


def kinds() -> dict[str, int]:
    with connected():
        return {alarm.kind: alarm.count for alarm in alarms.standing(["m"])}


def state() -> str:
    with connected():
        found = breakers.of(["m"])
    return found["m"].state if found else "closed"


@pytest.mark.parametrize("status", [401, 403])
def test_a_feed_with_refused_credentials_raises_the_alarm_and_asks_no_more(worker: _Worker, status: int) -> None:
    FarSide.status, FarSide.headers_sent = status, {}
    looping(worker)
    assert (kinds(), state(), len(FarSide.calls)) == ({"credentials_refused": 1}, "open", 1)


@pytest.mark.parametrize("status", [429, 503])
def test_a_feed_that_is_asked_to_wait_waits_and_so_do_deliveries(worker: _Worker, status: int) -> None:
    owe("m")
    FarSide.status, FarSide.headers_sent = status, {"Retry-After": "3600"}
    looping(worker)
    forwarder = worker._forwarder("m", worker._channels["m"])
    assert forwarder.forward() == 0
    forwarder.close()
    assert (kinds(), state(), len(FarSide.calls)) == ({}, "open", 1)


def test_deliveries_with_refused_credentials_keep_the_feeds_from_asking(worker: _Worker) -> None:
    owe("m")
    FarSide.status, FarSide.headers_sent = 401, {}
    forwarder = worker._forwarder("m", worker._channels["m"])
    assert forwarder.forward() == 1
    forwarder.close()
    looping(worker, 0.5)
    assert len(FarSide.calls) == 1
    assert FarSide.calls[0].startswith("PUT /vorgaenge/")


def test_one_round_with_refused_credentials_says_so_and_is_to_be_tried_again(worker: _Worker) -> None:
    FarSide.status, FarSide.headers_sent = 401, {}
    assert worker.round(threading.Event()) == TRY_AGAIN
    assert kinds() == {"credentials_refused": 1}
    assert worker.round(threading.Event()) == TRY_AGAIN
    assert len(FarSide.calls) == 1


FEEDS = {"GET /stammdaten/aenderungen", "GET /kataloge", "GET /ereignisse"}


def test_one_round_reads_each_feed_though_others_cannot_be_read(worker: _Worker) -> None:
    FarSide.status, FarSide.headers_sent = 200, {}
    assert worker.round(threading.Event()) == TRY_AGAIN
    assert set(FarSide.calls) == FEEDS
    assert len(FarSide.calls) == len(FEEDS)


def test_the_loop_reads_each_feed_though_others_cannot_be_read(worker: _Worker) -> None:
    FarSide.status, FarSide.headers_sent = 200, {}
    looping(worker, 10, until=lambda: set(FarSide.calls) >= FEEDS)
    assert set(FarSide.calls) == FEEDS


def test_what_one_answer_asks_to_wait_is_waited_for() -> None:
    faults = {
        Temporary("504", retry_after=77): 77,
        Temporary("504", retry_after=1e9): 86_400,
        Temporary("504", retry_after=0.1): AFTER_FAULT_S,
        Temporary("504"): AFTER_FAULT_S,
        Temporary("503", retry_after=77, scope="connection"): AFTER_FAULT_S,
        Permanent("X"): AFTER_FAULT_S,
        CredentialsRefused("401"): AFTER_FAULT_S,
    }
    assert {fault: _rest_s(fault) for fault in faults} == faults
