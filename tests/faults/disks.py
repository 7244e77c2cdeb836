"""Fault harness, point 6: whatever cannot be written is answered by 503 with everything typed, and goes through later.

A resident posts forms while the portal cannot write. Each 503 page is read field by field; when the fault is over, its
own form is sent on, as a browser would. What was acknowledged is compared with the store, the file folder and, in the
end, with the ledger of the stand-in.
"""

import io
import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pikepdf
import requests

from tests.faults import breaking
from tests.faults.breaking import Fault, Ground, Unavailable
from tests.faults.evidence import counted, digest_of, kept_files, missing_in, sealed_keys, stored_files, typed_in
from tests.faults.killer import fall_asleep
from tests.faults.points import Finding
from tests.support.engines import server
from tests.support.portal import Resident, eventually

FILES = Path(__file__).parent.parent / "files"
PROMISED = "503 with everything typed, nothing half, once when sent again"
_WORDS = "Zeile eins\n<b>zwei</b> & „drei“ 😀 "
# several pages of a database, and no engine can pack them into less
_SIGNS = [*map(chr, range(0x4E00, 0x9E00)), "😀"]
_MANY_WORDS = "".join(Random(6).choices(_SIGNS, k=3000)) + _WORDS * 20  # noqa: S311 - repeatable on purpose


@dataclass(frozen=True)
class Kind:
    """A form of the portal and what a resident types into it; `{vorgang}` in its path is an earlier report."""

    path: str
    typed: dict[str, str]
    files: tuple[str, ...] = ()
    query: str = ""


KINDS = (
    Kind(
        "melden/schaden",
        {"schadensort": "W_KUECHE", "beschreibung": _MANY_WORDS, "erreichbar": "ab 16 Uhr", "telefon": "030 5550199"},
        ("page.pdf", "picture.png"),
        "?schadensort=W_KUECHE&schadenskategorie=SANITAER&schadensart=SANITAER.TROPFT",
    ),
    Kind("vorgaenge/{vorgang}", {"aktion": "nachricht", "nachricht": _MANY_WORDS}, ("page.pdf",)),
    Kind(
        "melden/beschwerde",
        {"beschwerdeart": "LAERM_NACHBAR", "betreff": "Musik", "beschreibung": _MANY_WORDS, "laerm_wann": "nachts"},
    ),
    Kind("melden/dokument", {"dokumentart": "MIETBESCHEINIGUNG", "zeitraum": "2025", "beschreibung": _MANY_WORDS}),
    Kind("melden/kontakt", {"kontaktthema": "ALLGEMEIN", "beschreibung": _MANY_WORDS}, ("clip.mp4",)),
)


@dataclass
class Outcome:
    """What happened to the forms of one fault."""

    forms: int = 0
    wrong: list[str] = field(default_factory=list)

    def check(self, true: object, what: str) -> None:
        """Note what is wrong."""
        if not true:
            self.wrong.append(what)


def measure(
    directory: Path, engine: str, *, kinds: int = len(KINDS), rounds: int = 4, faults: int = 99
) -> list[Finding]:
    """Break everything that can break on this engine, `rounds` times with each of `kinds` forms; one finding for each
    fault, at most `faults`. Every second form is on its way already when it breaks.
    """
    return [
        Finding(
            f"6 failing write: {name}",
            engine,
            f"{outcome.forms} forms" + ("" if not outcome.wrong else ": " + "; ".join(sorted(set(outcome.wrong)))),
            PROMISED,
            kept=outcome.forms > 0 and not outcome.wrong,
        )
        for name, outcome in islice(outcomes(directory, engine, KINDS[:kinds] * rounds), faults)
    ]


def outcomes(directory: Path, engine: str, kinds: Sequence[Kind]) -> Iterator[tuple[str, Outcome]]:
    """Yield each fault with what happened; what this machine cannot break is wrong with the reason."""
    if engine == "sqlite":
        yield from _on_sqlite(directory, kinds)
        return
    place = directory / "database"
    place.mkdir(parents=True)
    with ExitStack() as stack:
        unavailable = None
        try:
            stack.enter_context(breaking.small_disk(place))
        except Unavailable as reason:
            unavailable = Outcome(wrong=[f"not measured: {reason}"])
        running = stack.enter_context(server(engine, place))
        ground = stack.enter_context(_running(Ground(directory, running.url)))
        yield from _each(ground, breaking.stopped(running), kinds)
        yield from _each(ground, [breaking.cut_writes(ground)], kinds)
        if unavailable is None:
            yield from _each(ground, [breaking.full(running, place)], kinds)
        else:
            yield "disk of the database server full", unavailable


def _on_sqlite(directory: Path, kinds: Sequence[Kind]) -> Iterator[tuple[str, Outcome]]:
    ground = Ground(directory)
    with ExitStack() as stack:
        try:
            stack.enter_context(breaking.small_disks(ground))
            on_small_disks = breaking.full_and_read_only(ground)
        except Unavailable as reason:
            yield "full and read-only disks", Outcome(wrong=[f"not measured: {reason}"])
            on_small_disks = []
        stack.enter_context(_running(ground))
        # the limit in the middle comes first: later the log is longer than it
        yield from _each(ground, [breaking.cut_writes(ground)], kinds)
        yield from _each(ground, [*breaking.refused_writes(ground), *on_small_disks], kinds)


@contextmanager
def _running(ground: Ground) -> Iterator[Ground]:
    try:
        ground.start_portal()
        ground.start_standin()
        ground.start_sync()
        yield ground
    finally:
        ground.stop_all()


def _each(ground: Ground, faults: Sequence[Fault], kinds: Sequence[Kind]) -> Iterator[tuple[str, Outcome]]:
    for number, fault in enumerate(faults):
        trial = Trial(ground, fault, ground.resident(sub=f"fe_users:{number}", person=f"P{number}"))
        yield fault.name, trial.run(kinds)


class Trial:
    """One fault, met by every form, by turns before its body is sent and while it is being sent."""

    def __init__(self, ground: Ground, fault: Fault, resident: Resident) -> None:
        self._ground = ground
        self._fault = fault
        self._resident = resident
        self.outcome = Outcome()

    def run(self, kinds: Sequence[Kind]) -> Outcome:
        """Try every form; then nothing may be missing anywhere."""
        programs = breaking.processes_of(self._ground, "portal", "sync")
        filed = [self._resident.file_schaden()]
        if not self._fault.words_fit:
            filed.append(self._worker_meets_it())
        failing = [self._kind(kind) for kind in kinds if kind.files or not self._fault.words_fit]
        for number, kind in enumerate(failing):
            self._form(kind, filed, midway=number % 2 == 1)
        self.outcome.check(
            breaking.processes_of(self._ground, "portal", "sync") == programs, "a process ended or was started"
        )
        self._check_delivered(filed)
        self._check_folder()
        return self.outcome

    def _kind(self, kind: Kind) -> Kind:
        return replace(kind, files=(self._fault.upload,)) if self._fault.upload else kind

    def _worker_meets_it(self) -> str:
        """Let the worker find something due when it is broken; return what it has to deliver afterwards."""
        worker = self._ground.processes["sync"]
        fall_asleep(self._ground, ["sync"])
        owed = self._resident.file_schaden()
        before = self._ground.log("sync").count("sync_paused")
        self._fault.start()
        worker.send_signal(signal.SIGCONT)
        try:
            until = time.monotonic() + (20 if self._fault.noticed else 2)
            while self._ground.log("sync").count("sync_paused") == before and time.monotonic() < until:
                time.sleep(0.1)
        finally:
            self._mended()
        paused = self._ground.log("sync").count("sync_paused") > before
        self.outcome.check(paused or not self._fault.noticed, "the worker has not noticed")
        return owed

    def _form(self, kind: Kind, filed: list[str], *, midway: bool) -> None:
        """Let one form fail, read what came back, send that on, and once more."""
        path = kind.path.format(vorgang=filed[0])
        sent = self._resident.form(path + kind.query) | kind.typed
        before = counted(self._ground)
        refused = self._failing(path, sent, kind.files, midway=midway)
        if refused.status_code == requests.codes.see_other and self._fault.may_fit:
            self._check_stored(kind, before, refused, filed)
            return
        if refused.status_code != requests.codes.unavailable:
            self.outcome.check(true=False, what=f"{kind.path} answered {refused.status_code}, midway={midway}")
            return
        self.outcome.forms += 1
        self._check_page(refused, path, sent, kind)
        now = counted(self._ground)
        self.outcome.check(now == before, f"half stored: {now} instead of {before}")
        again, missing = typed_in(refused.text), missing_in(refused.text, kind.files)
        answers = [self._post(path, again, missing) for _ in range(2)]
        self.outcome.check([answer.status_code for answer in answers] == [303, 303], f"sent again: {answers}")
        self.outcome.check(len({answer.headers.get("Location") for answer in answers}) == 1, "two different receipts")
        self._check_stored(kind, before, answers[0], filed)

    def _failing(self, path: str, sent: dict[str, str], files: Sequence[str], *, midway: bool) -> requests.Response:
        if midway:
            return self._broken_midway(path, sent, files)
        self._fault.start()
        try:
            if self._fault.reads:
                self.outcome.check(self._resident.get("melden/kontakt").status_code == 200, "no page to read any more")
            return self._post(path, sent, files)
        finally:
            self._mended()

    def _broken_midway(self, path: str, sent: dict[str, str], files: Sequence[str]) -> requests.Response:
        """Send half of the body, break, send the rest."""
        prepared = requests.Request("POST", self._resident.url, data=sent, files=_parts(files)).prepare()
        body = prepared.body
        assert isinstance(body, bytes)

        def stream() -> Iterator[bytes]:
            yield body[: len(body) // 2]
            time.sleep(0.1)
            self._fault.start()
            yield body[len(body) // 2 :]

        try:
            headers = {"Content-Type": prepared.headers["Content-Type"]}
            return self._resident.post(path, stream(), headers=headers)
        finally:
            self._mended()

    def _mended(self) -> None:
        """Mend, and wait until the portal has found out by itself."""
        self._fault.mend()
        eventually(lambda: requests.get(f"{self._ground.url}/readyz", timeout=30).status_code == 200, 30)

    def _post(self, path: str, fields: dict[str, str], files: Sequence[str]) -> requests.Response:
        return self._resident.post(path, fields, _parts(files))

    def _check_page(self, page: requests.Response, path: str, sent: dict[str, str], kind: Kind) -> None:
        check = self.outcome.check
        check("Retry-After" in page.headers, "no Retry-After")
        check("<html" not in page.text and 'class="mieterportal' in page.text, "no fragment for the CMS")
        check("tel:0301234567" in page.text, "no emergency number")
        got = typed_in(page.text)
        for name, value in sent.items():
            check(got.get(name) == value, f"{kind.path}: {name} is lost")
        for name in kind.files:
            check(name in page.text, f"{kind.path}: {name} is not named")
        check(bool(missing_in(page.text, kind.files)) <= self._fault.files_lost, "files are lost")
        action = re.search(r'<form class="mp-form" method="post" action="([^"]*)"', page.text)
        check(action and urlsplit(action.group(1)).path.endswith(path), "the form leads elsewhere")

    def _check_stored(self, kind: Kind, before: dict[str, int], answer: requests.Response, filed: list[str]) -> None:
        """Compare what is stored with one form filed once, its files byte for byte."""
        if answer.status_code != requests.codes.see_other:
            return
        now = {name: count - before[name] for name, count in counted(self._ground).items()}
        entries = int(kind.path.startswith("vorgaenge"))
        wanted = {"vorgang": 1 - entries, "aktivitaet": entries, "anhang": len(kind.files), "outbox": 1, "draft": 0}
        self.outcome.check({name: now[name] for name in wanted} == wanted, f"stored {now}")
        where = urlsplit(answer.headers["Location"]).path.rpartition("/vorgaenge/")[2].partition("/")[0]
        if not entries:
            filed.append(where)
        page = self._resident.get(f"vorgaenge/{where}").text
        files = [self._resident.get(url) for url in set(re.findall(r"vorgaenge/[0-9a-f-]+/anhaenge/[0-9a-f-]+", page))]
        self.outcome.check(all(file.status_code == requests.codes.ok for file in files), "a file is not there")
        for name in {"page.pdf", "big.pdf"} & set(kind.files):
            same = any(file.content == _content(name) for file in files)
            self.outcome.check(same, f"{name} is not the same")

    def _check_delivered(self, filed: list[str]) -> None:
        """The worker has survived it all and delivers unaided, each Vorgang once."""

        def delivered() -> list[str]:
            return [str(row["externeId"]) for row in self._ground.ledger()]

        until = time.monotonic() + 60
        while not set(filed) <= set(delivered()) and time.monotonic() < until:
            time.sleep(0.2)
        ids = delivered()
        self.outcome.check(set(filed) <= set(ids), f"{len(set(filed) - set(ids))} not delivered")
        self.outcome.check(len(ids) == len(set(ids)), "delivered twice")

    def _check_folder(self) -> None:
        """Compare the folder with its rows: no half file, no orphan, nothing left of an interrupted upload."""
        kept = {path.name.removesuffix(".sealed") for path in self._ground.files.glob("??/??/*")}
        rows, keys = stored_files(self._ground), sealed_keys(self._ground)
        self.outcome.check(kept == set(rows), f"{len(kept)} files but {len(rows)} rows")
        for name in kept & set(rows):
            same = digest_of(kept_files(self._ground.files), name, keys) == rows[name]
            self.outcome.check(same, "a file is not what was stored")
        left = list((self._ground.files / "incoming").glob("*"))
        self.outcome.check(not left, f"{len(left)} interrupted uploads left")


def _parts(files: Sequence[str]) -> list[tuple[str, tuple[str | None, bytes]]]:
    """Return the files as a browser sends them; without any, the field that it leaves empty."""
    return [("anhaenge", (name, _content(name))) for name in files] or [("anhaenge", ("", b""))]


def _content(name: str) -> bytes:
    if name != "big.pdf":
        return (FILES / name).read_bytes()
    filling = io.BytesIO()
    with pikepdf.open(FILES / "page.pdf") as pdf:
        pdf.Root.Filling = pdf.make_stream(Random(1).randbytes(3 * breaking.HALF))  # noqa: S311 - cannot be packed
        pdf.save(filling, static_id=True)
    return filling.getvalue()
