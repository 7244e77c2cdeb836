"""Starts the real programs on loopback and speaks to them as a CMS does."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import requests

from cms_adapters import tokens
from tests.support.databases import new_database
from tests.support.ports import free_port

KEY = "0123456789abcdef0123456789abcdef"
ENCRYPTION_KEY = "fedcba9876543210fedcba9876543210"
MANDANT = "musterbau"


@dataclass
class Installation:
    """One set of settings, database and files, with the ports its programs use."""

    directory: Path
    database: str = ""
    extra: str = ""
    host: str = "127.0.0.1"
    service: str = ""
    immotion: str = ""
    invitation: str = 'url = "http://127.0.0.1:8080/mieterportal/konto/aktivieren"\nfact = "vertragsbeginn"'
    level2: str = 'actions = ["dokumente", "nachrichten", "kontaktdaten"]'
    rates: str = ", ".join(
        f'{kind} = "1000000/minute"'
        for kind in ("form_account", "file_account", "sso_address", "sso_mandant", "code_account", "code_address")
    )
    origins: tuple[str, ...] = ("http://127.0.0.1:8080", "http://localhost:8080")
    portal_port: int = field(default_factory=free_port)
    standin_port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._is_migrated = not self.database
        self.database = self.database or new_database(self.directory)
        self.config = self.directory / "portal.toml"
        self.url = f"http://{self.host}:{self.portal_port}"
        self.standin_url = f"http://127.0.0.1:{self.standin_port}"
        self.write_settings()

    def write_settings(self) -> None:
        origins = ", ".join(f'"{origin}"' for origin in self.origins)
        self.config.write_text(
            f"""
[service]
public_url = "{self.url}"
database = "{self.database}"
files = "{self.directory}/files"
secret_keys = ["{KEY}"]
encryption_keys = ["{ENCRYPTION_KEY}"]
bind = "127.0.0.1:{self.portal_port}"
rates = {{ {self.rates} }}
{self.service}

[mandanten.{MANDANT}]
name = "Musterbau eG"
[mandanten.{MANDANT}.notfall.nummern]
HAVARIE_HOTLINE = "030 1234567"
[mandanten.{MANDANT}.gebaeude.G2]
name = "Lindenhof"
notfall.nummern = {{ HAVARIE_HOTLINE = "030 7654321" }}
[mandanten.{MANDANT}.connections.website]
kind = "generic"
origins = [{origins}]
keys = ["{KEY}"]
trust_person = true
[mandanten.{MANDANT}.invitation]
{self.invitation}
[mandanten.{MANDANT}.level2]
{self.level2}
[mandanten.{MANDANT}.immotion]
channel = "http"
url = "{self.standin_url}"
token = "standin-token"
{self.immotion}

[mandanten.nachbar]
name = "Nachbarbau AG"
[mandanten.nachbar.connections.website]
kind = "typo3"
origins = [{origins}]
keys = ["{KEY[::-1]}"]
trust_person = true
{self.extra}
""",
            encoding="utf-8",
        )
        self.config.chmod(0o600)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "service.cli", *arguments]

    def run(self, *arguments: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def environment(self, **more: str) -> dict[str, str]:
        return os.environ | {"MIETERPORTAL_CONFIG": str(self.config)} | more

    def start(self, name: str, *arguments: str) -> None:
        self.start_command(name, self.command(*arguments))

    def start_command(self, name: str, command: list[str]) -> None:
        """Start any other program with this installation's settings; one of that name was ended by the test, if any."""
        if name in self.processes:
            self.processes.pop(name).wait(20)
        with (self.directory / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, env=self.environment(), stdout=log, stderr=log, start_new_session=True
            )

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(encoding="utf-8")

    def start_portal(self) -> None:
        if not self._is_migrated:
            assert self.run("migrate").returncode == 0
        self.start("portal", "serve")
        wait_for(f"{self.url}/readyz")

    def start_standin(self) -> None:
        self.start(
            "standin",
            "standin",
            "--port",
            str(self.standin_port),
            "--ledger",
            str(self.directory / "standin.db"),
            "--token",
            "standin-token",
        )
        wait_for(f"{self.standin_url}/gesundheit")

    def start_sync(self) -> None:
        self.start("sync", "sync", "run")

    def stop(self, name: str, *, wait: float = 20) -> int:
        self.processes[name].send_signal(signal.SIGTERM)
        return self._ended(name, wait)

    def _ended(self, name: str, wait: float) -> int:
        process = self.processes.pop(name)
        try:
            return process.wait(wait)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()

    def stop_all(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for name in list(self.processes):
            self._ended(name, 20)

    def ledger(self) -> list[dict[str, object]]:
        return requests.get(f"{self.standin_url}/_standin/ledger", timeout=30).json()["vorgaenge"]

    def resident(self, sub: str = "fe_users:1001", person: str | None = "P1001", **claims: object) -> "Resident":
        return Resident(self.url, sub=sub, person=person, claims=claims)


@dataclass
class Resident:
    """A resident whose CMS asks for fragments: a fresh token for every request."""

    url: str
    sub: str = "fe_users:1001"
    person: str | None = "P1001"
    mandant: str = MANDANT
    connection: str = "website"
    key: str = KEY
    base: str = "http://127.0.0.1:8080/mieterportal"
    sid: str = ""
    claims: dict[str, object] = field(default_factory=dict)
    http: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.sid = self.sid or f"session of {self.sub}"

    def token(self, typ: str = "fragment", **changes: object) -> str:
        now = int(time.time())
        optional = {"name": "Zoë Müller", "email": "zoe@example.test", **self.claims, **changes}
        if self.person is not None:
            optional["person"] = self.person
        claims = tokens.new_claims(
            typ=typ,
            iss=self.connection,
            aud=f"{self.url}/{self.mandant}",
            sub=self.sub,
            sid=self.sid,
            now=now,
            **optional,
        )
        return tokens.issue(claims, self.key, issued=now)

    def headers(self, token: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Portal {self.connection}:{token or self.token()}", "Portal-Base-Url": self.base}

    def get(self, path: str = "", **kwargs: object) -> requests.Response:
        return self._send("GET", path, **kwargs)

    def post(self, path: str, data: object = None, files: object = None, **kwargs: object) -> requests.Response:
        return self._send("POST", path, data=data, files=files, **kwargs)

    def _send(self, method: str, path: str, **kwargs: object) -> requests.Response:
        headers = self.headers(kwargs.pop("token", None)) | (kwargs.pop("headers", None) or {})
        url = path if path.startswith("http") else f"{self.url}/{self.mandant}/{path}"
        url = url.replace(self.base, f"{self.url}/{self.mandant}")
        return self.http.request(method, url, headers=headers, allow_redirects=False, timeout=60, **kwargs)

    def form(self, path: str, number: int = 0) -> dict[str, str]:
        """Return the fields of a form on a page, as a browser would send them untouched."""
        page = self.get(path)
        assert page.status_code == 200, (page.status_code, page.text[:500])
        return forms(page.text)[number]

    def schaden(self, **changes: str) -> dict[str, str]:
        """Return a complete damage report."""
        query = "?schadensort=W_KUECHE&schadenskategorie=SANITAER&schadensart=SANITAER.TROPFT"
        return (
            self.form(f"melden/schaden{query}")
            | {"schadensort": "W_KUECHE", "beschreibung": "Der Hahn tropft."}
            | changes
        )

    def file_schaden(self, files: object = None, **changes: str) -> str:
        """File a damage report and return the Vorgang's id."""
        answer = self.post("melden/schaden", self.schaden(**changes), files or {"leer": (None, "")})
        assert answer.status_code == 303, (answer.status_code, answer.text[:2000])
        return vorgang_id(answer)


def vorgang_id(answer: requests.Response) -> str:
    """Return the Vorgang that a 303 leads to."""
    found = re.search(r"vorgaenge/([0-9a-f-]{36})", answer.headers["Location"])
    assert found, answer.headers["Location"]
    return found.group(1)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({})
        if tag == "input" and self.forms and attributes.get("type") == "hidden":
            self.forms[-1][attributes["name"]] = attributes.get("value", "")


def forms(html: str) -> list[dict[str, str]]:
    """Return the hidden fields of each form that carries an idempotency key."""
    parser = _Forms()
    parser.feed(html)
    return [form for form in parser.forms if "idempotency_key" in form]


def wait_for(url: str, seconds: float = 30) -> None:
    """Wait until a server answers 200."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if requests.get(url, timeout=2).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} did not answer within {seconds} s")


def eventually(check, seconds: float = 10):
    """Return the first true value of `check`, tried until the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := check():
            return found
        time.sleep(0.1)
    raise AssertionError("did not happen in time")
