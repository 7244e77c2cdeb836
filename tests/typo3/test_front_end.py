"""The TYPO3 front end against the running portal, without TYPO3: the same PHP classes, Guzzle underneath."""

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cms_adapters import tokens
from cms_adapters.typo3 import Typo3Connector
from tests.support.portal import KEY, MANDANT, Installation, forms
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "typo3_extension/Tests/Support/front_end.php"
OTHER_KEY = "another-key-of-at-least-32-bytes!"
BASE = "http://127.0.0.1:8080/mieterportal"
ART = "schadensort=W_KUECHE&schadenskategorie=SANITAER&schadensart=SANITAER.TROPFT"
MEMORY = 64 * 2**20
TYPO3S_OWN = {"id", "type", "L", "MP", "cHash", "no_cache", "eID", "logintype", "user", "pass", "permalogin", "pid"}

_HAS_GUZZLE = (
    shutil.which("php") is not None
    and subprocess.run(
        ["php", "-r", "exit(stream_resolve_include_path('GuzzleHttp/autoload.php') ? 0 : 1);"], check=False
    ).returncode
    == 0
)
pytestmark = pytest.mark.skipif(
    not _HAS_GUZZLE, reason="PHP with Guzzle is not installed (apt-get install php-cli php-guzzlehttp-guzzle)"
)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("typo3"))
    made.config.write_text(made.config.read_text().replace('kind = "generic"', 'kind = "typo3"'))
    try:
        made.start_portal()
        yield made
    finally:
        made.stop_all()


class Far(BaseHTTPRequestHandler):
    """Something at the portal's address that is not well: slow, broken off, somebody else; and a file in parts."""

    def do_GET(self) -> None:
        if self.path.startswith("/slow"):
            time.sleep(3)
        page = self.path.startswith(("/cut", "/slow"))
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Type", "text/html" if page or self.path.startswith("/else") else "video/mp4")
        if page:
            self.send_header("Portal-Title", "Seite")
        if "Range" in self.headers:
            self.send_header("Content-Range", self.headers["Range"].replace("=", " ") + "/1000")
        self.send_header("Content-Length", "100" if page else "4")
        self.end_headers()
        self.wfile.write(b"teil")

    def do_POST(self) -> None:
        if self.path.startswith("/large"):
            self.send_error(413)
        else:
            time.sleep(4)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def far() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Far) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # the client hangs up
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def php(case: dict[str, Any]) -> Any:
    done = subprocess.run(
        ["php", "-d", f"memory_limit={MEMORY}", str(SCRIPT)],
        input=json.dumps(case),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert KEY not in done.stdout
    return json.loads(done.stdout)


def ask(installation: Installation, path: str, **more: Any) -> dict[str, Any]:
    case = {"do": "ask", "url": f"{installation.url}/{MANDANT}", "keys": [KEY], "base": BASE, "person": "P77"}
    answered: dict[str, Any] = php(case | {"path": path} | more)
    return answered


def form_of(installation: Installation, **who: Any) -> dict[str, str]:
    return forms(ask(installation, "melden/schaden", query=ART, **who)["html"])[0] | {"schadensort": "W_KUECHE"}


def test_tokens_signed_by_php_are_opened_by_the_service() -> None:
    now, aud = 1790000000, "https://portal.example.test/musterbau"
    names = ["Zoë", "李 🏠", 'a"b\\c/d</e>', "\u2028\u2029\u0000x"[:2], "x" * 500]
    cases = [
        {
            "secret": KEY,
            "issued": now,
            "claims": tokens.new_claims(
                typ="fragment",
                iss="website",
                aud=aud,
                sub=f"fe_users:{i}",
                sid="s",
                now=now,
                name=name,
                roles=["mieter"],
            ),
        }
        for i, name in enumerate(names)
    ]
    for case, token in zip(cases, php({"do": "sign", "cases": cases}), strict=True):
        assert token == tokens.issue(case["claims"], KEY, issued=now)
        opened = tokens.verify(token, connection="website", keys=[KEY], aud=aud, typ="fragment", now=now)
        assert opened.name == case["claims"]["name"]


def test_a_page_comes_as_a_fragment_with_its_links_below_the_page_of_typo3(installation: Installation) -> None:
    answer = ask(installation, "")
    assert (answer["status"], answer["fragment"], answer["requests"]) == (200, True, 1)
    assert f'href="{BASE}/melden/schaden"' in answer["html"]
    assert 'class="mieterportal mp-fragment"' in answer["html"]
    assert answer["title"] == "Guten Tag, Zoë Müller"


def test_what_the_portal_refuses_is_told_apart(installation: Installation) -> None:
    assert ask(installation, "gibt-es-nicht")["status"] == 404
    assert ask(installation, "gibt-es-nicht")["fragment"]
    assert ask(installation, "", keys=[OTHER_KEY])["refusal"]
    assert ask(installation, "", audience="https://elsewhere.example/musterbau")["refusal"]
    assert ask(installation, "", base="https://elsewhere.example/mieterportal")["refusal"]


def test_while_keys_rotate_either_side_may_be_first(installation: Installation) -> None:
    known_first = ask(installation, "", keys=[OTHER_KEY, KEY])
    assert (known_first["status"], known_first["requests"]) == (200, 1)
    unknown_first = ask(installation, "", keys=[KEY, OTHER_KEY])
    assert (unknown_first["status"], unknown_first["requests"]) == (200, 2)


def test_a_form_without_files_is_filed(installation: Installation) -> None:
    body = "&".join(f"{name}={value}" for name, value in form_of(installation).items()) + "&beschreibung=Tropft"
    answer = ask(installation, "melden/schaden", method="POST", body=body)
    assert answer["status"] == 303
    assert answer["headers"]["Location"].startswith(f"{BASE}/vorgaenge/")


def test_a_form_is_sent_again_when_only_the_previous_key_is_known(installation: Installation, samples: Path) -> None:
    photo = [str(samples / "gps.jpg"), "a.jpg", "image/jpeg"]
    answer = ask(
        installation,
        "melden/schaden",
        method="POST",
        fields=form_of(installation),
        files=[photo],
        keys=[KEY, OTHER_KEY],
    )
    assert (answer["status"], answer["requests"]) == (303, 2)


def test_25_megabytes_go_up_and_down_in_little_memory(
    installation: Installation, samples: Path, tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    clip = (samples / "clip.mp4").read_bytes()
    rest = 25 * 2**20 - len(clip)
    film.write_bytes(clip + rest.to_bytes(4, "big") + b"free" + bytes(rest - 8))
    files = [
        [str(film), "film ü.mp4", "video/mp4"],
        [str(samples / "page.pdf"), "seite.pdf", "application/pdf"],
    ]
    sent = ask(installation, "melden/schaden", method="POST", fields=form_of(installation), files=files, timeout=30)
    assert sent["status"] == 303, sent
    receipt = ask(installation, sent["headers"]["Location"].removeprefix(BASE + "/").partition("?")[0])
    assert "film ü.mp4" in receipt["html"]
    paths = re.findall(rf'href="{BASE}/(vorgaenge/[^"]+/anhaenge/[^"]+)"', receipt["html"])
    got = [ask(installation, path, timeout=30) for path in paths]
    assert {sha256(film.read_bytes()).hexdigest()} < {one["sha256"] for one in got}
    assert max(one["bytes"] for one in got) == 25 * 2**20
    assert all("attachment" in one["headers"]["Content-Disposition"] for one in got)
    whole = paths[max(range(2), key=lambda one: got[one]["bytes"])]
    part = ask(installation, whole, headers={"Range": "bytes=100-199"})
    assert (part["status"], part["headers"]["Content-Range"]) == (206, f"bytes 100-199/{25 * 2**20}")
    assert part["sha256"] == sha256(film.read_bytes()[100:200]).hexdigest()
    assert max(one["memory"] for one in (sent, *got)) < MEMORY / 4


def test_a_part_of_a_file_comes_as_a_part(far: str) -> None:
    case = {"do": "ask", "url": far, "keys": [KEY], "base": BASE, "path": "film"}
    part = php(case | {"headers": {"Range": "bytes=0-3"}})
    assert (part["status"], part["headers"]["Content-Range"], part["bytes"]) == (206, "bytes 0-3/1000", 4)


def test_a_form_of_somebody_signed_out_is_kept_for_them(installation: Installation, samples: Path) -> None:
    who = {"sub": "fe_users:88", "person": "P88"}
    form = form_of(installation, **who) | {"beschreibung": "Lang geschrieben"}
    photo = [str(samples / "gps.jpg"), "abgelaufen.jpg", "image/jpeg"]
    sent = ask(installation, "melden/schaden", do="unsigned", method="POST", fields=form, files=[photo])
    assert (sent["status"], sent["kept"]) == (401, True)
    again = ask(installation, "melden/schaden", **who, sid="the next session")["html"]
    assert "Lang geschrieben" in again
    assert "abgelaufen.jpg" in again


def test_signing_out_of_typo3_ends_what_hangs_on_its_session(installation: Installation) -> None:
    who = {"sub": "fe_users:99", "sid": "ends soon", "signed": int(time.time())}
    assert ask(installation, "", **who)["status"] == 200
    assert ask(installation, "", do="signOut", **who) == {"done": True}
    assert ask(installation, "", **who)["refusal"]


def test_who_signs_in_again_after_signing_out_is_let_in_with_the_same_session_id(installation: Installation) -> None:
    who, now = {"sub": "fe_users:99", "sid": "is used again"}, int(time.time())
    assert ask(installation, "", do="signOut", **who, signed=now) == {"done": True}
    assert ask(installation, "", **who, signed=now + 1)["status"] == 200


@pytest.mark.parametrize("ahead", [-300, 300])
def test_a_clock_five_minutes_off_is_told_from_a_wrong_key(installation: Installation, ahead: int) -> None:
    off = ask(installation, "", signed=int(time.time()) + ahead)
    key = ask(installation, "", keys=[OTHER_KEY])
    assert [(one["status"], one["refusal"], one["fragment"]) for one in (off, key)] == [(401, True, False)] * 2
    assert off["skew"] == pytest.approx(ahead, abs=20)
    assert key["skew"] == pytest.approx(0, abs=20)


@pytest.mark.parametrize(
    "path,said",
    [("slow", "no answer within"), ("cut", "broke off")],
)
def test_a_portal_that_is_not_well_is_not_waited_for(far: str, path: str, said: str) -> None:
    case = {"do": "ask", "url": far, "keys": [KEY], "base": BASE, "path": path, "timeout": 1}
    answer = php(case)
    assert said in answer["unreachable"]
    assert answer["seconds"] < 3


def test_a_form_is_not_waited_for_either(far: str) -> None:
    case = {"do": "ask", "url": far, "keys": [KEY], "base": BASE, "path": "x", "timeout": 1}
    answer = php(case | {"method": "POST", "body": "a=b"})
    assert "no answer within" in answer["unreachable"]
    assert answer["seconds"] < 4


def test_a_form_that_a_web_server_finds_too_large_is_told_so(far: str, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(3 * 2**20))
    case = {"do": "ask", "url": far, "keys": [KEY], "base": BASE, "path": "large", "method": "POST"}
    answer = php(case | {"fields": {"beschreibung": "Film"}, "files": [[str(film), "film.mp4", "video/mp4"]]})
    assert (answer["status"], answer["tooLarge"], answer["fragment"]) == (413, True, False)


def test_a_certificate_that_nobody_vouches_for_is_told_as_the_cause(self_signed: str) -> None:
    case = {"do": "ask", "url": self_signed, "keys": [KEY], "base": BASE, "path": ""}
    assert "certificate" in php(case)["unreachable"]
    assert "certificate" in php(case | {"method": "POST", "body": "a=b"})["unreachable"]


def test_nobody_at_the_address_is_told_with_the_cause(far: str) -> None:
    case = {"do": "ask", "keys": [KEY], "base": BASE, "path": ""}
    assert "Failed to connect" in php(case | {"url": f"http://127.0.0.1:{free_port()}/m"})["unreachable"]
    assert "resolve host" in php(case | {"url": "http://portal.invalid/m"})["unreachable"]
    assert not php(case | {"url": f"{far}/else"})["fragment"]


def test_every_name_in_a_form_passes_php_unchanged_and_means_nothing_to_typo3(installation: Installation) -> None:
    pages = ["", "melden/schaden", "melden/kontakt", "melden/beschwerde", "melden/dokument", "vorgaenge", "konto"]
    pages += ["konto/sicherheit", "konto/benachrichtigungen", "konto/aktivieren"]
    html = "".join(ask(installation, page).get("html", "") for page in pages)
    html += ask(installation, "melden/schaden", query=ART)["html"]
    names = set(re.findall(r'<(?:input|select|textarea|button)[^>]* name="([^"]+)"', html))
    queries = set(re.findall(r'href="[^"]*[?;]([a-z_A-Z]+)=', html))
    assert f"anhaenge{Typo3Connector.several}" in names
    assert not {name for name in names if not re.fullmatch(r"[A-Za-z_]\w*(\[\])?", name)}
    assert not (names | queries) & TYPO3S_OWN


def test_the_frames_element_is_the_one_that_every_integrator_gets() -> None:
    own = ROOT / "typo3_extension/Resources/Public/JavaScript/iframe.js"
    assert own.read_bytes() == (ROOT / "cms_adapters/snippets/iframe.js").read_bytes()
