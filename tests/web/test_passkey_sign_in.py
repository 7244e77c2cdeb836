"""Signing in to the own login by a passkey: at top level, by whoever the authenticator has verified, once."""

from collections.abc import Iterator
from datetime import timedelta

import falcon.testing
import pytest

from service.access.factors import bound_to
from service.access.vault import Vault
from service.access.visitor import digest
from service.store import audit, cms_sessions, factors, level2, mails, own_accounts
from service.store.database import connected
from service.store.models import MailRow, SessionRow
from service.store.records import AccountKey, AuditFilter, CmsSession
from tests.support.authenticator import Authenticator
from tests.support.inprocess import Portal
from tests.support.own import EIGEN, Browser, letter, own_portal, where
from tests.support.portal import ENCRYPTION_KEY
from tests.web.test_passkeys import asked, filled

ADD, SIGN_IN = "konto/passkeys", "konto/anmelden"
RATES = 'code_address = "1000/hour", sign_in_address = "1000/hour", sign_in_mandant = "1000/hour"'


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = own_portal(tmp_path_factory.mktemp("sign-in"), rates=RATES, host="localhost")
    yield made
    made.close()


@pytest.fixture(scope="module")
def authenticator(portal: Portal) -> Authenticator:
    """One that has a passkey of P1, who has registered, set up an app and signed out."""
    browser, made = Browser(portal), Authenticator(portal.installation.url)
    assert where(browser.register(letter(portal, "P1"))) == ""
    raise_(portal)
    form = asked_of(browser, ADD)
    added = browser.post(ADD, filled(form, made.create(form["options"])) | {"aktion": "hinzufuegen", "name": "Telefon"})
    assert where(added) == ADD
    return made


def raise_(portal: Portal) -> None:
    """Let the account that signed in last have an app and a confirmed address, and its session be at level 2."""
    with connected():
        row = SessionRow.select().where(SessionRow.mandant == EIGEN).order_by(SessionRow.created_at.desc()).get()
        who, vault = AccountKey(EIGEN, row.account), Vault([ENCRYPTION_KEY])
        factors.begin(who, person=None, sealed=vault.seal("A", bound=bound_to(who)), session="", now=portal.now)
        factors.confirm(who, sealed=factors.find(who).pending_sealed, step=0, now=portal.now)
        key = digest(row.connection, row.account, row.cms_session)
        own_accounts.set_email(EIGEN, row.account, "zoe@example.org", digest("zoe@example.org"))
        session = CmsSession(EIGEN, key, row.connection, row.cms_session)
        cms_sessions.hold(session, now=portal.now)
        level2.lift(session, who, until=portal.now + timedelta(minutes=10), by="app")


def asked_of(browser: Browser, path: str) -> dict[str, str] | None:
    class Asking:
        def send(self, method: str, path: str, headers: dict[str, str]) -> falcon.testing.Result:
            return browser.get(path, **headers)

    return asked(Asking(), path)


def sign_in(browser: Browser, credential: str, form: dict[str, str]) -> falcon.testing.Result:
    return browser.post("konto/anmelden/passkey", filled(form, credential))


def events() -> list[str]:
    with connected():
        return [entry.event for entry in audit.newest(EIGEN, AuditFilter(), limit=100)]


def test_a_passkey_signs_in_without_name_or_password_and_its_account_was_told_of_it(
    portal: Portal, authenticator: Authenticator
) -> None:
    browser = Browser(portal)
    form = asked_of(browser, SIGN_IN)
    assert '"userVerification": "required"' in form["options"]
    assert where(sign_in(browser, authenticator.get(form["options"]), form)) == ""
    assert "Zoë Müller" in browser.get("vorgaenge").text
    assert browser.get("konto/sicherheit").status_code == 200
    assert events()[-1] == "sign_in"
    with connected():
        told = [row.facts["what"] for row in MailRow.select().where(MailRow.kind == mails.SICHERHEIT)]
    assert told == ["passkey_added", "new_device"]


def test_an_authenticator_that_did_not_verify_its_holder_signs_nobody_in(
    portal: Portal, authenticator: Authenticator
) -> None:
    browser = Browser(portal)
    form = asked_of(browser, SIGN_IN)
    authenticator.verifies = False
    refused = sign_in(browser, authenticator.get(form["options"]), form)
    authenticator.verifies = True
    assert refused.status_code == 422
    assert "Bitte melden Sie sich mit Ihrem Kennwort an" in refused.text
    assert "__Host-portal" not in browser.cookies
    assert events()[-1] == "sign_in_failed"


def test_a_challenge_signs_in_once_in_the_browser_that_asked_for_it_and_for_five_minutes(
    portal: Portal, authenticator: Authenticator
) -> None:
    browser, other = Browser(portal), Browser(portal)
    form, theirs = asked_of(browser, SIGN_IN), asked_of(other, SIGN_IN)
    credential = authenticator.get(form["options"])
    carried = theirs | {"challenge": form["challenge"]}
    assert sign_in(other, credential, carried).status_code == 422
    assert where(sign_in(browser, credential, form)) == ""
    again = Browser(portal, cookies={name: value for name, value in browser.cookies.items() if "guest" in name})
    fresh = asked_of(again, SIGN_IN)
    assert sign_in(again, credential, fresh | {"challenge": form["challenge"]}).status_code == 422
    late = asked_of(again, SIGN_IN)
    portal.later(minutes=5, seconds=1)
    assert "zu lange gedauert" in sign_in(again, authenticator.get(late["options"]), late).text
    assert "__Host-portal" not in again.cookies


def test_strangers_passkeys_copies_and_nonsense_sign_nobody_in(portal: Portal, authenticator: Authenticator) -> None:
    browser = Browser(portal)
    stranger = Authenticator(portal.installation.url)
    for credential in ("", "{}", "[]", '{"rawId": "AAAA"}', '{"rawId": 5}'):
        form = asked_of(browser, SIGN_IN)
        assert sign_in(browser, credential, form).status_code == 422
    form = asked_of(browser, SIGN_IN)
    assert sign_in(browser, stranger.get(form["options"]), form).status_code == 422
    form = asked_of(browser, SIGN_IN)
    assert where(sign_in(browser, authenticator.get(form["options"]), form)) == ""
    copy = Browser(portal)
    form = asked_of(copy, SIGN_IN)
    authenticator.count -= 1
    assert sign_in(copy, authenticator.get(form["options"]), form).status_code == 422
    assert events()[-1] == "passkey_cloned"


def test_in_a_frame_there_is_no_passkey_to_sign_in_by(portal: Portal, authenticator: Authenticator) -> None:
    framed = Browser(portal, in_frame=True)
    assert asked_of(framed, SIGN_IN) is None
    beside = asked_of(Browser(portal), SIGN_IN)
    form = framed.form(SIGN_IN)
    sent = form | {"challenge": beside["challenge"], "credential": authenticator.get(beside["options"])}
    assert framed.post("konto/anmelden/passkey", sent).status_code == 422
    assert "__Host-portal" not in framed.cookies
