"""A sync worker of several processes: all deliver, whichever dies is replaced, and they end together."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import requests

from service.settings import load_settings
from service.sync.crew import Place, keep_to_own_core
from tests.faults.ground import at_last, opened
from tests.faults.killer import crew_of, members
from tests.faults.workload import compare, file_directly
from tests.support.portal import Installation, wait_for
from tests.support.ports import free_port


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    service = f'sync_processes = 2\nmetrics_bind = "127.0.0.1:{free_port()}"'
    made = Installation(tmp_path, immotion="threads = 8", service=service)
    made.start_standin()
    assert made.run("migrate").returncode == 0
    made.start_sync()
    yield made
    made.stop_all()


def started(installation: Installation) -> int:
    return installation.log("sync").count('"event": "sync_started"')


def processes_of(installation: Installation) -> list[int]:
    return crew_of(installation.processes["sync"].pid)


def test_every_process_delivers_and_the_first_one_alone_reads_the_feeds(installation: Installation) -> None:
    at_last(lambda: started(installation), lambda count: count == 2)
    with opened(installation):
        filed = file_directly(400, "Viel auf einmal")
        arrived = at_last(lambda: len(installation.ledger()), lambda count: count == 400)
        assert arrived == 400
        assert at_last(lambda: compare(installation, filed).unsent, lambda left: left == 0) == 0
        assert compare(installation, filed).delivered()
    assert installation.log("sync").count('"event": "delivered"') == 400


def test_the_metrics_are_told_by_the_process_that_started_the_others(installation: Installation) -> None:
    bind = load_settings(installation.config).service.metrics_bind
    wait_for(f"http://{bind}/metrics")
    assert "mieterportal_database_up 1.0" in requests.get(f"http://{bind}/metrics", timeout=30).text


def test_a_process_that_dies_is_replaced(installation: Installation) -> None:
    at_last(lambda: started(installation), lambda count: count == 2)
    os.kill(processes_of(installation)[1], signal.SIGKILL)
    assert at_last(lambda: started(installation), lambda count: count == 3) == 3
    assert '"event": "sync_process_ended"' in installation.log("sync")
    assert len(processes_of(installation)) == 2


def test_sigterm_ends_them_all_in_good_order(installation: Installation) -> None:
    at_last(lambda: started(installation), lambda count: count == 2)
    assert installation.stop("sync", wait=10) == 0
    assert installation.log("sync").count('"event": "sync_stopped"') == 2


def test_they_end_when_the_one_that_started_them_was_killed(installation: Installation) -> None:
    at_last(lambda: started(installation), lambda count: count == 2)
    parent = installation.processes.pop("sync")
    parent.kill()
    parent.wait()
    assert at_last(lambda: members(parent.pid), lambda left: not left, seconds=15) == []
    assert installation.log("sync").count('"event": "sync_stopped"') == 2


@pytest.mark.parametrize("threads, of", [(1, 1), (8, 2), (9, 2), (3, 4)])
def test_the_shares_add_up_to_the_threads(threads: int, of: int) -> None:
    shares = [Place(number, of).share(threads) for number in range(of)]
    assert sum(shares) == threads
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize("spare", [0, 1])
def test_with_one_for_each_core_every_process_keeps_to_its_own(spare: int) -> None:
    cores = os.sched_getaffinity(0)
    of = len(cores) + spare
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        kept = list(pool.map(kept_to, [Place(number, of) for number in range(len(cores))]))
    alone = of > 1 and not spare
    assert kept == ([{core} for core in sorted(cores)] if alone else [cores] * len(cores))


def kept_to(place: Place) -> set[int]:
    keep_to_own_core(place)
    return os.sched_getaffinity(0)
