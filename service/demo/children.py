"""The demo's child processes: started with a log each, waited for, stopped in order."""

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

STOP_S = 15.0
_TAIL_LINES = 15
_OK = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """A program to run: its name, its arguments, and the address that answers 200 when it is ready, if it has one."""

    name: str
    command: Sequence[str]
    ready: str = ""


class Child:
    """A running program. Its own session keeps Ctrl-C from reaching it before the runner stops it in order."""

    def __init__(self, plan: Plan, log: Path, environment: Mapping[str, str]) -> None:
        self.plan = plan
        self._log = log / f"{plan.name}.log"
        self._from = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as file:
            self._process = subprocess.Popen(  # noqa: S603 - the project's own programs
                plan.command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=dict(os.environ) | dict(environment),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def answers(self) -> bool:
        """Tell whether it is ready."""
        if not self.plan.ready:
            return True
        parts = urlsplit(self.plan.ready)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=2)
        try:
            connection.request("GET", parts.path)
            return connection.getresponse().status == _OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def last_words(self) -> str:
        """Return the last lines that it wrote since this start."""
        with self._log.open("rb") as file:
            file.seek(self._from)
            lines = file.read().decode("utf-8", "replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:])

    def stop(self) -> None:
        """Ask it to end, wait, and end it by force if it does not."""
        if self.code is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.end_by_force()

    def end_by_force(self) -> None:
        """End it and every process that it began."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def stop_all(children: Sequence[Child]) -> None:
    """Stop the children, last started first."""
    for child in reversed(children):
        child.stop()


def first_dead(children: Sequence[Child]) -> Child | None:
    """Return a child that has ended, if there is one."""
    return next((child for child in children if child.code is not None), None)


def wait_until_ready(child: Child, seconds: float, pause: float = 0.05) -> bool:
    """Wait for a child to answer; False when it ends or the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if child.code is not None:
            return False
        if child.answers():
            return True
        time.sleep(pause)
    return False
