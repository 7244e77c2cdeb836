"""A page as a picture: drawn of every kind of file that is taken, and nothing of it lies open meanwhile."""

import tempfile
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from service.files.preview import NoPreview, draw_page
from tests.support.dokumente import pdf


def picture(kind: str, size: tuple[int, int] = (1400, 30)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, (200, 10, 10)).save(out, kind)
    return out.getvalue()


def test_pages_and_pictures_are_drawn_a_thousand_pixels_wide() -> None:
    drawn = [draw_page(BytesIO(pdf("x", pages=3)), "application/pdf", 3)]
    drawn += [draw_page(BytesIO(picture(kind)), f"image/{kind}", 1) for kind in ("jpeg", "png", "webp")]
    assert [Image.open(BytesIO(one)).size[0] for one in drawn] == [1000] * 4


@pytest.mark.parametrize("content,number", [(pdf("x"), 2), (b"%PDF-1.7 torn", 1)])
def test_what_cannot_be_drawn_is_said_to_be_none(content: bytes, number: int) -> None:
    with pytest.raises(NoPreview):
        draw_page(BytesIO(content), "application/pdf", number)


class Watched(BytesIO):
    """A file that looks into a folder each time it is read."""

    def __init__(self, content: bytes, folder: Path) -> None:
        super().__init__(content)
        self.folder = folder
        self.seen: list[list[str]] = []

    def read(self, size: int | None = -1, /) -> bytes:
        self.seen.append([path.name for path in self.folder.iterdir()])
        return super().read(size)


def test_while_a_page_is_drawn_no_file_of_it_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    content = Watched(pdf("x"), tmp_path)
    draw_page(content, "application/pdf", 1)
    assert content.seen
    assert not any(content.seen)
