"""What the portal reads: events, master data, catalogues, documents, and who may."""

import base64
import hashlib

import falcon.testing
import pytest

from service.standin.app import app_for, create_app


def post(client, *drafts):
    return client.simulate_post("/_standin/ereignisse", json=list(drafts)).json["ereignisse"]


def test_a_filed_vorgang_is_announced_to_the_resident(file_it, body, events):
    sent = body()
    answer = file_it(sent).json
    (event,) = events()["ereignisse"]
    assert event["externeId"] == sent["externeId"]
    assert event["sichtbarkeit"] == "MIETER"
    assert event["daten"] == {"vorgangsnummer": answer["vorgangsnummer"], "vorgangId": answer["vorgangId"]}


def test_the_cursor_leads_through_the_feed_without_gap_or_double(client, file_it, body, events):
    sent = body()
    file_it(sent)
    post(client, *[{"typ": "AKTIVITAET", "externeId": sent["externeId"]} | message(n) for n in range(6)])
    seen, cursor, more = [], "", True
    while more:
        page = events(cursor=cursor, limit=3)
        seen += [event["vorgangSeq"] for event in page["ereignisse"]]
        cursor, more = page["naechsterCursor"], page["mehr"]
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert events(cursor=cursor) == {"ereignisse": [], "naechsterCursor": cursor, "mehr": False}


def message(number):
    return {"daten": {"aktivitaetId": str(number), "art": "NACHRICHT", "text": f"Nachricht {number}"}}


def test_one_type_of_event_can_be_asked_for_and_the_cursor_passes_the_others(client, file_it, body, events):
    for _ in range(3):
        sent = body()
        file_it(sent)
    post(client, {"typ": "STATUS", "externeId": sent["externeId"], "daten": {"code": "IN_PRUEFUNG"}})
    page = events(typ="VORGANG_ANGELEGT", limit=2)
    assert (len(page["ereignisse"]), page["mehr"]) == (2, True)
    page = events(typ="VORGANG_ANGELEGT", cursor=page["naechsterCursor"])
    assert (len(page["ereignisse"]), page["mehr"]) == (1, False)
    assert events(cursor=page["naechsterCursor"])["ereignisse"] == []


@pytest.mark.parametrize("cursor", ["unsinn", "ä", "ZXJlaWduaXNzZS54LjE", "%00", "a.b"])
def test_an_unknown_cursor_means_reconcile(client, cursor):
    answer = client.simulate_get("/ereignisse", params={"cursor": cursor})
    assert (answer.status_code, answer.json["code"]) == (410, "CURSOR_ABGELAUFEN")


def test_cursors_of_another_feed_of_the_future_and_from_before_a_reset_are_unknown(client, file_it, body, events):
    file_it(body())
    cursor = events()["naechsterCursor"]
    assert client.simulate_get("/stammdaten/aenderungen", params={"cursor": cursor}).status_code == 410
    ahead = base64.urlsafe_b64decode(cursor + "==").decode().rsplit(".", 1)[0] + ".99"
    ahead = base64.urlsafe_b64encode(ahead.encode()).decode().rstrip("=")
    assert client.simulate_get("/ereignisse", params={"cursor": ahead}).status_code == 410
    assert client.simulate_post("/_standin/reset").status_code == 204
    assert client.simulate_get("/ereignisse", params={"cursor": cursor}).status_code == 410
    assert events()["ereignisse"] == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=0000000019999", "wait=31", "wait=-1", "typ=UNSINN"]
)
def test_questions_out_of_bounds_are_refused(client, query):
    assert client.simulate_get(f"/ereignisse?{query}").status_code == 422


def test_events_by_hand_are_completed_and_bring_the_vorgang_up_to_date(client, file_it, body, clock):
    sent = body()
    vorgang_id = file_it(sent).json["vorgangId"]
    clock.tick(60)
    assigned, status, termin = post(
        client,
        {"typ": "ZUORDNUNG", "externeId": sent["externeId"], "daten": {"aufgabentraeger": {"anzeigeName": "Kern"}}},
        {"typ": "STATUS", "vorgangId": vorgang_id, "daten": {"status": {"code": "BEAUFTRAGT"}}},
        {
            "typ": "TERMIN",
            "vorgangId": vorgang_id,
            "daten": {"termin": {"von": "2026-04-01T08:00:00Z", "bis": "2026-04-01T10:00:00Z"}},
        },
    )
    assert assigned["sichtbarkeit"] == "INTERN"
    assert (status["externeId"], status["mandant"], status["vorgangSeq"]) == (sent["externeId"], "musterbau", 3)
    assert status["zeit"] == "2026-03-29T08:16:00.000Z"
    assert termin["vorgangSeq"] == 4
    shown = client.simulate_get(f"/vorgaenge/{vorgang_id}").json
    assert shown["status"] == {"code": "BEAUFTRAGT", "seit": status["zeit"]}
    assert shown["aufgabentraeger"] == {"anzeigeName": "Kern"}
    assert shown["termin"] == termin["daten"]["termin"]
    assert shown["version"] == 4


def test_the_newest_status_wins_whichever_form_and_order_it_comes_in(client, file_it, body):
    sent = body()
    file_it(sent)
    key = {"externeId": sent["externeId"], "typ": "STATUS"}
    show = lambda: client.simulate_get(f"/vorgaenge/{sent['externeId']}").json["status"]["code"]  # noqa: E731
    post(client, {**key, "daten": {"code": "IN_PRUEFUNG"}})
    assert show() == "IN_PRUEFUNG"
    post(client, {**key, "daten": {"status": "ERLEDIGT"}, "vorgangSeq": 9})
    assert show() == "ERLEDIGT"
    post(client, {**key, "daten": {"status": {"code": "RUECKFRAGE"}}, "vorgangSeq": 5})
    assert show() == "ERLEDIGT"
    (event,) = post(client, {**key, "daten": {"status": 5}})
    assert event["vorgangSeq"] == 10


def test_an_event_may_come_twice_and_for_a_vorgang_nobody_knows(client, events):
    draft = {"typ": "STATUS", "externeId": "AB", "mandant": "m", "ereignisId": "e1", "daten": {"code": "NEU"}}
    post(client, draft, draft)
    assert [(e["ereignisId"], e["vorgangSeq"]) for e in events()["ereignisse"]] == [("e1", 1), ("e1", 2)]
    answer = client.simulate_post("/_standin/ereignisse", json={"typ": "KATALOG_NEU"})
    assert answer.json["felder"] == [{"pfad": "/mandant", "code": "PFLICHT"}]
    assert client.simulate_post("/_standin/ereignisse", json=[{"typ": "X"}]).status_code == 422
    assert len(events()["ereignisse"]) == 2


def test_master_data_comes_back_in_the_order_it_was_put(client):
    person = {"art": "PERSON", "nr": "1", "geloescht": False, "daten": {"personNr": "1", "name": "A", "email": None}}
    building = {"art": "GEBAEUDE", "nr": "7", "geloescht": False, "daten": {"gebaeudeNr": "7"}}
    assert client.simulate_post("/_standin/stammdaten", json=[person, building]).status_code == 201
    gone = {**person, "geloescht": True, "daten": {}}
    client.simulate_post("/_standin/stammdaten", json={"aenderungen": [gone]})
    page = client.simulate_get("/stammdaten/aenderungen?limit=2").json
    assert (page["aenderungen"], page["mehr"]) == ([person, building], True)
    rest = client.simulate_get("/stammdaten/aenderungen", params={"cursor": page["naechsterCursor"]}).json
    assert (rest["aenderungen"], rest["mehr"]) == ([gone], False)
    assert client.simulate_post("/_standin/stammdaten", json={"art": "HUND"}).status_code == 422


def test_an_unchanged_catalog_is_not_sent_again(client):
    first = client.simulate_get("/kataloge")
    assert first.json["schadensarten"] == []
    etag = first.headers["etag"]
    assert client.simulate_get("/kataloge", headers={"If-None-Match": etag}).status_code == 304
    assert client.simulate_get("/kataloge", headers={"If-None-Match": '"alt"'}).status_code == 200
    assert client.simulate_get("/gesundheit").json["katalogVersion"] == "0"


CONTENT = bytes(range(256)) * 40


@pytest.fixture
def dokument(client):
    client.simulate_put("/_standin/dokumente/d1?dateiname=brief.pdf", body=CONTENT, content_type="application/pdf")
    return lambda **headers: client.simulate_get(
        "/dokumente/d1/inhalt", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def test_a_document_comes_whole_with_digest_and_etag(dokument):
    answer = dokument()
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "application/pdf"
    digest = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    assert answer.headers["content-digest"] == answer.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert dokument(If_None_Match=answer.headers["etag"]).status_code == 304


@pytest.mark.parametrize(
    "asked,first,last",
    [("bytes=0-0", 0, 0), ("bytes=100-199", 100, 199), ("bytes=10000-", 10000, 10239), ("bytes=-5", 10235, 10239)],
)
def test_a_piece_of_a_document(dokument, asked, first, last):
    answer = dokument(Range=asked)
    assert (answer.status_code, answer.content) == (206, CONTENT[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/10240"


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=-", "bytes=0-1,4-5", "zeilen=1-2", "bytes=" + "9" * 5000 + "-", ""]
)
def test_a_range_that_makes_no_sense_is_ignored(dokument, asked):
    assert dokument(Range=asked).content == CONTENT


def test_a_range_beyond_the_end_cannot_be_served(dokument):
    answer = dokument(Range="bytes=10240-")
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */10240")
    assert dokument(Range="bytes=-0").status_code == 416


def test_a_range_counts_only_while_the_document_is_the_same(dokument):
    assert dokument(Range="bytes=0-9", If_Range='"alt"').content == CONTENT
    assert dokument(Range="bytes=0-9", If_Range=dokument().headers["etag"]).content == CONTENT[:10]


def test_the_first_acknowledgement_of_each_kind_counts(client, dokument):
    path = "/dokumente/d1/quittung"
    for art, zeit in [("EINGESTELLT", "01"), ("ERSTMALS_GEOEFFNET", "02"), ("ERSTMALS_GEOEFFNET", "03")]:
        sent = {"art": art, "zeit": f"2026-04-{zeit}T10:00:00Z"}
        assert client.simulate_put(path, json=sent).status_code == 204
    kept = client.simulate_get("/_standin/dokumente/d1").json["quittungen"]
    assert [q["zeit"][8:10] for q in kept] == ["01", "02"]
    assert client.simulate_put(path, json={"art": "VERLOREN"}).status_code == 422
    missing = {"art": "EINGESTELLT", "zeit": "2026-04-01T10:00:00Z"}
    assert client.simulate_put("/dokumente/d2/quittung", json=missing).status_code == 404
    assert client.simulate_get("/dokumente/d2/inhalt").status_code == 404


@pytest.fixture
def guarded(client, ledger):
    return type(client)(app_for(ledger, "geheim-und-lang"))


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_with_a_token_configured_the_interface_asks_for_it_and_nothing_else_does(guarded, body):
    refused = guarded.simulate_get("/ereignisse")
    assert (refused.status_code, refused.json["code"]) == (401, "NICHT_ANGEMELDET")
    assert refused.headers["www-authenticate"].startswith("Bearer")
    for auth in ("Bearer falsch", "Basic geheim-und-lang", "geheim-und-lang"):
        assert guarded.simulate_get("/kataloge", headers={"Authorization": auth}).status_code == 401
    assert guarded.simulate_get("/kataloge", headers=bearer("geheim-und-lang")).status_code == 200
    for path in ("/gesundheit", "/_standin/ledger", "/"):
        assert guarded.simulate_get(path).status_code == 200


def test_client_credentials_give_a_token_for_an_hour(guarded, clock):
    form = {"grant_type": "client_credentials", "client_id": "portal", "client_secret": "geheim-und-lang", "scope": "s"}
    answer = guarded.simulate_post("/oauth2/token", body=encode(form), content_type=FORM)
    assert (answer.status_code, answer.json["expires_in"], answer.json["scope"]) == (200, 3600, "s")
    token = answer.json["access_token"]
    assert guarded.simulate_get("/kataloge", headers=bearer(token)).status_code == 200
    clock.tick(3601)
    assert guarded.simulate_get("/kataloge", headers=bearer(token)).status_code == 401


def test_the_faults_say_how_long_a_token_lives_and_end_all_that_were_given_out(guarded):
    def issue(**faults):
        assert guarded.simulate_post("/_standin/faults", json=faults).status_code == 200
        form = {"grant_type": "client_credentials", "client_secret": "geheim-und-lang"}
        answer = guarded.simulate_post("/oauth2/token", body=encode(form), content_type=FORM)
        return answer.json["expires_in"], bearer(answer.json["access_token"])

    life, given = issue(rate=1, kinds=["token_expired"], calls=["GET /kataloge"], count=1, token_s=9)
    assert life == 9
    assert guarded.simulate_get("/kataloge", headers=given).status_code == 401
    assert issue(rate=0)[0] == 3600
    _, given = issue(rate=1, kinds=["token_expired"], calls=["GET /kataloge"])
    assert guarded.simulate_get("/kataloge", headers=bearer("geheim-und-lang")).status_code == 200
    assert guarded.simulate_get("/ereignisse", headers=given).status_code == 401
    assert guarded.simulate_post("/_standin/faults", json={"rate": 0, "token_s": 0}).status_code == 422


FORM = "application/x-www-form-urlencoded"


def encode(form):
    return "&".join(f"{name}={value}" for name, value in form.items())


def test_client_credentials_are_checked(guarded):
    grant = {"grant_type": "client_credentials"}

    def ask(form, **headers):
        return guarded.simulate_post("/oauth2/token", body=encode(form), content_type=FORM, headers=headers).json

    assert ask({"grant_type": "password"}) == {"error": "unsupported_grant_type"}
    assert ask(grant) == {"error": "invalid_client"}
    assert ask(grant, Authorization="Basic !!") == {"error": "invalid_client"}
    right = base64.b64encode(b"portal:geheim-und-lang").decode()
    assert "access_token" in ask(grant, Authorization=f"Basic {right}")
    assert guarded.simulate_post("/oauth2/token").status_code == 400


def test_the_request_id_comes_back_and_a_bad_one_is_replaced(client):
    answer = client.simulate_get("/vorgaenge/x", headers={"X-Request-ID": "req-1"})
    assert answer.headers["x-request-id"] == answer.json["korrelationsId"] == "req-1"
    assert client.simulate_get("/gesundheit", headers={"X-Request-ID": "a b"}).headers["x-request-id"] != "a b"


def test_unknown_paths_and_methods_are_problem_documents(client):
    for answer in (client.simulate_get("/nirgends"), client.simulate_post("/kataloge", json={})):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["code"] == "NICHT_GEFUNDEN"


def test_an_error_of_its_own_is_a_problem_document_too(ledger, monkeypatch, capsys):
    client = falcon.testing.TestClient(app_for(ledger, None))
    monkeypatch.setattr("service.standin.api_access.current_catalog", lambda _: {})
    answer = client.simulate_get("/gesundheit")
    assert (answer.status_code, answer.json["code"], answer.json["wiederholbar"]) == (500, "STOERUNG", True)
    assert "KeyError" in capsys.readouterr().err


def test_what_was_answered_is_there_after_a_restart(tmp_path, body):
    path = tmp_path / "neu" / "ledger.db"
    first = falcon.testing.TestClient(create_app(path))
    sent = body()
    first.simulate_put(f"/vorgaenge/{sent['externeId']}", json=sent)
    cursor = first.simulate_get("/ereignisse").json["naechsterCursor"]
    second = falcon.testing.TestClient(create_app(path))
    assert second.simulate_get(f"/vorgaenge/{sent['externeId']}").json["vorgangsnummer"] == "V-2026-000001"
    assert second.simulate_get("/ereignisse", params={"cursor": cursor}).status_code == 200
