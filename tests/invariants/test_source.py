"""What no line of the source does: make code of texts, write HTML by hand, reach the network from anywhere."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for place in ("service", "cms_adapters") for path in (ROOT / place).rglob("*.py"))
SCRIPTS = sorted([*(ROOT / "templates/static").glob("*.js"), *(ROOT / "cms_adapters/snippets").glob("*.js")])
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))

MAIL_LAYOUT = ROOT / "templates/mail/layout.html"

INTO_CODE = {"eval", "exec", "compile", "__import__"}
UNSAFE_READERS = {"pickle", "marshal", "shelve", "dill", "yaml"}
# who may start a program, each with a fixed command
PROGRAMS = {"service/files/child.py", "service/demo/children.py"}
# who may open a connection, or read from one: to immotion, to the mail server, to Redis, to the bucket of files, to the
# virus scanner, to the database; demo and stand-in play others
NETWORK = {
    "service/sync/immotion/access.py",
    "service/sync/immotion/answers.py",
    "service/sync/immotion/http.py",
    "service/sync/immotion/pools.py",
    "service/sync/immotion/timely.py",
    "service/sync/immotion/tls.py",
    "service/notify/smtp.py",
    "service/access/rates.py",
    "service/files/bucket.py",
    "service/files/scan.py",
    "service/store/database.py",
}
CLIENTS = {
    "urllib3",
    "requests",
    "smtplib",
    "redis",
    "obstore",
    "http.client",
    "urllib.request",
    "httpx",
    "aiohttp",
    "ftplib",
}
PLAYED = ("service/demo/", "service/standin/")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def imported(path: Path) -> set[str]:
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imports_any(path: Path, modules: set[str]) -> bool:
    return any(one == module or one.startswith(f"{module}.") for one in imported(path) for module in modules)


@cache
def called(path: Path) -> list[tuple[str, ast.Call]]:
    return [(ast.unparse(node.func), node) for node in nodes(path) if isinstance(node, ast.Call)]


def test_no_text_becomes_code() -> None:
    assert len(SOURCES) > 150
    for path in SOURCES:
        assert not {name for name, _ in called(path)} & INTO_CODE, name_of(path)
        assert not imports_any(path, UNSAFE_READERS), name_of(path)


def test_programs_are_started_in_few_places_and_never_by_a_shell() -> None:
    for path in SOURCES:
        calls = called(path)
        assert name_of(path) in PROGRAMS or not imports_any(path, {"subprocess"}), name_of(path)
        assert not {name for name, _ in calls} & {"os.system", "os.popen", "subprocess.getoutput"}, name_of(path)
        assert not [word for _, call in calls for word in call.keywords if word.arg == "shell"], name_of(path)


def test_few_modules_reach_the_network() -> None:
    found = {name_of(path) for path in SOURCES if imports_any(path, CLIENTS)}
    assert {name for name in found if not name.startswith(PLAYED)} <= NETWORK


def test_every_server_must_show_a_certificate_that_is_trusted() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"CERT_NONE|check_hostname\s*=\s*False|verify\s*=\s*False|_unverified_|cert_reqs", text), (
            path
        )


def test_no_hash_function_is_used_that_is_broken() -> None:
    for path in SOURCES:
        assert not {one for one in imported(path) if one.endswith((".md5", ".sha1", ".new"))}, name_of(path)
        assert not re.search(r"\b(md5|sha1)\b", path.read_text(encoding="utf-8")), name_of(path)


def test_what_the_portal_signs_is_signed_in_one_place() -> None:
    """That place knows the algorithm, and keys that rotate; the other is the wire format of the CMSs."""
    found = {name_of(path) for path in SOURCES if "Serializer(" in path.read_text(encoding="utf-8")}
    assert {name for name in found if not name.startswith(PLAYED)} <= {
        "service/access/signing.py",
        "cms_adapters/tokens.py",
    }


def test_chance_that_matters_does_not_come_from_random() -> None:
    """`random` chooses pauses only: in the workers, and in what plays a part."""
    found = {name_of(path) for path in SOURCES if imports_any(path, {"random"})}
    assert {name for name in found if not name.startswith(PLAYED)} <= {
        "service/notify/sender.py",
        "service/sync/forwarder.py",
        "service/sync/worker.py",
    }


def bytes_in(name: str, size: ast.expr) -> int:
    """Return a size that stands there, or as a constant of the same module."""
    if isinstance(size, ast.Name):
        found = re.search(rf"^{size.id} = (\d+)$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        return int(found[1]) if found else 0
    return int(ast.literal_eval(size))


def test_what_nobody_may_guess_has_at_least_128_bits() -> None:
    made = [
        (name_of(path), node)
        for path in SOURCES
        for name, node in called(path)
        if name in {"secrets.token_bytes", "secrets.token_urlsafe", "secrets.token_hex"}
        and not name_of(path).startswith(PLAYED)
    ]
    assert len(made) >= 4
    assert all(bytes_in(name, node.args[0]) >= 16 for name, node in made)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_make_neither_html_nor_code_of_texts_and_keep_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"\.(inner|outer)HTML\s*\+?=[^=]|insertAdjacentHTML|document\.write|\beval\(|new Function", text
    )
    assert not re.search(r"Object\.assign|__proto__|\.prototype\b|set(Timeout|Interval)\(\s*[\"'`]", text)
    assert not re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie|caches\.", text)


def test_templates_escape_whatever_they_are_given() -> None:
    assert len(TEMPLATES) > 30
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        if path == MAIL_LAYOUT:  # mail programs load no style sheet; nothing is put into this one
            text = re.sub(r"<style>[^<%]*</style>", "", text.replace("{{", "%"))
        assert not re.search(r"\|\s*safe\b|autoescape", text), path.name
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+\s*=|javascript:|<style|\sstyle=", text), path.name
    marked = {name_of(path) for path in SOURCES if "Markup" in {name for name, _ in called(path)}}
    assert marked == {"service/web/sicherheit.py"}  # the picture of a QR code, made of paths alone


def test_every_library_is_pinned_by_its_hash() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        entries = re.split(r"\n(?=[a-z0-9])", text.strip())
        assert len(entries) > 20
        assert all(re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", entry) and "--hash=sha256:" in entry for entry in entries)
        assert "://" not in text
