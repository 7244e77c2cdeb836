"""The stand-in as the other side of a file drop: books as over HTTP, acknowledges, writes what clerks do."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.standin import feed, folder
from service.standin.dokumente import NewDokument, keep_dokument
from service.standin.faults import FaultSwitch
from service.standin.folder import FolderSide
from service.standin.ledger import Ledger
from service.standin.testside import arrived
from service.sync.immotion.wire import vorgang_body
from tests.support.portal import Installation
from tests.unit.filedrop.conftest import MANDANT, Drop


class Other:
    def __init__(self, drop: Drop, path: Path) -> None:
        self.drop = drop
        self.ledger = Ledger(path)
        self.switch = FaultSwitch()
        self.restart()

    def restart(self) -> None:
        self.side = FolderSide(self.ledger, self.switch, self.drop.root, MANDANT)

    def fault(self, kind: str) -> None:
        self.switch.set({"rate": 1, "kinds": [kind], "calls": ["FILEDROP"]})

    def happens(self, *drafts: dict[str, object]) -> None:
        with self.ledger.transaction() as connection:
            for draft in drafts:
                feed.append(self.ledger, connection, draft)


@pytest.fixture
def other(drop: Drop, tmp_path: Path) -> Iterator[Other]:
    made = Other(drop, tmp_path / "standin.db")
    yield made
    made.ledger.close()


def test_a_package_is_booked_as_if_it_had_come_over_http(drop: Drop, other: Other) -> None:
    vorgang = drop.file()
    drop.hand_over(vorgang)
    assert other.side.step() == 1
    (booked,) = arrived(other.ledger)
    assert booked["koerper"] == vorgang_body(vorgang, [])
    assert drop.names("in") == []
    assert drop.read() == 1
    assert drop.events()[0]["daten"]["vorgangsnummer"] == booked["vorgangsnummer"]


def test_a_package_that_comes_again_is_a_dublette_with_the_same_number(drop: Drop, other: Other) -> None:
    vorgang = drop.file()
    drop.hand_over(vorgang)
    other.side.step()
    drop.send(vorgang)
    other.side.step()
    texts = [path.read_text() for path in sorted((drop.root / "quittung").glob("*.xml"))]
    assert sorted("DUBLETTE" in text for text in texts) == [False, True]
    number = arrived(other.ledger)[0]["vorgangsnummer"]
    assert all(f'vorgangsnummer="{number}"' in text for text in texts)
    assert drop.read() == 1
    drop.read()
    assert drop.names("fehler") == []


def test_what_the_ledger_refuses_is_answered_with_the_fields(drop: Drop, other: Other) -> None:
    vorgang = drop.file(melder={"rolle": "NACHBAR"})
    drop.hand_over(vorgang)
    assert other.side.step() == 1
    drop.read()
    assert drop.states() == [("parked", "FEHLER: VALIDIERUNG /melder/rolle: WERT")]
    assert arrived(other.ledger) == []


def test_an_aktivitaet_waits_for_its_vorgang(drop: Drop, other: Other) -> None:
    vorgang = drop.file()
    drop.hand_over(vorgang)
    first = sorted((drop.root / "in").iterdir())
    for path in first:
        path.rename(drop.root / path.name)
    drop.add(vorgang)
    assert other.side.step() == 0
    for path in first:
        (drop.root / path.name).rename(path)
    assert other.side.step() == 2
    assert [entry["text"] for entry in arrived(other.ledger)[0]["aktivitaeten"]] == ["Text"]


@pytest.mark.parametrize("harm", ["no marker", "other digest", "half"])
def test_a_package_that_is_not_complete_is_not_touched(drop: Drop, other: Other, harm: str) -> None:
    name = drop.hand_over(drop.file())
    path = drop.root / "in" / f"{name}.zip"
    marker = path.with_name(f"{path.name}.ok")
    if harm == "no marker":
        marker.unlink()
    if harm == "other digest":
        marker.write_text("0" * 64)
    if harm == "half":
        path.write_bytes(path.read_bytes()[:100])
    assert other.side.step() == 0
    assert path.exists()


def test_a_package_that_is_none_is_answered_with_a_reason(drop: Drop, other: Other) -> None:
    name = drop.hand_over(drop.file())
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("x", b"x")
    drop.put("in", f"{name}.zip", data.getvalue())
    assert other.side.step() == 1
    drop.read()
    assert drop.states()[0][0] == "parked"
    assert "manifest" in drop.states()[0][1]


@pytest.mark.parametrize("kind,files", [("quittung_missing", 0), ("quittung_doubled", 2), ("half_copied", 1)])
def test_faults_can_be_switched_on(
    drop: Drop, other: Other, kind: str, files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_HALF_S", 0)
    other.fault(kind)
    drop.hand_over(drop.file())
    assert other.side.step() == 1
    assert len(list((drop.root / "quittung").glob("*.xml"))) == files
    if kind == "half_copied":
        drop.later(minutes=1)
        assert drop.read() == 0
        assert other.side.step() == 0
    assert drop.read() == min(files, 1)
    assert drop.names("fehler") == []


def test_without_quittung_the_package_stays_until_it_can_be_answered(drop: Drop, other: Other) -> None:
    drop.hand_over(drop.file())
    (drop.root / "quittung").rmdir()
    assert [other.side.step(), other.side.step()] == [0, 0]
    assert len(arrived(other.ledger)) == 1
    (drop.root / "quittung").mkdir()
    assert other.side.step() == 1
    (drop.root / "in").rmdir()
    assert other.side.step() == 0


def test_what_clerks_do_comes_out_once_and_is_read_as_it_was_meant(drop: Drop, other: Other) -> None:
    vorgang = drop.file()
    drop.hand_over(vorgang)
    other.side.step()
    key, content = str(vorgang.id), b"letter"
    blob = other.ledger.blobs.receive(io.BytesIO(content))
    with other.ledger.transaction() as connection:
        keep_dokument(connection, new := NewDokument("D-1", "Brief.pdf", "application/pdf", blob))
    termin = {"von": "2026-11-24T08:00:00Z", "bis": "2026-11-24T09:00:00Z", "firma": "Rohr & Co"}
    about = {"externeId": key, "sichtbarkeit": "MIETER"}
    other.happens(
        about | {"typ": "STATUS", "daten": {"status": {"code": "TERMINIERT", "textMieter": 'Am "Montag"; früh'}}},
        about | {"typ": "ZUORDNUNG", "daten": {"aufgabentraeger": {"anzeigeName": "Öz", "team": "Nord"}}},
        about | {"typ": "TERMIN", "daten": {"termin": termin}},
        about | {"typ": "AKTIVITAET", "daten": {"text": "Bitte öffnen", "autor": "Öz", "dokumente": [new.wire()]}},
        about | {"typ": "DOKUMENT", "daten": new.wire() | {"titel": "Brief"}},
        {"externeId": key, "typ": "AKTIVITAET", "daten": {"text": "nur intern"}},
        {"typ": "KATALOG_NEU", "mandant": "nachbar"},
    )
    (drop.root / "out").rmdir()
    other.side.step()
    (drop.root / "out").mkdir()
    for _ in range(3):
        other.side.step()
        other.restart()
    while drop.read():
        pass
    events = [event for event in drop.events() if event["typ"] != "VORGANG_ANGELEGT"]
    said = sorted((event["vorgangSeq"], event["typ"], event["sichtbarkeit"]) for event in events)
    assert said == [
        (2, "STATUS", "MIETER"),
        (3, "ZUORDNUNG", "MIETER"),
        (4, "TERMIN", "MIETER"),
        (5, "AKTIVITAET", "MIETER"),
        (5, "DOKUMENT", "MIETER"),
        (6, "DOKUMENT", "MIETER"),
        (7, "AKTIVITAET", "INTERN"),
    ]
    by_typ = {event["typ"]: event["daten"] for event in events if event["sichtbarkeit"] == "MIETER"}
    assert by_typ["STATUS"]["status"]["textMieter"] == 'Am "Montag"; früh'
    assert by_typ["TERMIN"]["termin"] == termin
    assert by_typ["ZUORDNUNG"]["aufgabentraeger"] == {"anzeigeName": "Öz", "team": "Nord"}
    with drop.channel.dokument(str(by_typ["DOKUMENT"]["dokumentId"])) as dokument:
        assert b"".join(dokument.chunks) == content
    assert drop.names("out") == drop.names("fehler") == []


def test_a_folder_without_its_mandant_is_refused(tmp_path: Path) -> None:
    refused = Installation(tmp_path).run("standin", "--port", "1", "--filedrop", str(tmp_path))
    assert refused.returncode == 2
    assert "--mandant" in refused.stderr
