"""What the outbox owes arrives: all of it, once, in order, whatever immotion does meanwhile."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.support.portal import Installation, eventually, vorgang_id


@pytest.fixture
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation of its own, nothing started but the portal."""
    made = Installation(tmp_path_factory.mktemp("delivery"))
    try:
        made.start_portal()
        yield made
    finally:
        made.stop_all()


def file_many(installation: Installation, count: int, clients: int) -> list[str]:
    """File `count` reports from `clients` residents at once; return the ids that were acknowledged."""

    def client(number: int) -> list[str]:
        resident = installation.resident(sub=f"fe_users:{number}", person=f"P{number}")
        mine = range(number, count, clients)
        return [resident.file_schaden(beschreibung=f"Meldung {one}") for one in mine]

    with ThreadPoolExecutor(clients) as pool:
        return [one for ids in pool.map(client, range(clients)) for one in ids]


def test_a_thousand_reports_from_sixteen_clients_arrive_once_each(installation: Installation) -> None:
    installation.start_standin()
    installation.start_sync()
    filed = file_many(installation, 1000, 16)
    eventually(lambda: len(installation.ledger()) >= 1000, 60)
    ledger = installation.ledger()
    assert len(set(filed)) == 1000
    assert sorted(row["externeId"] for row in ledger) == sorted(filed)


def test_what_is_filed_while_immotion_is_off_arrives_in_order_when_it_is_back(installation: Installation) -> None:
    installation.start_sync()
    resident = installation.resident()
    filed = []
    for number in range(5):
        filed.append(resident.file_schaden(beschreibung=f"Nummer {number}"))
        form = resident.form(f"vorgaenge/{filed[-1]}")
        for text in ("erstens", "zweitens"):
            form = resident.form(f"vorgaenge/{filed[-1]}")
            answer = resident.post(f"vorgaenge/{filed[-1]}", form | {"aktion": "nachricht", "nachricht": text})
            assert answer.status_code == 303
    page = resident.get(f"vorgaenge/{filed[0]}").text
    assert "Gespeichert, wird übermittelt" in page
    assert "Eingegangen" not in page.split("Verlauf")[0]
    installation.start_standin()

    def arrived() -> bool:
        rows = installation.ledger()
        return len(rows) == 5 and all(len(row["aktivitaeten"]) == 2 for row in rows)

    eventually(arrived, 60)
    rows = {row["externeId"]: row for row in installation.ledger()}
    assert set(rows) == set(filed)
    for row in rows.values():
        assert [entry["koerper"]["text"] if "koerper" in entry else entry["text"] for entry in row["aktivitaeten"]] == [
            "erstens",
            "zweitens",
        ]


def test_faulty_answers_of_immotion_lose_and_double_nothing(installation: Installation) -> None:
    installation.start_standin()
    faults = {"rate": 0.3, "kinds": ["500", "503", "cut_before", "cut_after_commit"], "seed": 1}
    requests.post(f"{installation.standin_url}/_standin/faults", json=faults, timeout=10)
    installation.start_sync()
    filed = file_many(installation, 40, 4)
    requests.post(f"{installation.standin_url}/_standin/faults", json={"rate": 0}, timeout=10)
    eventually(lambda: len(installation.ledger()) >= 40, 90)
    assert sorted(row["externeId"] for row in installation.ledger()) == sorted(filed)


def test_a_single_round_delivers_what_is_due_and_says_when_it_cannot(installation: Installation) -> None:
    number = installation.resident().file_schaden()
    assert installation.run("sync", "run", "--once").returncode == 75
    installation.start_standin()
    eventually(lambda: installation.run("sync", "run", "--once").returncode == 0, 40)
    assert [row["externeId"] for row in installation.ledger()] == [number]


def test_a_worker_that_is_killed_loses_and_doubles_nothing(installation: Installation) -> None:
    installation.start_standin()
    installation.start_sync()
    filed = []
    for number in range(4):
        filed += file_many(installation, 10, 2)
        worker = installation.processes.pop("sync")
        worker.kill()
        worker.wait()
        installation.start_sync()
        assert number < 4
    eventually(lambda: len(installation.ledger()) >= 40, 90)
    assert sorted(row["externeId"] for row in installation.ledger()) == sorted(filed)


def test_the_worker_ends_in_good_order(installation: Installation) -> None:
    installation.start_standin()
    installation.start_sync()
    installation.resident().file_schaden()
    eventually(lambda: len(installation.ledger()) == 1)
    assert installation.stop("sync", wait=6) == 0


def test_status_counts_what_waits_and_what_was_sent(installation: Installation) -> None:
    installation.resident().file_schaden()
    shown = installation.run("sync", "status", "--json")
    assert shown.returncode == 0
    assert '"waiting": 1' in shown.stdout
    assert "musterbau" in installation.run("sync", "status").stdout


def test_a_vorgang_that_immotion_refuses_for_good_is_parked_and_stays_stored_for_the_resident(
    installation: Installation,
) -> None:
    resident = installation.resident(person="P" * 400)
    answer = resident.post("melden/schaden", resident.schaden())
    assert answer.status_code == 303
    assert "Gespeichert" in resident.get(f"vorgaenge/{vorgang_id(answer)}").text
