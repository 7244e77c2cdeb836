"""A sync worker of the file drop that can be held where it would do harm if it slept: `python -m tests.faults.drowsy`.

While the file named by DROWSY_WHILE exists, every other package waits before it is numbered, and all others when they
are packed and not yet looked at for the last time.
"""

import os
import time
from pathlib import Path

from service.cli import main
from service.store.records import OutboxItem
from service.sync.immotion.filedrop import channel as channels

_flag = Path(os.environ["DROWSY_WHILE"])
_begin = channels.FileDropChannel.begin
_write_package = channels.write_package


def _wait() -> None:
    while _flag.exists():
        time.sleep(0.02)


def _held_begin(channel: channels.FileDropChannel, item: OutboxItem) -> None:
    _begin(channel, item)
    if item.id % 2:
        _wait()


def _held_write_package(*arguments: object) -> None:
    _write_package(*arguments)  # type: ignore[arg-type] # whatever it takes
    _wait()


channels.FileDropChannel.begin = _held_begin  # type: ignore[method-assign] # the whole point of this program
channels.write_package = _held_write_package

if __name__ == "__main__":
    main(["sync", "run"])
