"""How fast Vorgänge go to immotion, as a ratio to what HTTP alone allows on this machine, in one run.

Usage: python -m benchmarks.forwarding [ROWS]
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import requests
from uuid_utils.compat import uuid7

from service.files.storage import Folder
from service.log import configure_logging
from service.settings import ImmotionSettings
from service.store import outbox, vorgaenge
from service.store.database import connected, in_transaction, open_database
from service.store.migrate import migrate
from service.store.records import Vorgang
from service.sync.breaker import Breaker
from service.sync.forwarder import Forwarder
from service.sync.immotion.http import HttpChannel
from service.sync.immotion.wire import vorgang_body
from tests.faults.points import Finding, table
from tests.support.databases import ENGINES
from tests.support.engines import server
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


def forwarding_rate(settings: ImmotionSettings, rows: int, threads: int, directory: Path) -> float:
    """Return how many Vorgänge a second the forwarder delivers, database and all."""
    fill(rows)
    forwarder = Forwarder(
        "musterbau",
        channel=lambda: HttpChannel(settings),
        storage=Folder(directory / "files"),
        threads=threads,
        clock=lambda: datetime.now(UTC),
        breaker=Breaker("musterbau", lambda: datetime.now(UTC)),
    )
    begun = time.perf_counter()
    handled = forwarder.forward()
    took = time.perf_counter() - begun
    forwarder.close()
    assert handled == rows, (handled, rows)
    return rows / took


def measure(directory: Path, engine: str, *, rows: int = 4000) -> list[Finding]:
    """Return the ratios of one engine."""
    with database(engine, directory) as url:
        return _measure(engine, url, rows, directory)


@contextmanager
def database(engine: str, directory: Path) -> Iterator[str]:
    """Give the URL of an empty database, and run its server meanwhile."""
    if engine == "sqlite":
        yield f"sqlite:///{directory}/portal.db"
        return
    with server(engine, directory) as running:
        yield running.url


def _measure(engine: str, url: str, rows: int, directory: Path) -> list[Finding]:
    opened = open_database(url)
    migrate()
    with far_side(0) as settings:
        bare = bare_rate(settings, rows)
        eight = forwarding_rate(settings, rows, 8, directory)
        bare = (bare + bare_rate(settings, rows)) / 2
    with far_side(LATENCY_S) as settings:
        one = forwarding_rate(settings, rows // 20, 1, directory)
        many = forwarding_rate(settings, rows, 64, directory)
        ceiling = bare_rate_of_many(settings, rows, 64) / bare_rate(settings, rows // 20)
    opened.close_all()
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
            findings += measure(Path(name), engine, rows=rows)
    print(table(findings))


if __name__ == "__main__":
    configure_logging()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
