"""A process for one file: a made-up file can crash or fill it, but not the portal."""

import resource
import subprocess
import sys
import threading
from math import ceil
from typing import IO, Protocol

from service.files.refusal import Refusal, Unfit

_CHUNK = 64 * 1024
_CODES = {10: Refusal.DAMAGED, 11: Refusal.TOO_MANY_PIXELS, 12: Refusal.ENCRYPTED}


class Sink(Protocol):
    """Where its output goes."""

    def write(self, data: bytes, /) -> int:
        """Append data."""
        ...


def run(module: str, *arguments: str, target: Sink | None, seconds: float, source: IO[bytes] | None = None) -> None:
    """Run one of our modules for a file and write what it prints into `target`; `source` is what it reads, if any.

    Raises Unfit with what it found, DAMAGED also when it crashes or takes longer; OSError when the disk fails or it
    cannot be started.
    """
    command = [sys.executable, "-P", "-m", module, *arguments]
    with subprocess.Popen(  # noqa: S603 - our own program, a path of ours and numbers
        command,
        stdin=subprocess.DEVNULL if source is None else source,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        clock = threading.Timer(seconds, child.kill)
        clock.start()
        try:
            while child.stdout and (chunk := child.stdout.read(_CHUNK)):
                if target is not None:
                    target.write(chunk)
            code = child.wait()
        finally:
            clock.cancel()
            child.kill()
    if code < 0:  # a signal has ended it
        raise Unfit(Refusal.DAMAGED)
    if code in _CODES:
        raise Unfit(_CODES[code])
    if code != 0:
        raise ChildProcessError(f"{module} ended with {code}")


def code_of(unfit: Unfit) -> int:
    """Return how a child ends that has found this."""
    return next((code for code, refusal in _CODES.items() if refusal is unfit.refusal), 10)


def limit(*, memory: int, seconds: int) -> None:
    """Let this process use so many bytes at most, and so many seconds of a processor from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = ceil(used.ru_utime + used.ru_stime + seconds)
    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, until), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (allowed, allowed))
