"""Every route, every object, everybody: made of the application's own route table, with the entries of cases.py.

A new route without an entry fails; how an entry is written, cases.py says. Each case is sent by its owner, who must
succeed, and by everybody else: with the very request of the owner, and with forms and tokens of their own that name
what is the owner's. They are refused, or get what is their own; and in no body and no header is a word of the owner's,
nor is any of the owner's rows changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

import falcon.testing
import pytest

from service.web.session import RESIDENT_OR_DRAFT
from tests.invariants.case import Case, Reach
from tests.invariants.cases import CASES
from tests.invariants.people import INTRUDERS, Somebody, Who
from tests.invariants.world import World
from tests.support.inprocess import BASE
from tests.support.routes import methods, routes

REFUSED = {401, 403, 404}
EVERY = [
    pytest.param(method, template, case, browser, id=f"{method} {template} {number} {where}")
    for (method, template), cases in CASES.items()
    for number, case in enumerate(cases)
    for where, browser in (("fragment", False), ("browser", True))
    if browser or not case.top
]
SIGNED = {Reach.OWN, Reach.MINE, Reach.PUBLIC}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("matrix"))
    yield made
    made.close()


def test_every_route_has_an_entry_and_every_entry_a_route(world: World) -> None:
    assert methods(world.portal.client.app) == set(CASES)


def fields_of(world: World, case: Case, maker: Somebody) -> dict[str, str] | None:
    """Return a form as this one would send it, with hidden fields of their own."""
    if case.fields is None:
        return None
    given = dict(case.fields(world, maker))
    if case.reach not in {Reach.OWN, Reach.MINE}:
        return given
    of_draft = case.made_on and maker.who not in {Who.STRAY, Who.NOBODY}
    return (maker.form(case.made_on) if of_draft else world.hidden(maker)) | given


def send(
    method: str, world: World, case: Case, sender: Somebody, fields: dict[str, str] | None
) -> falcon.testing.Result:
    signed = sender.who != Who.NOBODY and case.reach in SIGNED
    path, headers = case.path(world), dict(case.headers(world, sender))
    if case.rooted:
        return world.portal.client.simulate_request(method, f"/{path}", headers=headers)
    if case.json:
        return sender.send(method, path, headers=headers, signed=signed, json=fields)
    return sender.send(method, path, fields, headers=headers, signed=signed)


def leaks(world: World, who: Who, answer: falcon.testing.Result) -> set[str]:
    said = answer.content.decode("utf-8", "replace") + unquote(repr(dict(answer.headers))) + repr(answer.cookies)
    return {word for word in world.forbidden(who) if word in said}


def allowed(case: Case, who: Who) -> set[int]:
    """Return what this one gets for a request of their own."""
    outside = {case.gets, 401} if who == Who.STRAY else {case.gets}  # where a token is shown, it must be a good one
    here = {401, 403} if who in {Who.STRAY, Who.NOBODY} else {case.gets}
    by_reach = {
        Reach.SECRET: {401},
        Reach.PUBLIC: outside,
        Reach.BY_TOKEN: outside,
        Reach.GUEST: {403} if who == Who.STRAY and case.fields else {case.gets},
        Reach.OWN: here,
        Reach.ADMIN: {case.gets} if who == Who.NEIGHBOUR else {401},
        Reach.MINE: {case.gets} if who == Who.CO_RESIDENT and case.shared else REFUSED,
    }
    return set(case.others.get(who, by_reach[case.reach]))


@dataclass(frozen=True)
class Attempt:
    """One request of somebody else's, with what it may get."""

    sender: Somebody
    fields: dict[str, str] | None
    expected: set[int]
    stolen: bool = False

    def may_change(self, case: Case) -> bool:
        """Tell whether it is the sender's good right: of the same person, or with a link that lets anybody in."""
        who = self.sender.who
        return (who == Who.CO_RESIDENT and case.shared and not self.stolen) or (case.bearer and who != Who.NEIGHBOUR)


def attempts(method: str, world: World, case: Case, *, browser: bool) -> list[Attempt]:
    senders = [case.sender(world, who, browser=browser) for who in INTRUDERS]
    made = [Attempt(one, fields_of(world, case, one), allowed(case, one.who)) for one in senders]
    if method == "POST" and case.reach in {Reach.OWN, Reach.MINE, Reach.GUEST}:
        theirs = fields_of(world, case, case.sender(world, Who.OWNER, browser=browser))
        made += [Attempt(one, theirs, REFUSED, stolen=True) for one in senders]
    return made


@pytest.mark.parametrize("method, template, case, browser", EVERY)
def test_nobody_else_gets_at_what_is_the_owners(
    world: World, method: str, template: str, case: Case, browser: bool
) -> None:
    world.begin_anew()
    made = attempts(method, world, case, browser=browser)
    case.path(world)
    before = world.owners_rows()
    rights = [attempt for attempt in made if attempt.may_change(case)]
    kept = [attempt for attempt in made if keeps(world, template, attempt)]
    refuse(world, method, case, [attempt for attempt in made if attempt not in rights + kept])
    if method == "POST":  # what is asked for by GET changes nothing, whoever asks (test_hostile_forms.py)
        assert changes(before, world.owners_rows()) == {}
    refuse(world, method, case, kept)
    assert set(changes(before, world.owners_rows()) if kept else ()) <= {"draft"}
    refuse(world, method, case, rights)


def changes(before: dict[str, list[str]], now: dict[str, list[str]]) -> dict[str, set[str]]:
    """Return of each table the rows that are there before or after only."""
    return {table: set(rows) ^ set(before[table]) for table, rows in now.items() if rows != before[table]}


def keeps(world: World, template: str, attempt: Attempt) -> bool:
    """Tell whether a form is kept as a draft of whom it was made for: what an expired session leaves is not lost."""
    access = routes(world.portal.client.app)[template].access
    return attempt.stolen and attempt.sender.who in {Who.NOBODY, Who.STRAY} and access == RESIDENT_OR_DRAFT


def refuse(world: World, method: str, case: Case, made: list[Attempt]) -> None:
    for attempt in made:
        who = attempt.sender.who
        answer = send(method, world, case, attempt.sender, attempt.fields)
        assert answer.status_code in attempt.expected, (who, attempt.stolen, answer.status_code, answer.text[:1500])
        assert not leaks(world, who, answer), (who, answer.status_code)


@pytest.mark.parametrize("method, template, case, browser", EVERY)
def test_the_owner_succeeds_and_at_level_1_where_no_more_is_asked(
    world: World, method: str, template: str, case: Case, browser: bool
) -> None:
    for who in (Who.LEVEL_1, Who.OWNER):
        world.begin_anew()
        sender = case.sender(world, who, browser=browser)
        answer = send(method, world, case, sender, fields_of(world, case, sender))
        if who == Who.LEVEL_1 and case.reach in {Reach.ADMIN, Reach.SECRET}:
            assert answer.status_code == 401
        elif who == Who.LEVEL_1 and case.level2:
            assert sender.where(answer).startswith("bestaetigen?weiter="), answer.headers
            assert not leaks(world, Who.NOBODY, answer)
        else:
            assert answer.status_code == case.gets, answer.text[:1500]
            assert case.sees in answer.content.decode("utf-8", "replace") + unquote(repr(answer.headers))


@pytest.mark.parametrize("typ", ["login", "logout", "admin"])
def test_a_token_of_another_kind_shows_nothing_to_residents(world: World, typ: str) -> None:
    """What a CMS signs for one purpose is of no use for another, even of the owner's own."""
    owner = world.who(Who.OWNER, browser=False)
    for (method, _), cases in CASES.items():
        for case in cases:
            if case.reach not in {Reach.OWN, Reach.MINE}:
                continue
            shown = {"Authorization": f"Portal website:{owner.token(typ)}", "Portal-Base-Url": BASE}
            fields = fields_of(world, case, owner)
            answer = owner.send(method, case.path(world), fields, headers=shown, signed=False)
            assert answer.status_code == 401, (method, answer.status_code)
            assert not leaks(world, Who.NOBODY, answer)


@pytest.mark.parametrize("typ", ["fragment", "login", "logout"])
def test_a_token_of_a_resident_shows_nothing_to_the_back_end(world: World, typ: str) -> None:
    owner = world.who(Who.OWNER, browser=False)
    for (method, _), cases in CASES.items():
        for case in cases:
            if case.reach == Reach.ADMIN:
                shown = {"Authorization": f"Portal website:{owner.token(typ)}", "Portal-Base-Url": BASE}
                answer = owner.send(method, case.path(world), fields_of(world, case, owner), headers=shown)
                assert answer.status_code == 401, (method, answer.status_code)
