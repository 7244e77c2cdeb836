"""What residents are told of and when, whose address takes no mail, and documents of a day in one go."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_string
from email.message import Message
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from service.access import notices
from service.access.audit import Actor, Notice, Source
from service.access.benachrichtigungen import end_by_link
from service.access.mailaddress import confirmed
from service.notify.bounces import note_bounces, reports_in
from service.notify.sender import Sender
from service.store import accounts, benachrichtigungen, dokumente, mails, vorgaenge
from service.store.database import connected, in_transaction, open_database
from service.store.dokument_records import Ziel
from service.store.migrate import migrate
from service.store.models import DokumentRow, MailRow
from service.store.owner import owner_of_person
from service.store.query import dicts
from service.store.records import ANTWORT, DOKUMENT, NACHRICHT, STAND, Benachrichtigung, Link, Vorgang
from service.vorgang.document_news import owe_documents
from service.vorgang.notices import Sammelzeit, art_of, owe_news
from tests.support.databases import new_database
from tests.support.mailbox import Mailbox, mail_server
from tests.support.vorgaenge import NOW, some_vorgang
from tests.unit.test_mail_sender import Clock, go, sender, settings_for

ZEIT = Sammelzeit(ZoneInfo("Europe/Berlin"))
EMAIL = "zoe@x.example"
REPORT = """Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Sorry
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; somebody.else@x.example
Action: {action}
Status: {status}
--b
Content-Type: {kind}

Message-ID: <{message_id}@x.example>
Subject: x

--b--
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[str]:
    url = new_database(tmp_path)
    opened = open_database(url)
    migrate()
    with connected():
        yield url
    opened.close_all()


def choose(*arten: str, stunde: int | None = None, person: str = "P1", email: str = EMAIL) -> Benachrichtigung:
    owner = owner_of_person("m", person)
    wanted = ",".join(arten) if arten else None
    chosen = Benachrichtigung(
        "m", f"account-{person}", uuid4(), "zwei", f"o-{person}", owner, email, "de", NOW, NOW, wanted, stunde
    )
    chosen = replace(chosen, person=person)
    benachrichtigungen.put(chosen)
    return chosen


def vorgang(typ: str = "SCHADEN") -> Vorgang:
    one = some_vorgang(mandant="m", owner=owner_of_person("m", "P1"), typ=typ)
    vorgaenge.insert(one)
    return one


def tell(one: Vorgang, art: str, now: datetime = NOW) -> int:
    return in_transaction(lambda: owe_news(one, art, ZEIT, now=now))


def rows() -> list[dict[str, object]]:
    return dicts(MailRow.select().order_by(MailRow.id))


def test_only_what_was_chosen_is_told_and_once_until_it_was_read(store: str) -> None:
    choose(ANTWORT, STAND)
    one = vorgang()
    assert [tell(one, art) for art in (NACHRICHT, ANTWORT, STAND, ANTWORT)] == [0, 1, 0, 0]
    vorgaenge.mark_read(one.id)
    assert tell(one, STAND) == 1
    assert [row["facts"]["art"] for row in rows()] == [ANTWORT, STAND]  # type: ignore[index]


def test_whoever_chose_before_there_was_a_choice_is_told_of_everything(store: str) -> None:
    choose()
    assert [tell(vorgang(), art) for art in (STAND, NACHRICHT, DOKUMENT, ANTWORT)] == [1, 1, 1, 1]


def test_what_closes_a_vorgang_or_brings_the_document_that_was_asked_for_answers_it(store: str) -> None:
    damage, request = vorgang(), vorgang("DOKUMENT")
    assert art_of("STATUS", damage, "ERLEDIGT") == ANTWORT
    assert art_of("STATUS", damage, "IN_ARBEIT") == STAND
    assert art_of("DOKUMENT", request, "") == ANTWORT
    assert art_of("DOKUMENT", damage, "") == DOKUMENT
    assert art_of("AKTIVITAET", request, "") == NACHRICHT


def test_a_day_is_one_mail_at_its_hour_with_each_vorgang_once(store: str) -> None:
    choose(stunde=18)
    first, second = vorgang(), vorgang()
    due = ZEIT.next(18, NOW)
    assert tell(first, STAND) == tell(second, NACHRICHT) == 1
    vorgaenge.mark_read(first.id)
    assert tell(first, STAND) == 1
    (row,) = rows()
    assert (row["kind"], row["next_at"]) == ("sammel", due)
    assert row["facts"]["vorgaenge"] == [first.meldenummer, second.meldenummer]  # type: ignore[index]
    assert mails.backlogs(["m"], NOW)["m"].waiting == 0
    clock, mailbox = Clock(), Mailbox()
    sending = sender(store, mailbox, clock)
    with mail_server(mailbox):
        assert go(sending) == 0
        clock.now = due + timedelta(seconds=1)
        assert go(sending) == 1
    assert f"Meldenummer {second.meldenummer}" in mailbox.texts()[0]
    assert f"Meldenummer {second.meldenummer}" in mailbox.texts()[1]
    third = vorgang()
    assert tell(third, STAND, clock.now) == 1
    assert rows()[-1]["next_at"] == due + timedelta(days=1)


def test_the_mail_of_a_day_ends_each_kind_that_it_tells_of_or_all_with_one_click(store: str) -> None:
    chosen = choose(stunde=18)
    one = vorgang()
    assert tell(one, STAND) == 1
    vorgaenge.mark_read(one.id)
    assert tell(one, ANTWORT) == 1
    document("P1")
    assert tell_of_documents() == 1
    clock, mailbox = Clock(), Mailbox()
    clock.now = ZEIT.next(18, NOW) + timedelta(seconds=1)
    with mail_server(mailbox):
        assert go(sender(store, mailbox, clock)) == 1
    (message,), (plain, html) = mailbox.messages, mailbox.texts()
    everything = f"https://portal.example.de/m/konto/benachrichtigungen/abbestellen?schluessel={chosen.key}"
    assert message["List-Unsubscribe"] == f"<{everything}&lang=de>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert [art in plain for art in ("art=stand", "art=nachricht", "art=dokument", "art=antwort")] == [1, 0, 1, 1]
    assert f"Vorgang beantwortet oder abgeschlossen: {everything}&art=antwort&lang=de" in plain
    assert html.count("abbestellen?") == 4


def trusting(store: str, mailbox: Mailbox, *, trust: bool) -> Sender:
    settings = settings_for(store, mailbox)
    mandant = settings.mandanten["m"]
    two = mandant.connections["zwei"].model_copy(update={"trust_person": trust})
    changed = mandant.model_copy(update={"connections": mandant.connections | {"zwei": two}})
    assert settings.service.mail is not None
    there = settings.model_copy(update={"mandanten": {"m": changed}})
    return Sender(there, settings.service.mail, clock=Clock(), random=lambda: 0.5)


def test_once_a_connection_is_trusted_no_more_its_accounts_are_told_nothing_of_persons_but_by_letter(
    store: str,
) -> None:
    chosen = choose()
    tell(vorgang(), STAND)
    document("P1")
    mine = some_vorgang(mandant="m", owner=chosen.owner)
    vorgaenge.insert(mine)
    tell(mine, STAND)
    mailbox = Mailbox()
    with mail_server(mailbox):
        assert trusting(store, mailbox, trust=False).step(lambda: False) == 1
        assert mine.meldenummer in mailbox.texts()[0]
        assert [row["state"] for row in rows()] == ["sent"]
        accounts.link(Link("m", chosen.account, "P1", "zwei", NOW))
        linked = vorgang()
        tell(linked, STAND)
        assert trusting(store, mailbox, trust=False).step(lambda: False) == 1
        assert linked.meldenummer in mailbox.texts()[0]


def test_of_a_mail_of_a_day_only_what_is_the_persons_stays_out_when_trust_ends(store: str) -> None:
    chosen = choose(stunde=0)
    theirs, mine = vorgang(), some_vorgang(mandant="m", owner=chosen.owner)
    vorgaenge.insert(mine)
    tell(theirs, STAND)
    tell(mine, STAND)
    document("P1")
    tell_of_documents()
    MailRow.update(next_at=NOW, created_at=NOW).execute()
    mailbox = Mailbox()
    with mail_server(mailbox):
        assert trusting(store, mailbox, trust=False).step(lambda: False) == 1
    (plain, _) = mailbox.texts()
    assert mine.meldenummer in plain
    assert theirs.meldenummer not in plain
    assert "- Dokumente" not in plain


def test_mails_about_an_account_go_to_no_address_that_takes_none(store: str) -> None:
    notice = Notice("en")
    source = Source("m", Actor.RESIDENT, NOW, account="account-P1", connection="zwei", notice=notice)
    chosen = choose()
    told: list[object] = []
    for handed_on, bounced_at in (("neu@x.example", None), ("neu@x.example", NOW), (EMAIL, NOW)):
        benachrichtigungen.put(replace(chosen, bounced_at=bounced_at))
        notices.tell("linked", replace(source, notice=replace(notice, email=handed_on)))
        told = [(row["recipient"], row["lang"]) for row in rows()]
    assert told == [(EMAIL, "de"), ("neu@x.example", "en")]
    assert confirmed("m", "account-P1") == ("", "")


def test_the_hour_is_that_of_the_wall_clock_also_when_it_is_changed(store: str) -> None:
    before = datetime(2026, 10, 24, 20, 0, tzinfo=NOW.tzinfo)
    assert ZEIT.next(18, before) == datetime(2026, 10, 25, 17, 0, tzinfo=NOW.tzinfo)
    assert ZEIT.next(18, NOW).astimezone(ZEIT.zone).hour == 18


def test_one_click_ends_one_kind_or_all(store: str) -> None:
    chosen = choose()
    end_by_link("m", chosen.key, STAND)
    left = benachrichtigungen.by_key("m", chosen.key)
    assert left is not None
    assert left.wanted == (NACHRICHT, DOKUMENT, ANTWORT)
    end_by_link("m", chosen.key)
    ended = benachrichtigungen.by_key("m", chosen.key)
    assert ended is not None
    assert ended.email == ""


def document(person: str, *, news: bool = True, at: datetime = NOW, vorgang_id: UUID | None = None) -> None:
    key = uuid4()
    texts = dict.fromkeys(("titel", "dateiname", "suche", "mime"), "x")
    days = dict.fromkeys(("datum", "von", "bis"), "2026-11-01")
    DokumentRow.insert(
        id=key, mandant="m", dokument_id=key.hex, quelle="ordner", art="ANSCHREIBEN", jahr=2026, bytes=1, sha256="0",
        file_id=uuid4(), created_at=at, stored_at=at, news=news, vorgang_id=vorgang_id, **texts, **days,
    ).execute()  # fmt: skip
    dokumente.add_ziele([(key, Ziel(owner_of_person("m", person)), "2026-11-01", "2026-11-01")], now=at)


def tell_of_documents() -> int:
    return in_transaction(lambda: owe_documents("m", ZEIT, now=NOW))


def test_documents_are_told_once_to_whom_they_are_for_and_wants_it_many_in_one_go(store: str) -> None:
    choose(DOKUMENT)
    choose(STAND, person="P2", email="b@x.example")
    for _ in range(3):
        document("P1")
    for number in range(300):
        document(f"P{number + 2}")
    document("P1", vorgang_id=uuid4())
    assert [tell_of_documents() for _ in range(3)] == [200, 104, 0]
    (row,) = rows()
    assert (row["recipient"], row["facts"]["vorgang"]) == (EMAIL, "")  # type: ignore[index]
    mailbox = Mailbox()
    with mail_server(mailbox):
        assert go(sender(store, mailbox)) == 1
    assert "für Sie liegt ein neues Dokument bereit." in mailbox.texts()[0]
    assert "art=dokument" in mailbox.texts()[0]


def test_documents_from_before_mails_were_sent_are_no_news(store: str) -> None:
    choose()
    document("P1", at=NOW - timedelta(days=4))
    assert tell_of_documents() == 1
    assert rows() == []


def test_an_address_that_is_refused_is_left_alone_until_it_is_confirmed_again(store: str) -> None:
    chosen = choose()
    tell(vorgang(), STAND)
    mailbox = Mailbox()
    mailbox.rcpt = lambda _address: "550 5.1.1 unknown"
    with mail_server(mailbox):
        assert go(sender(store, mailbox)) == 0
    paused = benachrichtigungen.of_account("m", chosen.account)
    assert paused is not None
    assert (paused.bounced_at, paused.bounce) == (NOW, "550 5.1.1")
    assert benachrichtigungen.paused_since("m", NOW - timedelta(days=1)) == 1
    assert tell(vorgang(), STAND) == 0
    benachrichtigungen.put(chosen)
    assert tell(vorgang(), STAND) == 1


def report(
    action: str = "failed", status: str = "5.1.1", kind: str = "message/rfc822", message_id: str = ""
) -> Message:
    sent = message_id or str(rows()[0]["message_id"])
    return message_from_string(REPORT.format(action=action, status=status, kind=kind, message_id=sent))


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers"])
def test_a_report_of_failure_for_good_pauses_the_address_of_its_mail_once(store: str, kind: str) -> None:
    choose()
    tell(vorgang(), STAND)
    one = report(kind=kind)
    assert note_bounces(["m"], iter([one, one]), now=NOW) == (2, 1)


def test_other_mail_delays_unknown_ids_and_mails_to_a_former_address_pause_nothing(store: str) -> None:
    chosen = choose()
    tell(vorgang(), STAND)
    others = [report("delayed", "4.4.1"), report("failed", "4.4.7"), report(message_id="0" * 32)]
    assert note_bounces(["m"], iter([*others, message_from_string("Subject: x\n\nx")]), now=NOW) == (4, 0)
    assert note_bounces(["other"], iter([report()]), now=NOW) == (1, 0)
    values = {name: getattr(chosen, name) for name in chosen.__slots__} | {"asked_at": NOW + timedelta(hours=1)}
    benachrichtigungen.put(Benachrichtigung(**values))
    assert note_bounces(["m"], iter([report()]), now=NOW) == (1, 0)


def test_reports_are_read_from_a_file_an_mbox_and_a_maildir(tmp_path: Path) -> None:
    single, mbox, maildir = tmp_path / "one", tmp_path / "mbox", tmp_path / "dir"
    single.write_text("Subject: x\n\nx\n")
    mbox.write_text("From a@b Mon Nov  2 10:00:00 2026\nSubject: x\n\nx\n\n" * 2)
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    (maildir / "new" / "1").write_text("Subject: x\n\nx\n")
    assert [len(list(reports_in(path))) for path in (single, mbox, maildir)] == [1, 2, 1]
