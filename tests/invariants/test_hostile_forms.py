"""Everything that changes something, sent from elsewhere or without its form: refused, and nothing has changed.

Made of the same entries as the matrix (cases.py). A browser says where a request comes from; whoever comes from
elsewhere is refused before anything is read. Where nothing is said, and where a CMS's server asks, the form's token
alone decides: it belongs to one session of one account of one Mandant, and to one form's key.
"""

from collections.abc import Iterator
from dataclasses import replace

import falcon.testing
import pytest

from service.web.session import RESIDENT_OR_DRAFT
from tests.invariants.case import Case, Reach
from tests.invariants.cases import CASES
from tests.invariants.own_world import guest_cookie, guest_form
from tests.invariants.people import Somebody, Who
from tests.invariants.test_matrix import changes
from tests.invariants.world import World
from tests.support.inprocess import ORIGIN
from tests.support.routes import routes

ELSEWHERE = {
    "a foreign site": {"Origin": "https://boese.example"},
    "no origin to tell of": {"Origin": "null"},
    "the company's own site": {"Origin": ORIGIN},
    "another port of this host": {"Origin": "http://127.0.0.1:1"},
    "an origin that begins alike": {"Origin": "http://127.0.0.1:1.boese.example"},
    "across sites": {"Sec-Fetch-Site": "cross-site"},
    "the same site": {"Sec-Fetch-Site": "same-site"},
    "a word that no browser says": {"Sec-Fetch-Site": "Same-Origin"},
}
NONSENSE = ("9" * 5000, "x" * 3000, "\u0663", "\x00", "../\x85:{}%s")
BOUND = (Reach.OWN, Reach.MINE)
POSTS = [
    pytest.param(template, case, id=f"{template} {number}")
    for (method, template), cases in CASES.items()
    for number, case in enumerate(cases)
    if method == "POST" and case.reach in BOUND
]
BY_THEIR_TOKEN = [
    pytest.param(case, id=f"{template} {number}")
    for (method, template), cases in CASES.items()
    for number, case in enumerate(cases)
    if method == "POST" and case.reach not in {*BOUND, Reach.GUEST}
]
GUESTS = [
    pytest.param(case, id=f"{template} {number}")
    for (method, template), cases in CASES.items()
    for number, case in enumerate(cases)
    if method == "POST" and case.reach == Reach.GUEST
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("hostile"))
    yield made
    made.close()


def post(
    world: World, case: Case, sender: Somebody, hidden: dict[str, str], headers: dict[str, str] | None = None
) -> falcon.testing.Result:
    assert case.fields is not None
    return sender.send("POST", case.path(world), hidden | dict(case.fields(world, sender)), headers=headers)


@pytest.mark.parametrize("template, case", POSTS)
def test_a_form_from_elsewhere_changes_nothing(world: World, template: str, case: Case) -> None:
    world.begin_anew()
    sender = case.sender(world, Who.OWNER, browser=True)
    hidden = sender.form(case.made_on) if case.made_on else world.hidden(sender)
    case.fields(world, sender)
    before = world.rows(but=())
    for where, headers in ELSEWHERE.items():
        answer = post(world, case, sender, hidden, headers)
        assert answer.status_code == 403, (where, answer.text[:500])
    own = {"Origin": world.portal.installation.url, "Sec-Fetch-Site": "cross-site"}
    assert post(world, case, sender, hidden, own).status_code == 403
    assert changes(before, world.rows(but=())) == {}
    here = {"Origin": world.portal.installation.url, "Sec-Fetch-Site": "same-origin"}
    assert post(world, case, sender, hidden, here).status_code == case.gets


def strange(world: World, case: Case, sender: Somebody) -> dict[str, dict[str, str]]:
    """Return hidden fields that are not those of a form of this session."""
    own, other = world.hidden(sender), world.hidden(sender)
    token = own["csrf_token"]
    found = {
        "none": {},
        "no token": own | {"csrf_token": ""},
        "a token cut short": own | {"csrf_token": token[:-5]},
        "a token with another signature": own
        | {"csrf_token": token.rpartition(".")[0] + "." + other["csrf_token"].rpartition(".")[2]},
        "another resident's": world.hidden(world.who(Who.FOREIGN, browser=True)),
        "of another account of the same person": world.hidden(world.who(Who.CO_RESIDENT, browser=True)),
        "another Mandant's": world.hidden(world.who(Who.NEIGHBOUR, browser=True)),
    }
    if not case.keyless:
        found["another form's"] = own | {"csrf_token": other["csrf_token"]}
        found["no key"] = own | {"idempotency_key": ""}
    return found


@pytest.mark.parametrize("browser", [False, True], ids=["fragment", "browser"])
@pytest.mark.parametrize("template, case", POSTS)
def test_a_form_without_its_token_changes_nothing(world: World, template: str, case: Case, browser: bool) -> None:
    world.begin_anew()
    sender, level_1 = (
        replace(case, fresh=False).sender(world, who, browser=browser) for who in (Who.OWNER, Who.LEVEL_1)
    )
    case.fields(world, sender)
    before = world.rows(but=())
    for which, hidden in strange(world, case, sender).items():
        answer = post(world, case, sender, hidden)
        assert answer.status_code == 403, (which, answer.status_code, answer.text[:500])
    assert changes(before, world.rows(but=())) == {}
    answer = post(world, case, sender, world.hidden(level_1))
    assert answer.status_code == 403, answer.text[:500]
    kept = {"draft", "jti"} if routes(world.portal.client.app)[template].access == RESIDENT_OR_DRAFT else set()
    assert set(changes(before, world.rows(but=()))) <= kept  # the owner's own input from another session is not lost


@pytest.mark.parametrize("case", BY_THEIR_TOKEN)
def test_what_its_own_token_lets_in_nobody_is_let_in_without(world: World, case: Case) -> None:
    """Not by the owner's cookie either, from wherever it is sent."""
    world.begin_anew()
    sender = world.who(Who.OWNER, browser=True)
    path = f"/{case.path(world)}" if case.rooted else f"/{sender.mandant}/{case.path(world).partition('?')[0]}"
    before = world.rows(but=("audit",))
    for headers in ({}, *ELSEWHERE.values()):
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = world.portal.client.simulate_post(path, headers=kind | sender.session | headers)
        assert answer.status_code in ({200, 403, 404} if case.bearer else {401}), answer.text[:500]
    assert changes(before, world.rows(but=("audit",))) == {}


@pytest.mark.parametrize("case", GUESTS)
def test_a_form_of_whoever_is_not_signed_in_is_good_in_its_own_browser_on_our_own_page(
    world: World, case: Case
) -> None:
    world.begin_anew()
    sender, other = world.who(Who.OWNER, browser=True), world.who(Who.FOREIGN, browser=True)
    typed, path = dict(case.fields(world, sender)), case.path(world)
    own = guest_cookie(sender)
    token = typed["csrf_token"]
    others = guest_form(replace(sender, who=Who.STRAY)), guest_form(other)
    before = world.rows(but=())
    for where, headers in ELSEWHERE.items():
        answer = sender.send("POST", path, typed, headers=own | headers, signed=False)
        assert answer.status_code == 403, (where, answer.text[:500])
    for hidden in ({"csrf_token": ""}, {"csrf_token": token[:-5]}, *others):
        answer = sender.send("POST", path, typed | hidden, headers=own, signed=False)
        assert answer.status_code == 403, (hidden, answer.text[:500])
    assert sender.send("POST", path, typed, headers=guest_cookie(other), signed=False).status_code == 403
    assert changes(before, world.rows(but=())) == {}
    here = own | {"Origin": world.portal.installation.url, "Sec-Fetch-Site": "same-origin"}
    assert sender.send("POST", path, typed, headers=here, signed=False).status_code == case.gets


@pytest.mark.parametrize("case", GUESTS)
def test_whatever_a_stranger_types_is_no_fault(world: World, case: Case) -> None:
    world.begin_anew()
    sender = world.who(Who.NOBODY, browser=True)
    for field in case.fields(world, sender):
        for value in NONSENSE:
            form = dict(case.fields(world, sender)) | {field: value}
            answer = sender.send("POST", case.path(world), form, headers=guest_cookie(sender), signed=False)
            assert answer.status_code < 500, (field, value[:20], answer.text[:500])


def test_no_other_site_signs_a_browser_in(world: World) -> None:
    """A good token of the attacker's own account does not help: neither a session is started nor the old one ended."""
    attacker, victim = world.who(Who.FOREIGN, browser=False), world.who(Who.OWNER, browser=True)
    before = world.rows(but=("audit",))
    for headers in ({}, *(there for where, there in ELSEWHERE.items() if where != "the company's own site")):
        form = {"token": attacker.token("login")}
        answer = victim.send("POST", "sso/website", form, headers=victim.session | headers, signed=False)
        assert answer.status_code == 401, headers
        assert "set-cookie" not in answer.headers
    assert changes(before, world.rows(but=("audit",))) == {}


def test_what_only_shows_something_changes_nothing(world: World) -> None:
    """So that no link, picture or scanner of mails does; that somebody has downloaded something is noted."""
    world.begin_anew()
    for (method, _), cases in CASES.items():
        for case in cases:
            if method == "GET" and case.reach not in {Reach.ADMIN, Reach.SECRET}:
                sender = case.sender(world, Who.OWNER, browser=True)
                path = case.path(world)
                before = world.rows()
                if case.rooted:
                    world.portal.client.simulate_get(f"/{path}")
                else:
                    sender.send("GET", path, signed=case.reach != Reach.GUEST)
                assert changes(before, world.rows()) == {}, path


@pytest.mark.parametrize("template, case", POSTS)
def test_whatever_stands_in_a_field_is_no_fault(world: World, template: str, case: Case) -> None:
    world.begin_anew()
    sender = case.sender(world, Who.OWNER, browser=True)
    for field in {**case.fields(world, sender), "idempotency_key": ""}:
        for value in NONSENSE:
            form = world.hidden(sender) | dict(case.fields(world, sender)) | {field: value}
            answer = sender.send("POST", case.path(world), form)
            assert answer.status_code < 500, (field, value[:20], answer.text[:500])
