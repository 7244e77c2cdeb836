"""What the audit log has of second factors: each use and each attempt, with no code, no secret and no key in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import main
from service.store import audit
from service.store.database import StoreUnavailable, connected
from service.store.records import AuditEntry, AuditFilter
from tests.support.inprocess import Portal, Visitor, codes_on
from tests.support.portal import MANDANT


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    made = Portal(tmp_path)
    yield made
    made.close()


def entries() -> list[AuditEntry]:
    with connected():
        return audit.newest(MANDANT, AuditFilter(), limit=100)


def told() -> list[tuple[str, dict[str, object]]]:
    return [(entry.event, dict(entry.facts)) for entry in entries()]


def test_the_life_of_a_second_factor_is_noted(portal: Portal) -> None:
    visitor = portal.visitor()
    codes = visitor.set_up()
    portal.later(minutes=11)
    visitor.step_up(visitor.code())
    shown = codes_on(visitor.post("konto/sicherheit/codes", visitor.form("konto/sicherheit/codes")))
    portal.later(minutes=11)
    visitor.step_up(shown[0])
    portal.later(seconds=30)
    visitor.secret = visitor.begin()
    form = visitor.form("konto/sicherheit/app") | {"aktion": "bestaetigen", "code": visitor.code()}
    assert visitor.post("konto/sicherheit/app", form).status_code == 303
    assert told() == [
        ("factor_set", {"by": "app", "replaced": 0}),
        ("level2", {}),
        ("codes_made", {}),
        ("recovery_used", {}),
        ("factor_set", {"by": "app", "replaced": 1}),
    ]
    assert {(entry.actor, entry.person, entry.address) for entry in entries()} == {("resident", f"P-{visitor.sub}", "")}
    assert len({entry.account for entry in entries()}) == 1
    for word in (*codes, *shown, visitor.secret, visitor.code()):
        assert word not in str(entries())


def test_a_wrong_code_is_noted_and_a_slip_of_the_form_is_not(portal: Portal) -> None:
    visitor = portal.visitor()
    visitor.set_up()
    portal.later(minutes=11)
    for code in ("000000", "3-K7QM-2XPD", "12345", "", "hallo"):
        assert visitor.step_up(code).status_code == 422
    assert told()[1:] == [("level2_failed", {"code": "app"}), ("level2_failed", {"code": "recovery"})]


def test_who_is_held_up_does_not_fill_the_log(portal: Portal) -> None:
    visitor = portal.visitor()
    visitor.set_up()
    guesser = portal.visitor(sub=visitor.sub, sid="guesser")
    for _ in range(12):
        guesser.step_up("000000")
    assert [event for event, _ in told()].count("level2_failed") == 5


def test_a_session_is_not_raised_if_that_cannot_be_noted(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_entry: AuditEntry) -> None:
        raise StoreUnavailable("disk full")

    visitor = portal.visitor()
    visitor.set_up()
    portal.later(minutes=11)
    with monkeypatch.context() as broken:
        broken.setattr(audit, "append", fails)
        assert visitor.step_up(visitor.code()).status_code == 503
    assert visitor.get("konto/sicherheit/app").status_code == 303
    assert visitor.step_up(visitor.code()).status_code == 303  # nor was the code used up


def test_a_reset_is_noted_of_the_operator_and_of_whose_factor_it_was(portal: Portal) -> None:
    visitor: Visitor = portal.visitor()
    visitor.set_up()
    person = f"P-{visitor.sub}"
    arguments = ["--config", str(portal.installation.config), "factor", "reset", MANDANT, "--person", person, "--yes"]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    made, removed = entries()
    assert (removed.event, removed.actor, removed.person) == ("factor_removed", "operator", person)
    assert removed.account == made.account
