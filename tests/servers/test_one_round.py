"""`mieterportal sync run --once`: one round, as cron starts it; what it does, and how it ends when told to."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from service.store import heartbeats, reconciles, vorgaenge
from service.store.database import connected, database, open_database
from service.store.models import OutboxRow, VorgangRow
from service.store.query import dicts
from service.sync.worker import DONE, TRY_AGAIN
from tests.support.owed import owe
from tests.support.portal import MANDANT, Installation, eventually


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path, immotion="timeout_s = 60")
    try:
        assert made.run("migrate").returncode == 0
        made.start_standin()
        open_database(made.database)
        yield made
    finally:
        made.stop_all()
        database.obj.close_all()


def slow(installation: Installation, **faults: object) -> None:
    requests.post(f"{installation.standin_url}/_standin/faults", json=faults, timeout=10).raise_for_status()


def rows() -> list[dict[str, object]]:
    with connected():
        return dicts(OutboxRow.select().order_by(OutboxRow.id))


def once(installation: Installation) -> int:
    return installation.run("sync", "run", "--once").returncode


def test_it_reads_every_feed_and_says_so(installation: Installation) -> None:
    assert once(installation) == DONE
    with connected():
        read = {name for _, name in heartbeats.last([MANDANT])}
    assert read == {"worker", "ereignisse", "stammdaten", "kataloge"}


def test_it_compares_with_immotion_when_that_is_due(installation: Installation) -> None:
    vorgang = owe(MANDANT, now=datetime.now(UTC))
    assert once(installation) == DONE
    with connected():
        numbered = vorgaenge.by_id(MANDANT, vorgang.id)
        VorgangRow.update(vorgangsnummer=None).where(VorgangRow.id == vorgang.id).execute()
        planned = reconciles.plan_of(MANDANT)
    assert numbered is not None
    assert planned is not None
    assert planned.due_at > datetime.now(UTC)
    assert once(installation) == DONE
    assert vorgangsnummer(vorgang.id) is None, "it was not due"
    with connected():
        reconciles.begin(MANDANT, datetime.now(UTC))
    assert once(installation) == DONE
    assert vorgangsnummer(vorgang.id) == numbered.vorgangsnummer
    with connected():
        planned = reconciles.plan_of(MANDANT)
    assert planned is not None
    assert planned.due_at > datetime.now(UTC), "it went on to the end"


def test_a_database_that_does_not_answer_is_said_in_a_line(installation: Installation) -> None:
    ended = installation.run("sync", "run", "--once", MIETERPORTAL_SERVICE__DATABASE="postgresql://x@127.0.0.1:1/x")
    assert (ended.returncode, ended.stderr.partition(" (")[0]) == (
        TRY_AGAIN,
        "database: does not answer or lacks its tables",
    )


def vorgangsnummer(vorgang_id: object) -> str | None:
    with connected():
        return str(VorgangRow.get_by_id(vorgang_id).vorgangsnummer or "") or None


def test_told_to_stop_it_gives_back_what_it_holds_and_does_not_wait_for_immotion(installation: Installation) -> None:
    for _ in range(9):
        owe(MANDANT, now=datetime.now(UTC))
    slow(installation, rate=1, kinds=["slow"], slow_s=45, calls=["PUT /vorgaenge"])
    installation.start("once", "sync", "run", "--once")
    eventually(lambda: any(row["lease_until"] for row in rows()), 20)
    assert installation.stop("once", wait=20) == TRY_AGAIN
    left = rows()
    assert [(row["state"], row["lease_until"], row["attempts"]) for row in left] == [("waiting", None, 0)] * 9
    assert {row["outcome_unknown"] for row in left} == {True, False}
    assert "sync_stopped" in installation.log("once")
    slow(installation, rate=0)
    eventually(lambda: once(installation) == DONE, 60)
    assert {row["state"] for row in rows()} == {"sent"}
    assert len(installation.ledger()) == 9
