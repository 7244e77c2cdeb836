"""A day of Betriebskostenabrechnung: a document for each of many persons, published, then looked for by everybody.

For each number of persons, in a database and a folder of its own: how long `mieterportal document publish` takes and
how much memory it needs at most; whether every resident finds theirs and no one else's, checked for all; and, of the
last number, whether any of so many random residents, all with a second factor, is served any of as many documents that
are not theirs: by its id, by a range of the file, by its preview, by search, in the export of their data. Each must be
served their own by all these ways. Ends with 1 if not.

Usage: python -m benchmarks.statements [PERSONS[,PERSONS…] [RESIDENTS [DOCUMENTS]]] [--processes N]
"""

import argparse
import csv
import logging
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

import structlog

from benchmarks.foreign import Asked, Paper, ask_all
from service.files.storage import Folder
from service.store import dokumente
from service.store.database import connected, transaction
from service.store.dokument_records import DokumentFilter
from service.store.owner import owner_of_person
from service.store.stammdaten import Aenderung, apply_changes, vertraege
from service.vorgang.dokumente import leser_of
from tests.support.dokumente import einheit, gebaeude, pdf, person, vertrag
from tests.support.inprocess import Portal
from tests.support.portal import MANDANT

PERSONS, RESIDENTS, DOCUMENTS = "10000,50000", 500, 500
MEMORY_MAX_MIB = 200
TODAY = date(2026, 11, 23)
_TOLD_AT_ONCE = 2000
_MARK = "statement"
_EVERY = 10


@dataclass
class Day:
    """One statement day: what was found, by name; `wrong` is what must not be."""

    persons: int
    seconds: float = 0.0
    peak_mib: float = 0.0
    checked: int = 0
    residents: int = 0
    asked: int = 0
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        return (
            f"{self.persons:>8} persons  {self.seconds:8.1f} s  {1000 * self.seconds / self.persons:6.2f} ms each  "
            f"peak {self.peak_mib:5.0f} MiB  lists checked {self.checked:>6}  "
            f"{self.residents:>4} residents have asked for {self.asked:>7} foreign documents  wrong {len(self.wrong)}"
        )


def name_of(number: int) -> str:
    return f"P{number:06d}"


def titel_of(number: int) -> str:
    return f"Abrechnung 2025 Zeichen {number:06d}"


@cache
def _paper() -> bytes:
    return pdf(_MARK)


def bytes_of(number: int) -> bytes:
    return _paper().replace(_MARK.encode(), f"{number:0{len(_MARK)}d}".encode())


def tell_persons(count: int) -> None:
    """Let immotion have told of so many tenants, eight to a building."""
    for start in range(0, count, _TOLD_AT_ONCE):
        numbers = range(start, min(start + _TOLD_AT_ONCE, count))
        told = [row for n in numbers for row in _of_person(n)]
        with connected(), transaction():
            apply_changes(MANDANT, [Aenderung(*one) for one in told], full_since=None)


def _of_person(n: int) -> Iterator[tuple[str, str, object]]:
    yield person(name_of(n))
    yield gebaeude(f"G{n // 8}")
    yield einheit(f"E{n}", f"G{n // 8}")
    yield vertrag(f"V{n}", name_of(n), f"E{n}")


def write_folder(folder: Path, count: int) -> None:
    """Write a small PDF for each person, and the list."""
    folder.mkdir()
    with (folder / "dokumente.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["datei", "art", "titel", "datum", "personNr", "vertragNr", "von", "bis", "loeschenNach"])
        for n in range(count):
            (folder / f"a{n}.pdf").write_bytes(bytes_of(n))
            days = ("2025-01-01", "2025-12-31", "2034-12-31")
            writer.writerow([f"a{n}.pdf", "BK_ABRECHNUNG", titel_of(n), "2026-10-01", name_of(n), f"V{n}", *days])


# A process counts as its own peak what the one that started it had: so a small one starts it and tells.
_MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def publish(day: Day, portal: Portal, folder: Path) -> None:
    """Run the command as the operator does, and take note of time and memory."""
    command = portal.installation.command("document", "publish", MANDANT, str(folder), "--yes")
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *command],
        env=portal.installation.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    said, _, peak = done.stdout.rstrip().rpartition("\n")
    day.seconds, day.peak_mib = time.monotonic() - begun, int(peak) / 1024
    if done.returncode != 0 or f"published: {day.persons} documents" not in said:
        day.wrong.append(f"publish: {said[-500:]}")
    if day.peak_mib > MEMORY_MAX_MIB:
        day.wrong.append(f"{day.peak_mib:.0f} MiB")


def check_lists(day: Day) -> list[str]:
    """See for everybody that the list holds their own document and nothing else; returns the ids of all of these."""
    keys = []
    for n in range(day.persons):
        with connected():
            found = dokumente.page(_leser(n), DokumentFilter(), limit=9)
        if [one.titel for one in found] != [titel_of(n)]:
            day.wrong.append(f"list of {name_of(n)}")
        keys += [str(one.id) for one in found[:1]]
        day.checked += 1
    return keys


def _leser(n: int):  # noqa: ANN202
    nr = name_of(n)
    return leser_of(MANDANT, [owner_of_person(MANDANT, nr)], vertraege(MANDANT, nr), TODAY)


def ask_for_foreign(day: Day, portal: Portal, keys: Sequence[str], asked: Asked) -> None:
    """Let residents ask for documents of others, and say now and then how far they are."""
    papers = [Paper(name_of(n), key, titel_of(n), bytes_of(n)) for n, key in enumerate(keys)]
    begun = time.monotonic()
    for found in ask_all(portal, papers, asked):
        day.residents, day.asked = day.residents + 1, day.asked + found.documents
        day.wrong += found.wrong
        if day.residents % _EVERY == 0:
            minutes = (time.monotonic() - begun) / 60
            print(
                f"   {minutes:5.1f} min  {day.residents} residents, {day.asked} documents, {len(day.wrong)} wrong",
                flush=True,
            )


def measure(persons: int, asked: Asked | None) -> Day:
    """Measure one day; with `asked`, residents ask for documents of others too."""
    day = Day(persons)
    with tempfile.TemporaryDirectory() as directory:
        portal = Portal(Path(directory))
        try:
            tell_persons(persons)
            write_folder(Path(directory) / "abrechnung", persons)
            publish(day, portal, Path(directory) / "abrechnung")
            keys = check_lists(day)
            kept = len(list(Folder(portal.settings.service.files).ids(portal.now.replace(year=2100))))
            if kept != persons:
                day.wrong.append(f"{kept} files kept")
            if asked is not None and not day.wrong:
                print(day.line(), flush=True)
                ask_for_foreign(day, portal, keys, asked)
        finally:
            portal.close()
    return day


def main(arguments: Sequence[str]) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # so that processes and folders go with a run that is ended
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statements")
    parser.add_argument("persons", nargs="?", default=PERSONS)
    parser.add_argument("residents", nargs="?", type=int, default=RESIDENTS)
    parser.add_argument("documents", nargs="?", type=int, default=DOCUMENTS)
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args(arguments)
    *first, last = (int(part) for part in given.persons.split(","))
    asked = Asked(given.residents, given.documents, given.processes)
    days = [*((persons, None) for persons in first), (last, asked if asked.residents else None)]
    wrong = 0
    for persons, questions in days:
        day = measure(persons, questions)
        print(day.line(), flush=True)
        for one in day.wrong[:20]:
            print("   wrong:", one)
        wrong += len(day.wrong)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
