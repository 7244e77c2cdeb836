"""What the measured points of the fault harness share: clients who keep what was acknowledged, and the comparison."""

import io
import json
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
import structlog
from PIL import Image

from service.files.intake import take_in
from service.files.refusal import Limits
from service.files.storage import Folder
from service.store import outbox, vorgaenge
from service.store.database import connected, open_database, transaction
from service.store.models import AnhangRow, OutboxRow, VorgangRow
from service.store.query import affected, dicts, tuples
from service.sync.housekeeping import tidy
from tests.faults.evidence import digest_of, kept_files, sealed_keys
from tests.support.engines import server
from tests.support.portal import MANDANT, Installation, vorgang_id
from tests.support.vorgaenge import some_vorgang

PATIENCE_S = 120.0
_AGAIN_S = 0.1
_STALLED_S = 90.0
_BATCH = 100
_FORM = re.compile(r'name="(csrf_token|idempotency_key)" value="([^"]+)"')
_SCHADEN = {"schadensort": "W_KUECHE", "schadenskategorie": "SANITAER", "schadensart": "SANITAER.TROPFT"}


@contextmanager
def installed(directory: Path, engine: str, *, immotion: str = "") -> Iterator[Installation]:
    """Give a migrated installation on this engine, nothing started; `immotion` is added to the settings of its channel.

    Everything that was started is stopped at the end.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        url = ""
        if engine != "sqlite":
            place = directory / "database"
            place.mkdir()
            url = stack.enter_context(server(engine, place)).url
        installation = Installation(directory, url, immotion=immotion)
        stack.callback(installation.stop_all)
        migrated = installation.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        yield installation


@contextmanager
def opened(installation: Installation) -> Iterator[None]:
    """Open the installation's store in this process, whose log is silent meanwhile."""
    database = open_database(installation.database)
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
        database.close_all()


def switch_faults(installation: Installation, **faults: object) -> None:
    """Switch the stand-in's faults on, or off with rate=0."""
    requests.post(f"{installation.standin_url}/_standin/faults", json=faults, timeout=30).raise_for_status()


@dataclass(frozen=True, slots=True)
class Counts:
    """What the stand-in has counted: the kinds of its answers to each call, and Vorgänge sent again unasked."""

    drawn: dict[str, dict[str, int]]
    blind: dict[str, int]

    @property
    def answers(self) -> int:
        """How many calls came while faults were switched on."""
        return sum(sum(kinds.values()) for kinds in self.drawn.values())

    @property
    def faulty(self) -> int:
        """How many of them were spoiled."""
        return self.answers - sum(kinds.get("ehrlich", 0) for kinds in self.drawn.values())

    def of(self, call: str, kind: str) -> int:
        """Return how often this kind was drawn for a call."""
        return self.drawn.get(call, {}).get(kind, 0)

    @property
    def unasked(self) -> int:
        """How often a Vorgang that immotion had was sent again without asking for it first."""
        return sum(self.blind.values())


def counts_of(installation: Installation) -> Counts:
    """Ask the stand-in what it has counted since it began."""
    answer = requests.get(f"{installation.standin_url}/_standin/zaehler", timeout=30)
    answer.raise_for_status()
    return Counts(answer.json()["gezogen"], answer.json()["ohneNachfrage"])


@dataclass(frozen=True, slots=True)
class Picture:
    """A small real photograph; `kept` is the SHA-256 of what the portal makes of it."""

    data: bytes
    kept: str


def pictures(count: int, place: Path) -> list[Picture]:
    """Return different JPEGs, each with the digest that must arrive at immotion."""
    limits, made = Limits(file_bytes=2**20, total_bytes=2**20, files=1, pixels=10**6), []
    for number in range(count):
        jpeg = io.BytesIO()
        Image.new("RGB", (64, 48), (number * 20 % 256, 90, 160)).save(jpeg, "JPEG")
        stored = take_in(
            io.BytesIO(jpeg.getvalue()), "bild.jpg", storage=Folder(place), limits=limits, taken_files=0, taken_bytes=0
        )
        made.append(Picture(jpeg.getvalue(), stored.sha256))
    return made


@dataclass
class Filed:
    """One report that was acknowledged, with what was added to it and acknowledged, in this order."""

    vorgang_id: str
    text: str
    pictures: list[str] = field(default_factory=list)
    messages: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Form:
    """A form filled in: sent again, it is the same one, key and all."""

    path: str
    fields: dict[str, str]
    picture: Picture | None = None

    def changed(self, **fields: str) -> "Form":
        """Return the same form, with the same key, filled in differently."""
        return replace(self, fields=self.fields | fields)


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that was not answered, or by 5xx; when it began and ended on the monotonic clock."""

    began: float
    ended: float
    what: str


class Client:
    """A resident's browser behind the CMS; sends a form again, with the same key, until it is acknowledged."""

    def __init__(self, installation: Installation, number: int) -> None:
        self._resident = installation.resident(sub=f"fe_users:{number}", person=f"P{number:06d}")
        self.resent: Counter[str] = Counter()
        self.failures: list[Failure] = []

    def file(self, text: str, picture: Picture | None = None) -> Filed:
        """File a damage report by way of its form; return it when it is acknowledged."""
        form = self.form(text, picture)
        answer = self._patiently(lambda: self.post(form), 303)
        return Filed(vorgang_id(answer), text, [picture.kept] if picture else [])

    def add(self, filed: Filed, text: str, picture: Picture | None = None) -> None:
        """Write a message to a Vorgang and note it there when it is acknowledged."""
        path = f"vorgaenge/{filed.vorgang_id}"
        form = Form(path, self._hidden(path) | {"aktion": "nachricht", "nachricht": text}, picture)
        answer = self._patiently(lambda: self.post(form), 303)
        assert vorgang_id(answer) == filed.vorgang_id
        filed.messages.append((form.fields["idempotency_key"], text))
        filed.pictures += [picture.kept] if picture else []

    def form(self, text: str, picture: Picture | None = None) -> Form:
        """Have the form of a damage report rendered and fill it in."""
        query = "&".join(f"{name}={value}" for name, value in _SCHADEN.items())
        hidden = self._hidden(f"melden/schaden?{query}")
        return Form("melden/schaden", hidden | _SCHADEN | {"beschreibung": text}, picture)

    def post(self, form: Form) -> requests.Response:
        """Send a form once, with a fresh token."""
        file = ("bild.jpg", form.picture.data, "image/jpeg") if form.picture else ("", b"", "application/octet-stream")
        return self._resident.post(form.path, form.fields, {"anhaenge": file})

    def _hidden(self, path: str) -> dict[str, str]:
        """Return key and token of the page's first form."""
        page = self._patiently(lambda: self._resident.get(path), 200)
        return dict(_FORM.findall(page.text)[:2])

    def _patiently(self, ask: Callable[[], requests.Response], good: int) -> requests.Response:
        """Ask again while the portal does not answer or says 5xx."""
        until = time.monotonic() + PATIENCE_S
        while True:
            began = time.monotonic()
            try:
                answer = ask()
                failed = str(answer.status_code)
            except requests.RequestException as fault:
                answer, failed = None, type(fault).__name__
            if answer is not None and answer.status_code < 500:
                assert answer.status_code == good, (answer.status_code, answer.text[:2000])
                return answer
            assert time.monotonic() < until, f"the portal did not come back: {failed}"
            self.resent[failed] += 1
            self.failures.append(Failure(began, time.monotonic(), failed))
            time.sleep(_AGAIN_S)


def file_directly(count: int, text: str) -> list[Filed]:
    """File Vorgänge into the store, without the portal; their texts are numbered."""
    filed = []
    for start in range(0, count, _BATCH):
        with connected(), transaction():
            for number in range(start, min(start + _BATCH, count)):
                now = datetime.now(UTC)
                vorgang = some_vorgang(mandant=MANDANT, meldezeit=now, status_at=now, beschreibung=f"{text} {number}")
                vorgaenge.insert(vorgang)
                outbox.owe(MANDANT, vorgang.id, request_id=vorgang.id.hex, now=now)
                filed.append(Filed(str(vorgang.id), vorgang.beschreibung))
    return filed


def make_all_due() -> None:
    """Let nothing that is owed wait for its next attempt any longer."""
    now = datetime.now(UTC)
    with connected():
        affected(OutboxRow.update(next_at=now).where((OutboxRow.state == "waiting") & (OutboxRow.next_at > now)))


def drain() -> None:
    """Wait until nothing is owed any more, or nothing moves; the comparison tells what is left."""
    left, moved = -1, time.monotonic()
    while left and time.monotonic() - moved < _STALLED_S:
        make_all_due()
        with connected():
            waiting = OutboxRow.select().where(OutboxRow.state == "waiting").count()
        if waiting != left:
            left, moved = waiting, time.monotonic()
        time.sleep(0.3)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was acknowledged against what immotion has and what the portal has; each a count that should be 0."""

    lost: int
    doubled: int
    unasked: int
    different: int
    disordered: int
    unsent: int
    wrong_status: int
    left_behind: int
    orphans: int
    missing_files: int
    wrong_files: int

    def delivery(self) -> str:
        return (
            f"{self.lost} lost, {self.doubled} doubled, {self.unasked} that nobody was told of, "
            f"{self.different} with another text, {self.unsent} not sent, {self.wrong_status} with a wrong status"
        )

    def delivered(self) -> bool:
        return not (self.lost or self.doubled or self.unasked or self.different or self.unsent or self.wrong_status)

    def files(self) -> str:
        return (
            f"{self.left_behind} left without a row, tidied two days later; then {self.orphans} orphans, "
            f"{self.missing_files} missing, {self.wrong_files} with other bytes"
        )

    def files_kept(self) -> bool:
        return not (self.orphans or self.missing_files or self.wrong_files)


def compare(installation: Installation, filed: Sequence[Filed]) -> Comparison:
    """Compare acknowledgements, the stand-in's ledger and the store; tidies the files first as if a day had passed."""
    ledger = installation.ledger()
    arrived = {str(row["externeId"]): row for row in ledger}
    told = {one.vorgang_id: one for one in filed}
    both = [(one, arrived[one.vorgang_id]) for one in filed if one.vorgang_id in arrived]
    with connected():
        stored = {str(row["id"]): row for row in dicts(VorgangRow.select())}
    return Comparison(
        lost=len(told.keys() - arrived.keys()) + len(told.keys() - stored.keys()),
        doubled=_doubled(ledger) + len(filed) - len(told),
        unasked=len(arrived.keys() - told.keys()) + len(stored.keys() - told.keys()),
        different=sum(one.text != row["koerper"]["beschreibung"] for one, row in both),
        disordered=sum(one.messages != _messages(row) for one, row in both),
        unsent=_unsent(),
        wrong_status=sum(not _status_right(row, stored.get(key)) for key, row in arrived.items()),
        wrong_files=sum(sorted(one.pictures) != sorted(_pictures(row)) for one, row in both),
        **_compare_files(installation),
    )


def _messages(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["aktivitaetId"], entry["text"]) for entry in row["aktivitaeten"]]


def _pictures(row: dict[str, Any]) -> list[str]:
    added = [file for entry in row["aktivitaeten"] for file in entry.get("anhaenge", [])]
    return [file["sha256"] for file in [*row["anhaenge"], *added]]


def _doubled(ledger: Sequence[dict[str, Any]]) -> int:
    """Count what arrived twice under different ids: every text is filed once only."""
    reports = Counter(row["koerper"]["beschreibung"] for row in ledger)
    messages = Counter((row["externeId"], entry["text"]) for row in ledger for entry in row["aktivitaeten"])
    return sum(count - 1 for counted in (reports, messages) for count in counted.values())


def _unsent() -> int:
    with connected():
        return int(OutboxRow.select().where(OutboxRow.state != "sent").count())


def _status_right(row: dict[str, Any], stored: dict[str, Any] | None) -> bool:
    """Tell whether the resident reads what is so: received, under the number that immotion gave."""
    return (
        stored is not None
        and stored["status"] == "EINGEGANGEN"
        and stored["vorgangsnummer"] == row["vorgangsnummer"]
        and stored["offen"]
    )


def _compare_files(installation: Installation) -> dict[str, int]:
    """Look at the files before and after they are tidied; what is thrown away wrongly is missing then."""
    storage, later = kept_files(installation.directory / "files"), datetime.now(UTC) + timedelta(days=2)
    incoming = installation.directory / "files" / "incoming"
    with connected():
        rows = {row[0]: row[1] for row in tuples(AnhangRow.select(AnhangRow.id, AnhangRow.sha256))}
    keys = sealed_keys(installation)
    left_behind = len(set(storage.ids(later)) - rows.keys()) + len(list(incoming.glob("*")))
    tidy(storage, draft_days=30, audit_days=365, now=later)
    there = set(storage.ids(later))
    changed = sum(digest_of(storage, str(key), keys) != rows[key] for key in there & rows.keys())
    return {
        "left_behind": left_behind,
        "orphans": len(there - rows.keys()) + len(list(incoming.glob("*"))),
        "missing_files": len(rows.keys() - there) + changed,
    }


def events(installation: Installation, program: str, name: str) -> list[dict[str, Any]]:
    """Return the events of this name in a program's log."""
    lines = (line for line in installation.log(program).splitlines() if f'"event": "{name}"' in line)
    return [json.loads(line) for line in lines]
