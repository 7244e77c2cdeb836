"""The file drop as a whole: portal, sync worker and an ERP that only sees folders."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.filedrop import DropInstallation
from tests.support.portal import eventually


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DropInstallation]:
    made = DropInstallation(tmp_path_factory.mktemp("drop"))
    try:
        made.start_standin()
        made.start_portal()
        made.start_sync()
        yield made
    finally:
        made.stop_all()


def test_a_report_goes_the_whole_way_and_back(installation: DropInstallation, samples: Path) -> None:
    resident = installation.resident()
    picture = ("Küche.png", (samples / "picture.png").read_bytes(), "image/png")
    number = resident.file_schaden(files={"anhaenge": picture}, beschreibung='Grüße 😀 & <Tropfen>\n"zweite" Zeile')

    def row() -> dict[str, object] | None:
        return next((one for one in installation.ledger() if one["externeId"] == number), None)

    booked = eventually(row, 30)
    assert booked["koerper"]["beschreibung"] == 'Grüße 😀 & <Tropfen>\n"zweite" Zeile'
    assert [anhang["dateiname"] for anhang in booked["anhaenge"]] == ["Küche.png"]
    eventually(lambda: booked["vorgangsnummer"] in resident.get(f"vorgaenge/{number}").text, 30)
    form = resident.form(f"vorgaenge/{number}")
    answer = resident.post(f"vorgaenge/{number}", form | {"aktion": "nachricht", "nachricht": "Es tropft stärker."})
    assert answer.status_code == 303
    eventually(lambda: [entry["text"] for entry in row()["aktivitaeten"]] == ["Es tropft stärker."], 30)
    desk = f"{installation.standin_url}/vorgang/{number}"
    requests.post(f"{desk}/nachricht", data={"text": "Wir kommen; am Montag", "autor": "Frau Öz"}, timeout=10)
    letter = (samples / "page.pdf").read_bytes()
    files = {"datei": ("Bescheid.pdf", letter, "application/pdf")}
    requests.post(f"{desk}/dokument", data={"titel": "Ihr Bescheid"}, files=files, timeout=10)
    requests.post(f"{desk}/status", data={"code": "TERMINIERT", "textMieter": "Termin steht"}, timeout=10)
    page = eventually(
        lambda: _with(resident.get(f"vorgaenge/{number}").text, "am Montag", "Ihr Bescheid", "Termin steht")
    )
    assert page.count("Wir kommen; am Montag") == 1
    eventually(
        lambda: not [path for place in ("in", "out", "quittung") for path in (installation.drop / place).iterdir()]
    )
    assert not list((installation.drop / "fehler").iterdir())


def _with(page: str, *words: str) -> str:
    return page if all(word in page for word in words) else ""
