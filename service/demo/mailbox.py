"""The demo's mail server: it takes every mail and lays it into a folder, as it is and as text; none goes any further.

As much of SMTP (RFC 5321) as one sender on this machine needs.
"""

import socketserver
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import click
from typing_extensions import override

_LONGEST_LINE = 64 * 1024
_GOOD = {b"EHLO", b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP"}


class Session(socketserver.StreamRequestHandler):
    """One connection."""

    folder: ClassVar[Path]

    @override
    def handle(self) -> None:
        self._say(b"220 demo")
        for line in self._lines():
            verb = line[:4].upper()
            if verb == b"QUIT":
                self._say(b"221 bye")
                return
            if verb == b"DATA":
                self._take()
            else:
                self._say(b"250 demo" if verb in _GOOD else b"502 not here")

    def _take(self) -> None:
        self._say(b"354 go on, end with a dot")
        lines: list[bytes] = []
        for line in self._lines():
            if line == b".\r\n":
                self._keep(b"".join(lines))
                self._say(b"250 kept")
                return
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)

    def _keep(self, mail: bytes) -> None:
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"
        (self.folder / f"{name}.eml").write_bytes(mail)
        (self.folder / f"{name}.txt").write_text(_readable(mail), encoding="utf-8")

    def _say(self, text: bytes) -> None:
        self.wfile.write(text + b"\r\n")

    def _lines(self) -> Iterator[bytes]:
        return iter(lambda: self.rfile.readline(_LONGEST_LINE), b"")


def _readable(mail: bytes) -> str:
    """Return a mail as people read it: to whom, subject and plain text, whose links can be copied."""
    message = message_from_bytes(mail, policy=default)
    body = message.get_body(("plain",))
    text = body.get_content() if body is not None else ""
    return f"An: {message['To']}\nBetreff: {message['Subject']}\n\n{text}"


class Server(socketserver.ThreadingTCPServer):
    """Serves this machine only."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(("127.0.0.1", port), type("_Session", (Session,), {"folder": folder}))


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), required=True)
def main(port: int, folder: Path) -> None:
    """Take mails until SIGTERM."""
    with Server(port, folder) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
