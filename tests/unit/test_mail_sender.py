"""Mails against a real SMTP server: up, down, refusing, encrypted; what they say and what they never say."""

import json
import re
import ssl
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.utils import parsedate_to_datetime
from pathlib import Path
from uuid import uuid4

import pytest
import trustme
from structlog.testing import capture_logs

from service.access.mailtoken import MailTokens
from service.doctor import _mail
from service.notify.sender import Sender, sender_for
from service.notify.texts import Texts
from service.settings import MailSettings, MandantSettings, ServiceSettings, Settings
from service.store import mails
from service.store.database import connected, open_database, transaction
from service.store.migrate import migrate
from service.store.models import MailRow
from service.store.query import dicts
from tests.support.databases import new_database
from tests.support.mailbox import Mailbox, mail_server, with_login
from tests.support.vorgaenge import NOW

KEY = str(uuid4())
TO = "zoe.mueller@mail.example"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[str]:
    url = new_database(tmp_path)
    opened = open_database(url)
    migrate()
    yield url
    opened.close_all()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def settings_for(store: str, mailbox: Mailbox, **changes: object) -> Settings:
    mandant = MandantSettings(
        name="Müsterbau & Söhne eG",
        connections={
            "website": {"kind": "generic", "origins": ["https://www.x.de"], "keys": ["k" * 32]},  # type: ignore[dict-item]
            "zwei": {
                "kind": "generic",
                "origins": ["https://y.de"],
                "keys": ["k" * 32],
                "login_url": "https://y.de/an",
                "trust_person": True,
            },  # type: ignore[dict-item]
        },
    )
    values = {"host": "127.0.0.1", "port": mailbox.port, "tls": "none", "sender": "portal@x.example", "timeout_s": 5}
    service = ServiceSettings(
        public_url="https://portal.example.de",
        database=store,
        files=Path("/nowhere"),
        secret_keys=("s" * 32,),
        mail=MailSettings(**values | changes),  # type: ignore[arg-type]
    )
    return Settings(service=service, mandanten={"m": mandant})


def sender(store: str, mailbox: Mailbox, clock: Clock | None = None, **changes: object) -> Sender:
    settings = settings_for(store, mailbox, **changes)
    assert settings.service.mail is not None
    return Sender(settings, settings.service.mail, clock=clock or Clock(), random=lambda: 0.5)


def owe(kind: str = "neues", to: str = TO, lang: str = "de", **facts: str) -> None:
    given = {"vorgang": "2026-000123", "key": KEY, "connection": "zwei", "asked": NOW.isoformat()} | facts
    with connected(), transaction():
        mails.owe("m", kind, account="a" * 64, recipient=to, lang=lang, facts=given, now=NOW)


def rows() -> list[dict[str, object]]:
    with connected():
        return dicts(MailRow.select().order_by(MailRow.id))


def go(sending: Sender) -> int:
    return sending.step(lambda: False)


def test_a_mail_is_sent_and_forgets_whom_it_was_for(store: str, mailbox: Mailbox) -> None:
    owe()
    with mail_server(mailbox), capture_logs() as logs:
        assert go(sender(store, mailbox)) == 1
        assert go(sender(store, mailbox)) == 0
    (row,) = rows()
    assert (row["state"], row["recipient"], row["facts"], row["sent_at"]) == ("sent", "", {}, NOW)
    assert mailbox.asked == [TO]
    said = json.dumps(logs, default=str)
    assert TO not in said
    assert KEY not in said


def test_a_notice_says_the_number_and_nothing_of_what_it_is_about(store: str, mailbox: Mailbox) -> None:
    owe(lang="de")
    owe(lang="en", vorgang="2026-<b>1</b>")
    owe(lang="uk", connection="gone")
    with mail_server(mailbox):
        assert go(sender(store, mailbox)) == 3
    german, english, other = mailbox.messages
    assert german["Subject"] == other["Subject"] == "Es gibt etwas Neues in Ihrem Mieterportal"
    assert english["Subject"] == "There is something new in your tenant portal"
    assert str(german["From"]) == "Müsterbau & Söhne eG <portal@x.example>"
    assert german["To"] == TO
    assert german["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(german["Date"]) == NOW.replace(microsecond=0)
    link = f"https://portal.example.de/m/konto/benachrichtigungen/abbestellen?schluessel={KEY}&lang=de"
    assert german["List-Unsubscribe"] == f"<{link}>"
    assert german["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain, html = mailbox.texts(0)
    assert "es gibt etwas Neues zur Meldenummer 2026-000123." in plain
    assert link in plain
    assert link.replace("&", "&amp;") in html
    assert "https://y.de/an" in plain
    assert '<html lang="de">' in html
    assert "https://www.x.de" in mailbox.texts(2)[0]
    plain, html = mailbox.texts(1)
    assert "there is something new about report number 2026-<b>1</b>." in plain
    assert "2026-&lt;b&gt;1&lt;/b&gt;" in html
    assert "<b>" not in html


@pytest.mark.parametrize("kind", ["neues", "quittung"])
def test_a_mail_is_the_same_to_the_byte_whenever_it_is_made_and_its_link_that_ends_it_stands_in_plain(
    store: str, mailbox: Mailbox, kind: str
) -> None:
    owe(kind, pdf=b64encode(b"%PDF-1.7 x").decode())
    settings = settings_for(store, mailbox)
    assert settings.service.mail is not None
    with connected():
        mail = mails.claim(["m"], now=NOW, lease=timedelta(minutes=1))
    assert mail is not None
    first, second = (Texts(settings, settings.service.mail).compose(mail) for _ in range(2))
    assert first == second
    ends = b"List-Unsubscribe: <https://portal.example.de/m/konto/benachrichtigungen/abbestellen?schluessel="
    assert any(line.startswith(ends) and line.endswith(b">") for line in first.split(b"\r\n")) == (kind == "neues")
    assert all(len(word) <= 75 for word in re.findall(rb"=\?utf-8\?q\?[^?]*\?=", first))  # RFC 2047, 2
    bodies = [part.get_payload() for part in message_from_bytes(first).walk() if not part.is_multipart()]
    assert max(len(line) for body in bodies for line in body.splitlines()) <= 76


@pytest.mark.parametrize("lang,words", [("de", "drücken Sie dort auf „Bestätigen“"), ("en", "press “Confirm” there")])
def test_a_link_that_confirms_is_the_same_however_often_it_is_sent(
    store: str, mailbox: Mailbox, lang: str, words: str
) -> None:
    owe("bestaetigen", lang=lang)
    token = MailTokens(["s" * 32]).issue("m", KEY, NOW.isoformat())
    clock = Clock()
    mailbox.data = lambda _address: "451 later" if len(mailbox.asked) < 2 else None
    with mail_server(mailbox):
        sending = sender(store, mailbox, clock)
        assert go(sending) == 0
        clock.now += timedelta(minutes=1)
        assert go(sending) == 1
    plain, html = mailbox.texts()
    assert words in plain
    assert words in html
    assert f"/m/konto/benachrichtigungen/bestaetigen?schluessel={token}&lang={lang}" in plain
    assert mailbox.messages[0]["List-Unsubscribe"] is None
    assert rows()[0]["attempts"] == 1


def test_a_server_that_is_away_is_left_alone_longer_and_longer_and_no_mail_is_blamed(
    store: str, mailbox: Mailbox
) -> None:
    owe()
    clock = Clock()
    sending = sender(store, mailbox, clock)
    with capture_logs() as logs:
        rests = []
        for _ in range(3):
            assert go(sending) == 0
            rest = next(s for s in range(2000) if _rests_no_longer(sending, clock, s))
            rests.append(rest)
    assert rests == [3, 5, 10]  # half of 5, 10 and 20 seconds
    assert [log["event"] for log in logs] == ["mail_server_away"] * 3
    assert (rows()[0]["attempts"], rows()[0]["last_error"]) == (0, "ConnectionRefusedError")
    assert sending.owes()
    clock.now += timedelta(minutes=1)
    with mail_server(mailbox):
        assert go(sending) == 1
    assert not sending.owes()


def _rests_no_longer(sending: Sender, clock: Clock, seconds: int) -> bool:
    before = clock.now
    clock.now = before + timedelta(seconds=seconds)
    if sending._rests():
        clock.now = before
        return False
    return True


def test_a_refusal_for_good_parks_one_mail_alone_and_keeps_the_servers_code_only(store: str, mailbox: Mailbox) -> None:
    refused = "gone@mail.example"
    owe(to=refused)
    owe()
    mailbox.rcpt = lambda address: f"550 5.1.1 <{address}> unknown" if address == refused else None
    with mail_server(mailbox), capture_logs() as logs:
        assert go(sender(store, mailbox)) == 1
    assert [(row["state"], row["last_error"]) for row in rows()] == [("parked", "550 5.1.1"), ("sent", "")]
    assert refused not in json.dumps(logs, default=str)


@pytest.mark.parametrize("answer,error", [("450 4.2.1 full", "450 4.2.1"), ("421 closing", "421"), ("hang up", "")])
def test_what_is_refused_for_now_is_tried_again_and_holds_up_no_other(
    store: str, mailbox: Mailbox, answer: str, error: str
) -> None:
    owe(to="voll@mail.example")
    owe()
    mailbox.data = lambda address: answer if address.startswith("voll") else None
    with mail_server(mailbox):
        assert go(sender(store, mailbox)) == 1
    first, second = rows()
    assert (first["state"], first["attempts"], second["state"]) == ("waiting", 1, "sent")
    assert first["next_at"] == NOW + timedelta(seconds=2.5)
    assert first["last_error"] == (error or "SMTPServerDisconnected")


def test_poison_is_parked_alone(store: str, mailbox: Mailbox) -> None:
    owe("from-a-later-version")
    owe(to="no address")
    owe()
    with connected():
        MailRow.update(facts={}).where(MailRow.id == rows()[0]["id"]).execute()
    with mail_server(mailbox):
        assert go(sender(store, mailbox)) == 1
    assert [row["state"] for row in rows()] == ["parked", "parked", "sent"]
    assert all(row["last_error"] for row in rows()[:2])
    assert TO not in str(rows()[:2][1]["last_error"])


def test_what_is_five_days_old_is_parked_unsent(store: str, mailbox: Mailbox) -> None:
    owe()
    clock = Clock()
    clock.now += timedelta(days=5, seconds=1)
    with mail_server(mailbox):
        assert go(sender(store, mailbox, clock)) == 0
    assert [(row["state"], row["last_error"]) for row in rows()] == [("parked", "too old")]
    assert mailbox.asked == []


def test_a_sender_that_is_refused_concerns_every_mail_and_blames_none(store: str, mailbox: Mailbox) -> None:
    owe()
    mailbox.sender = lambda _address: "553 5.7.1 not you"
    settings = settings_for(store, mailbox)
    with mail_server(mailbox):
        assert go(sender(store, mailbox)) == 0
        finding = _mail(settings)
    assert (rows()[0]["state"], rows()[0]["attempts"], rows()[0]["last_error"]) == ("waiting", 0, "553 5.7.1")
    assert not finding.good
    assert "553 5.7.1" in finding.text


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    ca = trustme.CA()
    bundle = tmp_path_factory.mktemp("pki") / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return context, bundle


def test_starttls_and_a_login(store: str, mailbox: Mailbox, pki: tuple[ssl.SSLContext, Path]) -> None:
    context, bundle = pki
    login = {"tls": "starttls", "ca": bundle, "user": "portal", "password": "geheim"}
    for _ in range(4):
        owe()
    with mail_server(mailbox, **with_login(context, mailbox)):
        wrong = sender(store, mailbox, **login | {"password": "falsch"})
        assert go(wrong) == 0
        assert rows()[0]["last_error"].startswith("535")  # type: ignore[attr-defined]
        assert go(sender(store, mailbox, tls="starttls")) == 0  # the system's CAs do not know this one
        assert "SSLCertVerificationError" in {row["last_error"] for row in rows()}
        assert mailbox.messages == []
        assert go(sender(store, mailbox, **login)) == 4
        assert _mail(settings_for(store, mailbox, **login)).good
        assert not _mail(settings_for(store, mailbox, **login | {"password": "falsch"})).good
    assert set(mailbox.logins) == {"portal"}
    assert len({message["Message-ID"] for message in mailbox.messages}) == 4


def test_a_server_without_starttls_gets_nothing_unencrypted(store: str, mailbox: Mailbox) -> None:
    owe()
    with mail_server(mailbox):
        assert go(sender(store, mailbox, tls="starttls")) == 0
    assert (mailbox.asked, rows()[0]["last_error"]) == ([], "SMTPNotSupportedError")


def test_tls_from_the_first_byte(store: str, mailbox: Mailbox, pki: tuple[ssl.SSLContext, Path]) -> None:
    context, bundle = pki
    owe()
    with mail_server(mailbox, ssl_context=context):
        assert go(sender(store, mailbox, tls="tls", ca=bundle)) == 1


def test_the_sender_stops_when_told_and_without_a_server_there_is_none(store: str, mailbox: Mailbox) -> None:
    owe()
    settings = settings_for(store, mailbox)
    made = sender_for(settings)
    assert made is not None
    with mail_server(mailbox):
        assert made.step(lambda: True) == 0
    bare = settings.model_copy(update={"service": settings.service.model_copy(update={"mail": None})})
    assert sender_for(bare) is None
    finding = _mail(bare)
    assert finding.good
    assert "service.mail" in finding.text


def test_a_receipt_hangs_on_its_mail_whose_subject_tells_nothing_and_is_the_same_each_time(
    store: str, mailbox: Mailbox
) -> None:
    owe("quittung", pdf=b64encode(b"%PDF-1.7 x").decode())
    mailbox.data = lambda _address: "451 later" if len(mailbox.asked) < 2 else None
    clock = Clock()
    with mail_server(mailbox):
        sending = sender(store, mailbox, clock)
        go(sending)
        clock.now += timedelta(minutes=1)
        assert go(sending) == 1
    (message,) = mailbox.messages
    (attached,) = message.iter_attachments()
    assert message["Subject"] == "Ihre Quittung aus dem Mieterportal"
    assert (attached.get_filename(), attached.get_content()) == ("Quittung-2026-000123.pdf", b"%PDF-1.7 x")
    assert (rows()[0]["state"], rows()[0]["facts"]) == ("sent", {})
