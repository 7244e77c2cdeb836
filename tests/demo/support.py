"""Runs the company's site for a test, and signs in at it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.support.portal import free_port, wait_for

KEY = "site-test-key-with-at-least-32-bytes"
TOML = """
[service]
public_url = "{portal}"
database = "sqlite:///{root}/portal.db"
files = "{root}/files"
secret_keys = ["{key}"]
[mandanten.musterbau]
name = "Musterbau eG"
[mandanten.musterbau.connections.website]
kind = "generic"
origins = ["{site}"]
keys = ["{key}"]
"""


@dataclass
class Site:
    url: str
    process: subprocess.Popen[bytes]

    def sign_in(self, login: str, weiter: str = "") -> requests.Session:
        session = requests.Session()
        answer = session.post(
            f"{self.url}/anmelden",
            {"benutzer": login, "kennwort": "wohnen", "weiter": weiter},
            allow_redirects=False,
            timeout=10,
        )
        assert answer.status_code == 303, answer.text
        return session

    def memory(self) -> int:
        """Return the bytes that the site's processes hold in memory at most so far."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return max(_peak(pid) for pid in [self.process.pid, *map(int, children)])


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


@contextmanager
def start_site(root: Path, portal_url: str) -> Iterator[Site]:
    url = f"http://127.0.0.1:{free_port()}"
    config, secret = root / "portal.toml", root / "site.secret"
    config.write_text(TOML.format(portal=portal_url, root=root, site=url, key=KEY), encoding="utf-8")
    secret.write_text("a secret of the site", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "service.demo.site", "--secret-file", str(secret)],
        env=os.environ | {"MIETERPORTAL_CONFIG": str(config)},
    )
    try:
        wait_for(f"{url}/gesundheit")
        yield Site(url, process)
    finally:
        process.terminate()
        process.wait(20)
