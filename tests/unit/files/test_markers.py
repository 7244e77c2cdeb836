"""Pictures that would cost much to decode are known by how they are made up, or made smaller while they are decoded."""

import io
from pathlib import Path

import pytest
from PIL import Image

from service.files.documents import media_type_of
from service.files.markers import build_of
from service.files.refusal import Refusal


def jpeg(width: int = 60, height: int = 40, mode: str = "RGB", **how: object) -> bytes:
    data = io.BytesIO()
    Image.new(mode, (width, height)).save(data, "JPEG", **how)
    return data.getvalue()


def build(data: bytes, tmp_path: Path):
    (tmp_path / "x").write_bytes(data)
    return build_of(tmp_path / "x")


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_of_one_scan_streams_and_a_progressive_one_does_not(tmp_path, mode):
    assert build(jpeg(mode=mode), tmp_path).streams
    assert build(jpeg(mode=mode, optimize=True, restart_marker_rows=1), tmp_path).streams
    assert not build(jpeg(mode=mode, progressive=True), tmp_path).streams


def test_what_follows_a_jpeg_does_not_count(tmp_path):
    """A phone's moving picture is a film behind the photo, with anything in it."""
    found = build(jpeg() + b"\xff\xda\0\x02" * 500, tmp_path)
    assert (found.streams, found.odd) == (True, False)


def test_samples_are_not_odd(samples):
    assert not [path.name for path in samples.iterdir() if build_of(path).odd]


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff" * 200_000 + jpeg()[2:],
        jpeg()[:2] + b"\xff\xfe\x00\x02" * 10_000 + jpeg()[2:],
        jpeg(progressive=True)[:-2] + jpeg()[jpeg().rindex(b"\xff\xda") : -2] * 60 + b"\xff\xd9",
        b"\xff\xd8\xff" + bytes(100),
        b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0tEXt\0\0\0\0" * 30_000,
    ],
    ids=["fill", "segments", "scans", "no-scan", "chunks"],
)
def test_more_parts_than_any_program_writes_are_damage_also_from_immotion(data, tmp_path, refusal):
    assert refusal(data) is Refusal.DAMAGED
    (tmp_path / "x").write_bytes(data)
    assert media_type_of(tmp_path / "x") == "application/octet-stream"


def test_a_large_photo_is_halved_and_a_large_screen_is_refused(take, storage, refusal):
    with storage.open(take(jpeg(6000, 4000))) as file, Image.open(file) as picture:
        assert picture.size == (3000, 2000)
    with storage.open(take(jpeg(4000, 3000))) as file, Image.open(file) as picture:
        assert picture.size == (4000, 3000)
    assert refusal(jpeg(6000, 4000, progressive=True)) is Refusal.TOO_MANY_PIXELS
    for kind in ("PNG", "WEBP"):
        data = io.BytesIO()
        Image.new("RGB", (4000, 3500)).save(data, kind)
        assert refusal(data.getvalue()) is Refusal.TOO_MANY_PIXELS


def test_a_picture_of_one_endless_line_is_refused(refusal):
    data = io.BytesIO()
    Image.new("1", (70_000, 1)).save(data, "PNG")
    assert refusal(data.getvalue()) is Refusal.TOO_MANY_PIXELS
