"""A process with several of the worker's feed loops, for tests that want many readers: `python -m …pollers 4`."""

import signal
import sys
import threading

from service.log import configure_logging
from service.settings import load_settings
from service.store.database import open_database
from service.sync.worker import _Worker


def main(loops: int) -> None:
    """Read the feeds of every Mandant with so many loops at once until SIGTERM."""
    configure_logging()
    settings = load_settings()
    open_database(settings.service.database)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    worker = _Worker(settings)
    connections = {name: one.immotion for name, one in settings.mandanten.items() if one.immotion is not None}
    threads = [
        threading.Thread(target=worker._feed_loop, args=[name, immotion, stop])
        for name, immotion in connections.items()
        for _ in range(loops)
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(int(sys.argv[1]))
