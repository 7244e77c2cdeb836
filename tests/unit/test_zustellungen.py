"""What immotion hears of a document's delivery: provided when residents see it, notified when a mail was taken."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from service.files.scan import ScanState
from service.files.storage import Folder
from service.notify.sender import Sender
from service.settings import FileDropSettings, ImmotionSettings
from service.store import benachrichtigungen, dateien, dokumente, outbox
from service.store.database import connected, in_transaction, open_database
from service.store.dokument_records import Ziel
from service.store.migrate import migrate
from service.store.models import BenachrichtigungRow, DateiRow, DokumentRow, MailRow, OutboxRow
from service.store.owner import owner_of_person
from service.store.query import dicts, tuples
from service.store.records import Benachrichtigung, Datei, OutboxItem
from service.sync.delivery import read_parcels, send
from service.sync.documents import Fetcher
from service.sync.dokumente import fetch_dokumente, tell_provided
from tests.support.databases import new_database
from tests.support.dokumente import NOW, announced, daten, forget_everything, pdf, publish
from tests.support.mailbox import Mailbox, mail_server
from tests.unit.test_documents import Clock, Shelf
from tests.unit.test_mail_sender import settings_for

LETTER = pdf("a letter")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    url = new_database(tmp_path_factory.mktemp("store"))
    opened = open_database(url)
    migrate()
    yield url
    opened.close_all()


@pytest.fixture(autouse=True)
def store(url: str) -> None:
    forget_everything()
    with connected():
        for table in (BenachrichtigungRow, MailRow):
            table.delete().execute()


@pytest.fixture
def storage(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "files")


def come(storage: Folder, *names: str) -> None:
    for name in names:
        announced("m", daten(name, LETTER, empfaenger=[{"personNr": "P1"}]))
    assert fetch_dokumente("m", Shelf(dict.fromkeys(names, LETTER)), Fetcher(storage, Clock(NOW), lambda: 0.5))


def provided(*, report: bool = True, now: datetime = NOW) -> int:
    return tell_provided("m", report=report, clock=lambda: now)


def owed(storage: Folder) -> list[tuple[str, object]]:
    """Have the outbox delivered, and return what immotion was told."""
    told: list[tuple[str, object]] = []

    class Side:
        def begin(self, item: OutboxItem) -> None: ...

        def put_quittung(self, dokument_id: str, body: object, request_id: str) -> None:
            told.append((dokument_id, body))

    with connected():
        items = outbox.claim("m", now=NOW, lease=timedelta(seconds=60), limit=99)
        parcels = read_parcels(items)
    for parcel in parcels:
        send(parcel, Side(), storage)  # type: ignore[arg-type]
    with connected():
        outbox.mark_sent(items, NOW)
    return told


def reader() -> Benachrichtigung:
    owner = owner_of_person("m", "P1")
    return Benachrichtigung("m", "a", uuid4(), "zwei", "o", owner, "p1@x.example", "de", NOW, NOW, person="P1")


def sending(url: str, mailbox: Mailbox, *, filedrop: bool = False) -> Sender:
    settings = settings_for(url, mailbox)
    http = ImmotionSettings(url="https://erp.example", token="t" * 32)
    immotion = FileDropSettings(channel="filedrop", directory=Path("/nowhere")) if filedrop else http
    mandant = settings.mandanten["m"].model_copy(update={"immotion": immotion})
    assert settings.service.mail is not None
    there = settings.model_copy(update={"mandanten": {"m": mandant}})
    return Sender(there, settings.service.mail, clock=lambda: NOW, random=lambda: 0.5)


def test_immotion_hears_once_that_a_document_of_its_feed_is_there_for_residents(storage: Folder) -> None:
    announced("m", daten("D/1", LETTER, empfaenger=[{"personNr": "P1"}]))
    assert provided() == 0
    come(storage, "D/1", "D2")
    publish(storage, "m", pdf("of the folder"), Ziel(owner_of_person("m", "P1")))
    assert provided() == 3
    assert provided() == 0
    body = {"art": "EINGESTELLT", "zeit": "2026-11-23T12:00:00.000000Z"}
    assert sorted(owed(storage), key=str) == [("D/1", body), ("D2", body)]


def test_what_waits_for_the_scan_is_not_there_yet(storage: Folder) -> None:
    come(storage, "D1")
    with connected():
        ((file_id,),) = tuples(DokumentRow.select(DokumentRow.file_id))
        dateien.add([Datei(file_id, "m", NOW, scan=ScanState.PENDING)])
        assert provided() == 0
        DateiRow.update(scan=ScanState.CLEAN).execute()
    assert provided() == 1


def test_a_channel_without_such_word_is_owed_nothing_neither_now_nor_after_it_was_changed(storage: Folder) -> None:
    come(storage, "D1")
    assert provided(report=False) == 1
    assert provided() == 0
    assert owed(storage) == []


def test_that_residents_were_notified_is_told_once_when_the_mail_server_has_taken_the_first_mail(
    url: str, storage: Folder
) -> None:
    come(storage, "D1")
    with connected():
        benachrichtigungen.put(reader())
        other = replace(reader(), account="b", key=uuid4(), email="p2@x.example")
        benachrichtigungen.put(other)
    mailbox = Mailbox()
    mailbox.data = lambda _address: "451 later"
    sender = sending(url, mailbox)
    with mail_server(mailbox):
        assert sender.step(lambda: False) == 0
        assert owed(storage) == []
        mailbox.data = lambda _address: None
        with connected():
            MailRow.update(next_at=NOW).execute()
        assert sender.step(lambda: False) == 2
    assert owed(storage) == [("D1", {"art": "BENACHRICHTIGT", "zeit": "2026-11-23T12:00:00.000000Z"})]
    assert [mail["To"] for mail in mailbox.messages] == ["p1@x.example", "p2@x.example"]


@pytest.mark.parametrize("filedrop", [False, True])
def test_a_document_of_a_folder_or_of_the_file_drop_tells_immotion_nothing(
    url: str, storage: Folder, filedrop: bool
) -> None:
    if filedrop:
        come(storage, "D1")
    else:
        publish(storage, "m", pdf("of the folder"), Ziel(owner_of_person("m", "P1")))
    with connected():
        benachrichtigungen.put(reader())
    mailbox = Mailbox()
    with mail_server(mailbox):
        assert sending(url, mailbox, filedrop=filedrop).step(lambda: False) == 1
    assert owed(storage) == []


def test_nothing_is_owed_any_more_of_a_document_that_is_removed(storage: Folder) -> None:
    come(storage, "D1")
    assert provided() == 1
    with connected():
        (known,) = dokumente.find("m", ["D1"]).values()
        in_transaction(lambda: dokumente.remove([known.id]))
        states = [row["state"] for row in dicts(OutboxRow.select())]
    assert states == ["dropped"]
    assert owed(storage) == []
