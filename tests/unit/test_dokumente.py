"""Documents from immotion's feed: nobody sees one before its bytes are here and fit; what is not stops no other."""

import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import pytest

from service.files.papers import SIZE_MAX
from service.files.scan import ScannerAway, ScanState, Verdict
from service.files.storage import Folder
from service.store import alarms as stored
from service.store import documents, dokumente, inbox, lesungen, outbox, stammdaten, vorgaenge
from service.store.database import connected, engine, open_database
from service.store.database import database as pool
from service.store.dokument_records import DokumentFilter, Leser, Zugang
from service.store.migrate import migrate
from service.store.owner import key_of_vertrag, owner_of_person
from service.store.query import tuples
from service.sync import alarms
from service.sync.apply import apply_waiting
from service.sync.delivery import read_parcels, send
from service.sync.documents import Fetcher, fetch_announced
from service.sync.dokumente import fetch_dokumente
from service.sync.housekeeping import tidy
from service.sync.immotion.channel import FeedPage
from service.sync.scans import Scans
from service.vorgang import delivery
from service.vorgang.catalog import default_catalog
from service.vorgang.dokumente import leser_of
from service.vorgang.emergency import EmergencySettings
from service.vorgang.types import House
from tests.support.databases import new_database
from tests.support.dokumente import (
    NOW,
    announced,
    daten,
    einheit,
    forget_everything,
    gebaeude,
    pdf,
    person,
    tell,
    vertrag,
)
from tests.support.vorgaenge import some_vorgang
from tests.unit.test_documents import Clock, Shelf

LETTER = pdf("a letter")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    opened = open_database(new_database(tmp_path_factory.mktemp("store")))
    migrate()
    yield
    opened.close_all()


@pytest.fixture(autouse=True)
def store(database: None) -> Iterator[None]:
    forget_everything()
    tell("m", person("P1"), person("P2"), gebaeude("G1"), einheit("E1", "G1"), vertrag("V1", "P1", "E1"))
    yield
    alarms.flush()


class Scanner:
    """The far side of the virus scan; `says` is what it says, None while it is away."""

    says: Verdict | None = None

    def look(self, content: BinaryIO) -> Verdict:
        if self.says is None:
            raise ScannerAway
        return self.says

    def version(self) -> str:
        return "ClamAV"


@pytest.fixture
def fetcher(tmp_path: Path) -> Fetcher:
    return Fetcher(Folder(tmp_path / "files"), Clock(NOW), lambda: 0.5)


def listed(nr: str = "P1") -> list[str]:
    with connected():
        leser = leser_of("m", [owner_of_person("m", nr)], stammdaten.vertraege("m", nr), NOW.date())
        return sorted(one.dokument_id for one in dokumente.page(leser, DokumentFilter(), limit=99))


def reasons() -> dict[str, int]:
    with connected():
        (row,) = delivery.status(["m"], NOW)
    return dict(row.documents_parked)


def to(nr: str = "P1") -> list[dict[str, str]]:
    return [{"personNr": nr}]


def rounds(fetcher: Fetcher, shelf: Shelf, number: int) -> int:
    fetched = 0
    for _ in range(number):
        fetched += fetch_dokumente("m", shelf, fetcher)
        fetcher.clock.now += timedelta(hours=1)  # type: ignore[attr-defined]
    return fetched


def kept(fetcher: Fetcher) -> int:
    return len(list(fetcher.storage.ids(datetime.max.replace(tzinfo=NOW.tzinfo))))


def bomb() -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(50 * 2**20))
    return packed.getvalue()


def test_a_document_appears_when_its_bytes_are_here_and_not_before(fetcher: Fetcher) -> None:
    announced("m", daten("D1", LETTER, empfaenger=to()))
    assert listed() == []
    assert fetch_dokumente("m", Shelf({"D1": LETTER}), fetcher) == 1
    assert listed() == ["D1"]
    assert listed("P2") == []


@pytest.mark.parametrize(
    "name,content,told,reason",
    [
        ("digest", pdf("another"), {}, "DIGEST"),
        ("empty", b"", {"sha256": "", "bytes": 0}, "EMPTY"),
        ("large", LETTER, {"bytes": 400 * 2**20}, "TOO_LARGE"),
        ("bomb", bomb(), {"sha256": "", "bytes": 0}, "TYPE"),
        ("html", b"<html><script>alert(1)</script>", {"sha256": "", "bytes": 0}, "TYPE"),
        ("damaged", LETTER[:100], {"sha256": "", "bytes": 0}, "DAMAGED"),
        ("path", LETTER, {"dateiname": "../../etc/Brief.pdf"}, "NAME"),
        ("override", LETTER, {"dateiname": "Brief\u202efdp.exe"}, "NAME"),
        ("unknown", LETTER, {"empfaenger": to("P-99")}, "UNKNOWN_PERSON"),
        ("contract", LETTER, {"empfaenger": [{"vertragNr": "V-99"}]}, "UNKNOWN_VERTRAG"),
        ("party", LETTER, {"empfaenger": [{"personNr": "P1", "vertragNr": "V-99"}]}, "UNKNOWN_VERTRAG"),
        ("building", LETTER, {"empfaenger": [{"gebaeudeNr": "G-99"}]}, "UNKNOWN_GEBAEUDE"),
    ],
)
def test_what_is_not_fit_is_parked_with_its_reason_and_the_rest_goes_on(
    fetcher: Fetcher, name: str, content: bytes, told: dict[str, Any], reason: str
) -> None:
    bad, good = daten("bad", LETTER, empfaenger=to()) | told, pdf("good")
    for said in (bad, daten("good", good, empfaenger=to())):
        announced("m", said)
    shelf = Shelf({"bad": content, "good": good})
    assert rounds(fetcher, shelf, 6) == 1
    assert listed() == ["good"]
    assert reasons() == {reason: 1}
    assert kept(fetcher) == 1
    assert not list((fetcher.storage._root / "incoming").glob("*"))
    with connected():
        assert {alarm.detail for alarm in stored.standing(["m"]) if alarm.kind == "document_parked"} == {reason}


def test_an_encrypted_pdf_is_parked_in_the_list_and_in_its_vorgang(fetcher: Fetcher, samples: Path) -> None:
    locked = (samples / "locked.pdf").read_bytes()
    announced("m", daten("D1", locked, empfaenger=to()))
    assert fetch_dokumente("m", Shelf({"D1": locked}), fetcher) == 0
    event_for_vorgang(fetcher, "D2", locked)
    for _ in range(6):
        fetch_announced("m", Shelf({"D2": locked}), fetcher)
        fetcher.clock.now += timedelta(hours=1)  # type: ignore[attr-defined]
    assert reasons() == {"ENCRYPTED": 2}


def test_a_file_that_says_to_be_small_is_given_up_where_it_is_too_large(fetcher: Fetcher) -> None:
    announced("m", daten("D1", LETTER, empfaenger=to(), bytes=0, sha256=""))

    class Endless(Shelf):
        def dokument(self, dokument_id: str, part: object = None):
            from contextlib import nullcontext

            from service.sync.immotion.channel import Dokument

            chunk = bytes(2**20)
            return nullcontext(Dokument(iter([chunk] * (SIZE_MAX // len(chunk) + 1))))

    rounds(fetcher, Endless({}), 5)
    assert reasons() == {"TOO_LARGE": 1}


@pytest.mark.parametrize(
    "says, shown", [(ScanState.CLEAN, True), (ScanState.INFECTED, False), (ScanState.UNSCANNABLE, False)]
)
def test_a_document_is_shown_once_the_scanner_that_was_away_has_called_it_clean(
    tmp_path: Path, *, says: ScanState, shown: bool
) -> None:
    scanner = Scanner()
    fetcher = Fetcher(Folder(tmp_path / "files", None, scanner), Clock(NOW), lambda: 0.5)
    announced("m", daten("D-1", LETTER, empfaenger=to()))
    assert rounds(fetcher, Shelf({"D-1": LETTER}), 1) == 1
    assert listed() == []
    scanner.says = Verdict(says, "Test")
    Scans(fetcher.storage, zone=ZoneInfo("Europe/Berlin"), clock=fetcher.clock).step(lambda: False)
    assert listed() == (["D-1"] if shown else [])


def test_a_document_that_the_scanner_finds_infected_is_never_shown_and_raises_an_alarm(tmp_path: Path) -> None:
    scanner = Scanner()
    scanner.says = Verdict(ScanState.INFECTED, "Test")
    fetcher = Fetcher(Folder(tmp_path / "files", None, scanner), Clock(NOW), lambda: 0.5)
    announced("m", daten("D-1", LETTER, empfaenger=to()))
    rounds(fetcher, Shelf({"D-1": LETTER}), 1)
    alarms.flush()
    assert listed() == []
    with connected():
        assert "file_quarantined" in {alarm.kind for alarm in stored.standing(["m"])}


def test_the_same_id_with_other_bytes_is_put_aside_and_the_first_stays(fetcher: Fetcher) -> None:
    other = pdf("other")
    events(
        [
            daten("D1", LETTER, empfaenger=to()),
            daten("D1", other, empfaenger=to("P2")),
            daten("D2", other, empfaenger=to()),
        ]
    )
    fetch_dokumente("m", Shelf({"D1": LETTER, "D2": other}), fetcher)
    assert (listed(), listed("P2")) == (["D1", "D2"], [])
    with connected():
        assert [(a.kind, a.detail) for a in stored.standing(["m"])] == [("event_parked", "OTHER_CONTENT")]


def test_the_same_document_told_again_is_one_and_adds_those_it_names(fetcher: Fetcher) -> None:
    for nr in ("P1", "P2", "P1"):
        announced("m", daten("D1", LETTER, empfaenger=to(nr)))
    assert fetch_dokumente("m", Shelf({"D1": LETTER}), fetcher) == 1
    announced("m", daten("D1", LETTER, empfaenger=[{"vertragNr": "V1"}]))
    assert (listed(), listed("P2")) == (["D1"], ["D1"])


def test_the_same_bytes_are_kept_once_and_stay_as_long_as_anybody_has_them(fetcher: Fetcher) -> None:
    announced("m", daten("D1", LETTER, empfaenger=to(), loeschenNach="2026-11-30"))
    announced("m", daten("D2", LETTER, empfaenger=to("P2")))
    assert fetch_dokumente("m", Shelf({"D1": LETTER, "D2": LETTER}), fetcher) == 2
    assert kept(fetcher) == 1
    tidy(fetcher.storage, draft_days=30, audit_days=30, now=NOW + timedelta(days=30))
    assert (listed(), listed("P2"), kept(fetcher)) == ([], ["D2"], 1)


def test_a_person_who_becomes_known_meanwhile_gets_their_document(fetcher: Fetcher) -> None:
    announced("m", daten("D1", LETTER, empfaenger=to("P3")))
    shelf = Shelf({"D1": LETTER})
    assert rounds(fetcher, shelf, 1) == 0
    tell("m", person("P3"))
    assert rounds(fetcher, shelf, 1) == 1
    assert listed("P3") == ["D1"]


def test_the_letter_of_a_person_immotion_has_just_told_of_is_there_at_once(fetcher: Fetcher) -> None:
    announced("m", daten("D1", LETTER, empfaenger=to("P3")))
    art, nr, of = person("P3")
    page = FeedPage(({"art": art, "nr": nr, "geloescht": False, "daten": of},), "1", more=False)
    assert fetch_dokumente("m", Shelf({"D1": LETTER}, news=[page]), fetcher) == 1
    assert listed("P3") == ["D1"]


def test_where_there_are_no_master_data_persons_are_taken_as_they_are_named(fetcher: Fetcher) -> None:
    announced("filedrop", daten("D1", LETTER, empfaenger=to("P77")))
    assert fetch_dokumente("filedrop", Shelf({"D1": LETTER}), fetcher) == 1


def test_the_operator_has_what_is_parked_fetched_again(fetcher: Fetcher) -> None:
    announced("m", daten("D1", LETTER, empfaenger=to()))
    assert rounds(fetcher, Shelf({"D1": pdf("wrong")}), 6) == 0
    assert reasons() == {"DIGEST": 1}
    with connected():
        assert documents.retry_parked("m", fetcher.clock()) == 1
    assert rounds(fetcher, Shelf({"D1": LETTER}), 1) == 1


def test_what_immotion_withdraws_is_neither_shown_nor_fetched(fetcher: Fetcher) -> None:
    announced("m", daten("D1", LETTER, empfaenger=to()))
    fetch_dokumente("m", Shelf({"D1": LETTER}), fetcher)
    announced("m", daten("D2", LETTER, empfaenger=to()))
    with connected():
        documents.withdraw("m", "D1", NOW)
        documents.withdraw("m", "D2", NOW)
    shelf = Shelf({"D2": LETTER})
    assert fetch_dokumente("m", shelf, fetcher) == 0
    assert (listed(), shelf.asked) == ([], [])


def events(said: list[dict[str, Any]], **more: Any) -> None:
    house = House("m", default_catalog(), (), EmergencySettings({}), {}, special_categories=False, zone=BERLIN)
    bodies = [
        {"ereignisId": f"e{at}-{one['dokumentId']}", "typ": "DOKUMENT", "zeit": NOW.isoformat(), "mandant": "m",
         "sichtbarkeit": "MIETER", "daten": one, **more}
        for at, one in enumerate(said)
    ]  # fmt: skip
    with connected():
        inbox.receive_all("m", bodies, NOW)
    apply_waiting(house, clock=lambda: NOW)


@pytest.mark.parametrize(
    "wrong",
    [{"empfaenger": []}, {"empfaenger": [{}]}, {"stufe": 3}, {"loeschenNach": "irgendwann"},
     {"zeitraum": {"von": "2026-02-01", "bis": "2026-01-01"}}],
)  # fmt: skip
def test_an_event_that_cannot_be_followed_is_put_aside_and_the_others_are(
    wrong: dict[str, Any], fetcher: Fetcher
) -> None:
    events([daten("bad", LETTER, empfaenger=to()) | wrong, daten("good", LETTER, empfaenger=to())])
    fetch_dokumente("m", Shelf({"good": LETTER, "bad": LETTER}), fetcher)
    assert listed() == ["good"]


def event_for_vorgang(fetcher: Fetcher, dokument_id: str, content: bytes) -> Any:
    vorgang = some_vorgang(mandant="m", owner=owner_of_person("m", "P1"))
    with connected():
        vorgaenge.insert(vorgang)
    events([daten(dokument_id, content)], externeId=str(vorgang.id))
    return vorgang


def test_a_document_that_answers_a_vorgang_is_in_it_and_in_the_list_and_fetched_once(fetcher: Fetcher) -> None:
    vorgang, shelf = event_for_vorgang(fetcher, "D1", LETTER), Shelf({"D1": LETTER})
    assert fetch_dokumente("m", shelf, fetcher) == 0
    fetch_announced("m", shelf, fetcher)
    assert fetch_dokumente("m", shelf, fetcher) == 1
    with connected():
        (anhang,) = vorgaenge.anhaenge(vorgang.id)
    assert (shelf.asked, listed(), kept(fetcher)) == (["D1"], ["D1"], 1)
    assert anhang.stored_at is not None


def test_the_first_opening_reaches_immotion_by_the_outbox_with_time_and_person(fetcher: Fetcher) -> None:
    announced("m", daten("D/1", LETTER, empfaenger=to()))
    fetch_dokumente("m", Shelf({"D/1": LETTER}), fetcher)
    leser = Leser("m", "reader", (Zugang(owner_of_person("m", "P1")),), "2026-11-23")
    with connected():
        (one,) = dokumente.page(leser, DokumentFilter(), limit=9)
        key = lesungen.note(one, "reader", "P1", NOW)
        assert key is not None
        assert lesungen.note(one, "reader", "P1", NOW) is None
        outbox.owe_quittung("m", key, request_id="r", now=NOW)
        (item,) = outbox.claim("m", now=NOW, lease=timedelta(seconds=60), limit=9)
        (parcel,) = read_parcels([item])
    told = []

    class Side:
        def begin(self, item: object) -> None: ...

        def put_quittung(self, dokument_id: str, body: object, request_id: str) -> None:
            told.append((dokument_id, body, request_id))

    assert send(parcel, Side(), fetcher.storage).accepted is None  # type: ignore[arg-type]
    body = {"art": "ERSTMALS_GEOEFFNET", "zeit": "2026-11-23T12:00:00.000000Z", "personNr": "P1"}
    assert told == [("D/1", body, "r")]


def test_what_is_a_readers_is_found_from_their_keys_and_known_bytes_by_their_digest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if engine() != "sqlite":
        return  # the others' plans depend on how many rows there are
    leser, plans = Leser("m", "k", (Zugang("z1"), Zugang("z2", "2024-01-01")), "2026-11-23"), []
    with connected():
        original = pool.obj.execute_sql

        def explained(sql: str, params: list[object] | None = None):
            plans.append(" | ".join(row[3] for row in original(f"EXPLAIN QUERY PLAN {sql}", params)))
            return original(sql, params)

        monkeypatch.setattr(pool.obj, "execute_sql", explained)
        dokumente.page(leser, DokumentFilter(jahr=2026, art="X", words=("y",), unread=True), limit=9)
        dokumente.choices(leser)
        tuples(dokumente.unread_as(0, leser))
        dokumente.readable_by_name(leser, "D1")
        dokumente.kept_file("m", "0" * 64)
    *reading, kept_by = plans
    assert len(reading) == 4
    for plan in reading:
        assert "sqlite_autoindex_dokument_1 (id=?)" in plan
        assert "sqlite_autoindex_dokument_ziel_1 (ziel=?)" in plan
    assert "dokument_mandant_sha256 (mandant=? AND sha256=?)" in kept_by


def test_an_owner_of_hundreds_of_flats_reads_in_one_query() -> None:
    ways = tuple(Zugang(key_of_vertrag("m", f"V{n}"), f"20{n % 100:02d}-01-01") for n in range(400))
    with connected():
        assert dokumente.page(Leser("m", "k", ways, "2026-11-23"), DokumentFilter(), limit=9) == []


def test_a_co_resident_has_the_contract_and_leaves_with_it() -> None:
    tell("m", vertrag("V1", "P1", "E1", mitmieter=[{"personNr": "P2", "ende": "2024-06-30"}, {"unsinn": 1}, "x"]))

    def of(nr: str) -> list[tuple[str, str | None, bool]]:
        with connected():
            return [(v.nr, v.ende, v.eigene_zeit) for v in stammdaten.vertraege("m", nr)]

    assert of("P2") == [("V1", "2024-06-30", True)]
    assert of("P1") == [("V1", None, False)]
    tell("m", ("PERSON", "P1", None))
    assert of("P2") == []
