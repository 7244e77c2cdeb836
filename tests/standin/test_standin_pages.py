"""The clerk pages in odd cases: strange events, other web sites, unknown pages, bad forms."""

import falcon.testing
import pytest

from service.standin.app import app_for
from service.standin.facts import Datei
from service.standin.forms import clean_name

NOTE = "Nachbau für Tests und Vorführungen, nicht immotion"
FORM = "application/x-www-form-urlencoded"


def test_every_kind_of_event_can_be_shown(client, filed, show):
    drafts = [
        {"typ": "VORGANG_ABGEWIESEN", "daten": {"grund": "Doppelt gemeldet"}},
        {"typ": "TERMIN", "daten": {}},
        {"typ": "ZUORDNUNG", "daten": {"aufgabentraeger": {"anzeigeName": "Kern"}}},
        {"typ": "AKTIVITAET", "daten": {"aktivitaetId": "1", "art": "NACHRICHT", "text": "ohne Absender"}},
        {"typ": "DOKUMENT", "daten": {"dokumentId": "unbekannt", "titel": "Brief"}},
        {"typ": "DOKUMENT_ZURUECKGEZOGEN", "daten": {"dokumentId": "unbekannt"}},
        {"typ": "GELOESCHT"},
        {"typ": "STATUS", "daten": {"code": "GANZ_NEU"}},
    ]
    odd = [
        {"typ": "ZUORDNUNG", "daten": {"aufgabentraeger": "Kern", "prioritaet": 1}},
        {"typ": "TERMIN", "daten": {"termin": "morgen"}},
        {"typ": "AKTIVITAET", "daten": {"dokumente": ["x"]}},
        {"typ": "DOKUMENT", "zeit": "2026-03-01T10:00:00+01:00", "daten": {"dokumentId": ["x"]}},
    ]
    drafts += odd
    client.simulate_post("/_standin/ereignisse", json=[{"externeId": filed["externeId"], **d} for d in drafts])
    page = show(f"/vorgang/{filed['externeId']}")
    assert "Doppelt gemeldet" in page
    assert "musterbau" in show("/")
    for words in ("ohne Absender", "Dokument zurückgezogen", "Gelöscht", "Status: GANZ_NEU"):
        assert words in page


def test_a_vorgang_that_waits_for_its_batch_says_so(client, file_it, body, show):
    client.simulate_post("/_standin/faults", json={"rate": 1, "kinds": ["202"], "batch_s": 600})
    sent = body(beschreibung="")
    file_it(sent)
    client.simulate_post(
        "/_standin/ereignisse", json={"typ": "STATUS", "externeId": sent["externeId"], "daten": {"code": "RUECKFRAGE"}}
    )
    assert "noch ohne Nummer" in show("/")
    client.simulate_post("/_standin/batch")
    page = show(f"/vorgang/{sent['externeId']}")
    assert "V-2026-000001" in page
    assert "Rückfrage an den Mieter" in page


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://a.example"},
        {"Origin": "null"},
    ],
)
def test_another_website_cannot_act_for_a_clerk(filed, send, events, headers):
    answer = send(f"/vorgang/{filed['externeId']}/status", headers=headers, code="ERLEDIGT")
    assert answer.status_code == 403
    assert events(typ="STATUS")["ereignisse"] == []


def test_the_own_page_can(filed, send):
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "http://falconframework.org"}
    assert send(f"/vorgang/{filed['externeId']}/status", headers=headers, code="ERLEDIGT").status_code == 303


def test_unknown_pages_and_bad_forms_are_answered_in_words(client, filed, send):
    for path in ("/vorgang/gibt-es-nicht", "/nirgends"):
        answer = client.simulate_get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 404
        assert NOTE in answer.text
    base = f"/vorgang/{filed['externeId']}"
    assert send(f"{base}/unsinn", a="b").status_code == 404
    assert client.simulate_post(f"{base}/status", json=[1]).status_code == 415
    assert client.simulate_post(f"{base}/status", body="x" * 300_000, content_type=FORM).status_code == 413
    broken = client.simulate_post(f"{base}/dokument", body="x", content_type="multipart/form-data; boundary=g")
    assert broken.status_code == 400


def test_a_page_is_html_even_for_strange_words(ledger, body):
    client = falcon.testing.TestClient(app_for(ledger, None))
    sent = body(betreff="<script>alert(1)</script>", beschreibung="\x00</textarea>")
    client.simulate_put(f"/vorgaenge/{sent['externeId']}", json=sent)
    for path in ("/", f"/vorgang/{sent['externeId']}"):
        assert "<script" not in client.simulate_get(path).text


def test_sizes_are_said_in_words():
    sizes = [Datei("", "a", "b", size).size for size in (1, 2048, 5 * 2**20 // 2)]
    assert sizes == ["1 KB", "2 KB", "2,5 MB"]


def test_file_names_lose_paths_and_tricks():
    assert clean_name("../../etc/passwd") == "passwd"
    assert clean_name("rechnung\u202efdp.exe\x00") == "rechnung_fdp.exe_"
    assert clean_name("ordner/") == "datei"
    assert len(clean_name("x" * 300 + ".pdf")) == 120
