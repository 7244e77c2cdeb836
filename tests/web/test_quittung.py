"""Whom and which home a receipt names: the proof of a Mängelanzeige says who reported, for whom and where."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from uuid import UUID

import pypdfium2
import pytest

from service.store import stammdaten, vorgaenge
from service.store.database import connected
from service.store.models import VorgangRow
from service.store.records import Vorgang
from service.store.stammdaten import Aenderung
from service.sync.immotion.wire import vorgang_body
from tests.support.dokumente import tell
from tests.support.inprocess import Portal, Visitor
from tests.support.portal import MANDANT

TAP = "melden/schaden?schadensort=W_KUECHE&schadenskategorie=SANITAER&schadensart=SANITAER.TROPFT"
HOME = "Weg G2, 99871 Auenfurt, 2. Obergeschoss links"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = Portal(tmp_path_factory.mktemp("portal"))
    tell(MANDANT, *_stammdaten())
    yield made
    made.close()


def _stammdaten() -> Iterator[tuple[str, str, dict[str, str]]]:
    yield "PERSON", "P1", {"personNr": "P1", "name": "Müller, Zoë"}
    yield "PERSON", "P2", {"personNr": "P2", "name": "Grete Süßmilch"}
    for nr in ("G1", "G2"):
        yield "GEBAEUDE", nr, {"gebaeudeNr": nr, "strasse": f"Weg {nr}", "plz": "99871", "ort": "Auenfurt"}
        yield "EINHEIT", f"E-{nr}", {"einheitNr": f"E-{nr}", "gebaeudeNr": nr, "lage": "2. Obergeschoss links"}
        yield "VERTRAG", f"V-{nr}", {"vertragNr": f"V-{nr}", "personNr": "P1", "einheitNr": f"E-{nr}"}
    owned = {"vertragNr": "V-O", "personNr": "P2", "einheitNr": "E-G2", "rolle": "EIGENTUEMER"}
    yield "VERTRAG", "V-O", owned


def filed(visitor: Visitor, **typed: str) -> str:
    """Report a tap that drips; returns the path of the Vorgang."""
    form = visitor.form(TAP) | {"schadensort": "W_KUECHE", "beschreibung": "Tropft."} | typed
    return visitor.where(visitor.post("melden/schaden", form)).partition("/quittung")[0]


def facts(visitor: Visitor, path: str) -> dict[str, str]:
    page = visitor.get(path).text
    return {label: unescape(value) for label, value in re.findall(r"<dt>([^<]+)</dt>\s*<dd>([^<]+)</dd>", page)}


def pdf_text(visitor: Visitor, vorgang: str) -> str:
    with pypdfium2.PdfDocument(visitor.get(f"{vorgang}/quittung.pdf").content) as document:
        text = "".join(page.get_textpage().get_text_range() for page in document)
    return " ".join(text.split())


def test_a_receipt_names_who_reported_and_the_home_that_they_chose(portal: Portal) -> None:
    resident = portal.visitor(person="P1", name="Zoë Müller")
    vorgang = filed(resident, vertrag="V-G2")
    for path in (vorgang, f"{vorgang}/quittung"):
        shown = facts(resident, path)
        assert (shown["Gemeldet von"], shown["Wohnung"]) == ("Zoë Müller", HOME)
        assert "Gemeldet für" not in shown
    printed = pdf_text(resident, vorgang)
    assert "Gemeldet von: Zoë Müller" in printed
    assert f"Wohnung: {HOME}" in printed


def test_who_reports_for_somebody_else_is_named_beside_them(portal: Portal) -> None:
    child = portal.visitor(person="P2", name="Max Süßmilch")
    vorgang = filed(child)
    shown = facts(child, f"{vorgang}/quittung")
    assert (shown["Gemeldet von"], shown["Gemeldet für"]) == ("Max Süßmilch", "Grete Süßmilch")
    assert shown["Einheit"] == HOME
    assert "Gemeldet für: Grete Süßmilch" in pdf_text(child, vorgang)


@pytest.mark.parametrize("person,who", [("P2", "Grete Süßmilch"), ("UNBEKANNT", "UNBEKANNT")])
def test_where_the_site_tells_no_name_the_person_is_named_as_immotion_knows_them(
    portal: Portal, person: str, who: str
) -> None:
    nameless = portal.visitor(person=person, name="")
    assert facts(nameless, f"vorgaenge/{nameless.file_kontakt()}/quittung")["Gemeldet von"] == who


def test_a_receipt_keeps_what_was_true_when_it_was_reported(portal: Portal) -> None:
    resident = portal.visitor(person="P2", name="Max Süßmilch")
    vorgang = filed(resident)
    moved = Aenderung("GEBAEUDE", "G2", {"gebaeudeNr": "G2", "strasse": "Neuer Name 1"})
    before = Aenderung("GEBAEUDE", "G2", {"gebaeudeNr": "G2", "strasse": "Weg G2", "plz": "99871", "ort": "Auenfurt"})
    with connected():
        stammdaten.apply_changes(MANDANT, [moved], full_since=None)
    try:
        assert facts(resident, f"{vorgang}/quittung")["Einheit"] == HOME
    finally:
        with connected():
            stammdaten.apply_changes(MANDANT, [before], full_since=None)


def test_what_was_reported_before_names_and_homes_were_kept_has_its_receipt(portal: Portal) -> None:
    resident = portal.visitor(person="P2", name="Max Süßmilch")
    vorgang = filed(resident)
    with connected():
        key = UUID(vorgang.rpartition("/")[2])
        old = {name: value for name, value in stored(key).details.items() if name != "gemeldet"}
        VorgangRow.update(details=old, melder={"personNr": "P2"}).where(VorgangRow.id == key).execute()
    shown = facts(resident, f"{vorgang}/quittung")
    assert shown["Schaden"]
    assert not {"Gemeldet von", "Gemeldet für", "Wohnung", "Einheit"} & set(shown)
    assert shown["Meldenummer"] in pdf_text(resident, vorgang)


def test_neither_name_nor_home_stands_in_an_address_or_a_file_name_or_goes_to_immotion(portal: Portal) -> None:
    child = portal.visitor(person="P2", name="Max Süßmilch")
    vorgang = filed(child)
    answer = child.get(f"{vorgang}/quittung.pdf")
    assert re.fullmatch(r'attachment; filename="Quittung-\d{4}-\d{6}\.pdf"', answer.headers["Content-Disposition"])
    with connected():
        body = vorgang_body(stored(UUID(vorgang.rpartition("/")[2])), [])
    assert "Grete" not in str(body)
    assert "Weg G2" not in str(body)


def stored(key: UUID) -> Vorgang:
    found = vorgaenge.by_id(MANDANT, key)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "lang,labels", [("de", ("Meldenummer", "Ihr Zeichen")), ("en", ("Report number", "Your reference"))]
)
def test_the_number_of_the_receipt_is_found_in_list_and_vorgang_beside_the_one_of_immotion(
    portal: Portal, lang: str, labels: tuple[str, str]
) -> None:
    resident = portal.visitor(person=f"P-{lang}")
    keys = [UUID(resident.file_kontakt()) for _ in range(2)]
    with connected():
        numbers = [stored(key).meldenummer for key in keys]
        VorgangRow.update(vorgangsnummer=f"V-{numbers[1]}").where(VorgangRow.id == keys[0]).execute()
    ours, theirs = labels
    paths = ("", "vorgaenge", *(f"vorgaenge/{key}" for key in keys))
    whole = re.compile(r'<span class="mp-whole">(.*?)</span>')
    pages = [whole.sub(r"\1", " ".join(resident.get(f"{path}?lang={lang}").text.split())) for path in paths]
    for page in pages[:3]:
        assert f"{ours} {numbers[0]} · {theirs} V-{numbers[1]}" in page
    for page in (*pages[:2], pages[3]):
        assert re.search(rf"· {ours} {numbers[1]}( ·|<)", page)


def test_a_report_in_any_script_has_its_receipt_as_pdf(portal: Portal) -> None:
    """No font draws every sign, and the standard of accessible PDF forbids to leave one out."""
    resident = portal.visitor(person="P2", name="王 小明")
    vorgang = filed(resident, beschreibung="Es tropft 🙂 水が漏れる น้ำรั่ว \x07 seit gestern.")
    printed = pdf_text(resident, vorgang)
    assert "Es tropft" in printed
    assert "seit gestern." in printed


def test_a_number_that_the_status_names_does_not_break_at_its_hyphens(portal: Portal) -> None:
    resident = portal.visitor(person="P-whole")
    key = UUID(resident.file_kontakt())
    with connected():
        VorgangRow.update(vorgangsnummer="V-2026-000037", status="EINGEGANGEN").where(VorgangRow.id == key).execute()
    for path in ("vorgaenge", f"vorgaenge/{key}"):
        assert 'lautet <span class="mp-whole">V-2026-000037</span>.' in resident.get(path).text


@pytest.mark.parametrize(
    "days,said,leads", [(1, "Wieder öffnen können Sie den Vorgang bis", False), (15, "ließ sich", True)]
)
def test_a_completed_vorgang_says_until_when_it_is_reopened_and_what_to_do_then(
    portal: Portal, days: int, said: str, leads: bool
) -> None:
    resident = portal.visitor(person=f"P-done-{days}")
    key = UUID(resident.file_kontakt())
    done = {"status": "ERLEDIGT", "offen": False, "status_at": portal.now - timedelta(days=days)}
    with connected():
        VorgangRow.update(**done).where(VorgangRow.id == key).execute()
    shown = resident.get(f"vorgaenge/{key}").text.partition('class="mp-state')[2].partition('class="mp-two"')[0]
    assert said in shown
    assert ("melden/kontakt" in shown) is leads
