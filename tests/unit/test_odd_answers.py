"""What becomes of answers that no immotion should give: too slow, too long, ambiguous, unstorable, somebody else's."""

import http.server
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from service.files.storage import Folder
from service.settings import ImmotionSettings
from service.store import alarms, inbox, outbox, stammdaten, vorgaenge
from service.store.database import connected, open_database
from service.store.migrate import migrate
from service.store.models import OutboxRow
from service.store.query import tuples
from service.store.records import Anhang
from service.sync.apply import apply_waiting
from service.sync.breaker import Breaker
from service.sync.delivery import send
from service.sync.feed import read_events, read_master_data
from service.sync.forwarder import Forwarder
from service.sync.immotion.answers import ANSWER_MAX
from service.sync.immotion.channel import Accepted, FeedPage, Permanent, Temporary
from service.sync.immotion.factory import Channels
from service.sync.immotion.http import HttpChannel
from tests.support.databases import new_database
from tests.support.immotion import Immotion
from tests.support.owed import owe
from tests.support.vorgaenge import NOW
from tests.unit.test_kataloge import parcel
from tests.unit.test_reconcile import HOUSE

Answer = Callable[["Immoti0n"], None]


class Immoti0n(http.server.BaseHTTPRequestHandler):
    """Says what the test wants."""

    protocol_version = "HTTP/1.1"
    answer: Answer
    connections = 0
    given = b""

    def setup(self) -> None:
        type(self).connections += 1
        super().setup()

    def do_GET(self) -> None:
        self.given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            type(self).answer(self)
        except OSError:
            self.close_connection = True

    do_PUT = do_GET

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response_only(status)
        kind = "application/problem+json" if status >= 400 else "application/json"
        for name, value in {"Content_Type": kind, "Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def far_side() -> Iterator[SimpleNamespace]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Immoti0n)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings = ImmotionSettings(url=f"http://127.0.0.1:{server.server_address[1]}", timeout_s=0.5)
    channel = HttpChannel(settings)

    def answers(status: int, body: bytes = b"", **headers: str) -> None:
        Immoti0n.answer = lambda here: here.say(status, body, **headers)

    yield SimpleNamespace(channel=channel, answers=answers, of=lambda name: Channels().of(name, settings))
    channel.close()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[None]:
    opened = open_database(new_database(tmp_path))
    migrate()
    yield
    opened.close_all()


def put(far_side: SimpleNamespace, vorgang_id: UUID | None = None) -> Accepted:
    found: Accepted = far_side.channel.put_vorgang(vorgang_id or uuid4(), {}, "r")
    return found


def test_an_answer_about_another_vorgang_is_no_success_and_its_number_is_not_taken(far_side: SimpleNamespace) -> None:
    mine = uuid4()
    far_side.answers(201, json.dumps({"externeId": str(uuid4()), "vorgangsnummer": "V-1"}).encode())
    for ask in (put, lambda side, key: side.channel.find_vorgang(key, "r")):
        with pytest.raises(Temporary) as refused:
            ask(far_side, mine)
        assert refused.value.outcome_unknown
    far_side.answers(201, json.dumps({"externeId": str(mine).upper(), "vorgangsnummer": "V-1"}).encode())
    assert put(far_side, mine) == Accepted(None, "V-1")


def test_how_another_vorgang_stands_is_not_taken_for_how_this_one_does(far_side: SimpleNamespace) -> None:
    mine, view = uuid4(), {"status": {"code": "ERLEDIGT"}}
    for key, named in ((str(mine), {"externeId": str(uuid4())}), ("I-1", {"vorgangId": "I-2"})):
        far_side.answers(200, json.dumps({**named, "mieterSicht": view}).encode())
        with pytest.raises(Permanent):
            far_side.channel.stand(key)
    for key, named in ((str(mine), {"externeId": str(mine)}), ("I-1", {"externeId": None, "vorgangId": "I-1"})):
        far_side.answers(200, json.dumps({**named, "mieterSicht": view}).encode())
        assert far_side.channel.stand(key).view == view


def test_an_answer_about_a_vorgang_of_another_mandant_is_none_about_ours(far_side: SimpleNamespace) -> None:
    mine = uuid4()
    channel = far_side.of("musterbau")
    for mandant in ("nachbar", 7, ["musterbau"]):
        far_side.answers(200, json.dumps({"externeId": str(mine), "mandant": mandant}).encode())
        for ask, fault in ((channel.put_vorgang, Temporary), (channel.find_vorgang, Temporary)):
            with pytest.raises(fault):
                ask(mine, *([{}] if ask == channel.put_vorgang else []), "r")
        with pytest.raises(Permanent):
            channel.stand(str(mine))
    for said in ({}, {"mandant": None}, {"mandant": "musterbau"}):
        far_side.answers(200, json.dumps({"vorgangsnummer": "V-1", **said}).encode())
        assert channel.find_vorgang(mine, "r") == Accepted(None, "V-1")


@pytest.mark.parametrize(
    "said,number",
    [
        (rb'{"vorgangsnummer": "V-1", "vorgangsnummer": "V-2"}', None),
        (rb'{"vorgangsnummer": "V-1", "vorgangsnummer": "V-1"}', "V-1"),
        (rb'{"vorgangsnummer": ["V-1"]}', None),
        (rb'{"vorgangsnummer": true}', None),
        (rb'{"vorgangsnummer": 17}', "17"),
        (rb'{"vorgangsnummer": "V\u0000-\ud8001"}', "V-?1"),
        (b'\xef\xbb\xbf{"vorgangsnummer": "V-1", "unbekannt": {"x": [1]}}', "V-1"),
    ],
)
def test_a_number_is_one_that_can_be_relied_on_and_stored(
    far_side: SimpleNamespace, said: bytes, number: str | None
) -> None:
    far_side.answers(201, said)
    assert put(far_side) == Accepted(None, number)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"code": 1', b"[" * 100_000, b'{"a":' * 100_000, b"\xff{}"])
def test_an_answer_that_is_no_object_decides_nothing(far_side: SimpleNamespace, body: bytes) -> None:
    far_side.answers(200, body)
    with pytest.raises(Temporary):
        put(far_side)
    far_side.answers(500, body)
    with pytest.raises(Temporary):
        put(far_side)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_page_that_somebody_in_between_has_put_there_is_no_success_of_anything(
    far_side: SimpleNamespace, status: int
) -> None:
    channel, file = far_side.channel, Anhang(uuid4(), "m", "a.pdf", "application/pdf", 1, "0" * 64, 0, NOW)
    far_side.answers(status, b"<html>Wartung</html>", Content_Type="text/html")
    for hand_over in (
        lambda: put(far_side),
        lambda: channel.put_anhang(file, io.BytesIO(b"x"), "r"),
        lambda: channel.put_aktivitaet(uuid4(), uuid4(), {}, "r"),
        lambda: channel.put_quittung("D-1", {}, "r"),
    ):
        with pytest.raises(Temporary) as refused:
            hand_over()
        assert refused.value.outcome_unknown


@pytest.mark.parametrize("status", [200, 201, 204])
@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[]", b"stored"])
def test_what_immotion_writes_into_a_success_that_needs_no_answer_is_left_to_it(
    far_side: SimpleNamespace, status: int, body: bytes
) -> None:
    channel, file = far_side.channel, Anhang(uuid4(), "m", "a.pdf", "application/pdf", 1, "0" * 64, 0, NOW)
    far_side.answers(status, b"" if status == 204 else body)
    channel.put_anhang(file, io.BytesIO(b"x"), "r")
    channel.put_aktivitaet(uuid4(), uuid4(), {}, "r")
    channel.put_quittung("D-1", {}, "r")


@pytest.mark.parametrize("status", [409, 422])
@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b"[" * 100_000])
def test_a_conflict_and_an_invalid_message_are_refusals_whatever_comes_with_them(
    far_side: SimpleNamespace, status: int, body: bytes
) -> None:
    far_side.answers(status, body)
    with pytest.raises(Permanent) as refused:
        put(far_side)
    assert refused.value.code == str(status)


@pytest.mark.parametrize("when", ["Thu, 99999999999999999999 Jan 2026 00:00:00 GMT", "nan", "1e9", "-1", "\xb2"])
def test_a_retry_after_that_is_no_time_is_none(far_side: SimpleNamespace, when: str) -> None:
    far_side.answers(429, Retry_After=when)
    with pytest.raises(Temporary) as refused:
        put(far_side)
    assert refused.value.retry_after is None


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 201 Created\r\nContent-Length: 90000\r\n\r\n"])
def test_an_answer_in_drops_does_not_hold_a_thread(far_side: SimpleNamespace, head: bytes) -> None:
    def drip(here: Immoti0n) -> None:
        here.wfile.write(head)
        for byte in b"HTTP/1.1 201 Created\r\nX-Long: " + b"x" * 200:
            here.wfile.write(bytes([byte]))
            time.sleep(0.05)

    Immoti0n.answer = drip
    begun = time.monotonic()
    with pytest.raises(Temporary) as refused:
        put(far_side)
    assert (refused.value.outcome_unknown, time.monotonic() - begun < 3) == (True, True)


def test_an_answer_that_comes_slowly_but_comes_is_taken(far_side: SimpleNamespace) -> None:
    def slowly(here: Immoti0n) -> None:
        here.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Length: 196612\r\n\r\n{")
        for _ in range(12):
            here.wfile.write(b" " * 16_384)
            time.sleep(0.1)
        here.wfile.write(b"}  "[:3])

    Immoti0n.answer = slowly
    assert put(far_side) == Accepted(None, None)


def test_an_answer_without_end_is_not_read_to_its_end(far_side: SimpleNamespace) -> None:
    far_side.answers(201, b" " * (ANSWER_MAX + 1) + b"{}")
    with pytest.raises(Temporary, match="without end"):
        put(far_side)


def test_answers_of_every_kind_leave_the_connection_open(far_side: SimpleNamespace) -> None:
    Immoti0n.connections = 0
    for status, body in [(201, b"{}"), (404, b""), (422, b"{}"), (304, b""), (500, b"x" * 1000), (201, b"{}")]:
        far_side.answers(status, body)
        try:
            put(far_side)
        except (Temporary, Permanent):
            continue
    assert Immoti0n.connections == 1


def test_complaints_that_no_engine_stores_block_nothing(store: None, far_side: SimpleNamespace, tmp_path: Path) -> None:
    owe("m", now=NOW)
    far_side.answers(422, rb'{"code": "A\ud800", "felder": [{"pfad": "/a\u0000\ud800", "code": {"x": "\udfff"}}]}')
    worker = Forwarder(
        "m",
        channel=lambda: far_side.channel,
        storage=Folder(tmp_path / "files"),
        threads=1,
        clock=lambda: NOW,
        breaker=Breaker("m", lambda: NOW),
    )
    assert worker.forward() == 1
    worker.close()
    with connected():
        ((state, error),) = tuples(OutboxRow.select(OutboxRow.state, OutboxRow.last_error))
    assert (state, error) == ("parked", "A? (/a?: {'x': '?'})")


def test_an_outbox_row_keeps_errors_of_any_text(store: None) -> None:
    owe("m", now=NOW)
    with connected():
        (item,) = outbox.claim("m", now=NOW, lease=NOW - NOW, limit=1)
        assert outbox.park(item, error="a\x00b\ud800" * 100)


@pytest.mark.parametrize("mandant", [[], {}, ["m"], 7])
def test_an_event_whose_mandant_is_none_at_all_is_foreign_and_stops_no_other(store: None, mandant: object) -> None:
    with connected():
        assert inbox.receive("m", {"ereignisId": "1", "typ": "STATUS", "mandant": mandant}, NOW)
        assert inbox.receive("m", {"ereignisId": "2", "typ": "KATALOG_NEU", "sichtbarkeit": "INTERN"}, NOW)
    assert apply_waiting(HOUSE, clock=lambda: NOW) == 2
    with connected():
        assert inbox.waiting("m") == []


def _circle(entries: tuple[dict[str, Any], ...]) -> tuple[Immotion, list[str]]:
    asked: list[str] = []

    def page(cursor: str) -> FeedPage:
        asked.append(cursor)
        return FeedPage(entries, {"": "a", "a": "b"}.get(cursor, "a"), more=True)

    return Immotion(page), asked


def test_a_feed_that_leads_in_a_circle_is_left_until_the_next_time(store: None) -> None:
    channel, asked = _circle(({"art": "PERSON", "nr": "P", "daten": {}},))
    assert read_master_data("m", channel, clock=lambda: NOW) == 3
    assert asked == ["", "a", "b"]
    channel, asked = _circle(())
    assert read_events("m", channel, wait=0, clock=lambda: NOW) == 0
    assert asked == ["", "a", "b"]


def test_pages_that_are_known_already_are_passed_by_at_once(store: None) -> None:
    entries = [{"ereignisId": str(number), "typ": "KATALOG_NEU"} for number in range(8)]

    def page(cursor: str) -> FeedPage:
        begin = int(cursor or 0)
        return FeedPage(tuple(entries[begin : begin + 2]), str(begin + 2), more=begin < 6)

    with connected():
        assert inbox.receive_all("m", entries[:6], NOW) == 6
    assert read_events("m", Immotion(page), wait=0, clock=lambda: NOW) == 2
    with connected():
        assert (inbox.cursor("m", "ereignisse"), len(inbox.waiting("m"))) == ("8", 8)
        assert vorgaenge.by_immotion_ids("m", []) == {}


@pytest.mark.parametrize("repeatable", [True, False, None])
def test_a_catalog_out_of_date_is_refreshed_whether_immotion_calls_that_repeatable_or_not(
    far_side: SimpleNamespace, tmp_path: Path, repeatable: bool | None
) -> None:
    kept, versions = parcel(), list[str]()

    def answer(here: Immoti0n) -> None:
        if here.command == "GET":
            here.say(200, b'{"version": "9"}')
            return
        versions.append(json.loads(here.given)["schaden"]["katalogVersion"])
        problem = {"code": "KATALOG_VERALTET", "wiederholbar": repeatable}
        here.say(201, b"{}") if versions[-1] == "9" else here.say(422, json.dumps(problem).encode())

    Immoti0n.answer = answer
    assert send(kept, far_side.channel, Folder(tmp_path)).catalog_outdated
    assert versions == ["1", "9"]


def test_entries_of_a_feed_that_are_no_objects_are_put_aside_and_stop_no_other(
    store: None, far_side: SimpleNamespace
) -> None:
    odd = [None, 7, ["x"], "x"]
    event = {"ereignisId": "1", "typ": "KATALOG_NEU"}
    far_side.answers(200, json.dumps({"ereignisse": [*odd, event], "naechsterCursor": "c"}).encode())
    assert read_events("m", far_side.channel, wait=0, clock=lambda: NOW) == 1
    person = {"art": "PERSON", "nr": "P", "daten": {"name": "Zoë"}}
    far_side.answers(200, json.dumps({"aenderungen": [*odd, person], "naechsterCursor": "c"}).encode())
    assert read_master_data("m", far_side.channel, clock=lambda: NOW) == len(odd) + 1
    with connected():
        assert [(one.kind, one.count) for one in alarms.standing(["m"])] == [
            ("event_parked", 1),
            ("master_data_not_understood", 1),
        ]
        assert stammdaten.namen("m", ["P"]) == {"P": "Zoë"}
