import io
import zlib
from pathlib import Path

import pikepdf
import pytest

from service.files.documents import media_type_of
from service.files.refusal import Refusal
from service.files.video import video_type


def saved(pdf: pikepdf.Pdf, **options: object) -> bytes:
    target = io.BytesIO()
    pdf.save(target, **options)
    return target.getvalue()


def tree(*nodes: bytes) -> bytes:
    """A PDF with these objects after its catalog, the first being the root of the pages."""
    data, places = b"%PDF-1.5\n", []
    for number, body in enumerate((b"<</Type/Catalog/Pages 2 0 R>>", *nodes), 1):
        places.append(len(data))
        data += b"%d 0 obj" % number + body + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(places) + 1
    return (
        data
        + b"xref\n0 %d\n0000000000 65535 f \n" % count
        + table
        + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (count, len(data))
    )


def ftyp(*brands: bytes) -> bytes:
    body = b"ftyp" + brands[0] + b"\0\0\2\0" + b"".join(brands)
    return (len(body) + 4).to_bytes(4) + body + b"\0\0\0\x08free" + bytes(200)


def test_a_pdf_is_kept_as_it_is(take, storage, samples):
    data = (samples / "page.pdf").read_bytes()
    stored = take(data, "Mietvertrag.txt")
    assert (stored.mime, stored.dateiname) == ("application/pdf", "Mietvertrag.txt.pdf")
    with storage.open(stored) as file:
        assert file.read() == data


def test_an_encrypted_pdf_is_refused_whether_or_not_it_opens_without_a_password(refusal, samples):
    pdf = pikepdf.open(samples / "page.pdf")
    open_to_read = saved(pdf, encryption=pikepdf.Encryption(owner="owner", user=""))
    assert refusal((samples / "locked.pdf").read_bytes()) is Refusal.ENCRYPTED
    assert refusal(open_to_read) is Refusal.ENCRYPTED


@pytest.mark.parametrize("name", ["page.pdf", "locked.pdf"])
def test_half_a_pdf_is_damaged(name, refusal, samples):
    whole = (samples / name).read_bytes()
    assert refusal(whole[: len(whole) // 2]) is Refusal.DAMAGED


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n" + b"x" * 500,
        tree(b"<</Type/Pages/Kids[]/Count 0>>"),
        tree(b"<</Type/Pages/Kids[3 0 R]/Count 1>>", b"<</Type/Font>>"),
        tree(b"<</Type/Pages/Kids[2 0 R]/Count 1>>"),
        tree(b"<</Type/Pages/Kids[7]/Count 1>>"),
        tree(b"[1 2 3]"),
    ],
    ids=["noise", "no page", "no page in the leaves", "a circle", "a number for a page", "a list for a tree"],
)
def test_a_pdf_without_a_page_is_damaged(data, refusal):
    assert refusal(data) is Refusal.DAMAGED


def test_a_page_is_found_behind_empty_branches(take):
    leaf = b"<</Type/Page/MediaBox[0 0 9 9]>>"
    empty = b"<</Type/Pages/Kids[]/Count 0>>"
    assert take(tree(b"<</Type/Pages/Kids[3 0 R 4 0 R]/Count 1>>", empty, leaf)).mime == "application/pdf"


def test_one_page_named_a_hundred_thousand_times_is_not_copied(take):
    leaf = b"<</Type/Page/MediaBox[0 0 9 9]>>"
    assert take(tree(b"<</Type/Pages/Count 1/Kids[" + b"3 0 R " * 100_000 + b"]>>", leaf)).mime == "application/pdf"


def test_a_pdf_whose_index_unpacks_to_hundreds_of_megabytes_is_refused(refusal):
    packer = zlib.compressobj(9)
    index = b"".join(packer.compress(bytes(2**20)) for _ in range(100)) + packer.flush()
    head = b"1 0 obj<</Type/XRef/Size 3/W[1 2 1]/Root 2 0 R/Filter/FlateDecode/Length %d>>stream\n" % len(index)
    bomb = b"%PDF-1.5\n" + head + index + b"\nendstream endobj\nstartxref\n9\n%%EOF\n"
    assert refusal(bomb) is Refusal.DAMAGED


@pytest.mark.parametrize("name, mime", [("clip.mp4", "video/mp4"), ("clip.mov", "video/quicktime")])
def test_a_video_is_kept_as_it_is(name, mime, take, storage, samples):
    data = (samples / name).read_bytes()
    stored = take(data, "film")
    assert (stored.mime, stored.dateiname) == (mime, "film" + Path(name).suffix)
    with storage.open(stored) as file:
        assert file.read() == data


@pytest.mark.parametrize("brand", [b"isom", b"mp42", b"avc1", b"mp41", b"iso5", b"M4V "])
def test_brands_that_cameras_write_are_mp4(brand):
    assert video_type(ftyp(brand, b"isom")) == "video/mp4"


def test_the_quicktime_brand_is_quicktime():
    assert video_type(ftyp(b"qt  ")) == "video/quicktime"


@pytest.mark.parametrize(
    "head",
    [
        ftyp(b"heic", b"mif1"),
        ftyp(b"mp42", b"mif1", b"heic"),
        ftyp(b"avif", b"mif1"),
        ftyp(b"M4A ", b"mp42"),
        ftyp(b"crx ", b"isom"),
        ftyp(b"mp42") + b"hdlr" + bytes(8) + b"pict",
        b"\0\0\0\x08moov",
        b"",
        b"ftyp",
    ],
)
def test_pictures_sound_and_the_unknown_are_no_video(head):
    assert video_type(head) is None


def test_a_broken_heic_is_never_stored_as_a_video(refusal, samples):
    """puremagic calls a HEIC that cannot be decoded an MP4."""
    whole = (samples / "gps.heic").read_bytes()
    for length in (20, 300, 1000):
        assert refusal(whole[:length], "a.heic") is Refusal.DAMAGED


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE html><html><script>alert(1)</script></html>",
        b"<html>%PDF-1.7\n" + b"x" * 50,
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b"PK\x03\x04" + bytes(100),
        b"MZ\x90\x00" + bytes(200),
        b"\x7fELF" + bytes(60),
        b"#!/bin/sh\nrm -rf /\n",
        b"GIF89a" + bytes(40),
        b"II*\0" + bytes(40),
        b"BM" + bytes(60),
        b"RIFF\0\0\0\0AVI LIST",
        ftyp(b"avif", b"mif1"),
        b"\0",
    ],
)
def test_anything_else_is_refused_whatever_its_name(data, refusal):
    assert refusal(data, "foto.jpg") is Refusal.TYPE


@pytest.mark.parametrize(
    "name, mime",
    [
        ("gps.jpg", "image/jpeg"),
        ("gps.heic", "image/heif"),
        ("picture.png", "image/png"),
        ("picture.webp", "image/webp"),
        ("page.pdf", "application/pdf"),
        ("clip.mov", "video/quicktime"),
        ("README.md", "application/octet-stream"),
    ],
)
def test_a_file_from_immotion_is_named_by_its_content(name, mime, samples):
    assert media_type_of(samples / name) == mime


def test_a_broken_picture_from_immotion_is_plain_bytes(tmp_path):
    path = tmp_path / "bild.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0broken")
    assert media_type_of(path) == "application/octet-stream"
