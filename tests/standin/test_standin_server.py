"""The stand-in as a real server: many clients at once, large bodies, waiting readers, an end without delay."""

import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
import requests


def test_twenty_equal_requests_at_once_make_one_vorgang(server, body):
    sent = body()
    with ThreadPoolExecutor(20) as pool:
        put = lambda _: requests.put(f"{server.url}/vorgaenge/{sent['externeId']}", json=sent, timeout=20)  # noqa: E731
        answers = [*pool.map(put, range(20))]
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["vorgangsnummer"] for answer in answers}) == 1
    (kept,) = server.ledger()
    assert kept["aufrufe"] == {"PUT /vorgaenge": 20}


def test_sixty_four_clients_that_keep_their_connections_file_in_parallel(server, body):
    def client(_):
        with requests.Session() as session:
            for _ in range(4):
                sent = body()
                url = f"{server.url}/vorgaenge/{sent['externeId']}"
                assert session.put(url, json=sent, timeout=30).status_code == 201

    with ThreadPoolExecutor(64) as pool:
        assert len([*pool.map(client, range(64))]) == 64
    kept = server.ledger()
    assert len(kept) == 256
    numbers = [entry["vorgangsnummer"] for entry in kept]
    assert numbers == sorted(numbers)
    assert int(numbers[-1][-6:]) - int(numbers[0][-6:]) == 255


def test_the_ledger_shows_what_arrived(server, body, anhang, digest):
    content = b"\xff\xd8\xff" + b"x" * 2000
    entry = anhang(content)
    sent = body(anhaenge=[entry])
    activity = {"art": "RUECKZUG", "zeit": "2026-04-01T10:00:00Z", "text": "Erledigt"}
    base = f"{server.url}/vorgaenge/{sent['externeId']}"
    for _ in range(2):
        requests.put(f"{server.url}/anhaenge/{entry['anhangId']}", data=content, headers=digest(content), timeout=10)
    requests.put(base, json=sent, timeout=10)
    requests.get(base, timeout=10)
    activity_id = str(uuid4())
    requests.put(f"{base}/aktivitaeten/{activity_id}", json=activity, timeout=10)
    (kept,) = server.ledger()
    number = kept.pop("vorgangsnummer")
    assert number.startswith("V-")
    assert kept == {
        "externeId": sent["externeId"],
        "koerper": sent,
        "anhaenge": [{name: entry[name] for name in ("anhangId", "dateiname", "sha256", "bytes")}],
        "aktivitaeten": [{"aktivitaetId": activity_id, **activity}],
        "aufrufe": {"PUT /anhaenge": 2, "PUT /vorgaenge": 1, "GET /vorgaenge": 1, "PUT /aktivitaeten": 1},
    }


def memory_of_children(pid):
    """Resident set of a process's children, in bytes."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    pages = [int(Path(f"/proc/{child}/statm").read_text().split()[1]) for child in children]
    return sum(pages) * 4096


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads memory from /proc")
def test_a_large_chunked_upload_is_never_held_in_memory(server, digest, anhang):
    block = bytes(range(256)) * 256
    content = block * 400
    entry = anhang(content)
    url = f"{server.url}/anhaenge/{entry['anhangId']}"
    requests.put(url.replace(entry["anhangId"], str(uuid4())), data=block, headers=digest(block), timeout=10)
    before = memory_of_children(server.process.pid)
    answer = requests.put(url, data=(block for _ in range(400)), headers=digest(content), timeout=60)
    assert (answer.status_code, answer.json()["sha256"]) == (201, entry["sha256"])
    assert len(content) == 25 * 2**20
    assert memory_of_children(server.process.pid) - before < 10 * 2**20


def test_a_waiting_reader_gets_an_event_as_soon_as_there_is_one(server, body):
    start = requests.get(f"{server.url}/ereignisse", timeout=10).json()["naechsterCursor"]
    found = []

    def read():
        query = {"cursor": start, "wait": 30}
        found.append(requests.get(f"{server.url}/ereignisse", params=query, timeout=40).json())

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    draft = {"typ": "STATUS", "externeId": str(uuid4()), "mandant": "m", "daten": {"code": "NEU"}}
    requests.post(f"{server.url}/_standin/ereignisse", json=draft, timeout=10).raise_for_status()
    for reader in readers:
        reader.join(20)
    assert [len(page["ereignisse"]) for page in found] == [1] * 8


def test_a_reader_that_waits_in_vain_gets_an_empty_page(client):
    page = client.simulate_get("/ereignisse?wait=1").json
    assert (page["ereignisse"], page["mehr"]) == ([], False)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told_although_somebody_waits_and_keeps_what_it_acknowledged(make_server, tmp_path, body, how):
    path = tmp_path / "standin.db"
    server = make_server(path, token="lang-genug")
    head = {"Authorization": "Bearer lang-genug"}
    sent = body()
    url = f"{server.url}/vorgaenge/{sent['externeId']}"
    assert requests.put(url, json=sent, headers=head, timeout=10).status_code == 201
    cursor = requests.get(f"{server.url}/ereignisse", headers=head, timeout=10).json()["naechsterCursor"]
    ended = threading.Event()

    def wait():
        query = {"cursor": cursor, "wait": 30}
        with suppress(requests.ConnectionError):
            requests.get(f"{server.url}/ereignisse", params=query, headers=head, timeout=40)
        ended.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert server.stop(how) == 0
    assert ended.wait(10)
    waiting.join()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT externe_id FROM vorgaenge").fetchall() == [(sent["externeId"],)]
    connection.close()


def test_contents_that_were_still_arriving_are_swept_at_the_next_start(make_server, tmp_path):
    path = tmp_path / "standin.db"
    folder = tmp_path / "standin.db.files"
    folder.mkdir()
    (folder / "halb.tmp").write_bytes(b"halb")
    make_server(path).stop()
    assert [*folder.iterdir()] == []
