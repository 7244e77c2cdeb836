"""What integrators paste: signs like the portal itself, and the element hands tokens to the portal alone."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from typing_extensions import override

from cms_adapters import tokens
from tests.unit.cms_adapters.support import KEY, NOW, ROOT, VECTORS, claims, verified

SNIPPETS = ROOT / "cms_adapters" / "snippets"
FRAME = ROOT / "tests" / "unit" / "cms_adapters" / "frame.mjs"
UGLY = [
    "".join(map(chr, range(1, 0x20))),
    "\x7f\x80\x9f\xa0\xad",
    "\u2028\u2029\ufeff\ufffd",
    "😀👩‍👩‍👧 \U0010ffff",
    "\"'\\/<>&=%",
    "A\u0308 Ä ß ﬁ",
    "",
]
PHP = (
    'require $argv[1]; foreach (json_decode(file_get_contents("php://stdin"), true) as $one) '
    '{ echo portal_token($one["claims"], $one["secret"], $one["issued"]), "\\n"; }'
)
NODE = (
    "const { portalToken } = await import(process.argv[1]); "
    'for (const one of JSON.parse((await import("node:fs")).readFileSync(0))) '
    "console.log(portalToken(one.claims, one.secret, one.issued));"
)


@pytest.fixture
def run() -> Callable[..., str]:
    """Runs a program that may be missing here, but not where CI=true."""

    def run(program: str, *arguments: str, given: object = None) -> str:
        if shutil.which(program) is None:
            reason = f"{program} is not installed: the snippets for it cannot run"
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
        text = json.dumps(given)
        done = subprocess.run([program, *arguments], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def orders() -> list[dict[str, Any]]:
    """Every valid vector, and texts that JSON libraries like to write in their own way."""
    ugly = [
        {"claims": claims(name=text, amr=[text], roles=[]), "secret": KEY, "issued": NOW - number}
        for number, text in enumerate(UGLY)
    ]
    times = [{"claims": claims(), "secret": "ä" * 20 + "x" * shift, "issued": 1 << shift} for shift in range(0, 40, 3)]
    return [*VECTORS["valid"], *ugly, *times]


def expected() -> list[str]:
    return [tokens.issue(order["claims"], order["secret"], issued=order["issued"]) for order in orders()]


def test_the_vectors_are_part_of_what_the_snippets_must_sign() -> None:
    valid = [vector["token"] for vector in VECTORS["valid"]]
    assert len(valid) == 6
    assert expected()[:6] == valid
    assert all(verified(token, now=NOW) for token in expected()[6 : 6 + len(UGLY)])


def test_python_signs_byte_for_byte() -> None:
    spec = importlib.util.spec_from_file_location("token_signer", SNIPPETS / "token_signer.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = [module.portal_token(order["claims"], order["secret"], order["issued"]) for order in orders()]
    assert made == expected()


def test_php_signs_byte_for_byte(run: Callable[..., str]) -> None:
    assert run("php", "-r", PHP, str(SNIPPETS / "token.php"), given=orders()).split() == expected()


def test_node_signs_byte_for_byte(run: Callable[..., str]) -> None:
    arguments = ("--input-type=module", "-e", NODE, str(SNIPPETS / "token.mjs"))
    assert run("node", *arguments, given=orders()).split() == expected()


def test_the_example_in_the_guide_is_accepted(run: Callable[..., str]) -> None:
    guide = (ROOT / "docs" / "integrators.md").read_text(encoding="utf-8")
    found = re.search(r"    \$now = time\(\);.*?, \$now\);", guide, re.DOTALL)
    assert found is not None
    # one process knows the portal's address, the other the time
    code = found[0].replace("https://portal.example.de/musterbau", VECTORS["aud"]).replace("time()", str(NOW))
    started = f"require $argv[1]; session_id('abc'); $secret = '{KEY}'; {code} echo $token;"
    said = verified(run("php", "-r", started, str(SNIPPETS / "token.php")))
    assert (said.sub, said.name) == ("fe_users:1001", "Zoë Müller")
    assert len(said.sid) == 64


def play(run: Callable[..., str], *cases: Mapping[str, object]) -> list[dict[str, Any]]:
    """Let the element meet a browser made of a few lines; returns what it did in each case."""
    results: list[dict[str, Any]] = json.loads(run("node", str(FRAME), (SNIPPETS / "iframe.js").as_uri(), given=cases))
    assert len(results) == len(cases)
    return results


PORTAL = "https://portal.example.test"
NONCE = {"type": "portal:nonce", "nonce": "n+1"}
HEIGHT = {"type": "portal:height", "height": 900}
NOTHING = {"src": f"{PORTAL}/musterbau/sso/website", "fetched": [], "posted": [], "said": [], "reloads": 0}


def test_the_element_asks_its_own_back_end_and_answers_the_portal_alone(run: Callable[..., str]) -> None:
    [done] = play(run, {"origin": PORTAL, "data": NONCE})
    fetched = [["/portal-token", "POST", "nonce=n%2B1", "same-origin"]]
    posted = [[{"type": "portal:token", "token": "T"}, PORTAL]]
    assert done == NOTHING | {"fetched": fetched, "posted": posted, "height": None}


def test_the_element_listens_to_the_portals_frame_only(run: Callable[..., str]) -> None:
    strangers = [
        "https://evil.example",
        f"{PORTAL}.evil.example",
        "http://portal.example.test",
        f"{PORTAL}:444",
        "null",
    ]
    cases: list[Mapping[str, object]] = [
        *({"origin": stranger, "data": data} for stranger in strangers for data in (NONCE, HEIGHT)),
        *({"origin": PORTAL, "source": "other", "data": data} for data in (NONCE, HEIGHT)),
        {"origin": PORTAL, "data": NONCE, "removed": True},
    ]
    assert play(run, *cases) == [NOTHING | {"height": None}] * len(cases)


def test_the_element_passes_over_other_messages(run: Callable[..., str]) -> None:
    others: list[object] = [None, "portal:nonce", 1, [], {"type": "other"}, {}]
    done = play(run, *({"origin": PORTAL, "data": data} for data in others))
    assert done == [NOTHING | {"height": None}] * len(others)


def test_the_element_follows_the_height(run: Callable[..., str]) -> None:
    heights = {900: "900px", 3: "200px", "red": "200px", None: "200px", "700": "700px"}
    cases = [{"origin": PORTAL, "data": {"type": "portal:height", "height": height}} for height in heights]
    assert play(run, *cases) == [NOTHING | {"height": shown} for shown in heights.values()]


def test_the_element_says_when_there_is_no_token(run: Callable[..., str]) -> None:
    answers = [{"status": 500}, {"status": 200, "body": "<html>"}, {"status": 0}]
    for done in play(run, *({"origin": PORTAL, "data": NONCE, "answer": answer} for answer in answers)):
        assert (done["posted"], done["reloads"], len(done["said"])) == ([], 0, 1)


def test_a_login_that_is_over_reloads_the_page_once(run: Callable[..., str]) -> None:
    case: dict[str, object] = {"origin": PORTAL, "data": NONCE, "answer": {"status": 401}}
    first, again = play(run, case | {"navigation": "navigate"}, case | {"navigation": "reload"})
    assert (first["posted"], first["reloads"], first["said"]) == ([], 1, [])
    assert (again["posted"], again["reloads"], len(again["said"])) == ([], 0, 1)


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str | None]] = {}
        self.feed((SNIPPETS / name).read_text(encoding="utf-8"))

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag] = dict(attrs)


def test_the_frames_page_names_the_attributes_that_the_element_reads() -> None:
    tags = Tags("iframe.html").found
    read = re.findall(r'getAttribute\("([a-z-]+)"\)', (SNIPPETS / "iframe.js").read_text(encoding="utf-8"))
    assert set(tags["mieter-portal"]) == set(read) == {"src", "token-url", "label"}
    assert tags["script"]["type"] == "module"
    assert tags["a"]["href"] == "/portal-start"


def test_the_buttons_page_posts_the_token_in_the_body() -> None:
    tags = Tags("button.html").found
    form = tags["form"]
    assert form["method"] == "post"
    assert form["action"] == Tags("iframe.html").found["mieter-portal"]["src"]
    assert "?" not in str(form["action"])
    assert (tags["input"]["type"], tags["input"]["name"]) == ("hidden", "token")
    assert "script" not in tags


def test_the_own_logins_pages_lead_to_its_sign_in_and_need_no_token() -> None:
    frame, link = Tags("own_iframe.html").found, Tags("own_button.html").found
    assert set(frame["mieter-portal"]) == {"src", "label"}
    addresses = {
        str(one)
        for one in (frame["mieter-portal"]["src"], frame["a"]["href"], link["a"]["href"], link["form"]["action"])
    }
    assert addresses == {"https://portal.example.de/eigenbau/konto/anmelden"}
    assert link["form"]["method"] == "get"


def test_the_guide_names_every_snippet() -> None:
    guide = (ROOT / "docs" / "integrators.md").read_text(encoding="utf-8")
    files = sorted(path.name for path in SNIPPETS.iterdir() if path.is_file())
    assert files == [
        "button.html",
        "iframe.html",
        "iframe.js",
        "own_button.html",
        "own_iframe.html",
        "token.mjs",
        "token.php",
        "token_signer.py",
    ]
    assert [name for name in files if name not in guide] == []
