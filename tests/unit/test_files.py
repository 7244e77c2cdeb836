"""Files: proven by their content, pictures made anew, nothing left behind."""

import contextlib
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from service.files.documents import media_type_of
from service.files.intake import StoredFile, take_in
from service.files.names import clean_name
from service.files.refusal import FileRefused, Limits, Refusal
from service.files.storage import Folder

LIMITS = Limits()


@pytest.fixture
def storage(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "files")


def taken(
    storage: Folder, data: bytes, name: str = "datei.jpg", *, limits: Limits = LIMITS, files: int = 0, size: int = 0
) -> StoredFile:
    return take_in(io.BytesIO(data), name, storage=storage, limits=limits, taken_files=files, taken_bytes=size)


def refusal(storage: Folder, data: bytes, **more: object) -> Refusal:
    with pytest.raises(FileRefused) as refused:
        taken(storage, data, **more)
    return refused.value.refusal


def left_over(storage: Folder) -> list[Path]:
    return list((storage._root / "incoming").glob("*"))


@pytest.mark.parametrize(
    "name,mime",
    [
        ("gps.jpg", "image/jpeg"),
        ("gps.heic", "image/jpeg"),
        ("picture.png", "image/png"),
        ("picture.webp", "image/webp"),
        ("animated.webp", "image/webp"),
        ("page.pdf", "application/pdf"),
        ("clip.mp4", "video/mp4"),
        ("clip.mov", "video/quicktime"),
    ],
)
def test_each_kind_is_taken_by_its_content_whatever_its_name(
    storage: Folder, samples: Path, name: str, mime: str
) -> None:
    kept = taken(storage, (samples / name).read_bytes(), "irgendwas.txt")
    assert kept.mime == mime
    with storage.open(kept) as file:
        assert len(file.read()) == kept.bytes
    assert left_over(storage) == []


@pytest.mark.parametrize("name", ["gps.jpg", "gps.heic"])
def test_pictures_are_upright_and_free_of_metadata(storage: Folder, samples: Path, name: str) -> None:
    with storage.open(taken(storage, (samples / name).read_bytes())) as file:
        data = file.read()
    picture = Image.open(io.BytesIO(data))
    assert not picture.getexif()
    assert "xmp" not in picture.info
    assert "icc_profile" not in picture.info
    if name == "gps.jpg":
        assert picture.size == (480, 640)


def test_transparency_stays_and_palettes_work(storage: Folder) -> None:
    for mode in ("RGBA", "P", "L", "LA", "1", "I;16"):
        data = io.BytesIO()
        Image.new(mode, (20, 10)).save(data, "PNG")
        assert taken(storage, data.getvalue()).mime == "image/png"


def test_a_picture_in_cmyk_becomes_rgb(storage: Folder) -> None:
    data = io.BytesIO()
    Image.new("CMYK", (20, 10), (10, 200, 0, 0)).save(data, "JPEG")
    with storage.open(taken(storage, data.getvalue())) as file:
        assert Image.open(file).mode == "RGB"


def test_colours_are_brought_to_srgb(storage: Folder) -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(data, "JPEG", icc_profile=profile)
    kept = taken(storage, data.getvalue())
    with storage.open(kept) as file:
        assert "icc_profile" not in Image.open(file).info


@pytest.mark.parametrize(
    "data,reason",
    [
        (b"", Refusal.EMPTY),
        (b"<html><script>alert(1)</script></html>", Refusal.TYPE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Refusal.TYPE),
        (b"PK\x03\x04" + b"\0" * 100, Refusal.TYPE),
        (b"MZ\x90\x00" * 20, Refusal.TYPE),
        (b"#!/bin/sh\nrm -rf /\n", Refusal.TYPE),
        (b"GIF89a" + b"\0" * 50, Refusal.TYPE),
        (b"\xff\xd8\xff\xe0" + b"\0" * 50, Refusal.DAMAGED),
        (b"%PDF-1.7\nnot really", Refusal.DAMAGED),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\0" * 100, Refusal.DAMAGED),
    ],
)
def test_what_is_none_of_them_is_refused(storage: Folder, data: bytes, reason: Refusal) -> None:
    assert refusal(storage, data) is reason
    assert left_over(storage) == []


def test_a_truncated_picture_and_a_locked_pdf_are_refused(storage: Folder, samples: Path) -> None:
    assert refusal(storage, (samples / "gps.jpg").read_bytes()[:4000]) is Refusal.DAMAGED
    assert refusal(storage, (samples / "locked.pdf").read_bytes()) is Refusal.ENCRYPTED


def test_a_decompression_bomb_is_refused_before_it_is_decoded(storage: Folder) -> None:
    data = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(data, "PNG")
    assert refusal(storage, data.getvalue()) is Refusal.TOO_MANY_PIXELS


def test_limits_are_kept_while_reading(storage: Folder, samples: Path) -> None:
    page = (samples / "page.pdf").read_bytes()
    assert refusal(storage, page, limits=Limits(file_bytes=100)) is Refusal.TOO_LARGE
    assert refusal(storage, page, limits=Limits(total_bytes=1000), size=900) is Refusal.TOTAL_TOO_LARGE
    assert refusal(storage, page, files=20) is Refusal.TOO_MANY


@pytest.mark.parametrize(
    "raw,clean",
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\foto.jpg", "foto.jpg"),
        ("rechnung\u202egpj.exe", "rechnunggpj.exe"),
        ("a\x00b\r\nc.pdf", "abc.pdf"),
        ("   ", "Datei"),
        ("...", "Datei"),
        ("<b>.jpg", "b.jpg"),
        ("x" * 300 + ".jpeg", "x" * 115 + ".jpeg"),
        ("Küche – Spüle.jpg", "Küche – Spüle.jpg"),
    ],
)
def test_a_name_is_made_harmless(raw: str, clean: str) -> None:
    assert clean_name(raw) == clean


def test_a_name_gets_the_suffix_of_its_type() -> None:
    assert clean_name("bild.heic", "image/jpeg") == "bild.jpg"
    assert clean_name("bild", "image/png") == "bild.png"
    assert clean_name("bild.exe", "application/pdf") == "bild.exe.pdf"
    assert clean_name("film.mov", "video/mp4") == "film.mp4"


@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mutated_files_are_taken_or_refused_and_leave_nothing(
    storage: Folder, samples: Path, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(["gps.jpg", "gps.heic", "picture.png", "picture.webp", "page.pdf", "clip.mp4"]))
    mutated = bytearray((samples / name).read_bytes())
    for position, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(mutated) - 1), st.integers(0, 255)), min_size=1, max_size=20)
    ):
        mutated[position] = value
    cut = data.draw(st.integers(1, len(mutated)))
    with contextlib.suppress(FileRefused):
        taken(storage, bytes(mutated[:cut]))
    assert left_over(storage) == []


def test_a_full_disk_leaves_no_temporary_file(storage: Folder, samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.files.storage import Incoming

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Incoming, "write", full)
    with pytest.raises(OSError, match="No space"):
        taken(storage, (samples / "page.pdf").read_bytes())
    assert left_over(storage) == []


def test_old_files_are_listed_and_interrupted_uploads_swept(storage: Folder, samples: Path) -> None:
    kept = taken(storage, (samples / "page.pdf").read_bytes())
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert list(storage.ids(later)) == [kept.id]
    assert list(storage.ids(datetime.now(UTC) - timedelta(days=1))) == []
    (storage._root / "incoming" / "rest").write_bytes(b"x")
    assert storage.sweep_incoming(later) == 1
    storage.delete(kept.id)
    storage.delete(uuid4())
    assert list(storage.ids(later)) == []


def test_a_file_from_immotion_is_named_by_its_content(tmp_path: Path, samples: Path) -> None:
    assert media_type_of(samples / "page.pdf") == "application/pdf"
    assert media_type_of(samples / "gps.jpg") == "image/jpeg"
    assert media_type_of(samples / "clip.mov") == "video/quicktime"
    page = tmp_path / "x"
    page.write_bytes(b"<html>")
    assert media_type_of(page) == "application/octet-stream"
    page.write_bytes(b"\xff\xd8\xff\xe0")
    assert media_type_of(page) == "application/octet-stream"
