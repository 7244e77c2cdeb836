import io
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from service.files import heic, pictures
from service.files.intake import take_in
from service.files.refusal import FileRefused, Limits, Refusal

PERSONAL = (b"Exif", b"GPS", b"Musterfon", b"Erika", b"xmpmeta", b"ICC_PROFILE", b"iCCP", b"eXIf", b"EXIF", b"XMP ")


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


@pytest.fixture
def kept(take, storage) -> Callable[..., Image.Image]:
    """The picture as it lies in storage after it was taken in."""

    def keeping(data: bytes, name: str = "bild.jpg") -> Image.Image:
        stored = take(data, name)
        with storage.open(stored) as file:
            picture = Image.open(io.BytesIO(file.read()))
            picture.load()
            return picture

    return keeping


@pytest.mark.parametrize("name", ["gps.jpg", "gps.heic", "picture.png", "picture.webp", "animated.webp"])
def test_nothing_personal_is_left_in_a_picture(name, take, storage, samples):
    stored = take((samples / name).read_bytes(), name)
    with storage.open(stored) as file:
        data = file.read()
    assert [mark for mark in PERSONAL if mark in data] == []
    with Image.open(io.BytesIO(data)) as picture:
        assert dict(picture.getexif()) == {}


def test_every_kind_of_metadata_is_dropped_from_a_png(kept):
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "Erika Muster")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>Erika</x:xmpmeta>")
    exif = Image.Exif()
    exif[0x010F] = "Musterfon"
    data = encoded(Image.new("RGB", (8, 8)), "PNG", pnginfo=text, exif=exif, dpi=(72, 72))
    assert kept(data).info == {}


def test_a_photo_held_sideways_is_turned_upright(kept, samples):
    with Image.open(samples / "gps.jpg") as lying:
        assert lying.size == (640, 480)
        corner = lying.convert("RGB").getpixel((0, 479))
    upright = kept((samples / "gps.jpg").read_bytes())
    assert upright.size == (480, 640)
    assert all(abs(a - b) < 24 for a, b in zip(upright.getpixel((0, 0)), corner, strict=True))


def test_heic_becomes_a_jpeg_with_the_same_picture(take, kept, samples):
    stored = take((samples / "gps.heic").read_bytes(), "IMG_0001.HEIC")
    assert (stored.mime, stored.dateiname) == ("image/jpeg", "IMG_0001.jpg")
    picture = kept((samples / "gps.heic").read_bytes())
    with Image.open(samples / "gps.jpg") as same:
        wanted = same.convert("RGB").getpixel((320, 240))
    assert (picture.format, picture.size) == ("JPEG", (640, 480))
    assert all(abs(a - b) < 24 for a, b in zip(picture.getpixel((320, 240)), wanted, strict=True))


def test_of_several_frames_the_first_is_kept(kept, samples):
    picture = kept((samples / "animated.webp").read_bytes())
    with Image.open(samples / "animated.webp") as moving:
        assert moving.n_frames == 3
        first = moving.convert("RGB").getpixel((160, 20))
    assert getattr(picture, "n_frames", 1) == 1
    assert all(abs(a - b) < 24 for a, b in zip(picture.convert("RGB").getpixel((160, 20)), first, strict=True))


def test_a_moving_png_and_a_camera_with_two_pictures_keep_one(kept):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    moving = kept(encoded(frames[0], "PNG", save_all=True, append_images=frames[1:]))
    double = kept(encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert moving.getpixel((3, 3)) == (255, 0, 0)
    assert (double.format, getattr(double, "n_frames", 1)) == ("JPEG", 1)
    assert double.getpixel((3, 3))[0] > 250


def test_png_keeps_its_transparency_in_every_mode(kept):
    half = Image.new("RGBA", (4, 4), (10, 20, 30, 128))
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([200, 0, 0, 0, 200, 0])
    palette.putpixel((1, 1), 1)
    assert kept(encoded(half, "PNG")).getpixel((0, 0)) == (10, 20, 30, 128)
    see_through = kept(encoded(palette, "PNG", transparency=0)).convert("RGBA")
    assert see_through.getpixel((0, 0))[3] == 0
    assert see_through.getpixel((1, 1)) == (0, 200, 0, 255)
    keyed = kept(encoded(Image.new("RGB", (4, 4), (1, 2, 3)), "PNG", transparency=(1, 2, 3)))
    assert keyed.convert("RGBA").getpixel((0, 0))[3] == 0


def test_what_is_transparent_is_white_in_a_jpeg():
    """A HEIC may be transparent."""
    paper = pictures._opaque(Image.new("RGBA", (8, 8), (0, 0, 0, 0)))
    assert (paper.mode, paper.getpixel((1, 1))) == ("RGB", (255, 255, 255))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_stay_right_when_the_profile_goes(mode, kept):
    """A profile with red and blue exchanged: after the conversion red must have become blue."""
    exchanged = _exchanged_profile()
    picture = Image.new("RGB", (8, 8), (255, 0, 0)).convert(mode)
    if mode == "RGBA":
        picture.putalpha(77)
    result = kept(encoded(picture, "PNG", icc_profile=exchanged))
    red, _, blue, alpha = result.convert("RGBA").getpixel((2, 2))
    assert "icc_profile" not in result.info
    assert red < 30
    assert blue > 225
    assert alpha == (77 if mode == "RGBA" else 255)


def _exchanged_profile() -> bytes:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at_red, at_blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[at_red : at_red + 4], profile[at_blue : at_blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def test_a_profile_that_is_none_or_fits_not_is_ignored(kept):
    fits_not = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert kept(encoded(Image.new("RGB", (8, 8), "lime"), "PNG", icc_profile=b"none")).getpixel((0, 0)) == (0, 255, 0)
    assert kept(encoded(Image.new("L", (8, 8), 9), "PNG", icc_profile=fits_not)).getpixel((0, 0)) == 9
    assert kept(encoded(Image.new("LA", (8, 8), (9, 9)), "PNG", icc_profile=fits_not)).getpixel((0, 0)) == (9, 9)


@pytest.mark.parametrize("mode, kept_mode", [("L", "L"), ("CMYK", "RGB"), ("RGB", "RGB")])
def test_grey_and_printers_jpegs_can_be_seen_on_a_screen(mode, kept_mode, kept):
    assert kept(encoded(Image.new(mode, (16, 16)), "JPEG")).mode == kept_mode


def test_webp_stays_webp(take, samples):
    assert take((samples / "picture.webp").read_bytes(), "bild.jpg").dateiname == "bild.webp"


def test_what_is_hidden_behind_a_picture_is_gone(take, storage, samples):
    stored = take((samples / "picture.png").read_bytes() + b"<script>alert(1)</script>PK\x03\x04", "bild.png")
    with storage.open(stored) as file:
        assert b"script" not in file.read()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
def test_a_photo_with_broken_exif_is_taken_as_it_lies(kept):
    broken = b"Exif\0\0II*\0\x08\0\0\0\x50\0\x12\x01\x03\0\x01\0\0\0\xff\xff"
    assert kept(encoded(Image.new("RGB", (16, 8)), "JPEG", exif=broken)).size == (16, 8)


@pytest.mark.parametrize("name", ["gps.jpg", "gps.heic", "picture.png", "picture.webp", "animated.webp"])
def test_a_cut_off_picture_is_damaged(name, refusal, samples):
    whole = (samples / name).read_bytes()
    assert refusal(whole[: len(whole) // 2], name) is Refusal.DAMAGED
    assert refusal(whole[:60], name) is Refusal.DAMAGED


@pytest.mark.parametrize("name", ["gps.jpg", "gps.heic", "picture.png", "picture.webp"])
def test_more_pixels_than_allowed_are_refused(name, refusal, samples):
    assert refusal((samples / name).read_bytes(), name, Limits(pixels=1000)) is Refusal.TOO_MANY_PIXELS


def test_a_small_file_that_would_unpack_to_gigabytes_is_refused_unopened(refusal):
    bomb = bytearray(encoded(Image.new("1", (8, 8)), "PNG"))
    bomb[16:24] = (60000).to_bytes(4) * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4)
    assert refusal(bytes(bomb), "bild.png") is Refusal.TOO_MANY_PIXELS


@pytest.mark.parametrize("limit", [1000, 100])
def test_pillows_own_limit_says_the_same_whoever_has_set_it(limit, refusal, samples, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit * 150)
    data = (samples / "gps.jpg").read_bytes()
    assert refusal(data, "bild.jpg") is Refusal.TOO_MANY_PIXELS


def test_a_lack_of_memory_is_the_picture_s_fault(refusal, samples, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "copy", full)
    assert refusal((samples / "gps.jpg").read_bytes()) is Refusal.TOO_MANY_PIXELS


def test_many_threads_at_once_neither_mix_pictures_nor_warn(take, storage):
    def roundtrip(shade: int) -> bool:
        stored = take_alone(encoded(Image.new("L", (64, 64), shade), "PNG"))
        with storage.open(stored) as file, Image.open(file) as picture:
            return picture.getpixel((5, 5)) == shade

    def take_alone(data: bytes):
        return take_in(io.BytesIO(data), "b.png", storage=storage, limits=Limits(), taken_files=0, taken_bytes=0)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(roundtrip, range(200)))
    assert any(filter_[0] == "error" for filter_ in warnings.filters)


def exif_item_out_of_reach(whole: bytes) -> bytes:
    """The item information names an Exif item that has no place in the file: pi-heif 1.4 crashes at it."""
    at = whole.index(b"Exif") - 4
    return whole[:at] + b"\x00\x63" + whole[at + 2 :]


def test_a_heic_that_crashes_the_decoder_is_damaged_and_the_portal_lives(refusal, samples):
    assert refusal(exif_item_out_of_reach((samples / "gps.heic").read_bytes())) is Refusal.DAMAGED


def test_a_decoder_that_takes_too_long_is_stopped(refusal, samples, monkeypatch):
    monkeypatch.setattr(heic, "_SECONDS", 0)
    assert refusal((samples / "gps.heic").read_bytes()) is Refusal.DAMAGED


def test_a_decoder_that_does_not_start_is_not_blamed_on_the_file(take, samples, monkeypatch):
    monkeypatch.setattr(heic.sys, "executable", "/bin/false")
    with pytest.raises(ChildProcessError, match="ended with 1"):
        take((samples / "gps.heic").read_bytes())


def test_the_refusal_names_the_file(take, samples):
    with pytest.raises(FileRefused) as refused:
        take((samples / "gps.jpg").read_bytes()[:300], "C:\\Fotos\\Küche.jpg")
    assert (refused.value.dateiname, str(refused.value)) == ("Küche.jpg", "damaged")


def test_sample_files_are_small(samples):
    assert all(path.stat().st_size < 200_000 for path in Path(samples).iterdir())
