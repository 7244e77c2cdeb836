"""Limits in Redis: one count for all processes, and none turned away while it is down."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import structlog

from service.access.rates import Rates, TooManyRequests, answers
from tests.support.portal import Installation, wait_for
from tests.support.ports import free_port
from tests.support.redis import RedisServer, redis_server
from tests.unit.test_rates import Clock

LIMIT = 6


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


def passes(rates: Rates, *who: str) -> bool:
    try:
        rates.hit("code", *who)
    except TooManyRequests:
        return False
    return True


def test_two_processes_count_together_and_the_window_ends(server: RedisServer) -> None:
    one, other = (Rates(server.url, {"code": "2/2 seconds"}) for _ in range(2))
    assert [passes(rates, "musterbau", "a") for rates in (one, other, one, other)] == [True, True, False, False]
    with pytest.raises(TooManyRequests) as reached:
        one.hit("code", "musterbau", "a")
    assert reached.value.retry_after in {1, 2}
    assert not reached.value.first  # the other process has kept the record
    assert passes(other, "musterbau", "b")
    time.sleep(2.1)
    assert passes(one, "musterbau", "a")


def test_who_is_counted_cannot_be_read_in_the_storage(server: RedisServer) -> None:
    assert answers(server.url)
    rates = Rates(server.url, {"code": "2/minute"})
    rates.hit("code", "musterbau", "203.0.113.77")
    (key,) = server.keys()
    assert key.startswith(b"mieterportal:")
    assert b"203.0" not in key


def test_when_the_storage_is_back_all_count_together_again(server: RedisServer) -> None:
    moment = Clock(0.0)
    rates = Rates(server.url, {"code": "2/minute"}, monotonic=moment)
    other = Rates(server.url, {"code": "2/minute"})
    assert passes(rates, "musterbau", "a")
    server.stop()
    with structlog.testing.capture_logs() as logs:
        assert [passes(rates, "musterbau", "a") for _ in range(3)] == [True, True, False]
        server.start()
        assert not passes(rates, "musterbau", "a")  # asked again in ten seconds
        moment.now += 11
        assert [passes(one, "musterbau", "a") for one in (rates, other, rates)] == [True, True, False]
    assert [line["event"] for line in logs] == ["limits_storage_down", "limits_storage_up"]


def test_a_restart_of_the_storage_between_two_requests_is_not_noticed(server: RedisServer) -> None:
    rates = Rates(server.url, {"code": "2/minute"})
    assert passes(rates, "musterbau", "a")
    server.stop()
    server.start()
    with structlog.testing.capture_logs() as logs:
        assert passes(rates, "musterbau", "a")
    assert logs == []


def test_two_portals_count_together(server: RedisServer, tmp_path: Path) -> None:
    directory = tmp_path / "portal"
    directory.mkdir()
    installation = Installation(directory, rates=f'storage = "{server.url}", sso_address = "{LIMIT}/hour"')
    try:
        installation.start_portal()
        port = free_port()
        installation.start("other", "serve", "--bind", f"127.0.0.1:{port}")
        wait_for(f"http://127.0.0.1:{port}/readyz")
        urls = [installation.url, f"http://127.0.0.1:{port}"]
        answers = [refused(urls[number % 2]) for number in range(2 * LIMIT)]
        assert Counter(answers) == {401: LIMIT, 429: LIMIT}
        assert answers[:LIMIT] == [401] * LIMIT
        server.stop()
        assert refused(urls[0]) == 401
        assert '"limits_storage_down"' in installation.log("portal")
    finally:
        installation.stop_all()


def refused(url: str) -> int:
    headers = {"Connection": "close"}
    return requests.post(f"{url}/musterbau/sso/website", data={"token": "x"}, headers=headers, timeout=10).status_code
