"""A real clamd on loopback, with one signature of our own: that of the test virus (EICAR)."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from service.files.scan import Clamd, ScannerAway
from tests.support.ports import free_port

# In two parts, lest this file be taken for one.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + "ANTIVIRUS-TEST-FILE!$H+H*").encode()
STREAM_MAX = 30 * 2**20


@dataclass
class ClamdServer:
    """A daemon that can be stopped and started again on the same port."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    stream_max: int = STREAM_MAX

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def socket(self) -> str:
        return str(self.directory / "clamd.sock")

    def start(self, seconds: float = 60) -> None:
        signatures = self.directory / "signatures"
        signatures.mkdir(exist_ok=True)
        # name, any kind of file, anywhere in it, the bytes
        (signatures / "own.ndb").write_text(f"Test.Eicar:0:*:{EICAR.hex()}\n", encoding="ascii")
        config = self.directory / "clamd.conf"
        config.write_text(
            f"Foreground yes\nDatabaseDirectory {signatures}\nTemporaryDirectory {self.directory}\n"
            f"LocalSocket {self.socket}\nTCPSocket {self.port}\nTCPAddr 127.0.0.1\n"
            f"StreamMaxLength {self.stream_max}\nMaxFileSize 25M\nMaxScanSize 200M\n"
            "AlertExceedsMax yes\nAlertEncrypted yes\n",
            encoding="ascii",
        )
        command = [_clamd() or "clamd", "--config-file", str(config)]
        with (self.directory / "clamd.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + seconds
        while True:
            try:
                Clamd(self.socket, 5).version()
            except ScannerAway:
                assert time.monotonic() < until, (self.directory / "clamd.log").read_text(encoding="utf-8")
                assert self.process.poll() is None, (self.directory / "clamd.log").read_text(encoding="utf-8")
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


def _clamd() -> str | None:
    return shutil.which("clamd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


@contextmanager
def clamd_server(directory: Path) -> Iterator[ClamdServer]:
    """Run clamd and give its handle."""
    if _clamd() is None:
        pytest.skip("clamd is not installed (apt-get install clamav-daemon)")
    server = ClamdServer(directory)
    try:
        server.start()
        yield server
    finally:
        server.stop()
