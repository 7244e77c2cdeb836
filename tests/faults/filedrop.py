"""Vorgänge by file drop, with folders taken away, files half copied, acknowledgements missing and doubled, kill -9."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import requests

from service.store.database import connected, open_database
from service.store.models import AktivitaetRow, FiledropRow, OutboxRow, VorgangRow
from tests.faults import refusals
from tests.faults.points import Finding
from tests.faults.workload import events
from tests.support.engines import server
from tests.support.filedrop import PLACES, DropInstallation
from tests.support.portal import MANDANT, vorgang_id

CLIENTS = 8
KINDS = ["half_copied", "quittung_missing", "quittung_doubled"]
FAULTS = {
    "rate": 0.5,
    "kinds": KINDS,
    "calls": ["FILEDROP"],
    "seed": 5,
}
# Acknowledgements count as missing after four seconds, so that the run sees many handed over again.
SETTINGS = "settle_s = 0.1\nlease_s = 2\nacknowledgement_h = 0.0012\ngap_min = 0.02"
PICTURE = Path(__file__).parents[1] / "files" / "picture.png"


def measure(directory: Path, engine: str, *, vorgaenge: int = 1000, stops: int = 200) -> list[Finding]:
    """File so many Vorgänge while everything goes wrong that may, let it come to rest, compare both sides.

    Then stop workers while they hold packages that the ERP refuses meanwhile.
    """
    with _installed(directory / "trouble", engine, SETTINGS) as installation:
        run = _Run(installation, vorgaenge)
        run.go()
        found = [*_findings(run, engine)]
    with _installed(directory / "late", engine, refusals.SETTINGS) as installation:
        return [*found, *refusals.measure_refusals(installation, engine, stops)]


@contextmanager
def _installed(directory: Path, engine: str, settings: str) -> Iterator[DropInstallation]:
    directory.mkdir(parents=True, exist_ok=True)
    with _database(engine, directory) as url:
        installation = DropInstallation(directory, database=url, drop_settings=settings)
        try:
            yield installation
        finally:
            installation.stop_all()


@contextmanager
def _database(engine: str, directory: Path) -> Iterator[str]:
    if engine == "sqlite":
        yield f"sqlite:///{directory}/portal.db"
        return
    folder = directory / engine
    folder.mkdir()
    with server(engine, folder) as running:
        yield running.url


@dataclass
class Filed:
    """What a browser was told is stored: the text of a report, and those of the messages after it."""

    text: str
    messages: list[str] = field(default_factory=list)


class _Run:
    def __init__(self, installation: DropInstallation, vorgaenge: int) -> None:
        self.installation = installation
        self.vorgaenge = vorgaenge
        self.filed: dict[str, Filed] = {}
        self.written: dict[str, list[str]] = {}
        self.troubles: Counter[str] = Counter()
        self.met: dict[str, int] = {}
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def go(self) -> None:
        self.installation.start_standin()
        self.installation.start_portal()
        self._start_worker()
        self._faults(FAULTS)
        others = [threading.Thread(target=work) for work in (self._trouble, self._clerk)]
        for thread in others:
            thread.start()
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(self._client, range(CLIENTS)))
        self._until(self.enough, 180, "trouble")
        self._until(lambda: len(self.written) >= min(self.vorgaenge // 10, 20), 300, "clerk")
        self._stop.set()
        for thread in others:
            thread.join()
        self.met = self._met()
        self._faults({"rate": 0})
        self._until(self._at_rest, 300 + self.vorgaenge, "rest")

    def enough(self) -> bool:
        """Tell whether every kind of trouble has happened: a run without one of them would show nothing of it."""
        done = min(self.troubles[kind] for kind in ("kill", "folder taken away"))
        return done >= 3 and min(self._met().values()) > 0

    def _met(self) -> dict[str, int]:
        """Count what the ERP did wrong, and when workers met a folder that was away: unseen, that is no trouble."""
        spoilt = requests.get(self._faults_url, timeout=30).json()["happened"]
        unusable = len(events(self.installation, "sync", "filedrop_folder_unusable"))
        met = {"in/ unwritable": self._unwritable(), "other folder unusable": unusable}
        return {kind: spoilt.get(kind, 0) for kind in KINDS} | met

    def _unwritable(self) -> int:
        postponed = [str(one["error"]) for one in events(self.installation, "sync", "delivery_postponed")]
        return sum(error.startswith("in/ cannot be written") for error in postponed)

    def _client(self, number: int) -> None:
        resident = self.installation.resident(sub=f"fe_users:{number}", person=f"P{number}")
        for one in range(number, self.vorgaenge, CLIENTS):
            text = f"Meldung {one:05d}"
            files = {"anhaenge": ("Küche.png", PICTURE.read_bytes(), "image/png")} if one % 5 == 0 else None
            answer = resident.post("melden/schaden", resident.schaden(beschreibung=text), files or {"leer": (None, "")})
            assert answer.status_code == 303, answer.status_code
            filed = Filed(text)
            key = vorgang_id(answer)
            with self._lock:
                self.filed[key] = filed
            for message in [f"{text} Nachtrag {n}" for n in range(one % 3)]:
                form = resident.form(f"vorgaenge/{key}") | {"aktion": "nachricht", "nachricht": message}
                answer = resident.post(f"vorgaenge/{key}", form)
                assert answer.status_code == 303, answer.status_code
                filed.messages.append(message)

    def _trouble(self) -> None:
        chance = random.Random(7)  # noqa: S311 - repeatable on purpose
        while not self._stop.wait(0.1) and not self._unwritable():  # at once: later there may be nothing to write
            self._take_away("in", 1.5)
        while not self._stop.wait(chance.uniform(0.1, 0.5)):
            if chance.random() < 0.3:
                self._kill_worker()
            else:
                self._take_away(chance.choice(PLACES), chance.uniform(0.2, 1.2))

    def _kill_worker(self) -> None:
        worker = self.installation.processes.pop("sync")
        worker.kill()
        worker.wait()
        self.troubles["kill"] += 1
        self._start_worker()
        self._stop.wait(1.5)

    def _start_worker(self) -> None:
        """Wait until it works: to kill one that is only starting would test nothing."""
        before = self._workers_started()
        self.installation.start_sync()
        self._until(lambda: self._workers_started() > before, 60, "worker")

    def _workers_started(self) -> int:
        log = self.installation.directory / "sync.log"
        return log.read_text(encoding="utf-8").count("sync_started") if log.exists() else 0

    def _take_away(self, place: str, seconds: float) -> None:
        """Put a file where a folder was: nobody can write there, not even root."""
        folder, away = self.installation.drop / place, self.installation.drop / f".{place}"
        folder.rename(away)
        folder.write_bytes(b"")
        self._stop.wait(seconds)
        folder.unlink()
        away.rename(folder)
        self.troubles["folder taken away"] += 1

    def _clerk(self) -> None:
        """Write twice to every fifth resident."""
        while not self._stop.wait(0.5):
            try:
                rows = self.installation.ledger()
            except requests.RequestException:
                continue
            for row in rows:
                key, text = str(row["externeId"]), str(row["koerper"]["beschreibung"])
                if int(text.split()[1]) % 5 or key in self.written:
                    continue
                words = [f"Zu {text}: Antwort {n}" for n in range(2)]
                daten = [{"status": {"code": "IN_PRUEFUNG", "textMieter": words[0]}}, {"text": words[1]}]
                drafts = [
                    {"typ": typ, "externeId": key, "sichtbarkeit": "MIETER", "daten": data}
                    for typ, data in zip(("STATUS", "AKTIVITAET"), daten, strict=True)
                ]
                answer = requests.post(f"{self.installation.standin_url}/_standin/ereignisse", json=drafts, timeout=30)
                assert answer.status_code == 201
                self.written[key] = words

    def _faults(self, faults: dict[str, object]) -> None:
        assert requests.post(self._faults_url, json=faults, timeout=30).status_code == 200

    @property
    def _faults_url(self) -> str:
        return f"{self.installation.standin_url}/_standin/faults"

    def _at_rest(self) -> bool:
        open_database(self.installation.database)
        with connected():
            owed = OutboxRow.select().where(OutboxRow.state != "sent").count()
            unanswered = FiledropRow.select().where(FiledropRow.acknowledged_at.is_null()).count()
            unnumbered = VorgangRow.select().where(VorgangRow.vorgangsnummer.is_null()).count()
            told = AktivitaetRow.select().where(AktivitaetRow.author == "VERWALTUNG").count()
        lying = self._lying()
        return not (owed or unanswered or unnumbered or lying) and told >= 2 * len(self.written)

    def _lying(self) -> list[str]:
        """Name what is still to be taken; not what a killed worker was writing, nor a marker without its file."""
        files = [path for place in ("in", "out", "quittung") for path in (self.installation.drop / place).iterdir()]
        return [path.name for path in files if path.suffix not in {".tmp", ".ok"}]

    def _until(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                self.troubles[f"no {what} within {seconds:.0f} s"] += 1
                return
            time.sleep(0.3)


@dataclass(frozen=True)
class _Portal:
    """What the portal's database says in the end."""

    numbers: dict[str, str | None]
    pakete: dict[str, list[tuple[int, bool]]]
    seqs: list[int]
    told: Counter[str]
    parked: int


def _portal(installation: DropInstallation) -> _Portal:
    open_database(installation.database)
    with connected():
        rows = list(FiledropRow.select().where(FiledropRow.mandant == MANDANT).order_by(FiledropRow.seq))
        pakete: dict[str, list[tuple[int, bool]]] = {}
        for row in rows:
            pakete.setdefault(str(row.vorgang_id), []).append((row.seq, row.aktivitaet_key == UUID(int=0)))
        return _Portal(
            {str(row.id): row.vorgangsnummer for row in VorgangRow.select()},
            pakete,
            [row.seq for row in rows],
            Counter(row.text for row in AktivitaetRow.select().where(AktivitaetRow.author == "VERWALTUNG")),
            OutboxRow.select().where(OutboxRow.state == "parked").count(),
        )


def _findings(run: _Run, engine: str) -> Iterator[Finding]:
    portal, ledger = _portal(run.installation), {str(row["externeId"]): row for row in run.installation.ledger()}
    texts = Counter(str(row["koerper"]["beschreibung"]) for row in ledger.values())
    messages = {key: [entry["text"] for entry in row["aktivitaeten"]] for key, row in ledger.items()}

    def finding(what: str, wrong: int, promised: str = "0") -> Finding:
        return Finding(f"5 file drop: {what}", engine, str(wrong), promised, kept=str(wrong) == promised)

    yield _trouble(run, engine)
    yield finding("filed and acknowledged to a browser", len(run.filed), str(run.vorgaenge))
    yield finding("Vorgänge lost", len(set(run.filed) - set(ledger)))
    yield finding("Vorgänge doubled", len(set(ledger) - set(run.filed)) + sum(n - 1 for n in texts.values()))
    yield finding(
        "messages lost, doubled or out of order",
        sum(messages[k] != f.messages for k, f in run.filed.items() if k in messages),
    )
    yield finding("attachments missing", sum(_lacks_file(row) for row in ledger.values()))
    yield finding("gaps in the numbers of packages", len(set(range(1, max(portal.seqs) + 1)) - set(portal.seqs)))
    owed = len(run.filed) + sum(len(filed.messages) for filed in run.filed.values())
    yield finding("packages beyond one for each record", len(portal.seqs) - owed)
    wrong_order = sum(
        not (entries[0][1] and not any(first for _, first in entries[1:])) for entries in portal.pakete.values()
    )
    yield finding("packages before their Vorgang's", wrong_order)
    yield finding(
        "numbers not known to the resident",
        sum(portal.numbers[k] != row["vorgangsnummer"] for k, row in ledger.items()),
    )
    said = [word for words in run.written.values() for word in words]
    yield finding("clerks' words lost or doubled", sum(portal.told[word] != 1 for word in said))
    refused = [path.name for path in (run.installation.drop / "fehler").iterdir()]
    yield finding("files refused that were only half there", len(refused))
    yield finding("parked", portal.parked)


def _trouble(run: _Run, engine: str) -> Finding:
    """Say what really went wrong: a run in which some kind of it never happened has shown nothing."""
    happened = ", ".join(f"{count} × {kind}" for kind, count in sorted((run.troubles | run.met).items()))
    enough = min(run.troubles[kind] for kind in ("kill", "folder taken away")) >= 3 and min(run.met.values()) > 0
    at_rest = not any(kind.startswith("no ") for kind in run.troubles)
    return Finding("5 file drop: trouble", engine, happened, "none 0; at rest by itself", kept=enough and at_rest)


def _lacks_file(row: dict[str, object]) -> bool:
    wanted = int(str(row["koerper"]["beschreibung"]).split()[1]) % 5 == 0
    return wanted != bool(row["anhaenge"])
