"""The portal with the real clamd: a report is filed whatever the scanner does, and nothing goes on unscanned."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from service.access.vault import Vault
from service.files.scan import ScannerAway, ScanState, Verdict
from service.storage import storage_of
from service.store import alarms, documents
from service.store.database import connected, transaction
from service.store.models import AnhangRow, DateiRow, OutboxRow, VorgangRow
from service.store.query import dicts, tuples
from service.store.records import Aktivitaet, Anhang
from service.store.vorgaenge import add_aktivitaet, add_anhaenge
from service.sync.alarms import watch_files
from service.sync.breaker import Breaker
from service.sync.documents import Fetcher, fetch_announced
from service.sync.forwarder import Forwarder
from service.sync.housekeeping import tidy
from service.sync.immotion.channel import Accepted
from service.sync.scans import TRIES, Scans
from tests.servers.test_scan import with_eicar
from tests.support.clamd import ClamdServer, clamd_server
from tests.support.inprocess import Portal, Visitor
from tests.support.portal import MANDANT
from tests.unit.test_documents import Shelf

WAITS, FOUND = "wird noch auf Viren geprüft", "Die Virenprüfung hat Schadsoftware gefunden"
TYPED = {"kontaktthema": "ALLGEMEIN", "beschreibung": "Zeile <eins>"}


class FarSide:
    """An immotion that takes everything and notes it."""

    def __init__(self) -> None:
        self.files: dict[UUID, bytes] = {}
        self.bodies: dict[UUID, Mapping[str, object]] = {}

    def begin(self, *_: object) -> None:
        """Take no note."""

    def put_anhang(self, anhang: Anhang, content: BinaryIO, _request_id: str) -> None:
        self.files[anhang.id] = content.read()

    def put_vorgang(self, vorgang_id: UUID, body: Mapping[str, object], _request_id: str) -> Accepted:
        self.bodies[vorgang_id] = body
        return Accepted(None, None)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClamdServer]:
    with clamd_server(tmp_path_factory.mktemp("clamd")) as running:
        yield running


@pytest.fixture
def portal(server: ClamdServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    monkeypatch.setenv("MIETERPORTAL_SERVICE__SCAN__ADDRESS", server.socket)
    running = Portal(tmp_path)
    try:
        yield running
    finally:
        running.close()
        if server.process is None:
            server.start()


@pytest.fixture
def page(samples: Path) -> bytes:
    return (samples / "page.pdf").read_bytes()


def report(visitor: Visitor, files: list[tuple[str, bytes]]) -> str:
    """File a report with these files and return the path of its Vorgang."""
    form = visitor.form("melden/kontakt") | TYPED
    sent = [("anhaenge", (name, data)) for name, data in files]
    filed = visitor.post("melden/kontakt", form, sent)  # type: ignore[arg-type]
    return re.search(r"vorgaenge/[0-9a-f-]{36}", visitor.where(filed)).group(0)


def storage(portal: Portal):
    return storage_of(portal.settings.service, Vault(portal.settings.service.encryption_keys))


def scan(portal: Portal) -> int:
    return Scans(storage(portal), zone=ZoneInfo("Europe/Berlin"), clock=lambda: portal.now).step(lambda: False)


def forward(portal: Portal, far_side: FarSide) -> None:
    forwarder = Forwarder(
        MANDANT,
        channel=lambda: far_side,  # type: ignore[arg-type,return-value]
        storage=storage(portal),
        threads=1,
        clock=lambda: portal.now,
        breaker=Breaker(MANDANT, lambda: portal.now),
    )
    try:
        forwarder.forward()
    finally:
        forwarder.close()


def anhaenge() -> dict[str, UUID]:
    with connected():
        return {row["dateiname"]: row["id"] for row in dicts(AnhangRow.select())}


def states() -> list[str]:
    with connected():
        return sorted(state for (state,) in tuples(DateiRow.select(DateiRow.scan)))


def standing() -> dict[str, str]:
    with connected():
        return {alarm.kind: alarm.detail for alarm in alarms.standing([MANDANT])}


@pytest.mark.parametrize("embedding", ["fragment", "cookie", "header"])
def test_an_infected_upload_comes_back_with_a_word_and_everything_typed(
    portal: Portal, page: bytes, samples: Path, embedding: str
) -> None:
    visitor = portal.visitor(embedding)
    form = visitor.form("melden/kontakt") | TYPED
    files = [("anhaenge", ("gut.pdf", page)), ("anhaenge", ("boese.pdf", with_eicar(samples)))]
    refused = visitor.post("melden/kontakt", form, files)  # type: ignore[arg-type]
    assert refused.status_code == 422
    assert "In „boese.pdf“ hat die Virenprüfung Schadsoftware gefunden." in refused.text
    assert "Zeile &lt;eins&gt;" in refused.text
    assert "gut.pdf" in anhaenge()
    assert "boese.pdf" not in anhaenge()
    assert len(list(portal.settings.service.files.glob("??/??/*"))) == 1
    assert states() == ["clean"]


def test_while_clamd_is_away_a_report_is_filed_and_waits_then_goes_on_by_itself(
    portal: Portal, server: ClamdServer, page: bytes
) -> None:
    visitor, far_side = portal.visitor(), FarSide()
    server.stop()
    where = report(visitor, [("brief.pdf", page)])
    (file_id,) = anhaenge().values()
    assert WAITS in visitor.get(where).text
    assert f"anhaenge/{file_id}" not in visitor.get(where).text
    assert visitor.get(f"{where}/anhaenge/{file_id}").status_code == 404
    assert scan(portal) == 0
    forward(portal, far_side)
    assert (far_side.bodies, far_side.files) == ({}, {})
    with connected():
        assert dicts(OutboxRow.select(OutboxRow.state, OutboxRow.attempts)) == [{"state": "waiting", "attempts": 0}]
    watch_files([MANDANT], portal.now + timedelta(minutes=16))
    assert "scan_waiting" in standing()
    server.start()
    portal.later(seconds=20)
    assert scan(portal) == 1
    forward(portal, far_side)
    assert far_side.files == {file_id: page}
    assert WAITS not in visitor.get(where).text
    assert visitor.get(f"{where}/anhaenge/{file_id}").content == page
    watch_files([MANDANT], portal.now + timedelta(minutes=17))
    assert "scan_waiting" not in standing()


def test_an_infected_file_never_leaves_and_its_vorgang_says_so(
    portal: Portal, server: ClamdServer, page: bytes, samples: Path
) -> None:
    visitor, far_side = portal.visitor(), FarSide()
    server.stop()
    where = report(visitor, [("gut.pdf", page), ("boese.pdf", with_eicar(samples))])
    files = anhaenge()
    visitor.get(where)
    server.start()
    assert scan(portal) == 2
    assert states() == ["clean", "infected"]
    assert standing() == {"file_quarantined": "infected"}
    forward(portal, far_side)
    assert far_side.files == {files["gut.pdf"]: page}
    (body,) = far_side.bodies.values()
    assert [one["anhangId"] for one in body["anhaenge"]] == [str(files["gut.pdf"])]  # type: ignore[index,attr-defined]
    with connected():
        assert tuples(VorgangRow.select(VorgangRow.unread)) == [(1,)]
    text = visitor.get(where).text
    assert FOUND in text
    assert f"anhaenge/{files['boese.pdf']}" not in text
    assert visitor.get(f"{where}/anhaenge/{files['boese.pdf']}").status_code == 404
    there = list(portal.settings.service.files.glob("??/??/*"))
    assert len(there) == 2
    portal.later(days=31)
    tidy(storage(portal), draft_days=90, audit_days=365, now=portal.now)
    assert [path.name for path in portal.settings.service.files.glob("??/??/*")] == [f"{files['gut.pdf']}.sealed"]
    assert FOUND in portal.visitor(sub=visitor.sub).get(where).text


def test_a_document_of_immotion_is_scanned_too_and_kept_back_when_it_is_bad(
    portal: Portal, page: bytes, samples: Path
) -> None:
    visitor = portal.visitor()
    where = report(visitor, [])
    vorgang_id, now = UUID(where.rpartition("/")[2]), portal.now
    rows = []
    for name in ("gut", "boese"):
        entry = Aktivitaet(UUID(int=len(name)), vorgang_id, now, "DOKUMENT", "VERWALTUNG", "", f"Brief {name}", {})
        rows.append(Anhang(UUID(int=100 + len(name)), MANDANT, f"{name}.pdf", "application/pdf", 0, "", 0, now,
                           vorgang_id=vorgang_id, aktivitaet_id=entry.id, dokument_id=name))  # fmt: skip
        with connected(), transaction():
            add_aktivitaet(entry)
            add_anhaenge([rows[-1]])
    shelf = Shelf({"gut": page, "boese": with_eicar(samples)})
    fetcher = Fetcher(storage(portal), lambda: portal.now, lambda: 0.5)
    assert fetch_announced(MANDANT, shelf, fetcher) == 2  # type: ignore[arg-type]
    assert states() == ["clean", "infected"]
    assert standing() == {"file_quarantined": "infected"}
    visitor.set_up()
    text = visitor.get(where).text
    assert text.count(FOUND) == 1
    assert f"anhaenge/{rows[0].id}" in text
    assert f"anhaenge/{rows[1].id}" not in text
    assert visitor.get(f"{where}/anhaenge/{rows[0].id}").content == page
    assert visitor.get(f"{where}/anhaenge/{rows[1].id}").status_code == 404
    with connected():
        documents.withdraw(MANDANT, "gut", portal.now)
    tidy(storage(portal), draft_days=90, audit_days=365, now=portal.now)
    assert [path.name for path in portal.settings.service.files.glob("??/??/*")] == [f"{rows[1].id}.sealed"]
    assert "Die Verwaltung hat ein Dokument zurückgezogen." in visitor.get(where).text
    assert fetch_announced(MANDANT, shelf, fetcher) == 0  # type: ignore[arg-type]


class Failing:
    """A scanner that is there and fails at this one file."""

    def __init__(self, bad: bytes) -> None:
        self.bad = bad

    def look(self, content: BinaryIO):
        if content.read() == self.bad:
            raise ScannerAway("clamd: ERROR")
        return Verdict(ScanState.CLEAN)

    def version(self) -> str:
        return "ClamAV"


def test_a_file_at_which_the_scanner_fails_again_and_again_stops_no_other(
    portal: Portal, server: ClamdServer, page: bytes
) -> None:
    server.stop()
    visitor = portal.visitor()
    report(visitor, [("schlimm.pdf", page + b"\n%x")])
    report(visitor, [("gut.pdf", page)])
    place = storage(portal)
    place._scanner = Failing(page + b"\n%x")
    scans = Scans(place, zone=ZoneInfo("Europe/Berlin"), clock=lambda: portal.now)
    assert scans.step(lambda: False) == 2
    assert states() == ["clean", "pending"]
    for _ in range(TRIES):
        portal.later(hours=1)
        scans.step(lambda: False)
    assert states() == ["clean", "unscannable"]
    assert not scans.owes()
