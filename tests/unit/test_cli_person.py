"""`mieterportal person`: letters for one and for many, and the accounts that act for a person."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest
from click.testing import CliRunner, Result

from service.access.activation_code import Code, parse
from service.cli import main
from service.cli.letters import leading_to
from service.store import accounts, activations, stammdaten
from service.store.database import connected, database, open_database
from service.store.migrate import migrate
from service.store.records import Link
from service.store.stammdaten import Aenderung
from tests.support.portal import MANDANT, Installation

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BEGAN = "2019-04-01"


def master_data() -> list[Aenderung]:
    """Zoë is a tenant, Jana an owner, Mehmet rents at two addresses, Grete's contract has no beginning."""
    vertraege = [
        ("V-1", "4711", "E1", BEGAN, "MIETER"),
        ("V-2", "4713", "E1", "2012-02-01", "EIGENTUEMER"),
        ("V-3", "4712", "E1", "2015-11-01", "MIETER"),
        ("V-4", "4712", "E2", "2015-11-01", "MIETER"),
        ("V-5", "4715", "E1", "", "MIETER"),
    ]
    return [
        Aenderung("GEBAEUDE", "G1", {"gebaeudeNr": "G1", "strasse": "Amselgasse 3", "plz": "99871", "ort": "Auenfurt"}),
        Aenderung("GEBAEUDE", "G2", {"gebaeudeNr": "G2", "strasse": "Am Wehr 7", "plz": "99873", "ort": "Auenfurt"}),
        Aenderung("EINHEIT", "E1", {"einheitNr": "E1", "gebaeudeNr": "G1", "lage": "links"}),
        Aenderung("EINHEIT", "E2", {"einheitNr": "E2", "gebaeudeNr": "G2", "lage": "rechts"}),
        Aenderung("PERSON", "4711", {"personNr": "4711", "name": "Zoë Müller"}),
        Aenderung("PERSON", "4712", {"personNr": "4712", "name": "Mehmet Yıldız"}),
        Aenderung("PERSON", "4713", {"personNr": "4713", "name": "Jana Österreich-Groß"}),
        Aenderung("PERSON", "4714", {"personNr": "4714"}),
        Aenderung("PERSON", "4715", {"personNr": "4715", "name": "Grete Süßmilch"}),
        *(
            Aenderung("VERTRAG", nr, {"personNr": person, "einheitNr": einheit, "beginn": beginn, "rolle": rolle})
            for nr, person, einheit, beginn, rolle in vertraege
        ),
    ]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    open_database(made.database)
    migrate()
    with connected():
        stammdaten.apply_changes(MANDANT, master_data(), full_since=None)
    yield made
    database.obj.close_all()


def run(installation: Installation, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(installation.config), "person", *arguments])


def rewrite(installation: Installation, rules: str) -> None:
    """Replace the settings of the letters."""
    installation.invitation = rules
    installation.write_settings()


def listed(installation: Installation, text: str, **encoding: str) -> Path:
    path = installation.directory / "personen.csv"
    path.write_text(text, **{"encoding": "utf-8"} | encoding)
    return path


def codes(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "codes.csv").read_text(encoding="utf-8-sig")), delimiter=";"))


def text_of(pdf: Path) -> list[str]:
    """Return what stands on each page, by the fonts' own tables, without spaces."""
    with pikepdf.open(pdf) as document:
        return [re.sub(r"\s", "", page_text(page)) for page in document.pages]


def page_text(page: pikepdf.Page) -> str:
    tables = {name: to_unicode(font) for name, font in page.resources.Font.items()}
    said, table = [], {}
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "Tf":
            table = tables[str(operands[0])]
        elif str(operator) in {"TJ", "Tj"}:
            pieces = operands[0] if str(operator) == "TJ" else operands
            raw = b"".join(bytes(piece) for piece in pieces if isinstance(piece, pikepdf.String))
            said += [table.get(raw[at : at + 2].hex(), "") for at in range(0, len(raw), 2)]
    return "".join(said)


def to_unicode(font: pikepdf.Object) -> dict[str, str]:
    cmap = font.ToUnicode.read_bytes().decode("ascii")
    found = re.findall(r"^<([0-9a-fA-F]{4})> <([0-9a-fA-F]+)>$", cmap, re.MULTILINE)
    table = {code.lower(): bytes.fromhex(text).decode("utf-16-be") for code, text in found}
    for first, last, text in re.findall(
        r"^<([0-9a-fA-F]{4})> <([0-9a-fA-F]{4})> <([0-9a-fA-F]+)>$", cmap, re.MULTILINE
    ):
        for number in range(int(first, 16), int(last, 16) + 1):
            table[f"{number:04x}"] = chr(int(text, 16) + number - int(first, 16))
    return table


def test_one_letter_has_address_code_and_qr_code_but_not_the_fact(installation: Installation) -> None:
    out = installation.directory / "out"
    said = run(installation, "invite", MANDANT, "4711", "--out", str(out))
    assert said.exit_code == 0, said.output
    assert said.output.startswith(f"1 letter is in {out}.")
    (line,) = codes(out)
    assert (line["name"], line["strasse"], line["plz"], line["ort"]) == (
        "Zoë Müller",
        "Amselgasse 3",
        "99871",
        "Auenfurt",
    )
    assert line["adresse"] == f"http://127.0.0.1:8080/mieterportal/konto/aktivieren#code={line['code']}"
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}
    (text,) = text_of(out / "briefe-0001.pdf")
    for wanted in ("ZoëMüller", "Amselgasse3", "99871Auenfurt", line["code"], "BeginnIhresVertrags"):
        assert wanted in text
    for secret in ("2019", "V-1", "4711"):
        assert secret not in text.replace(line["code"], "")
    code = parse(line["code"])
    assert isinstance(code, Code)
    with connected():
        stored = activations.find(MANDANT, code.selector)
    assert stored is not None
    assert code.secret not in repr(stored)
    assert stored.code_hash.startswith("$argon2id$")


def test_letters_are_tagged_and_say_what_they_are_for_in_both_languages(installation: Installation) -> None:
    for lang, purpose, wanted in (("en", "person", "tenantportal"), ("de", "factor", "zweitenFaktor")):
        out = installation.directory / lang
        said = run(installation, "invite", MANDANT, "4711", "--out", str(out), "--lang", lang, "--purpose", purpose)
        assert said.exit_code == 0, said.output
        assert wanted in text_of(out / "briefe-0001.pdf")[0]
        with pikepdf.open(out / "briefe-0001.pdf") as document:
            assert document.Root.MarkInfo.Marked
            assert str(document.Root.Lang) == lang


def test_a_letter_in_another_language_leads_to_the_page_in_it(installation: Installation) -> None:
    out = installation.directory / "english"
    said = run(installation, "invite", MANDANT, "4711", "--out", str(out), "--lang", "en")
    assert said.exit_code == 0, said.output
    (line,) = codes(out)
    page = "http://127.0.0.1:8080/mieterportal/konto/aktivieren?lang=en"
    assert line["adresse"] == f"{page}#code={line['code']}"
    assert page in text_of(out / "briefe-0001.pdf")[0]


def test_the_language_goes_along_with_whatever_the_address_asks_for() -> None:
    assert (
        leading_to("https://www.example.test/portal/?seite=7", "en")
        == "https://www.example.test/portal/?seite=7&lang=en"
    )


def test_a_list_makes_a_letter_for_each_and_voids_the_former_ones(installation: Installation) -> None:
    text = "Person_Nr;Name;Strasse;PLZ;Ort;Bemerkung\n4711;;;;;x\n\n4713;;Neue Straße 9;99999;Anderswo;y\n"
    for folder in ("first", "second"):
        said = run(installation, "invite", MANDANT, "--csv", str(listed(installation, text)), "--out",
                   str(installation.directory / folder))  # fmt: skip
        assert said.exit_code == 0, said.output
    first, second = (codes(installation.directory / folder) for folder in ("first", "second"))
    assert [(line["personNr"], line["strasse"]) for line in second] == [
        ("4711", "Amselgasse 3"),
        ("4713", "Neue Straße 9"),
    ]
    assert len(text_of(installation.directory / "second" / "briefe-0001.pdf")) == 2
    with connected():
        stored = [activations.find(MANDANT, line["code"][:4]) for line in first + second]
    assert [one is not None and one.revoked_at is not None for one in stored] == [True, True, False, False]


def test_each_bad_line_is_named_and_nothing_is_written_unless_told_to(installation: Installation) -> None:
    bad = listed(installation, "personNr,name\n4711,\n,\n ,x\n9999,\n4711,\n4712,\n4713,\n4714,\n4715,\n")
    out = installation.directory / "out"
    said = run(installation, "invite", MANDANT, "--csv", str(bad), "--out", str(out))
    assert said.exit_code == 1
    for line, reason in {
        4: "personNr is empty", 5: "9999: the master data know no such person", 6: "4711 is in the list twice",
        7: "4712: no single address", 8: "4713: no single address", 9: "4714: no name",
        10: "4715: the master data know no vertragsbeginn",
    }.items():  # fmt: skip
        assert f"line {line}: {reason}" in said.output, said.output
    assert "nothing was written" in said.output
    assert not out.exists()
    said = run(installation, "invite", MANDANT, "--csv", str(bad), "--out", str(out), "--skip-bad")
    assert said.exit_code == 0
    assert [line["personNr"] for line in codes(out)] == ["4711"]


def test_a_fact_of_the_list_may_not_stand_in_the_letter(installation: Installation) -> None:
    rewrite(installation, 'url = "https://www.example.de/portal"\nfact = "csv"\nfact_label = "Geburtsdatum"')
    out = installation.directory / "out"
    bad = listed(installation, "personNr\tfakt\n4711\t99871\n")
    said = run(installation, "invite", MANDANT, "--csv", str(bad), "--out", str(out))
    assert "line 2: 4711: the letter would say what is in the column fakt" in said.output
    empty = listed(installation, "personNr\tfakt\n4711\t - \n")
    assert (
        "the column fakt is empty"
        in run(installation, "invite", MANDANT, "--csv", str(empty), "--out", str(out)).output
    )
    good = listed(installation, "personNr\tfakt\n4711\t13.05.1950\n")
    assert run(installation, "invite", MANDANT, "--csv", str(good), "--out", str(out)).exit_code == 0
    (text,) = text_of(out / "briefe-0001.pdf")
    assert "Geburtsdatum" in text
    assert "1950" not in text
    assert "www.example.de/portal" in text


@pytest.mark.parametrize(
    "text, encoding, said",
    [
        ("Nummer;Name\n4711;x\n", "utf-8", "its first line must name the column personNr"),
        ("", "utf-8", "its first line must name the column personNr"),
        ("personNr;name\n4711;Müller\n", "latin-1", "is not UTF-8"),
        ("personNr;name\n", "utf-8", "names nobody"),
        ("personNr;name;Name\n4711;Müller;Zoë\n", "utf-8", "names the column name twice"),
        ('personNr;name\n4711;"Müller\n4713;Groß\n', "utf-8", "does a quotation mark stand alone?"),
        (f"personNr;name\n4711;{'x' * 200_000}\n", "utf-8", "is no CSV that can be read"),
    ],
)
def test_a_list_that_cannot_be_read_says_what_to_do(
    installation: Installation, text: str, encoding: str, said: str
) -> None:
    path = listed(installation, text, encoding=encoding)
    result = run(installation, "invite", MANDANT, "--csv", str(path), "--out", str(installation.directory / "out"))
    assert (result.exit_code, said in result.output) == (1, True), result.output
    assert not (installation.directory / "out").exists()


def test_a_line_whose_cells_have_moved_makes_no_letter_to_another_address(installation: Installation) -> None:
    text = (
        "personNr;name;strasse;plz;ort\n4711;Müller; Zoë;Neue Straße 9;99999;Anderswo\n4713;Jana;Am Wehr 7;99873;Au;\n"
    )
    out = installation.directory / "out"
    said = run(installation, "invite", MANDANT, "--csv", str(listed(installation, text)), "--out", str(out))
    assert (said.exit_code, out.exists()) == (1, False)
    assert "line 2: 4711: more cells than columns" in said.output
    assert "line 3" not in said.output


def test_a_name_in_any_script_and_on_two_lines_has_its_letter(installation: Installation) -> None:
    text = 'personNr;name\n4711;"王 小明 🙂\n\u202eMüller\x00"\n'
    out = installation.directory / "out"
    said = run(installation, "invite", MANDANT, "--csv", str(listed(installation, text)), "--out", str(out))
    assert said.exit_code == 0, said.output
    (line,) = codes(out)
    assert line["name"] == "王 小明 🙂 Müller"
    (letter,) = text_of(out / "briefe-0001.pdf")
    assert "Müller" in letter
    assert line["code"] in letter


def test_letters_are_never_written_over(installation: Installation) -> None:
    out = str(installation.directory / "out")
    assert run(installation, "invite", MANDANT, "4711", "--out", out).exit_code == 0
    before = codes(Path(out))
    again = run(installation, "invite", MANDANT, "4711", "--out", out)
    assert (again.exit_code, "name another folder" in again.output) == (1, True)
    assert codes(Path(out)) == before


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((MANDANT,), "name one person, or a list"),
        (("unknown", "4711"), "there are: musterbau, nachbar"),
        (("nachbar", "4711"), "[mandanten.nachbar.invitation] is not set"),
    ],
)
def test_what_is_missing_is_named(installation: Installation, arguments: tuple[str, ...], said: str) -> None:
    result = run(installation, "invite", *arguments, "--out", str(installation.directory / "out"))
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_links_are_listed_and_given_up(installation: Installation) -> None:
    assert "no account is linked" in run(installation, "links", MANDANT, "4711").output
    with connected():
        for account in ("a" * 64, "b" * 64):
            accounts.link(Link(MANDANT, account, "4711", "website", NOW))
    shown = run(installation, "links", MANDANT, "4711").output
    assert "aaaaaaaaaaaa  website  since 2026-11-23T12:00+00:00" in shown
    unasked = run(installation, "unlink", MANDANT, "4711", "--account", "aaa")
    assert unasked.exit_code == 2
    done = run(installation, "unlink", MANDANT, "4711", "--account", "aaa", "--yes")
    assert "unlinked: 1" in done.output
    with connected():
        assert [link.account for link in accounts.links_of(MANDANT, "4711")] == ["b" * 64]
    assert "no such account" in run(installation, "unlink", MANDANT, "4711", "--account", "aaa", "--yes").output
