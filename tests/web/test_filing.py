"""A report through the fragment road: what is taken, what is refused, what comes back."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from tests.support.portal import Installation, Resident, eventually, forms, vorgang_id


def test_a_damage_report_with_pictures_is_answered_by_its_receipt(resident: Resident, samples: Path) -> None:
    files = [
        ("anhaenge", ("küche.jpg", (samples / "gps.jpg").read_bytes())),
        ("anhaenge", ("rohr.heic", (samples / "gps.heic").read_bytes())),
    ]
    answer = resident.post("melden/schaden", resident.schaden(), files)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{resident.base}/vorgaenge/")
    receipt = resident.get(answer.headers["Location"])
    assert "küche.jpg" in receipt.text
    assert "rohr.jpg" in receipt.text
    assert "Der Hahn tropft." in receipt.text
    assert re.search(r"2026-\d{6}|20\d\d-\d{6}", receipt.text)
    assert len(re.findall(r"[0-9a-f]{64}", receipt.text)) >= 2


def test_pictures_are_kept_upright_and_without_metadata(resident: Resident, samples: Path) -> None:
    files = [
        ("anhaenge", ("a.jpg", (samples / "gps.jpg").read_bytes())),
        ("anhaenge", ("b.heic", (samples / "gps.heic").read_bytes())),
    ]
    number = resident.file_schaden(files)
    page = resident.get(f"vorgaenge/{number}").text
    urls = sorted(set(re.findall(r"vorgaenge/[0-9a-f-]+/anhaenge/[0-9a-f-]+", page)))
    assert len(urls) == 2
    for url in urls:
        download = resident.get(url)
        assert download.headers["Content-Disposition"].startswith("attachment")
        assert download.headers["X-Content-Type-Options"] == "nosniff"
        assert download.headers["Content-Type"] == "image/jpeg"
        picture = Image.open(io.BytesIO(download.content))
        assert not picture.getexif()
        assert b"GPS" not in download.content
        assert b"xmpmeta" not in download.content


@pytest.mark.parametrize(
    "kind,fields",
    [
        (
            "kontakt",
            {"kontaktthema": "ALLGEMEIN", "beschreibung": "Wann ist Ihr Büro offen?", "betreff": "Öffnungszeiten"},
        ),
        ("beschwerde", {"beschwerdeart": "LAERM_NACHBAR", "beschreibung": "Jede Nacht Musik.", "laerm_wann": "nachts"}),
        ("dokument", {"dokumentart": "MIETBESCHEINIGUNG", "zeitraum": "2025"}),
    ],
)
def test_every_kind_of_report_is_filed(resident: Resident, kind: str, fields: dict[str, str]) -> None:
    form = resident.form(f"melden/{kind}")
    answer = resident.post(f"melden/{kind}", form | fields)
    assert answer.status_code == 303
    receipt = resident.get(answer.headers["Location"])
    for text in (fields.get("beschreibung"), fields.get("betreff"), fields.get("zeitraum"), fields.get("laerm_wann")):
        assert text is None or text in receipt.text


def test_a_combination_that_the_catalog_does_not_have_is_refused_and_nothing_typed_is_lost(resident: Resident) -> None:
    answer = resident.post("melden/schaden", resident.schaden(schadensort="A_SPIEL", beschreibung="Bleibt stehen"))
    assert answer.status_code == 422
    assert "Diese Auswahl gibt es hier nicht" in answer.text
    assert "Bleibt stehen" in answer.text
    assert "vorgaenge/0" not in resident.get("vorgaenge").text


def test_a_kategorie_of_another_art_is_refused(resident: Resident) -> None:
    assert resident.post("melden/schaden", resident.schaden(schadenskategorie="HEIZUNG")).status_code == 422


def test_follow_up_questions_of_the_art_must_be_answered(resident: Resident) -> None:
    form = resident.form("melden/schaden?schadenskategorie=HEIZUNG&schadensart=HEIZUNG.WARMWASSER_LAU")
    form |= {"schadensort": "W_BAD"}
    refused = resident.post("melden/schaden", form)
    assert refused.status_code == 422
    assert 'href="#feld-antwort_umfang"' in refused.text
    again = forms(refused.text)[0] | {"schadensort": "W_BAD", "antwort_umfang": "ein_raum"}
    receipt = resident.get(resident.post("melden/schaden", again).headers["Location"])
    assert "Wer ist betroffen?" in receipt.text
    assert "Ein Raum" in receipt.text


def test_questions_of_special_categories_are_not_asked_by_default(resident: Resident) -> None:
    page = resident.get("melden/schaden?schadenskategorie=HEIZUNG&schadensart=HEIZUNG.AUSFALL").text
    assert "antwort_umfang" in page
    assert "antwort_vulnerable" not in page


def test_a_smell_of_gas_shows_only_whom_to_call_until_the_call_is_confirmed(resident: Resident) -> None:
    page = resident.get("melden/schaden?schadensort=W_KUECHE&schadenskategorie=GEFAHR&schadensart=GEFAHR.GASGERUCH")
    assert "tel:112" in page.text
    assert "tel:0301234567" in page.text
    assert 'name="beschreibung"' not in page.text
    confirm = re.search(r'href="([^"]*notfall_bestaetigt=1[^"]*)"', page.text)
    assert confirm
    assert 'name="beschreibung"' in resident.get(confirm.group(1).replace("&amp;", "&")).text


def test_an_emergency_that_is_not_acknowledged_comes_back_and_then_becomes_p1(
    portal: Installation, resident: Resident
) -> None:
    query = "?schadensort=W_KUECHE&schadenskategorie=SANITAER&schadensart=SANITAER.ROHRBRUCH"
    form = resident.form(f"melden/schaden{query}") | {"schadensort": "W_KUECHE", "antwort_absperrbar": "nein"}
    form.pop("notfall_bestaetigt", None)
    refused = resident.post("melden/schaden", form)
    assert refused.status_code == 422
    assert "Notfallhinweise" in refused.text
    filed = resident.post("melden/schaden", forms(refused.text)[0] | form | {"notfall_bestaetigt": "1"})
    number = vorgang_id(filed)
    body = eventually(lambda: next((v["koerper"] for v in portal.ledger() if v["externeId"] == number), None))
    assert body["vorschlag"]["prioritaet"] == "P1"
    assert body["vorschlag"]["vorgangsart"] == "VA330"
    assert body["schaden"]["notfallAnzeige"]["regel"] == "E_WASSER"


def test_an_answer_can_make_an_emergency_fire(resident: Resident) -> None:
    query = "?schadensort=W_BAD&schadenskategorie=SANITAER&schadensart=SANITAER.UNDICHT_KLEIN"
    form = resident.form(f"melden/schaden{query}") | {"schadensort": "W_BAD"}
    assert resident.post("melden/schaden", form | {"antwort_menge_wasser": "stark"}).status_code == 422
    assert resident.post("melden/schaden", form | {"antwort_menge_wasser": "tropft"}).status_code == 303


def test_the_same_form_sent_twice_is_one_vorgang(resident: Resident) -> None:
    form = resident.schaden()
    first, second = resident.post("melden/schaden", form), resident.post("melden/schaden", form)
    assert vorgang_id(first) == vorgang_id(second)


def test_twenty_sendings_of_one_form_at_once_are_one_vorgang(resident: Resident) -> None:
    form = resident.schaden()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: resident.post("melden/schaden", form), range(20)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({vorgang_id(answer) for answer in answers}) == 1


def test_a_filed_form_with_another_text_is_refused_with_a_way_to_what_was_filed(resident: Resident) -> None:
    form = resident.schaden()
    number = vorgang_id(resident.post("melden/schaden", form))
    refused = resident.post("melden/schaden", form | {"beschreibung": "Etwas ganz anderes"})
    assert refused.status_code == 409
    assert number in refused.text
    assert "Etwas ganz anderes" in refused.text


def test_a_bad_file_is_named_and_the_good_one_and_all_text_stay(resident: Resident, samples: Path) -> None:
    files = [
        ("anhaenge", ("gut.png", (samples / "picture.png").read_bytes())),
        ("anhaenge", ("liste.exe", b"MZ\x90\x00" * 50)),
    ]
    refused = resident.post("melden/schaden", resident.schaden(beschreibung="Alles noch da"), files)
    assert refused.status_code == 422
    assert "„liste.exe“" in refused.text
    assert "gut.png" in refused.text
    assert "Alles noch da" in refused.text
    again = forms(refused.text)[0] | {"schadensort": "W_KUECHE", "beschreibung": "Alles noch da"}
    receipt = resident.get(resident.post("melden/schaden", again).headers["Location"])
    assert "gut.png" in receipt.text
    assert "liste.exe" not in receipt.text


def test_a_file_over_the_limit_is_named_and_the_others_stay(resident: Resident, samples: Path) -> None:
    files = [
        ("anhaenge", ("film.mp4", b"\0" * (25 * 2**20 + 1))),
        ("anhaenge", ("gut.pdf", (samples / "page.pdf").read_bytes())),
    ]
    refused = resident.post("melden/schaden", resident.schaden(), files)
    assert refused.status_code == 422
    assert "„film.mp4“ ist größer als" in refused.text
    assert "gut.pdf" in refused.text


def test_a_twenty_first_file_is_refused(resident: Resident, samples: Path) -> None:
    page = (samples / "page.pdf").read_bytes()
    refused = resident.post("melden/schaden", resident.schaden(), [("anhaenge", (f"{n}.pdf", page)) for n in range(21)])
    assert refused.status_code == 422
    assert "höchstens 20 Dateien" in refused.text


def test_a_text_over_its_length_says_how_long_it_is(resident: Resident) -> None:
    refused = resident.post("melden/schaden", resident.schaden(beschreibung="x" * 4001))
    assert refused.status_code == 422
    assert "4000 Zeichen. Jetzt sind es 4001" in refused.text


def test_a_filed_vorgang_reaches_immotion_by_itself(portal: Installation, resident: Resident, samples: Path) -> None:
    number = resident.file_schaden([("anhaenge", ("a.jpg", (samples / "gps.jpg").read_bytes()))], telefon="030 999")
    found = eventually(lambda: next((v for v in portal.ledger() if v["externeId"] == number), None), 5)
    body = found["koerper"]
    assert body["typ"] == "SCHADEN"
    assert body["schaden"]["schadensart"] == "SANITAER.TROPFT"
    assert body["melder"]["personNr"] == resident.person
    assert body["melder"]["telefon"] == "030 999"
    assert [file["dateiname"] for file in found["anhaenge"]] == ["a.jpg"]
    eventually(lambda: found["vorgangsnummer"] in resident.get(f"vorgaenge/{number}").text)


def test_pages_are_in_english_for_who_wants_them(resident: Resident) -> None:
    page = resident.get("melden/schaden?lang=en")
    assert 'lang="en"' in page.text
    assert "Report damage" in page.text
    assert "lang=en" in page.text.split("<form")[1]


def test_a_routing_rule_of_the_mandant_is_stored_with_the_vorgang(portal: Installation, resident: Resident) -> None:
    number = resident.file_schaden()
    shown = portal.run("why", number)
    assert shown.returncode == 0
    assert "Katalog" in shown.stdout
