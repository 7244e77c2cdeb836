"""Passkeys beside the app: added and removed at level 2, shown in place of a code, each challenge once and for one."""

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import falcon.testing
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.access.audit import Actor, Source
from service.access.factors import bound_to, reset
from service.access.passkeys import party_of
from service.access.vault import Vault
from service.access.visitor import digest
from service.store import audit, cms_sessions, factors, level2
from service.store.database import connected
from service.store.models import PasskeyRow
from service.store.records import AccountKey, AuditFilter, CmsSession
from tests.support.authenticator import Authenticator
from tests.support.inprocess import Portal, Visitor
from tests.support.portal import ENCRYPTION_KEY, KEY, MANDANT

ADD, CONFIRM = "konto/passkeys", "bestaetigen"
OTHERS = '[mandanten.nachbar.level2]\nactions = ["dokumente"]\n'


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = Portal(tmp_path_factory.mktemp("passkeys"), host="localhost", extra=OTHERS)
    yield made
    made.close()


@pytest.fixture
def somebody(portal: Portal) -> Visitor:
    """Somebody at top level whose session is at level 2 by their app."""
    visitor = portal.visitor("cookie")
    set_up(visitor)
    return visitor


@pytest.fixture
def authenticator(portal: Portal) -> Authenticator:
    return Authenticator(portal.installation.url)


def set_up(visitor: Visitor) -> None:
    """Let somebody have an app, and this session be at level 2; without the recovery codes, which take long to hash."""
    who, vault = AccountKey(visitor.mandant, account_of(visitor)), Vault([ENCRYPTION_KEY])
    with connected():
        factors.begin(who, person=None, sealed=vault.seal("A", bound=bound_to(who)), session="", now=visitor.portal.now)
        factors.confirm(who, sealed=factors.find(who).pending_sealed, step=0, now=visitor.portal.now)
    raise_(visitor)


def raise_(visitor: Visitor) -> None:
    account, session = account_of(visitor), digest("website", visitor.sid)
    of_cms = CmsSession(visitor.mandant, digest("website", account, session), "website", session)
    now = visitor.portal.now
    with connected():
        cms_sessions.hold(of_cms, now=now)
        level2.lift(of_cms, AccountKey(visitor.mandant, account), until=now + timedelta(minutes=10), by="app")


def asked(visitor: Visitor, path: str, **headers: str) -> dict[str, str] | None:
    """Return the fields and the options of the form that the script fills; None where the page has none."""
    page = visitor.send("GET", path, headers=headers)
    assert page.status_code == 200, (page.status_code, page.headers.get("location"))
    found = re.search(r'<form id="passkey".*?</form>', page.text, re.DOTALL)
    if found is None:
        return None
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', found.group()))
    return fields | {"options": html.unescape(re.search(r'data-options="([^"]+)"', found.group()).group(1))}


def add(visitor: Visitor, made_by: Authenticator, name: str = "Mein Telefon", **wrong: str) -> falcon.testing.Result:
    form = asked(visitor, ADD)
    return visitor.post(
        ADD, filled(form, made_by.create(form["options"], **wrong)) | {"aktion": "hinzufuegen", "name": name}
    )


def filled(form: dict[str, str], credential: str) -> dict[str, str]:
    return {name: value for name, value in form.items() if name != "options"} | {"credential": credential}


def confirm(visitor: Visitor, credential: str, form: dict[str, str]) -> falcon.testing.Result:
    return visitor.post("bestaetigen/passkey", filled(form, credential))


def is_raised(visitor: Visitor) -> bool:
    return visitor.get("bestaetigen").status_code == 303


def with_passkey(portal: Portal, visitor: Visitor, authenticator: Authenticator) -> dict[str, str]:
    """Add a passkey, let level 2 run out, and return what is asked for then."""
    assert visitor.where(add(visitor, authenticator)) == ADD
    portal.later(minutes=11)
    form = asked(visitor, CONFIRM)
    assert form is not None
    return form


def events(visitor: Visitor) -> list[str]:
    with connected():
        return [entry.event for entry in audit.newest(MANDANT, AuditFilter(account=account_of(visitor)), limit=100)]


def account_of(visitor: Visitor) -> str:
    return digest("website", visitor.sub)


def test_a_passkey_is_added_named_shown_in_place_of_a_code_and_removed(
    portal: Portal, somebody: Visitor, authenticator: Authenticator
) -> None:
    assert "konto/passkeys" in somebody.get("konto/sicherheit").text
    page = somebody.follow(add(somebody, authenticator, "Mein Telefon <b>"))
    assert "Mein Telefon &lt;b&gt;" in page.text
    assert "noch nicht benutzt" in page.text
    portal.later(minutes=11)
    weiter = somebody.where(somebody.get(ADD)).partition("weiter=")[2]
    form = asked(somebody, f"bestaetigen?weiter={weiter}")
    options = json.loads(form["options"])
    assert (options["rpId"], options["userVerification"]) == ("localhost", "preferred")
    assert somebody.where(confirm(somebody, authenticator.get(form["options"]), form)) == ADD
    page = somebody.get(ADD)
    assert "zuletzt benutzt am 23. November 2026" in page.text
    button = re.search(r'value="(loeschen:[0-9a-f]{64})"', page.text).group(1)
    removed = somebody.post(ADD, somebody.form(ADD) | {"aktion": button})
    assert "Sie haben noch keinen Passkey" in somebody.follow(removed).text
    portal.later(minutes=11)
    assert asked(somebody, CONFIRM) is None
    assert events(somebody)[-3:] == ["passkey_added", "level2", "passkey_removed"]


def test_without_level_2_nothing_is_added_removed_or_listed(
    portal: Portal, somebody: Visitor, authenticator: Authenticator
) -> None:
    with_passkey(portal, somebody, authenticator)
    form = somebody.form("bestaetigen")
    for answer in (
        somebody.get(ADD),
        somebody.post(ADD, form | {"aktion": "hinzufuegen", "credential": "{}", "challenge": "x"}),
        somebody.post(ADD, form | {"aktion": "loeschen:" + "0" * 64}),
    ):
        assert somebody.where(answer).startswith("bestaetigen?weiter=")


def test_somebody_without_an_app_sets_that_up_first(portal: Portal) -> None:
    visitor = portal.visitor("cookie")
    assert visitor.where(visitor.get(ADD)) == "konto/sicherheit/app"


@pytest.mark.parametrize("embedding", ["fragment", "header"])
def test_in_fragments_and_frames_there_is_the_code_and_no_button(
    portal: Portal, embedding: str, authenticator: Authenticator
) -> None:
    visitor = portal.visitor(embedding)
    set_up(visitor)
    assert asked(visitor, ADD) is None
    assert "nur, wenn das Mieterportal in einem eigenen Fenster offen ist" in visitor.get(ADD).text
    beside = portal.visitor("cookie", sub=visitor.sub, sid="beside")
    raise_(beside)
    form = asked(beside, ADD)
    assert beside.where(
        beside.post(ADD, filled(form, authenticator.create(form["options"])) | {"aktion": "hinzufuegen"})
    )
    portal.later(minutes=11)
    assert asked(visitor, CONFIRM) is None
    elsewhere = asked(beside, CONFIRM)
    framed = filled(elsewhere, authenticator.get(elsewhere["options"])) | visitor.form(CONFIRM)
    assert visitor.post("bestaetigen/passkey", framed).status_code == 422
    assert not is_raised(visitor)


def test_a_page_that_a_browser_shows_in_a_frame_has_no_button(
    portal: Portal, somebody: Visitor, authenticator: Authenticator
) -> None:
    with_passkey(portal, somebody, authenticator)
    assert asked(somebody, CONFIRM, **{"Sec-Fetch-Dest": "iframe"}) is None
    assert asked(somebody, CONFIRM, **{"Sec-Fetch-Dest": "document"}) is not None


def test_a_challenge_is_good_once(portal: Portal, somebody: Visitor, authenticator: Authenticator) -> None:
    form = with_passkey(portal, somebody, authenticator)
    credential = authenticator.get(form["options"])
    assert confirm(somebody, credential, form).status_code == 303
    portal.later(minutes=11)
    again = confirm(somebody, credential, form | asked_fields(somebody))
    assert again.status_code == 422
    authenticator.count += 1  # nor is a fresh answer to it
    assert confirm(somebody, authenticator.get(form["options"]), form | asked_fields(somebody)).status_code == 422
    assert not is_raised(somebody)


def asked_fields(visitor: Visitor) -> dict[str, str]:
    """Return what makes a form good, whatever challenge it carries."""
    form = asked(visitor, CONFIRM)
    return {name: form[name] for name in ("csrf_token", "idempotency_key")}


def test_a_challenge_is_good_for_five_minutes(portal: Portal, somebody: Visitor, authenticator: Authenticator) -> None:
    form = with_passkey(portal, somebody, authenticator)
    portal.later(minutes=5, seconds=1)
    late = confirm(somebody, authenticator.get(form["options"]), form)
    assert late.status_code == 422
    assert "Das hat zu lange gedauert" in late.text
    assert not is_raised(somebody)
    fresh = asked(somebody, CONFIRM)
    portal.later(minutes=5)
    assert confirm(somebody, authenticator.get(fresh["options"]), fresh).status_code == 303


def test_a_challenge_of_another_session_account_purpose_or_mandant_is_refused(
    portal: Portal, somebody: Visitor, authenticator: Authenticator
) -> None:
    to_add = asked(somebody, ADD)
    form = with_passkey(portal, somebody, authenticator)
    other = portal.visitor("cookie")
    set_up(other)
    theirs = with_passkey(portal, other, Authenticator(portal.installation.url))
    beside = portal.visitor("cookie", sub=somebody.sub, sid="session-2")
    neighbour = portal.visitor("cookie", sub=somebody.sub, mandant="nachbar", key=KEY[::-1])
    set_up(neighbour)
    at_neighbours = asked(neighbour, ADD)
    mine = asked(somebody, CONFIRM)
    for foreign in (theirs, asked(beside, CONFIRM), to_add, at_neighbours):
        sent = mine | {"challenge": foreign["challenge"]}
        answer = confirm(somebody, authenticator.get(foreign["options"]), sent)
        assert answer.status_code == 422
        assert "Dieser Passkey passt nicht" in answer.text
    assert not is_raised(somebody)
    assert confirm(somebody, authenticator.get(form["options"]), form).status_code in {303, 422}


def test_another_accounts_passkey_raises_nobody(
    portal: Portal, somebody: Visitor, authenticator: Authenticator
) -> None:
    form = with_passkey(portal, somebody, authenticator)
    thief = portal.visitor("cookie")
    set_up(thief)
    own = Authenticator(portal.installation.url)
    with_passkey(portal, thief, own)
    assert confirm(somebody, own.get(form["options"]), form).status_code == 422
    assert not is_raised(somebody)


@pytest.mark.parametrize("wrong", [{"origin": "http://localhost"}, {"type": "webauthn.create"}, {"challenge": "AAAA"}])
def test_what_was_signed_for_another_page_is_refused(
    portal: Portal, somebody: Visitor, authenticator: Authenticator, wrong: dict[str, str]
) -> None:
    form = with_passkey(portal, somebody, authenticator)
    assert confirm(somebody, authenticator.get(form["options"], **wrong), form).status_code == 422
    authenticator.rp_id = "example.org"
    assert confirm(somebody, authenticator.get(form["options"]), form).status_code == 422
    assert not is_raised(somebody)


def test_a_copy_of_an_authenticator_is_refused_and_noted(
    portal: Portal, somebody: Visitor, authenticator: Authenticator
) -> None:
    form = with_passkey(portal, somebody, authenticator)
    authenticator.count = 7
    assert confirm(somebody, authenticator.get(form["options"]), form).status_code == 303
    portal.later(minutes=11)
    authenticator.count = 7  # the copy was made before the last use
    form = asked(somebody, CONFIRM)
    assert confirm(somebody, authenticator.get(form["options"]), form).status_code == 422
    assert not is_raised(somebody)
    assert events(somebody)[-1] == "passkey_cloned"
    fresh = asked(somebody, CONFIRM)
    assert confirm(somebody, authenticator.get(fresh["options"]), fresh).status_code == 303


def test_an_authenticator_that_does_not_count_is_taken_each_time_and_need_not_verify(
    portal: Portal, somebody: Visitor, authenticator: Authenticator
) -> None:
    authenticator.counts = authenticator.verifies = False
    form = with_passkey(portal, somebody, authenticator)
    for _ in range(2):
        assert confirm(somebody, authenticator.get(form["options"]), form).status_code == 303
        portal.later(minutes=11)
        form = asked(somebody, CONFIRM)


def test_the_same_passkey_is_kept_once(portal: Portal, somebody: Visitor, authenticator: Authenticator) -> None:
    assert add(somebody, authenticator).status_code == 303
    again = add(somebody, authenticator)
    assert again.status_code == 422
    assert "ließ sich nicht hinzufügen" in again.text
    assert json.loads(asked(somebody, ADD)["options"])["excludeCredentials"]


def test_a_passkey_made_for_another_page_is_not_kept(
    portal: Portal, somebody: Visitor, authenticator: Authenticator
) -> None:
    assert add(somebody, authenticator, origin="https://evil.example").status_code == 422
    assert "Sie haben noch keinen Passkey" in somebody.get(ADD).text


def test_resetting_the_second_factor_takes_the_passkeys_too(
    portal: Portal, somebody: Visitor, authenticator: Authenticator
) -> None:
    with_passkey(portal, somebody, authenticator)
    with connected():
        reset(AccountKey(MANDANT, account_of(somebody)), source=Source(MANDANT, Actor.OPERATOR, datetime.now(UTC)))
        assert not PasskeyRow.select().where(PasskeyRow.account == account_of(somebody)).count()


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "rawId", "type", "response", "clientDataJSON", "signature"]), inner)
    ),
    max_leaves=8,
)


@given(credential=ANYTHING.map(json.dumps) | TEXT, challenge=TEXT)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_in_place_of_a_passkey_is_refused_and_never_a_fault(
    shaken: tuple[Visitor, dict[str, str]], credential: str, challenge: str
) -> None:
    visitor, form = shaken
    for sent in (form | {"challenge": challenge}, form):
        answer = confirm(visitor, credential, sent)
        assert answer.status_code == 422
        assert "data-fehler" in answer.text


@pytest.fixture(scope="module")
def shaken(portal: Portal) -> tuple[Visitor, dict[str, str]]:
    visitor = portal.visitor("cookie")
    set_up(visitor)
    form = with_passkey(portal, visitor, Authenticator(portal.installation.url))
    return visitor, form


def test_where_the_mandant_wants_none_there_are_none(tmp_path: Path) -> None:
    portal = Portal(tmp_path, host="localhost", level2='actions = ["dokumente"]\npasskeys = false')
    visitor = portal.visitor("cookie")
    set_up(visitor)
    assert "konto/passkeys" not in visitor.get("konto/sicherheit").text
    assert visitor.get(ADD).status_code == 404
    portal.close()


@pytest.mark.parametrize(
    "url,known",
    [
        ("https://portal.example.de/x", ("portal.example.de", "https://portal.example.de")),
        ("https://portal.example.de:8443", ("portal.example.de", "https://portal.example.de:8443")),
        ("http://localhost:8000", ("localhost", "http://localhost:8000")),
        ("http://portal.example.de", None),
        ("http://127.0.0.1:8000", None),
        ("https://[::1]:8000", None),
    ],
)
def test_passkeys_belong_to_the_host_of_the_public_address(url: str, known: tuple[str, str] | None) -> None:
    party = party_of(url)
    assert (party and (party.id, party.origin)) == known
