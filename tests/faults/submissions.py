"""Point 1: nothing lost, doubled, reordered or left behind while everything is killed and immotion answers badly."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import sqrt
from pathlib import Path

from peewee import fn

from service.store.database import connected
from service.store.models import OutboxRow
from tests.faults import noting
from tests.faults.killer import Killer, Progress, start_sync
from tests.faults.points import Finding
from tests.faults.workload import (
    Client,
    Comparison,
    Counts,
    Filed,
    compare,
    counts_of,
    drain,
    installed,
    opened,
    pictures,
    switch_faults,
)
from tests.support.portal import Installation, eventually, wait_for

_SYNCS = 2
_SETTINGS = "timeout_s = 1\nlease_s = 5\nthreads = 6"
_FAULTS = ["500", "503", "timeout", "cut_before", "cut_after_commit"]
_MESSAGES = 3
_EVERY = 10
_ENOUGH_KILLS = 40  # so many, and a worker dies while it holds something
_ENOUGH_ANSWERS = 100  # of immotion, before it answers well again: a small run is filed before a worker has started
_WAKE_UP_S = 60
_NEAR = 0.02
_SIGMAS = 4


def measure(
    directory: Path,
    engine: str,
    *,
    submissions: int = 10_000,
    clients: int = 16,
    kills: int = 200,
    faulty: float = 0.2,
    seed: int = 20261123,
) -> list[Finding]:
    """File through the fragment road while programs are killed; then compare acknowledgements, ledger and store.

    Every tenth report has a picture, every tenth is followed by three messages, the second with a picture.
    """
    with installed(directory, engine, immotion=_SETTINGS) as installation:
        with opened(installation):
            noting.note_take_overs()
        _start(installation)
        faults = {"kinds": _FAULTS, "seed": seed, "timeout_s": 1.5, "retry_after_s": 1}
        switch_faults(installation, rate=faulty, **faults)
        killer = Killer(installation, syncs=_SYNCS, kills=kills, seed=seed)
        progress, began = Progress(submissions, kills), time.monotonic()
        filed, resent = _file_all(installation, clients, progress, killer)
        eventually(lambda: counts_of(installation).answers >= min(submissions, _ENOUGH_ANSWERS), _WAKE_UP_S)
        filing = time.monotonic() - began
        switch_faults(installation, rate=0)
        with opened(installation):
            drain()
            seconds = f"{filing:.0f} s of filing, {time.monotonic() - began - filing:.0f} s of draining"
            seen = compare(installation, filed)
            return [
                *_findings(engine, filed, seen, f"{kills} kill -9, {faulty:.0%} of immotion's answers faulty", seconds),
                _asked(engine, counts_of(installation)),
                _happened(engine, killer, resent, counts_of(installation), faulty),
            ]


def _start(installation: Installation) -> None:
    installation.start_standin()
    installation.start("portal", "serve")
    wait_for(f"{installation.url}/readyz")
    for number in range(_SYNCS):
        start_sync(installation, f"sync-{number}")


def _file_all(
    installation: Installation, clients: int, progress: Progress, killer: Killer
) -> tuple[list[Filed], Counter[str]]:
    album = pictures(8, installation.directory / "album")
    browsers = [Client(installation, number) for number in range(clients)]

    def use(client: Client) -> list[Filed]:
        filed = []
        while (number := progress.take()) is not None:
            filed.append(client.file(f"Meldung {number}", album[number % 8] if number % _EVERY == 3 else None))
            for message in range(_MESSAGES if number % _EVERY == 7 else 0):
                client.add(filed[-1], f"Nachricht {message}", album[number % 8] if message == 1 else None)
        return filed

    def watched(work: Callable[[], list[Filed]]) -> list[Filed]:
        try:
            return work()
        except BaseException:
            progress.give_up()
            raise

    with ThreadPoolExecutor(clients + 1) as pool:
        killing = pool.submit(watched, lambda: progress.strike_all(killer) or [])
        using = [pool.submit(watched, lambda client=client: use(client)) for client in browsers]
    killing.result()
    filed = [one for future in using for one in future.result()]
    return filed, sum((client.resent for client in browsers), Counter())


def _findings(engine: str, filed: list[Filed], seen: Comparison, troubles: str, seconds: str) -> list[Finding]:
    messages = sum(len(one.messages) for one in filed)
    return [
        Finding(
            f"{len(filed):,} submissions and {messages:,} messages, {troubles}: acknowledged against ledger",
            engine,
            f"{len(filed):,} acknowledged; {seen.delivery()} ({seconds})",
            "acknowledged = ledger; 0 lost, 0 doubled",
            seen.delivered() and len(filed) > 0,
        ),
        Finding("… order within a Vorgang", engine, f"{seen.disordered} out of order", "0", seen.disordered == 0),
        Finding("… files", engine, seen.files(), "0 orphans once tidied, 0 missing, 0 changed", seen.files_kept()),
    ]


def _asked(engine: str, counts: Counts) -> Finding:
    return Finding(
        "… asked by our id before a resend",
        engine,
        f"{counts.unasked} Vorgänge that immotion had were sent again unasked",
        "0",
        counts.unasked == 0,
    )


def _happened(engine: str, killer: Killer, resent: Counter[str], counts: Counts, faulty: float) -> Finding:
    """Say what was done to them: a run in which nothing happened shows nothing."""
    kills = ", ".join(f"{count} {kind}" for kind, count in sorted(killer.struck.items()))
    taken_over = sum(noting.noted(noting.TAKEN_OVER).values())
    with connected():
        failed = int(OutboxRow.select(fn.SUM(OutboxRow.attempts)).scalar() or 0)
    answers = max(counts.answers, 1)
    share = counts.faulty / answers
    near = abs(share - faulty) <= max(_NEAR, _SIGMAS * sqrt(faulty * (1 - faulty) / answers))
    enough = taken_over > 0 or sum(killer.struck.values()) < _ENOUGH_KILLS
    return Finding(
        "… and the faults happened",
        engine,
        f"kill -9 of {kills}; {sum(resent.values()):,} requests sent again ({_listed(resent)}); {counts.faulty:,} of "
        f"immotion's {counts.answers:,} answers faulty ({share:.1%}), {failed:,} attempts failed, {taken_over} rows of "
        "workers killed taken over",
        f"every kind of kill, rows taken over, {faulty:.0%} of the answers faulty",
        bool(resent) and failed > 0 and near and enough and killer.struck_all(),
    )


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())
