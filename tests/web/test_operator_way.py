"""The operator's whole way: parked by hand, seen, sent again, with the order within the Vorgang kept."""

import json
from pathlib import Path

from tests.support.portal import MANDANT, Installation


def test_what_was_parked_goes_out_in_order_after_the_retry(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    try:
        installation.start_standin()
        installation.start_portal()
        resident = installation.resident()
        held, other = resident.file_schaden(beschreibung="Erst"), resident.file_schaden(beschreibung="Auch")
        form = resident.form(f"vorgaenge/{held}")
        answer = resident.post(f"vorgaenge/{held}", form | {"aktion": "nachricht", "nachricht": "Dann"})
        assert answer.status_code == 303
        assert installation.run("sync", "park", held, "--yes").returncode == 0
        assert installation.run("sync", "run", "--once").returncode in {0, 75}
        assert [row["externeId"] for row in installation.ledger()] == [other]
        facts = json.loads(installation.run("sync", "show", held, "--json").stdout)
        assert [row["state"] for row in facts["rows"]][:1] == ["parked"]
        assert len(facts["rows"]) == 2
        retried = installation.run("sync", "retry", "--parked", "--mandant", MANDANT, "--yes")
        assert "1 row of 1 Vorgang will be sent again" in retried.stdout
        assert installation.run("sync", "run", "--once").returncode == 0
        assert [row["externeId"] for row in installation.ledger()] == [other, held]
        after = json.loads(installation.run("sync", "show", held, "--json").stdout)
        assert [row["state"] for row in after["rows"]] == ["sent", "sent"]
        assert after["rows"][0]["sent_at"] <= after["rows"][1]["sent_at"]
    finally:
        installation.stop_all()
