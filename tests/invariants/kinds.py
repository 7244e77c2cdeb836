"""Everything that opens something when it is shown: what a good one looks like, where it is shown, whether it opened.

A new kind needs a function here that returns a `Kind`, named in `KINDS`.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import UUID, uuid4

from standardwebhooks import Webhook

from service.access.activation_code import parse
from service.access.codes import read_code
from service.store import benachrichtigungen
from service.store.database import connected
from tests.invariants.kind import Answer, Kind, exactly, raw_of, signed
from tests.invariants.own_kinds import OWN_KINDS
from tests.invariants.people import Somebody, Who
from tests.invariants.world import BEGAN, HOOKS, METRICS_TOKEN, REST, World
from tests.support.inprocess import BASE, ORIGIN
from tests.support.portal import MANDANT


def _tokens(world: World, typ: str) -> list[str]:
    return [world.who(who, browser=False).token(typ) for who in (Who.OWNER, Who.FOREIGN)]


def fragment(world: World) -> Kind:
    good, owner = _tokens(world, "fragment"), world.who(Who.OWNER, browser=False)

    def show(text: str) -> tuple[Answer, bool]:
        headers = {"Authorization": f"Portal website:{text}", "Portal-Base-Url": BASE}
        answer = owner.send("GET", "konto", headers=headers, signed=False)
        return answer, answer.status_code == 200

    return Kind(good, show, signed(good), in_header=True)


def login(world: World) -> Kind:
    good, owner = _tokens(world, "login"), world.who(Who.OWNER, browser=False)

    def show(text: str) -> tuple[Answer, bool]:
        answer = owner.send("POST", "sso/website", {"token": text}, headers={"Origin": ORIGIN}, signed=False)
        return answer, answer.status_code in {200, 303} or "set-cookie" in answer.headers

    return Kind(good, show, signed(good))


def logout(world: World) -> Kind:
    good, owner = _tokens(world, "logout"), world.who(Who.OWNER, browser=False, fresh=True)
    good[0] = owner.token("logout")

    def show(text: str) -> tuple[Answer, bool]:
        answer = owner.send("POST", "sso/website/logout", {"token": text}, signed=False)
        return answer, answer.status_code == 204

    return Kind(good, show, signed(good))


def admin(world: World) -> Kind:
    good, owner = _tokens(world, "admin"), world.who(Who.OWNER, browser=False)

    def show(text: str) -> tuple[Answer, bool]:
        headers = {"Authorization": f"Portal website:{text}"}
        answer = owner.send("GET", "api/v1/admin/version", headers=headers, signed=False)
        return answer, answer.status_code == 200

    return Kind(good, show, signed(good), in_header=True)


def form_token(world: World) -> Kind:
    owner = world.who(Who.OWNER, browser=True)
    hidden = world.hidden(owner)
    good = [hidden["csrf_token"]]

    def show(text: str) -> tuple[Answer, bool]:
        form = hidden | {"csrf_token": text, "kontaktthema": "ALLGEMEIN", "beschreibung": "Getippt"}
        answer = owner.post("melden/kontakt", form)
        return answer, answer.status_code in {200, 303}

    return Kind(good, show, signed(good))


def form_key(world: World) -> Kind:
    owner = world.who(Who.OWNER, browser=True)
    hidden = world.hidden(owner)
    good = [hidden["idempotency_key"]]

    def show(text: str) -> tuple[Answer, bool]:
        answer = owner.post("konto/personen", hidden | {"idempotency_key": text, "aktion": "wechseln:4711"})
        return answer, answer.status_code not in {400, 403}

    return Kind(good, show, exactly(good))


def sign_out_token(world: World) -> Kind:
    owner = world.who(Who.OWNER, browser=True, fresh=True)
    good = [world.hidden(owner)["csrf_token"] for _ in range(2)]

    def show(text: str) -> tuple[Answer, bool]:
        answer = owner.post("abmelden", {"csrf_token": text})
        return answer, answer.status_code == 303

    return Kind(good, show, signed(good))


def file_token(world: World) -> Kind:
    owner = world.who(Who.OWNER, browser=True)
    world.draft_anew("kontakt")
    hidden, good = owner.form("melden/kontakt"), [world.file_token()]

    def show(text: str) -> tuple[Answer, bool]:
        form = hidden | {"aktion": "speichern", "beschreibung": "Getippt", "gesichert_0": text}
        answer = owner.post("melden/kontakt", form)
        return answer, REST in answer.text

    return Kind(good, show, signed(good))


def weiter(world: World) -> Kind:
    owner, good = world.who(Who.OWNER, browser=True), [world.weiter()]

    def show(text: str) -> tuple[Answer, bool]:
        answer = owner.get(f"bestaetigen?weiter={quote(text)}")
        return answer, answer.headers.get("location") != f"/{MANDANT}/"

    return Kind(good, show, signed(good))


def _entry(world: World) -> tuple[Somebody, str, str]:
    owner = world.who(Who.OWNER, browser=False)
    page = owner.send("GET", "sso/website", signed=False).text
    found = [re.search(rf'data-{name}="([^"]+)"', page) for name in ("nonce", "proof")]
    nonce, proof = (one.group(1) for one in found if one)
    return owner, nonce, proof


def _show_entry(owner: Somebody, nonce: str, shown: dict[str, str]) -> tuple[Answer, bool]:
    form = {"token": owner.token("login", nonce=nonce)} | shown
    answer = owner.send("POST", "sso/website", form, headers={"Accept": "application/json"}, signed=False)
    return answer, answer.status_code in {200, 303}


def proof(world: World) -> Kind:
    owner, nonce, good = _entry(world)
    return Kind([good], lambda text: _show_entry(owner, nonce, {"nonce": nonce, "nonce_proof": text}), signed([good]))


def nonce(world: World) -> Kind:
    owner, good, proven = _entry(world)
    return Kind([good], lambda text: _show_entry(owner, good, {"nonce": text, "nonce_proof": proven}), exactly([good]))


def mail_link(world: World) -> Kind:
    nobody, good = world.who(Who.NOBODY, browser=False), [world.mail_link()]

    def show(text: str) -> tuple[Answer, bool]:
        path = f"konto/benachrichtigungen/bestaetigen?schluessel={quote(text)}"
        answer = nobody.send("POST", path, {}, signed=False)
        return answer, answer.status_code == 200

    return Kind(good, show, signed(good))


def mail_end(world: World) -> Kind:
    nobody, good = world.who(Who.NOBODY, browser=False), [world.mail_key()]

    def show(text: str) -> tuple[Answer, bool]:
        answer = nobody.send("POST", f"konto/benachrichtigungen/abbestellen?schluessel={quote(text)}", {}, signed=False)
        with connected():
            chosen = benachrichtigungen.of_account(MANDANT, world.account)
        return answer, chosen is None or not chosen.email

    return Kind(good, show, lambda text: _uuid(text) == UUID(good[0]))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def activation_code(world: World) -> Kind:
    foreign, good = world.who(Who.FOREIGN, browser=False, fresh=True), [world.letter()]

    def show(text: str) -> tuple[Answer, bool]:
        form = world.hidden(foreign) | {"code": text, "angabe": BEGAN}
        answer = foreign.post("konto/aktivieren", form)
        return answer, answer.status_code not in {400, 422}

    return Kind(good, show, lambda text: parse(text) == parse(good[0]))


def _step_up(world: World, good: Sequence[str]) -> Kind:
    owner = world.who(Who.LEVEL_1, browser=False, fresh=True)

    def show(text: str) -> tuple[Answer, bool]:
        world.unblock()
        answer = owner.post("bestaetigen", world.hidden(owner) | {"code": text})
        return answer, answer.status_code not in {400, 422}

    known = [read_code(one) for one in (*world.codes, owner.code(), owner.code(-1))]
    return Kind(good, show, lambda text: read_code(text) in known)


def recovery_code(world: World) -> Kind:
    return _step_up(world, world.codes)


def app_code(world: World) -> Kind:
    return _step_up(world, [world.code()])


def session_cookie(world: World) -> Kind:
    owner = world.who(Who.OWNER, browser=True)
    good = [owner.session["Cookie"].partition("=")[2]]

    def show(text: str) -> tuple[Answer, bool]:
        answer = owner.send("GET", "konto", headers={"Cookie": f"__Host-portal={text}"}, signed=False)
        return answer, answer.status_code == 200

    return Kind(good, show, lambda text: good[0] in re.split(r'[;\s"]', text), in_header=True)


def session_header(world: World) -> Kind:
    owner = world.who(Who.OWNER, browser=True)
    good = [owner.session["Cookie"].partition("=")[2]]

    def show(text: str) -> tuple[Answer, bool]:
        answer = owner.send("GET", "konto", headers={"Authorization": f"Portal-Session {text}"}, signed=False)
        return answer, answer.status_code == 200

    return Kind(good, show, exactly(good), in_header=True)


def metrics_token(world: World) -> Kind:
    def show(text: str) -> tuple[Answer, bool]:
        answer = world.portal.client.simulate_get("/metrics", headers={"Authorization": f"Bearer {text}"})
        return answer, answer.status_code == 200

    return Kind([METRICS_TOKEN], show, exactly([METRICS_TOKEN]), in_header=True)


def hook_signature(world: World) -> Kind:
    name, now = f"msg_{uuid4().hex}", datetime.now(UTC)
    good = [Webhook(HOOKS[MANDANT]).sign(name, now, "")]
    fixed = {"webhook-id": name, "webhook-timestamp": str(int(now.timestamp())), "Content-Type": "application/json"}

    def show(text: str) -> tuple[Answer, bool]:
        headers = fixed | {"webhook-signature": text}
        answer = world.portal.client.simulate_post(f"/hooks/immotion/{MANDANT}", headers=headers)
        return answer, answer.status_code == 204

    def same(text: str) -> bool:
        return any(raw_of(word.rpartition(",")[2]) == raw_of(good[0].partition(",")[2]) for word in text.split())

    return Kind(good, show, same, in_header=True)


KINDS = (
    fragment,
    login,
    logout,
    admin,
    form_token,
    form_key,
    sign_out_token,
    file_token,
    weiter,
    proof,
    nonce,
    mail_link,
    mail_end,
    activation_code,
    recovery_code,
    app_code,
    session_cookie,
    session_header,
    metrics_token,
    hook_signature,
    *OWN_KINDS,
)
