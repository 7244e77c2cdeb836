"""How fast Vorgänge go to immotion, as a ratio to what HTTP alone allows on this machine, in one run.

Usage: python -m benchmarks.forwarding [ROWS]
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import requests
from peewee import fn
from uuid_utils.compat import uuid7

from service.log import configure_logging
from service.settings import ImmotionSettings
from service.store import outbox, vorgaenge
from service.store.database import connected, in_transaction, open_database
from service.store.migrate import migrate
from service.store.models import OutboxRow
from service.store.query import tuples
from service.store.records import Vorgang
from service.sync.immotion.wire import vorgang_body
from tests.faults.ground import at_last
from tests.faults.points import Finding, table
from tests.support.databases import ENGINES
from tests.support.engines import server
from tests.support.portal import Installation
from tests.support.ports import free_port
from tests.support.vorgaenge import some_vorgang

LATENCY_S = 0.02
QUICK, SPREAD = 0.8, 50


@contextmanager
def far_side(latency: float) -> Iterator[ImmotionSettings]:
    """Run an ERP that answers after `latency` seconds."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.far_side", str(port), str(latency)])
    settings = ImmotionSettings(url=f"http://127.0.0.1:{port}", token="t", threads=64)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            requests.get(settings.url, timeout=1)
            break
        except requests.ConnectionError:
            time.sleep(0.05)
    try:
        yield settings
    finally:
        process.terminate()
        process.wait()


def example(number: int) -> Vorgang:
    """Return a damage report such as residents file."""
    return some_vorgang(
        id=uuid7(),
        typ="SCHADEN",
        betreff="Wasserhahn tropft",
        beschreibung="Der Wasserhahn in der Küche tropft seit gestern Abend, etwa einmal in der Sekunde. " * 4,
        details={
            "schadensort": "W_KUECHE",
            "schadenskategorie": "SANITAER",
            "schadensart": "SANITAER.TROPFT",
            "antworten": {"staerke": "leicht", "seit_wann": "gestern"},
        },
        melder={"personNr": f"P{number}", "rolle": "MIETER", "name": "Zoë Müller", "sprache": "de"},
        objekt={"wirtschaftseinheitNr": "W1", "gebaeudeNr": "G1", "einheitNr": f"E{number}"},
        routing={"vorgangsart": "SCH-SAN", "prioritaet": "P3", "regel": "sanitaer"},
    )


def fill(rows: int) -> None:
    """Store Vorgänge that immotion is owed."""

    def store() -> None:
        for number in range(rows):
            vorgang = example(number)
            vorgaenge.insert(vorgang)
            outbox.owe(vorgang.mandant, vorgang.id, request_id="request-1", now=datetime.now(UTC))

    with connected():
        in_transaction(store)


def bare_rate(settings: ImmotionSettings, rows: int) -> float:
    """Return how many reports a second a bare loop of requests.Session hands over."""
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer t"
        vorgang = example(1)
        begun = time.perf_counter()
        for _ in range(rows):
            answer = session.put(f"{settings.url}/vorgaenge/{vorgang.id}", json=vorgang_body(vorgang, []), timeout=10)
            assert answer.json()["vorgangsnummer"]
        return rows / (time.perf_counter() - begun)


def bare_rate_of_many(settings: ImmotionSettings, rows: int, threads: int) -> float:
    """Return what as many threads reach that do nothing but this: the ceiling of this machine."""
    share = rows // threads
    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: bare_rate(settings, share), range(threads)))
    return share * threads / (time.perf_counter() - begun)


def forwarding_rate(worker: Installation, rows: int) -> float:
    """Return how many Vorgänge a second a sync worker delivers, database, processes and all.

    From the first recorded delivery on: programs start once, Vorgänge come every day.
    """
    with connected():
        last = OutboxRow.select(fn.MAX(OutboxRow.id)).scalar() or 0
    fill(rows)
    worker.start_sync()
    try:
        left = at_last(partial(_waiting, last), lambda count: count == 0, seconds=120)
    finally:
        worker.stop_all()
    assert left == 0, left
    with connected():
        here = OutboxRow.select(OutboxRow.sent_at).where(OutboxRow.id > last)
        times = sorted(moment for (moment,) in tuples(here))
    return (rows - times.count(times[0])) / (times[-1] - times[0]).total_seconds()


def _waiting(last: int) -> int:
    time.sleep(0.4)
    with connected():
        return OutboxRow.select().where((OutboxRow.id > last) & (OutboxRow.state == "waiting")).count()


def worker_of(directory: Path, url: str, settings: ImmotionSettings, threads: int) -> Installation:
    """Return a sync worker of so many threads, not started yet."""
    home = directory / f"worker-{threads}"
    home.mkdir(exist_ok=True)
    port = urlsplit(settings.url).port or 0
    return Installation(home, url, standin_port=port, immotion=f"threads = {threads}")


def measure(directory: Path, engine: str, *, rows: int = 4000) -> list[Finding]:
    """Return the ratios of one engine."""
    with database(engine, directory) as url:
        opened = open_database(url)
        migrate()
        try:
            return _measure(engine, rows, lambda settings, threads: worker_of(directory, url, settings, threads))
        finally:
            opened.close_all()


@contextmanager
def database(engine: str, directory: Path) -> Iterator[str]:
    """Give the URL of an empty database, and run its server meanwhile."""
    if engine == "sqlite":
        yield f"sqlite:///{directory}/portal.db"
        return
    with server(engine, directory) as running:
        yield running.url


def _measure(engine: str, rows: int, worker: Callable[[ImmotionSettings, int], Installation]) -> list[Finding]:
    with far_side(0) as settings:
        bare = bare_rate(settings, rows)
        eight = forwarding_rate(worker(settings, 8), rows)
        bare = (bare + bare_rate(settings, rows)) / 2
    with far_side(LATENCY_S) as settings:
        one = forwarding_rate(worker(settings, 1), rows // 20)
        many = forwarding_rate(worker(settings, 64), rows * 2)
        ceiling = bare_rate_of_many(settings, rows, 64) / bare_rate(settings, rows // 20)
    quick, spread = eight / bare, many / one
    at_once = f"{eight:.0f}/s, bare loop {bare:.0f}/s: ratio {quick:.2f}"
    slowly = (
        f"{many:.0f}/s, one thread {one:.0f}/s: ratio {many / one:.1f} (bare loops without a database: {ceiling:.1f})"
    )
    return [
        Finding("forwarding, 8 threads, answers at once", engine, at_once, f"ratio at least {QUICK}", quick >= QUICK),
        Finding("forwarding, 64 threads, 20 ms", engine, slowly, f"ratio at least {SPREAD}", spread >= SPREAD),
    ]


def main(rows: int) -> None:
    """Measure on each engine."""
    findings = []
    for engine in ENGINES:
        with tempfile.TemporaryDirectory() as name:
            Path(name).chmod(0o755)  # the database servers pass through it
            findings += measure(Path(name), engine, rows=rows)
    print(table(findings))


if __name__ == "__main__":
    configure_logging()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
