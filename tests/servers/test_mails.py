"""Mails on SQLite, PostgreSQL and MariaDB: owed with what they tell of, claimed once, and one too many at most."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from service.access.benachrichtigungen import FORGOTTEN_AFTER, address_of, choose, chosen_by, end, end_by_link
from service.access.visitor import Visitor
from service.files.storage import Folder
from service.store import alarms, benachrichtigungen, dokumente, mails, neuigkeiten, stammdaten, vorgaenge
from service.store.database import connected, engine, in_transaction, open_database, transaction
from service.store.dokument_records import FEED, NeuesDokument, Paper, Stored, Ziel
from service.store.migrate import migrate
from service.store.models import BenachrichtigungRow, MailRow
from service.store.owner import key_of_alle, key_of_vertrag, owner_of_account, owner_of_person
from service.store.query import dicts
from service.store.records import NACHRICHT, Benachrichtigung, Mail, Vorgang
from service.store.stammdaten import Aenderung
from service.sync.alarms import watch_mails
from service.sync.housekeeping import tidy
from service.vorgang.document_news import owe_documents, owe_to_many
from service.vorgang.notices import Sammelzeit, owe_news
from tests.support.engines import mariadb, postgresql
from tests.support.mailbox import Mailbox, mail_server
from tests.support.portal import Installation, eventually
from tests.support.vorgaenge import NOW, some_vorgang

LEASE = timedelta(seconds=60)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite:///{directory}/portal.db"
        else:
            server = {"postgresql": postgresql, "mysql": mariadb}[request.param]
            yield stack.enter_context(server(directory))


@pytest.fixture
def mandant(url: str) -> Iterator[str]:
    """A Mandant of its own for each test."""
    opened = open_database(url)
    migrate()
    yield uuid4().hex
    opened.close_all()


def owe(mandant: str, count: int = 1, account: str = "a") -> None:
    with connected(), transaction():
        for number in range(count):
            facts = {"vorgang": f"2026-{number} 😀"}
            to = f"{number}@x.example"
            mails.owe(mandant, mails.NEUES, account=account, recipient=to, lang="de", facts=facts, now=NOW)


def claim(mandant: str, now: datetime = NOW) -> Mail | None:
    with connected():
        return mails.claim([mandant], now=now, lease=LEASE)


def rows(mandant: str) -> list[dict[str, object]]:
    with connected():
        return dicts(MailRow.select().where(MailRow.mandant == mandant).order_by(MailRow.id))


def visitor(mandant: str, **changes: object) -> Visitor:
    values = {
        "mandant": mandant,
        "connection": "website",
        "account": "a" * 64,
        "cms_session": "s",
        "person": "P1",
        "name": "Zoë Müller",
        "email": "zoe@müller.example",
        "lang": "de",
        "roles": (),
    }
    return Visitor(**values | changes)  # type: ignore[arg-type]


ZEIT = Sammelzeit(ZoneInfo("Europe/Berlin"))


def tell(vorgang: Vorgang, art: str = NACHRICHT, now: datetime = NOW) -> int:
    return owe_news(vorgang, art, ZEIT, now=now)


def test_a_mail_is_owed_only_if_what_it_tells_of_is_stored(mandant: str) -> None:
    with connected():
        with pytest.raises(ZeroDivisionError), transaction():
            mails.owe(mandant, mails.NEUES, recipient="x@y.example", lang="de", facts={}, now=NOW)
            _ = 1 / 0
        assert not mails.anything_due([mandant], NOW)


def test_eight_workers_claim_every_mail_exactly_once(mandant: str) -> None:
    owe(mandant, 60)
    claimed: list[int] = []
    lock = threading.Lock()

    def work(_: int) -> None:
        while True:
            with connected():
                mail = mails.claim([mandant], now=NOW, lease=LEASE)
                if mail is None and not mails.backlogs([mandant], NOW)[mandant].waiting:
                    return
                if mail is not None:
                    with lock:
                        claimed.append(mail.id)
                    assert mails.mark_sent(mail, NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(claimed) == len(set(claimed)) == 60
    assert {(row["state"], row["recipient"], str(row["facts"])) for row in rows(mandant)} == {("sent", "", "{}")}


def test_a_mail_whose_lease_ran_out_is_taken_over_under_the_same_message_id(mandant: str) -> None:
    owe(mandant)
    late = claim(mandant)
    assert late is not None
    assert late.facts == {"vorgang": "2026-0 😀"}
    assert claim(mandant, NOW + LEASE) is None
    taker = claim(mandant, NOW + LEASE + timedelta(seconds=1))
    assert taker is not None
    assert taker == replace(late, fence=late.fence + 1)
    with connected():
        assert not mails.mark_sent(late, NOW)
        assert not mails.park(late, error="x")
        assert not mails.postpone(late, next_at=NOW, error="x")
        assert mails.postpone(taker, next_at=NOW + MINUTE, error="x" * 300)
    assert claim(mandant) is None
    (row,) = rows(mandant)
    assert (row["attempts"], row["last_error"], row["lease_until"]) == (1, "x" * 255, None)


def test_only_mails_of_mandanten_that_the_settings_have_are_claimed(mandant: str) -> None:
    owe(mandant)
    with connected():
        assert mails.claim(["another"], now=NOW, lease=LEASE) is None
        assert not mails.anything_due([], NOW)


def test_what_a_wrong_clock_has_written_is_set_right(mandant: str) -> None:
    owe(mandant)
    ahead = NOW + timedelta(days=300)
    mail = claim(mandant, ahead)
    assert mail is not None
    with connected():
        assert mails.set_right(mandant, NOW) == 1
    (row,) = rows(mandant)
    assert row["lease_until"] == NOW + mails.LEASE_MAX
    assert claim(mandant, NOW + mails.LEASE_MAX + MINUTE) is not None


def test_parked_mails_are_told_of_sent_again_or_dropped_and_go_in_the_end(mandant: str, tmp_path: Path) -> None:
    owe(mandant, 3)
    for _ in range(3):
        mail = claim(mandant)
        assert mail is not None
        with connected():
            assert mails.park(mail, error="550 5.1.1")
    with connected():
        assert mails.backlogs([mandant], NOW)[mandant].parked == 3
        first, second, third = mails.owing([mandant], "parked", limit=9)
        assert (first.kind, first.last_error, first.attempts) == ("neues", "550 5.1.1", 1)
    later = NOW + timedelta(days=9)
    assert watch_mails([mandant], later) == 3
    with connected():
        assert {alarm.kind for alarm in alarms.standing([mandant])} == {"mail_parked"}
        assert mails.retry([mandant], [first.id], later) == 1
        assert mails.drop([mandant], [first.id, second.id]) == 1
        assert mails.retry(["another"], [], later) == 0
    watch_mails([mandant], later + timedelta(minutes=20))
    with connected():
        assert {alarm.kind for alarm in alarms.standing([mandant])} == {"mail_parked", "mail_unsent"}
    mail = claim(mandant, later)
    assert mail is not None
    assert (mail.id, mail.attempts, mail.created_at) == (first.id, 0, later)
    with connected():
        assert mails.mark_sent(mail, later)
        assert mails.drop([mandant], [third.id]) == 1
    watch_mails([mandant], later + timedelta(minutes=21))
    with connected():
        assert alarms.standing([mandant]) == []
    tidy(Folder(tmp_path), draft_days=30, audit_days=365, now=later + timedelta(days=29))
    assert len(rows(mandant)) == 1
    tidy(Folder(tmp_path), draft_days=30, audit_days=365, now=later + timedelta(days=31))
    assert rows(mandant) == []


def test_news_are_owed_once_until_they_were_read_to_whoever_has_confirmed(mandant: str) -> None:
    zoe, other = visitor(mandant), visitor(mandant, account="b" * 64, person=None, email="b@x.example")
    mine = some_vorgang(mandant=mandant, owner=zoe.owner)
    by_account = some_vorgang(mandant=mandant, owner=zoe.owners[1])
    assert address_of(zoe) == "zoe@xn--mller-kva.example"
    with connected():
        vorgaenge.insert(mine)
        choose(zoe, "en", now=NOW)
        choose(other, "de", now=NOW)
        assert tell(mine) == 0
        chosen = benachrichtigungen.of_account(mandant, zoe.account)
        assert chosen is not None
        assert benachrichtigungen.confirm(chosen, NOW)
        assert not benachrichtigungen.confirm(chosen, NOW)
        assert tell(mine) == 0
        vorgaenge.mark_read(mine.id)
        assert (tell(mine), tell(mine), tell(by_account)) == (1, 0, 1)
        assert tell(some_vorgang(mandant=mandant, owner=zoe.owner.upper())) == 0
        end(zoe)
        vorgaenge.mark_read(mine.id)
        assert tell(mine) == 0
        assert chosen_by(zoe) is None
    assert [row["recipient"] for row in rows(mandant)] == ["b@x.example"]


def test_the_key_of_old_links_is_kept_and_a_person_known_later_is_noted(mandant: str) -> None:
    before, after = visitor(mandant, person=None), visitor(mandant)
    with connected():
        choose(before, "de", now=NOW)
        first = chosen_by(before)
        assert first is not None
        end_by_link(mandant, uuid4())
        end_by_link("another", first.key)
        assert chosen_by(before) is not None
        end_by_link(mandant, first.key)
        assert chosen_by(before) is None
        choose(before, "de", now=NOW + timedelta(hours=1))
        again = chosen_by(after)
        assert again is not None
        assert (again.key, again.owner_person) == (first.key, None)
        asked = benachrichtigungen.of_account(mandant, after.account)
        assert asked is not None
        assert asked.owner_person == after.owner
    tidy_at = NOW + timedelta(hours=1) + FORGOTTEN_AFTER + MINUTE
    with connected():
        benachrichtigungen.sweep(asked_before=tidy_at - FORGOTTEN_AFTER)
        (row,) = dicts(BenachrichtigungRow.select().where(BenachrichtigungRow.mandant == mandant))
    assert (row["email"], row["key"]) == ("", first.key)


def test_many_who_switch_on_at_once_owe_one_mail(mandant: str) -> None:
    def one(_: int) -> None:
        with connected():
            choose(visitor(mandant), "de", now=NOW)

    with connected():
        choose(visitor(mandant), "de", now=NOW)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(16)))
    assert len(rows(mandant)) == 1


def test_a_worker_killed_between_accepted_and_written_down_causes_one_double_with_the_same_id(
    url: str, tmp_path: Path
) -> None:
    mailbox = Mailbox()
    server = f'host = "127.0.0.1"\nport = {mailbox.port}\ntls = "none"\nsender = "p@x.example"\ntimeout_s = 1'
    installation = Installation(tmp_path, database=url, extra=f"[service.mail]\n{server}")
    opened = open_database(url)
    migrate()
    assert (engine() == "mysql") == url.startswith("mysql")
    with connected():
        MailRow.delete().execute()
        now = datetime.now(UTC)
        for number in range(3):
            facts = {"vorgang": f"2026-{number}", "key": str(uuid4()), "connection": "website"}
            to = f"{number}@x.example"
            mails.owe("musterbau", mails.NEUES, recipient=to, lang="de", facts=facts, now=now)

    def kill() -> None:
        if len(mailbox.messages) == 2:
            os.kill(installation.processes["sync"].pid, signal.SIGKILL)

    mailbox.taken = kill
    with mail_server(mailbox):
        installation.start_sync()
        assert installation.processes["sync"].wait(30) == -signal.SIGKILL
        mailbox.taken = lambda: None
        assert sorted(str(row["state"]) for row in rows("musterbau")) == ["sent", "waiting", "waiting"]
        installation.start_sync()
        try:
            eventually(lambda: all(row["state"] == "sent" for row in rows("musterbau")), 30)
        finally:
            installation.stop_all()
    doubles = Counter(message["Message-ID"] for message in mailbox.messages)
    assert sorted(doubles.values()) == [1, 1, 2]
    assert Counter(message["To"] for message in mailbox.messages)["1@x.example"] == 2
    assert "@x.example" not in installation.log("sync")
    opened.close_all()


def test_documents_are_told_once_however_many_senders_there_are_and_a_day_is_one_mail(mandant: str) -> None:
    nrs = [f"P{n}" for n in range(30)]
    changes = [Aenderung("PERSON", nr, {"personNr": nr}) for nr in nrs]
    changes += [Aenderung("VERTRAG", f"V{nr}", {"personNr": nr, "beginn": "2020-01-01"}) for nr in nrs]
    with connected(), transaction():
        stammdaten.apply_changes(mandant, changes, full_since=None)
        for n, nr in enumerate(nrs):
            owner, mine = owner_of_person(mandant, nr), owner_of_account(mandant, nr)
            who = Benachrichtigung(mandant, nr, uuid4(), "w", mine, owner, f"{nr}@x.example", "de", NOW, NOW)
            benachrichtigungen.put(replace(who, person=nr, stunde=18 if n % 2 else None))
    for name, ziele in (("D", [Ziel(key_of_alle(mandant), viele=True)]), ("E", [_contract(mandant, nr) for nr in nrs])):
        _publish(mandant, name, ziele)

    def work(_: int) -> None:
        with connected():
            until = time.monotonic() + 60
            while neuigkeiten.anything(mandant) and time.monotonic() < until:
                for step in (owe_documents, owe_to_many):
                    with suppress(neuigkeiten.Overtaken):
                        in_transaction(partial(step, mandant, ZEIT, now=NOW))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    told = Counter((row["account"], key) for row in rows(mandant) for key in row["facts"]["dokumente"])  # type: ignore[index]
    assert set(told.values()) == {1}
    assert len(told) == 2 * len(nrs)
    assert Counter(row["account"] for row in rows(mandant) if row["kind"] == "sammel") == dict.fromkeys(nrs[1::2], 1)


def _contract(mandant: str, nr: str) -> Ziel:
    return Ziel(key_of_vertrag(mandant, f"V{nr}"), f"V{nr}")


def _publish(mandant: str, name: str, ziele: list[Ziel]) -> None:
    days = dict.fromkeys(("datum", "von", "bis"), "2026-11-01")
    texts = dict.fromkeys(("titel", "dateiname", "suche", "mime"), "x")
    neu = NeuesDokument(
        dokument_id=name, quelle=FEED, art="X", level=None, loeschen_nach=None, bytes=1, sha256="", **days, **texts
    )
    with connected(), transaction():
        dokumente.add_stored(mandant, [(neu, Stored(uuid4(), Paper("application/pdf", 1), 1, "0"))], now=NOW)
        key = dokumente.find(mandant, [name])[name][0]
        dokumente.add_ziele([(key, ziel, neu.von, neu.bis) for ziel in ziele], now=NOW)


def test_of_several_processes_one_sends_the_mails(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIETERPORTAL_SERVICE__SYNC_PROCESSES", "2")
    mailbox = Mailbox()
    server = f'host = "127.0.0.1"\nport = {mailbox.port}\ntls = "none"\nsender = "p@x.example"\n'
    installation = Installation(tmp_path, database=url, extra=f"[service.mail]\n{server}")
    opened = open_database(url)
    migrate()
    with connected():
        MailRow.delete().execute()
        for number in range(5):
            facts = {"vorgang": f"2026-{number}", "key": str(uuid4()), "connection": "website"}
            to, now = f"{number}@x.example", datetime.now(UTC)
            mails.owe("musterbau", mails.NEUES, recipient=to, lang="de", facts=facts, now=now)
    with mail_server(mailbox):
        installation.start_sync()
        try:
            eventually(lambda: all(row["state"] == "sent" for row in rows("musterbau")), 30)
        finally:
            installation.stop_all()
    assert installation.log("sync").count('"sync_started"') == 2
    assert sorted(message["To"] for message in mailbox.messages) == [f"{number}@x.example" for number in range(5)]
    opened.close_all()
