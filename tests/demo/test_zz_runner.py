"""The whole demo, from the first start to the last."""

import os
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import requests

from tests.demo.running import RunningDemo, free_base
from tests.demo.support import Site
from tests.support.portal import eventually, forms


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., RunningDemo]]:
    """Start demos in the folder, none of which outlives its test."""
    started: list[RunningDemo] = []

    def begin(*options: str, base: int = 0) -> RunningDemo:
        started.append(RunningDemo(folder, base or free_base(), *options))
        return started[-1]

    yield begin
    for demo in started:
        if demo.process.poll() is None:
            demo.stop()


def test_the_demo_makes_its_data_once_moves_its_ports_and_names_a_part_that_dies(
    folder: Path, start: Callable[..., RunningDemo]
) -> None:
    demo = start()
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
    assert demo.stop(signal.SIGHUP) == 0  # the terminal has closed
    assert all(_is_free(int(address.rpartition(":")[2])) for address in (demo.site, demo.standin))
    moved = start("--standin-pause", "4")
    assert moved.wait() < 30
    assert "First start" not in moved.said
    assert moved.ledger() == filed
    _reports_while_immotion_is_away(moved, len(filed))
    _aushaenge_hang(moved, Site(moved.site, moved.process).sign_in("zoe.mueller"))
    _kill_part(moved, b"sync")
    assert moved.process.wait(60) == 1
    assert "sync ended with -9" in moved.said


def _aushaenge_hang(demo: RunningDemo, zoe: requests.Session) -> None:
    """See the fault of the own house, the works at the own parking space, the hint for all, and say that one is hit."""
    page = zoe.get(f"{demo.site}/mieterportal/aushang?lang=en", timeout=20).text
    for title in ("only lukewarm", "Cleaning of the underground car park", "New opening hours"):
        assert title in page
    [hit] = [form for form in forms(page) if "idempotency_key" in form]
    address = re.search(r'action="([^"]+/betroffen[^"]*)"', page)
    assert address
    assert zoe.post(address[1], hit, timeout=20).ok
    assert "/betroffen" not in zoe.get(f"{demo.site}/mieterportal/aushang", timeout=20).text
    everybody = requests.get(demo.portal + "/aushang", timeout=20).text
    assert "Neue Sprechzeiten" in everybody
    assert "lauwarm" not in everybody


def _reports_while_immotion_is_away(demo: RunningDemo, before: int) -> None:
    """Pull the stand-in's plug, report, see it delivered once the stand-in is back, which it is by itself."""
    kofi = Site(demo.site, demo.process).sign_in("kofi.mensah")
    address = f"{demo.site}/mieterportal/melden/kontakt"
    written = _signed_out_and_in_again(demo, kofi, address)
    _kill_part(demo, b"standin")
    demo.hears("The stand-in immotion has ended (code -9). Everything else keeps running")
    receipt = kofi.post(address, written | {"aktion": "absenden"}, timeout=20)
    assert "/quittung" in receipt.url, receipt.text
    assert "starts again (process" not in demo.said
    demo.hears("The stand-in immotion starts again (process")
    assert eventually(lambda: not _is_free(int(demo.standin.rpartition(":")[2])) and len(demo.ledger()) > before, 60)


def _signed_out_and_in_again(demo: RunningDemo, kofi: requests.Session, address: str) -> dict[str, str]:
    """Write, be signed out by a second tab, send, sign in again: what was written is there. Returns the form."""
    said = {"kontaktthema": "ALLGEMEIN", "betreff": "Stecker gezogen", "beschreibung": "Kommt das noch an?"}
    written = _form(kofi, address) | said
    kofi.post(f"{demo.site}/abmelden", timeout=20)
    answer = kofi.post(address, written | {"aktion": "absenden"}, timeout=20)
    assert answer.status_code == 401
    assert "ist gesichert" in answer.text
    back = re.search(r'href="/anmelden\?weiter=([^"]+)"', answer.text)
    assert back
    sent = {"benutzer": "kofi.mensah", "kennwort": "wohnen", "weiter": unquote(back[1])}
    page = kofi.post(f"{demo.site}/anmelden", sent, timeout=20)
    assert page.url == address
    assert all(text in page.text for text in ("Stecker gezogen", "Kommt das noch an?"))
    return _form(kofi, address) | said


def _form(session: requests.Session, address: str) -> dict[str, str]:
    found: list[dict[str, str]] = forms(session.get(address, timeout=20).text)
    return next(one for one in found if "idempotency_key" in one)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


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


def test_a_taken_port_is_named(start: Callable[..., RunningDemo]) -> None:
    base = free_base()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", base + 80))
        taken.listen()
        demo = start(base=base)
        assert demo.process.wait(60) == 1
    assert f"port {base + 80} (site) is taken" in demo.said
    assert "DEMO_PORT_BASE" in demo.said


def test_a_reset_that_is_interrupted_begins_anew_next_time(folder: Path, start: Callable[..., RunningDemo]) -> None:
    demo = start("--reset")
    while "First start" not in demo.said:
        assert demo.process.poll() is None, demo.said
        time.sleep(0.02)
    assert demo.stop() == 0
    assert not (folder / "var" / "demo" / "gefuellt").exists()
