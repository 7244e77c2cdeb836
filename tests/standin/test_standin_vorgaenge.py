"""Filing: one Vorgang per externeId for ever, attachments first, activities after."""

from uuid import uuid4

import pytest

JPEG = b"\xff\xd8\xff" + b"bild" * 500


def test_a_new_vorgang_gets_a_number_of_the_year_and_is_found_by_both_ids(client, file_it, body):
    sent = body()
    answer = file_it(sent)
    assert answer.status_code == 201
    assert answer.json["vorgangsnummer"] == "V-2026-000001"
    assert answer.json["status"] == {"code": "NEU", "seit": "2026-03-29T08:15:00.000Z"}
    assert answer.json.items() >= sent.items()
    by_own_id = client.simulate_get(f"/vorgaenge/{answer.json['vorgangId']}")
    assert by_own_id.json == client.simulate_get(f"/vorgaenge/{sent['externeId'].upper()}").json
    assert by_own_id.json == {**answer.json, "mieterSicht": {"vorgangSeq": 1}}
    assert file_it(body()).json["vorgangsnummer"] == "V-2026-000002"


def test_the_same_body_again_gives_the_same_vorgang_however_it_is_spelled(client, file_it, body, events):
    sent = body()
    first = file_it(sent)
    again = file_it(dict(reversed(sent.items())))
    assert again.status_code == 200
    assert again.json == first.json
    assert [e["typ"] for e in events()["ereignisse"]] == ["VORGANG_ANGELEGT"]


def test_another_body_under_the_same_id_is_refused_for_good(client, file_it, body):
    sent = body()
    file_it(sent)
    answer = file_it({**sent, "betreff": "anders"})
    assert answer.status_code == 409
    assert answer.json["code"] == "KEY_WIEDERVERWENDET"
    assert answer.json["wiederholbar"] is False
    assert client.simulate_get(f"/vorgaenge/{sent['externeId']}").json["betreff"] == sent["betreff"]


def test_every_wrong_field_is_named(file_it, body):
    sent = body(mandant="", kanal="FAX", melder={"rolle": 5})
    del sent["betreff"]
    answer = file_it(sent)
    assert answer.status_code == 422
    assert {(f["pfad"], f["code"]) for f in answer.json["felder"]} == {
        ("/mandant", "LAENGE"),
        ("/kanal", "WERT"),
        ("/melder/rolle", "WERT"),
        ("/betreff", "PFLICHT"),
    }


def test_a_damage_without_its_section_is_refused(file_it, body):
    sent = body()
    del sent["schaden"]
    assert file_it(sent).json["felder"] == [{"pfad": "/schaden", "code": "PFLICHT"}]


def test_the_id_in_the_path_must_be_the_one_in_the_body(client, body):
    answer = client.simulate_put(f"/vorgaenge/{uuid4()}", json=body())
    assert answer.json["felder"] == [{"pfad": "/externeId", "code": "ABWEICHEND"}]
    assert client.simulate_put("/vorgaenge/kurz", json=body()).status_code == 422


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[1]", b"\xff\xfe", b'{"a": NaN}', b'{"a": "\\ud800"}', b"[" * 100_000, b'"' + b"x" * 9_000_000],
    ids=["empty", "cut", "list", "not utf-8", "nan", "lone surrogate", "too deep", "too large"],
)
def test_what_is_no_json_object_is_refused_and_nothing_is_kept(client, text):
    answer = client.simulate_put(f"/vorgaenge/{uuid4()}", body=text)
    assert answer.status_code in {413, 422}
    assert client.simulate_get("/_standin/ledger").json == {"vorgaenge": []}


def test_an_unknown_vorgang_is_not_found(client):
    answer = client.simulate_get(f"/vorgaenge/{uuid4()}")
    assert (answer.status_code, answer.json["code"]) == (404, "NICHT_GEFUNDEN")


def test_an_attachment_is_kept_once_and_another_content_under_its_id_is_refused(client, upload, anhang):
    entry = anhang(JPEG)
    first = upload(entry, JPEG)
    assert first.status_code == 201
    assert first.json == {"anhangId": entry["anhangId"], "bytes": len(JPEG), "sha256": entry["sha256"]}
    assert upload(entry, JPEG).status_code == 200
    assert upload(entry, b"anderes").status_code == 409


@pytest.mark.parametrize(
    "headers,code",
    [
        ({}, "PFLICHT"),
        ({"Content-Digest": "sha-512=:AAAA:"}, "FORMAT"),
        ({"Content-Digest": "sha-256=:AAA:"}, "FORMAT"),
        ({"Content-Digest": "sha-256=:QUFBQQ==:"}, "FORMAT"),
        ({"Content-Digest": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"}, "ABWEICHEND"),
    ],
)
def test_an_attachment_needs_its_true_digest(client, headers, code):
    answer = client.simulate_put(f"/anhaenge/{uuid4()}", body=JPEG, headers=headers)
    assert answer.status_code == 422
    assert answer.json["felder"] == [{"pfad": "Content-Digest", "code": code}]


def test_one_of_several_digests_is_enough(client, anhang, digest):
    header = "sha-512=:AAAA:, " + digest(JPEG)["Content-Digest"]
    answer = client.simulate_put(f"/anhaenge/{uuid4()}", body=JPEG, headers={"Content-Digest": header})
    assert answer.status_code == 201


def test_attachments_of_other_kinds_or_too_large_ones_are_refused(client, digest, monkeypatch, ledger):
    path = f"/anhaenge/{uuid4()}"
    assert client.simulate_put(path, body=b"x", headers=digest(b"x"), content_type="text/html").status_code == 415
    large = {**digest(b"x"), "Content-Length": str(101 * 1024 * 1024)}
    assert client.simulate_put(path, body=b"x", headers=large).json["code"] == "ANHANG_GROESSE"
    assert client.simulate_put("/anhaenge/kurz", body=b"x", headers=digest(b"x")).status_code == 422


def test_a_content_beyond_the_limit_is_refused_while_it_arrives_and_leaves_nothing(ledger, tmp_path):
    class Endless:
        def read(self, size):
            return b"x" * size

    with pytest.raises(Exception, match="413"):
        ledger.blobs.receive(Endless(), limit=3_000_000)
    assert [*(tmp_path / "standin.db.files").iterdir()] == []


def test_a_vorgang_must_not_refer_to_attachments_that_are_not_there(client, file_it, upload, body, anhang):
    there, missing = anhang(JPEG), anhang(b"fehlt")
    upload(there, JPEG)
    answer = file_it(body(anhaenge=[there, missing]))
    assert (answer.status_code, answer.json["code"]) == (422, "ANHANG_FEHLT")
    assert answer.json["felder"] == [{"pfad": "/anhaenge/1/anhangId", "code": "FEHLT"}]
    differing = file_it(body(anhaenge=[{**there, "bytes": 1}]))
    assert differing.json["felder"] == [{"pfad": "/anhaenge/0/sha256", "code": "ABWEICHEND"}]
    assert file_it(body(anhaenge=[there])).status_code == 201


def test_activities_are_kept_once_and_in_order(client, file_it, body):
    sent = body()
    file_it(sent)
    ids = [str(uuid4()) for _ in range(3)]
    texts = [{"art": "ANTWORT", "zeit": "2026-03-29T09:00:00Z", "text": f"Antwort {n}"} for n in range(3)]
    for aktivitaet_id, text in zip(ids, texts, strict=True):
        path = f"/vorgaenge/{sent['externeId']}/aktivitaeten/{aktivitaet_id}"
        assert client.simulate_put(path, json=text).status_code == 201
        assert client.simulate_put(path, json=text).status_code == 200
    assert client.simulate_put(path, json={**text, "text": "anders"}).status_code == 409
    kept = client.simulate_get("/_standin/ledger").json["vorgaenge"][0]["aktivitaeten"]
    assert kept == [{"aktivitaetId": i, **t} for i, t in zip(ids, texts, strict=True)]


def test_an_activity_is_checked_like_a_vorgang(client, file_it, upload, body, anhang):
    sent = body()
    path = f"/vorgaenge/{sent['externeId']}/aktivitaeten/{uuid4()}"
    rating = {"art": "BEWERTUNG", "zeit": "2026-04-01T09:00:00Z", "bewertung": 6}
    assert client.simulate_put(path, json=rating).status_code == 404
    file_it(sent)
    assert client.simulate_put(path, json=rating).json["felder"] == [{"pfad": "/bewertung", "code": "WERT"}]
    entry = anhang(JPEG)
    answer = {"art": "ANHANG", "zeit": "2026-04-01T09:00:00Z", "anhaenge": [entry]}
    assert client.simulate_put(path, json=answer).json["code"] == "ANHANG_FEHLT"
    upload(entry, JPEG)
    assert client.simulate_put(path, json=answer).status_code == 201
    assert client.simulate_put(path[:-1] + "X", json=answer).status_code == 422


def test_codes_are_checked_once_there_is_a_catalog(client, file_it, body, events):
    file_it(body())
    kataloge = {
        "version": "2",
        "vorgangsarten": [],
        "schadensorte": [{"code": "W_BAD"}],
        "schadenskategorien": [{"code": "SANITAER"}],
        "schadensarten": [{"code": "SANITAER.ROHRBRUCH", "kategorie": "SANITAER", "orte": ["W_BAD"]}],
    }
    assert client.simulate_post("/_standin/kataloge", json=kataloge).status_code == 204
    assert events(typ="KATALOG_NEU")["ereignisse"][0]["daten"] == {"version": "2"}
    sent = body()
    assert file_it(sent).status_code == 201
    sent = body()
    sent["schaden"]["schadensart"] = "ALT"
    assert file_it(sent).json["code"] == "KATALOG_VERALTET"
    sent["schaden"]["katalogVersion"] = "2"
    assert file_it(sent).json["code"] == "KATALOG_UNBEKANNT"
    assert file_it(body(typ="KONTAKT", schaden={**body()["schaden"]})).status_code == 201


def test_a_vorgang_taken_for_batch_gets_its_number_later(client, file_it, body, events, clock):
    client.simulate_post("/_standin/faults", json={"rate": 1, "kinds": ["202"], "batch_s": 60})
    sent = body()
    assert [file_it(sent).status_code for _ in range(2)] == [202, 202]
    assert "vorgangsnummer" not in client.simulate_get(f"/vorgaenge/{sent['externeId']}").json
    assert events()["ereignisse"] == []
    clock.tick(61)
    event = events()["ereignisse"][0]
    assert (event["typ"], event["daten"]["vorgangsnummer"], event["vorgangSeq"]) == (
        "VORGANG_ANGELEGT",
        "V-2026-000001",
        1,
    )
    assert file_it(sent).status_code == 200
    file_it(body())
    assert client.simulate_post("/_standin/batch").json == {"eingespielt": 1}


def test_the_view_of_the_resident_holds_what_visible_events_said_and_nothing_internal(client, file_it, body, clock):
    sent = body()
    file_it(sent)

    def event(typ, daten, sichtbarkeit="MIETER"):
        clock.tick(60)
        draft = {"typ": typ, "externeId": sent["externeId"], "sichtbarkeit": sichtbarkeit, "daten": daten}
        assert client.simulate_post("/_standin/ereignisse", json=draft).status_code == 201

    def view():
        return client.simulate_get(f"/vorgaenge/{sent['externeId']}").json["mieterSicht"]

    event("STATUS", {"status": {"code": "IN_PRUEFUNG", "textMieter": "Wir prüfen."}})
    event("ZUORDNUNG", {"aufgabentraeger": {"anzeigeName": "Frau Kern"}})
    event("TERMIN", {"termin": {"von": "2026-04-01T08:00:00Z", "bis": "2026-04-01T10:00:00Z"}})
    event("STATUS", {"status": {"code": "ABGELEHNT", "textMieter": "intern"}}, "INTERN")
    event("ZUORDNUNG", {"aufgabentraeger": {"anzeigeName": "Revision"}}, "INTERN")
    assert view() == {
        "status": {"code": "IN_PRUEFUNG", "seit": "2026-03-29T08:16:00.000Z", "textMieter": "Wir prüfen."},
        "aufgabentraeger": {"anzeigeName": "Frau Kern"},
        "termin": {"von": "2026-04-01T08:00:00Z", "bis": "2026-04-01T10:00:00Z"},
        "vorgangSeq": 6,
    }
    event("VORGANG_ABGEWIESEN", {"grund": "Vertrag beendet"})
    assert (view()["status"]["code"], view()["status"]["textMieter"]) == ("ABGELEHNT", "Vertrag beendet")


def test_a_deleted_vorgang_is_not_found_any_more_and_stays_in_the_ledger(client, file_it, body):
    sent = body()
    number = file_it(sent).json["vorgangId"]
    kept = file_it(body()).json["vorgangId"]
    client.simulate_post("/_standin/ereignisse", json={"typ": "GELOESCHT", "externeId": sent["externeId"]})
    found = [client.simulate_get(f"/vorgaenge/{key}").status_code for key in (sent["externeId"], number, kept)]
    assert found == [404, 404, 200]
    assert len(client.simulate_get("/_standin/ledger").json["vorgaenge"]) == 2
