"""Files made to hurt, and photos that tell where they were taken. HOSTILE_EVERY=1 and PHOTOS=1000 are the full size."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from service.files.intake import StoredFile
from service.files.refusal import Refusal
from service.files.storage import Folder
from tests.support.hostile_run import Outcome

EVERY, PHOTOS = int(os.environ.get("HOSTILE_EVERY", "3")), int(os.environ.get("PHOTOS", "30"))
MEMORY, SECONDS = 256, 2
MIMES = {"image/jpeg", "image/png", "image/webp", "application/pdf", "video/mp4", "video/quicktime"}
GIVEN = MIMES | {"image/heif", "application/octet-stream"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "inner"


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> list[Outcome]:
    command = [sys.executable, "-m", "tests.support.hostile_run", str(folder), str(EVERY)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [Outcome(**json.loads(line)) for line in ran.stdout.splitlines()]
    longest = max(found, key=lambda one: one.cpu)
    largest = max(found, key=lambda one: one.peak)
    print(f"{len(found)} files: at most {longest.cpu} s of a processor ({longest.name!r}), "
          f"{largest.peak} MiB ({largest.name!r}), {max(one.wall for one in found)} s")  # fmt: skip
    return found


def test_there_are_three_hundred(outcomes: list[Outcome]) -> None:
    assert len(outcomes) == -(-300 // EVERY)


def test_each_is_taken_as_what_it_is_or_refused_within_its_memory_and_time(outcomes: list[Outcome]) -> None:
    strange = [one for one in outcomes if one.said not in MIMES | {refusal.value for refusal in Refusal}]
    assert strange == []
    assert [one for one in outcomes if one.peak > MEMORY or one.cpu > SECONDS] == []
    assert {one.said for one in outcomes} >= {"type", "damaged", "image/jpeg", "application/pdf"}


def test_none_is_ever_said_to_be_markup_or_script(outcomes: list[Outcome]) -> None:
    assert {one.given for one in outcomes} <= GIVEN
    names = [one.kept_as for one in outcomes]
    assert not [
        name for name in names if re.search(r"[/\\\x00-\x1f<>:\"|?*\u200b-\u200f\u202a-\u202e\u2066-\u2069]", name)
    ]
    kept = [one for one in outcomes if one.said in MIMES]
    assert not [one for one in kept if re.search(r"\.(html?|svg|xml|js|exe|php)$", one.kept_as, re.IGNORECASE)]


def test_none_leaves_its_folder(outcomes: list[Outcome], folder: Path) -> None:
    place = folder / "place" / "files"
    kept = {path.relative_to(place) for path in place.rglob("*") if path.is_file()}
    assert all(re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f-]{36}", str(path)) for path in kept)
    assert len(kept) == sum(one.said in MIMES for one in outcomes)
    assert list(folder.parent.iterdir()) == [folder]
    assert {path.name for path in folder.iterdir() if path.suffix != ".raw"} == {"names.json", "place"}


# Photos

PLACE = "52.5163N-13.3777E"
XMP = f'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><GPSLatitude>{PLACE}</GPSLatitude></x:xmpmeta>'.encode()
CANARIES = (
    b"GPS",
    b"52.5163",
    b"xpacket",
    b"xmpmeta",
    b"ns.adobe.com",
    b"Exif",
    b"Photoshop",
    b"8BIM",
    b"Musterfon",
    b"Anna",
)
TRACES = {"exif", "xmp", "comment", "photoshop", "icc_profile", "Description", "XML:com.adobe.xmp", "mp"}


def exif(number: int) -> Image.Exif:
    made = Image.Exif()
    made[0x010F], made[0x0110], made[0x9286] = "Musterfon", f"X{number}", "Anna"
    made[0x0112] = number % 8 + 1
    made.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, number / 60), 3: "E", 4: (13.0, 22.0, 0.0), 29: "2026:11:23"})
    made.get_ifd(0x8769)[0x9003] = "2026:11:23 12:00:00"
    return made


def iptc(jpeg: bytes) -> bytes:
    block = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x09\x1c\x02\x50\0\x04Anna\0"
    return jpeg[:2] + b"\xff\xed" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]


def photos(samples: Path) -> Iterator[bytes]:
    """Yield photos that tell everything, each in one of six ways."""
    heic = (samples / "gps.heic").read_bytes()
    for number in range(PHOTOS):
        data, picture = io.BytesIO(), Image.new("RGB", (60 + number % 40, 40), (number % 256, 80, 120))
        text = PngImagePlugin.PngInfo()
        text.add_text("Description", f"Anna {PLACE}", zip=True)
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        match number % 6:
            case 0:
                picture.save(data, "JPEG", exif=exif(number), xmp=XMP, comment=f"Anna {PLACE}".encode())
                yield iptc(data.getvalue())
            case 1:
                picture.save(data, "JPEG", exif=exif(number), progressive=True)
                yield data.getvalue() + XMP + b"Exif\0\0" + PLACE.encode()
            case 2:
                picture.save(data, "MPO", save_all=True, append_images=[picture], exif=exif(number), xmp=XMP)
                yield data.getvalue()
            case 3:
                picture.save(data, "PNG", exif=exif(number), pnginfo=text)
                yield data.getvalue()
            case 4:
                picture.save(data, "WEBP", exif=exif(number), xmp=XMP)
                yield data.getvalue()
            case _:
                yield heic


def test_no_photo_tells_where_it_was_taken(
    take: Callable[..., StoredFile], storage: Folder, root: Path, samples: Path
) -> None:
    looked = 0
    for number, photo in enumerate(photos(samples)):
        assert any(canary in photo for canary in CANARIES)
        kept = take(photo, f"IMG_{number}.jpg")
        with storage.open(kept) as file:
            data = file.read()
        assert not [canary for canary in CANARIES if canary in data]
        with Image.open(io.BytesIO(data)) as picture:
            assert not picture.getexif()
            assert not TRACES & set(picture.info)
        storage.delete(kept.id)
        looked += 1
    assert looked == PHOTOS
