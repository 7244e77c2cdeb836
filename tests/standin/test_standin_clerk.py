"""What a clerk does, by HTTP: see the Vorgang, work on it, and the portal learns of it."""

import re
from uuid import uuid4

import pytest

JPEG = b"\xff\xd8\xff" + b"bild" * 500


def last(events, typ):
    return events(typ=typ)["ereignisse"][-1]


def test_the_list_shows_the_newest_first_and_can_be_filtered(client, file_it, body, show):
    first, second = body(betreff="Der erste"), body(betreff="Der zweite", mandant="anderer")
    file_it(first)
    file_it(second)
    page = show("/")
    assert page.index("Der zweite") < page.index("Der erste")
    assert "2 insgesamt" in page
    client.simulate_post(
        "/_standin/ereignisse",
        json={"typ": "STATUS", "externeId": first["externeId"], "daten": {"code": "ERLEDIGT"}},
    )
    assert "Der erste" not in show("/?status=NEU")
    assert "Der zweite" not in show("/?status=ERLEDIGT")
    assert "Der erste" not in show("/?mandant=anderer")
    assert "noch nichts angekommen" in show("/?status=DUBLETTE")


def test_a_time_without_end_is_shown_as_it_came(file_it, body, show):
    never = body(meldezeit="9999-12-31T23:59:59Z")
    assert file_it(never).status_code == 201
    assert "9999-12-31T23:59:59Z" in show("/")
    assert "9999-12-31T23:59:59Z" in show(f"/vorgang/{never['externeId']}")


def test_a_long_list_goes_on_with_older_ones(file_it, body, show):
    for number in range(52):
        file_it(body(betreff=f"Nummer {number:02d} Ende"))
    page = show("/")
    assert "Nummer 02" in page
    assert "Nummer 01" not in page
    onward = re.search(r'class="weiter" href="([^"]+)"', page)[1]
    assert "Nummer 01" in show("/" + onward)
    assert "Nummer 51" in show("/?vor=unsinn")


def test_everything_that_the_portal_sent_is_on_the_page(filed, show):
    page = show(f"/vorgang/{filed['externeId']}")
    for words in (
        "Wasser tropft aus der Decke",
        "Ayşe Öztürk",
        "29.03.2026, 10:14 Uhr",
        "SANITAER.ROHRBRUCH",
        "ein_raum",
        "ab 16 Uhr",
        "ja",
        "von: 22:00; bis: 23:00",
        "Frau Kern",
        "<dd>bad</dd>",
        "P2 dringend",
        "Schadensmeldung",
    ):
        assert words in page


def test_attachments_are_shown_as_what_they_are(client, filed, upload, anhang):
    (entry,) = filed["anhaenge"]
    path = f"/vorgang/{filed['externeId']}/anhang/{entry['anhangId']}"
    answer = client.simulate_get(path)
    assert answer.content == JPEG
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("inline")
    assert client.simulate_get(f"/vorgang/{filed['externeId']}/anhang/{uuid4()}").status_code == 404


def test_an_attachment_of_an_activity_of_another_type_is_only_downloaded(client, filed, upload, anhang):
    entry = anhang(b"<script>", mime="text/html", dateiname="böse.html")
    upload(entry, b"<script>")
    activity = {"art": "BEWERTUNG", "zeit": "2026-04-01T08:00:00Z", "bewertung": 4, "text": "gut", "anhaenge": [entry]}
    client.simulate_put(f"/vorgaenge/{filed['externeId']}/aktivitaeten/{uuid4()}", json=activity)
    page = client.simulate_get(f"/vorgang/{filed['externeId']}").text
    assert "Bewertung: 4 von 5" in page
    answer = client.simulate_get(f"/vorgang/{filed['externeId']}/anhang/{entry['anhangId']}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_clerk_assigns_and_the_resident_sees_who(client, filed, send, events, show):
    path = f"/vorgang/{filed['externeId']}"
    answer = send(
        f"{path}/zuordnung",
        anzeigeName="Frau%20Kern",
        team="Technik",
        prioritaet="P1",
        vorgangsart="VA300",
        ausfuehrungsfrist="2026-04-02",
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}#verlauf")
    event = last(events, "ZUORDNUNG")
    assert event["sichtbarkeit"] == "MIETER"
    assert event["daten"] == {
        "aufgabentraeger": {"anzeigeName": "Frau Kern", "team": "Technik"},
        "vorgangsart": "VA300",
        "prioritaet": "P1",
        "ausfuehrungsfrist": "2026-04-02",
    }
    assert "Frau Kern, Technik" in show(path)
    assert client.simulate_get(f"/vorgaenge/{filed['externeId']}").json["prioritaet"] == "P1"


def test_a_clerk_sets_the_status_with_words(filed, send, events, show):
    path = f"/vorgang/{filed['externeId']}"
    assert send(f"{path}/status", code="IN_PRUEFUNG", textMieter="Wir%20kommen.").status_code == 303
    event = last(events, "STATUS")
    assert event["daten"]["status"] == {
        "code": "IN_PRUEFUNG",
        "seit": "2026-03-29T08:15:00.000Z",
        "textMieter": "Wir kommen.",
    }
    page = show(path)
    assert "Status: In Prüfung" in page
    assert "Wir kommen." in page


def test_a_clerk_sets_an_appointment_in_german_time(filed, send, events, show):
    path = f"/vorgang/{filed['externeId']}"
    assert send(f"{path}/termin", von="2026-04-01T08:00", bis="2026-04-01T10:00", firma="Nass").status_code == 303
    assert last(events, "TERMIN")["daten"]["termin"] == {
        "von": "2026-04-01T06:00:00.000Z",
        "bis": "2026-04-01T08:00:00.000Z",
        "firma": "Nass",
    }
    assert "01.04.2026, 08:00 Uhr bis 01.04.2026, 10:00 Uhr" in show(path)


def test_a_clerk_writes_with_a_file_that_the_portal_can_fetch(client, filed, send, events, show):
    path = f"/vorgang/{filed['externeId']}/nachricht"
    files = [("dateien", "plan.pdf", "application/pdf", b"%PDF-plan"), ("dateien", "leer.txt", "text/plain", b"")]
    assert send(path, *files, text="Bitte Zugang", autor="Frau Kern", sichtbarkeit="MIETER").status_code == 303
    event = last(events, "AKTIVITAET")
    assert event["sichtbarkeit"] == "MIETER"
    (datei,) = event["daten"]["dokumente"]
    assert (event["daten"]["art"], event["daten"]["autor"], datei["dateiname"]) == (
        "NACHRICHT",
        "Frau Kern",
        "plan.pdf",
    )
    assert client.simulate_get(f"/dokumente/{datei['dokumentId']}/inhalt").content == b"%PDF-plan"
    assert client.simulate_get(f"/dokument/{datei['dokumentId']}").content == b"%PDF-plan"
    assert client.simulate_get("/dokument/gibt-es-nicht").status_code == 404
    assert "Nachricht von Frau Kern" in show(f"/vorgang/{filed['externeId']}")


def test_an_internal_note_stays_internal(filed, send, events, show):
    path = f"/vorgang/{filed['externeId']}"
    assert send(f"{path}/nachricht", text="Nur%20hier", sichtbarkeit="INTERN").status_code == 303
    event = last(events, "AKTIVITAET")
    assert (event["sichtbarkeit"], event["daten"]["autor"]) == ("INTERN", "Verwaltung")
    assert "<strong>nur intern</strong>" in show(path)


def test_a_clerk_attaches_a_document_and_sees_it_opened(client, filed, send, events, show):
    path = f"/vorgang/{filed['externeId']}"
    file = ("datei", "C:\\brief.pdf", "kein Typ", b"%PDF-brief")
    assert send(f"{path}/dokument", file, titel="Antwort", sichtbarkeit="MIETER").status_code == 303
    daten = last(events, "DOKUMENT")["daten"]
    assert daten.items() >= {"dateiname": "brief.pdf", "titel": "Antwort", "bytes": 10, "version": 1}.items()
    assert daten["mime"] == "application/octet-stream"
    assert daten["empfaenger"] == [{"personNr": "0004711", "vertragNr": "V-1"}]
    receipt = {"art": "ERSTMALS_GEOEFFNET", "zeit": "2026-04-02T10:00:00Z"}
    client.simulate_put(f"/dokumente/{daten['dokumentId']}/quittung", json=receipt)
    assert "erstmals geöffnet, 02.04.2026, 12:00 Uhr" in show(path)


@pytest.mark.parametrize(
    "mistake,fields",
    [
        ("zuordnung/anzeigeName", {"team": "Technik"}),
        ("zuordnung/ausfuehrungsfrist", {"anzeigeName": "Kern", "ausfuehrungsfrist": "bald"}),
        ("zuordnung/anzeigeName", {"anzeigeName": "x" * 121}),
        ("status/code", {"code": "UNSINN", "textMieter": "Hallo"}),
        ("termin/von", {"von": "gleich", "bis": "2026-04-01T10:00"}),
        ("termin/von", {"von": "0001-01-01T00:00", "bis": "2026-04-01T10:00"}),
        ("termin/bis", {"von": "2026-04-01T10:00", "bis": "2026-04-01T10:00"}),
        ("nachricht/text", {"text": "%20", "autor": "Kern"}),
        ("dokument/datei", {"titel": "Brief"}),
    ],
)
def test_a_form_with_mistakes_comes_back_with_what_was_entered(filed, send, events, mistake, fields):
    handlung, field = mistake.split("/")
    answer = send(f"/vorgang/{filed['externeId']}/{handlung}", **fields)
    assert answer.status_code == 422
    assert f'href="#{handlung}-{field}"' in answer.text
    assert f'id="{handlung}-{field}"' in answer.text
    assert "<title>Fehler: " in answer.text
    for name in fields.keys() - {"code"}:
        assert fields[name].replace("%20", " ") in answer.text
    assert len(events()["ereignisse"]) == 1


def test_a_vorgang_born_here_reaches_the_portal_without_an_externe_id(client, send, events, show):
    assert "Vorgang anlegen" in show("/neu")
    fields = {"mandant": "musterbau", "personNr": "0004711", "typ": "SCHADEN", "betreff": "Anruf", "einheitNr": "1"}
    answer = send("/neu", **fields, beschreibung="Heizung%20kalt")
    assert answer.status_code == 303
    (event,) = events()["ereignisse"]
    assert "externeId" not in event
    assert event["vorgangSeq"] == 1
    assert event["daten"] == {
        "vorgangsnummer": "V-2026-000001",
        "vorgangId": event["vorgangId"],
        "typ": "SCHADEN",
        "betreff": "Anruf",
        "beschreibung": "Heizung kalt",
        "melder": {"personNr": "0004711"},
        "objekt": {"einheitNr": "1"},
        "meldezeit": "2026-03-29T08:15:00.000Z",
    }
    assert "V-2026-000001" in show(answer.headers["location"])
    assert client.simulate_get(f"/vorgaenge/{event['vorgangId']}").json["betreff"] == "Anruf"
    assert client.simulate_get("/_standin/ledger").json == {"vorgaenge": []}
    activity = {"art": "ANTWORT", "zeit": "2026-04-01T08:00:00Z", "text": "Danke"}
    path = f"/vorgaenge/{event['vorgangId']}/aktivitaeten/{uuid4()}"
    assert client.simulate_put(path, json=activity).status_code == 201
    assert send(f"{answer.headers['location']}/status", code="ERLEDIGT").status_code == 303
    assert events()["ereignisse"][-1]["vorgangSeq"] == 2


@pytest.mark.parametrize("fields", [{}, {"mandant": "m", "personNr": "1", "betreff": "b", "typ": "HUND"}])
def test_a_vorgang_without_the_necessary_is_not_born(send, fields, events):
    answer = send("/neu", **fields)
    assert (answer.status_code, events()["ereignisse"]) == (422, [])
    assert "Bitte" in answer.text
