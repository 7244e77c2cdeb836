"""Sample files changed at random: refused or taken, never anything else, and nothing is left behind."""

import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.files.intake import take_in
from service.files.refusal import FileRefused, Limits
from service.files.storage import Folder
from tests.unit.files.conftest import left_behind

SAMPLES = Path(__file__).parents[2] / "files"
# HEIC and PDF are opened in a process of their own, which takes its time.
NAMES = sorted(path.name for path in SAMPLES.iterdir() if path.suffix not in {".md", ".heic", ".pdf"})
# Places are drawn near the beginning as often as anywhere, since formats keep their structure there.
CHANGES = st.lists(
    st.tuples(st.integers(0, 200) | st.integers(0, 20_000), st.integers(0, 255)), min_size=1, max_size=12
)
MIMES = {"image/jpeg", "image/png", "image/webp", "application/pdf", "video/mp4", "video/quicktime"}


def survive(data: bytes, cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        storage = Folder(Path(folder))
        try:
            stored = take_in(
                io.BytesIO(data[: len(data) - cut]), "a", storage=storage, limits=Limits(), taken_files=0, taken_bytes=0
            )
        except FileRefused:
            assert [path for path in Path(folder).rglob("*") if path.is_file()] == []
        else:
            assert stored.mime in MIMES
            assert storage.has(stored)
        assert left_behind(Path(folder)) == []


def changed(name: str, changes: list[tuple[int, int]]) -> bytes:
    data = bytearray((SAMPLES / name).read_bytes())
    for at, value in changes:
        data[at % len(data)] = value
    return bytes(data)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=CHANGES, cut=st.just(0) | st.integers(0, 500))
def test_a_changed_file_is_taken_or_refused(name, changes, cut):
    survive(changed(name, changes), cut)


@pytest.mark.parametrize("name", ["gps.heic", "page.pdf", "locked.pdf"])
@settings(max_examples=12, deadline=None)
@given(changes=CHANGES, cut=st.just(0) | st.integers(0, 500))
def test_a_changed_heic_or_pdf_is_taken_or_refused(name, changes, cut):
    survive(changed(name, changes), cut)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(
        [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"%PDF-1.4\n", b"\0\0\0\x18ftypmp42"]
    ),
    st.binary(max_size=400),
)
def test_noise_behind_a_familiar_beginning_is_taken_or_refused(start, noise):
    survive(start + noise, 0)
