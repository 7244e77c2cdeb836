"""A whole demo as a program of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

from tests.support.portal import free_port


class RunningDemo:
    def __init__(self, folder: Path, base: int, *options: str) -> None:
        self.site = f"http://127.0.0.1:{base + 80}"
        self.portal = f"http://127.0.0.1:{base}/musterbau"
        self.standin = f"http://127.0.0.1:{base + 90}"
        self._out = folder / "out.txt"
        with self._out.open("wb") as file:
            self.process = subprocess.Popen(
                # whoever started the tests may have had this signal ignored (nohup), which is handed down
                ["env", "--default-signal=HUP", sys.executable, "-m", "service.cli", "demo", *options],
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

    def hears(self, words: str) -> None:
        """Wait until the demo has said this."""
        begun = time.monotonic()
        while words not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() - begun < 60, self.said
            time.sleep(0.05)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(by)
        return self.process.wait(60)

    def ledger(self) -> list[dict[str, object]]:
        answer = requests.get(f"{self.standin}/_standin/ledger", timeout=30)
        vorgaenge: list[dict[str, object]] = answer.json()["vorgaenge"]
        return vorgaenge


def free_base() -> int:
    """Return a base whose four ports are free."""
    while True:
        base = free_port()
        try:
            for port in (base, base + 25, base + 80, base + 90):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            continue
        return base
