"""Faults, over real sockets where they are about sockets."""

import socket
import threading
from uuid import uuid4

import pytest
import requests

from service.standin.faults import FaultSwitch


def file_at(server, body, **options):
    return requests.put(f"{server.url}/vorgaenge/{body['externeId']}", json=body, timeout=20, **options)


def test_a_500_is_a_temporary_problem_and_nothing_is_kept(server, body):
    server.faults(rate=1, kinds=["500"])
    answer = file_at(server, body())
    assert (answer.status_code, answer.json()["wiederholbar"]) == (500, True)
    assert server.ledger() == []


@pytest.mark.parametrize("kind,code", [("503", "WARTUNG"), ("429", "RATE_LIMIT")])
def test_an_overload_says_when_to_come_back(server, body, kind, code):
    server.faults(rate=1, kinds=[kind], retry_after_s=7)
    answer = file_at(server, body())
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()["code"]) == (int(kind), "7", code)


@pytest.mark.parametrize("kind", ["cut_before", "timeout"])
def test_a_connection_cut_before_the_work_leaves_nothing(server, body, kind):
    server.faults(rate=1, kinds=[kind], timeout_s=0.05)
    with pytest.raises(requests.ConnectionError):
        file_at(server, body())
    assert server.ledger() == []


def test_a_slow_answer_is_an_honest_one(server, body):
    server.faults(rate=1, kinds=["slow"], slow_s=0.05)
    assert file_at(server, body()).status_code == 201
    assert len(server.ledger()) == 1


def test_a_connection_cut_after_the_commit_leaves_the_vorgang(server, body):
    server.faults(rate=1, kinds=["cut_after_commit"])
    sent = body()
    with pytest.raises(requests.ConnectionError):
        file_at(server, sent)
    server.faults(rate=0)
    assert file_at(server, sent).status_code == 200
    (kept,) = server.ledger()
    assert kept["koerper"] == sent
    assert kept["aufrufe"] == {"PUT /vorgaenge": 2}


def test_a_cut_upload_can_be_sent_again(server, digest):
    content = b"x" * 3_000_000
    url = f"{server.url}/anhaenge/{uuid4()}"
    for kind in ("cut_before", "cut_after_commit"):
        server.faults(rate=1, kinds=[kind])
        with pytest.raises(requests.ConnectionError):
            requests.put(url, data=content, headers=digest(content), timeout=20)
    server.faults(rate=0)
    assert requests.put(url, data=content, headers=digest(content), timeout=20).status_code == 200


def test_a_held_connection_stays_open_until_the_server_stops(make_server, tmp_path):
    server = make_server(tmp_path / "standin.db")
    server.faults(rate=1, kinds=["timeout"], timeout_s=600)
    with socket.create_connection(("127.0.0.1", server.port)) as held:
        held.sendall(b"GET /ereignisse HTTP/1.1\r\nHost: x\r\n\r\n")
        held.settimeout(0.3)
        with pytest.raises(TimeoutError):
            held.recv(1)
        held.settimeout(15)
        assert server.stop() == 0
        assert held.recv(1) == b""


def test_faults_never_touch_the_test_side_or_the_clerks(server):
    server.faults(rate=1)
    for path in ("/_standin/ledger", "/_standin/faults", "/", "/standin.css"):
        assert requests.get(server.url + path, timeout=10).status_code == 200
    server.faults(rate=0)
    assert requests.get(f"{server.url}/gesundheit", timeout=10).status_code == 200


def test_equal_seeds_draw_equal_faults():
    def drawn(seed):
        switch = FaultSwitch()
        switch.set({"rate": 0.5, "seed": seed})
        return [switch.draw("PUT /vorgaenge") for _ in range(200)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 60 < sum(kind is not None for kind in drawn(1)) < 140
    assert set(drawn(1)) == {None, "500", "503", "timeout", "cut_before", "cut_after_commit"}


def test_faults_can_be_limited_to_calls_and_to_a_count():
    switch = FaultSwitch()
    switch.set({"rate": 1, "kinds": ["500"], "calls": ["PUT /vorgaenge"], "count": 2})
    assert [switch.draw("GET /ereignisse"), *(switch.draw("PUT /vorgaenge") for _ in range(3))] == [
        None,
        "500",
        "500",
        None,
    ]
    switch.set({"rate": 1, "kinds": []})
    assert switch.draw("PUT /vorgaenge") is None


def test_faults_can_be_limited_to_some_ids():
    switch = FaultSwitch()
    switch.set({"rate": 1, "kinds": ["500"], "keys": ["a"]})
    assert [switch.draw("PUT /vorgaenge", key) for key in ("a", "b", "")] == ["500", None, None]


@pytest.mark.parametrize("settings", [{}, {"rate": 2}, {"rate": 1, "kinds": ["404"]}, {"rate": 1, "seed": "x"}])
def test_settings_that_make_no_sense_are_refused(client, settings):
    assert client.simulate_post("/_standin/faults", json=settings).status_code == 422
    assert client.simulate_get("/_standin/faults").json["rate"] == 0


@pytest.mark.parametrize("kind", ["cut_before", "cut_after_commit", "timeout"])
def test_a_cut_closes_the_connection_under_the_answer(client, ledger, body, kind):
    near, far = socket.socketpair()
    client.simulate_post("/_standin/faults", json={"rate": 1, "kinds": [kind], "timeout_s": 0})
    client.simulate_put("/_standin/dokumente/d1", body=b"inhalt")
    with near, far:
        client.simulate_get("/dokumente/d1/inhalt", extras={"gunicorn.socket": near})
        assert far.recv(1) == b""


def test_stopping_ends_a_long_poll_at_once(client, ledger):
    threading.Timer(0.1, ledger.stop).start()
    assert client.simulate_get("/ereignisse?wait=30").json["ereignisse"] == []


def test_no_more_calls_than_the_limit_are_taken_in_any_second():
    times = iter([0.0, 0.1, 0.2, 0.9, 1.05, 1.06, 1.15])
    switch = FaultSwitch(lambda: next(times))
    switch.set({"rate": 0, "rate_limit": 2, "calls": ["PUT /vorgaenge"]})
    assert switch.draw("GET /vorgaenge") is None
    drawn = [switch.draw("PUT /vorgaenge") for _ in range(7)]
    assert drawn == [None, None, "429", "429", None, "429", None]
    assert switch.drawn() == {"PUT /vorgaenge": {"429": 3, "ehrlich": 4}}


def test_calls_above_the_limit_are_told_when_to_come_back(client, body):
    client.simulate_post("/_standin/faults", json={"rate": 0, "rate_limit": 1, "retry_after_s": 3})
    assert client.simulate_get("/vorgaenge/1").status_code == 404
    refused = client.simulate_get("/vorgaenge/1")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3")


def test_faults_are_counted_by_call_and_kind_while_they_are_switched_on(client):
    client.simulate_get("/vorgaenge/1")
    client.simulate_post("/_standin/faults", json={"rate": 1, "kinds": ["500"], "count": 2})
    for _ in range(3):
        client.simulate_get("/vorgaenge/1")
    client.simulate_post("/_standin/faults", json={"rate": 0})
    counts = client.simulate_get("/_standin/zaehler").json
    assert counts["gezogen"] == {"GET /vorgaenge": {"500": 2, "ehrlich": 1}}


def test_a_known_vorgang_that_arrives_again_before_anybody_asked_is_counted(client, body):
    sent = body()
    key = sent["externeId"]

    def blind():
        return client.simulate_get("/_standin/zaehler").json["ohneNachfrage"]

    def put():
        assert client.simulate_put(f"/vorgaenge/{key.upper()}", json=sent).status_code in {200, 201}

    put()
    assert client.simulate_get(f"/vorgaenge/{key}").status_code == 200
    put()
    assert blind() == {}
    client.simulate_post("/_standin/faults", json={"rate": 1, "kinds": ["500"], "calls": ["GET /vorgaenge"]})
    assert client.simulate_get(f"/vorgaenge/{key}").status_code == 500
    put()
    assert blind() == {key: 1}


def test_a_vorgang_that_never_arrived_may_be_sent_again_unasked(client, body):
    sent = body()
    client.simulate_post("/_standin/faults", json={"rate": 1, "kinds": ["503"], "count": 1})
    answers = [client.simulate_put(f"/vorgaenge/{sent['externeId']}", json=sent).status_code for _ in range(2)]
    assert answers == [503, 201]
    assert client.simulate_get("/_standin/zaehler").json["ohneNachfrage"] == {}
