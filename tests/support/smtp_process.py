"""An SMTP server as a program of its own, to be killed: `python -m tests.support.smtp_process PORT FILE`.

A mail is on the disk, as its Message-ID and whom it is to, before the server says yes.
"""

import os
import sys
import threading
from email import message_from_bytes
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


class Taker:
    def __init__(self, path: Path) -> None:
        self._path = path

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        message_id = message_from_bytes(envelope.content)["Message-ID"]
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{message_id} {envelope.rcpt_tos[0]}\n")
            file.flush()
            os.fsync(file.fileno())
        return "250 2.0.0 taken"


def main() -> None:
    Controller(Taker(Path(sys.argv[2])), hostname="127.0.0.1", port=int(sys.argv[1])).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
