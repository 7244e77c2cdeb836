"""The table of the last full run in a document, written after each point: a run broken off keeps its figures."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.points import Finding

BEGIN, END = "<!-- last full run -->", "<!-- end of the last full run -->"
_HEAD = "| date | run | engine | point | measured | promised | kept |"
_RULE = "| --- | --- | --- | --- | --- | --- | --- |"
_CELL = re.compile(r"(?<!\\)\|")
_FULL, _PART = "Last full run: ", "Measured again: "


class NoTable(Exception):
    """The document has no place for the table."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a finding, when it was measured, and by which of the harness's points."""

    date: str
    run: str
    finding: Finding

    def line(self) -> str:
        one = self.finding
        cells = [self.date, self.run, one.engine, one.point, one.measured, one.promised, "yes" if one.kept else "NO"]
        return f"| {' | '.join(_cell(text) for text in cells)} |"

    @staticmethod
    def of(line: str) -> "Row":
        """Read a line back; raises ValueError for one that is none of ours."""
        cells = [cell.strip().replace(r"\|", "|") for cell in _CELL.split(line.strip())[1:-1]]
        date, run, engine, point, measured, promised, kept = cells
        return Row(date, run, Finding(point, engine, measured, promised, kept == "yes"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


@dataclass(frozen=True, slots=True)
class Order:
    """In which order the rows stand: by point, then by engine."""

    runs: Sequence[str]
    engines: Sequence[str]

    def place(self, row: Row) -> tuple[int, int]:
        runs, engines = list(self.runs), list(self.engines)
        known = row.run in runs and row.finding.engine in engines
        return (runs.index(row.run), engines.index(row.finding.engine)) if known else (len(runs), 0)


class Record:
    """Keeps the table of one document while a run goes on.

    A full run replaces the table, row by row as they are measured; one of some points or engines replaces their rows
    only. What was measured when stands in the rows, what measured it above them.
    """

    def __init__(self, document: Path, command: str, *, full: bool, order: Order) -> None:
        """Begin; raises NoTable for a document without the two marks."""
        self._document = document
        self._full = full
        self._order = order
        self._day = f"{datetime.now(UTC):%Y-%m-%d}"
        self._run = f"{self._day}, `{command}`, {os.cpu_count()} cores, Python {platform.python_version()}"
        self._measured: set[tuple[str, str]] = set()
        self._read()

    def put(self, run: str, engine: str, findings: Sequence[Finding]) -> None:
        """Write what a point has found on an engine in place of what it had found there before."""
        heads, rows = self._read()
        kept = [row for row in rows if (row.run, row.finding.engine) != (run, engine)]
        self._measured.add((run, engine))
        self._write(self._heads(heads, done=False), kept + [Row(self._day, run, one) for one in findings])

    def finish(self) -> None:
        """Say that the run came to its end; what a full run did not measure any more is forgotten."""
        heads, rows = self._read()
        if self._full:
            rows = [row for row in rows if (row.run, row.finding.engine) in self._measured]
        self._write(self._heads(heads, done=True), rows)

    def _heads(self, heads: list[str], *, done: bool) -> list[str]:
        """Return the lines above the table: an unfinished full run stands beside the one that it has not replaced."""
        earlier = [head for head in heads if self._run not in head]
        if not self._full:
            return [*earlier, _PART + self._run]
        return [_FULL + self._run] if done else [*earlier, f"{_FULL}{self._run}, not finished"]

    def _read(self) -> tuple[list[str], list[Row]]:
        _, table, _ = self._parts()
        heads = [line.removeprefix("- ") for line in table.splitlines() if line.startswith("- ")]
        lines = [line for line in table.splitlines() if line.startswith("|") and line not in {_HEAD, _RULE}]
        return heads, [Row.of(line) for line in lines]

    def _write(self, heads: list[str], rows: list[Row]) -> None:
        before, _, after = self._parts()
        listed = "\n".join(f"- {head}" for head in heads)
        table = "\n".join([_HEAD, _RULE, *(row.line() for row in sorted(rows, key=self._order.place))])
        fresh = self._document.with_name(f"{self._document.name}.new")
        fresh.write_text(f"{before}{BEGIN}\n\n{listed}\n\n{table}\n\n{END}{after}", encoding="utf-8")
        fresh.replace(self._document)

    def _parts(self) -> tuple[str, str, str]:
        text = self._document.read_text(encoding="utf-8")
        before, begins, rest = text.partition(BEGIN)
        table, ends, after = rest.partition(END)
        if not begins or not ends:
            raise NoTable(f"{self._document}: no lines {BEGIN} and {END}")
        return before, table, after
