"""What opens something in the own login, and by passkeys (kinds.py)."""

from urllib.parse import quote

from service.access.own.device import COOKIE as DEVICE_COOKIE
from service.access.own.device import Device, DeviceTokens
from service.access.own.links import Purpose
from service.store.database import connected
from service.store.models import MailRow
from tests.invariants.kind import Answer, Kind, signed
from tests.invariants.own_world import PASSWORD, guest_cookie, guest_form, guest_of
from tests.invariants.people import Somebody, Who
from tests.invariants.world import World
from tests.support.portal import KEY, MANDANT

SIGN_IN = "konto/anmelden"


def _stranger(world: World) -> Somebody:
    return world.who(Who.NOBODY, browser=True)


def _sign_in(sender: Somebody, cookie: str, **typed: str) -> tuple[Answer, bool]:
    form = guest_form(sender) | {"name": "4711", "kennwort": PASSWORD} | typed
    answer = sender.send("POST", SIGN_IN, form, headers={"Cookie": cookie}, signed=False)
    return answer, answer.status_code == 303 or "__Host-portal" in answer.cookies


def guest_token(world: World) -> Kind:
    sender = _stranger(world)
    good = [guest_form(sender)["csrf_token"]]
    cookie = guest_cookie(sender)["Cookie"]
    return Kind(good, lambda text: _sign_in(sender, cookie, csrf_token=text), signed(good))


def guest_value(world: World) -> Kind:
    sender = _stranger(world)
    name, good = guest_cookie(sender)["Cookie"].split("=")

    def same(text: str) -> bool:
        return not text.strip() or good in text  # without a cookie, our own page has to show the token

    return Kind([good], lambda text: _sign_in(sender, f"{name}={text}"), same, in_header=True)


def password(world: World) -> Kind:
    sender = _stranger(world)
    cookie = guest_cookie(sender)["Cookie"]
    return Kind([PASSWORD], lambda text: _sign_in(sender, cookie, kennwort=text), lambda text: text == PASSWORD)


def device(world: World) -> Kind:
    """A known browser opens nothing, but its sign-in is not told by mail."""
    sender, owner = _stranger(world), world.own.people[Who.OWNER]
    good = [DeviceTokens([KEY]).write(MANDANT, Device("a", (owner.account.account,)))]
    guest = guest_cookie(sender)["Cookie"]

    def told() -> int:
        with connected():
            return MailRow.select().where(MailRow.account == owner.account.account).count()

    def show(text: str) -> tuple[Answer, bool]:
        before = told()
        answer, _ = _sign_in(sender, f"{guest}; {DEVICE_COOKIE}={text}")
        return answer, told() == before

    return Kind(good, show, signed(good), in_header=True)


def password_link(world: World) -> Kind:
    sender, good = _stranger(world), [world.own.link(Purpose.KENNWORT)]

    def show(text: str) -> tuple[Answer, bool]:
        form = guest_form(sender) | {"schluessel": text, "kennwort": PASSWORD}
        answer = sender.send("POST", "konto/kennwort-neu", form, headers=guest_cookie(sender), signed=False)
        return answer, answer.status_code == 303

    return Kind(good, show, signed(good))


def email_link(world: World) -> Kind:
    sender, good = _stranger(world), [world.own.link(Purpose.EMAIL)]

    def show(text: str) -> tuple[Answer, bool]:
        answer = sender.send("POST", f"konto/email-bestaetigen?schluessel={quote(text)}", {}, signed=False)
        return answer, answer.status_code == 200

    return Kind(good, show, signed(good))


def passkey_challenge(world: World) -> Kind:
    owner = world.who(Who.LEVEL_1, browser=True)
    filled = world.passkey.confirms(owner)
    good = [filled["challenge"]]

    def show(text: str) -> tuple[Answer, bool]:
        form = world.hidden(owner) | filled | {"challenge": text, "weiter": world.weiter()}
        answer = owner.post("bestaetigen/passkey", form)
        return answer, answer.status_code == 303

    return Kind(good, show, signed(good))


def sign_in_challenge(world: World) -> Kind:
    sender = _stranger(world)
    filled = world.own_passkey.signs_in(sender)
    good = [filled["challenge"]]
    assert guest_of(sender).value in guest_cookie(sender)["Cookie"]

    def show(text: str) -> tuple[Answer, bool]:
        form = guest_form(sender) | filled | {"challenge": text}
        answer = sender.send("POST", f"{SIGN_IN}/passkey", form, headers=guest_cookie(sender), signed=False)
        return answer, answer.status_code == 303

    return Kind(good, show, signed(good))


OWN_KINDS = (
    guest_token,
    guest_value,
    password,
    device,
    password_link,
    email_link,
    passkey_challenge,
    sign_in_challenge,
)
