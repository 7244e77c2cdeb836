"""HEIC, made a JPEG in a process of its own: a made-up file can crash the decoder, but not the portal."""

import resource
import subprocess
import sys
import threading
from pathlib import Path

from service.files.pictures import Writable, rewrite
from service.files.refusal import Refusal, Unfit

_CHUNK = 64 * 1024
_SECONDS = 60
_DAMAGED = 10
_TOO_MANY_PIXELS = 11
_REFUSALS = {_DAMAGED: Refusal.DAMAGED, _TOO_MANY_PIXELS: Refusal.TOO_MANY_PIXELS}
# The program and its libraries, then copies of the picture in the decoder and in Pillow.
_MEMORY_BASE = 2**30
_MEMORY_PER_PIXEL = 24


def convert(path: Path, target: Writable, *, pixels: int) -> str:
    """Write a HEIC's primary picture into `target` as JPEG and return the media type.

    `pixels` is the most a picture may have. Raises Unfit, also when the decoder crashes or takes longer than a minute,
    and OSError when the disk fails or the decoder cannot be started.
    """
    command = [sys.executable, "-P", "-m", "service.files.heic", str(path), str(pixels)]
    with subprocess.Popen(  # noqa: S603 - our own program, a path of ours and a number
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        clock = threading.Timer(_SECONDS, child.kill)
        clock.start()
        try:
            while child.stdout and (chunk := child.stdout.read(_CHUNK)):
                target.write(chunk)
            code = child.wait()
        finally:
            clock.cancel()
            child.kill()
    return _verdict(code)


def _verdict(code: int) -> str:
    """Translate how the child ended; below 0 a signal has ended it."""
    if code < 0:
        raise Unfit(Refusal.DAMAGED)
    if code in _REFUSALS:
        raise Unfit(_REFUSALS[code])
    if code != 0:
        raise ChildProcessError(f"the HEIC decoder ended with {code}")
    return "image/jpeg"


def _main(path: Path, pixels: int) -> int:
    """Run in the child: write the JPEG to standard output and return the exit code."""
    import pi_heif  # noqa: PLC0415 - only the child may load the decoder

    memory = _MEMORY_BASE + _MEMORY_PER_PIXEL * pixels
    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, _SECONDS), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(what, (most, most))
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    try:
        rewrite(path, sys.stdout.buffer, pixels=pixels, formats=("HEIF",))
        sys.stdout.buffer.flush()
    except Unfit as unfit:
        return _TOO_MANY_PIXELS if unfit.refusal is Refusal.TOO_MANY_PIXELS else _DAMAGED
    except Exception:  # noqa: BLE001 - this process exists for one file, so what fails is the file
        return _DAMAGED
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), int(sys.argv[2])))
