"""A Vorgang after it was filed: what immotion says of it, what the resident adds."""

from pathlib import Path

import pytest
import requests

from tests.support.portal import Installation, Resident, eventually, forms


def tell(portal: Installation, externe_id: str, typ: str, daten: dict[str, object], **more: object) -> None:
    event = {"externeId": externe_id, "typ": typ, "sichtbarkeit": "MIETER", "daten": daten, **more}
    assert requests.post(f"{portal.standin_url}/_standin/ereignisse", json=event, timeout=10).status_code < 300


def arrived(portal: Installation, number: str) -> dict[str, object]:
    return eventually(lambda: next((v for v in portal.ledger() if v["externeId"] == number), None))


def test_status_and_message_of_the_clerk_appear(portal: Installation, resident: Resident) -> None:
    number = resident.file_schaden()
    arrived(portal, number)
    tell(portal, number, "ZUORDNUNG", {"aufgabentraeger": {"anzeigeName": "Frau Yıldız"}})
    tell(portal, number, "STATUS", {"status": {"code": "IN_PRUEFUNG"}})
    tell(portal, number, "AKTIVITAET", {"art": "NACHRICHT", "text": "Der Installateur kommt.", "autor": "Frau Yıldız"})
    eventually(lambda: "Der Installateur kommt." in resident.get(f"vorgaenge/{number}").text)
    page = resident.get(f"vorgaenge/{number}").text
    assert "In Bearbeitung" in page
    assert "Frau Yıldız bearbeitet Ihr Anliegen." in page


@pytest.mark.parametrize(
    "bis, said",
    [
        ("2026-11-29T18:00:00Z", "Termin: 29. November 2026, 17:00 bis 19:00 Uhr, Wärme &amp; Söhne."),
        ("2026-11-30T08:00:00Z", "29. November 2026, 17:00 Uhr bis 30. November 2026, 09:00 Uhr, Wärme &amp; Söhne."),
        ("gegen Abend", "29. November 2026, 17:00 Uhr – gegen Abend, Wärme &amp; Söhne."),
        ("", "Termin: 29. November 2026, 17:00 Uhr, Wärme &amp; Söhne."),
    ],
)
def test_an_appointment_names_its_day_once(portal: Installation, resident: Resident, bis: str, said: str) -> None:
    number = resident.file_schaden()
    arrived(portal, number)
    termin = {"von": "2026-11-29T16:00:00Z", "bis": bis, "firma": "Wärme & Söhne"}
    tell(portal, number, "STATUS", {"status": {"code": "TERMINIERT"}, "termin": termin})
    eventually(lambda: said in resident.get(f"vorgaenge/{number}").text)


def test_unread_messages_are_counted_until_the_vorgang_is_opened(portal: Installation, resident: Resident) -> None:
    number = resident.file_schaden()
    arrived(portal, number)
    tell(portal, number, "AKTIVITAET", {"art": "NACHRICHT", "text": "Neu", "autor": "A"})
    eventually(lambda: "1 neue Nachricht" in resident.get().text)
    resident.get(f"vorgaenge/{number}")
    assert "1 neue Nachricht" not in resident.get().text


def test_internal_events_stay_unseen(portal: Installation, resident: Resident) -> None:
    number = resident.file_schaden()
    arrived(portal, number)
    tell(portal, number, "AKTIVITAET", {"text": "Nur für uns", "autor": "A"}, sichtbarkeit="INTERN")
    tell(portal, number, "AKTIVITAET", {"text": "Für alle", "autor": "A"})
    eventually(lambda: "Für alle" in resident.get(f"vorgaenge/{number}").text)
    assert "Nur für uns" not in resident.get(f"vorgaenge/{number}").text


def test_an_unmapped_code_shows_as_being_worked_on_and_raises_an_alarm(
    portal: Installation, resident: Resident
) -> None:
    number = resident.file_schaden()
    arrived(portal, number)
    tell(portal, number, "STATUS", {"status": {"code": "GANZ_NEU"}})
    eventually(lambda: "In Bearbeitung" in resident.get(f"vorgaenge/{number}").text)
    assert '"status_unmapped"' in portal.log("sync")


def test_a_vorgang_born_in_immotion_appears(portal: Installation, resident: Resident) -> None:
    event = {
        "typ": "VORGANG_ANGELEGT",
        "vorgangId": f"born-{resident.person}",
        "mandant": "musterbau",
        "sichtbarkeit": "MIETER",
        "vorgangSeq": 1,
        "daten": {
            "typ": "SCHADEN",
            "betreff": "Am Telefon gemeldet",
            "vorgangsnummer": "V-1900-000001",
            "melder": {"personNr": resident.person},
        },
    }
    assert requests.post(f"{portal.standin_url}/_standin/ereignisse", json=event, timeout=10).status_code < 300
    eventually(lambda: "Am Telefon gemeldet" in resident.get("vorgaenge").text)


def test_a_completed_contact_speaks_of_no_defect_and_may_be_reopened(portal: Installation, resident: Resident) -> None:
    vorgang = {"mandant": "musterbau", "vorgangId": f"contact-{resident.person}", "sichtbarkeit": "MIETER"}
    melder = {"typ": "KONTAKT", "betreff": "Frage zur Kaution", "melder": {"personNr": resident.person}}
    for seq, (typ, daten) in enumerate([("VORGANG_ANGELEGT", melder), ("STATUS", {"status": {"code": "ERLEDIGT"}})]):
        event = {**vorgang, "typ": typ, "vorgangSeq": seq + 1, "daten": daten}
        assert requests.post(f"{portal.standin_url}/_standin/ereignisse", json=event, timeout=10).status_code < 300
    listed = eventually(lambda: (page := resident.get("vorgaenge").text).count("Erledigt") and page)
    page = resident.get(listed.split(">Frage zur Kaution<")[0].rsplit('href="', 1)[1].split('"')[0]).text
    assert "Ist noch etwas offen, öffnen Sie es innerhalb von 14 Tagen wieder." in page
    assert "Es ist noch nicht erledigt" in page
    assert "Mangel" not in page
    assert "Der Schaden ist nicht behoben" not in page


def test_an_early_event_waits_for_its_vorgang(portal: Installation, resident: Resident) -> None:
    event = {
        "typ": "STATUS",
        "vorgangId": f"early-{resident.person}",
        "mandant": "musterbau",
        "sichtbarkeit": "MIETER",
        "vorgangSeq": 2,
    }
    post = f"{portal.standin_url}/_standin/ereignisse"
    requests.post(post, json=event | {"daten": {"status": {"code": "RUECKFRAGE"}}}, timeout=10)
    birth = event | {"typ": "VORGANG_ANGELEGT", "vorgangSeq": 1}
    daten = {"typ": "KONTAKT", "betreff": "Spät gekommen", "melder": {"personNr": resident.person}}
    requests.post(post, json=birth | {"daten": daten}, timeout=10)
    eventually(lambda: "Ihre Antwort fehlt" in resident.get("vorgaenge").text, 15)


def test_a_message_with_a_file_goes_to_immotion(portal: Installation, resident: Resident, samples: Path) -> None:
    number = resident.file_schaden()
    form = resident.form(f"vorgaenge/{number}") | {"aktion": "nachricht", "nachricht": "Hier ein Bild"}
    answer = resident.post(
        f"vorgaenge/{number}", form, [("anhaenge", ("bild.png", (samples / "picture.png").read_bytes()))]
    )
    assert answer.status_code == 303
    page = resident.get(f"vorgaenge/{number}").text
    assert "Hier ein Bild" in page
    assert "bild.png" in page
    eventually(lambda: arrived(portal, number)["aktivitaeten"])


def test_the_same_message_sent_twice_is_one(resident: Resident) -> None:
    number = resident.file_schaden()
    form = resident.form(f"vorgaenge/{number}") | {"aktion": "nachricht", "nachricht": "Nur einmal bitte"}
    assert [resident.post(f"vorgaenge/{number}", form).status_code for _ in range(3)] == [303] * 3
    assert resident.get(f"vorgaenge/{number}").text.count("Nur einmal bitte") == 1
    assert resident.post(f"vorgaenge/{number}", form | {"nachricht": "anders"}).status_code == 409


def test_an_empty_message_is_refused_and_a_bad_file_is_named(resident: Resident) -> None:
    number = resident.file_schaden()
    form = resident.form(f"vorgaenge/{number}") | {"aktion": "nachricht", "nachricht": ""}
    assert resident.post(f"vorgaenge/{number}", form).status_code == 422
    refused = resident.post(
        f"vorgaenge/{number}", form | {"nachricht": "Text bleibt"}, [("anhaenge", ("x.exe", b"MZ"))]
    )
    assert refused.status_code == 422
    assert "„x.exe“" in refused.text
    assert "Text bleibt" in refused.text


def test_a_message_without_its_token_is_refused_but_shown_again(resident: Resident) -> None:
    number = resident.file_schaden()
    form = resident.form(f"vorgaenge/{number}") | {
        "aktion": "nachricht",
        "nachricht": "Kommt zurück",
        "csrf_token": "x",
    }
    refused = resident.post(f"vorgaenge/{number}", form)
    assert refused.status_code == 403
    assert "Kommt zurück" in refused.text
    assert "Kommt zurück" not in resident.get(f"vorgaenge/{number}").text


def test_a_file_of_a_message_can_be_uploaded_first_and_removed_again(resident: Resident, samples: Path) -> None:
    number = resident.file_schaden()
    form = resident.form(f"vorgaenge/{number}") | {"nachricht": "Entwurf"}
    upload = [("anhaenge", ("plan.pdf", (samples / "page.pdf").read_bytes()))]
    page = resident.post(f"vorgaenge/{number}", form | {"aktion": "hochladen"}, upload).text
    assert "plan.pdf" in page
    button = page.split('value="entfernen:')[1].split('"')[0]
    assert "plan.pdf" not in resident.post(f"vorgaenge/{number}", form | {"aktion": f"entfernen:{button}"}).text
    assert "Entwurf" in resident.get(f"vorgaenge/{number}").text


def action_form(page: str, name: str) -> dict[str, str]:
    """Return the fields of one of the small forms on a Vorgang's page."""
    return forms("<form " + page.split(f'id="{name}-formular"')[1])[0] | {"aktion": name}


def test_a_request_can_be_withdrawn_once(portal: Installation, resident: Resident) -> None:
    number = resident.file_schaden()
    form = action_form(resident.get(f"vorgaenge/{number}").text, "rueckzug")
    assert resident.post(f"vorgaenge/{number}", form).status_code == 303
    page = resident.get(f"vorgaenge/{number}").text
    assert "Zurückgezogen" in page
    assert "Jetzt zurückziehen" not in page
    eventually(lambda: arrived(portal, number)["aktivitaeten"])


def test_a_withdrawn_vorgang_says_so_everywhere_until_the_management_closes_it(
    portal: Installation, resident: Resident
) -> None:
    number = resident.file_schaden()
    form = action_form(resident.get(f"vorgaenge/{number}").text, "rueckzug")
    assert resident.post(f"vorgaenge/{number}", form).status_code == 303
    said, received = "Zurückgezogen, Bestätigung folgt", "Ihre Meldung ist eingegangen"
    for path in ("", "vorgaenge", f"vorgaenge/{number}"):
        assert said in resident.get(path).text, path
    eventually(lambda: arrived(portal, number)["aktivitaeten"])
    tell(portal, number, "STATUS", {"status": {"code": "ZUGEWIESEN"}})
    tell(portal, number, "AKTIVITAET", {"text": "Danke für den Bescheid.", "autor": "A"})
    eventually(lambda: "Danke für den Bescheid." in resident.get(f"vorgaenge/{number}").text)
    for path in ("", "vorgaenge", f"vorgaenge/{number}"):
        page = resident.get(path).text
        assert said in page, path
        assert received not in page, path
    tell(portal, number, "STATUS", {"status": {"code": "STORNIERT"}})
    eventually(lambda: "Sie haben das Anliegen zurückgezogen." in resident.get("vorgaenge?zustand=abgeschlossen").text)
    assert said not in resident.get(f"vorgaenge/{number}").text


def test_a_completed_vorgang_can_be_rated_and_reopened(portal: Installation, resident: Resident) -> None:
    number = resident.file_schaden()
    arrived(portal, number)
    tell(portal, number, "STATUS", {"status": {"code": "ERLEDIGT"}})
    eventually(lambda: "Bewertung senden" in resident.get(f"vorgaenge/{number}").text)
    page = resident.get(f"vorgaenge/{number}").text
    rating = action_form(page, "bewertung")
    assert resident.post(f"vorgaenge/{number}", rating).status_code == 422
    assert resident.post(f"vorgaenge/{number}", rating | {"bewertung": "4", "nachricht": "Gut"}).status_code == 303
    reopen = action_form(page, "wiedereroeffnung")
    assert resident.post(f"vorgaenge/{number}", reopen).status_code == 422
    assert resident.post(f"vorgaenge/{number}", reopen | {"nachricht": "Tropft wieder"}).status_code == 303
    after = resident.get(f"vorgaenge/{number}").text
    assert "4 von 5. Gut" in after
    assert "Tropft wieder" in after
    assert "Wieder öffnen" not in after


def test_a_document_of_the_clerk_can_be_downloaded(portal: Installation, resident: Resident, samples: Path) -> None:
    number = resident.file_schaden()
    arrived(portal, number)
    clerk = requests.Session()
    clerk.headers["Origin"] = portal.standin_url
    page = clerk.get(f"{portal.standin_url}/vorgang/{number}", timeout=10).text
    assert "Nachbau" in page
    action = page.split('id="nachricht-dateien"')[0].rsplit('action="', 1)[1].split('"')[0]
    data = {"text": "Siehe Aushang", "autor": "Frau Yıldız", "sichtbarkeit": "MIETER"}
    upload = {"dateien": ("aushang.pdf", (samples / "page.pdf").read_bytes(), "application/pdf")}
    assert clerk.post(portal.standin_url + action, data=data, files=upload, timeout=10).status_code == 200
    page = eventually(lambda: t if "/anhaenge/" in (t := resident.get(f"vorgaenge/{number}").text) else None, 15)
    url = page.split("/anhaenge/")[1].split('"')[0]
    download = resident.get(f"vorgaenge/{number}/anhaenge/{url}")
    assert download.content == (samples / "page.pdf").read_bytes()
    assert download.headers["Content-Type"] == "application/pdf"


def provide(portal: Installation, number: str, name: str, content: bytes) -> dict[str, object]:
    """Put a document on immotion's shelf and announce it."""
    kept = f"{portal.standin_url}/_standin/dokumente/{name}?dateiname={name}.pdf"
    put = requests.put(kept, data=content, headers={"Content-Type": "application/pdf"}, timeout=10)
    assert put.status_code < 300
    daten = {"dokumentId": name, "titel": f"Titel {name}", "dateiname": f"{name}.pdf"}
    tell(portal, number, "DOKUMENT", daten)
    return daten


def file_url(page: str, name: str) -> str:
    """Return where a file of the page is downloaded, below the Vorgang."""
    before = page[: page.index(f"{name}.pdf")]
    return "anhaenge/" + before.rsplit("/anhaenge/", 1)[1].split('"')[0]


def test_a_withdrawn_document_is_gone_from_page_download_and_receipts(
    portal: Installation, resident: Resident, samples: Path
) -> None:
    number, content = resident.file_schaden(), (samples / "page.pdf").read_bytes()
    arrived(portal, number)
    wrong, right = (
        provide(portal, number, f"falsch-{number}", content),
        provide(portal, number, f"gut-{number}", content),
    )
    page = eventually(
        lambda: t if (t := resident.get(f"vorgaenge/{number}").text).count("/anhaenge/") == 2 else None, 20
    )
    urls = [f"vorgaenge/{number}/{file_url(page, str(one['dokumentId']))}" for one in (wrong, right)]
    assert [resident.get(url).content for url in urls] == [content, content]
    tell(portal, number, "DOKUMENT_ZURUECKGEZOGEN", {"dokumentId": wrong["dokumentId"]}, sichtbarkeit="INTERN")
    eventually(lambda: resident.get(urls[0]).status_code == 404)
    assert resident.get(urls[1]).content == content
    page = resident.get(f"vorgaenge/{number}").text
    assert "Die Verwaltung hat ein Dokument zurückgezogen." in page
    assert f"falsch-{number}" not in page
    assert f"gut-{number}.pdf" in page
    assert "falsch-" not in resident.get(f"vorgaenge/{number}/quittung").text
    assert resident.get(f"vorgaenge/{number}/quittung.pdf").status_code == 200


def test_a_document_withdrawn_before_it_was_announced_never_appears(
    portal: Installation, resident: Resident, samples: Path
) -> None:
    number = resident.file_schaden()
    arrived(portal, number)
    tell(portal, number, "DOKUMENT_ZURUECKGEZOGEN", {"dokumentId": f"früh-{number}"})
    provide(portal, number, f"früh-{number}", (samples / "page.pdf").read_bytes())
    tell(portal, number, "AKTIVITAET", {"art": "NACHRICHT", "text": "Danach", "autor": "A"})
    eventually(lambda: "Danach" in resident.get(f"vorgaenge/{number}").text)
    assert "früh-" not in resident.get(f"vorgaenge/{number}").text


def test_a_document_that_immotion_does_not_have_is_shown_as_not_there_yet_and_stops_no_other(
    portal: Installation, resident: Resident, samples: Path
) -> None:
    number = resident.file_schaden()
    arrived(portal, number)
    tell(portal, number, "DOKUMENT", {"dokumentId": f"fehlt-{number}", "dateiname": "fehlt.pdf"})
    provide(portal, number, f"da-{number}", (samples / "page.pdf").read_bytes())
    page = eventually(lambda: t if "/anhaenge/" in (t := resident.get(f"vorgaenge/{number}").text) else None, 20)
    assert "wird noch bereitgestellt" in page
    assert page.count("/anhaenge/") == 1


def test_a_vorgang_that_immotion_has_deleted_is_closed_and_takes_no_more(
    portal: Installation, resident: Resident, samples: Path
) -> None:
    upload = [("anhaenge", ("bild.png", (samples / "picture.png").read_bytes()))]
    number = resident.file_schaden(files=upload)
    arrived(portal, number)
    form = forms(resident.get(f"vorgaenge/{number}").text)[0]
    tell(portal, number, "GELOESCHT", {"grund": "Doppelt erfasst"})
    eventually(lambda: "Von der Verwaltung gelöscht" in resident.get(f"vorgaenge/{number}").text)
    page = resident.get(f"vorgaenge/{number}").text
    assert "Die Verwaltung führt diesen Vorgang nicht mehr." in page
    assert "Doppelt erfasst" in page
    assert forms(page) == []
    assert resident.post(f"vorgaenge/{number}", form | {"nachricht": "Hallo", "aktion": "nachricht"}).status_code == 422
    assert number in resident.get("vorgaenge?zustand=abgeschlossen").text
    assert number not in resident.get("vorgaenge?zustand=offen").text
    own = page.split("/anhaenge/")[1].split('"')[0]
    assert resident.get(f"vorgaenge/{number}/anhaenge/{own}").status_code == 200
    assert "bild.png" in resident.get(f"vorgaenge/{number}/quittung").text


def test_lists_are_paged_by_keyset_and_filtered(resident: Resident) -> None:
    numbers = [resident.file_schaden() for _ in range(21)]
    first = resident.get("vorgaenge").text
    assert numbers[-1] in first
    assert numbers[0] not in first
    older = first.split("vor=")[1].split('"')[0].split("&")[0]
    assert numbers[0] in resident.get(f"vorgaenge?vor={older}").text
    assert numbers[-1] in resident.get("vorgaenge?zustand=offen").text
    assert numbers[-1] not in resident.get("vorgaenge?zustand=abgeschlossen").text


def test_the_receipt_comes_as_tagged_pdf(resident: Resident) -> None:
    number = resident.file_schaden(beschreibung="#evil $x$ 😀 <b>")
    for answer in (
        resident.get(f"vorgaenge/{number}/quittung.pdf"),
        resident.get(f"vorgaenge/{number}/quittung", headers={"Accept": "application/pdf"}),
    ):
        assert answer.headers["Content-Type"] == "application/pdf"
        assert b"/StructTreeRoot" in answer.content
        assert b"pdfuaid" in answer.content


def test_the_page_tells_its_title_to_the_cms(resident: Resident) -> None:
    assert requests.utils.unquote(resident.get("melden/kontakt").headers["Portal-Title"]) == "Kontakt aufnehmen"


@pytest.mark.parametrize("path", ["", "vorgaenge", "melden/schaden", "melden/kontakt"])
def test_nothing_personal_is_cached(resident: Resident, path: str) -> None:
    assert resident.get(path).headers["Cache-Control"] == "no-store"
