"""What an account of the own login does about itself, and what it is told by mail: through a real mail server."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest

from service.access import accounts, factors
from service.access.audit import Actor, Notice, Source
from service.access.own.names import name_key
from service.files.storage import Folder
from service.notify.sender import Sender
from service.store import accounts as stored_accounts
from service.store import audit, mails, own_accounts
from service.store.database import connected, database
from service.store.models import MailLinkRow
from service.store.records import AccountKey, AuditFilter
from service.sync.housekeeping import tidy
from tests.support.inprocess import Portal, codes_in, secret_in
from tests.support.mailbox import Mailbox, mail_server
from tests.support.own import EIGEN, PASSWORD, Browser, errors, letter, own_portal, where
from tests.support.portal import forms

RATES = (
    'code_address = "1000/minute", sign_in_address = "1000/minute", form_account = "1000/minute", '
    'mail_address = "1000/minute", sign_in_strangers = "8/hour"'
)
NEW = "Kraniche ziehen nach Süden"


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with mail_server(Mailbox()) as running:
        yield running


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Iterator[Portal]:
    made = own_portal(tmp_path_factory.mktemp("account"), rates=RATES, mail=mailbox.port)
    yield made
    made.close()


class Resident(Browser):
    """Somebody with an account, a mailbox and a letter."""

    def __init__(self, portal: Portal, mailbox: Mailbox, person: str) -> None:
        super().__init__(portal)
        self.mailbox, self.person, self.email = mailbox, person, f"p{person}@example.org"
        assert self.register(letter(portal, person), email=self.email).status_code == 303

    def mails(self) -> list[str]:
        """Let the worker send what it owes, and return the plain texts that have arrived here since the last time."""
        seen = len(self.mailbox.messages)
        server = self.portal.settings.service.mail
        Sender(self.portal.settings, server, clock=lambda: self.portal.now).step(lambda: False)
        fresh = range(seen, len(self.mailbox.messages))
        return [self.mailbox.texts(n)[0] for n in fresh if self.mailbox.messages[n]["To"] == self.email]

    def confirm(self) -> None:
        (text,) = self.mails()
        assert "Möchten Sie sich mit" in self.get(link_in(text)).text
        assert self.post(link_in(text), {}).status_code == 200


_persons = iter(range(8000, 8999))


@pytest.fixture
def resident(portal: Portal, mailbox: Mailbox) -> Resident:
    """Somebody who has registered and confirmed their address."""
    somebody = Resident(portal, mailbox, str(next(_persons)))
    somebody.confirm()
    return somebody


def link_in(text: str) -> str:
    """Return the path, below the Mandant, that a mail leads to."""
    return re.search(rf"http://127\.0\.0\.1:\d+/{EIGEN}/(\S+)", text)[1]


def told(texts: list[str]) -> list[str]:
    return [text.splitlines()[3] for text in texts]


# The address


def test_an_address_signs_in_once_its_owner_has_confirmed_it(portal: Portal, mailbox: Mailbox) -> None:
    somebody = Resident(portal, mailbox, str(next(_persons)))
    assert Browser(portal).sign_in(somebody.email).status_code == 422
    assert "noch nicht bestätigt" in somebody.get("konto/email").text
    somebody.confirm()
    assert Browser(portal).sign_in(somebody.email.upper()).status_code == 303
    assert somebody.email in somebody.get("konto/email").text


def test_opening_the_link_alone_confirms_nothing_and_it_is_good_once_for_a_day(
    portal: Portal, mailbox: Mailbox
) -> None:
    somebody = Resident(portal, mailbox, str(next(_persons)))
    link = link_in(somebody.mails()[0])
    for _ in range(2):
        assert somebody.get(link).status_code == 200
    assert Browser(portal).sign_in(somebody.email).status_code == 422
    damaged = link.replace("schluessel=", "schluessel=x")
    assert [somebody.post(one, {}).status_code for one in (damaged, link, link)] == [404, 200, 404]


def test_a_link_is_good_for_a_day_and_for_its_own_page_and_mandant(portal: Portal, mailbox: Mailbox) -> None:
    somebody = Resident(portal, mailbox, str(next(_persons)))
    link = link_in(somebody.mails()[0])
    assert somebody.get(link.replace("email-bestaetigen", "kennwort-neu")).status_code == 404
    assert portal.client.simulate_get(f"/musterbau/{link.partition('?')[0]}").status_code == 404
    before = portal.now
    portal.later(hours=24)
    assert somebody.get(link).status_code == 404
    portal.now = before
    assert somebody.get(link).status_code == 200


def test_an_address_of_another_account_is_not_taken_over(resident: Resident, portal: Portal, mailbox: Mailbox) -> None:
    second = Resident(portal, mailbox, str(next(_persons)))
    second.mails()
    second.fill("konto/email", bisher=PASSWORD, email=resident.email)
    (text,) = resident.mails()
    answer = second.post(link_in(text), {})
    assert (answer.status_code, "gehört schon zu einem anderen Zugang" in answer.text) == (409, True)
    assert where(Browser(portal).sign_in(resident.email)) == ""


def test_another_address_counts_once_confirmed_and_the_former_one_is_told(resident: Resident, portal: Portal) -> None:
    former, resident.email = resident.email, f"neu-{resident.email}"
    assert where(resident.fill("konto/email", bisher=PASSWORD, email=resident.email)) == "konto/email?neu=1"
    assert Browser(portal).sign_in(former).status_code == 303
    resident.confirm()
    assert [Browser(portal).sign_in(one).status_code for one in (former, resident.email)] == [422, 303]
    resident.email = former
    assert "Die E-Mail-Adresse Ihres Zugangs wurde geändert." in " ".join(told(resident.mails()))


@pytest.mark.parametrize(
    "typed,said",
    [
        ({"bisher": "falsch, aber lang"}, "Jetziges Kennwort: Das ist nicht Ihr jetziges Kennwort."),
        ({"email": "x"}, "Neue E-Mail-Adresse: Bitte geben Sie eine E-Mail-Adresse ein"),
    ],
)
def test_an_address_is_changed_with_the_password_only(resident: Resident, typed: dict[str, str], said: str) -> None:
    answer = resident.fill("konto/email", **{"bisher": PASSWORD, "email": "neu@example.org"} | typed)
    assert answer.status_code == 422
    assert errors(answer)[0].startswith(said)
    assert resident.mails() == []


def test_links_that_are_out_of_date_are_forgotten(resident: Resident, portal: Portal) -> None:
    resident.fill("konto/email", bisher=PASSWORD, email="neu@example.org")
    files = Folder(portal.settings.service.files)
    for days, left in ((1, 1), (3, 0)):
        tidy(files, draft_days=30, audit_days=365, now=portal.now + timedelta(days=days))
        with connected():
            assert MailLinkRow.select().where(MailLinkRow.email == "neu@example.org").count() == left


# Reset by mail


def reset_link(resident: Resident, name: str = "") -> str:
    resident.mails()
    answer = Browser(resident.portal).fill("konto/kennwort-vergessen", name=name or resident.person)
    assert "Bitte sehen Sie in Ihr Postfach" in answer.text
    (text,) = resident.mails()
    return link_in(text)


@pytest.mark.parametrize("by", ["person", "email"])
def test_a_password_is_reset_by_mail_once_and_ends_every_session(resident: Resident, portal: Portal, by: str) -> None:
    link = reset_link(resident, getattr(resident, by))
    other = Browser(portal, address="192.0.2.50")
    answer = other.fill(link, kennwort=NEW)
    assert where(answer) == "konto/anmelden?neu=1"
    assert "Ihr neues Kennwort gilt" in other.get("konto/anmelden?neu=1").text
    assert resident.get("vorgaenge").status_code == 401
    assert [Browser(portal).sign_in(resident.person, one).status_code for one in (PASSWORD, NEW)] == [422, 303]
    assert other.get(link).status_code == 404
    assert "Das Kennwort Ihres Zugangs wurde geändert." in " ".join(told(resident.mails()))
    with connected():
        facts = [e.facts for e in audit.newest(EIGEN, AuditFilter(event="password_changed"), limit=1)]
    assert facts == [{"by": "mail", "sessions": 1}]


def test_a_weak_new_password_leaves_the_link_good(resident: Resident) -> None:
    link = reset_link(resident)
    answer = Browser(resident.portal).fill(link, kennwort="Passwort2026!")
    assert answer.status_code == 422
    assert "leicht zu erraten" in errors(answer)[0]
    assert Browser(resident.portal).fill(link, kennwort=NEW).status_code == 303


def test_a_reset_never_goes_to_an_address_that_nobody_has_confirmed(portal: Portal, mailbox: Mailbox) -> None:
    somebody = Resident(portal, mailbox, str(next(_persons)))
    somebody.mails()
    for name in (somebody.person, somebody.email):
        Browser(portal).fill("konto/kennwort-vergessen", name=name)
    assert somebody.mails() == []


def test_asking_for_a_known_and_an_unknown_name_is_the_same_work_and_the_same_answer(
    resident: Resident, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, done = [], []
    execute = database.obj.execute_sql
    for name in (resident.person, resident.email, "4711-unbekannt", "nobody@example.org"):
        browser, work = Browser(portal), []
        form = browser.form("konto/kennwort-vergessen") | {"name": name}
        with monkeypatch.context() as patched:
            patched.setattr(
                database.obj,
                "execute_sql",
                lambda sql, params=None, work=work: (work.append(sql), execute(sql, params))[1],
            )
            answer = browser.post("konto/kennwort-vergessen", form)
        headers = {key: value for key, value in answer.headers.items() if key != "x-request-id"}
        headers["content-security-policy"] = re.sub("nonce-[^']*", "", headers["content-security-policy"])
        answers.append((answer.status_code, re.sub('nonce="[^"]*"', "", answer.text), headers))
        done.append(work)
    assert answers[0][0] == 200
    assert all(one == answers[0] for one in answers)
    assert all(one == done[0] for one in done)
    assert len(resident.mails()) == 2
    with connected():
        assert not mails.owing([EIGEN], "parked", limit=10)


def test_mails_for_one_name_are_few_and_the_last_link_is_good_as_long_as_no_other_comes(resident: Resident) -> None:
    link = reset_link(resident)
    browser = Browser(resident.portal)
    statuses = [browser.fill("konto/kennwort-vergessen", name=resident.person).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert Browser(resident.portal).get(link).status_code == 200


def test_a_wish_that_waited_longer_than_its_link_is_good_is_forgotten(resident: Resident, portal: Portal) -> None:
    Browser(portal).fill("konto/kennwort-vergessen", name=resident.person)
    portal.later(hours=1, seconds=1)
    assert resident.mails() == []
    with connected():
        assert not mails.anything_due([EIGEN], portal.now + timedelta(days=1))


def test_a_reset_frees_the_browser_of_its_owner_from_what_strangers_have_tried(
    resident: Resident, portal: Portal
) -> None:
    for number in range(8):
        Browser(portal, address=f"198.51.100.{number}").sign_in(resident.person, "geraten und geraten")
    new = Browser(portal, address="192.0.2.9")
    assert new.sign_in(resident.person).status_code == 429
    new.fill(reset_link(resident), kennwort=NEW)
    assert new.sign_in(resident.person, NEW).status_code == 303


def test_the_link_of_a_mail_is_good_in_another_language_too(resident: Resident, portal: Portal) -> None:
    browser = Browser(portal)
    english = re.search(r'<a href="[^"]*(konto/[^"]+)" lang="en"', browser.get(reset_link(resident)).text).group(1)
    page = browser.get(html.unescape(english))
    assert "New password" in page.text
    assert where(browser.fill(html.unescape(english), kennwort=NEW)).startswith("konto/anmelden?")


def test_a_reset_leaves_the_second_factor_alone(resident: Resident) -> None:
    set_up(resident)
    Browser(resident.portal).fill(reset_link(resident), kennwort=NEW)
    again = Browser(resident.portal)
    again.sign_in(resident.person, NEW)
    assert "Eingerichtet am" in again.get("konto/sicherheit").text
    assert where(again.get("konto/kennwort")).startswith("bestaetigen?weiter=")
    assert where(again.get("konto/email")).startswith("bestaetigen?weiter=")


# Change and devices


def test_a_password_is_changed_by_the_one_in_force_and_other_sessions_end(resident: Resident, portal: Portal) -> None:
    other = Browser(portal)
    other.sign_in(resident.person)
    assert where(resident.fill("konto/kennwort", bisher=PASSWORD, kennwort=NEW)) == "konto/kennwort?neu=1"
    assert (resident.get("vorgaenge").status_code, other.get("vorgaenge").status_code) == (200, 401)
    assert [Browser(portal).sign_in(resident.person, one).status_code for one in (PASSWORD, NEW)] == [422, 303]


@pytest.mark.parametrize(
    "typed,said",
    [
        ({"bisher": NEW}, "Jetziges Kennwort: Das ist nicht Ihr jetziges Kennwort."),
        ({"kennwort": "kurz"}, "Neues Kennwort: Das sind 4 Zeichen."),
        ({"kennwort": "zoe müller 2026"}, "Neues Kennwort: Dieses Kennwort ist leicht zu erraten."),
    ],
)
def test_what_is_wrong_with_a_change_changes_nothing(resident: Resident, typed: dict[str, str], said: str) -> None:
    answer = resident.fill("konto/kennwort", **{"bisher": PASSWORD, "kennwort": NEW} | typed)
    assert answer.status_code == 422
    assert errors(answer)[0].startswith(said)
    assert Browser(resident.portal).sign_in(resident.person).status_code == 303


def test_guesses_at_the_password_in_force_are_limited(resident: Resident) -> None:
    statuses = [resident.fill("konto/kennwort", bisher=f"{n} geraten", kennwort=NEW).status_code for n in range(11)]
    assert statuses == [422] * 10 + [429]


def test_devices_are_listed_and_signed_out_one_by_one_or_all(resident: Resident, portal: Portal) -> None:
    phone, library = Browser(portal), Browser(portal)
    agent = {"User-Agent": "Mozilla/5.0 (Linux; Android 15) Gecko/140.0 Firefox/140.0"}
    for one, headers in ((phone, agent), (library, {})):
        form = one.form("konto/anmelden") | {"name": resident.person, "kennwort": PASSWORD}
        assert one.post("konto/anmelden", form, **headers).status_code == 303
    page = resident.get("konto/geraete").text
    assert page.count('<li class="mp-card') == 3
    assert "Dieses Gerät" in page
    end = re.search(r'value="(abmelden:\w+)">Abmelden<span class="mp-sr">: Firefox, Android', page)[1]
    resident.post("konto/geraete", forms(page)[0] | {"aktion": end})
    assert [one.get("vorgaenge").status_code for one in (resident, phone, library)] == [200, 401, 200]
    resident.fill("konto/geraete", aktion="ueberall")
    assert [one.get("vorgaenge").status_code for one in (resident, library)] == [200, 401]


def test_nobody_signs_out_somebody_elses_device(resident: Resident, portal: Portal, mailbox: Mailbox) -> None:
    second = Browser(portal)
    second.sign_in(resident.person)
    end = re.search(r'value="(abmelden:\w+)"', resident.get("konto/geraete").text)[1]
    stranger = Resident(portal, mailbox, str(next(_persons)))
    stranger.fill("konto/geraete", aktion=end)
    assert second.get("vorgaenge").status_code == 200


def test_residents_of_a_cms_have_none_of_these_pages(portal: Portal) -> None:
    visitor = portal.visitor("cookie")
    assert {visitor.get(f"konto/{page}").status_code for page in ("kennwort", "email")} == {404}
    assert "Kennwort ändern" not in visitor.get("konto").text


def test_the_account_tells_its_number_and_leads_to_all_of_them(resident: Resident) -> None:
    page = resident.get("konto").text
    assert f"<dt>Kundennummer</dt>\n    <dd>{resident.person}</dd>" in page
    for path in ("kennwort", "email", "geraete"):
        assert f'href="/{EIGEN}/konto/{path}"' in page


# Word of changes


def set_up(browser: Browser) -> list[str]:
    """Set up an app, and return its recovery codes."""
    form = browser.form("konto/sicherheit/app") | {"aktion": "beginnen", "bisher": PASSWORD}
    secret = secret_in(browser.get(where(browser.post("konto/sicherheit/app", form))).text)
    form = browser.form("konto/sicherheit/app")
    code = pyotp.TOTP(secret).at(browser.portal.now)
    page = browser.post("konto/sicherheit/app", form | {"aktion": "bestaetigen", "code": code})
    assert page.status_code == 200, page.text[:2000]
    return codes_in(page.text)


def test_the_first_app_is_set_up_with_the_password_and_another_with_the_app(resident: Resident) -> None:
    page = resident.form("konto/sicherheit/app") | {"aktion": "beginnen"}
    for wrong in ("", "falsch, aber lang genug"):
        refused = resident.post("konto/sicherheit/app", page | {"bisher": wrong})
        assert (refused.status_code, "mp-qr" in refused.text) == (422, False)
        assert errors(refused) == ["Jetziges Kennwort: Das ist nicht Ihr jetziges Kennwort."]
    assert "mp-qr" not in resident.get("konto/sicherheit/app").text
    set_up(resident)
    assert 'name="bisher"' not in resident.get("konto/sicherheit/app").text


def test_each_change_of_an_account_is_told_by_mail_without_a_name(resident: Resident, portal: Portal) -> None:
    codes = set_up(resident)
    assert told(resident.mails()) == ["Für Ihren Zugang wurde eine App als zweiter Faktor eingerichtet."]
    resident.fill("konto/sicherheit/codes")
    resident.mails()
    other = Browser(portal)
    other.sign_in(resident.person)
    assert told(resident.mails()) == ["Ihr Zugang wurde in einem Browser benutzt, den wir noch nicht kannten."]
    other.sign_in_again(resident.person)
    assert resident.mails() == []
    assert codes
    other.fill("konto/aktivieren", code=letter(portal, f"{resident.person}0"), angabe="1.4.2019")
    texts = resident.mails()
    assert told(texts) == ["Ihr Zugang wurde mit einem Vertrag verbunden."]
    assert "Müller" not in texts[0]
    assert f"{portal.installation.url}/{EIGEN}/" in texts[0]
    assert "Zeitpunkt: 23. November 2026" in texts[0]
    greeting = ["Guten Tag,", "", "zu Ihrem Zugang zum Mieterportal teilen wir Ihnen mit:"]
    assert texts[0].splitlines()[:3] == greeting


def test_a_recovery_code_and_an_unlinking_are_told(resident: Resident, portal: Portal) -> None:
    codes = set_up(resident)
    other = Browser(portal)
    other.sign_in(resident.person)
    resident.mails()
    assert other.fill("bestaetigen", code=codes[0]).status_code == 303
    assert told(resident.mails()) == ["Ein Ersatzcode Ihres Zugangs wurde benutzt."]
    other.fill("konto/personen", aktion=f"wirklich:{resident.person}")
    assert told(resident.mails()) == ["Die Verbindung Ihres Zugangs zu einem Vertrag wurde gelöst."]


def test_an_operators_reset_of_a_factor_and_an_unlinking_are_told(resident: Resident, portal: Portal) -> None:
    with connected():
        account = own_accounts.by_name(EIGEN, name_key(resident.person)).account
        who = Source(EIGEN, Actor.OPERATOR, portal.now, account=account, notice=Notice("de"))
        factors.reset(AccountKey(EIGEN, account), source=who)
        accounts.unlink_person(stored_accounts.links_of(EIGEN, resident.person), who)
    assert told(resident.mails()) == [
        "Der zweite Faktor Ihres Zugangs wurde entfernt.",
        "Die Verbindung Ihres Zugangs zu einem Vertrag wurde gelöst.",
    ]


def test_whoever_acts_for_a_person_already_is_told_of_another_account(resident: Resident, portal: Portal) -> None:
    Browser(portal).register(letter(portal, resident.person), email="someone@example.org")
    assert told(resident.mails()) == ["Mit einem Vertrag, für den Sie handeln, wurde ein weiterer Zugang verbunden."]


def test_a_resident_of_a_cms_is_told_at_the_address_that_the_cms_hands_on(portal: Portal, resident: Resident) -> None:
    visitor = portal.visitor("cookie", email=resident.email)
    visitor.set_up()
    texts = resident.mails()
    assert told(texts) == ["Für Ihren Zugang wurde eine App als zweiter Faktor eingerichtet."]
    assert "http://127.0.0.1:8080" in texts[0]
    portal.visitor("fragment", email="").set_up()
    assert resident.mails() == []


def test_where_no_mail_is_sent_none_is_owed_and_no_address_is_asked_for(tmp_path_factory) -> None:
    portal = own_portal(tmp_path_factory.mktemp("without"), rates=RATES, mail=None)
    try:
        browser = Browser(portal)
        assert 'name="email"' not in browser.get("konto/registrieren").text
        assert browser.register(letter(portal, "1")).status_code == 303
        set_up(browser)
        assert browser.get("konto/email").status_code == 404
        page = Browser(portal).get("konto/kennwort-vergessen")
        assert "um einen neuen Brief" in page.text
        assert "<form" not in page.text
        with connected():
            assert not mails.anything_due([EIGEN], portal.now)
    finally:
        portal.close()


def test_whoever_signs_in_without_any_cookie_is_a_browser_that_is_not_known(resident: Resident, portal: Portal) -> None:
    resident.mails()
    thief = Browser(portal, blocked=True, in_frame=True)
    form = thief.form("konto/anmelden") | {"name": resident.person, "kennwort": PASSWORD}
    answer = thief.post("konto/anmelden", form, Accept="application/json")
    assert answer.json["session"]
    assert told(resident.mails()) == told_of_new_browser(resident, portal)


def told_of_new_browser(resident: Resident, portal: Portal) -> list[str]:
    """Return what is said after a sign-in that shows a cookie of a browser nobody has signed in by."""
    assert Browser(portal).sign_in(resident.person).status_code == 303
    (said,) = told(resident.mails())
    return [said]
