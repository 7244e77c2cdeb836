"""Files that a hostile or broken ERP may write: each is taken rightly or refused with a reason, and stops no other."""

import os
import zipfile
from uuid import uuid4

import pytest

from service.sync.immotion.filedrop import inbound
from tests.unit.filedrop.conftest import Drop, document, index, ok, packed, quittung

HEAD = "externeId;zeit;sichtbarkeit;status;text\n"
KEY = "019ac000-0000-7000-8000-000000000001"
ROW = f"{KEY};2026-11-23T12:00:00Z;MIETER;A;x\n"
LETTER = b"%PDF-1.7 letter"
STRANGER = "VG_musterbau_20261123T120000Z_00000099"


def good(**changes: str) -> dict[str, bytes]:
    return {"index.xml": index(document(uuid4(), LETTER, **changes)), "a.pdf": LETTER}


def nested() -> bytes:
    inner = packed({"x": bytes(2**20)})
    for _ in range(5):
        inner = packed({"inner.zip": inner})
    return packed(good() | {"inner.zip": inner})


def overlapping() -> bytes:
    """Two entries of the directory that lead to the same bytes, as the densest bombs have."""
    data = bytearray(packed({"aa": b"x" * 100, "bb": b"y" * 100}, zipfile.ZIP_STORED))
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 4)
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    return bytes(data)


def bomb() -> str:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE q [<!ENTITY e0 "lol">{entities}]><quittungen>&e9;</quittungen>'


def foreign(element: bytes) -> bytes:
    return quittung(ok(STRANGER)).replace(b"</quittungen>", element + b"</quittungen>")


REFUSED = {
    "out/nested.zip": (nested(), "the index does not name"),
    "out/two-ends.zip": (packed(good()) + packed({"other": b"x"}), "missing"),
    "out/overlap.zip": (overlapping(), "missing"),
    "out/climbs.zip": (packed(good(datei="../a.pdf")), "the index does not name"),
    "out/long-member.zip": (packed(good() | {"n" * 60_000: b"x"}), "the index does not name"),
    "out/million.csv": ((HEAD + ROW * 100_000).encode(), "lines"),
    "out/million-empty.csv": ((HEAD + "\n" * 1_000_000).encode(), "lines"),
    "out/columns.csv": ((HEAD + f"{KEY};x\n{ROW.rstrip()};more\n").encode(), "line 3: more fields than columns"),
    "out/head.csv": ((";".join(f"c{n}" for n in range(100_000)) + "\n").encode(), "without the column"),
    "out/quotes.csv": ((HEAD + ROW.replace(";x", ';"x" y')).encode(), "not a CSV file"),
    "out/utf16.csv": ((HEAD + ROW).encode("utf-16"), "UTF-16"),
    "out/utf16-le.csv": ((HEAD + ROW).encode("utf-16-le"), "UTF-16"),
    "out/nul.csv": ((HEAD + ROW.replace(";x", ";a\x00b")).encode(), "line 2: a NUL in it"),
    "out/two\nlines.csv": (b"bad\n", "without the column"),
    "quittung/bomb.xml": (bomb().encode(), "not well-formed"),
    "quittung/bomb-utf16.xml": (bomb().encode("utf-16"), "not well-formed"),
    "quittung/utf16.xml": (quittung(ok(STRANGER)).decode().encode("utf-16"), "no package of this name"),
    "quittung/utf7.xml": (b'<?xml version="1.0" encoding="UTF-7"?>+ADw-quittungen/+AD4-', "not"),
    "quittung/xinclude.xml": (
        foreign(b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>'),
        "not valid by quittung.xsd",
    ),
    "quittung/attributes.xml": (b"<q " + b" ".join(b'a%d="1"' % n for n in range(50_000)) + b"/>", "not valid"),
    "quittung/deep.xml": (b"<a>" * 100_000, "not well-formed"),
}
TAKEN = {
    "out/index-utf16.zip": packed(good() | {"index.xml": good()["index.xml"].decode().encode("utf-16")}),
    "out/folder.zip": packed(good() | {"folder/": b""}),
    "out/bom.csv": ("\ufeff" + HEAD + ROW).encode(),
    "out/cr.csv": (HEAD + ROW).replace("\n", "\r").encode(),
    "out/quoted.csv": (HEAD + ROW.replace(";x", ';"a ""b""; c\nd"')).encode(),
    "out/back\\slash.csv": (HEAD + ROW).encode(),
}


def good_files(drop: Drop) -> None:
    drop.acknowledge(ok(drop.hand_over(drop.file())), name="zz.xml")
    drop.put("out", "zz.csv", (HEAD + ROW.replace(";A;", ";Z;")).encode())


def kept(drop: Drop, place: str) -> list[str]:
    return [name for name in drop.names(place) if not name.endswith(".grund.txt")]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_taken_is_refused_with_its_reason_and_stops_no_other(drop: Drop, name: str) -> None:
    (place, _, file), (data, reason) = name.partition("/"), REFUSED[name]
    drop.put(place, file, data)
    good_files(drop)
    drop.read()
    drop.read()
    assert {event["typ"] for event in drop.events()} == {"VORGANG_ANGELEGT", "STATUS"}
    assert [one.partition("_")[2] for one in kept(drop, "fehler")] == [file]
    assert reason in drop.reason()
    assert drop.names("out") == drop.names("quittung") == []


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_only_unusual_is_taken(drop: Drop, name: str) -> None:
    place, _, file = name.partition("/")
    drop.put(place, file, TAKEN[name])
    good_files(drop)
    assert drop.read() == 3
    drop.read()
    assert drop.names("fehler") == drop.names("out") == []


@pytest.mark.parametrize("stem", ["l" * 244, "ü" * 122, os.fsdecode(b"\xff" * 244)])
def test_a_name_that_leaves_no_room_for_a_digest_is_cut(drop: Drop, stem: str) -> None:
    drop.put("out", f"{stem}.csv", (HEAD + ROW).encode())
    drop.put("quittung", f"{stem}.xml", b"<quittungen")
    good_files(drop)
    drop.read()
    drop.read()
    assert drop.names("out") == drop.names("quittung") == []
    (refused,) = kept(drop, "fehler")
    assert refused.endswith(".xml")
    assert "not well-formed" in drop.reason()
    assert len([name for name in drop.names("archiv") if name.endswith(".csv")]) == 2


def test_a_file_that_makes_its_reader_fail_in_a_way_nobody_thought_of_stops_no_other(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(inbound, "read_status", fail)
    drop.put("out", "a.csv", b"whatever\n")
    drop.acknowledge(ok(drop.hand_over(drop.file())), name="zz.xml")
    assert drop.read() == 1
    assert "RecursionError" in drop.reason()
