"""HEIC, made a JPEG in a process of its own: a made-up file can crash the decoder, but not the portal."""

import sys
from pathlib import Path

from service.files import child
from service.files.pictures import Writable, rewrite
from service.files.refusal import Refusal, Unfit

_SECONDS = 60
# The program and its libraries, then copies of the picture in the decoder and in Pillow.
_MEMORY_BASE = 2**30
_MEMORY_PER_PIXEL = 24


def convert(path: Path, target: Writable, *, pixels: int) -> str:
    """Write a HEIC's primary picture into `target` as JPEG and return the media type.

    `pixels` is the most a picture may have. Raises Unfit, also when the decoder crashes or takes longer than a minute,
    and OSError when the disk fails or the decoder cannot be started.
    """
    child.run("service.files.heic", str(path), str(pixels), target=target, seconds=_SECONDS)
    return "image/jpeg"


def _main(path: Path, pixels: int) -> int:
    """Run in the child: write the JPEG to standard output and return the exit code."""
    import pi_heif  # noqa: PLC0415 - only the child may load the decoder

    child.limit(memory=_MEMORY_BASE + _MEMORY_PER_PIXEL * pixels, seconds=_SECONDS)
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    try:
        rewrite(path, sys.stdout.buffer, pixels=pixels, formats=("HEIF",))
        sys.stdout.buffer.flush()
    except Unfit as unfit:
        return child.code_of(unfit)
    except Exception:  # noqa: BLE001 - this process exists for one file, so what fails is the file
        return child.code_of(Unfit(Refusal.DAMAGED))
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), int(sys.argv[2])))
