"""Files on their way, folders that cannot be used: left alone, said once, nothing lost."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.unit.filedrop.conftest import Drop, ok, quittung

HEAD = "externeId;zeit;sichtbarkeit;text"
ROW = "019ac000-0000-7000-8000-000000000001;2026-11-23T12:00:00Z;MIETER;Hallo"
CSV = f"{HEAD}\r\n{ROW}\r\n".encode()


@pytest.mark.parametrize("name", ["a.csv.tmp", "a.csv.part", ".a.csv", "~a.csv", "a.csv.filepart", "a.txt"])
def test_what_is_visibly_unfinished_or_none_of_ours_is_left_alone(drop: Drop, name: str) -> None:
    drop.put("out", name, CSV, marker=None)
    drop.later(days=10)
    assert drop.read() == 0
    assert name in drop.names("out")


def test_without_a_marker_a_file_is_read_when_it_has_stood_still(drop: Drop) -> None:
    drop.put("out", "a.csv", CSV, marker=None)
    assert drop.read() == 0
    drop.later(seconds=31)
    assert drop.read() == 1


@pytest.mark.parametrize("marker", ["digest", "", "done"])
def test_with_a_marker_it_is_read_at_once(drop: Drop, marker: str) -> None:
    drop.put("out", "a.csv", CSV, marker=marker)
    assert drop.read() == 1


def test_a_marker_that_came_before_the_file_was_complete_is_not_believed(drop: Drop) -> None:
    path = drop.put("out", "a.csv", CSV)
    path.write_bytes(CSV[: len(HEAD) + 2])
    assert drop.read() == 0
    assert drop.names("fehler") == []
    path.write_bytes(CSV)
    assert drop.read() == 1


def test_half_a_file_is_left_alone_and_taken_when_it_is_whole(drop: Drop) -> None:
    data = quittung(ok(drop.hand_over(drop.file())))
    path = drop.put("quittung", "Q.xml", data[:50], marker=None)
    drop.later(minutes=1)
    assert drop.read() == 0
    path.write_bytes(data)
    drop.later(minutes=1)
    assert drop.read() == 1
    assert drop.names("fehler") == []


def test_half_a_file_that_nobody_finishes_goes_to_the_operator_after_an_hour(drop: Drop) -> None:
    drop.put("quittung", "Q.xml", b"<quittungen", marker=None)
    drop.later(minutes=59)
    drop.read()
    assert drop.names("fehler") == []
    drop.later(minutes=2)
    drop.read()
    assert "not well-formed" in drop.reason()


def test_a_file_whose_marker_never_fits_goes_to_the_operator_too(drop: Drop) -> None:
    drop.put("out", "a.csv", CSV, marker="0" * 64)
    drop.read()
    assert drop.names("fehler") == []
    drop.later(hours=2)
    drop.read()
    assert "marker" in drop.reason()
    assert drop.names("out") == []


def test_an_empty_marker_is_believed_after_a_moment(drop: Drop) -> None:
    drop.put("quittung", "Q.xml", b"<quittungen", marker="")
    drop.read()
    assert drop.names("fehler") == []
    drop.later(minutes=1)
    drop.read()
    assert "not well-formed" in drop.reason()


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_only_regular_files_are_opened(drop: Drop, kind: str, tmp_path: Path) -> None:
    import os

    target = tmp_path / "elsewhere.csv"
    target.write_bytes(CSV)
    path = drop.root / "out" / "a.csv"
    {"link": lambda: path.symlink_to(target), "folder": path.mkdir, "pipe": lambda: os.mkfifo(path)}[kind]()
    (drop.root / "out" / "a.csv.ok").write_text("")
    drop.later(hours=5)
    assert drop.read() == 0


@pytest.mark.parametrize("place", ["quittung", "out"])
def test_a_folder_that_cannot_be_read_is_said_once_and_the_other_is_read(
    drop: Drop, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = drop.hand_over(drop.file())
    drop.put("out", "a.csv", CSV)
    drop.acknowledge(ok(name))
    (drop.root / place).rename(drop.root / "away")
    (drop.root / place).write_bytes(b"")
    assert drop.read() == 1
    drop.read()
    assert capsys.readouterr().out.count("filedrop_folder_unusable") == 1
    (drop.root / place).unlink()
    (drop.root / "away").rename(drop.root / place)
    assert drop.read() == 1


def test_when_archiv_cannot_be_written_all_is_taken_over_once_and_put_away_later(
    drop: Drop, capsys: pytest.CaptureFixture[str]
) -> None:
    name = drop.hand_over(drop.file())
    (drop.root / "archiv").rmdir()
    drop.put("out", "a.csv", CSV)
    drop.acknowledge(ok(name))
    assert [drop.read() for _ in range(4)] == [2, 0, 0, 0]
    assert drop.names("out") == ["a.csv", "a.csv.ok"]
    assert drop.names("quittung") == ["Q.xml", "Q.xml.ok"]
    assert "filedrop_folder_unusable" in capsys.readouterr().out
    (drop.root / "archiv").mkdir()
    assert drop.read() == 0
    assert drop.names("out") == drop.names("quittung") == drop.names("in") == []
    assert len(drop.events()) == 2


def test_when_fehler_cannot_be_written_the_bad_file_stays_and_stops_nobody(drop: Drop) -> None:
    (drop.root / "fehler").rmdir()
    drop.put("out", "a.csv", b"bad\n")
    drop.put("out", "b.csv", CSV)
    assert [drop.read() for _ in range(3)] == [1, 0, 0]
    assert drop.names("out") == ["a.csv", "a.csv.ok"]
    (drop.root / "fehler").mkdir()
    drop.read()
    assert drop.names("out") == []
    assert drop.reason()


def test_more_than_a_page_is_taken_in_pages(drop: Drop) -> None:
    rows = "".join(f"{ROW} {number}\r\n" for number in range(1200))
    drop.put("out", "a.csv", f"{HEAD}\r\n{rows}".encode())
    assert [drop.read() for _ in range(4)] == [500, 500, 200, 0]
    assert drop.names("out") == []


def test_the_same_lines_in_another_file_are_the_same_events(drop: Drop) -> None:
    drop.put("out", "a.csv", CSV)
    assert drop.read() == 1
    drop.put("out", "b.csv", (f"{HEAD};unbekannt\n{ROW};x\n{ROW} wieder;y\n").encode("utf-8-sig"))
    assert drop.read() == 1


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder on another file system, as a share of its own is."""
    with TemporaryDirectory(dir="/dev/shm") as made:
        yield Path(made)


def test_archiv_and_fehler_may_be_shares_of_their_own(drop: Drop, elsewhere: Path) -> None:
    if elsewhere.stat().st_dev == drop.root.stat().st_dev:
        pytest.skip("there is no second file system here")
    for place in ("archiv", "fehler"):
        (elsewhere / place).mkdir()
        (drop.root / place).rmdir()
        (drop.root / place).symlink_to(elsewhere / place)
    name = drop.hand_over(drop.file())
    drop.acknowledge(ok(name))
    drop.put("out", "a.csv", b"whatever\n")
    assert drop.read() == 1
    drop.read()
    assert drop.names("in") == drop.names("quittung") == drop.names("out") == []
    assert f"{name}.zip" in drop.names("archiv")
    assert not [one for one in (*drop.names("archiv"), *drop.names("fehler")) if one.endswith(".tmp")]
    assert "CSV without the column" in drop.reason()
