"""Small pictures in place of residents' photos: drawn, blurred, grained; the same seed makes the same."""

import random
from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageDraw, ImageFilter

SIZE = (960, 720)
Draw = ImageDraw.ImageDraw


def picture(name: str, seed: int) -> bytes:
    """Return a JPEG of what `name` says (see _SCENES); raises KeyError for an unknown name."""
    scene, wall = _SCENES[name]
    chance = random.Random(seed)  # noqa: S311 - a picture, not a secret
    image = Image.new("RGB", SIZE, wall)
    scene(ImageDraw.Draw(image), chance)
    grain = Image.frombytes("L", (240, 180), chance.randbytes(240 * 180)).resize(SIZE).convert("RGB")
    shaded = Image.blend(image.filter(ImageFilter.GaussianBlur(1.6)), grain, 0.07)
    shaded = Image.composite(shaded, Image.new("RGB", SIZE, "#20211f"), _vignette())
    made = BytesIO()
    shaded.save(made, "JPEG", quality=82)
    return made.getvalue()


def _vignette() -> Image.Image:
    mask = Image.radial_gradient("L").resize(SIZE)
    return mask.point(lambda value: 255 - value // 3)


def _tiles(draw: Draw, chance: random.Random) -> None:
    for x in range(0, 960, 160):
        for y in range(0, 720, 120):
            shade = chance.randint(214, 236)
            draw.rectangle((x + 4, y + 4, x + 154, y + 114), fill=(shade, shade + 6, shade + 8))
    for start in ((320, 90), (480, 330), (640, 450)):
        _crack(draw, chance, start)


def _crack(draw: Draw, chance: random.Random, start: tuple[int, int]) -> None:
    x, y = start
    for _ in range(14):
        step = (x + chance.randint(-14, 14), y + chance.randint(8, 22))
        draw.line((x, y, *step), fill="#4c443c", width=chance.randint(3, 7))
        x, y = step


def _stain(draw: Draw, chance: random.Random, colour: str = "#b79a6a", spots: int = 60) -> None:
    for _ in range(spots):
        x, y, r = int(chance.gauss(520, 120)), int(chance.gauss(300, 90)), chance.randint(14, 60)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    draw.line((0, 640, 960, 620), fill="#8d8579", width=18)


def _mould(draw: Draw, chance: random.Random) -> None:
    draw.line((660, 0, 660, 720), fill="#b9b5aa", width=8)
    for _ in range(260):
        x, y, r = int(chance.gauss(650, 80)), int(chance.gauss(560, 90)), chance.randint(2, 14)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=chance.choice(("#3a3f35", "#555a4a", "#6f7261")))


def _window(draw: Draw, _chance: random.Random) -> None:
    draw.rectangle((200, 60, 760, 660), fill="#f4f4f1", outline="#c9c9c3", width=6)
    draw.rectangle((250, 110, 710, 610), fill="#9cc3d6")
    draw.polygon(((250, 610), (250, 430), (430, 350), (600, 460), (710, 400), (710, 610)), fill="#6d9272")
    draw.rectangle((224, 330, 242, 380), fill="#8a8f92")
    draw.polygon(((236, 340), (330, 420), (318, 436), (226, 356)), fill="#777c80")


def _siphon(draw: Draw, _chance: random.Random) -> None:
    draw.rectangle((120, 60, 840, 130), fill="#b7bcc0")
    draw.line(((480, 130), (480, 330)), fill="#e9ecee", width=70)
    draw.arc((380, 260, 580, 520), 0, 180, fill="#e9ecee", width=70)
    draw.line(((400, 400), (400, 290), (140, 290)), fill="#e9ecee", width=60)
    draw.ellipse((430, 300, 530, 350), fill="#cfd4d7", outline="#8b9398", width=5)
    draw.polygon(((480, 520), (462, 560), (498, 560)), fill="#6db4d8")
    draw.ellipse((330, 590, 630, 680), fill="#4f86b0")


def _socket(draw: Draw, _chance: random.Random) -> None:
    draw.rounded_rectangle((330, 190, 650, 510), 26, fill="#f6f5f0", outline="#b9b6ad", width=6)
    draw.ellipse((385, 245, 595, 455), fill="#e4e2da", outline="#a6a399", width=6)
    for x in (440, 525):
        draw.ellipse((x, 335, x + 24, 359), fill="#2b2b2b")
    draw.polygon(((330, 510), (650, 510), (640, 545), (350, 556)), fill="#4a4640")


def _type_plate(draw: Draw, chance: random.Random) -> None:
    draw.rounded_rectangle((150, 180, 810, 540), 18, fill="#d9dcdd", outline="#888e91", width=8)
    for row in range(6):
        y = 225 + row * 48
        for x in range(190, 740, 92):
            draw.rectangle((x, y, x + chance.randint(20, 78), y + 22), fill="#3b4043")


def _gate(draw: Draw, _chance: random.Random) -> None:
    draw.rectangle((0, 560, 960, 720), fill="#7b7b78")
    draw.rectangle((140, 120, 820, 600), fill="#23282b")
    draw.rectangle((140, 120, 820, 360), fill="#a9b3b8")
    for y in range(150, 360, 36):
        draw.line((140, y, 820, y), fill="#88939a", width=6)
    draw.rectangle((110, 90, 850, 124), fill="#5c666c")


def _bin(draw: Draw, _chance: random.Random) -> None:
    draw.rectangle((0, 590, 960, 720), fill="#8f8a80")
    draw.polygon(((330, 250), (650, 250), (620, 630), (360, 630)), fill="#2c5f94")
    draw.polygon(((650, 240), (900, 90), (915, 120), (670, 268)), fill="#3f78b4")
    for x in (390, 590):
        draw.ellipse((x - 34, 600, x + 34, 668), fill="#232323")


def _sofa(draw: Draw, _chance: random.Random) -> None:
    draw.rectangle((0, 520, 960, 720), fill="#77746c")
    draw.rounded_rectangle((180, 280, 780, 480), 40, fill="#8a4b3d")
    draw.rounded_rectangle((140, 380, 820, 570), 40, fill="#a35b4a")
    draw.line((480, 390, 480, 540), fill="#7a4033", width=8)
    draw.polygon(((600, 400), (690, 390), (670, 450)), fill="#e5d9b8")


_SCENES: dict[str, tuple[Callable[[Draw, random.Random], None], str]] = {
    "fliesen": (_tiles, "#a8a49a"),
    "wasserfleck": (_stain, "#e6e1d6"),
    "schimmel": (_mould, "#e2dfd5"),
    "fenster": (_window, "#d8cfbf"),
    "siphon": (_siphon, "#5b4d40"),
    "steckdose": (_socket, "#cfd8cf"),
    "typenschild": (_type_plate, "#4b4d4f"),
    "tor": (_gate, "#c2bcae"),
    "tonne": (_bin, "#b9c3bb"),
    "sofa": (_sofa, "#c9c5ba"),
}
