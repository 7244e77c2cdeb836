"""A stand-in in this process, one as a real server, and a client that holds every answer against the interface."""

import base64
import hashlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from uuid import uuid4

import falcon.testing
import pytest
import requests
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from service.standin.app import app_for
from service.standin.ledger import Ledger

SPEC_FILE = Path(__file__).parents[2] / "docs" / "immotion-v1.yaml"
SPEC = yaml.safe_load(SPEC_FILE.read_text(encoding="utf-8"))
_REGISTRY = Registry().with_resource("urn:v1", Resource(contents=SPEC, specification=DRAFT202012))
_PATHS = [(re.compile(re.sub(r"\{\w+\}", r"[^/]+", path)), path) for path in SPEC["paths"]]


def _validator(pointer: str) -> Draft202012Validator:
    return Draft202012Validator(
        {"$ref": f"urn:v1{pointer}"}, registry=_REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def check_answer(method: str, path: str, response: falcon.testing.Result) -> None:
    """An answer of the interface is one that the interface documents."""
    template = next((template for pattern, template in _PATHS if pattern.fullmatch(path.partition("?")[0])), None)
    if template is None or response.status_code == 405:
        return
    responses = SPEC["paths"][template][method.lower()]["responses"]
    documented = responses[str(response.status_code)]
    if "$ref" in documented:
        documented = SPEC["components"]["responses"][documented["$ref"].rsplit("/", 1)[1]]
    content = documented.get("content", {})
    for media_type in ("application/json", "application/problem+json"):
        if media_type in content:
            assert response.headers["content-type"].startswith(media_type)
            reference = content[media_type]["schema"]["$ref"]
            assert [e.message for e in _validator(reference).iter_errors(response.json)] == []


class CheckedClient(falcon.testing.TestClient):
    """A client that refuses answers which are not in docs/immotion-v1.yaml."""

    def simulate_request(self, method, path, **options):
        response = super().simulate_request(method, path, **options)
        check_answer(method, path, response)
        return response


STANDIN_NOTE = "Nachbau für Tests und Vorführungen, nicht immotion"
PICTURE = b"\xff\xd8\xff" + b"bild" * 500
FORM_TYPE = "application/x-www-form-urlencoded"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 29, 8, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Server:
    """A stand-in as its own process."""

    def __init__(self, ledger: Path, token: str | None = None) -> None:
        program = "import sys, pathlib; from service.standin.server import run; "
        program += "run(0, pathlib.Path(sys.argv[1]), token=sys.argv[2] or None)"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(ledger), token or ""], stdout=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline()
        self.url = re.search(r"http://\S+", line)[0]
        self.port = int(self.url.rsplit(":", 1)[1])

    def reset(self) -> None:
        requests.post(f"{self.url}/_standin/reset", timeout=10).raise_for_status()

    def faults(self, **settings) -> None:
        requests.post(f"{self.url}/_standin/faults", json=settings, timeout=10).raise_for_status()

    def ledger(self) -> list:
        return requests.get(f"{self.url}/_standin/ledger", timeout=30).json()["vorgaenge"]

    def stop(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        code = self.process.wait(timeout=15)
        self.process.stdout.close()
        return code


@pytest.fixture
def schema_errors():
    """What is wrong with a value, by the published schema of that name."""
    return lambda name, value: [e.message for e in _validator(f"#/components/schemas/{name}").iter_errors(value)]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(tmp_path, clock) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "standin.db", clock=clock)
    yield ledger
    ledger.close()


@pytest.fixture
def client(ledger) -> CheckedClient:
    return CheckedClient(app_for(ledger, None))


@pytest.fixture(scope="session")
def one_server(tmp_path_factory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("standin") / "standin.db")
    yield server
    server.stop()


@pytest.fixture
def server(one_server) -> Server:
    one_server.reset()
    return one_server


@pytest.fixture
def make_server():
    return Server


@pytest.fixture
def body():
    """A damage report, with what a test wants to say instead."""

    def make(**changes) -> dict:
        return {
            "externeId": str(uuid4()),
            "mandant": "musterbau",
            "typ": "SCHADEN",
            "meldezeit": "2026-03-29T08:14:59Z",
            "kanal": "PORTAL_WEB",
            "melder": {"personNr": "0004711", "rolle": "MIETER", "name": "Ayşe Öztürk", "vertragNr": "V-1"},
            "objekt": {"einheitNr": "12-3"},
            "betreff": "Wasser tropft aus der Decke",
            "beschreibung": "Seit heute früh.\nIm Bad.",
            "schaden": {
                "schadensort": "W_BAD",
                "schadenskategorie": "SANITAER",
                "schadensart": "SANITAER.ROHRBRUCH",
                "katalogVersion": "1",
                "antworten": {"umfang": "ein_raum"},
            },
            "vorschlag": {"vorgangsart": "VA300", "prioritaet": "P2", "sachbearbeiter": "Frau Kern", "regel": "bad"},
            **changes,
        }

    return make


@pytest.fixture
def digest():
    return lambda content: {
        "Content-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
    }


@pytest.fixture
def anhang():
    """What a body says about an attachment with this content."""

    def describe(content: bytes, **changes) -> dict:
        return {
            "anhangId": str(uuid4()),
            "dateiname": "decke.jpg",
            "mime": "image/jpeg",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            **changes,
        }

    return describe


@pytest.fixture
def upload(client, digest):
    def put(entry: dict, content: bytes):
        return client.simulate_put(f"/anhaenge/{entry['anhangId']}", body=content, headers=digest(content))

    return put


@pytest.fixture
def file_it(client):
    def put(body: dict):
        return client.simulate_put(f"/vorgaenge/{body['externeId']}", json=body)

    return put


@pytest.fixture
def events(client):
    """The feed as far as it goes, from a cursor on."""
    return lambda **query: client.simulate_get("/ereignisse", params=query).json


@pytest.fixture
def send(client):
    """Send a form as a browser does; files make it multipart."""

    def post(path, *files, headers=None, **fields):
        if not files:
            body = "&".join(f"{k}={v}" for k, v in fields.items())
            return client.simulate_post(path, body=body, content_type=FORM_TYPE, headers=headers)
        parts = [(f'name="{name}"', "", value.encode()) for name, value in fields.items()]
        parts += [
            (f'name="{field}"; filename="{name}"', f"Content-Type: {mime}\r\n", c) for field, name, mime, c in files
        ]
        head = "--grenze\r\nContent-Disposition: form-data; "
        body = b"".join(f"{head}{about}\r\n{kind}\r\n".encode() + content + b"\r\n" for about, kind, content in parts)
        return client.simulate_post(
            path, body=body + b"--grenze--\r\n", content_type="multipart/form-data; boundary=grenze", headers=headers
        )

    return post


@pytest.fixture
def show(client):
    def get(path):
        answer = client.simulate_get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200
        assert STANDIN_NOTE in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        return re.sub(r"\s+", " ", unescape(answer.text))

    return get


@pytest.fixture
def filed(file_it, body, upload, anhang):
    entry = anhang(PICTURE, dateiname="<decke>.jpg")
    upload(entry, PICTURE)
    sent = body(
        anhaenge=[entry],
        zugang={"zeitfenster": ["ab 16 Uhr"], "anwesenheit": True},
        verknuepfung={},
        beschwerde={"art": "LAERM", "laermprotokoll": [{"von": "22:00", "bis": "23:00"}]},
    )
    file_it(sent)
    return sent
