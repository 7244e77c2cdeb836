"""What residents may do about their data: take it away, have an address changed."""

import json
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from service.files.storage import Folder
from service.store import inbox, vorgaenge
from service.store.database import connected
from service.store.dokument_records import Ziel
from service.store.owner import key_of_gebaeude, key_of_vertrag, owner_of_person
from service.sync.apply import apply_waiting
from tests.support.aushang import hang, haus
from tests.support.dokumente import einheit, gebaeude, pdf, person, publish, tell, vertrag
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


def test_a_file_that_cannot_be_read_is_named_in_the_export(portal: Portal) -> None:
    visitor = portal.visitor()
    file(visitor, "Mit Datei")
    visitor.set_up()
    folder = portal.directory / "files"
    folder.rename(portal.directory / "away")
    content = visitor.get(ZIP).content
    (portal.directory / "away").rename(folder)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert [name for name in archive.namelist() if name.startswith("vorgaenge/")] == []
        assert re.search(r"\nvorgaenge/2026-\d{6}/[0-9a-f]{8}-Bild\.pdf\r\n", archive.read("FEHLT.txt").decode())
    with zipfile.ZipFile(BytesIO(visitor.get(ZIP).content)) as archive:
        assert "FEHLT.txt" not in archive.namelist()


OWN, FOREIGN = "Eigen", "Fremd"


def test_the_export_of_a_full_life_has_each_thing_once_and_nothing_foreign(portal: Portal) -> None:
    """Two neighbours with the same kinds of things, one of them a co-resident of the other's contract."""
    tell(
        MANDANT, gebaeude("G1"), gebaeude("G2"), einheit("E1", "G1"), einheit("E2", "G2"),
        person("P1"), ("PERSON", "P2", {"personNr": "P2", "name": f"{FOREIGN}er Name"}),
        vertrag("V1", "P1", "E1", mitmieter=[{"personNr": "P2", "name": f"{FOREIGN}er Mitmieter"}]),
        vertrag("V2", "P2", "E2", notiz=FOREIGN),
    )  # fmt: skip
    visitor, other = portal.visitor(person="P1"), portal.visitor(person="P2")
    visitor.set_up()
    other.set_up()
    papers = Folder(portal.settings.service.files)
    for word, one, nr, home in ((OWN, visitor, "P1", "G1"), (FOREIGN, other, "P2", "G2")):
        live(portal, one, word, home)
        publish(papers, MANDANT, pdf(f"{word} Brief"), Ziel(owner_of_person(MANDANT, nr)), titel=f"{word} Brief")
        publish(papers, MANDANT, pdf(f"{word} Haus"), Ziel(key_of_gebaeude(MANDANT, home)), titel=f"{word} Haus")
    publish(papers, MANDANT, pdf("geteilt"), Ziel(key_of_vertrag(MANDANT, "V1")), titel=f"{OWN} Vertrag")
    with zipfile.ZipFile(BytesIO(visitor.get(ZIP).content)) as archive:
        assert archive.testzip() is None
        contents = {name: archive.read(name) for name in archive.namelist()}
    said = {name: content.decode() for name, content in contents.items() if name.startswith("daten/")}
    assert [name for name, content in contents.items() if FOREIGN.encode() in content or FOREIGN in name] == []
    for table in ("vorgang", "aktivitaet", "anhang", "draft", "dokument"):
        assert OWN in said[f"daten/{table}.json"], table
    assert {one["titel"] for one in json.loads(said["daten/dokument.json"])} == {
        f"{OWN} Brief", f"{OWN} Haus", f"{OWN} Vertrag"}  # fmt: skip
    assert len(json.loads(said["daten/betroffen.json"])) == 1
    assert {one["nr"] for one in json.loads(said["daten/stammdaten.json"])} == {"P1", "V1"}
    files = sorted(name.rpartition("/")[2].partition("-")[2] for name in contents if name.startswith("vorgaenge/"))
    assert files == [f"{OWN}-dazu.pdf", f"{OWN}.pdf"]
    drafts = [content for name, content in contents.items() if name.startswith("entwuerfe/")]
    assert drafts == [pdf(f"{OWN} Entwurf")]
    kept = {content for name, content in contents.items() if name.startswith("dokumente/")}
    assert kept == {pdf(f"{OWN} Brief"), pdf(f"{OWN} Haus"), pdf("geteilt")}


def live(portal: Portal, visitor: Visitor, word: str, home: str) -> None:
    """Report with a file, write with another, be answered openly and internally, press a button, begin a draft."""
    said = {"kontaktthema": "ALLGEMEIN", "beschreibung": f"{word}es Anliegen", "vertrag": f"V{home[1]}"}
    form = visitor.form("melden/kontakt") | said
    where = visitor.where(visitor.post("melden/kontakt", form, {"anhaenge": (f"{word}.pdf", pdf(word))}))
    path = where.partition("?")[0].removesuffix("/quittung")
    key = path.split("/")[1]
    more = visitor.form(path) | {"aktion": "nachricht", "nachricht": f"{word}e Nachricht"}
    visitor.post(path, more, {"anhaenge": (f"{word}-dazu.pdf", pdf(f"{word} dazu"))})
    for number, (sicht, text) in enumerate((("MIETER", f"{word}e Antwort"), ("INTERN", FOREIGN))):
        told = {
            "ereignisId": f"{key}-{number}",
            "typ": "AKTIVITAET",
            "zeit": portal.now.isoformat(),
            "mandant": MANDANT,
            "externeId": key,
            "sichtbarkeit": sicht,
            "daten": {"aktivitaetId": str(number), "art": "NACHRICHT", "text": text},
        }
        with connected():
            inbox.receive(MANDANT, told, portal.now)
    apply_waiting(haus(portal).house, clock=lambda: portal.now)
    fault = hang(portal, f"{word}e Störung", gebaeude=(home,))
    assert visitor.post(f"aushang/{fault.id}/betroffen", visitor.form("konto/aktivieren")).status_code == 303
    draft = visitor.form("melden/beschwerde") | {"beschreibung": f"{word}er Entwurf", "aktion": "hochladen"}
    visitor.post("melden/beschwerde", draft, {"anhaenge": (f"{word}-Entwurf.pdf", pdf(f"{word} Entwurf"))})


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
