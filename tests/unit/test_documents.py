"""Documents of immotion: fetched once and checked; what cannot be had stops no other; what is withdrawn is hidden."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from service.files.storage import Folder
from service.store import alarms as stored
from service.store import documents, vorgaenge
from service.store.database import connected, database, engine, open_database
from service.store.migrate import migrate
from service.store.records import Aktivitaet, Anhang
from service.sync import alarms
from service.sync.documents import TRIES, Fetcher, fetch_announced
from service.sync.immotion.channel import CredentialsRefused, Dokument, FeedPage, Part, Permanent, Temporary
from service.vorgang import delivery
from tests.support.databases import new_database
from tests.support.vorgaenge import NOW, some_vorgang

PDF = b"%PDF-1.7 a letter"


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> Iterator[None]:
    opened = open_database(new_database(tmp_path))
    migrate()
    yield
    alarms.flush()
    opened.close_all()


@dataclass
class Shelf:
    """A channel with documents and news of master data; a document that is a fault is raised, no news is one, too."""

    holds: dict[str, object]
    asked: list[str] = field(default_factory=list)
    news: list[FeedPage] = field(default_factory=list)

    def stammdaten(self, _cursor: str) -> FeedPage:
        if not self.news:
            raise Temporary("503")
        return self.news.pop(0)

    def dokument(self, dokument_id: str, part: Part | None = None):
        self.asked.append(dokument_id)
        found = self.holds[dokument_id]
        if isinstance(found, Exception):
            raise found
        return nullcontext(found if isinstance(found, Dokument) else Dokument(iter([found])))


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def announce(mandant: str, dokument_id: str, *, sha256: str = "", size: int = 0) -> Anhang:
    vorgang = some_vorgang(mandant=mandant)
    entry = Aktivitaet(uuid4(), vorgang.id, NOW, "DOKUMENT", "VERWALTUNG", "", "Brief", {})
    row = Anhang(uuid4(), mandant, "a.pdf", "application/pdf", size, sha256, 0, NOW,
                 vorgang_id=vorgang.id, aktivitaet_id=entry.id, dokument_id=dokument_id)  # fmt: skip
    with connected():
        vorgaenge.insert(vorgang)
        vorgaenge.add_aktivitaet(entry)
        vorgaenge.add_anhaenge([row])
    return row


def here(file_id: UUID) -> bool:
    with connected():
        found = vorgaenge.anhang(file_id)
    return found is not None and found.stored_at is not None


@pytest.fixture
def fetcher(tmp_path: Path) -> Fetcher:
    return Fetcher(Folder(tmp_path / "files"), Clock(), lambda: 0.5)


def rounds(fetcher: Fetcher, shelf: Shelf, number: int, *, mandant: str = "m") -> int:
    fetched = 0
    for _ in range(number):
        fetched += fetch_announced(mandant, shelf, fetcher)
        fetcher.clock.now += timedelta(hours=1)  # type: ignore[attr-defined]
    return fetched


def kinds(mandant: str = "m") -> dict[str, str]:
    with connected():
        return {alarm.kind: alarm.detail for alarm in stored.standing([mandant])}


def test_what_one_mandant_cannot_have_stops_no_document_of_any_other(fetcher: Fetcher) -> None:
    for number in range(60):
        announce("broken", f"b{number}")
    wanted = announce("m", "good")
    shelf = Shelf({"good": PDF} | {f"b{number}": Permanent("NICHT_GEFUNDEN") for number in range(60)})
    assert fetch_announced("m", shelf, fetcher) == 1
    assert here(wanted.id)
    assert shelf.asked == ["good"]


def test_sixty_that_cannot_be_had_do_not_stop_one_that_came_later(fetcher: Fetcher) -> None:
    for number in range(60):
        announce("m", f"b{number}")
    shelf = Shelf({f"b{number}": Permanent("NICHT_GEFUNDEN") for number in range(60)} | {"good": PDF})
    rounds(fetcher, shelf, 2)
    wanted = announce("m", "good")
    assert rounds(fetcher, shelf, 1) == 1
    assert here(wanted.id)


@pytest.mark.parametrize(
    "dokument_id,answer,reason",
    [
        ("wrong", b"another letter", "DIGEST"),
        ("gone", Permanent("NICHT_GEFUNDEN"), "NICHT_GEFUNDEN"),
        ("", None, "NO_ID"),
        ("answer", Dokument(iter([PDF]), sha256="0" * 64), "DIGEST"),
    ],
)
def test_a_document_that_cannot_be_had_is_parked_after_a_few_tries_with_an_alarm(
    fetcher: Fetcher, dokument_id: str, answer: object, reason: str
) -> None:
    lost = announce("m", dokument_id, sha256="1" * 64 if dokument_id == "wrong" else "")
    shelf = Shelf({dokument_id: answer})
    rounds(fetcher, shelf, TRIES - 1)
    assert kinds() == {}
    good = announce("m", "good")
    shelf.holds["good"] = PDF
    if isinstance(answer, Dokument):
        shelf.holds[dokument_id] = Dokument(iter([PDF]), sha256="0" * 64)
    assert rounds(fetcher, shelf, 1) == 1
    assert here(good.id)
    assert not here(lost.id)
    assert kinds() == {"document_parked": reason}
    asked = len(shelf.asked)
    rounds(fetcher, shelf, 3)
    assert len(shelf.asked) == asked
    with connected():
        (row,) = delivery.status(["m"], NOW)
    assert dict(row.documents_parked) == {reason: 1}


def test_what_is_tried_again_waits_longer_and_longer(fetcher: Fetcher) -> None:
    announce("m", "d")
    shelf = Shelf({"d": Temporary("503")})
    for _ in range(120):
        fetch_announced("m", shelf, fetcher)
        fetcher.clock.now += timedelta(seconds=10)  # type: ignore[attr-defined]
    assert 5 <= len(shelf.asked) <= 10


def test_an_outage_of_days_parks_nothing_and_the_document_comes_afterwards(fetcher: Fetcher) -> None:
    wanted = announce("m", "d")
    shelf = Shelf({"d": Temporary("503")})
    rounds(fetcher, shelf, 4 * 24)
    assert kinds() == {}
    shelf.holds["d"] = PDF
    assert rounds(fetcher, shelf, 1) == 1
    assert here(wanted.id)


def test_after_five_days_of_trying_a_document_is_parked_however_long_it_was_announced(fetcher: Fetcher) -> None:
    announce("m", "d")
    fetcher.clock.now += timedelta(days=30)  # type: ignore[attr-defined]
    shelf = Shelf({"d": Temporary("503 STOERUNG")})
    rounds(fetcher, shelf, 4 * 24)
    assert kinds() == {}
    rounds(fetcher, shelf, 26)
    assert kinds() == {"document_parked": "503_STOERUNG"}


def test_an_immotion_that_gives_no_document_is_asked_for_few(fetcher: Fetcher) -> None:
    for number in range(20):
        announce("m", f"d{number}")
    shelf = Shelf({f"d{number}": Temporary("ReadTimeoutError") for number in range(20)})
    fetch_announced("m", shelf, fetcher)
    assert len(shelf.asked) == 3
    fetch_announced("m", shelf, fetcher)
    assert len(set(shelf.asked)) == 6


def test_refused_credentials_are_no_fault_of_a_document(fetcher: Fetcher) -> None:
    wanted = announce("m", "d")
    shelf = Shelf({"d": CredentialsRefused("401")})
    with pytest.raises(CredentialsRefused):
        fetch_announced("m", shelf, fetcher)
    shelf.holds["d"] = PDF
    assert fetch_announced("m", shelf, fetcher) == 1
    assert here(wanted.id)


def test_the_alarm_ends_when_the_operator_has_them_fetched_again(fetcher: Fetcher) -> None:
    wanted = announce("m", "d")
    shelf = Shelf({"d": Permanent("404")})
    rounds(fetcher, shelf, TRIES)
    alarms.watch({"m": {}}, fetcher.clock())
    assert kinds() == {"document_parked": "404"}
    shelf.holds["d"] = PDF
    with connected():
        assert documents.retry_parked("m", fetcher.clock()) == 1
    assert fetch_announced("m", shelf, fetcher) == 1
    assert here(wanted.id)
    alarms.watch({"m": {}}, fetcher.clock() + timedelta(minutes=1))
    assert kinds() == {}


def test_two_workers_that_fail_at_once_count_one_attempt(fetcher: Fetcher) -> None:
    announce("m", "d")
    with connected():
        (first,), (second,) = documents.due("m", NOW, limit=9), documents.due("m", NOW, limit=9)
        assert documents.note_failure(first, "x", next_at=NOW, now=NOW)
        assert not documents.note_failure(second, "x", next_at=None, now=NOW)
        (left,) = documents.due("m", NOW, limit=9)
    assert left.attempts == 1


def test_a_size_that_differs_counts_where_no_digest_is_told(fetcher: Fetcher) -> None:
    announce("m", "short", size=len(PDF) + 1)
    whole = announce("m", "whole", size=len(PDF))
    assert fetch_announced("m", Shelf({"short": PDF, "whole": PDF}), fetcher) == 1
    assert here(whole.id)


@dataclass
class Breaking:
    """A channel whose downloads break off after so many bytes each; `content` is what each answer would give."""

    content: list[bytes]
    breaks: int
    etag: str = '"1"'
    parts: list[Part | None] = field(default_factory=list)

    def dokument(self, dokument_id: str, part: Part | None = None):
        self.parts.append(part)
        content = self.content[min(len(self.parts), len(self.content)) - 1]
        begin = part.begin if part and len(self.content) == 1 else 0
        return nullcontext(Dokument(self._chunks(content[begin:]), begin, self.etag))

    def _chunks(self, content: bytes) -> Iterator[bytes]:
        if len(self.parts) > self.breaks:
            yield content
            return
        yield content[:4]
        raise Temporary("ProtocolError")


def bytes_of(fetcher: Fetcher, anhang: Anhang) -> bytes:
    with fetcher.storage.open(anhang) as file:
        return file.read()


def test_a_download_that_breaks_goes_on_where_it_was(fetcher: Fetcher) -> None:
    wanted, channel = announce("m", "d"), Breaking([PDF], breaks=2)
    assert fetch_announced("m", channel, fetcher) == 1
    assert bytes_of(fetcher, wanted) == PDF
    assert channel.parts == [None, Part(4, '"1"'), Part(8, '"1"')]


def test_a_document_that_has_changed_meanwhile_is_read_from_its_beginning(fetcher: Fetcher) -> None:
    wanted, channel = announce("m", "d"), Breaking([b"%PDF-1.7 the old", PDF], breaks=1)
    assert fetch_announced("m", channel, fetcher) == 1
    assert bytes_of(fetcher, wanted) == PDF


def test_without_an_etag_a_download_that_breaks_is_read_from_its_beginning(fetcher: Fetcher) -> None:
    wanted, channel = announce("m", "d"), Breaking([PDF], breaks=1, etag="")
    assert fetch_announced("m", channel, fetcher) == 1
    assert bytes_of(fetcher, wanted) == PDF
    assert channel.parts == [None, None]


def test_a_download_that_breaks_each_time_is_tried_later(fetcher: Fetcher) -> None:
    announce("m", "d")
    channel = Breaking([PDF], breaks=99)
    assert fetch_announced("m", channel, fetcher) == 0
    assert len(channel.parts) == 5
    assert not list((fetcher.storage._root / "incoming").glob("*"))


def test_a_withdrawn_document_is_neither_found_nor_fetched(fetcher: Fetcher) -> None:
    gone, kept = announce("m", "d"), announce("m", "other")
    same_name = announce("neighbour", "d")
    with connected():
        assert documents.withdraw("m", "d", NOW)
        assert not documents.withdraw("m", "d", NOW)
        assert gone.vorgang_id is not None
        assert vorgaenge.anhaenge(gone.vorgang_id) == []
        assert vorgaenge.anhang(gone.id) is None
        assert documents.withdrawn_from(gone.vorgang_id) == {gone.aktivitaet_id}
        assert vorgaenge.anhang(kept.id) is not None
        assert vorgaenge.anhang(same_name.id) is not None
    shelf = Shelf({"other": PDF})
    assert fetch_announced("m", shelf, fetcher) == 1
    assert shelf.asked == ["other"]


def test_what_is_due_is_found_by_index(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine() != "sqlite":
        return  # the others' plans depend on how many rows there are
    asked = []
    with connected():
        original = database.obj.execute_sql

        def recorded(sql: str, params: list[object] | None = None):
            asked.append((sql, params))
            return original(sql, params)

        monkeypatch.setattr(database.obj, "execute_sql", recorded)
        documents.due("m", NOW, limit=50)
        ((sql, params),) = asked
        plan = [row[3] for row in database.obj.connection().execute(f"EXPLAIN QUERY PLAN {sql}", params)]
    assert any("mandant=? AND stored_at=? AND parked_at=?" in step for step in plan), plan
