"""Mails go out while server and the sync worker are killed in turn: none is lost, one doubled per kill at most."""

import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from service.store import mails
from service.store.database import connected, transaction
from tests.faults.ground import at_last, installed, opened
from tests.faults.killer import crew_of, kill
from tests.faults.points import Finding
from tests.support.portal import MANDANT, Installation
from tests.support.ports import free_port

_SERVER, _SYNC = "smtp", "sync"


def measure(directory: Path, engine: str, *, count: int = 1000, kills: int = 20) -> list[Finding]:
    """Send so many mails; the server and the worker are killed (-9) in turn, so often, and started again."""
    port = free_port()
    box = directory / "taken"
    directory.mkdir(parents=True, exist_ok=True)
    box.touch()
    with installed(directory, engine, extra=_settings(port)) as (installation, _), opened(installation):
        _owe(count)
        _start(installation, port, box)
        installation.start(_SYNC, "sync", "run")
        for number in range(kills):
            due = (number + 1) * count // (kills + 1)
            at_last(lambda: len(_taken(box)), lambda taken, due=due: taken >= due)
            _strike(installation, _SYNC if number % 2 else _SERVER)
            if number % 2:
                installation.start(_SYNC, "sync", "run")
            else:
                _start(installation, port, box)
        left = at_last(_waiting, lambda waiting: waiting == 0, seconds=120)
    return _judge(engine, _taken(box), count=count, kills=kills, left=left)


def _settings(port: int) -> str:
    given = f'host = "127.0.0.1"\nport = {port}\ntls = "none"\nsender = "portal@x.example"\ntimeout_s = 1'
    return f"[service.mail]\n{given}\n"


def _owe(count: int) -> None:
    now = datetime.now(UTC)
    with connected(), transaction():
        for number in range(count):
            facts = {"vorgang": f"2026-{number:06}", "key": str(uuid4()), "connection": "website", "art": "stand"}
            to = f"{number}@x.example"
            mails.owe(MANDANT, mails.NEUES, recipient=to, lang="de", facts=facts, now=now)


def _start(installation: Installation, port: int, box: Path) -> None:
    installation.start_command(_SERVER, [sys.executable, "-m", "tests.support.smtp_process", str(port), str(box)])


def _strike(installation: Installation, name: str) -> None:
    program = installation.processes.pop(name)
    for pid in crew_of(program.pid):
        kill(pid)
    program.kill()
    program.wait()


def _taken(box: Path) -> list[tuple[str, str]]:
    """Return Message-ID and recipient of all that the server has taken; a line that was cut is no mail."""
    lines = [line.split() for line in box.read_text(encoding="utf-8").splitlines()]
    return [(line[0], line[1]) for line in lines if len(line) > 1]


def _waiting() -> int:
    with connected():
        return mails.backlogs([MANDANT], datetime.now(UTC))[MANDANT].waiting


def _judge(engine: str, taken: list[tuple[str, str]], *, count: int, kills: int, left: int) -> list[Finding]:
    by_recipient = Counter(recipient for _, recipient in taken)
    lost, doubled = count - len(by_recipient), len(taken) - len(by_recipient)
    ids = len(set(taken))
    what = f"{count:,} mails, SMTP server and sync worker killed {kills} times"
    return [
        Finding(f"{what}: lost, or still waiting", engine, f"{lost} lost, {left} waiting", "0", lost == left == 0),
        Finding(f"{what}: doubled", engine, f"{doubled}", "at most one per kill", doubled <= kills),
        Finding(
            f"{what}: doubles with another Message-ID",
            engine,
            f"{ids - len(by_recipient)}",
            "0",
            ids == len(by_recipient),
        ),
    ]
