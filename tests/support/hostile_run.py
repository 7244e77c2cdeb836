"""Takes every hostile file in, each in a process of its own, and says what it cost: python -m … FOLDER EVERY."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from service.files.documents import media_type_of
from service.files.intake import take_in
from service.files.refusal import FileRefused, Limits
from service.files.storage import Folder
from tests.support.hostile import hostile

MIB = 2**20
_BACKSTOP = 2**30  # what fails here is over its limit by far


@dataclass(frozen=True)
class Outcome:
    """`said` is a media type, a refusal or an error; `given` what it is if immotion sends it; peak in MiB, seconds."""

    name: str
    said: str
    kept_as: str
    given: str
    peak: int
    cpu: float
    wall: float


def main(folder: Path, every: int) -> None:
    """Write one line of JSON for each, or for every second, third and so on."""
    _in_a_child(lambda: _generate(folder))
    names = json.loads((folder / "names.json").read_text(encoding="utf-8"))
    for number in range(0, len(names), every):
        print(json.dumps(asdict(_measured(folder, number, names[number]))), flush=True)


def _generate(folder: Path) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for number, (name, data) in enumerate(hostile()):
        (folder / f"{number}.raw").write_bytes(data)
        names.append(name)
    (folder / "names.json").write_text(json.dumps(names), encoding="utf-8")
    return []


def _measured(folder: Path, number: int, name: str) -> Outcome:
    begun = time.monotonic()
    said, usage = _in_a_child(lambda: _taken(folder, number, name))
    wall = time.monotonic() - begun
    given, _ = _in_a_child(lambda: [media_type_of(folder / f"{number}.raw"), ""])
    peak, cpu = usage.ru_maxrss // 1024, usage.ru_utime + usage.ru_stime
    return Outcome(name, *said, given[0], peak, round(cpu, 2), round(wall, 2))


def _taken(folder: Path, number: int, name: str) -> list[str]:
    storage = Folder(folder / "place" / "files")
    try:
        with (folder / f"{number}.raw").open("rb") as file:
            kept = take_in(file, name, storage=storage, limits=Limits(), taken_files=0, taken_bytes=0)
    except FileRefused as refused:
        return [refused.refusal, refused.dateiname]
    return [kept.mime, kept.dateiname]


def _in_a_child(work: Callable[[], list[str]]) -> tuple[list[str], resource.struct_rusage]:
    """Run it apart; whatever it does, this process goes on. Its usage includes that of its own children."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _finish(writing, work)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status, usage = os.wait4(child, 0)
    return json.loads(told) if told else [f"died {status}", ""], usage


def _finish(writing: int, work: Callable[[], list[str]]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_BACKSTOP, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CPU, (60, resource.RLIM_INFINITY))
    try:
        told = work()
    except BaseException as fault:  # noqa: BLE001 - it is what is looked for
        told = [f"raised {type(fault).__name__}: {fault}", ""]
    os.write(writing, json.dumps(told).encode())
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
