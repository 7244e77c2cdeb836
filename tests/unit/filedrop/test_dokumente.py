"""ZIPs of documents: hostile ones are refused before a byte of them is used."""

import io
import stat
import struct
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.files.storage import Folder
from service.sync.documents import Fetcher, fetch_announced
from service.sync.immotion.channel import Permanent, Temporary
from service.sync.immotion.filedrop import safezip
from service.sync.immotion.filedrop.dokumente import read_dokumente
from service.sync.immotion.filedrop.safezip import open_zip
from service.sync.immotion.filedrop.unreadable import Unreadable
from tests.unit.filedrop.conftest import MANDANT, Drop, document, index, packed

LETTER = b"%PDF-1.7 not quite a letter"


def good(vorgang_id=None, **changes: str) -> dict[str, bytes]:
    entry = document(vorgang_id or uuid4(), LETTER, **changes)
    return {"index.xml": index(entry), "a.pdf": LETTER}


def fetched(drop: Drop, dokument_id: str) -> bytes:
    with drop.channel.dokument(dokument_id) as dokument:
        return b"".join(dokument.chunks)


def test_a_document_is_an_event_and_its_bytes_are_there_before_and_after_it_is_put_away(drop: Drop) -> None:
    vorgang = drop.file()
    drop.put("out", "d.zip", packed(good(vorgang.id, folge="4")))
    assert drop.read() == 1
    (event,) = drop.events()
    daten = event["daten"]
    assert (event["typ"], event["externeId"], event["vorgangSeq"]) == ("DOKUMENT", str(vorgang.id), 4)
    assert (daten["titel"], daten["dateiname"], daten["bytes"]) == ("Bescheid", "a.pdf", len(LETTER))
    assert fetched(drop, daten["dokumentId"]) == LETTER
    drop.read()
    assert drop.names("out") == []
    drop.restart()
    assert fetched(drop, daten["dokumentId"]) == LETTER


def test_the_bytes_reach_the_portals_own_files(drop: Drop, tmp_path: Path, samples: Path) -> None:
    from service.store import vorgaenge
    from service.store.database import connected
    from service.store.records import Anhang

    vorgang, letter = drop.file(), (samples / "page.pdf").read_bytes()
    entry = document(vorgang.id, letter)
    drop.put("out", "d.zip", packed({"index.xml": index(entry), "a.pdf": letter}))
    drop.read()
    daten = drop.events()[0]["daten"]
    row = Anhang(uuid4(), MANDANT, "a.pdf", "application/pdf", 0, daten["sha256"], 0, drop.now,
                 vorgang_id=vorgang.id, dokument_id=daten["dokumentId"])  # fmt: skip
    with connected():
        vorgaenge.add_anhaenge([row])
    storage = Folder(tmp_path / "files")
    assert fetch_announced(MANDANT, drop.channel, Fetcher(storage, lambda: drop.now, lambda: 0.5)) == 1
    with storage.open(row) as kept:
        assert kept.read() == letter


def test_the_same_document_in_another_zip_is_the_same_event(drop: Drop) -> None:
    vorgang = uuid4()
    drop.put("out", "d.zip", packed(good(vorgang)))
    drop.put("out", "e.zip", packed(good(vorgang), zipfile.ZIP_STORED))
    assert drop.read() == 1
    assert len(drop.events()) == 1
    drop.read()
    assert drop.names("out") == []


def test_a_document_that_is_gone_is_tried_again_and_one_that_is_none_of_ours_not(drop: Drop) -> None:
    with pytest.raises(Temporary):
        fetched(drop, f"fd-{'0' * 64}-0")
    for strange in ("", "x", "../../etc/passwd", f"fd-{'0' * 64}-99999", f"fd-{'*' * 64}-0"):
        with pytest.raises(Permanent):
            fetched(drop, strange)


def link(name: str, target: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target)
    return made.getvalue()


def doubled() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    return made.getvalue()


def renamed(old: str, new: str) -> bytes:
    assert len(old) == len(new)
    return packed({old: b"x"}).replace(old.encode(), new.encode())


def flagged(bit: int) -> bytes:
    data = bytearray(packed({"a": b"x"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + offset
        data[at] |= bit
    return bytes(data)


def counted(count: int) -> bytes:
    data = bytearray(packed({"a": b"x"}))
    at = data.rindex(b"PK\x05\x06")
    struct.pack_into("<HH", data, at + 8, count, count)
    return bytes(data)


@pytest.mark.parametrize(
    "data,reason",
    [
        (b"", "not a complete ZIP"),
        (b"PK\x05\x06", "not a complete ZIP"),
        (b"no zip at all" * 100, "not a complete ZIP"),
        (packed({"a": b"x" * 5000}, zipfile.ZIP_STORED)[:-30], "not a complete ZIP"),
        (packed({"../../etc/cron.d/x": b"x"}), "plain relative path"),
        (packed({"/etc/passwd": b"x"}), "plain relative path"),
        (packed({"a/../b": b"x"}), "plain relative path"),
        (packed({"a//b": b"x"}), "plain relative path"),
        (packed({"./a": b"x"}), "plain relative path"),
        (packed({"C:/x": b"x"}), "plain relative path"),
        (packed({"a\\..\\b": b"x"}), "plain relative path"),
        (packed({"a\nb": b"x"}), "plain relative path"),
        (packed({"a\u202egnp.exe": b"x"}), "plain relative path"),
        (renamed("aaXbb", "aa\x00bb"), "NUL"),
        (doubled(), "same name"),
        (packed({"A.pdf": b"x", "a.PDF": b"y"}), "same name"),
        (packed({"ﬁ": b"x", "fi": b"y"}), "same name"),
        (link("a", b"/etc/passwd"), "symbolic link"),
        (flagged(0x1), "encrypted"),
        (packed({"a": b"x"}, zipfile.ZIP_BZIP2), "another method"),
        (packed({"a": b"x"}, zipfile.ZIP_LZMA), "another method"),
        (packed({"bomb": bytes(40 * 2**20)}), "far more than it is"),
        (packed({f"m{n}": b"" for n in range(1001)}), "1000 members"),
        (counted(0xFFFF), "1000 members"),
        (packed({"ok": b"x"}), "missing"),
    ],
)
def test_an_archive_that_is_hostile_or_broken_is_refused_with_a_reason(drop: Drop, data: bytes, reason: str) -> None:
    drop.put("out", "a-bad.zip", data)
    drop.put("out", "b-good.zip", packed(good()))
    assert drop.read() == 1
    assert reason in drop.reason()
    assert [path.name for path in drop.root.parent.rglob("cron.d")] == []


def test_zip64_is_refused(drop: Drop) -> None:
    data = packed({"a": b"x"})
    at = data.rindex(b"PK\x05\x06")
    drop.put("out", "a.zip", data[:at] + b"PK\x06\x07" + bytes(16) + data[at:])
    drop.read()
    assert "ZIP64" in drop.reason()


def test_many_small_members_that_are_large_together_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(safezip, "TOTAL_MAX", 1000)
    monkeypatch.setattr(safezip, "MEMBER_MAX", 600)
    path = tmp_path / "a.zip"
    path.write_bytes(packed({f"m{n}": b"x" * 500 for n in range(3)}))
    with pytest.raises(Unreadable, match="together"), open_zip(path):
        pass
    path.write_bytes(packed({"m": b"x" * 601}))
    with pytest.raises(Unreadable, match="a member of more"), open_zip(path):
        pass
    monkeypatch.setattr(safezip, "ARCHIVE_MAX", 50)
    with pytest.raises(Unreadable, match="a ZIP of more"), open_zip(path):
        pass


@pytest.mark.parametrize(
    "members,reason",
    [
        (good() | {"index.xml": b"<dokumente"}, "not well-formed"),
        (good() | {"index.xml": b"<!DOCTYPE x><dokumente/>"}, "document type"),
        ({"index.xml": good()["index.xml"]}, "missing"),
        (good() | {"more.exe": b"MZ"}, "the index does not name"),
        (good(externeId=""), "neither externeId nor vorgangId"),
        (good(zeit="0001-01-01T00:00:00+14:00"), "cannot be understood"),
        (good(version="1" * 5000), "not valid"),
        (good(folge="0" * 5000 + "2"), "not valid"),
        ({"index.xml": index(document(uuid4(), LETTER), mandant="nachbar"), "a.pdf": LETTER}, "another Mandant"),
        ({"index.xml": b" " * (9 * 2**20), "a.pdf": LETTER}, "far more"),
    ],
)
def test_an_index_that_is_not_as_published_is_refused_as_a_whole(
    drop: Drop, members: dict[str, bytes], reason: str
) -> None:
    drop.put("out", "a.zip", packed(members))
    assert drop.read() == 0
    assert reason in drop.reason()


def test_blanks_that_the_published_schema_allows_change_nothing(drop: Drop) -> None:
    said = document(uuid4(), LETTER, externeId="", alle=" true ", zeit=" 2026-11-23T24:00:00Z", stufe=" 2 ")
    drop.put("out", "a.zip", packed({"index.xml": index(said), "a.pdf": LETTER}))
    assert drop.read() == 1
    (event,) = drop.events()
    assert (event["zeit"], event["daten"]["stufe"]) == ("2026-11-24T00:00:00+00:00", 2)
    assert event["daten"]["empfaenger"] == [{"alle": True}]


def test_names_in_the_encodings_of_old_packers_are_found(drop: Drop) -> None:
    for number, encoding in enumerate(("cp437", "utf-8")):
        raw = "Küche.pdf".encode(encoding)
        stand = b"K" + b"_" * (len(raw) - 1)
        data = packed({"index.xml": index(document(uuid4(), LETTER, datei="Küche.pdf")), stand.decode(): LETTER})
        drop.put("out", f"{number}.zip", data.replace(stand, raw))
    assert drop.read() == 2


def test_a_damaged_member_is_refused(drop: Drop) -> None:
    data = bytearray(packed(good(), zipfile.ZIP_STORED))
    at = data.index(LETTER)
    data[at] ^= 0xFF
    drop.put("out", "a.zip", bytes(data))
    assert drop.read() == 0
    assert "damaged" in drop.reason()


@settings(max_examples=150)
@given(st.data())
def test_mutated_archives_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    whole = bytearray(packed(good(vorgang_id="019ac000-0000-7000-8000-000000000001")))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "mutated.zip"
    path.write_bytes(bytes(whole[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else whole))
    try:
        inhalt = read_dokumente(path, "0" * 64, MANDANT)
    except Unreadable:
        return
    assert len(inhalt.events) == 1
