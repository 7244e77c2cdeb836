"""`mieterportal document publish`: a folder and a list; what is wrong with a line stops no other."""

import csv
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from click.testing import CliRunner, Result

import service.storage as storage_module
from benchmarks.foreign import Asked
from benchmarks.statements import Day, ask_for_foreign, check_lists, publish, tell_persons, write_folder
from service.access.vault import Vault
from service.cli import main
from service.files.papers import SIZE_MAX
from service.files.scan import ScanState, Verdict
from service.files.storage import Folder
from service.storage import storage_of
from service.store import dokumente, stammdaten
from service.store.database import connected
from service.store.dokument_records import Dokument, DokumentFilter
from service.store.owner import owner_of_person
from service.vorgang import delivery
from service.vorgang.dokumente import leser_of
from service.vorgang.publish import BATCH
from tests.support.dokumente import NOW, einheit, forget_everything, gebaeude, pdf, person, tell, vertrag
from tests.support.inprocess import Portal
from tests.support.portal import MANDANT
from tests.support.ports import free_port

HEAD = [
    "datei",
    "art",
    "titel",
    "datum",
    "personNr",
    "vertragNr",
    "gebaeudeNr",
    "alle",
    "stufe",
    "loeschenNach",
    "dokumentId",
    "sha256",
]
LINE = {"datei": "a.pdf", "art": "ANSCHREIBEN", "titel": "Brief", "datum": "2026-03-01", "personNr": "P1"}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    portal = Portal(tmp_path_factory.mktemp("portal"))
    yield portal
    portal.close()


@pytest.fixture
def portal(opened: Portal, monkeypatch: pytest.MonkeyPatch) -> Portal:
    monkeypatch.setenv("MIETERPORTAL_CONFIG", str(opened.installation.config))
    forget_everything()
    tell(MANDANT, person("P1"), person("P2"), gebaeude("G1"), einheit("E1", "G1"), vertrag("V1", "P1", "E1"))
    return opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "post"
    made.mkdir()
    for name in ("a", "b"):
        (made / f"{name}.pdf").write_bytes(pdf(name))
    return made


def write(folder: Path, *lines: dict[str, str], separator: str = ";") -> None:
    with (folder / "dokumente.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, HEAD, delimiter=separator, restval="")
        writer.writeheader()
        writer.writerows(lines)


def run(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["document", "publish", MANDANT, str(folder), *(options or ("--yes",))])


def listed(nr: str = "P1", **wanted: Any) -> list[Dokument]:
    with connected():
        leser = leser_of(MANDANT, [owner_of_person(MANDANT, nr)], stammdaten.vertraege(MANDANT, nr), NOW.date())
        return dokumente.page(leser, DokumentFilter(**wanted), limit=99)


def kept(portal: Portal) -> int:
    return len(list(Folder(portal.settings.service.files).ids(NOW.replace(year=2100))))


def test_each_line_is_a_document_for_whom_it_names(portal: Portal, folder: Path) -> None:
    write(folder, LINE, LINE | {"datei": "b.pdf", "personNr": "", "vertragNr": "V1", "titel": "Vertrag", "stufe": "2"})
    done = run(folder)
    assert (done.exit_code, "2 recipients of 2 files" in done.output) == (0, True)
    assert "published: 2 documents, 2 recipients; 0 lines refused" in done.output
    assert sorted((one.titel, one.level, one.mime) for one in listed()) == [
        ("Brief", None, "application/pdf"),
        ("Vertrag", 2, "application/pdf"),
    ]
    assert listed("P2") == []


def test_the_same_list_again_publishes_nothing_twice(portal: Portal, folder: Path) -> None:
    write(folder, LINE, separator=",")
    run(folder)
    before = kept(portal)
    assert "published: 0 documents, 0 recipients" in run(folder).output
    assert (len(listed()), kept(portal)) == (1, before)


def test_a_file_is_kept_once_however_many_receive_it_and_by_whatever_name(portal: Portal, folder: Path) -> None:
    before = kept(portal)
    (folder / "c.pdf").write_bytes((folder / "a.pdf").read_bytes().replace(b"(a)", b"(c)"))
    (folder / "d.pdf").write_bytes((folder / "c.pdf").read_bytes())
    lines = [LINE | {"datei": name, "personNr": nr} for name in ("c.pdf", "d.pdf") for nr in ("P1", "P2")]
    write(folder, *lines)
    assert "published: 1 documents, 2 recipients" in run(folder).output
    assert (kept(portal) - before, len(listed()), len(listed("P2"))) == (1, 1, 1)


def test_a_dry_run_says_the_same_and_keeps_nothing(portal: Portal, folder: Path) -> None:
    before = kept(portal)
    write(folder, LINE, LINE | {"datei": "none.pdf"})
    said = run(folder, "--dry-run")
    assert said.exit_code == 1
    assert "would be published: 1 documents, 1 recipients; 1 lines refused" in said.output
    assert "line 3: NO_FILE" in said.output
    assert (listed(), kept(portal)) == ([], before)


def test_nothing_happens_unasked(portal: Portal, folder: Path) -> None:
    write(folder, LINE)
    done = CliRunner().invoke(main, ["document", "publish", MANDANT, str(folder)])
    assert (done.exit_code, listed()) == (2, [])


@pytest.mark.parametrize(
    "changes,code",
    [
        ({"personNr": "P-99"}, "UNKNOWN_PERSON"),
        ({"personNr": "", "vertragNr": "V-99"}, "UNKNOWN_VERTRAG"),
        ({"personNr": "", "gebaeudeNr": "G-99"}, "UNKNOWN_GEBAEUDE"),
        ({"vertragNr": "V-99"}, "UNKNOWN_VERTRAG"),
        ({"personNr": "P2", "vertragNr": "V1"}, "NO_PARTY"),
        ({"personNr": ""}, "NO_RECIPIENT"),
        ({"alle": "ja"}, "NO_RECIPIENT"),
        ({"sha256": "0" * 64}, "DIGEST"),
        ({"sha256": "abc"}, "DIGEST"),
        ({"datum": "2026-W10-1"}, "DATE"),
        ({"datum": "20260301"}, "DATE"),
        ({"datum": "2026-03-01st"}, "DATE"),
        ({"stufe": "9" * 5000}, "LEVEL"),
        ({"personNr": "P\x001"}, "CHARACTERS"),
        ({"dokumentId": "D\u202e1"}, "CHARACTERS"),
        ({"datei": "locked.pdf"}, "ENCRYPTED"),
        ({"datei": "empty.pdf"}, "EMPTY"),
        ({"datei": "large.pdf"}, "TOO_LARGE"),
        ({"datei": "bomb.zip"}, "TYPE"),
        ({"datei": "page.html"}, "TYPE"),
        ({"datei": "torn.pdf"}, "DAMAGED"),
        ({"datei": "../outside.pdf"}, "NAME"),
        ({"datei": "/etc/passwd"}, "NAME"),
        ({"datei": "..\\outside.pdf"}, "NAME"),
        ({"datei": ".."}, "NAME"),
        ({"datei": "a\u202efdp.exe"}, "NAME"),
        ({"datei": "link.pdf"}, "NO_FILE"),
        ({"datei": "sub"}, "NO_FILE"),
        ({"art": "GEHEIM"}, "KIND"),
        ({"datum": "gestern"}, "DATE"),
        ({"stufe": "3"}, "LEVEL"),
        ({"dokumentId": "taken"}, "OTHER_CONTENT"),
    ],
)
def test_a_line_that_cannot_be_published_is_named_and_the_rest_goes_on(
    portal: Portal, folder: Path, samples: Path, changes: dict[str, str], code: str
) -> None:
    hostile(folder, samples)
    taken = LINE | {"dokumentId": "taken", "personNr": "P2"}
    write(folder, taken, LINE | {"datei": "b.pdf", **changes}, LINE | {"titel": "Danach"})
    done = run(folder)
    assert done.exit_code == 1
    assert f"line 3: {code}: " in done.output
    assert "published: 2 documents, 2 recipients; 1 lines refused" in done.output
    assert ([one.titel for one in listed()], len(listed("P2"))) == (["Danach"], 1)
    assert not list((portal.settings.service.files / "incoming").glob("*"))
    with connected():
        (row,) = delivery.status([MANDANT], NOW)
    assert [(alarm.kind, alarm.detail, alarm.count) for alarm in row.alarms] == [("document_refused", code, 1)]


def test_what_comes_to_nothing_leaves_no_file_and_hurts_no_later_line(portal: Portal, folder: Path) -> None:
    before, wrong = kept(portal), {"sha256": "0" * 64}
    taken = LINE | {"dokumentId": "taken"}
    write(folder, taken, taken | {"datei": "b.pdf"}, LINE | wrong, LINE | wrong | {"datei": "b.pdf"})
    assert run(folder).exit_code == 1
    assert kept(portal) - before == 1
    write(folder, *[LINE | {"datei": "b.pdf"} | wrong] * BATCH, LINE | {"datei": "b.pdf"})
    assert "published: 1 documents, 1 recipients; 200 lines refused" in run(folder).output
    assert kept(portal) - before == 2


@pytest.mark.parametrize("says", [ScanState.INFECTED, ScanState.UNSCANNABLE])
def test_what_the_scanner_calls_bad_is_refused_in_every_line_and_nothing_of_it_is_kept(
    portal: Portal, folder: Path, monkeypatch: pytest.MonkeyPatch, says: ScanState
) -> None:
    before = kept(portal)
    (folder / "c.pdf").write_bytes((folder / "a.pdf").read_bytes())
    bad = (folder / "a.pdf").read_bytes()
    monkeypatch.setattr(storage_module, "scanner_of", lambda _service: FindsBad(bad, says))
    write(folder, LINE, LINE | {"datei": "b.pdf"}, LINE | {"datei": "c.pdf"}, *[LINE] * BATCH)
    done = run(folder)
    assert f"line 2: {says.name}: " in done.output
    assert f"line 4: {says.name}: " in done.output
    assert f"published: 1 documents, 1 recipients; {2 + BATCH} lines refused" in done.output
    assert (kept(portal) - before, len(listed())) == (1, 1)


def test_while_the_scanner_is_away_the_command_says_that_nobody_sees_the_files_yet(
    portal: Portal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIETERPORTAL_SERVICE__SCAN__ADDRESS", f"127.0.0.1:{free_port()}")
    write(folder, LINE | {"datei": "once.pdf"})
    (folder / "once.pdf").write_bytes(pdf("waits"))
    assert "waiting for the virus scan, and not shown before: 1 file" in run(folder).output
    assert listed() == []


def test_where_files_cannot_be_kept_the_command_stops_with_a_word(
    portal: Portal, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").touch()
    monkeypatch.setenv("MIETERPORTAL_SERVICE__FILES", str(tmp_path / "taken"))
    (folder / "new.pdf").write_bytes(pdf("nowhere"))
    write(folder, LINE | {"datei": "new.pdf"})
    done = run(folder)
    assert (done.exit_code, "stopped, files cannot be read or kept: " in done.output) == (75, True)
    assert "publish the list again" in done.output
    assert listed() == []


class FindsBad:
    """A scanner to which one content is bad."""

    def __init__(self, bad: bytes, says: ScanState) -> None:
        self.bad = bad
        self.says = says

    def look(self, content: BinaryIO) -> Verdict:
        return Verdict(self.says if content.read() == self.bad else ScanState.CLEAN)

    def version(self) -> str:
        return "ClamAV"


def hostile(folder: Path, samples: Path) -> None:
    (folder.parent / "outside.pdf").write_bytes(pdf("outside"))
    (folder / "link.pdf").symlink_to(folder.parent / "outside.pdf")
    (folder / "sub").mkdir()
    (folder / "locked.pdf").write_bytes((samples / "locked.pdf").read_bytes())
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "torn.pdf").write_bytes(pdf("torn")[:200])
    (folder / "page.html").write_bytes(b"<html>%PDF-")
    (folder / "bomb.zip").write_bytes(b"PK\x03\x04" + bytes(99))
    with (folder / "large.pdf").open("wb") as file:
        file.truncate(4 * SIZE_MAX)


@pytest.mark.parametrize(
    "content,said",
    [(b"name;datum\nx;y\n", "datei, art"), ("datei;art;datum\nä;b;c\n".encode("latin-1"), "UTF-8"),
     (b'datei;art;datum\n"a;b', "CSV"), (b"", "datei, art"), (b"datei;art;datum;Datei\n", "twice")],
)  # fmt: skip
def test_a_list_that_cannot_be_read_is_refused_as_a_whole(
    portal: Portal, folder: Path, content: bytes, said: str
) -> None:
    (folder / "dokumente.csv").write_bytes(content)
    done = run(folder)
    assert (done.exit_code, said in done.output) == (1, True)


def test_a_file_is_found_whichever_way_its_accents_are_written_and_its_title_by_a_search(
    portal: Portal, folder: Path
) -> None:
    apart, composed = (unicodedata.normalize(form, "Übergabe Müller.pdf") for form in ("NFD", "NFC"))
    (folder / apart).write_bytes(pdf("ü"))
    (folder / composed.replace("M", "N")).write_bytes(pdf("n"))
    write(folder, LINE | {"datei": composed, "titel": apart}, LINE | {"datei": apart.replace("M", "N")})
    assert "published: 2 documents" in run(folder).output
    assert {one.titel for one in listed()} == {composed, "Brief"}
    assert [one.titel for one in listed(words=("übergabe",)) if one.dateiname == composed] == [composed]


def test_a_title_keeps_nothing_that_steers_what_shows_it(portal: Portal, folder: Path) -> None:
    write(folder, LINE | {"titel": "Ab\u202erechnung\x1b[31m\n2025\x00"})
    run(folder)
    assert [one.titel for one in listed()] == ["Abrechnung [31m 2025"]


def test_columns_that_nothing_is_made_of_are_named(portal: Portal, folder: Path) -> None:
    (folder / "dokumente.csv").write_text("datei;art;datum;personNr;Stuffe\na.pdf;ANSCHREIBEN;2026-03-01;P1;2;\n")
    said = run(folder)
    assert (said.exit_code, "not used: the columns Stuffe" in said.output, len(listed())) == (0, True, 1)


@pytest.mark.parametrize("limit", [{"stufe": "2"}, {"loeschenNach": "2027-01-31"}])
def test_what_limits_a_document_that_is_there_is_not_passed_over_unsaid(
    portal: Portal, folder: Path, limit: dict[str, str]
) -> None:
    write(folder, LINE | {"dokumentId": "D1"})
    run(folder)
    write(folder, LINE | {"dokumentId": "D1"}, LINE | {"dokumentId": "D1", "personNr": "P2"} | limit)
    said = run(folder)
    assert (said.exit_code, "line 3: OTHER_LIMITS" in said.output) == (1, True)
    assert "published: 0 documents, 0 recipients; 1 lines refused" in said.output


def test_two_ids_that_begin_alike_are_two_documents(portal: Portal, folder: Path) -> None:
    ids = ["9" * 100 + end for end in "ab"]
    write(folder, *(LINE | {"dokumentId": one, "titel": one[-1]} for one in ids))
    run(folder)
    assert sorted(one.titel for one in listed()) == ["a", "b"]


def test_pictures_are_documents_too_and_keep_their_bytes(portal: Portal, folder: Path, samples: Path) -> None:
    for name in ("picture.png", "picture.webp", "gps.jpg"):
        (folder / name).write_bytes((samples / name).read_bytes())
    write(folder, *(LINE | {"datei": name, "titel": name} for name in ("picture.png", "picture.webp", "gps.jpg")))
    assert run(folder).exit_code == 0
    found = {one.titel: one for one in listed()}
    assert {name: one.mime for name, one in found.items()} == {
        "picture.png": "image/png",
        "picture.webp": "image/webp",
        "gps.jpg": "image/jpeg",
    }
    kept_here = storage_of(portal.settings.service, Vault(portal.settings.service.encryption_keys))
    with kept_here.open(found["gps.jpg"].file) as file:
        assert file.read() == (samples / "gps.jpg").read_bytes()
    assert found["gps.jpg"].sealed_key is not None


def test_a_statement_day_gives_everybody_theirs_and_nobody_anothers_within_200_mib(
    portal: Portal, tmp_path: Path
) -> None:
    day, most = Day(250), tmp_path / "abrechnung"
    tell_persons(day.persons)
    write_folder(most, day.persons)
    publish(day, portal, most)
    ask_for_foreign(day, portal, check_lists(day), Asked(residents=4, documents=15))
    assert (day.wrong, day.checked, day.asked) == ([], 250, 60)
