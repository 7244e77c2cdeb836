"""`mieterportal factor` and `keys`: what the operator does about second factors."""

from datetime import UTC, datetime, timedelta

import pytest

from service.access.factors import bound_to
from service.access.vault import Vault, VaultRefused
from service.access.visitor import digest
from service.store import cms_sessions, factors, level2
from service.store.database import connected
from service.store.records import AccountKey, CmsSession
from tests.support.cli import run
from tests.support.portal import ENCRYPTION_KEY, MANDANT, Installation

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WHO = AccountKey(MANDANT, digest("website", "fe_users:1"))
SESSION = CmsSession(MANDANT, "k" * 64, "website", "s" * 64)
NEW_KEY = "a new key, as long as they have to be"


def rotate(installation: Installation, keys: str) -> None:
    text = installation.config.read_text(encoding="utf-8")
    before, _, after = text.partition("encryption_keys = [")
    installation.config.write_text(f"{before}encryption_keys = [{keys}]{after.partition(']')[2]}", encoding="utf-8")


def set_up(who: AccountKey = WHO, key: str = ENCRYPTION_KEY) -> str:
    sealed = Vault([key]).seal("SECRET", bound=bound_to(who))
    with connected():
        factors.begin(who, person="P1", sealed=sealed, session=SESSION.cms_session, now=NOW)
        factors.confirm(who, sealed=sealed, step=1, now=NOW)
        factors.replace_codes(who, ["hash"] * 10, NOW)
        cms_sessions.hold(SESSION, now=NOW)
        level2.lift(SESSION, who, until=NOW + timedelta(minutes=10), by="app")
    return sealed


@pytest.mark.parametrize("whom", [("--person", "P1"), ("--connection", "website", "--sub", "fe_users:1")])
def test_a_reset_says_what_it_removes_and_ends_level_2(installation: Installation, whom: tuple[str, ...]) -> None:
    set_up()
    asked = run(installation, "factor", "reset", MANDANT, *whom)
    assert (asked.exit_code, "set up at 2026-11-23T12:00:00+00:00 and 10 unused" in asked.output) == (2, True)
    with connected():
        assert factors.is_set_up(WHO), "nothing is done unasked"
    done = run(installation, "factor", "reset", MANDANT, *whom, "--yes")
    assert (done.exit_code, "removed: 1" in done.output) == (0, True)
    with connected():
        assert factors.find(WHO) is None
        assert factors.codes_left(WHO) == 0
        assert level2.until(SESSION) is None
    assert "no second factor there" in run(installation, "factor", "reset", MANDANT, *whom, "--yes").output


def test_a_reset_leaves_everybody_else_alone(installation: Installation) -> None:
    set_up()
    other = AccountKey("nachbar", WHO.account)
    set_up(other)
    run(installation, "factor", "reset", MANDANT, "--person", "P1", "--yes")
    with connected():
        assert factors.is_set_up(other)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nobody", "--person", "P1"),
        (MANDANT,),
        (MANDANT, "--connection", "website"),
        (MANDANT, "--person", "P1", "--sub", "x"),
        (MANDANT, "--connection", "nowhere", "--sub", "x"),
    ],
)
def test_whose_factor_is_meant_must_be_said(installation: Installation, arguments: tuple[str, ...]) -> None:
    assert run(installation, "factor", "reset", *arguments).exit_code == 2


def test_keys_are_renewed_and_the_old_one_can_go(installation: Installation) -> None:
    sealed = set_up()
    rotate(installation, f'"{ENCRYPTION_KEY}", "{NEW_KEY}"')
    assert "musterbau: renewed 1, already under the newest key 0" in run(installation, "keys", "renew").output
    assert "musterbau: renewed 0, already under the newest key 1" in run(installation, "keys", "renew").output
    with connected():
        found = factors.find(WHO)
    assert Vault([NEW_KEY]).open(found.sealed, bound=bound_to(WHO)) == "SECRET"
    with pytest.raises(VaultRefused):
        Vault([NEW_KEY]).open(sealed, bound=bound_to(WHO))


def test_a_secret_under_a_key_that_is_gone_is_told(installation: Installation) -> None:
    set_up()
    rotate(installation, f'"{NEW_KEY}"')
    told = run(installation, "keys", "renew", "--mandant", MANDANT)
    assert (told.exit_code, "1 secret under none of the keys" in told.output) == (1, True)
    assert run(installation, "keys", "renew", "--mandant", "nobody").exit_code == 2


def test_more_accounts_than_a_batch_are_renewed(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.access.renewal._BATCH", 2)
    accounts = [AccountKey(MANDANT, f"account {n}") for n in range(5)]
    for who in accounts:
        set_up(who)
    rotate(installation, f'"{ENCRYPTION_KEY}", "{NEW_KEY}"')
    assert "musterbau: renewed 5" in run(installation, "keys", "renew").output


def test_what_was_begun_and_never_confirmed_is_forgotten(installation: Installation) -> None:
    begun = AccountKey(MANDANT, "begun")
    set_up()
    with connected():
        factors.begin(begun, person=None, sealed="x", session="s", now=NOW)
        factors.sweep(begun_before=NOW)
        assert factors.find(begun) is not None
        factors.sweep(begun_before=NOW + timedelta(seconds=1))
        assert factors.find(begun) is None
        assert factors.is_set_up(WHO)
        cms_sessions.sweep(before=NOW + timedelta(days=1))
        assert level2.until(SESSION) is None


def test_the_doctor_tells_when_users_share_one_session_of_the_cms(installation: Installation) -> None:
    set_up()
    assert (
        "ok    musterbau/website sid: no two users share one" in run(installation, "doctor", "musterbau/website").output
    )
    other = AccountKey(MANDANT, "another")
    with connected():
        theirs = CmsSession(MANDANT, "l" * 64, "website", SESSION.cms_session)
        cms_sessions.hold(theirs, now=NOW)
        level2.lift(theirs, other, until=NOW, by="app")
    told = run(installation, "doctor", "musterbau/website")
    assert "FAIL  musterbau/website sid: 2 users share one sid" in told.output
