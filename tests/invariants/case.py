"""What an entry of the matrix says of a route, and how it is written (cases.py, own_cases.py).

A new route needs an entry here, or the matrix fails. Most need one line, with one of:

    public("notfall")               everybody sees the same, and nothing of anybody
    own("konto", sees=NAME)         everybody who is signed in sees what is theirs; nobody else anything
    mine(lambda w: f"vorgaenge/{w.vorgang}", sees=TEXT)
                                    an object of the owner's: 404 for others
    form("melden/kontakt", {…})     a form of the reader's own; `gets` is the status when it is taken
    admin("status")                 the CMS's back end, for its Mandant alone
    by_token("sso/website", …)      what is let in by a token in its body or address, not by a session
    guest("konto/anmelden", {…})    a form for whoever is not signed in, bound to the browser that was shown it

`sees` is a word of the owner's (world.py) that the owner must find in the answer: without it a page cannot fail. Paths
are below the Mandant; they and a form's fields may be made of what the owner has in the `World`, and of who sends them.
The rest says how a case differs:

    shared=True     whoever stands for the same person sees it too, and may do the same
    level2=True     a second factor is asked for
    others={Who.NEIGHBOUR: {404}}
                    what others get for a form of their own that names something of the owner's, if it is not `gets`
    bearer=True     whoever has the owner's link may use it, as in a mail
    fresh=True      sent in a session of its own, since it would spoil the owner's
    own_login=True  whoever asks has signed in by the own login; what is no browser there, is a frame without cookies
    top=True        can be had at top level only
    keyless=True    the form is bound to the session only and has no key of its own, as that of signing out
    made_on="…"     the page whose form it is, if it must be that of the owner's draft
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tests.invariants.own_world import guest_cookie, guest_form
from tests.invariants.people import Somebody, Who
from tests.invariants.world import NAME, World

Fields = Mapping[str, str]


class Reach(StrEnum):
    """Who gets what; see test_matrix.py."""

    PUBLIC = "public"
    OWN = "own"
    MINE = "mine"
    ADMIN = "admin"
    SECRET = "secret"
    BY_TOKEN = "by_token"
    GUEST = "guest"


@dataclass(frozen=True)
class Case:
    """What is sent. `path` and `fields` may depend on what the owner has and on who sends it."""

    reach: Reach
    path: Callable[[World], str]
    fields: Callable[[World, Somebody], Fields] | None = None
    headers: Callable[[World, Somebody], Mapping[str, str]] = lambda _world, _sender: {}
    gets: int = 200
    sees: str = ""
    shared: bool = False
    level2: bool = False
    fresh: bool = False
    keyless: bool = False
    bearer: bool = False
    made_on: str = ""
    others: Mapping[Who, set[int]] = field(default_factory=dict)
    rooted: bool = False
    json: bool = False
    own_login: bool = False
    top: bool = False

    def sender(self, world: World, who: Who, *, browser: bool) -> Somebody:
        """Return who sends it."""
        if self.own_login:
            return world.own.who(who, browser=browser)
        return world.who(who, browser=browser, fresh=self.fresh)


def _path(path: str | Callable[[World], str]) -> Callable[[World], str]:
    return path if callable(path) else lambda _world: path


def _fields(given: Fields | Callable[[World, Somebody], Fields] | None) -> Callable[[World, Somebody], Fields] | None:
    return given if callable(given) or given is None else lambda _world, _sender: given


def public(path: str | Callable[[World], str], *, rooted: bool = False, gets: int = 200) -> Case:
    return Case(Reach.PUBLIC, _path(path), rooted=rooted, gets=gets)


def own(path: str | Callable[[World], str], *, sees: str = NAME, **more: object) -> Case:
    return Case(Reach.OWN, _path(path), sees=sees, **more)


def mine(path: str | Callable[[World], str], fields: object = None, **more: object) -> Case:
    return Case(Reach.MINE, _path(path), _fields(fields), **more)


def form(path: str | Callable[[World], str], fields: object, *, gets: int = 303, **more: object) -> Case:
    return Case(Reach.OWN, _path(path), _fields(fields), gets=gets, **more)


def admin(path: str | Callable[[World], str], fields: object = None, **more: object) -> Case:
    def headers(_world: World, sender: Somebody) -> Fields:
        kind = "admin" if sender.who in {Who.OWNER, Who.NEIGHBOUR, Who.STRAY} else "fragment"
        return {"Authorization": f"Portal website:{sender.token(kind)}"} if sender.who != Who.NOBODY else {}

    below = _path(path)
    return Case(Reach.ADMIN, lambda world: f"api/v1/admin/{below(world)}", _fields(fields), headers, **more)


def by_token(path: str | Callable[[World], str], fields: object, **more: object) -> Case:
    return Case(Reach.BY_TOKEN, _path(path), _fields(fields), **more)


def guest(path: str | Callable[[World], str], fields: object = None, **more: object) -> Case:
    given = _fields(fields)

    def whole(world: World, sender: Somebody) -> Fields:
        return guest_form(sender) | dict(given(world, sender)) if given else {}

    return Case(Reach.GUEST, _path(path), whole if given else None, lambda _world, sender: guest_cookie(sender), **more)
