"""The real clamd: what it finds, what it cannot look into, and that nothing is taken for clean while it is away."""

import errno
import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.doctor_files import examine_files
from service.files.intake import StoredFile, take_in
from service.files.refusal import FileRefused, Limits, Refusal
from service.files.scan import Clamd, ScannerAway, ScanState
from service.files.storage import Folder, Held
from service.settings import ScanSettings, load_settings
from service.store.database import open_database
from service.store.migrate import migrate
from tests.support.clamd import EICAR, ClamdServer, clamd_server
from tests.support.portal import Installation
from tests.support.ports import free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClamdServer]:
    with clamd_server(tmp_path_factory.mktemp("clamd")) as running:
        yield running


@pytest.fixture(params=["address", "socket"])
def clamd(request: pytest.FixtureRequest, server: ClamdServer) -> Clamd:
    return Clamd(getattr(server, request.param), 20)


def with_eicar(samples: Path) -> bytes:
    return (samples / "page.pdf").read_bytes() + b"\n%" + EICAR + b"\n"


def taken(storage: Folder, data: bytes, name: str = "a.pdf") -> StoredFile:
    return take_in(io.BytesIO(data), name, storage=storage, limits=Limits(), taken_files=0, taken_bytes=0)


def test_the_test_virus_is_found_and_a_page_is_clean(clamd: Clamd, samples: Path) -> None:
    assert clamd.version().startswith("ClamAV")
    assert clamd.look(io.BytesIO(EICAR)).state is ScanState.INFECTED
    assert "Eicar" in clamd.look(io.BytesIO(with_eicar(samples))).found
    assert clamd.look(io.BytesIO((samples / "page.pdf").read_bytes())).state is ScanState.CLEAN
    assert clamd.look(io.BytesIO(b"")).state is ScanState.CLEAN


def test_what_it_cannot_look_into_is_not_clean(clamd: Clamd, server: ClamdServer, samples: Path) -> None:
    too_long = clamd.look(io.BytesIO(bytes(server.stream_max + 2**20)))
    assert (too_long.state, too_long.found) == (ScanState.UNSCANNABLE, "SIZE")
    locked = clamd.look(io.BytesIO((samples / "locked.pdf").read_bytes()))
    assert locked.state is ScanState.UNSCANNABLE
    assert locked.found.startswith("Heuristics.Encrypted")


@contextmanager
def answering(answer: bytes | None, version: bytes = b"") -> Iterator[str]:
    """Listen like a clamd that says this to every file, or hangs up at once."""
    with socket.create_server(("127.0.0.1", free_port())) as listener:

        def serve() -> None:
            while True:
                try:
                    talk, _ = listener.accept()
                except OSError:
                    return
                with talk:
                    if answer is not None:
                        asked = talk.recv(100_000)
                        while asked.startswith(b"nINSTREAM") and not asked.endswith(bytes(4)):
                            asked = asked[:9] + talk.recv(100_000)
                        talk.sendall(version if asked.startswith(b"nVERSION") else answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "answer",
    [None, b"", b"stream: Can't allocate memory ERROR\n", b"nonsense\n", b"\xff\xfe\n", b"stream: \n"],
    ids=["hangs-up", "nothing", "error", "nonsense", "no-text", "half"],
)
def test_a_scanner_that_says_nothing_of_use_is_away_and_nothing_is_clean(answer: bytes | None) -> None:
    with answering(answer) as address, pytest.raises(ScannerAway):
        Clamd(address, 3).look(io.BytesIO(b"x" * 5000))


def test_a_file_that_cannot_be_read_is_no_fault_of_the_scanner(server: ClamdServer) -> None:
    class Unread(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, "disk")

    with pytest.raises(OSError, match="disk") as fault:
        Clamd(server.address, 20).look(Unread())
    assert not isinstance(fault.value, ScannerAway)


def test_an_infected_upload_is_refused_and_leaves_nothing(server: ClamdServer, tmp_path: Path, samples: Path) -> None:
    storage = Folder(tmp_path, scanner=Clamd(server.socket, 20))
    with pytest.raises(FileRefused) as refused:
        taken(storage, with_eicar(samples), "rechnung.pdf")
    assert (refused.value.refusal, refused.value.dateiname) == (Refusal.INFECTED, "rechnung.pdf")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert taken(storage, (samples / "page.pdf").read_bytes()).scan == ScanState.CLEAN


def test_while_it_is_away_a_file_is_kept_and_not_handed_out(tmp_path: Path, samples: Path) -> None:
    storage = Folder(tmp_path, scanner=Clamd(f"127.0.0.1:{free_port()}", 1))
    kept = taken(storage, (samples / "page.pdf").read_bytes())
    assert kept.scan == ScanState.PENDING
    with pytest.raises(Held):
        storage.open(kept)


def test_the_doctor_asks_for_the_test_virus_and_for_the_largest_file(server: ClamdServer, tmp_path: Path) -> None:
    settings = load_settings(Installation(tmp_path).config)
    open_database(settings.service.database)
    migrate()

    def says(address: str) -> tuple[bool, str]:
        service = settings.service.model_copy(update={"scan": ScanSettings(address=address, timeout_s=20)})
        found = {one.subject: one for one in examine_files(settings.model_copy(update={"service": service}))}
        return found["virus scan"].good, found["virus scan"].text

    good, text = says(server.address)
    assert (good, "finds the test virus" in text) == (True, True)
    good, text = says(f"127.0.0.1:{free_port()}")
    assert (good, "does not answer" in text) == (False, True)
    with answering(b"stream: OK\n", b"ClamAV 9\n") as blind:
        good, text = says(blind)
    assert (good, "has no signatures" in text) == (False, True)
