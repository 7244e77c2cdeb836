"""Measure every promise of delivery, on every engine, and print one table.

    python -m tests.faults [--share 0.01] [--engine sqlite] [--only cuts] [--record docs/reliability.md]

`--share` makes every number that much smaller; `--record` puts the table into a document, with date, command and
machine: all of it, or with `--only` and `--engine` the rows of those points and engines.
"""

import argparse
import os
import shlex
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benchmarks import forwarding
from service.log import configure_logging
from tests.faults import clocks, cuts, databases, disks, events, filedrop, keys, leases, mails, outage, submissions
from tests.faults.points import Finding, broken, table
from tests.faults.recording import Order, Record
from tests.support.databases import ENGINES

Measure = Callable[..., list[Finding]]

# what each point does at full size; a number that a smaller run must not go below stands beside it
POINTS: dict[str, tuple[Measure, dict[str, tuple[int, int]]]] = {
    "submissions": (submissions.measure, {"submissions": (10_000, 50), "kills": (200, 4)}),
    "cuts": (cuts.measure, {"cuts": (1000, 10), "keys": (1000, 5)}),
    "leases": (leases.measure, {"stops": (200, 4)}),
    "outage": (outage.measure, {"hours": (72, 1), "waiting": (5000, 50), "poison": (50, 8), "healthy": (1000, 40)}),
    "events": (events.measure, {"events": (10_000, 100)}),
    "filedrop": (filedrop.measure, {"vorgaenge": (1000, 20), "stops": (200, 8)}),
    "mails": (mails.measure, {"count": (1000, 60), "kills": (20, 2)}),
    "databases": (databases.measure, {"restarts": (100, 2)}),
    "disks": (disks.measure, {}),
    "clocks": (clocks.measure, {"waiting": (500, 50)}),
    "keys": (keys.measure, {"rotations": (20, 1)}),
    "forwarding": (forwarding.measure, {"rows": (4000, 400)}),
}


def main(arguments: list[str] | None = None) -> int:
    """Measure what the command line asks for; returns 1 if a promise was not kept."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _options(arguments)
    configure_logging()  # as the workers log, not as a terminal is written to
    record = _record(options, arguments)
    findings = []
    for name in options.only or POINTS:
        for engine in options.engine or ENGINES:
            found = _measure(name, engine, options.share or 1.0)
            findings += found
            if record is not None:
                record.put(name, engine, found)
    if record is not None:
        record.finish()
    print(f"\n{table(findings)}")
    return 0 if all(finding.kept for finding in findings) else 1


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Measure the promises of delivery.")
    parser.add_argument("--share", type=float, help="how much of the full size, e.g. 0.01")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="only this one (may be repeated)")
    parser.add_argument("--only", action="append", choices=list(POINTS), help="only this point (may be repeated)")
    parser.add_argument("--record", type=Path, help="the document that keeps the table")
    options = parser.parse_args(arguments)
    if options.record and options.share is not None:
        parser.error("--record keeps what was measured at full size: not together with --share")
    return options


def _record(options: argparse.Namespace, arguments: list[str]) -> Record | None:
    if not options.record:
        return None
    command = shlex.join(["python", "-m", "tests.faults", *arguments])
    order = Order(list(POINTS), list(ENGINES))
    return Record(options.record, command, full=not (options.only or options.engine), order=order)


def _measure(name: str, engine: str, share: float) -> list[Finding]:
    """Measure one point on one engine; whatever goes wrong in it is a finding, and the run goes on."""
    measure, sizes = POINTS[name]
    chosen = {size: max(least, round(full * share)) for size, (full, least) in sizes.items()}
    begun, findings = time.monotonic(), []
    try:
        with TemporaryDirectory(prefix=f"faults-{name}-") as directory, _readable(directory):
            findings += measure(Path(directory), engine, **chosen)
    except (Exception, pytest.skip.Exception) as fault:  # noqa: BLE001 - hours of measuring must not be lost to it
        traceback.print_exc()
        findings.append(broken(name, engine, fault))
    for finding in findings:
        print(f"{'kept ' if finding.kept else 'BROKEN'} {finding.engine:<10} {finding.point}: {finding.measured}")
    print(f"       {name} on {engine} took {time.monotonic() - begun:.0f} s", flush=True)
    return findings


@contextmanager
def _readable(directory: str) -> Iterator[None]:
    """Let the database servers' own accounts pass through the folder."""
    os.chmod(directory, 0o755)  # noqa: PTH101, S103 - a folder of this run alone
    yield


if __name__ == "__main__":
    sys.exit(main())
