"""Measure every promise of delivery, on every engine, and print one table.

    python -m tests.faults [--share 0.01] [--engine sqlite] [--only cuts] [--record docs/reliability.md]

`--share` makes every number that much smaller; `--record` puts the table into a document, with date, command and
machine.
"""

import argparse
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import forwarding
from service.log import configure_logging
from tests.faults import clocks, cuts, databases, disks, events, filedrop, leases, outage, submissions
from tests.faults.points import Finding, table
from tests.support.databases import ENGINES

Measure = Callable[..., list[Finding]]

# what each point does at full size; a number that a smaller run must not go below stands beside it
POINTS: dict[str, tuple[Measure, dict[str, tuple[int, int]]]] = {
    "submissions": (submissions.measure, {"submissions": (10_000, 50), "kills": (200, 4)}),
    "cuts": (cuts.measure, {"cuts": (1000, 10), "keys": (1000, 5)}),
    "leases": (leases.measure, {"stops": (200, 4)}),
    "outage": (outage.measure, {"hours": (72, 1), "waiting": (5000, 50), "poison": (50, 6), "healthy": (1000, 30)}),
    "events": (events.measure, {"events": (10_000, 100)}),
    "filedrop": (filedrop.measure, {"vorgaenge": (1000, 20), "stops": (200, 8)}),
    "databases": (databases.measure, {"restarts": (100, 2)}),
    "disks": (disks.measure, {}),
    "clocks": (clocks.measure, {"waiting": (500, 50)}),
    "forwarding": (forwarding.measure, {"rows": (4000, 400)}),
}
_BEGIN, _END = "<!-- last full run -->", "<!-- end of the last full run -->"


def main() -> int:
    """Measure what the command line asks for; returns 1 if a promise was not kept."""
    options = _options()
    configure_logging()  # as the workers log, not as a terminal is written to
    findings = []
    for name in options.only or POINTS:
        for engine in options.engine or ENGINES:
            findings += _measure(name, engine, options.share)
    shown = table(findings)
    print(f"\n{shown}")
    if options.record:
        _record(options.record, shown)
    return 0 if all(finding.kept for finding in findings) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Measure the promises of delivery.")
    parser.add_argument("--share", type=float, default=1.0, help="how much of the full size, e.g. 0.01")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="only this one (may be repeated)")
    parser.add_argument("--only", action="append", choices=list(POINTS), help="only this point (may be repeated)")
    parser.add_argument("--record", type=Path, help="the document that keeps the table")
    return parser.parse_args()


def _measure(name: str, engine: str, share: float) -> list[Finding]:
    measure, sizes = POINTS[name]
    chosen = {size: max(least, round(full * share)) for size, (full, least) in sizes.items()}
    begun = time.monotonic()
    with TemporaryDirectory(prefix=f"faults-{name}-") as directory, _readable(directory):
        findings = measure(Path(directory), engine, **chosen)
    for finding in findings:
        print(f"{'kept ' if finding.kept else 'BROKEN'} {finding.engine:<10} {finding.point}: {finding.measured}")
    print(f"       {name} on {engine} took {time.monotonic() - begun:.0f} s", flush=True)
    return findings


@contextmanager
def _readable(directory: str) -> Iterator[None]:
    """Let the database servers' own accounts pass through the folder."""
    os.chmod(directory, 0o755)  # noqa: PTH101, S103 - a folder of this run alone
    yield


def _record(document: Path, shown: str) -> None:
    command = shlex.join(["python", "-m", "tests.faults", *sys.argv[1:]])
    head = f"{datetime.now(UTC):%Y-%m-%d}, `{command}`, {os.cpu_count()} cores, Python {platform.python_version()}"
    text = document.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    document.write_text(f"{before}{_BEGIN}\n\n{head}\n\n{shown}\n\n{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
