"""The whole demo, from the first start to the last."""

import os
import re
import signal
import socket
import time
from collections import Counter
from pathlib import Path

import pytest
import requests

from tests.demo.running import RunningDemo, free_base
from tests.demo.support import Site
from tests.support.portal import eventually, forms


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def test_the_demo_makes_its_data_once_moves_its_ports_and_names_a_part_that_dies(folder: Path) -> None:
    demo = RunningDemo(folder, free_base())
    demo.wait()
    assert "zoe.mueller" in demo.said
    assert "Mails to residents, as files in var/demo/mail" in demo.said
    assert _activated(demo)
    _registers_and_resets(demo, folder / "var" / "demo" / "mail")
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
    _kill_part(moved, b"sync")
    assert moved.process.wait(60) == 1
    assert "sync ended with -9" in moved.said


def _registers_and_resets(demo: RunningDemo, mails: Path) -> None:
    """Do what the table says of the own login: register, confirm the address, forget the password, sign in anew."""
    code, began = re.search(r"Lucía Fernández with  (\S+)  and  ([0-9.]+)  and a password", demo.said).groups()
    login = re.search(
        r'src="([^"]+/konto/anmelden)"', requests.get(f"{demo.site}/mieterportal-ohne-konto", timeout=20).text
    )[1]
    portal, email = login.removesuffix("/konto/anmelden"), "lucia@example.org"
    typed = {"code": code, "angabe": began, "email": email, "kennwort": "Schnee auf den Feigen"}
    assert _filled(f"{portal}/konto/registrieren", typed) == 303
    assert requests.post(_link_in(mails, "email-bestaetigen"), timeout=20).status_code == 200
    assert _filled(f"{portal}/konto/kennwort-vergessen", {"name": email}) == 200
    assert _filled(_link_in(mails, "kennwort-neu"), {"kennwort": "Feigen unter dem Schnee"}) == 303
    assert _filled(login, {"name": "0004722", "kennwort": "Feigen unter dem Schnee"}) == 303
    assert _filled(login, {"name": email, "kennwort": "Schnee auf den Feigen"}) == 422


def _filled(address: str, typed: dict[str, str]) -> int:
    """Open a page of the portal, send its form as filled in, and return the status."""
    page = requests.get(address, timeout=20)
    kept = "; ".join(f"{cookie.name}={cookie.value}" for cookie in page.cookies)  # Secure: not sent by http of itself
    sent = forms(page.text)[0] | typed
    url = address.partition("?")[0]
    return requests.post(url, sent, headers={"Cookie": kept}, allow_redirects=False, timeout=20).status_code


def _link_in(mails: Path, page: str) -> str:
    """Return the link to a page in the mail that the demo has laid into its folder."""
    pattern = re.compile(rf"http://\S+/konto/{page}\?\S+")
    return eventually(
        lambda: next((hit[0] for file in mails.glob("*.txt") if (hit := pattern.search(file.read_text()))), ""), 30
    )


def _activated(demo: RunningDemo) -> bool:
    """Tell whether the code in the demo's table lets its resident act for the other one."""
    code, began = re.search(r"((?:[0-9A-Z]{4}-){3}[0-9A-Z]{4})  and  ([0-9.]+)", demo.said).groups()
    helper = Site(demo.site, demo.process).sign_in("mehmet.yildiz")
    address = f"{demo.site}/mieterportal/konto/aktivieren"
    form = forms(helper.get(address, timeout=20).text)
    fields = next(one for one in form if "idempotency_key" in one) | {"code": code, "angabe": began}
    page = helper.post(address, fields, timeout=20)
    return "Sie handeln jetzt für Grete Süßmilch." in page.text


def _kill_part(demo: RunningDemo, name: bytes) -> None:
    children = Path(f"/proc/{demo.process.pid}/task/{demo.process.pid}/children").read_text(encoding="utf-8").split()
    part = next(pid for pid in children if name in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"))
    os.kill(int(part), signal.SIGKILL)


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
