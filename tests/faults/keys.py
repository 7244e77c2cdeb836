"""Keys rotate while residents sign in: nobody is refused, what was dropped is dead, a broken file changes nothing."""

import http.server
import json
import os
import re
import secrets
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import requests

from service.access.signing import Signer
from service.watched import QUIET_S
from tests.faults.killer import members
from tests.faults.points import Finding
from tests.faults.workload import installed
from tests.support.inprocess import secret_in
from tests.support.portal import ENCRYPTION_KEY, KEY, MANDANT, Installation, Resident, wait_for

ORIGIN = "http://127.0.0.1:8080"
_CLIENTS = 4
_CHUNKS_LEFT, _CHUNK_EVERY_S = 4, 0.4
_PATIENCE_S = 30.0
_TAKEN_S = 5.0  # what docs/operators.md tells operators to wait
_DEAD_WITHIN_S, _REVOKED_WITHIN_S = 60.0, 1.0
_IN_A_ROW = 40  # of two workers, one that still took it would hardly never be asked
_NAMES = ("website", "secret", "encryption")


@dataclass
class Files:
    """The files with keys, as the operator edits them: slowly, and in place."""

    directory: Path
    keys: dict[str, list[str]]
    token: str = "first-token-of-immotion"

    def __post_init__(self) -> None:
        self.directory.mkdir()
        for name in _NAMES:
            self.path(name).write_text("\n".join(self.keys[name]), encoding="utf-8")
        self.path("token").write_text(self.token, encoding="utf-8")

    def path(self, name: str) -> Path:
        return self.directory / name

    def add(self) -> None:
        """Put a new key at the end of each file, bit by bit: for a while, the last one is not there to its end."""
        for name in _NAMES:
            self.keys[name].append(secrets.token_urlsafe(32))
        for left in range(_CHUNKS_LEFT, 0, -1):
            self._write(without=left)
            time.sleep(_CHUNK_EVERY_S)
        self._write()

    def drop(self) -> dict[str, str]:
        """Take the oldest key out of each file and return it."""
        dropped = {name: self.keys[name].pop(0) for name in _NAMES}
        self._write()
        return dropped

    def _write(self, *, without: int = 0) -> None:
        for name in _NAMES:
            text = "\n".join(self.keys[name])
            self.path(name).write_text(text[: len(text) - without], encoding="utf-8")

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Let each file hold half a key for a while."""
        for name in _NAMES:
            self.path(name).write_text(self.keys[name][-1][:16], encoding="utf-8")
        try:
            yield
        finally:
            self._write()


@dataclass
class Load:
    """Residents who sign in by button and by frame, and whose second factor is looked at; what failed of it."""

    installation: Installation
    key: str = KEY
    stop: threading.Event = field(default_factory=threading.Event)
    done: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    again: int = 0

    def run(self, number: int) -> None:
        """Sign in again and again until told to stop."""
        steps = {"by button": self._button, "by frame": self._frame, "with a stored secret": self._factor(number)}
        while not self.stop.is_set():
            for what, step in steps.items():
                status = self._patiently(step)
                self.done[what] += status == 200
                if status != 200:
                    self.failed[f"{what}: {status}"] += 1

    def _patiently(self, step: Callable[[], int]) -> int:
        """Do it again when the worker was killed meanwhile, as a browser's user would."""
        while not self.stop.is_set():
            try:
                return step()
            except requests.RequestException:
                self.again += 1
                time.sleep(0.05)
        return 200  # nobody waits for it any more

    def resident(self, sub: str = "") -> Resident:
        return Resident(self.installation.url, sub=sub or secrets.token_hex(8), person=None, key=self.key)

    def _button(self) -> int:
        cookie = signed_in(self.resident())
        return page_of(self.installation, cookie) if cookie else 401

    def _frame(self) -> int:
        resident = self.resident()
        url = f"{self.installation.url}/{MANDANT}/sso/website"
        entry = requests.get(url, timeout=30)
        if entry.status_code != 200:
            return entry.status_code
        nonce, proof = (re.search(rf'data-{name}="([^"]+)"', entry.text).group(1) for name in ("nonce", "proof"))
        return posted_by_frame(resident, nonce, proof)

    def _factor(self, number: int) -> Callable[[], int]:
        sub, path = f"factor-{number}", "konto/sicherheit/app"
        resident = self.resident(sub)
        resident.post(path, resident.form(path) | {"aktion": "beginnen"})
        secret = secret_in(resident.get(path).text)

        def look() -> int:
            page = self.resident(sub).get(path)
            shown = secret_in(page.text) if page.status_code == 200 else ""
            return page.status_code if page.status_code != 200 or shown == secret else 500

        return look


def measure(directory: Path, engine: str, *, rotations: int = 20) -> list[Finding]:
    """Rotate all keys under load, then break their files and kill a worker, then revoke sessions."""
    with far_side() as far, installed(directory, engine) as installation:
        files = _by_file(installation, far)
        installation.start("portal", "serve")
        wait_for(f"{installation.url}/readyz")
        installation.start_sync()
        load = Load(installation)
        with ThreadPoolExecutor(_CLIENTS) as pool:
            clients = [pool.submit(load.run, number) for number in range(_CLIENTS)]
            try:
                lived = [_rotate(installation, files, load) for _ in range(rotations)]
                broken = _broken(engine, installation, files, load)
                revoked = max(_revoked(load) for _ in range(rotations * 5))
            finally:
                load.stop.set()
        for client in clients:
            client.result()
        shown = _new_token(files, far)
        return [
            _logins(engine, load, rotations),
            *_dropped(engine, lived),
            _finding(
                engine,
                f"… {rotations * 5} sessions revoked: last answer to one, asked for after that",
                f"{revoked:.2f} s" if revoked else "none",
                "dead within 1 s in every worker",
                kept=revoked < _REVOKED_WITHIN_S,
            ),
            broken,
            _finding(
                engine,
                "… a sync worker shows immotion the new token",
                f"after {shown:.1f} s",
                "within 60 s",
                kept=shown < _DEAD_WITHIN_S,
            ),
        ]


def _by_file(installation: Installation, far: "_Far") -> Files:
    keys = {"website": [KEY], "secret": [KEY], "encryption": [ENCRYPTION_KEY]}
    files = Files(installation.directory / "keys", keys)
    text = installation.config.read_text(encoding="utf-8")
    for old, name, setting in (
        (f'secret_keys = ["{KEY}"]', "secret", "secret_keys_file"),
        (f'encryption_keys = ["{ENCRYPTION_KEY}"]', "encryption", "encryption_keys_file"),
        (f'keys = ["{KEY}"]\ntrust', "website", "keys_file"),
        ('token = "standin-token"', "token", "token_file"),
    ):
        assert old in text
        line = f'{setting} = "{files.path(name)}"'
        text = text.replace(old, f"{line}\ntrust" if old.endswith("trust") else line, 1)
    installation.config.write_text(text.replace(installation.standin_url, far.url), encoding="utf-8")
    return files


def _rotate(installation: Installation, files: Files, load: Load) -> dict[str, float]:
    """Do what docs/operators.md says; return how long each dropped key was still taken."""
    files.add()
    time.sleep(_TAKEN_S)
    load.key = files.keys["website"][-1]
    renewed = installation.run("keys", "renew")
    assert renewed.returncode == 0, renewed.stderr
    dropped = files.drop()
    began = time.monotonic()

    def by_proof() -> bool:
        nonce = secrets.token_hex(8)
        signer = Signer([dropped["secret"]], "portal.nonce.v1")
        return posted_by_frame(load.resident(), nonce, signer.dumps([MANDANT, "website", nonce])) == 200

    def by_key() -> bool:
        resident = Resident(installation.url, sub="dropped", person=None, key=dropped["website"])
        headers = {**resident.headers(), "Connection": "close"}
        return requests.get(f"{installation.url}/{MANDANT}", headers=headers, timeout=30).status_code == 200

    with ThreadPoolExecutor(2) as pool:
        polled = {"of a connection": by_key, "of forms and nonces": by_proof}
        how = {"in_a_row": _IN_A_ROW, "for_s": _DEAD_WITHIN_S + _TAKEN_S}
        lived = {what: pool.submit(_last_taken, taken, began, **how) for what, taken in polled.items()}
        return {what: one.result() for what, one in lived.items()}


def _last_taken(taken: Callable[[], bool], began: float, *, in_a_row: int, for_s: float) -> float:
    """Return when it was last taken, in seconds after `began`; 0 if never.

    Asked until it was refused so often in a row, or for so long.
    """
    last, refused = 0.0, 0
    while refused < in_a_row and time.monotonic() - began < for_s:
        asked = time.monotonic() - began
        if taken():
            last, refused = asked, 0
        else:
            refused += 1
        time.sleep(0.01)
    return last


def _broken(engine: str, installation: Installation, files: Files, load: Load) -> Finding:
    """Break all files; then a worker is killed, and the master reads its settings again."""
    master = installation.processes["portal"]
    before = sum(load.failed.values())
    with files.broken():
        time.sleep(QUIET_S + 2.5)
        doctor = installation.run("doctor")
        worker = next(pid for pid, parent in members(master.pid) if parent == master.pid)
        os.kill(worker, signal.SIGKILL)
        meanwhile = [_logins_begun_now(load)]
        master.send_signal(signal.SIGHUP)
        time.sleep(1)
        meanwhile.append(_logins_begun_now(load))
    failed = sum(load.failed.values()) - before
    logged, told = installation.log("portal").count('"keys_unusable"'), doctor.stdout.count("FAIL  settings")
    alive = "running" if master.poll() is None else f"ended with {master.returncode}"
    return _finding(
        engine,
        "… all files broken, a web worker killed, its master told to read again (SIGHUP)",
        f"{failed} failed, {meanwhile[0]} and {meanwhile[1]} went well afterwards; the portal is {alive}; "
        f"{logged} lines in the log, {told} faults named by `doctor`",
        "0 failed, the former keys in force, errors in log and `doctor`",
        kept=not failed and all(meanwhile) and master.poll() is None and logged > 0 and told > 0,
    )


def _logins_begun_now(load: Load) -> int:
    """Return how many went well since now, once there are some; workers that begin need a while."""
    before, until = sum(load.done.values()), time.monotonic() + _PATIENCE_S
    while (seen := sum(load.done.values()) - before) < 2 * _CLIENTS and time.monotonic() < until:
        time.sleep(0.1)
    return seen


def _revoked(load: Load) -> float:
    """Return how long after its end a session was still answered, asked for anew each time."""
    resident = load.resident()
    cookie = signed_in(resident)
    assert cookie
    assert page_of(load.installation, cookie) == 200
    url = f"{load.installation.url}/{MANDANT}/sso/website/logout"
    assert requests.post(url, data={"token": resident.token("logout")}, timeout=30).status_code == 204
    shown = partial(page_of, load.installation, cookie)
    return _last_taken(lambda: shown() == 200, time.monotonic(), in_a_row=10, for_s=2 * _REVOKED_WITHIN_S)


def _new_token(files: Files, far: "_Far") -> float:
    """Give immotion's token anew; return when the former one was last shown, or the new one first if that is later."""
    fresh, began = "second-token-of-immotion", time.monotonic()
    files.path("token").write_text(fresh, encoding="utf-8")
    while time.monotonic() - began < _DEAD_WITHIN_S:
        if fresh in far.seen:
            time.sleep(QUIET_S)
            return max(far.seen[fresh], far.last.get(files.token, 0.0)) - began
        time.sleep(0.1)
    return _DEAD_WITHIN_S


def signed_in(resident: Resident) -> str:
    """Sign in by button; return the session's cookie, or nothing when that was refused."""
    answer = requests.post(
        f"{resident.url}/{MANDANT}/sso/website",
        data={"token": resident.token("login")},
        headers={"Origin": ORIGIN},
        allow_redirects=False,
        timeout=30,
    )
    found = re.search(r"__Host-portal=([^;]+)", answer.headers.get("Set-Cookie", ""))
    return found.group(1) if answer.status_code == 303 and found else ""


def page_of(installation: Installation, cookie: str) -> int:
    """Return the status of the first page, over a connection of its own."""
    headers = {"Cookie": f"__Host-portal={cookie}", "Connection": "close"}
    return requests.get(f"{installation.url}/{MANDANT}", headers=headers, timeout=30).status_code


def posted_by_frame(resident: Resident, nonce: str, proof: str) -> int:
    """Sign in as a frame does to which no cookie comes back."""
    return requests.post(
        f"{resident.url}/{MANDANT}/sso/website",
        data={"token": resident.token("login", nonce=nonce), "nonce": nonce, "nonce_proof": proof},
        headers={"Accept": "application/json", "Connection": "close"},
        timeout=30,
    ).status_code


def _logins(engine: str, load: Load, rotations: int) -> Finding:
    done = ", ".join(f"{count:,} {what}" for what, count in load.done.items())
    failed = ", ".join(f"{count} {what}" for what, count in load.failed.items())
    return _finding(
        engine,
        f"{rotations} rotations of all keys, each file half written for a while, under load: logins",
        f"{done}; {sum(load.failed.values())} failed{f' ({failed})' if failed else ''}; {load.again} sent again to "
        "workers that were killed",
        "0 failed",
        kept=not load.failed and all(load.done.values()),
    )


def _dropped(engine: str, lived: list[dict[str, float]]) -> Iterator[Finding]:
    for what in lived[0]:
        longest = max(one[what] for one in lived)
        yield _finding(
            engine,
            f"… a dropped key {what}, taken at the latest",
            f"{longest:.1f} s after it was dropped",
            "dead within 60 s in every worker",
            kept=longest < _DEAD_WITHIN_S,
        )


def _finding(engine: str, point: str, measured: str, promised: str, *, kept: bool) -> Finding:
    return Finding(point, engine, measured, promised, kept)


@dataclass
class _Far:
    """An immotion that has nothing new, and notes when it was shown which token: first and last."""

    url: str = ""
    seen: dict[str, float] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)


@contextmanager
def far_side() -> Iterator[_Far]:
    """Run it on a port of its own."""
    far = _Far()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            far.last[token] = time.monotonic()
            far.seen.setdefault(token, far.last[token])
            body = json.dumps({"ereignisse": [], "aenderungen": [], "mehr": False}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    far.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield far
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
