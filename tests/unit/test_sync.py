"""The channel's three errors, the retry arithmetic, the breaker, and what the forwarder makes of them."""

import http.server
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from service.files.storage import Folder
from service.retry import GIVE_UP_AFTER, LONGEST, next_attempt
from service.settings import ImmotionSettings
from service.store import alarms, deliveries, drafts, inbox, outbox, sessions, stammdaten, vorgaenge
from service.store.database import connected, open_database
from service.store.migrate import migrate
from service.store.records import Anhang, Draft, Vorgang
from service.sync.breaker import Breaker
from service.sync.feed import read_events, read_master_data
from service.sync.forwarder import Forwarder
from service.sync.housekeeping import tidy
from service.sync.immotion.channel import (
    Accepted,
    CredentialsRefused,
    CursorExpired,
    FeedPage,
    Permanent,
    TakenOver,
    Temporary,
)
from service.sync.immotion.http import HttpChannel, health
from tests.support.databases import new_database
from tests.support.vorgaenge import NOW, some_vorgang


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> Iterator[None]:
    opened = open_database(new_database(tmp_path))
    migrate()
    yield
    opened.close_all()


class FarSide(http.server.BaseHTTPRequestHandler):
    """Answers what the test says."""

    answer: tuple[int, dict[str, str], bytes] = (200, {}, b"")

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, body = type(self).answer
        if status == 0:
            self.connection.close()
            return
        self.send_response_only(status)  # without a Date of its own
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def far_side() -> Iterator[SimpleNamespace]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FarSide)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings = ImmotionSettings(url=f"http://127.0.0.1:{server.server_address[1]}", timeout_s=5)
    channel = HttpChannel(settings)

    def answers(status: int, body: Any = b"", **headers: str) -> None:
        kind = "application/problem+json" if status >= 400 else "application/json"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        FarSide.answer = (status, {"Content-Type": kind} | {k.replace("_", "-"): v for k, v in headers.items()}, data)

    yield SimpleNamespace(channel=channel, answers=answers, settings=settings)
    channel.close()
    server.shutdown()
    server.server_close()
    thread.join()


def put(far_side: SimpleNamespace) -> Accepted:
    return far_side.channel.put_vorgang(uuid4(), {"a": 1}, "request")


def test_a_number_is_read_and_a_batch_has_none(far_side: SimpleNamespace) -> None:
    far_side.answers(201, {"vorgangId": "i", "vorgangsnummer": "V-1"})
    assert put(far_side) == Accepted("i", "V-1")
    far_side.answers(202)
    assert put(far_side) == Accepted(None, None)


@pytest.mark.parametrize(
    "status,body,error",
    [
        (409, {"code": "KEY_WIEDERVERWENDET", "wiederholbar": False}, Permanent),
        (409, {"code": "KEY_IN_ARBEIT", "wiederholbar": True}, Temporary),
        (422, {"code": "VALIDIERUNG", "felder": [{"pfad": "/betreff", "code": "LAENGE"}]}, Permanent),
        (422, {"code": "VALIDIERUNG", "felder": "x"}, Permanent),
        (503, {"code": "MANDANT_GESPERRT", "wiederholbar": False}, Permanent),
        (401, {}, CredentialsRefused),
        (403, b"<html>", CredentialsRefused),
        (429, {}, Temporary),
        (500, b"<html>", Temporary),
        (404, b"<html>", Temporary),
        (302, b"", Temporary),
        (200, b"<html>a proxy</html>", Temporary),
        (200, b"[]", Temporary),
        (400, b"[]", Temporary),
        (0, b"", Temporary),
    ],
)
def test_every_answer_is_one_of_three_errors(
    far_side: SimpleNamespace, status: int, body: Any, error: type[Exception]
) -> None:
    far_side.answers(status, body)
    if status == 400:
        far_side.answers(status, body, Content_Type="text/html")
    with pytest.raises(error):
        put(far_side)


@pytest.mark.parametrize(
    "value,seconds",
    [
        ("17", 17.0),
        ("0", 0.0),
        ("9" * 400, 86_400.0),
        ("Thu, 01 Jan 2026 00:01:30 GMT", 90.0),
        ("Thursday, 01-Jan-26 00:01:30 GMT", 90.0),
        ("Thu Jan  1 00:01:30 2026", 90.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("Fri, 01 Jan 2027 00:00:00 GMT", 86_400.0),
        ("soon", None),
        ("-5", None),
        ("Thu, 99 Jan 2026 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(far_side: SimpleNamespace, value: str, seconds: float | None) -> None:
    far_side.answers(503, {}, Retry_After=value, Date="Thu, 01 Jan 2026 00:00:00 GMT")
    with pytest.raises(Temporary) as refused:
        put(far_side)
    assert (refused.value.retry_after, refused.value.outcome_unknown) == (seconds, True)


@pytest.mark.parametrize(
    "status,retry_after,scope",
    [
        (429, "1", "throttle"),
        (429, "", "throttle"),
        (503, "1", "connection"),
        (503, "", None),
        (500, "1", "message"),
        (504, "1", None),
    ],
)
def test_a_temporary_answer_says_what_it_concerns(
    far_side: SimpleNamespace, status: int, retry_after: str, scope: str | None
) -> None:
    far_side.answers(status, {}, Retry_After=retry_after)
    with pytest.raises(Temporary) as refused:
        put(far_side)
    assert refused.value.scope == scope


def test_what_immotion_never_got_is_none(far_side: SimpleNamespace) -> None:
    far_side.answers(404, {})
    assert far_side.channel.find_vorgang(uuid4(), "r") is None
    far_side.answers(200, {"vorgangsnummer": "V-1"})
    assert far_side.channel.find_vorgang(uuid4(), "r") == Accepted(None, "V-1")


def test_a_feed_is_a_page_or_expired_or_nonsense(far_side: SimpleNamespace) -> None:
    far_side.answers(200, {"ereignisse": [{"ereignisId": "1"}], "naechsterCursor": "c", "mehr": True})
    assert far_side.channel.ereignisse("", wait=0) == FeedPage(({"ereignisId": "1"},), "c", more=True)
    far_side.answers(410, {})
    with pytest.raises(CursorExpired):
        far_side.channel.ereignisse("old", wait=0)
    far_side.answers(200, {"ereignisse": "x"})
    with pytest.raises(Temporary):
        far_side.channel.ereignisse("", wait=0)


def test_health_says_what_is_wrong(far_side: SimpleNamespace) -> None:
    far_side.answers(200)
    assert health(far_side.settings) is None
    far_side.answers(500)
    assert "answers 500" in str(health(far_side.settings))
    assert "does not answer" in str(health(ImmotionSettings(url="http://127.0.0.1:1")))


def test_retries_grow_with_jitter_up_to_half_an_hour_and_end_after_five_days() -> None:
    def due(attempts: int, random: float = 0.999, **more: Any) -> timedelta:
        moment = next_attempt(
            attempts, NOW, **{"created_at": NOW, "retry_after": None, "random": lambda: random} | more
        )
        assert moment is not None
        return moment - NOW

    assert due(1) < timedelta(seconds=5) < due(2) < timedelta(seconds=10)
    assert due(50) <= LONGEST
    assert due(50, random=0) == timedelta(0)
    assert due(1, random=0, retry_after=90) == timedelta(seconds=90)
    assert due(1, random=0, retry_after=7200) == timedelta(hours=2)
    assert due(1, random=0, retry_after=float("inf")) == timedelta(days=1)
    old = NOW - GIVE_UP_AFTER - timedelta(seconds=1)
    assert next_attempt(1, NOW, created_at=old, retry_after=None, random=lambda: 0.5) is None


class Scripted:
    """A far side that does what the test says, one step a call."""

    def __init__(self, *steps: object) -> None:
        self.steps = list(steps)
        self.asked = 0

    def begin(self, item: object) -> None:
        """Whoever claimed it."""

    def put_vorgang(self, *_: object) -> object:
        return self._step()

    def put_anhang(self, *_: object) -> None:
        """Take the file."""

    def put_aktivitaet(self, *_: object) -> object:
        return self._step()

    def find_vorgang(self, *_: object) -> object:
        self.asked += 1
        return Accepted("i", "V-9")

    def close(self) -> None:
        """Nothing is open."""

    def _step(self) -> object:
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


def owed(anhang: bool = False, created: datetime = NOW) -> Vorgang:
    vorgang = some_vorgang(mandant="m")
    with connected():
        vorgaenge.insert(vorgang)
        if anhang:
            gone = Anhang(
                uuid4(), "m", "a.pdf", "application/pdf", 1, "0" * 64, 0, NOW, vorgang_id=vorgang.id, stored_at=NOW
            )
            vorgaenge.add_anhaenge([gone])
        outbox.owe("m", vorgang.id, request_id="r", now=created)
    return vorgang


def forwarder(tmp_path: Path, channel: Scripted, clock: list[datetime]) -> Forwarder:
    storage = Folder(tmp_path / "files")
    return Forwarder(
        "m",
        channel=lambda: channel,
        storage=storage,
        threads=1,
        clock=lambda: clock[0],
        breaker=Breaker("m", lambda: clock[0]),
    )


def counts() -> tuple[int, int, int]:
    with connected():
        (found,) = outbox.counts()
    return found.waiting, found.parked, found.sent


def test_after_a_lost_answer_immotion_is_asked_before_anything_is_sent_again(tmp_path: Path) -> None:
    vorgang, clock = owed(), [NOW]
    channel = Scripted(Temporary("cut", outcome_unknown=True))
    worker = forwarder(tmp_path, channel, clock)
    assert worker.forward() == 1
    assert counts() == (1, 0, 0)
    clock[0] = NOW + timedelta(minutes=1)
    assert worker.forward() == 1
    worker.close()
    assert (channel.asked, counts()) == (1, (0, 0, 1))
    with connected():
        found = vorgaenge.by_id("m", vorgang.id)
    assert found is not None
    assert (found.status, found.vorgangsnummer) == ("EINGEGANGEN", "V-9")


def test_a_refusal_for_good_is_parked_and_stops_nobody_else(tmp_path: Path) -> None:
    first, second = owed(), owed()
    worker = forwarder(tmp_path, Scripted(Permanent("VALIDIERUNG"), Accepted(None, None)), [NOW])
    assert (worker.forward(), worker.forward()) == (2, 0)
    worker.close()
    assert counts() == (0, 1, 1)
    with connected():
        states = {v.status for v in (vorgaenge.by_id("m", first.id), vorgaenge.by_id("m", second.id)) if v}
    assert states == {"UEBERMITTLUNG", "UEBERGEBEN"}


def test_two_vorgaenge_that_immotion_gave_one_id_have_each_the_number_it_gave_them(tmp_path: Path) -> None:
    both = [owed(), owed()]
    worker = forwarder(tmp_path, Scripted(Accepted("i", "V-1"), Accepted("i", "V-1")), [NOW])
    worker.forward()
    worker.close()
    with connected():
        found = [vorgaenge.by_id("m", vorgang.id) for vorgang in both]
    assert [(v.status, v.vorgangsnummer) for v in found if v] == [("EINGEGANGEN", "V-1")] * 2
    assert sorted(str(v.immotion_id) for v in found if v) == ["None", "i"]


def test_a_row_seen_to_be_taken_over_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    owed()
    worker = forwarder(tmp_path, Scripted(TakenOver()), [NOW])
    worker.forward()
    worker.close()
    assert counts() == (1, 0, 0)
    assert "late_result_dropped" in capsys.readouterr().out


def test_a_row_whose_file_is_gone_is_parked(tmp_path: Path) -> None:
    owed(anhang=True)
    worker = forwarder(tmp_path, Scripted(), [NOW])
    worker.forward()
    worker.close()
    assert counts() == (0, 1, 0)


def test_refused_credentials_park_nothing_and_pause_the_connection(tmp_path: Path) -> None:
    owed()
    worker = forwarder(tmp_path, Scripted(CredentialsRefused("401")), [NOW])
    assert worker.forward() == 1
    assert worker.forward() == 0
    worker.close()
    assert counts() == (1, 0, 0)


def test_after_five_days_a_delivery_is_parked(tmp_path: Path) -> None:
    owed(created=NOW - timedelta(days=6))
    worker = forwarder(tmp_path, Scripted(Temporary("down")), [NOW])
    worker.forward()
    worker.close()
    assert counts() == (0, 1, 0)


def test_a_stopping_worker_gives_back_what_it_holds(tmp_path: Path) -> None:
    owed()
    worker = forwarder(tmp_path, Scripted(Accepted("i", "V-1")), [NOW])
    answers = iter([False, True])
    assert worker.forward(lambda: next(answers, True)) == 1
    assert counts() == (1, 0, 0)
    assert worker.forward() == 1
    worker.close()
    assert counts() == (0, 0, 1)


class Feeds:
    """Feeds that do not know an old cursor."""

    def __init__(self, page: FeedPage) -> None:
        self.page = page

    def ereignisse(self, cursor: str, *, wait: int) -> FeedPage:
        return self._answer(cursor)

    def stammdaten(self, cursor: str) -> FeedPage:
        return self._answer(cursor)

    def _answer(self, cursor: str) -> FeedPage:
        if cursor == "old":
            raise CursorExpired
        return self.page


def test_an_expired_cursor_reads_everything_again(tmp_path: Path) -> None:
    with connected():
        assert inbox.move_cursor("m", "ereignisse", "old", NOW, seen="")
    events = Feeds(FeedPage(({"ereignisId": "1", "typ": "STATUS"}, {"typ": "no id"}), "c1", more=False))
    assert read_events("m", events, wait=0, clock=lambda: NOW) == 0
    assert read_events("m", events, wait=0, clock=lambda: NOW) == 1
    with connected():
        assert inbox.move_cursor("m", "stammdaten", "old", NOW, seen="")
    changes = FeedPage(
        ({"art": "PERSON", "nr": "P", "daten": {}}, {"art": "PERSON", "nr": "P", "geloescht": True}), "c1", more=False
    )
    assert read_master_data("m", Feeds(changes), clock=lambda: NOW) == 2


def test_an_event_without_an_id_is_kept_for_a_person_once_with_an_alarm(tmp_path: Path) -> None:
    entries = ({"typ": "STATUS", "vorgangId": "v"}, {"ereignisId": "1", "typ": "STATUS"})
    pages = (FeedPage(entries, cursor, more=False) for cursor in ("c1", "c2"))
    for page, new in zip(pages, (1, 0), strict=True):
        assert read_events("nameless", Feeds(page), wait=0, clock=lambda: NOW) == new
    with connected():
        assert deliveries.parked_events("nameless")
        assert [one.ereignis_id for one in inbox.waiting("nameless")] == ["1"]
        assert [(a.kind, a.detail, a.count) for a in alarms.standing(["nameless"])] == [("event_parked", "NO_ID", 1)]


def test_master_data_that_cannot_be_understood_stop_no_others(tmp_path: Path) -> None:
    good = {"art": "VERTRAG", "nr": "V", "daten": {"personNr": "P"}}
    page = FeedPage(({"nr": "x"}, {"art": "PERSON", "nr": "P", "daten": "text"}, good), "c", more=False)
    read_master_data("m", Feeds(page), clock=lambda: NOW)
    with connected():
        assert [vertrag.nr for vertrag in stammdaten.vertraege("m", "P")] == ["V"]


def test_tidying_removes_old_drafts_orphans_and_ended_sessions_only(tmp_path: Path) -> None:
    storage = Folder(tmp_path / "files")
    ids = [uuid4(), uuid4()]
    for file_id in ids:
        with storage.incoming() as incoming:
            incoming.write(b"x")
            storage.keep(incoming, file_id)
    draft = Draft(uuid4(), "m", "a", "kontakt", {}, NOW)
    with connected():
        drafts.save(draft)
        vorgaenge.add_anhaenge([Anhang(ids[0], "m", "a", "m", 1, "0", 0, NOW, draft_id=draft.id, stored_at=NOW)])
        sessions.use_up("m", "i", "j", NOW)
    later = datetime.now(UTC) + timedelta(days=2)
    assert tidy(storage, draft_days=9999, audit_days=365, now=later) == 1
    assert list(storage.ids(later)) == [ids[0]]
    assert tidy(storage, draft_days=1, audit_days=365, now=later + timedelta(days=30)) == 1
    assert list(storage.ids(later)) == []
