"""The whole demo, from the first start to the last."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import requests

from tests.demo.support import Site
from tests.support.portal import free_port


class RunningDemo:
    def __init__(self, folder: Path, base: int, *options: str) -> None:
        self.site = f"http://127.0.0.1:{base + 80}"
        self.standin = f"http://127.0.0.1:{base + 90}"
        self._out = folder / "out.txt"
        with self._out.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service.cli", "demo", *options],
                cwd=folder,
                env=os.environ | {"DEMO_PORT_BASE": str(base)},
                stdout=file,
                stderr=file,
            )

    @property
    def said(self) -> str:
        return self._out.read_text(encoding="utf-8")

    def wait(self) -> float:
        """Wait until the demo says that it runs, and return the seconds that took."""
        begun = time.monotonic()
        while "Stop with Ctrl-C" not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() - begun < 120, self.said
            time.sleep(0.05)
        return time.monotonic() - begun

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def ledger(self) -> list[dict[str, object]]:
        answer = requests.get(f"{self.standin}/_standin/ledger", timeout=30)
        vorgaenge: list[dict[str, object]] = answer.json()["vorgaenge"]
        return vorgaenge


def free_base() -> int:
    """Return a base whose three ports are free."""
    while True:
        base = free_port()
        try:
            for port in (base, base + 80, base + 90):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            continue
        return base


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def test_the_demo_starts_with_data_and_keeps_it(folder: Path) -> None:
    demo = RunningDemo(folder, free_base())
    demo.wait()
    assert "zoe.mueller" in demo.said
    filed = demo.ledger()
    assert len(filed) == 40
    assert Counter(entry["vorgangsnummer"] is None for entry in filed) == {False: 38, True: 2}
    zoe = Site(demo.site, demo.process).sign_in("zoe.mueller")
    page = zoe.get(f"{demo.site}/mieterportal/vorgaenge", timeout=20)
    assert page.status_code == 200
    assert "Tor klemmt halb offen" in page.text
    first = re.search(r'href="([^"]*/vorgaenge/[0-9a-f-]{36})"', page.text)
    assert first
    assert zoe.get(first.group(1), timeout=20).status_code == 200
    assert demo.stop() == 0
    moved = RunningDemo(folder, free_base())
    assert moved.wait() < 30
    assert "First start" not in moved.said
    assert moved.ledger() == filed
    assert Site(moved.site, moved.process).sign_in("zoe.mueller").get(f"{moved.site}/mieterportal", timeout=20).ok
    assert moved.stop() == 0


def test_a_part_that_dies_ends_the_demo_by_name(folder: Path) -> None:
    demo = RunningDemo(folder, free_base())
    demo.wait()
    children = Path(f"/proc/{demo.process.pid}/task/{demo.process.pid}/children").read_text(encoding="utf-8").split()
    sync = next(pid for pid in children if b"sync" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"))
    os.kill(int(sync), signal.SIGKILL)
    assert demo.process.wait(60) == 1
    assert "sync ended with -9" in demo.said


def test_a_taken_port_is_named(folder: Path) -> None:
    base = free_base()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", base + 80))
        taken.listen()
        demo = RunningDemo(folder, base)
        assert demo.process.wait(60) == 1
    assert f"port {base + 80} (site) is taken" in demo.said
    assert "DEMO_PORT_BASE" in demo.said


def test_a_reset_that_is_interrupted_begins_anew_next_time(folder: Path) -> None:
    demo = RunningDemo(folder, free_base(), "--reset")
    while "First start" not in demo.said:
        assert demo.process.poll() is None, demo.said
        time.sleep(0.02)
    assert demo.stop() == 0
    assert not (folder / "var" / "demo" / "gefuellt").exists()
