"""What the outbox owes arrives: all of it, once, in order, whatever immotion does meanwhile."""

from collections.abc import Iterator

import pytest
import requests

from tests.support.portal import Installation, eventually


@pytest.fixture
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation of its own, nothing started but the portal."""
    made = Installation(tmp_path_factory.mktemp("delivery"))
    try:
        made.start_portal()
        yield made
    finally:
        made.stop_all()


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


def test_a_single_round_delivers_what_is_due_and_says_when_it_cannot(installation: Installation) -> None:
    number = installation.resident().file_schaden()
    assert installation.run("sync", "run", "--once").returncode == 75
    installation.start_standin()
    eventually(lambda: installation.run("sync", "run", "--once").returncode == 0, 40)
    assert [row["externeId"] for row in installation.ledger()] == [number]


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
    installation.start_standin()
    nothing = {"vorgangsarten": [], "schadensorte": [], "schadenskategorien": [], "schadensarten": []}
    url = f"{installation.standin_url}/_standin/kataloge"
    requests.post(url, json={"version": "leer", **nothing}, timeout=30).raise_for_status()
    resident = installation.resident()
    number = resident.file_schaden()
    assert installation.run("sync", "run", "--once").returncode == 0
    assert '"parked": 1' in installation.run("sync", "status", "--json").stdout
    assert installation.ledger() == []
    assert "Gespeichert, wird übermittelt" in resident.get(f"vorgaenge/{number}").text
