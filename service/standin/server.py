"""Runs the stand-in as a real HTTP server: gunicorn with one process and many threads, on this machine only."""

import os
import sys
from pathlib import Path
from types import FrameType

from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from service.standin import webhook
from service.standin.app import App, app_for
from service.standin.faults import FaultSwitch
from service.standin.folder import FolderSide
from service.standin.ledger import Ledger

THREADS = 192


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """A worker that lets waiting calls go when it is told to stop, so that stopping takes no longer than they work."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.app.ledger is not None:
            self.app.ledger.stop()
        super().handle_exit(sig, frame)

    def handle_quit(self, _sig: int, _frame: FrameType | None) -> None:
        os._exit(0)


class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """gunicorn without command line and settings files."""

    def __init__(
        self, address: str, ledger: Path, token: str | None, hook: webhook.Hook | None, folder: tuple[Path, str] | None
    ) -> None:
        self._address = address
        self._path = ledger
        self._token = token
        self._hook = hook
        self._folder = folder
        self.ledger: Ledger | None = None
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": self._address,
            "workers": 1,
            "worker_class": Worker,
            "threads": THREADS,
            "worker_connections": 2000,
            "backlog": 2048,
            "keepalive": 60,
            "timeout": 120,
            "graceful_timeout": 2,
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": _say_ready,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> App:
        self.ledger = Ledger(self._path)
        if self._hook is not None:
            webhook.start(self.ledger, self._hook)
        switch = FaultSwitch()
        if self._folder:
            FolderSide(self.ledger, switch, *self._folder).start()
        return app_for(self.ledger, self._token, switch)


def _say_ready(arbiter: object) -> None:
    for listener in getattr(arbiter, "LISTENERS", ()):
        sys.stdout.write(f"Nachbau von immotion (für Tests und Vorführungen): {listener}\n")
    sys.stdout.flush()


def run(  # noqa: PLR0913 - what can be chosen
    port: int,
    ledger: Path,
    *,
    token: str | None = None,
    hook: webhook.Hook | None = None,
    folder: tuple[Path, str] | None = None,
    host: str = "127.0.0.1",
) -> None:
    """Serve until SIGTERM or SIGINT; does not return. Port 0 takes a free one, which is printed.

    The ledger is created if it is not there. With `token`, callers of the interface must show it as bearer token; with
    `hook`, the portal is told when the feed has grown. With `folder`, a directory and its Mandant, the stand-in is also
    the other side of a file drop.
    """
    Server(f"{host}:{port}", ledger.resolve(), token, hook, folder).run()
