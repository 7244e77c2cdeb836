"""Metrics for Prometheus: never public, without names of anybody, read from the database when asked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from service import metrics
from service.settings import load_settings
from service.store import breakers, heartbeats
from service.store.database import connected, database, open_database
from service.store.records import BreakerState
from service.sync.alarms import raise_alarm
from tests.support.owed import owe, parked
from tests.support.portal import MANDANT, Installation, free_port

NOW = datetime.now(UTC)
TOKEN = "a-token-for-prometheus-of-32-bytes"
_LABELS = ("mandant", "kind", "state", "feed", "version")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("metrics"))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MIETERPORTAL_SERVICE__METRICS_TOKEN", TOKEN)
            made.start_portal()
        open_database(made.database)
        yield made
    finally:
        made.stop_all()
        database.obj.close_all()


def scrape(installation: Installation, authorization: str | None = f"Bearer {TOKEN}") -> requests.Response:
    headers = {"Authorization": authorization} if authorization else {}
    return requests.get(f"{installation.url}/metrics", headers=headers, timeout=30)


def values(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(sample.labels[name] for name in _LABELS if name in sample.labels)): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_numbers_of_every_mandant_are_told(installation: Installation) -> None:
    now = datetime.now(UTC)
    owe(MANDANT, now=now - timedelta(hours=1))
    parked(MANDANT, now=now)
    raise_alarm("status_unmapped", mandant=MANDANT, detail="X1", now=now)
    raise_alarm("status_unmapped", mandant=MANDANT, detail="X2", now=now)
    with connected():
        breakers.note(BreakerState(MANDANT, "open", 5, now, now, None, "w"))
        heartbeats.beat(MANDANT, "worker", now)
        heartbeats.beat(MANDANT, "ereignisse", now - timedelta(minutes=2))
        heartbeats.beat(MANDANT, "stammdaten", now - timedelta(minutes=4))
    answer = scrape(installation)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    told = values(answer.text)
    assert told["mieterportal_database_up",] == 1
    assert told["mieterportal_deliveries_waiting", MANDANT] == 1
    assert 3600 <= told["mieterportal_delivery_oldest_waiting_seconds", MANDANT] < 3700
    assert told["mieterportal_deliveries_parked", MANDANT] == 1
    assert told["mieterportal_deliveries_total", MANDANT] == 0
    assert told["mieterportal_breaker_state", MANDANT, "open"] == 1
    assert told["mieterportal_breaker_state", MANDANT, "closed"] == 0
    assert told["mieterportal_breaker_state", "nachbar", "closed"] == 1
    assert told["mieterportal_alarms_total", MANDANT, "status_unmapped"] == 2
    assert told["mieterportal_alarm_stands", MANDANT, "status_unmapped"] == 1
    assert 120 <= told["mieterportal_feed_read_age_seconds", MANDANT, "ereignisse"] < 200
    assert 240 <= told["mieterportal_feed_read_age_seconds", MANDANT, "stammdaten"] < 320
    assert told["mieterportal_worker_seen_age_seconds", MANDANT] < 100
    assert not any(word in answer.text for word in ("Geheimes", "Persönliches", "X1"))


def test_every_metric_is_described_for_operators(installation: Installation) -> None:
    text = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    names = {family.name for family in text_string_to_metric_families(scrape(installation).text)}
    assert len(names) >= 11
    assert not {name for name in names if name not in text}


@pytest.mark.parametrize("shown", [None, "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü"])
def test_nobody_reads_them_without_the_token(installation: Installation, shown: str | None) -> None:
    answer = scrape(installation, shown.encode() if shown else None)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "mieterportal" not in answer.text


def test_the_word_before_the_token_may_be_written_in_any_case(installation: Installation) -> None:
    assert scrape(installation, f"bearer {TOKEN}").status_code == 200


def test_without_a_token_in_the_settings_there_is_no_such_page(portal: Installation) -> None:
    assert scrape(portal).status_code == 404


def test_the_workers_own_port_tells_the_same_and_stops_nothing_when_taken(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("MIETERPORTAL_SERVICE__METRICS_BIND", bind)
    settings = load_settings(installation.config)
    server = metrics.serve(settings, lambda: datetime.now(UTC))
    assert server is not None
    try:
        told = values(requests.get(f"http://{bind}/metrics", timeout=30).text)
        assert told["mieterportal_database_up",] == 1
        with capture_logs() as logs:
            assert metrics.serve(settings, lambda: datetime.now(UTC)) is None
        assert [entry["event"] for entry in logs] == ["metrics_not_served"]
    finally:
        server.shutdown()
        server.server_close()


def test_where_others_can_reach_it_the_workers_port_asks_for_the_token(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("MIETERPORTAL_SERVICE__METRICS_BIND", f"0.0.0.0:{port}")
    monkeypatch.setenv("MIETERPORTAL_SERVICE__METRICS_TOKEN", TOKEN)
    server = metrics.serve(load_settings(installation.config), lambda: datetime.now(UTC))
    assert server is not None
    address = f"http://127.0.0.1:{port}/metrics"
    try:
        for shown in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}):
            answer = requests.get(address, headers=shown, timeout=30)
            assert (answer.status_code, answer.headers["WWW-Authenticate"], answer.text) == (401, "Bearer", "")
        told = values(requests.get(address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30).text)
        assert told["mieterportal_database_up",] == 1
    finally:
        server.shutdown()
        server.server_close()


def test_nothing_is_served_unless_it_is_set(installation: Installation) -> None:
    assert metrics.serve(load_settings(installation.config), lambda: NOW) is None


def test_without_the_database_the_metrics_say_so(installation: Installation) -> None:
    database.obj.close_all()
    try:
        open_database("postgresql://nobody@127.0.0.1:1/none")
        registry = metrics.registry_for(load_settings(installation.config), lambda: NOW)
        told = values(metrics.page(registry).decode())
    finally:
        open_database(installation.database)
    assert {name for name, *_ in told} == {"mieterportal_info", "mieterportal_database_up"}
    assert told["mieterportal_database_up",] == 0
