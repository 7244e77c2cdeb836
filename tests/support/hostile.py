"""Three hundred files made to hurt: whoever takes them in, shows or keeps them must come to no harm."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import pikepdf
from PIL import Image, PngImagePlugin

SAMPLES = Path(__file__).parent.parent / "files"
Hostile = tuple[str, bytes]  # the name that it is sent under, and what is in it

_SCRIPT = b"<script>alert(document.domain)</script>"
_HTML = b"<!DOCTYPE html><html><body>" + _SCRIPT + b"</body></html>"
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">' + _SCRIPT + b"</svg>"
_XXE = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y SYSTEM "http://127.0.0.1:1/">]>'
_LOL = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
)
NAMES = (
    "../../../../etc/cron.d/evil",
    "..\\..\\..\\windows\\system32\\evil.dll",
    "/etc/passwd",
    "C:\\autoexec.bat",
    "....//....//evil.jpg",
    "..%2f..%2fevil.jpg",
    "a/../../b.jpg",
    "evil.jpg\x00.html",
    "rechnung\u202egpj.exe",
    "\u2066rechnung\u2069.jpg",
    "\u200f\u200e.jpg",
    "foto.jpg.html",
    "foto.svg",
    "con.jpg",
    "-rf",
    "$(touch evil).jpg",
    "`id`.jpg",
    "a;b|c&d.jpg",
    "<img src=x onerror=alert(1)>.jpg",
    '"><script>.jpg',
    "a\r\nContent-Type: text/html\r\n\r\n<script>.jpg",
    "\ud800.jpg".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    "x" * 5000 + ".jpg",
    "." * 300,
    " \t ",
    "",
    "incoming/evil",
    "🏠\u0301\u0301\u0301" * 50,
    "ﬁle\ufeff.jpg",
    "a\u2028b\u2029c.jpg",
)


def hostile() -> Iterator[Hostile]:
    """Yield them, the same ones each time."""
    yield from ((name, _picture("JPEG")) for name in NAMES)
    yield from _markup()
    yield from _polyglots()
    yield from _archives()
    yield from _png_bombs()
    yield from _jpeg_bombs()
    yield from _other_pictures()
    yield from _pdfs()
    yield from _broken()


def _markup() -> Iterator[Hostile]:
    """Markup that calls itself a picture, a page or a film."""
    bodies = [
        _HTML,
        _SVG,
        _XXE + b"<r>&x;&y;</r>",
        _LOL + b"]><l>&j;</l>",
        b"<?php system($_GET[0]);",
        b"GIF89a" + _SCRIPT,
    ]
    befores = [b"", b"\xef\xbb\xbf", b"\n\n   ", b"\x00" * 5, b"<!-- -->"]
    for number, body in enumerate(bodies):
        for place, before in enumerate(befores):
            yield (f"bild{number}-{place}.jpg", f"seite{number}-{place}.pdf")[place % 2], before + body
    yield "utf16.jpg", _HTML.decode().encode("utf-16")
    yield "utf7.jpg", b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-"
    yield "mime.jpg", b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n" + _HTML


def _polyglots() -> Iterator[Hostile]:
    """Files that are two things at once."""
    jpeg, png, webp = _picture("JPEG"), _picture("PNG"), _picture("WEBP")
    pdf, film = (SAMPLES / "page.pdf").read_bytes(), (SAMPLES / "clip.mp4").read_bytes()
    comment = b"\xff\xfe" + struct.pack(">H", len(_HTML) + 2) + _HTML
    packed = _zip({"index.html": _HTML})
    for tail in (_HTML, _SVG, packed, b"MZ" + bytes(100), b"#!/bin/sh\nid\n", _XXE, pdf, jpeg):
        yield "hinten.jpg", jpeg + tail
        yield "hinten.png", png + tail
        yield "hinten.webp", webp + tail
        yield "hinten.pdf", pdf + b"\n" + tail
        yield "hinten.mp4", film + tail
    for head in (_HTML, _SVG, packed, b"MZ", b"#!/bin/sh\n", jpeg):
        yield "vorn.pdf", head + pdf
        yield "vorn.jpg", head + jpeg if head != jpeg else b"\xff" + jpeg
    yield "kommentar.jpg", jpeg[:2] + comment + jpeg[2:]
    yield "ftyp.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + _HTML
    yield "ftyp.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + _HTML
    yield "ftyp.svg", b"\0\0\0\x18ftypisom\0\0\0\0" + _SVG
    yield "riff.webp", b"RIFF" + struct.pack("<I", len(_HTML) + 4) + b"WEBP" + _HTML
    yield "text.png", _png_with(text={"html": _HTML.decode(), "XML:com.adobe.xmp": _SVG.decode()})


def _archives() -> Iterator[Hostile]:
    """Archives, in archives, with paths; none is ever to be opened."""
    bomb = _zip({f"{n}.txt": bytes(10**6) for n in range(20)})
    nested = bomb
    for depth in range(6):
        nested = _zip({f"{depth}.zip": nested})
    for name, data in {
        "bombe.zip": bomb,
        "matroschka.zip": nested,
        "pfade.zip": _zip({"../../../evil": b"x", "/etc/evil": b"x"}),
        "brief.docx": _zip({"[Content_Types].xml": _XXE, "word/document.xml": _LOL}),
        "app.jar": _zip({"META-INF/MANIFEST.MF": b"Main-Class: E"}),
        "x.gz": b"\x1f\x8b\x08" + bytes(50),
        "x.7z": b"7z\xbc\xaf\x27\x1c" + bytes(50),
        "x.rar": b"Rar!\x1a\x07\x00" + bytes(50),
        "x.bz2": b"BZh9" + bytes(50),
        "x.xz": b"\xfd7zXZ\x00" + bytes(50),
    }.items():
        yield name, data
        yield name.rpartition(".")[0] + ".pdf", data


def _png_bombs() -> Iterator[Hostile]:
    """Little files that want to become large."""
    for size in [
        (65_535, 65_535),
        (2**31 - 1, 1),
        (1, 2**31 - 1),
        (2**31 - 1, 2**31 - 1),
        (0, 0),
        (0, 5),
        (30_000, 30_000),
    ]:
        yield f"{size[0]}x{size[1]}.png", _png(size, b"")
    for width, height, depth, kind in [
        (7745, 7745, 8, 2), (7745, 7745, 8, 6), (7745, 7745, 16, 6), (60_000_000, 1, 8, 0), (1, 60_000_000, 8, 0),
        (3535, 3535, 8, 6), (3535, 3535, 16, 6), (3535, 3535, 1, 3), (12_500_000, 1, 8, 2), (1, 12_500_000, 8, 2),
    ]:  # fmt: skip
        line = 1 + (width * depth * {0: 1, 2: 3, 3: 1, 6: 4}[kind] + 7) // 8
        yield f"voll-{width}x{height}-{depth}-{kind}.png", _png((width, height), _zeros(line * height), depth, kind)
    yield "zuviel.png", _png((10, 10), _zeros(200_000_000))
    yield "zuwenig.png", _png((3000, 3000), _zeros(10))
    yield "verschraenkt.png", _png((3535, 3535), _zeros(3536 * 3535 * 4), 8, 6, interlace=1)
    for chunk, head in {b"iCCP": b"p\0\0", b"zTXt": b"k\0\0", b"iTXt": b"k\0\x01\0\0\0", b"eXIf": b""}.items():
        yield f"{chunk.decode()}.png", _png((10, 10), _zeros(410), extra=_chunk(chunk, head + _zeros(150_000_000)))
    many = b"".join(_chunk(b"zTXt", b"k%d\0\0" % n + _zeros(1_000_000)) for n in range(300))
    yield "vieletexte.png", _png((10, 10), _zeros(410), extra=many)
    yield "viele.png", _png((10, 10), _zeros(410), extra=_chunk(b"tEXt", b"a\0b") * 200_000)
    yield "apng.png", _png((10, 10), _zeros(410), extra=_chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)))


def _jpeg_bombs() -> Iterator[Hostile]:
    for width, height in [(65_500, 65_500), (65_500, 1), (1, 65_500), (60_000, 1000), (8000, 7500), (0, 100), (100, 0)]:
        yield f"{width}x{height}.jpg", _resized(_picture("JPEG"), width, height)
    for width, height, scans in [(3500, 3500, 100), (3500, 3500, 30), (3500, 3500, 2000), (200, 200, 100_000)]:
        yield f"durchgaenge{scans}.jpg", _progressive(width, height, scans)
    large = _progressive(1000, 1000, 1)
    yield "gross-progressiv.jpg", _resized(large, 7745, 7745)
    yield "gross-baseline.jpg", _noise_jpeg(8000, 7500)
    yield "gedreht.jpg", _noise_jpeg(4000, 4000, orientation=6)
    yield "dht.jpg", _picture("JPEG")[:2] + b"\xff\xc4\x00\x03\x00" * 50_000 + _picture("JPEG")[2:]
    yield "app.jpg", _picture("JPEG")[:2] + (b"\xff\xe1\xff\xff" + bytes(65_533)) * 300 + _picture("JPEG")[2:]
    yield "com.jpg", _picture("JPEG")[:2] + b"\xff\xfe\x00\x02" * 500_000 + _picture("JPEG")[2:]
    yield "ff.jpg", b"\xff\xd8" + b"\xff" * 5_000_000
    yield "endlos.jpg", _picture("JPEG")[:-2] + bytes(5_000_000)
    profile = b"ICC_PROFILE\0\x01\x01" + bytes(60_000)
    yield (
        "icc.jpg",
        _picture("JPEG")[:2] + b"\xff\xe2" + struct.pack(">H", len(profile) + 2) + profile + _picture("JPEG")[2:],
    )
    for number in range(8):
        noise = Random(number).randbytes(40 * number + 8)  # noqa: S311 - repeatable on purpose
        yield f"exif{number}.jpg", _with_exif(_picture("JPEG"), noise)
    loop = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x8769, 4, 1, 8) + struct.pack("<I", 8)
    yield "exif-kreis.jpg", _with_exif(_picture("JPEG"), loop)


def _other_pictures() -> Iterator[Hostile]:
    """WebP and HEIC of huge sizes, films in pictures, formats that are not wanted."""
    webp = _picture("WEBP", lossless=True)
    for bits in (b"\xff\xff\xff\x0f", b"\xff\xff\xff\xff", b"\0\0\0\0"):
        at = webp.index(b"VP8L") + 9
        yield "gross.webp", webp[:at] + bits + webp[at + 4 :]
    frames = [Image.new("RGB", (800, 800), (n * 20 % 256, 90, 9)) for n in range(12)]
    film = io.BytesIO()
    frames[0].save(film, "WEBP", save_all=True, append_images=frames[1:])
    yield "film.webp", film.getvalue()
    full = io.BytesIO()
    Image.new("RGB", (3535, 3535), "red").save(full, "WEBP")
    yield "voll.webp", full.getvalue()
    heic = (SAMPLES / "gps.heic").read_bytes()
    at = heic.index(b"ispe") + 8
    for size in ((2**31 - 1, 2**31 - 1), (60_000, 1000), (0, 0), (16_384, 16_384)):
        yield f"{size[0]}x{size[1]}.heic", heic[:at] + struct.pack(">II", *size) + heic[at + 8 :]
    exif = heic.index(b"Exif") - 4
    yield "absturz.heic", heic[:exif] + b"\x00\x63" + heic[exif + 2 :]
    for kind in ("GIF", "BMP", "TIFF", "ICO", "PPM", "TGA", "PCX", "EPS", "DDS", "SGI"):
        yield f"bild.{kind.lower()}", _picture(kind)
        yield f"{kind.lower()}.jpg", _picture(kind)
    yield "ps.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(%pipe%id) (w) file\n"
    yield "wmf.png", b"\xd7\xcd\xc6\x9a" + bytes(100)


def _pdfs() -> Iterator[Hostile]:
    """Pages that want to be gigabytes, endless, or to do something."""
    numbers = b"[" + b"0 " * 500_000 + b"]"
    for count in (1, 8, 24):
        yield f"zahlen{count}.pdf", _pdf(b"/X [" + numbers * count + b"]")
    yield "namen.pdf", _pdf(b"/X <<" + b"".join(b"/N%d 0" % n for n in range(500_000)) + b">>")
    for depth in (100, 400, 100_000):
        yield f"tief{depth}.pdf", _pdf(b"/X " + b"[" * depth + b"]" * depth)
        yield f"tief-dict{depth}.pdf", _pdf(b"/X " + b"<</A" * depth + b" 0 " + b">>" * depth)
    yield "kreis.pdf", _pdf(b"", pages=b"<</Type/Pages/Count 9/Kids[2 0 R 2 0 R]>>")
    yield "kreis2.pdf", _pdf(b"", pages=b"<</Type/Pages/Count 1/Kids[3 0 R]>>", page=b"<</Type/Pages/Kids[2 0 R]>>")
    yield "keine.pdf", _pdf(b"", pages=b"<</Type/Pages/Count 0/Kids[]>>")
    yield "viele.pdf", _pdf(b"", pages=b"<</Type/Pages/Count 1/Kids[" + b"3 0 R " * 500_000 + b"]>>")
    for unpacked in (60_000_000, 600_000_000):
        yield f"index{unpacked}.pdf", _pdf_with_index(b"\0", unpacked)
        yield f"objekte{unpacked}.pdf", _pdf_with_objects(b"0 ", unpacked)
    yield "filter.pdf", _pdf_with_index(b"\0", 1000, filters=200)
    yield "javascript.pdf", _pdf(b"/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>/AA<</O<</S/Launch/F(cmd.exe)>>>>")
    yield (
        "anhang.pdf",
        _pdf(b"/Names<</EmbeddedFiles<</Names[(evil.exe)<</Type/Filespec/F(..\\\\..\\\\evil.exe)>>]>>>>"),
    )
    yield "xfa.pdf", _pdf(b"/AcroForm<</XFA(" + _XXE + b")>>")
    for password in ("", "geheim"):
        yield f"schloss{password}.pdf", _encrypted(password)
    for number in range(6):
        data, noise = bytearray((SAMPLES / "page.pdf").read_bytes()), Random(number)  # noqa: S311 - repeatable on purpose
        for _ in range(20 * number + 1):
            at = noise.randrange(len(data))
            data[at] ^= 0xFF
        yield f"kaputt{number}.pdf", bytes(data)


def _broken() -> Iterator[Hostile]:
    """Each kind cut off and with noise in it, then films whose boxes lie; as many as are wanted to make 300."""
    for name in (
        "gps.jpg",
        "picture.png",
        "picture.webp",
        "animated.webp",
        "gps.heic",
        "clip.mp4",
        "clip.mov",
        "page.pdf",
    ):
        data = (SAMPLES / name).read_bytes()
        for share in (20, 60, 95):
            yield f"{share}-{name}", data[: len(data) * share // 100]
        noisy = bytearray(data)
        for at in Random(name).sample(range(len(data) // 10, len(data)), 20):  # noqa: S311 - repeatable on purpose
            noisy[at] = 0xFF
        yield f"rauschen-{name}", bytes(noisy)
    for size in (0, 1, 7, 2**31, 2**32 - 1):
        yield f"box{size}.mp4", struct.pack(">I", size) + b"ftypmp42" + bytes(64)
    yield "tief.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\0\x08moov" * 100_000
    yield "nichts.jpg", b""
    yield "nullen.jpg", bytes(20 * 2**20)
    yield "zugross.pdf", b"%PDF-1.7\n" + bytes(26 * 2**20)


@cache
def _picture(kind: str, **how: object) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(data, kind, **how)
    return data.getvalue()


def _zip(entries: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return data.getvalue()


@cache
def _zeros(count: int) -> bytes:
    packer, piece = zlib.compressobj(1), bytes(2**20)
    return b"".join(packer.compress(piece[: count - at]) for at in range(0, count, len(piece))) + packer.flush()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(
    size: tuple[int, int], packed: bytes, depth: int = 8, kind: int = 6, *, interlace: int = 0, extra: bytes = b""
) -> bytes:
    head = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, interlace)
    palette = _chunk(b"PLTE", bytes(6)) if kind == 3 else b""
    body = _chunk(b"IHDR", head) + palette + extra + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _png_with(text: dict[str, str]) -> bytes:
    info, data = PngImagePlugin.PngInfo(), io.BytesIO()
    for key, value in text.items():
        info.add_itxt(key, value)
    Image.new("RGB", (40, 30), "teal").save(data, "PNG", pnginfo=info)
    return data.getvalue()


def _resized(jpeg: bytes, width: int, height: int) -> bytes:
    """Let a JPEG say that it is larger than it is."""
    at = next(jpeg.index(mark) for mark in (b"\xff\xc0", b"\xff\xc2") if mark in jpeg)
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def _progressive(width: int, height: int, scans: int) -> bytes:
    """Repeat the last scan of a JPEG: its decoder goes through the whole picture for each."""
    data = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(data, "JPEG", progressive=True, quality=50)
    jpeg = data.getvalue()
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:-2] + jpeg[last:-2] * scans + jpeg[-2:]


def _noise_jpeg(width: int, height: int, orientation: int = 1) -> bytes:
    data, exif = io.BytesIO(), Image.Exif()
    exif[0x112] = orientation
    Image.effect_noise((width // 8, height // 8), 60).resize((width, height)).convert("RGB").save(
        data, "JPEG", exif=exif
    )
    return data.getvalue()


def _with_exif(jpeg: bytes, tiff: bytes) -> bytes:
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def _pdf(
    more: bytes,
    *,
    pages: bytes = b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
    page: bytes = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
) -> bytes:
    out, places = b"%PDF-1.5\n", []
    for number, body in enumerate((b"<</Type/Catalog/Pages 2 0 R" + more + b">>", pages, page), 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 4\n0000000000 65535 f \n" + table + b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    return out + end % len(out)


def _repeated(piece: bytes, unpacked: int) -> bytes:
    packer, block = zlib.compressobj(1), piece * (2**20 // len(piece))
    return b"".join(packer.compress(block) for _ in range(unpacked // len(block) + 1)) + packer.flush()


def _pdf_with_index(piece: bytes, unpacked: int, filters: int = 1) -> bytes:
    packed = _repeated(piece, unpacked)
    names = b"/FlateDecode " * filters
    head = b"%%PDF-1.5\n1 0 obj\n<</Type/XRef/Size 9/W[1 4 2]/Root 2 0 R/Filter[%s]/Length %d>>stream\n"
    return head % (names, len(packed)) + packed + b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n"


def _pdf_with_objects(piece: bytes, unpacked: int) -> bytes:
    """Put the catalog into an object stream that is followed by very many numbers."""
    head = b"1 0 "
    plain = head + b"<</Type/Catalog/Pages 2 0 R/X[" + piece * 1000
    packer, block = zlib.compressobj(1), piece * (2**20 // len(piece))
    packed = packer.compress(plain) + b"".join(packer.compress(block) for _ in range(unpacked // len(block)))
    packed += packer.compress(b"]>>") + packer.flush()
    out = b"%PDF-1.5\n"
    places = {}
    bodies = {
        2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
        4: b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed),
    }
    for number, body in bodies.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows = [(0, 0, 65_535), (2, 4, 0), *((1, places[n], 0) for n in (2, 3, 4)), (1, len(out), 0)]
    table = zlib.compress(b"".join(struct.pack(">BIH", *row) for row in rows))
    index = b"5 0 obj\n<</Type/XRef/Size 6/W[1 4 2]/Root 1 0 R/Filter/FlateDecode/Length %d>>stream\n" % len(table)
    return out + index + table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(out)


def _encrypted(password: str) -> bytes:
    data = io.BytesIO()
    with pikepdf.open(SAMPLES / "page.pdf") as pdf:
        pdf.save(data, encryption=pikepdf.Encryption(owner="o", user=password))
    return data.getvalue()
