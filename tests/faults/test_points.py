"""How a run of the harness is kept: row by row, with what broke, and nothing small passed off as a full run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import __main__ as runner
from tests.faults.points import Finding
from tests.faults.recording import BEGIN, END, NoTable, Order, Record, Row

ORDER = Order(["a", "b"], ["sqlite", "postgresql"])


def finding(measured: str, engine: str = "sqlite", *, kept: bool = True) -> Finding:
    return Finding("what", engine, measured, "0", kept)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "reliability.md"
    path.write_text(f"before\n\n{BEGIN}\n{END}\n\nafter\n", encoding="utf-8")
    return path


def rows(document: Path) -> list[Row]:
    lines = document.read_text(encoding="utf-8").splitlines()
    return [Row.of(line) for line in lines if line.startswith("| 2")]


def heads(document: Path) -> list[str]:
    return [line for line in document.read_text(encoding="utf-8").splitlines() if line.startswith("- ")]


def fully(document: Path) -> None:
    record = Record(document, "full", full=True, order=ORDER)
    record.put("b", "sqlite", [finding("b1"), finding("b2")])
    record.put("a", "postgresql", [finding("a2", "postgresql")])
    record.put("a", "sqlite", [finding("a1")])
    record.finish()


def test_rows_stand_in_order_between_the_marks_and_all_else_stays(document: Path) -> None:
    fully(document)
    text = document.read_text(encoding="utf-8")
    assert [row.finding.measured for row in rows(document)] == ["a1", "a2", "b1", "b2"]
    assert text.startswith(f"before\n\n{BEGIN}")
    assert text.endswith(f"{END}\n\nafter\n")
    (head,) = heads(document)
    assert head.startswith("- Last full run: 2")
    assert "`full`" in head
    assert "cores, Python 3" in head


def test_a_row_is_read_back_as_it_was_written(document: Path) -> None:
    odd = Finding("a | b", "sqlite", "two\nlines \\ and | a bar", "0 | 1", kept=False)
    record = Record(document, "x", full=False, order=ORDER)
    record.put("a", "sqlite", [odd])
    record.put("b", "sqlite", [])
    (row,) = rows(document)
    assert row.finding == Finding("a | b", "sqlite", "two lines \\ and | a bar", "0 | 1", kept=False)
    assert (row.run, len(row.date)) == ("a", 10)


def test_a_part_measured_again_replaces_its_own_rows_only_and_is_not_called_a_full_run(document: Path) -> None:
    fully(document)
    (full,) = heads(document)
    record = Record(document, "part", full=False, order=ORDER)
    record.put("b", "sqlite", [finding("b3")])
    record.finish()
    assert [row.finding.measured for row in rows(document)] == ["a1", "a2", "b3"]
    first, second = heads(document)
    assert first == full
    assert second.startswith("- Measured again: 2")
    assert "`part`" in second


def test_a_full_run_that_breaks_off_keeps_what_it_measured_and_what_it_did_not_reach(document: Path) -> None:
    fully(document)
    record = Record(document, "full again", full=True, order=ORDER)
    record.put("a", "sqlite", [finding("a3")])
    assert [row.finding.measured for row in rows(document)] == ["a3", "a2", "b1", "b2"]
    assert [head.endswith("not finished") for head in heads(document)] == [False, True]


def test_a_full_run_that_ends_forgets_what_is_not_measured_any_more(document: Path) -> None:
    fully(document)
    record = Record(document, "full again", full=True, order=ORDER)
    record.put("a", "sqlite", [finding("a3")])
    record.finish()
    assert [row.finding.measured for row in rows(document)] == ["a3"]
    assert len(heads(document)) == 1


def test_a_document_without_a_place_for_the_table_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("nothing", encoding="utf-8")
    with pytest.raises(NoTable):
        Record(tmp_path / "x.md", "x", full=True, order=ORDER)


def test_a_point_that_breaks_is_a_finding_and_the_run_goes_on(
    document: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(directory: Path, engine: str) -> list[Finding]:
        raise AssertionError("the portal did not come back\nand more of it")

    def absent(directory: Path, engine: str) -> list[Finding]:
        pytest.skip("PostgreSQL is not installed")

    def works(directory: Path, engine: str) -> Iterator[Finding]:
        yield finding("fine", engine)

    points = {"breaks": (breaks, {}), "absent": (absent, {}), "works": (works, {})}
    monkeypatch.setattr(runner, "POINTS", points)
    monkeypatch.setattr(runner, "configure_logging", lambda: None)
    assert runner.main(["--engine", "sqlite", "--record", str(document)]) == 1
    assert [(row.run, row.finding.measured, row.finding.kept) for row in rows(document)] == [
        ("breaks", "AssertionError: the portal did not come back", False),
        ("absent", "Skipped: PostgreSQL is not installed", False),
        ("works", "fine", True),
    ]
    assert "in breaks" in capsys.readouterr().err


def test_a_smaller_run_is_not_recorded(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        runner.main(["--share", "0.01", "--record", str(document)])
    assert "not together with --share" in capsys.readouterr().err
