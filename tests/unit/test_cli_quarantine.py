"""`mieterportal quarantine`: what the scan keeps back is looked at, scanned again, released to whoever it is for."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import BinaryIO
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from click.testing import Result

import service.storage
from service.access.vault import Vault
from service.files.scan import ScannerAway, ScanState, Verdict
from service.files.storage import Storage
from service.storage import storage_of
from service.store import alarms, audit, documents, dokumente, holds, neuigkeiten, stammdaten, vorgaenge
from service.store.database import connected, database
from service.store.dokument_records import DokumentFilter
from service.store.models import MODELS, DateiRow, OutboxRow
from service.store.owner import owner_of_person
from service.store.query import tuples
from service.store.records import AuditFilter
from service.sync import alarms as raised
from service.sync.alarms import watch_files
from service.sync.breaker import Breaker
from service.sync.documents import Fetcher
from service.sync.dokumente import fetch_dokumente
from service.sync.forwarder import Forwarder
from service.sync.housekeeping import tidy
from service.sync.scans import Scans
from service.vorgang.dokumente import leser_of
from tests.servers.test_scan_portal import FarSide
from tests.support.cli import run
from tests.support.dokumente import announced, daten, pdf, person, tell
from tests.support.inprocess import Portal, Visitor
from tests.support.portal import MANDANT
from tests.unit.test_documents import Shelf

LETTER = pdf("a letter")
CATALOGS = {"catalog", "migratehistory"}


class Clamd:
    """The scanner; `says` is what it says of every file, None while it is away."""

    def __init__(self) -> None:
        self.says: ScanState | None = None

    def look(self, content: BinaryIO) -> Verdict:
        content.read()
        if self.says is None:
            raise ScannerAway("away")
        return Verdict(self.says, "" if self.says is ScanState.CLEAN else "Win.Test.Fund")

    def version(self) -> str:
        if self.says is None:
            raise ScannerAway("away")
        return "ClamAV"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Portal, Clamd]]:
    clamd = Clamd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIETERPORTAL_SERVICE__SCAN__ADDRESS", "127.0.0.1:9")
        patch.setattr(service.storage, "scanner_of", lambda _service: clamd)
        made = Portal(tmp_path_factory.mktemp("portal"))
        yield made, clamd
        made.close()


@pytest.fixture
def portal(opened: tuple[Portal, Clamd]) -> Portal:
    with connected():
        for model in MODELS:
            if model._meta.table_name not in CATALOGS:
                model.delete().execute()
    opened[0].now = datetime.now(UTC).replace(microsecond=0)
    return opened[0]


@pytest.fixture
def clamd(opened: tuple[Portal, Clamd]) -> Clamd:
    opened[1].says = None
    return opened[1]


def storage(portal: Portal) -> Storage:
    return storage_of(portal.settings.service, Vault(portal.settings.service.encryption_keys))


def report(visitor: Visitor, content: bytes = LETTER) -> str:
    """File a report with a file and return the path of its Vorgang."""
    form = visitor.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "Mit Datei"}
    filed = visitor.post("melden/kontakt", form, {"anhaenge": ("brief.pdf", content)})
    found = re.search(r"vorgaenge/[0-9a-f-]{36}", visitor.where(filed))
    assert found is not None
    return found.group(0)


def quarantined(portal: Portal, clamd: Clamd) -> tuple[Visitor, str, UUID]:
    """Let a report's file come while the scanner is away, and be called infected then."""
    visitor = portal.visitor()
    where = report(visitor)
    clamd.says = ScanState.INFECTED
    scans = Scans(storage(portal), zone=ZoneInfo("Europe/Berlin"), clock=lambda: portal.now)
    assert scans.step(lambda: False) == 1
    raised.flush()
    with connected():
        ((file_id,),) = tuples(DateiRow.select(DateiRow.id))
    return visitor, where, file_id


def forward(portal: Portal, far_side: FarSide) -> None:
    forwarder = Forwarder(
        MANDANT,
        channel=lambda: far_side,  # type: ignore[arg-type,return-value]
        storage=storage(portal),
        threads=1,
        clock=_soon,
        breaker=Breaker(MANDANT, _soon),
    )
    try:
        forwarder.forward()
    finally:
        forwarder.close()


def _soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)


class FarSideWithMore(FarSide):
    """It takes Aktivitäten, too."""

    def __init__(self) -> None:
        super().__init__()
        self.added: list[dict[str, object]] = []

    def put_aktivitaet(self, _vorgang: UUID, _id: UUID, body: dict[str, object], _request_id: str) -> None:
        self.added.append(body)


def command(portal: Portal, *arguments: str) -> Result:
    return run(portal.installation, "quarantine", *arguments)


def listed(portal: Portal) -> list[dict[str, object]]:
    return [json.loads(line) for line in command(portal, "list", "--json").output.splitlines()]


def state(file_id: UUID) -> tuple[str, str]:
    with connected():
        ((scan, found),) = tuples(DateiRow.select(DateiRow.scan, DateiRow.found).where(DateiRow.id == file_id))
    return scan, found


def noted() -> list[tuple[str, str]]:
    with connected():
        found = audit.newest(MANDANT, AuditFilter(), limit=99)
    return [(one.event, one.subject) for one in found if one.event.startswith("file_")]


def standing() -> set[str]:
    with connected():
        return {alarm.kind for alarm in alarms.standing([MANDANT])}


def test_the_list_says_what_the_scanner_said_and_what_a_file_belongs_to(portal: Portal, clamd: Clamd) -> None:
    assert command(portal, "list").output == "nothing is in quarantine\n"
    _, where, file_id = quarantined(portal, clamd)
    said = command(portal, "list").output
    assert f"{file_id} {MANDANT} infected Win.Test.Fund, since " in said
    assert '"brief.pdf", of a resident, in Vorgang 20' in said
    (told,) = listed(portal)
    assert (told["id"], told["from"], told["draft"], told["on_release"]) == (str(file_id), "resident", False, "along")
    with connected():
        vorgang = vorgaenge.by_id(MANDANT, UUID(where.partition("/")[2]))
    assert vorgang is not None
    assert told["meldenummer"] == vorgang.meldenummer


def test_nothing_is_released_or_discarded_unasked(portal: Portal, clamd: Clamd) -> None:
    _, _, file_id = quarantined(portal, clamd)
    for way in ("release", "discard", "scan"):
        asked = command(portal, way, str(file_id))
        assert (asked.exit_code, str(file_id) in asked.output) == (2, True)
    assert state(file_id) == ("infected", "Win.Test.Fund")
    assert noted() == []


def test_a_file_released_before_its_delivery_goes_along_with_it(portal: Portal, clamd: Clamd) -> None:
    visitor, where, file_id = quarantined(portal, clamd)
    done = command(portal, "release", str(file_id), "--yes")
    assert (done.exit_code, "immotion gets it with its delivery" in done.output) == (0, True), done.output
    far_side = FarSideWithMore()
    forward(portal, far_side)
    (body,) = far_side.bodies.values()
    assert far_side.files == {file_id: LETTER}
    assert [one["anhangId"] for one in body["anhaenge"]] == [str(file_id)]  # type: ignore[index,attr-defined]
    assert far_side.added == []
    assert visitor.get(f"{where}/anhaenge/{file_id}").content == LETTER


def test_a_file_released_after_its_delivery_stays_in_its_place_and_goes_to_immotion_by_an_addition(
    portal: Portal, clamd: Clamd
) -> None:
    visitor, where, file_id = quarantined(portal, clamd)
    far_side = FarSideWithMore()
    forward(portal, far_side)
    (first,) = far_side.bodies.values()
    assert (far_side.files, "anhaenge" in first) == ({}, False)
    visitor.get(where)
    done = command(portal, "release", str(file_id), "--yes")
    assert (done.exit_code, "immotion gets it by an addition of its own" in done.output) == (0, True)
    page = visitor.get(where).text
    assert f"anhaenge/{file_id}" in page
    assert "Die Datei „brief.pdf“ ist nach der Virenprüfung freigegeben" in page
    assert "has been released after the virus scan" in visitor.get(f"{where}?lang=en").text
    assert visitor.get(f"{where}/anhaenge/{file_id}").content == LETTER
    assert "brief.pdf" in visitor.get(f"{where}/quittung").text
    forward(portal, far_side)
    assert far_side.files == {file_id: LETTER}
    ((art, text, files),) = [(one["art"], one["text"], one["anhaenge"]) for one in far_side.added]
    assert (art, text) == ("ANHANG", "Nach der Virenprüfung freigegeben.")
    assert [one["anhangId"] for one in files] == [str(file_id)]  # type: ignore[attr-defined]
    assert len(far_side.bodies) == 1
    assert noted() == [("file_released", str(file_id))]
    assert state(file_id) == ("clean", "Win.Test.Fund")
    with connected():
        assert {row[0] for row in tuples(OutboxRow.select(OutboxRow.state))} == {"sent"}


def test_a_delivery_whose_outcome_nobody_knows_keeps_its_body(portal: Portal, clamd: Clamd) -> None:
    _, _, file_id = quarantined(portal, clamd)
    with connected():
        OutboxRow.update(outcome_unknown=True).execute()
    (told,) = listed(portal)
    assert told["on_release"] == "after"
    command(portal, "release", str(file_id), "--yes")
    far_side = FarSideWithMore()
    far_side.find_vorgang = lambda *_: None  # type: ignore[attr-defined]
    forward(portal, far_side)
    (body,) = far_side.bodies.values()
    assert "anhaenge" not in body
    forward(portal, far_side)
    assert (len(far_side.added), far_side.files) == (1, {file_id: LETTER})


def test_released_twice_it_goes_once(portal: Portal, clamd: Clamd) -> None:
    _, _, file_id = quarantined(portal, clamd)
    assert command(portal, "release", str(file_id), "--yes").exit_code == 0
    again = command(portal, "release", str(file_id), "--yes")
    assert (again.exit_code, "not in quarantine" in again.output) == (1, True)
    assert len(noted()) == 1


def test_the_alarm_ends_when_nothing_is_in_quarantine_any_more(portal: Portal, clamd: Clamd) -> None:
    _, _, file_id = quarantined(portal, clamd)
    watch_files([MANDANT], portal.now + timedelta(minutes=1))
    assert "file_quarantined" in standing()
    command(portal, "discard", str(file_id), "--yes")
    watch_files([MANDANT], portal.now + timedelta(minutes=2))
    assert "file_quarantined" not in standing()


def test_scanned_again_a_clean_file_goes_and_a_bad_one_stays(portal: Portal, clamd: Clamd) -> None:
    visitor, where, file_id = quarantined(portal, clamd)
    clamd.says = ScanState.UNSCANNABLE
    again = command(portal, "scan", str(file_id), "--yes", "--json")
    assert (again.exit_code, json.loads(again.stdout)["state"]) == (1, "unscannable")
    assert state(file_id) == ("unscannable", "Win.Test.Fund")
    clamd.says = None
    assert command(portal, "scan", "--all", "--yes").exit_code == 75
    clamd.says = ScanState.CLEAN
    assert command(portal, "scan", "--all", "--yes").exit_code == 0
    assert visitor.get(f"{where}/anhaenge/{file_id}").content == LETTER
    assert noted() == [("file_scanned", str(file_id)), ("file_released", str(file_id))]
    assert command(portal, "scan").exit_code == 2


def test_what_is_discarded_is_gone_for_good_and_its_vorgang_still_says_so(portal: Portal, clamd: Clamd) -> None:
    visitor, where, file_id = quarantined(portal, clamd)
    done = command(portal, "discard", str(file_id), "--yes", "--json")
    assert json.loads(done.stdout) == {"id": str(file_id), "mandant": MANDANT, "state": "discarded"}
    assert "will be deleted for good" in done.stderr
    assert file_id not in storage(portal).ids(datetime.max.replace(tzinfo=UTC))
    assert "gesperrt: Die Virenprüfung hat Schadsoftware gefunden" in visitor.get(where).text
    assert listed(portal) == []
    assert command(portal, "release", str(file_id), "--yes").exit_code == 1
    assert noted() == [("file_discarded", str(file_id))]


def test_what_a_legal_hold_keeps_is_neither_discarded_nor_purged(portal: Portal, clamd: Clamd) -> None:
    visitor, _, file_id = quarantined(portal, clamd)
    with connected():
        holds.add(MANDANT, person=f"P-{visitor.sub}", reason="Streit", now=portal.now)
    refused = command(portal, "discard", str(file_id), "--yes")
    assert (refused.exit_code, "under a legal hold" in refused.output) == (1, True)
    tidy(storage(portal), draft_days=90, audit_days=365, now=portal.now + timedelta(days=31))
    assert [one["id"] for one in listed(portal)] == [str(file_id)]
    with connected():
        holds.end(MANDANT, holds.standing(MANDANT)[0].id, portal.now)
    tidy(storage(portal), draft_days=90, audit_days=365, now=portal.now + timedelta(days=31))
    assert listed(portal) == []


def test_a_file_whose_bytes_are_gone_or_changed_is_not_released(portal: Portal, clamd: Clamd) -> None:
    _, _, file_id = quarantined(portal, clamd)
    (path,) = portal.settings.service.files.glob("??/??/*")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    damaged = command(portal, "release", str(file_id), "--yes")
    assert (damaged.exit_code, f"{file_id} damaged" in damaged.output) == (1, True)
    path.unlink()
    gone = command(portal, "release", str(file_id), "--yes")
    assert (gone.exit_code, f"{file_id} gone" in gone.output) == (1, True)
    assert state(file_id)[0] == "infected"


def mine(portal: Portal, nr: str = "P1") -> list[str]:
    with connected():
        today = portal.now.date()
        leser = leser_of(MANDANT, [owner_of_person(MANDANT, nr)], stammdaten.vertraege(MANDANT, nr), today)
        return [one.dokument_id for one in dokumente.page(leser, DokumentFilter(), limit=9)]


def test_a_released_document_is_in_the_list_of_whom_it_is_for_and_news_to_them(portal: Portal, clamd: Clamd) -> None:
    tell(MANDANT, person("P1"), person("P2"))
    for name, nr in (("D1", "P1"), ("D2", "P2")):
        announced(MANDANT, daten(name, LETTER, empfaenger=[{"personNr": nr}]))
    clamd.says = ScanState.INFECTED
    fetcher = Fetcher(storage(portal), lambda: portal.now, lambda: 0.5)
    assert fetch_dokumente(MANDANT, Shelf({"D1": LETTER, "D2": LETTER}), fetcher) == 2  # type: ignore[arg-type]
    (told,) = listed(portal)
    assert (told["from"], told["documents"], told["recipients"], told["on_release"]) == ("company", 2, 2, "none")
    assert (mine(portal), mine(portal, "P2")) == ([], [])
    assert command(portal, "release", str(told["id"]), "--yes").exit_code == 0
    assert (mine(portal), mine(portal, "P2")) == (["D1"], ["D2"])
    with connected():
        fresh = neuigkeiten.untold(MANDANT, viele=False, limit=9)
    assert len(fresh) == 2
    assert all(datetime.now(UTC) - one.stored_at < timedelta(minutes=1) for one in fresh)


def test_a_discarded_document_that_comes_again_is_scanned_anew(portal: Portal, clamd: Clamd) -> None:
    tell(MANDANT, person("P1"))
    clamd.says = ScanState.INFECTED
    fetcher = Fetcher(storage(portal), lambda: portal.now, lambda: 0.5)
    shelf = Shelf({"D1": LETTER, "D2": LETTER})
    announced(MANDANT, daten("D1", LETTER, empfaenger=[{"personNr": "P1"}]))
    fetch_dokumente(MANDANT, shelf, fetcher)  # type: ignore[arg-type]
    command(portal, "discard", str(listed(portal)[0]["id"]), "--yes")
    clamd.says = ScanState.CLEAN
    announced(MANDANT, daten("D2", LETTER, empfaenger=[{"personNr": "P1"}]))
    fetch_dokumente(MANDANT, shelf, fetcher)  # type: ignore[arg-type]
    assert mine(portal) == ["D2"]


def test_a_file_of_a_draft_is_released_to_whoever_writes_it(portal: Portal, clamd: Clamd) -> None:
    visitor = portal.visitor()
    form = visitor.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "x", "aktion": "hochladen"}
    visitor.post("melden/kontakt", form, {"anhaenge": ("brief.pdf", LETTER)})
    clamd.says = ScanState.INFECTED
    Scans(storage(portal), zone=ZoneInfo("Europe/Berlin"), clock=lambda: portal.now).step(lambda: False)
    assert "gesperrt" in visitor.get("melden/kontakt").text
    (told,) = listed(portal)
    assert (told["draft"], told["on_release"]) == (True, "none")
    done = command(portal, "release", str(told["id"]), "--yes")
    assert (done.exit_code, "whoever writes the draft sees it" in done.output) == (0, True)
    assert "gesperrt" not in visitor.get("melden/kontakt").text


def test_files_of_other_mandanten_are_not_found_by_naming_a_mandant(portal: Portal, clamd: Clamd) -> None:
    _, _, file_id = quarantined(portal, clamd)
    assert command(portal, "list", "--mandant", "nobody").exit_code == 2
    with connected():
        database.execute_sql("UPDATE datei SET mandant = 'other'")
    assert command(portal, "release", str(file_id), "--yes").exit_code == 1
    assert documents.parked([MANDANT]) == {}
