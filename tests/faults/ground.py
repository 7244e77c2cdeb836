"""What the fault harness stands on: a database of the engine in question, and its store opened in this process."""

import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import structlog

from service.settings import Settings, load_settings
from service.store.database import database, open_database
from service.store.migrate import migrate
from tests.faults.points import Finding
from tests.support.engines import Server, server
from tests.support.portal import Installation

T = TypeVar("T")
_TIMED = re.compile("as a ratio|longest time|had been back")


@contextmanager
def installed(
    directory: Path, engine: str, *, immotion: str = "", extra: str = ""
) -> Iterator[tuple[Installation, Server | None]]:
    """Give an installation of this engine, nothing started, and its database server if there is one.

    `immotion` is added to the settings of its channel, `extra` to all of them.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if engine == "sqlite":
        with _programs_of(Installation(directory, immotion=immotion, extra=extra)) as installation:
            yield installation, None
        return
    place = directory / "database"
    place.mkdir()
    with (
        server(engine, place) as running,
        _programs_of(Installation(directory, running.url, immotion=immotion, extra=extra)) as installation,
    ):
        yield installation, running


@contextmanager
def _programs_of(installation: Installation) -> Iterator[Installation]:
    try:
        yield installation
    finally:
        installation.stop_all()


@contextmanager
def opened(installation: Installation) -> Iterator[Settings]:
    """Open the installation's store in this process, whose log is silent meanwhile, and give its settings."""
    open_database(installation.database)
    migrate()
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield load_settings(installation.config)
    finally:
        structlog.configure(**before)
        database.obj.close_all()


def p95(values: list[float]) -> float:
    """Return the value that 95 of 100 stay under."""
    return sorted(values)[int(len(values) * 0.95)]


def at_last(look: Callable[[], T], enough: Callable[[T], bool], seconds: float = 60) -> T:
    """Look until it is enough or the time is over; return what was seen last, which the caller judges."""
    until = time.monotonic() + seconds
    while not enough(seen := look()) and time.monotonic() < until:
        time.sleep(0.1)
    return seen


def untimed(findings: Iterable[Finding]) -> list[Finding]:
    """Leave out what depends on how fast the machine is: no test asserts times."""
    return [finding for finding in findings if not _TIMED.search(finding.point)]
