"""What every measured point of the reliability table is made of, and how the table looks."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One measured figure. `kept` says whether the promise beside it was kept."""

    point: str
    engine: str
    measured: str
    promised: str
    kept: bool


def table(findings: Iterable[Finding]) -> str:
    """Return the findings as a Markdown table."""
    lines = ["| point | engine | measured | promised | kept |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {f.point} | {f.engine} | {f.measured} | {f.promised} | {'yes' if f.kept else 'NO'} |" for f in findings
    ]
    return "\n".join(lines)


def broken(run: str, engine: str, fault: BaseException) -> Finding:
    """Return what is to be said of a point that could not be measured to its end."""
    first = str(fault).partition("\n")[0]
    return Finding(
        f"{run}, measured to its end", engine, f"{type(fault).__name__}: {first}", "no fault of its own", False
    )
