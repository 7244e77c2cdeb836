"""Limits in memory: moving windows, who is counted apart from whom, and a shared storage that is away."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from service.access.rates import MEMORY, Rates, TooManyRequests, answers
from service.doctor import examine
from service.settings import load_settings
from tests.support.portal import Installation
from tests.support.ports import free_port


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


def refused(rates: Rates, *who: str, kind: str = "code") -> TooManyRequests:
    with pytest.raises(TooManyRequests) as reached:
        rates.hit(kind, *who)
    return reached.value


def test_one_too_many_is_told_when_there_is_room_again(clock: Clock) -> None:
    rates = Rates(MEMORY, {"code": "3/minute"})
    for _ in range(3):
        rates.hit("code", "musterbau", "a")
        clock.now += 10
    assert refused(rates, "musterbau", "a").retry_after == 30
    clock.now += 29.5
    assert refused(rates, "musterbau", "a").retry_after == 1
    clock.now += 1
    rates.hit("code", "musterbau", "a")
    assert refused(rates, "musterbau", "a").retry_after == 10


def test_who_is_refused_again_and_again_waits_no_longer_for_it(clock: Clock) -> None:
    rates = Rates(MEMORY, {"code": "1/minute"})
    rates.hit("code", "musterbau", "a")
    for _ in range(59):
        clock.now += 1
        refused(rates, "musterbau", "a")
    clock.now += 2
    rates.hit("code", "musterbau", "a")


def test_the_first_refusal_of_a_window_is_marked_for_whoever_keeps_a_record(clock: Clock) -> None:
    rates = Rates(MEMORY, {"code": "1/minute"})
    rates.hit("code", "musterbau", "a")
    assert [refused(rates, "musterbau", "a").first for _ in range(3)] == [True, False, False]
    clock.now += 61
    rates.hit("code", "musterbau", "a")
    assert refused(rates, "musterbau", "a").first


def test_of_several_limits_each_holds(clock: Clock) -> None:
    rates = Rates(MEMORY, {"code": "2/minute; 3/hour"})
    for _ in range(2):
        rates.hit("code", "musterbau", "a")
    assert refused(rates, "musterbau", "a").retry_after == 60
    clock.now += 61
    rates.hit("code", "musterbau", "a")
    assert refused(rates, "musterbau", "a").retry_after > 3000


def test_accounts_mandanten_kinds_and_spellings_are_counted_apart(clock: Clock) -> None:
    rates = Rates(MEMORY, {"code": "1/minute", "form": "1/minute"})
    everybody = [("musterbau", "a"), ("nachbar", "a"), ("musterbau", "b"), ("musterbau/a",), ("musterbau", "a/b")]
    everybody += [("musterbau", "a", "b"), ("musterbaua",)]
    for who in everybody:
        rates.hit("code", *who)
        rates.hit("form", *who)
    for who in everybody:
        refused(rates, *who)


def test_many_threads_together_get_no_more_than_one(clock: Clock) -> None:
    rates = Rates(MEMORY, {"code": "50/minute"})
    passed: list[int] = []

    def try_many() -> None:
        for _ in range(40):
            try:
                rates.hit("code", "musterbau", "a")
            except TooManyRequests:
                continue
            passed.append(1)

    threads = [threading.Thread(target=try_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 50


def test_while_the_shared_storage_is_away_each_process_counts_alone_and_says_so_once() -> None:
    moment = Clock(0.0)
    rates = Rates(f"redis://127.0.0.1:{free_port()}/0", {"code": "2/minute"}, monotonic=moment)
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            rates.hit("code", "musterbau", "a")
        refused(rates, "musterbau", "a")
        moment.now += 11
        refused(rates, "musterbau", "a")
    assert [(line["event"], line["alarm"]) for line in logs] == [("limits_storage_down", True)]


def test_a_storage_that_does_not_answer_is_told_of() -> None:
    assert answers(MEMORY)
    assert not answers(f"redis://127.0.0.1:{free_port()}/0")


def test_a_password_of_the_storage_is_in_no_log() -> None:
    rates = Rates(f"redis://:geheim@127.0.0.1:{free_port()}/0", {"code": "2/minute"})
    with structlog.testing.capture_logs() as logs:
        rates.hit("code", "musterbau", "a")
    assert logs
    assert "geheim" not in str(logs)


@pytest.mark.parametrize(
    "workers, said", [(1, "of the one process;"), (3, "of each of 3 processes, so that up to 3 times as much is")]
)
def test_the_doctor_says_how_much_more_is_let_through_without_redis(tmp_path: Path, workers: int, said: str) -> None:
    settings = load_settings(Installation(tmp_path, service=f"workers = {workers}").config)
    (finding,) = [one for one in examine(settings) if one.subject == "limits"]
    assert said in finding.text
