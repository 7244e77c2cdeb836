"""A sync worker that shows a real stand-in tokens of its endpoint: delivered, renewed, refused, postponed."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import requests
from structlog.testing import capture_logs

from service.doctor import examine
from service.settings import load_settings
from service.store import outbox, vorgaenge
from service.store.alarms import standing
from service.store.database import connected, database, open_database, transaction
from service.store.migrate import migrate
from service.store.models import OutboxRow
from service.sync.immotion.factory import Channels
from service.sync.worker import DONE, TRY_AGAIN, run
from tests.support.portal import MANDANT, Installation
from tests.support.vorgaenge import some_vorgang

SECRET = "standin-token"
TOKEN = "POST /oauth2/token"


class Sync:
    """An installation with a stand-in that asks for tokens; rounds of the sync worker in this process."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.logs: list[dict[str, object]] = []
        text = installation.config.read_text(encoding="utf-8")
        oauth = f'oauth = {{ token_url = "{installation.standin_url}/oauth2/token", client_id = "portal", '
        self._text = text.replace(f'token = "{SECRET}"', oauth + 'client_secret = "SECRET" }')
        self.secret(SECRET)
        installation.start_standin()

    def secret(self, secret: str) -> None:
        self.installation.config.write_text(self._text.replace("SECRET", secret), encoding="utf-8")

    def faults(self, **settings: object) -> None:
        requests.post(f"{self.installation.standin_url}/_standin/faults", json=settings, timeout=10).raise_for_status()

    def round(self) -> int:
        with capture_logs() as logs:
            code = run(load_settings(self.installation.config), once=True)
        self.logs = logs
        return code

    def owe(self, count: int = 1) -> list[UUID]:
        now = datetime.now(UTC) - timedelta(seconds=1)
        owed = [some_vorgang(mandant=MANDANT, meldezeit=now) for _ in range(count)]
        with connected(), transaction():
            for vorgang in owed:
                vorgaenge.insert(vorgang)
                outbox.owe(MANDANT, vorgang.id, request_id="r", now=now)
        return [vorgang.id for vorgang in owed]

    def asked(self, call: str) -> int:
        """How often the stand-in got a call that is about no Vorgang."""
        self.installation.ledger()  # writes down what has been counted
        with closing(sqlite3.connect(self.installation.directory / "standin.db")) as ledger:
            found = ledger.execute("SELECT SUM(anzahl) FROM aufrufe WHERE aufruf = ?", (call,)).fetchone()
        return found[0] or 0

    def row(self) -> OutboxRow:
        with connected():
            return OutboxRow.select().order_by(OutboxRow.id.desc()).get()

    def make_due(self) -> None:
        with connected():
            OutboxRow.update(next_at=datetime.now(UTC) - timedelta(seconds=1)).execute()

    def alarms(self) -> list[tuple[str, str]]:
        with connected():
            return [(alarm.kind, alarm.detail) for alarm in standing([MANDANT])]


@pytest.fixture
def sync(tmp_path: Path) -> Iterator[Sync]:
    installation = Installation(tmp_path)
    open_database(installation.database)
    migrate()
    made = Sync(installation)
    yield made
    installation.stop_all()
    if database.obj is not None:
        database.obj.close_all()


def test_all_threads_and_the_feeds_of_a_round_share_one_token(sync: Sync) -> None:
    owed = sync.owe(20)
    assert sync.round() == DONE
    assert {entry["externeId"] for entry in sync.installation.ledger()} == {str(key) for key in owed}
    assert sync.asked(TOKEN) == 1
    assert sync.alarms() == []


def test_a_token_that_ends_in_the_middle_is_renewed_and_nobody_notices(sync: Sync) -> None:
    sync.owe(20)
    sync.faults(rate=1, kinds=["token_expired"], calls=["PUT /vorgaenge"], count=1)
    assert sync.round() == DONE
    assert len(sync.installation.ledger()) == 20
    assert sync.asked(TOKEN) == 2
    assert (sync.alarms(), sync.row().attempts) == ([], 0)


def test_a_token_is_renewed_before_immotion_refuses_it(sync: Sync) -> None:
    sync.faults(rate=0, token_s=3)
    immotion = load_settings(sync.installation.config).mandanten[MANDANT].immotion
    assert immotion is not None
    channel = Channels().of(MANDANT, immotion)
    calls, until = 0, time.monotonic() + 5
    while time.monotonic() < until:
        channel.kataloge("")
        calls += 1
        time.sleep(0.1)
    channel.close()
    assert sync.asked(TOKEN) == 3
    assert sync.asked("GET /kataloge") == calls, "one that got a 401 would have been sent again"


def test_a_wrong_secret_raises_an_alarm_tells_nobody_the_secret_and_parks_nothing(sync: Sync) -> None:
    sync.owe()
    sync.secret("falsches-geheimnis")
    assert sync.round() == TRY_AGAIN
    row = sync.row()
    assert (row.state, row.last_error) == ("waiting", "credentials refused: oauth:invalid_client")
    assert sync.alarms() == [("credentials_refused", "oauth:invalid_client")]
    assert sync.logs
    assert "falsches-geheimnis" not in str(sync.logs)
    sync.secret(SECRET)
    sync.make_due()
    assert sync.round() == DONE
    assert len(sync.installation.ledger()) == 1


@pytest.mark.parametrize("kind", ["503", "429", "cut_before", "cut_after_commit"])
def test_an_endpoint_that_fails_postpones_and_needs_no_look_up_afterwards(sync: Sync, kind: str) -> None:
    sync.owe()
    sync.faults(rate=1, kinds=[kind], calls=[TOKEN])
    assert sync.round() == TRY_AGAIN
    row = sync.row()
    assert (row.state, row.attempts, row.outcome_unknown) == ("waiting", 1, False)
    assert row.last_error.startswith("oauth:")
    assert sync.alarms() == []
    sync.faults(rate=0)
    sync.make_due()
    assert sync.round() == DONE
    (entry,) = sync.installation.ledger()
    assert entry["aufrufe"] == {"PUT /vorgaenge": 1}


def doctor(sync: Sync) -> dict[str, tuple[bool, str]]:
    findings = examine(load_settings(sync.installation.config))
    return {found.subject: (found.good, found.text) for found in findings if "immotion" in found.subject}


def test_the_doctor_finds_a_wrong_secret_and_an_endpoint_that_is_away(sync: Sync) -> None:
    url = sync.installation.standin_url
    subject = f"{MANDANT} immotion's access"
    good = f"immotion accepts what we show: a token of {url}/oauth2/token"
    assert doctor(sync)[subject] == (True, good)
    sync.faults(rate=1, kinds=["503"], calls=[TOKEN])
    assert "check immotion.oauth.token_url" in doctor(sync)[subject][1]
    sync.faults(rate=0)
    sync.secret("falsch")
    assert "(oauth:invalid_client); check immotion.oauth: client_id" in doctor(sync)[subject][1]
    sync.installation.stop("standin")
    away = doctor(sync)
    assert not away[subject][0]
    assert "does not answer" in away[f"{MANDANT} immotion"][1]
