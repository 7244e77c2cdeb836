"""What may be used once is used once, however many use it at the same time, in several processes."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pyotp
import pytest
import requests

from cms_adapters.connector import CmsLogin, Embedding
from service.access import passkeys
from service.access.activation import Invited, Purpose, Terms, invite
from service.access.audit import Actor, Source
from service.access.facts import Fact
from service.access.hashing import Hasher
from service.access.own.links import LinkTokens
from service.access.own.links import Purpose as LinkPurpose
from service.access.passkeys import ADD, CONFIRM, Challenges, ChallengeStale, Party, PasskeyCloned, Shown, bound_to
from service.access.visitor import visitor_of_login
from service.store import accounts, audit, factors, mail_links, own_accounts
from service.store.database import connected, open_database
from service.store.records import AccountKey, AuditFilter, MailLink, OwnAccount
from tests.support.authenticator import Authenticator
from tests.support.inprocess import codes_in, secret_in
from tests.support.own import EIGEN, MAIL, OWN
from tests.support.portal import KEY, MANDANT, Installation, Resident, forms

AT_ONCE = 50
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def set_up(resident: Resident) -> tuple[str, list[str]]:
    """Set up an app with a code of the step before, so that the present step is unused; return secret and codes."""
    form = resident.form("konto/sicherheit/app") | {"aktion": "beginnen"}
    secret = secret_in(resident.get(resident.post("konto/sicherheit/app", form).headers["Location"]).text)
    form = resident.form("konto/sicherheit/app") | {"aktion": "bestaetigen"}
    before = pyotp.TOTP(secret).at(datetime.now(UTC) - timedelta(seconds=30))
    page = resident.post("konto/sicherheit/app", form | {"code": before})
    assert page.status_code == 200, page.text[:2000]
    return secret, codes_in(page.text)


def raised_by(resident: Resident, code: Callable[[], str]) -> tuple[Counter[int], int]:
    """Use one code in fifty sessions of one account at once; return the answers, and how many sessions are raised."""
    sessions = [Resident(resident.url, sub=resident.sub, person=None, sid=f"s{n}") for n in range(AT_ONCE)]
    forms = [session.form("bestaetigen") for session in sessions]
    used = code()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(
            pool.map(
                lambda pair: pair[0].post("bestaetigen", pair[1] | {"code": used}), zip(sessions, forms, strict=True)
            )
        )
    return Counter(answer.status_code for answer in answers), sum(
        session.get("bestaetigen").status_code == 303 for session in sessions
    )


def test_fifty_uses_of_one_step_of_the_app_raise_one_session(portal: Installation, resident: Resident) -> None:
    secret, _ = set_up(resident)
    answers, raised = raised_by(resident, lambda: pyotp.TOTP(secret).now())
    assert (answers[303], raised) == (1, 1), answers
    assert set(answers) <= {303, 422, 429}


def test_fifty_uses_of_one_recovery_code_raise_one_session(portal: Installation, resident: Resident) -> None:
    _, codes = set_up(resident)
    answers, raised = raised_by(resident, lambda: codes[7])
    assert (answers[303], raised) == (1, 1), answers
    assert set(answers) <= {303, 422, 429}
    assert "Noch 9 von 10" in resident.get("konto/sicherheit").text


def test_of_fifty_guesses_at_once_five_are_looked_at(portal: Installation, resident: Resident) -> None:
    set_up(resident)
    answers, raised = raised_by(resident, lambda: "000000")
    assert (answers[422], answers[429], raised) == (5, 45, 0)


def test_ten_confirmations_of_one_set_up_make_one_set_of_codes(portal: Installation, resident: Resident) -> None:
    form = resident.form("konto/sicherheit/app") | {"aktion": "beginnen"}
    secret = secret_in(resident.get(resident.post("konto/sicherheit/app", form).headers["Location"]).text)
    forms = [resident.form("konto/sicherheit/app") | {"aktion": "bestaetigen"} for _ in range(10)]
    code = pyotp.TOTP(secret).now()
    with ThreadPoolExecutor(10) as pool:
        pages = list(pool.map(lambda form: resident.post("konto/sicherheit/app", form | {"code": code}), forms))
    assert Counter(page.status_code for page in pages) == {200: 1, 303: 9}


def test_fifty_accounts_with_one_letter_link_one_of_them(portal: Installation, store: None) -> None:
    person = uuid4().hex
    terms = Terms(MANDANT, Purpose.PERSON, Fact.CSV, 60)
    with connected():
        (letter,) = invite(
            [Invited(person, "13.5.1950")], terms, Hasher(), Source(MANDANT, Actor.OPERATOR, datetime.now(UTC))
        )
    accounts_of = [Resident(portal.url, sub=f"{person}-{n}", person=None) for n in range(AT_ONCE)]
    forms = [one.form("konto/aktivieren") for one in accounts_of]
    sent = {"code": letter.code.printed, "angabe": "13. Mai 1950"}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(
            pool.map(
                lambda pair: pair[0].post("konto/aktivieren", pair[1] | sent), zip(accounts_of, forms, strict=True)
            )
        )
    # ten attempts are let through to the code itself; whoever comes later hears that it does not fit
    assert Counter(answer.status_code for answer in answers) == {303: 1, 422: 49}
    with connected():
        assert len(accounts.links_of(MANDANT, person)) == 1


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A portal of two processes with a Mandant of the own login."""
    installation = Installation(tmp_path_factory.mktemp("own"), extra=OWN + MAIL.format(port=1))
    try:
        installation.start_portal()
        yield installation
    finally:
        installation.stop_all()


def test_fifty_uses_of_one_reset_link_set_one_password(own: Installation) -> None:
    open_database(own.database)
    now, secret = datetime.now(UTC), "ein Satz vor allen anderen"
    account = OwnAccount(
        uuid4(), EIGEN, "portal", uuid4().hex, "n", "z@example.org", "e", "de", Hasher().hash(secret), now, now
    )
    link = MailLink(uuid4(), EIGEN, account.account, LinkPurpose.KENNWORT, account.email, now, now + timedelta(hours=1))
    with connected():
        own_accounts.add(account)
        mail_links.add(link)
    url = f"{own.url}/{EIGEN}/konto/kennwort-neu"
    token = LinkTokens([KEY]).issue(EIGEN, str(link.id))

    def opened(_: int) -> tuple[requests.Session, dict[str, str]]:
        http = requests.Session()
        page = http.get(url, params={"schluessel": token}, timeout=60)
        assert page.status_code == 200, page.text[:2000]
        # the cookie is for https only; sent by hand, since this portal speaks http
        http.headers["Cookie"] = "; ".join(f"{one.name}={one.value}" for one in http.cookies)
        return http, forms(page.text)[0]

    def used(pair: tuple[int, tuple[requests.Session, dict[str, str]]]) -> int:
        number, (http, form) = pair
        typed = form | {"kennwort": f"der {number}. von fünfzig Sätzen"}
        return http.post(url, typed, allow_redirects=False, timeout=120).status_code

    pages = [opened(number) for number in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(used, enumerate(pages)))
    assert Counter(answers) == {303: 1, 404: 49}
    with connected():
        stored = own_accounts.of_account(EIGEN, account.account)
        noted = audit.newest(EIGEN, AuditFilter(event="password_changed"), limit=100)
    assert stored is not None
    assert Hasher().verify(f"der {answers.index(303)}. von fünfzig Sätzen", stored.password_hash)
    assert len(noted) == 1


def test_the_row_of_a_link_gives_it_out_once(store: None) -> None:
    link = MailLink(uuid4(), MANDANT, uuid4().hex, LinkPurpose.EMAIL, "", NOW, NOW + timedelta(hours=1))
    with connected():
        mail_links.add(link)
    assert at_once(lambda: mail_links.use(link, now=NOW)) == 1


@pytest.fixture
def store(portal: Installation) -> Iterator[None]:
    opened = open_database(portal.database)
    yield
    opened.close_all()


def at_once(use: Callable[[], bool]) -> int:
    def one(_: int) -> bool:
        with connected():
            return use()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(one, range(AT_ONCE)))


def test_fifty_uses_of_one_challenge_of_a_passkey_raise_one_session(store: None) -> None:
    party = Party("localhost", "http://localhost")
    visitor = replace(visitor_of_login(MANDANT, login_of(uuid4().hex)), token=None)  # as in a browser session
    source = Source(MANDANT, Actor.RESIDENT, datetime.now(UTC), account=visitor.account)
    authenticator, challenges = Authenticator(party.origin, counts=False), Challenges([KEY])
    fresh = challenges.issue(bound_to(visitor, ADD), now=source.now)
    made = authenticator.create(passkeys.to_create(visitor, party, fresh, company="Musterbau eG"))
    with connected():
        passkeys.add(visitor, Shown(party, fresh.value, made), name="Telefon", source=source)
        asked = challenges.issue(bound_to(visitor, CONFIRM), now=source.now)
        shown = Shown(party, asked.value, authenticator.get(passkeys.to_confirm(visitor, party, asked)))

    def use() -> bool:
        try:
            passkeys.step_up(visitor, shown, minutes=10, source=source)
        except ChallengeStale:
            return False
        return True

    assert at_once(use) == 1
    authenticator.counts = True
    with connected():
        asked = [challenges.issue(bound_to(visitor, CONFIRM), now=source.now) for _ in range(2)]
        options = [passkeys.to_confirm(visitor, party, one) for one in asked]
    authenticator.count, answers = 4, []
    for one, told in zip(asked, options, strict=True):
        authenticator.count = 4  # two authenticators with one secret
        answers.append(Shown(party, one.value, authenticator.get(told)))

    def copied(answer: Shown) -> bool:
        with connected():
            try:
                passkeys.step_up(visitor, answer, minutes=10, source=source)
            except PasskeyCloned:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(copied, answers)) == [False, True]


def login_of(subject: str) -> CmsLogin:
    """Return somebody's login by the website, as a verified token gives it."""
    now = int(datetime.now(UTC).timestamp())
    return CmsLogin(
        connection="website",
        subject=subject,
        session_id="s",
        jti="j",
        issued=now,
        expires=now + 60,
        embedding=Embedding.BROWSER,
        base_url=None,
        person=None,
        name="Zoë Müller",
        email=None,
        lang=None,
        roles=(),
    )


def test_the_rows_themselves_give_everything_out_once(store: None, resident: Resident) -> None:
    who = AccountKey(MANDANT, resident.sub)
    with connected():
        factors.begin(who, person=None, sealed="sealed", session="s", now=NOW)
        factors.replace_codes(who, [f"hash {slot}" for slot in range(10)], NOW)
    assert at_once(lambda: factors.confirm(who, sealed="sealed", step=1, now=NOW)) == 1
    assert at_once(lambda: factors.use_step(who, sealed="sealed", step=2)) == 1
    assert at_once(lambda: factors.use_step(who, sealed="sealed", step=2)) == 0
    assert at_once(lambda: factors.use_code(who, slot=3, code_hash="hash 3", now=NOW)) == 1
    assert at_once(lambda: factors.use_code(who, slot=3, code_hash="hash 3", now=NOW)) == 0
