"""What the portal writes into in/: complete, numbered without a gap, the same again when written again."""

import hashlib
import io
import re
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from service.standin.paket import PaketRefused, read_paket
from service.store import filedrop, outbox
from service.store.database import connected
from service.store.records import Anhang
from service.sync.immotion.channel import Accepted, Permanent, Temporary
from service.sync.immotion.filedrop import safexml
from service.sync.immotion.filedrop.channel import FileDropChannel
from service.sync.immotion.filedrop.packages import envelope, envelope_problems, write_package
from service.sync.immotion.wire import aktivitaet_body, vorgang_body
from tests.support.vorgaenge import NOW, some_vorgang
from tests.unit.filedrop.conftest import MANDANT, Drop, ok

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\n\r"), max_size=60)
NAME = st.text("abcdefghij", min_size=1, max_size=10)


def read(path: Path):
    with zipfile.ZipFile(path) as archive:
        return read_paket(archive, path.stem)


def anhang(vorgang_id: UUID, data: bytes, name: str = "Küche & Bad.PNG") -> Anhang:
    digest = hashlib.sha256(data).hexdigest()
    return Anhang(uuid4(), MANDANT, name, "image/png", len(data), digest, 0, NOW, vorgang_id=vorgang_id, stored_at=NOW)


def test_a_package_holds_the_envelope_the_files_and_their_digests_and_has_a_marker(drop: Drop) -> None:
    vorgang, data = drop.file(betreff='Übel & <laut> "x"'), b"bytes of a picture"
    file = anhang(vorgang.id, data)
    drop.channel.put_anhang(file, io.BytesIO(data), "r")
    body = vorgang_body(vorgang, [file])
    assert drop.send(vorgang, file) == Accepted(None, None)
    name, marker = drop.names("in")
    assert re.fullmatch(r"VG_musterbau_\d{8}T\d{6}Z_00000001\.zip", name)
    path = drop.root / "in" / name
    assert marker == f"{name}.ok"
    stated = (drop.root / "in" / marker).read_text()
    assert stated == f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["vorgang.xml", f"anhaenge/{file.id}.png", "manifest.sha256"]
        assert archive.read(f"anhaenge/{file.id}.png") == data
    paket = read(path)
    assert (paket.kind, paket.body) == ("vorgang", body)


def test_the_same_record_again_is_the_same_package_to_the_byte(drop: Drop) -> None:
    vorgang = drop.file()
    drop.send(vorgang)
    (path,) = (drop.root / "in").glob("*.zip")
    before = path.read_bytes()
    drop.later(hours=3)
    drop.restart()
    drop.send(vorgang)
    assert [path.read_bytes() for path in (drop.root / "in").glob("*.zip")] == [before]


def test_an_aktivitaet_is_a_package_of_its_own_with_a_higher_number(drop: Drop) -> None:
    vorgang = drop.file()
    drop.send(vorgang)
    added = drop.add(vorgang, art="BEWERTUNG", text="Danke", daten={"bewertung": 5})
    body = aktivitaet_body(added, [])
    first, second = sorted((drop.root / "in").glob("*.zip"))
    assert first.stem < second.stem
    paket = read(second)
    keys = {"externeId": str(vorgang.id), "aktivitaetId": str(added.id)}
    assert (paket.kind, paket.body) == ("aktivitaet", keys | body)


def test_what_the_schema_refuses_gets_no_number(drop: Drop) -> None:
    vorgang = drop.file(betreff="x" * 121)
    with pytest.raises(Permanent, match="/vorgang/betreff") as refused:
        drop.send(vorgang)
    assert "xxx" not in str(refused.value)
    good = drop.file()
    drop.send(good)
    assert [path.stem[-8:] for path in (drop.root / "in").glob("*.zip")] == ["00000001"]


def test_a_folder_that_is_gone_is_temporary_and_the_number_stays(drop: Drop) -> None:
    vorgang = drop.file()
    (drop.root / "in").rmdir()
    with pytest.raises(Temporary, match="in/") as fault:
        drop.send(vorgang)
    assert fault.value.scope == "connection"
    assert not (drop.root / "in").exists(), "a share that is not mounted must not be mistaken for an empty folder"
    (drop.root / "in").mkdir()
    other = drop.file()
    drop.send(other)
    drop.send(vorgang)
    numbers = {str(read(path).body["externeId"]): path.stem[-8:] for path in (drop.root / "in").glob("*.zip")}
    assert numbers == {str(vorgang.id): "00000001", str(other.id): "00000002"}


def test_nothing_half_written_is_ever_seen_under_the_name_of_a_package(drop: Drop) -> None:
    vorgang = drop.file()

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(28, "No space left on device")

    file = anhang(vorgang.id, b"x")
    drop.channel.put_anhang(file, io.BytesIO(b"x"), "r")
    drop.channel._files[str(file.id)].close()
    drop.channel._files[str(file.id)] = Broken()
    with pytest.raises(Temporary, match="No space"):
        drop.send(vorgang, file)
    assert drop.names("in") == []


def test_an_attachment_that_is_not_what_was_uploaded_is_not_handed_over(drop: Drop) -> None:
    vorgang = drop.file()
    with pytest.raises(Permanent, match="not what was uploaded"):
        drop.channel.put_anhang(anhang(vorgang.id, b"as it was"), io.BytesIO(b"as it is"), "r")


def test_an_attachment_that_was_not_handed_over_is_no_package(drop: Drop) -> None:
    vorgang = drop.file()
    with pytest.raises(Permanent, match="attachments"):
        drop.send(vorgang, anhang(vorgang.id, b"x"))
    assert drop.names("in") == []


def test_what_was_acknowledged_is_not_written_again_and_found(drop: Drop) -> None:
    vorgang = drop.file()
    assert drop.channel.find_vorgang(vorgang.id, "r") is None
    name = drop.hand_over(vorgang)
    assert drop.channel.find_vorgang(vorgang.id, "r") is None
    drop.acknowledge(ok(name))
    drop.read()
    drop.read()
    assert drop.channel.find_vorgang(vorgang.id, "r") == Accepted("V-1", "V-1")
    assert drop.send(vorgang) == Accepted("V-1", "V-1")
    assert drop.names("in") == []


def test_workers_at_once_number_without_a_gap_and_each_record_once(drop: Drop) -> None:
    filed = [drop.file() for _ in range(20)]

    claimed = [drop.claim(vorgang.id) for vorgang in filed]

    def work(_: int) -> None:
        channel = FileDropChannel(MANDANT, drop.settings, clock=lambda: drop.now)
        for item, vorgang in zip(claimed, filed, strict=True):
            channel.begin(item)
            channel.put_vorgang(vorgang.id, vorgang_body(vorgang, []), "r")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    packages = [read(path) for path in sorted((drop.root / "in").glob("*.zip"))]
    assert [paket.name[-8:] for paket in packages] == [f"{n:08d}" for n in range(1, 21)]
    assert {paket.body["externeId"] for paket in packages} == {str(vorgang.id) for vorgang in filed}
    assert not list((drop.root / "in").glob("*.tmp"))


def test_a_database_that_does_not_answer_is_temporary(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.store.database import open_database

    vorgang = drop.file()
    item = drop.claim(vorgang.id)
    open_database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Temporary, match="database"):
        drop.put_vorgang(item, vorgang)
    with pytest.raises(Temporary, match="database"):
        drop.channel.find_vorgang(vorgang.id, "r")


@given(
    betreff=TEXT,
    antworten=st.dictionaries(NAME, TEXT, max_size=4),
    fenster=st.lists(TEXT, max_size=3),
    melder=st.dictionaries(st.sampled_from(["personNr", "name", "email", "sprache"]), TEXT),
    anwesend=st.booleans(),
)
def test_the_envelope_says_the_same_as_the_json_body(betreff, antworten, fenster, melder, anwesend) -> None:
    vorgang = some_vorgang(mandant=MANDANT)
    schaden = {"schadensort": "A", "schadenskategorie": "B", "schadensart": "C", "antworten": antworten}
    body = vorgang_body(vorgang, []) | {
        "betreff": betreff,
        "typ": "SCHADEN",
        "schaden": schaden,
        "zugang": {"zeitfenster": fenster, "anwesenheit": anwesend},
        "melder": melder,
        "beschwerde": {"art": "LAERM", "laermprotokoll": [{"von": "x", "bis": betreff}]},
    }
    assert envelope_problems(envelope("vorgang", body)) == []
    written = io.BytesIO()
    paket = filedrop.Paket(1, MANDANT, 1, vorgang.id, UUID(int=0), f"VG_{MANDANT}_20261123T120000Z_00000001", NOW,
                           None, None, "", "", "", "", "")  # fmt: skip
    write_package(written, paket, envelope("vorgang", body), [])
    with zipfile.ZipFile(written) as archive:
        assert read_paket(archive, paket.name).body == body


def test_control_characters_do_not_make_a_report_undeliverable(drop: Drop) -> None:
    vorgang = drop.file(beschreibung="a\x0bb\x00c\ud800d".encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
    drop.send(vorgang)
    (path,) = (drop.root / "in").glob("*.zip")
    assert read(path).body["beschreibung"].startswith("a\ufffdb\ufffdc")


@pytest.mark.parametrize("harm", ["flip", "extra", "without", "name"])
def test_the_stand_in_refuses_a_package_that_is_not_as_the_manifest_says(drop: Drop, harm: str) -> None:
    vorgang = drop.file()
    drop.send(vorgang)
    (path,) = (drop.root / "in").glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if harm == "flip":
        members["vorgang.xml"] = members["vorgang.xml"].replace(b"KONTAKT", b"SCHADEN")
    if harm == "extra":
        members["more.txt"] = b"x"
    if harm == "without":
        del members["manifest.sha256"]
    name = path.stem if harm != "name" else path.stem[:-1] + "9"
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    with zipfile.ZipFile(changed) as archive, pytest.raises(PaketRefused):
        read_paket(archive, name)


def test_every_published_schema_is_one() -> None:
    folder = Path(__file__).parents[3] / "service" / "schemas"
    assert sorted(path.name for path in folder.glob("*.xsd")) == ["dokumente.xsd", "quittung.xsd", "vorgang.xsd"]
    for path in folder.glob("*.xsd"):
        etree.XMLSchema(etree.parse(path))


def test_the_number_is_held_while_the_file_cannot_be_written_and_the_outbox_row_waits(drop: Drop) -> None:
    vorgang = drop.file()
    with connected():
        paket = filedrop.number(MANDANT, vorgang.id, None, now=drop.now)
        assert filedrop.number(MANDANT, vorgang.id, None, now=drop.now) == paket
        assert [row.waiting for row in outbox.counts()] == [1]


def test_schemas_are_compiled_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads at once leave libxml2 without its built-in types for the rest of the process, now and then."""
    compiling, most = [], []

    def slow(document: object) -> object:
        compiling.append(document)
        most.append(len(compiling))
        time.sleep(0.02)
        compiling.remove(document)
        return document

    monkeypatch.setattr(safexml.etree, "XMLSchema", slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: safexml._schema.__wrapped__("vorgang", number), range(8)))
    assert most == [1] * 8
