"""What residents may do about their data: take it away, have an address changed."""

import json
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from service.store import vorgaenge
from service.store.database import connected
from service.store.owner import owner_of_person
from tests.support.inprocess import EMBEDDINGS, Portal, Visitor
from tests.support.portal import MANDANT

PDF = (Path(__file__).parent.parent / "files" / "page.pdf").read_bytes()
ZIP = "konto/daten/auskunft.zip"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = Portal(tmp_path_factory.mktemp("daten"))
    yield made
    made.close()


def file(visitor: Visitor, text: str) -> str:
    form = visitor.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": text}
    return visitor.where(visitor.post("melden/kontakt", form, {"anhaenge": ("Bild.pdf", PDF)})).split("/")[1]


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_the_export_has_all_that_is_the_readers_and_nothing_of_others(portal: Portal, embedding: str) -> None:
    other, visitor = portal.visitor(), portal.visitor(embedding)
    file(other, "Fremdes")
    file(visitor, "Eigenes")
    visitor.set_up()
    answer = visitor.get(ZIP)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        (rows,) = json.loads(archive.read("daten/vorgang.json"))
        assert rows["beschreibung"] == "Eigenes"
        (name,) = [one for one in archive.namelist() if one.startswith("vorgaenge/")]
        assert re.fullmatch(r"vorgaenge/2026-\d{6}/[0-9a-f]{8}-Bild\.pdf", name)
        assert archive.read(name).startswith(b"%PDF")
        whole = b"".join(archive.read(one) for one in archive.namelist())
        assert b"Fremdes" not in whole
        assert "Ihre Vorgänge" in archive.read("LIESMICH.txt").decode()
        assert visitor.secret.encode() not in whole
    english = visitor.get(f"{ZIP}?lang=en").content
    assert b"README.txt" in english


def test_without_a_second_factor_nothing_is_exported(portal: Portal) -> None:
    visitor = portal.visitor()
    answer = visitor.get(ZIP)
    assert "konto/sicherheit" in visitor.where(answer)


def test_the_fourth_export_in_an_hour_is_refused(portal: Portal) -> None:
    visitor = portal.visitor()
    visitor.set_up()
    assert [visitor.get(ZIP).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_change_of_address_is_a_vorgang_with_what_changes_and_from_when(portal: Portal) -> None:
    visitor = portal.visitor()
    fields = {"neu_strasse": "Neue Gasse 3", "neu_ort": "99871 Auenfurt", "ab": "2026-12-01"}
    answer = visitor.post("konto/aenderung", visitor.form("konto/aenderung") | fields)
    key = visitor.where(answer).split("/")[1]
    with connected():
        (line,) = [
            one
            for one in vorgaenge.page(MANDANT, [owner_of_person(MANDANT, f"P-{visitor.sub}")], limit=9)
            if str(one.id) == key
        ]
        filed = vorgaenge.by_id(MANDANT, line.id)
    assert filed is not None
    assert (filed.typ, filed.details["kontaktthema"]) == ("KONTAKT", "STAMMDATEN")
    assert "Neue Straße und Hausnummer: Neue Gasse 3" in filed.beschreibung
    assert "Gültig ab: 01.12.2026" in filed.beschreibung


def test_a_change_of_nothing_comes_back_with_what_was_typed(portal: Portal) -> None:
    visitor = portal.visitor()
    answer = visitor.post("konto/aenderung", visitor.form("konto/aenderung") | {"ab": "bald", "beschreibung": "Hallo"})
    assert answer.status_code == 422
    assert "mindestens aus, was sich ändert" in answer.text
    assert "Hallo" in answer.text


def test_whoever_has_a_second_factor_confirms_a_change_by_it(portal: Portal) -> None:
    visitor = portal.visitor()
    visitor.set_up()
    form = visitor.form("konto/aenderung") | {"neu_ort": "99871 Auenfurt", "ab": "2026-12-01"}
    portal.later(minutes=20)
    assert "bestaetigen" in visitor.where(visitor.post("konto/aenderung", form))
    visitor.step_up(visitor.code())
    assert "99871 Auenfurt" in visitor.get("konto/aenderung").text
