"""Ports that nobody uses."""

import random
import socket
from contextlib import suppress

# Below those that outgoing connections take (on Linux from 32768 on), which one of these might else become.
_OURS = range(15_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """Return a port of loopback that was free a moment ago, and that this process has not given out before."""
    while True:
        port = random.choice(_OURS)  # noqa: S311 - processes that run at the same time should not collide
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port
