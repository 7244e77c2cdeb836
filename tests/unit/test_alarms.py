"""Alarms: one log event and one counted row each, whatever state the database is in; the watch raises and clears."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service.store import alarms as stored
from service.store import breakers, inbox, outbox
from service.store.database import connected, database, open_database, transaction
from service.store.migrate import migrate
from service.store.records import Alarm, BreakerState
from service.sync import alarms
from service.vorgang import delivery
from tests.support.databases import new_database
from tests.support.owed import claim, owe, parked
from tests.support.vorgaenge import NOW

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> Iterator[str]:
    url = new_database(tmp_path)
    opened = open_database(url)
    migrate()
    yield url
    alarms.flush()
    opened.close_all()


def standing(mandant: str = "m") -> list[Alarm]:
    with connected():
        return stored.standing([mandant])


def watch(now: datetime, **feeds: timedelta) -> int:
    return alarms.watch({"m": feeds}, now)


def kinds() -> dict[str, int]:
    return {alarm.kind: alarm.count for alarm in standing()}


def test_an_alarm_is_logged_and_counted() -> None:
    with capture_logs() as logs:
        alarms.raise_alarm("status_unmapped", mandant="m", detail="ERP.77", now=NOW, vorgang="v")
        alarms.raise_alarm("status_unmapped", mandant="m", detail="ERP.77", now=NOW + MINUTE)
    expected = {"event": "status_unmapped", "mandant": "m", "detail": "ERP.77", "alarm": True, "vorgang": "v"}
    assert logs[0] == expected | {"log_level": "error"}
    assert standing() == [Alarm("m", "status_unmapped", "ERP.77", 2, NOW, NOW + MINUTE, None)]


@pytest.mark.parametrize("text", ["Frau Müller, 2. OG", "x" * 81, "a\nb", "<b>"])
def test_what_is_no_code_is_neither_stored_nor_logged(text: str) -> None:
    with capture_logs() as logs:
        alarms.raise_alarm("status_unmapped", mandant="m", detail=text, now=NOW)
    assert [alarm.detail for alarm in standing()] == [logs[0]["detail"]] == ["?"]


def test_an_alarm_in_a_transaction_that_fails_is_counted_all_the_same() -> None:
    with connected():
        with pytest.raises(ZeroDivisionError), transaction():
            alarms.raise_alarm("event_parked", mandant="m", now=NOW)
            alarms.raise_alarm("event_parked", mandant="m", now=NOW)
            _ = 1 / 0
        assert standing() == []
    alarms.flush()
    assert kinds() == {"event_parked": 2}


def test_alarms_of_a_time_without_a_database_are_counted_when_it_is_back(store: str) -> None:
    database.obj.close_all()
    open_database("postgresql://nobody@127.0.0.1:1/none")
    for minute in range(3):
        alarms.raise_alarm("sync_paused", mandant="m", detail="OSError", now=NOW + minute * MINUTE)
    open_database(store)
    alarms.watch({}, NOW)
    assert standing() == [Alarm("m", "sync_paused", "OSError", 3, NOW, NOW + 2 * MINUTE, None)]


def test_what_is_unsent_for_long_raises_an_alarm_once_an_hour_until_it_is_gone() -> None:
    owe("m")
    assert watch(NOW + 15 * MINUTE) == 0
    with capture_logs() as logs:
        for minutes in (16, 17, 75, 76, 77):
            assert watch(NOW + minutes * MINUTE) == 1
    assert [(entry["seconds"], entry["waiting"]) for entry in logs] == [(960, 1), (4560, 1)]
    with connected(), transaction():
        outbox.mark_sent(claim("m", NOW + 80 * MINUTE), NOW + 80 * MINUTE)
    with capture_logs() as logs:
        assert watch(NOW + 81 * MINUTE) == 0
    assert logs == [{"event": "alarm_cleared", "mandant": "m", "kind": "oldest_unsent", "log_level": "info"}]


def test_what_was_parked_stands_until_the_operator_has_dealt_with_it() -> None:
    vorgang = parked("m")
    alarms.raise_alarm("delivery_parked", mandant="m", detail="VALIDIERUNG", now=NOW)
    assert watch(NOW + MINUTE) == 1
    with connected():
        delivery.retry(vorgang, now=NOW)
    assert watch(NOW + MINUTE) == 0


def test_an_alarm_raised_while_the_watch_looks_is_not_cleared() -> None:
    alarms.raise_alarm("delivery_parked", mandant="m", now=NOW + MINUTE)
    watch(NOW)
    assert kinds() == {"delivery_parked": 1}


def test_a_parked_event_stands_as_long_as_it_is_parked() -> None:
    with connected():
        inbox.receive("m", {"ereignisId": "e"}, NOW)
        (event,) = inbox.waiting("m")
        inbox.settle(event.id, "parked")
    alarms.raise_alarm("event_parked", mandant="m", now=NOW)
    alarms.raise_alarm("event_parked", mandant="other", now=NOW)
    alarms.watch({"m": {}, "other": {}}, NOW + MINUTE)
    assert (kinds(), standing("other")) == ({"event_parked": 1}, [])


def test_refused_credentials_stand_until_immotion_has_accepted_them() -> None:
    alarms.raise_alarm("credentials_refused", mandant="m", detail="401", now=NOW)
    state = BreakerState("m", "open", 5, NOW, NOW + MINUTE, NOW - MINUTE, "w")
    with connected():
        breakers.note(state)
    assert watch(NOW + MINUTE) == 1
    with connected():
        breakers.note(BreakerState("m", "closed", 0, NOW + MINUTE, None, NOW + MINUTE, "w"))
    assert watch(NOW + 2 * MINUTE) == 0


def test_a_delivery_or_a_feed_that_was_read_shows_that_credentials_are_accepted_again() -> None:
    alarms.raise_alarm("credentials_refused", mandant="m", detail="401", now=NOW)
    owe("m")
    alarms.note_feed_read("m", "stammdaten", NOW + MINUTE)
    watch(NOW + 2 * MINUTE)
    assert kinds() == {"credentials_refused": 1}, "a feed proves nothing while deliveries are refused"
    with connected(), transaction():
        outbox.mark_sent(claim("m", NOW + MINUTE), NOW + MINUTE)
    assert watch(NOW + 2 * MINUTE) == 0
    alarms.raise_alarm("credentials_refused", mandant="m", detail="401", now=NOW + 3 * MINUTE)
    alarms.note_feed_read("m", "stammdaten", NOW + 4 * MINUTE)
    assert watch(NOW + 5 * MINUTE) == 0


def silent() -> set[str]:
    return {alarm.detail for alarm in standing() if alarm.kind == "feed_silent"}


def test_each_feed_that_falls_silent_raises_an_alarm_of_its_own() -> None:
    allowed = {"ereignisse": 15 * MINUTE, "stammdaten": 15 * MINUTE, "kataloge": 75 * MINUTE}
    for feed in allowed:
        alarms.note_feed_read("m", feed, NOW)
    alarms.note_feed_read("m", "ereignisse", NOW + MINUTE / 2)
    with connected():
        (row,) = delivery.status(["m"], NOW)
    assert row.feeds_read == dict.fromkeys(allowed, NOW)
    assert watch(NOW + 14 * MINUTE, **allowed) == 0
    alarms.note_feed_read("m", "ereignisse", NOW + 15 * MINUTE)
    watch(NOW + 16 * MINUTE, **allowed)
    assert silent() == {"stammdaten"}
    watch(NOW + 76 * MINUTE, **allowed)
    assert silent() == {"ereignisse", "stammdaten", "kataloge"}
    alarms.note_feed_read("m", "stammdaten", NOW + 77 * MINUTE)
    watch(NOW + 78 * MINUTE, **allowed)
    assert silent() == {"ereignisse", "kataloge"}
    watch(NOW + 79 * MINUTE, ereignisse=15 * MINUTE)
    assert silent() == {"ereignisse"}, "a feed that is not to be read any more is silent for ever"


def test_a_feed_that_was_never_read_is_silent_since_the_first_worker() -> None:
    with capture_logs() as logs:
        for minutes in range(79):
            watch(NOW + minutes * MINUTE, stammdaten=15 * MINUTE)
    raised = [(entry["event"], entry["detail"]) for entry in logs if entry.get("alarm")]
    assert raised == [("feed_silent", "stammdaten")] * 2
    assert [(alarm.first_at, alarm.last_at) for alarm in standing()] == [(NOW + 16 * MINUTE, NOW + 76 * MINUTE)]


def test_clocks_that_disagree_raise_an_alarm_and_what_they_wrote_is_corrected() -> None:
    ahead = NOW + timedelta(hours=1)
    owe("m", now=ahead)
    assert claim("m", NOW) == []
    watch(NOW)
    assert kinds() == {"clocks_disagree": 1}
    assert len(claim("m", NOW)) == 1
    watch(NOW + MINUTE)
    assert kinds() == {}


def test_the_watch_says_that_a_worker_is_alive() -> None:
    watch(NOW)
    with connected():
        (row,) = delivery.status(["m"], NOW)
    assert row.worker_seen == NOW


def test_an_event_whose_vorgang_never_comes_raises_an_alarm_after_a_day() -> None:
    with connected():
        inbox.receive("m", {"ereignisId": "e", "typ": "STATUS", "vorgangId": "unknown"}, NOW)
    assert alarms.watch({"m": {}, "other": {}}, NOW + 24 * 60 * MINUTE) == 0
    with capture_logs() as logs:
        assert alarms.watch({"m": {}, "other": {}}, NOW + 24 * 61 * MINUTE) == 1
    assert [(entry["event"], entry["hours"]) for entry in logs] == [("events_waiting", 24)]
    with connected():
        inbox.settle(inbox.waiting("m")[0].id, "applied")
    assert alarms.watch({"m": {}, "other": {}}, NOW + 24 * 62 * MINUTE) == 0
