"""The entries of the own login's routes, and of the passkeys'."""

from service.access.own.links import Purpose
from tests.invariants.case import Case, Fields, by_token, form, guest, own
from tests.invariants.own_world import password_of
from tests.invariants.people import INTRUDERS, Somebody, Who
from tests.invariants.world import BEGAN, MAIL, PASSKEY, World

KONTO = "/{mandant}/konto"
ANYBODY_ELSE = (Who.CO_RESIDENT, Who.FOREIGN, Who.NEIGHBOUR, Who.NOBODY)
REFUSED = {one: {422} for one in ANYBODY_ELSE}


def _sign_in(_world: World, sender: Somebody) -> Fields:
    """Name the owner, with the password that one has; at the neighbour's this number is another's, who is let in."""
    return {"name": "4711", "kennwort": password_of(sender)}


def _register(world: World, sender: Somebody) -> Fields:
    fact = BEGAN if sender.who in {Who.OWNER, Who.LEVEL_1} else "2.2.2020"
    return {"code": world.letter(), "angabe": fact, "email": "neu@x.example", "kennwort": password_of(sender)}


def _new_password(world: World, sender: Somebody) -> Fields:
    return {"schluessel": world.own.link(Purpose.KENNWORT), "kennwort": password_of(sender)}


def _same_password(_world: World, sender: Somebody) -> Fields:
    return {"bisher": password_of(sender), "kennwort": password_of(sender)}


def _owners_passkey(world: World, sender: Somebody) -> Fields:
    """Answer a challenge of the owner's session with the owner's passkey; others have got hold of both."""
    at_home = sender if sender.who in {Who.OWNER, Who.LEVEL_1} else world.who(Who.OWNER, browser=True)
    return {"weiter": world.weiter()} | world.passkey.confirms(at_home)


def _passkey_sign_in(world: World, sender: Somebody) -> Fields:
    at_home = sender if sender.who in {Who.OWNER, Who.LEVEL_1} else world.own.people[Who.OWNER]
    return world.own_passkey.signs_in(at_home)


def _link(path: str, purpose: Purpose) -> object:
    return lambda world: f"{path}?schluessel={world.own.link(purpose)}"


_GUESTS: dict[tuple[str, str], tuple[Case, ...]] = {
    ("GET", f"{KONTO}/anmelden"): (guest("konto/anmelden"),),
    ("POST", f"{KONTO}/anmelden"): (
        guest("konto/anmelden", _sign_in, gets=303, others=REFUSED | {Who.NEIGHBOUR: {303}}),
    ),
    ("POST", f"{KONTO}/anmelden/passkey"): (
        guest("konto/anmelden/passkey", _passkey_sign_in, gets=303, others=REFUSED),
    ),
    ("GET", f"{KONTO}/registrieren"): (guest("konto/registrieren"),),
    ("POST", f"{KONTO}/registrieren"): (guest("konto/registrieren", _register, gets=303, others=REFUSED),),
    ("GET", f"{KONTO}/kennwort-vergessen"): (guest("konto/kennwort-vergessen"),),
    ("POST", f"{KONTO}/kennwort-vergessen"): (guest("konto/kennwort-vergessen", {"name": "4711"}),),
    ("GET", f"{KONTO}/kennwort-neu"): (
        guest(_link("konto/kennwort-neu", Purpose.KENNWORT), bearer=True, others={Who.NEIGHBOUR: {404}}),
    ),
    ("POST", f"{KONTO}/kennwort-neu"): (
        guest(
            "konto/kennwort-neu",
            _new_password,
            gets=303,
            bearer=True,
            others={one: {404} for one in INTRUDERS[1:]},  # the first has used it
        ),
    ),
    ("GET", f"{KONTO}/email-bestaetigen"): (
        by_token(
            _link("konto/email-bestaetigen", Purpose.EMAIL), None, gets=200, bearer=True, others={Who.NEIGHBOUR: {404}}
        ),
    ),
    ("POST", f"{KONTO}/email-bestaetigen"): (
        by_token(
            _link("konto/email-bestaetigen", Purpose.EMAIL), {}, gets=200, bearer=True, others={Who.NEIGHBOUR: {404}}
        ),
    ),
}
_ACCOUNT: dict[tuple[str, str], tuple[Case, ...]] = {
    ("GET", f"{KONTO}/kennwort"): (own("konto/kennwort", sees="", level2=True, own_login=True),),
    ("POST", f"{KONTO}/kennwort"): (form("konto/kennwort", _same_password, level2=True, own_login=True),),
    ("GET", f"{KONTO}/email"): (own("konto/email", sees=MAIL, level2=True, own_login=True),),
    ("POST", f"{KONTO}/email"): (
        form(
            "konto/email",
            lambda _w, sender: {"bisher": password_of(sender), "email": f"neu-{sender.who.name.lower()}@x.example"},
            level2=True,
            own_login=True,
        ),
    ),
    ("GET", f"{KONTO}/geraete"): (own("konto/geraete", sees=""), own("konto/geraete", sees="", own_login=True)),
    ("POST", f"{KONTO}/geraete"): (
        form("konto/geraete", {"aktion": "abmelden:0"}),
        form("konto/geraete", {"aktion": "ueberall"}, own_login=True),
        form("konto/geraete", lambda w, _: {"aktion": f"abmelden:{w.own.handle()}"}, own_login=True),
    ),
}
_PASSKEYS: dict[tuple[str, str], tuple[Case, ...]] = {
    ("GET", f"{KONTO}/passkeys"): (own("konto/passkeys", sees=PASSKEY, level2=True),),
    ("POST", f"{KONTO}/passkeys"): (
        form("konto/passkeys", lambda w, _: {"aktion": f"loeschen:{w.passkey.held()}"}, level2=True),
    ),
    ("POST", "/{mandant}/bestaetigen/passkey"): (
        form(
            "bestaetigen/passkey",
            _owners_passkey,
            fresh=True,
            top=True,
            others={one: {422} for one in ANYBODY_ELSE if one != Who.NOBODY},
        ),
    ),
}

OWN_CASES = _GUESTS | _ACCOUNT | _PASSKEYS
