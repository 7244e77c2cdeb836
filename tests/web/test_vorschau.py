"""Pictures of a Vorgang in small: on its page, and by themselves."""

import re
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.support.inprocess import Portal, Visitor

SMALL = re.compile(r'<img class="mp-klein" src="[^"]*?/(vorgaenge/[^"]+)"')


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = Portal(tmp_path_factory.mktemp("portal"))
    yield made
    made.close()


@pytest.fixture
def visitor(portal: Portal) -> Visitor:
    return portal.visitor()


def file_with(visitor: Visitor, samples: Path, name: str) -> str:
    form = visitor.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "Siehe Datei"}
    answer = visitor.post("melden/kontakt", form, {"anhaenge": (name, (samples / name).read_bytes())})
    return visitor.where(answer).split("/")[1]


def test_a_picture_is_shown_in_small_beside_its_name(visitor: Visitor, samples: Path) -> None:
    number = file_with(visitor, samples, "gps.jpg")
    (shown,) = SMALL.findall(visitor.get(f"vorgaenge/{number}").text)
    answer = visitor.get(unescape(shown))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert "sandbox" in answer.headers["content-security-policy"]
    with Image.open(BytesIO(answer.content)) as small:
        assert (small.format, small.size) == ("JPEG", (180, 240))  # it was held sideways


def test_what_is_no_picture_and_the_receipt_show_none(visitor: Visitor, samples: Path) -> None:
    page, receipt = file_with(visitor, samples, "page.pdf"), file_with(visitor, samples, "picture.png")
    assert not SMALL.findall(visitor.get(f"vorgaenge/{page}").text)
    assert not SMALL.findall(visitor.get(f"vorgaenge/{receipt}/quittung").text)


def test_what_cannot_be_drawn_is_not_there(visitor: Visitor, samples: Path) -> None:
    number = file_with(visitor, samples, "clip.mp4")
    file = re.search(rf"vorgaenge/{number}/anhaenge/[0-9a-f-]+", visitor.get(f"vorgaenge/{number}").text)
    assert file
    assert visitor.get(file.group()).status_code == 200
    assert visitor.get(f"{file.group()}/bild").status_code == 404


def test_a_document_of_the_management_is_opened_on_its_own_page_only(
    portal: Portal, visitor: Visitor, samples: Path
) -> None:
    number = file_with(visitor, samples, "picture.png")
    document = portal.document(number, (samples / "page.pdf").read_bytes())
    assert visitor.get(f"{document}/bild").status_code == 404
