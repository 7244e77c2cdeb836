"""immotion says that its feed has something new: signed, once, and never believed for more than that."""

import base64
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import requests
from standardwebhooks import Webhook

from service.store import inbox
from service.store.database import connected, open_database
from service.sync.feed import rest
from tests.support.portal import MANDANT, Installation, eventually

OLD = "whsec_" + base64.b64encode(b"o" * 32).decode()
NEW = "whsec_" + base64.b64encode(b"n" * 32).decode()
FOREIGN = "whsec_" + base64.b64encode(b"f" * 32).decode()
NEIGHBOUR = f"""
[mandanten.nachbar.immotion]
url = "http://127.0.0.1:1"
webhook_secrets = ["{FOREIGN}"]
[mandanten.dritter]
name = "Ohne Webhook"
[mandanten.dritter.connections.website]
kind = "generic"
origins = ["http://127.0.0.1:8080"]
keys = ["{"k" * 32}"]
[mandanten.dritter.immotion]
url = "http://127.0.0.1:1"
"""


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The portal under gunicorn, which takes webhooks of two secrets, and a stand-in that sends some."""
    installation = Installation(tmp_path_factory.mktemp("hooked"), extra=NEIGHBOUR)
    text = installation.config.read_text(encoding="utf-8")
    token = 'token = "standin-token"\n'
    installation.config.write_text(text.replace(token, f'{token}webhook_secrets = ["{OLD}", "{NEW}"]\n'))
    try:
        installation.start_portal()
        opened = open_database(installation.database)
        yield installation
        opened.close_all()
    finally:
        installation.stop_all()


def signed(secret: str = NEW, body: str = "{}", *, off: timedelta = timedelta(0), name: str = "") -> dict[str, str]:
    moment, name = datetime.now(UTC) + off, name or f"msg_{uuid4().hex}"
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, moment, body),
    }


def post(hooked: Installation, headers: dict[str, str], body: object = "{}", mandant: str = MANDANT) -> int:
    return requests.post(f"{hooked.url}/hooks/immotion/{mandant}", data=body, headers=headers, timeout=30).status_code


def nudged() -> bool:
    with connected():
        return inbox.take_nudge(MANDANT)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_a_signed_webhook_is_noted_for_the_workers_whichever_secret_signed(hooked: Installation, secret: str) -> None:
    assert post(hooked, signed(secret)) == 204
    assert nudged()
    assert not nudged()


def test_a_signature_may_stand_among_others(hooked: Installation) -> None:
    headers = signed()
    headers["webhook-signature"] = f"v1a,bm9uZQ== {signed(FOREIGN)['webhook-signature']} {headers['webhook-signature']}"
    assert post(hooked, headers) == 204
    assert nudged()


@pytest.mark.parametrize("odd", ["v1", "v1,abcde", "v1,a,b", "v1,ä", "", ",", "v9"])
def test_what_is_no_signature_hides_none_that_follows(hooked: Installation, odd: str) -> None:
    headers = signed()
    listed = f"{odd} {headers['webhook-signature']}".encode().strip()
    assert post(hooked, headers | {"webhook-signature": listed}) == 204
    assert nudged()


MALFORMED = {
    "forged": lambda: signed(FOREIGN),
    "stale": lambda: signed(off=-timedelta(minutes=6)),
    "early": lambda: signed(off=timedelta(minutes=6)),
    "unsigned": dict,
    "no id": lambda: signed() | {"webhook-id": ""},
    "endless id": lambda: signed(name="m" * 257),
    "no time": lambda: signed() | {"webhook-timestamp": "soon"},
    "time that is no number": lambda: signed() | {"webhook-timestamp": "nan"},
    "endless time": lambda: signed() | {"webhook-timestamp": "1e400"},
    "no comma": lambda: signed() | {"webhook-signature": "v1"},
    "two commas": lambda: signed() | {"webhook-signature": "v1,a,b"},
    "no base64": lambda: signed() | {"webhook-signature": "v1,ä"},
    "bad padding": lambda: signed() | {"webhook-signature": "v1,abcde"},
    "another version": lambda: signed() | {"webhook-signature": "v9,YQ=="},
    "empty signature": lambda: signed() | {"webhook-signature": "v1,"},
    "spaces": lambda: signed() | {"webhook-signature": "v1,a  v1,b"},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_whatever_is_not_signed_properly_is_401(hooked: Installation, name: str) -> None:
    headers = {key: value.encode() for key, value in MALFORMED[name]().items()}
    answer = requests.post(f"{hooked.url}/hooks/immotion/{MANDANT}", data="{}", headers=headers, timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
    assert not nudged()


def test_a_body_that_was_changed_or_is_no_text_is_401(hooked: Installation) -> None:
    assert post(hooked, signed(body="{}"), "{} ") == 401
    assert post(hooked, signed(), b"\xff\xfe") == 401
    assert not nudged()


def test_a_webhook_for_another_mandant_is_answered_as_a_forged_one(hooked: Installation) -> None:
    assert post(hooked, signed(NEW), mandant="nachbar") == 401
    assert post(hooked, signed(FOREIGN), mandant="nachbar") == 204


@pytest.mark.parametrize("mandant", ["dritter", "unbekannt"])
def test_a_mandant_without_secrets_has_no_hook(hooked: Installation, mandant: str) -> None:
    assert post(hooked, signed(), mandant=mandant) == 404


@pytest.mark.parametrize(
    "method, path, status, code",
    [
        ("POST", "unbekannt", 404, "not_found"),
        ("POST", f"{MANDANT}/x", 404, "not_found"),
        ("GET", MANDANT, 405, "method_not_allowed"),
        ("POST", MANDANT, 401, "unauthorized"),
    ],
)
def test_every_refusal_is_a_problem_document_of_the_same_shape(
    hooked: Installation, method: str, path: str, status: int, code: str
) -> None:
    answer = requests.request(method, f"{hooked.url}/hooks/immotion/{path}", timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    told = answer.json()
    assert set(told) == {"type", "title", "status", "code", "request_id"}
    assert (told["status"], told["code"], told["request_id"]) == (status, code, answer.headers["X-Request-ID"])


def test_a_webhook_is_taken_once(hooked: Installation) -> None:
    headers = signed()
    assert [post(hooked, headers) for _ in range(3)] == [204, 409, 409]
    later = signed(name=headers["webhook-id"], off=timedelta(seconds=2))
    assert post(hooked, later) == 409


def test_nothing_in_the_body_is_believed(hooked: Installation) -> None:
    event = json.dumps({"ereignisId": "lie", "typ": "STATUS", "mandant": MANDANT, "sichtbarkeit": "MIETER"})
    assert post(hooked, signed(body=event), event) == 204
    with connected():
        assert not inbox.known(MANDANT, ["lie"])


def test_a_body_is_read_no_further_than_allowed(hooked: Installation) -> None:
    fits, too_large = "x" * 65_536, "x" * 65_537
    assert post(hooked, signed(body=fits), fits) == 204
    assert post(hooked, signed(body=too_large), too_large) == 413
    chunks = (b"x" * 1024 for _ in range(100_000))
    try:
        assert post(hooked, signed(), chunks) == 413
    except requests.ConnectionError:
        assert next(chunks, None) is not None  # it hung up long before the end


def test_a_storm_is_one_note_and_leaves_threads_to_residents(hooked: Installation) -> None:
    nudged()
    answers, over = Counter[int](), threading.Event()

    def storm() -> None:
        while not over.is_set():
            answers[post(hooked, signed())] += 1

    threads = [threading.Thread(target=storm) for _ in range(12)]
    for thread in threads:
        thread.start()
    pages = [hooked.resident().get().status_code for _ in range(10)]
    over.set()
    for thread in threads:
        thread.join()
    assert pages == [200] * 10
    assert set(answers) <= {204, 429}
    assert answers[204] > 0
    assert nudged()
    assert not nudged()


def test_a_webhook_wakes_a_worker_that_rests(hooked: Installation) -> None:
    nudged()
    woken = threading.Event()

    def work() -> None:
        rest(MANDANT, threading.Event(), seconds=60)
        woken.set()

    threading.Thread(target=work, daemon=True).start()
    assert not woken.wait(0.7)
    assert post(hooked, signed()) == 204
    assert woken.wait(30)


def test_the_stand_in_says_when_its_feed_has_grown(hooked: Installation) -> None:
    hook = f"{hooked.url}/hooks/immotion/{MANDANT}"
    hooked.start(
        "standin", "standin", "--port", str(hooked.standin_port), "--ledger", str(hooked.directory / "standin.db"),
        "--webhook", hook, "--webhook-secret", NEW,
    )  # fmt: skip
    url = f"{hooked.standin_url}/_standin/ereignisse"
    event = {"typ": "KATALOG_NEU", "mandant": MANDANT}

    def grown() -> bool:
        try:
            return requests.post(url, json=event, timeout=5).status_code == 201
        except requests.ConnectionError:
            return False

    eventually(grown, 30)
    eventually(nudged, 30)


def test_the_web_process_does_without_the_http_client() -> None:
    program = "import sys, service.app; sys.exit('requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
