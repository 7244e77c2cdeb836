"""`konto/passkeys` and `bestaetigen/passkey`: passkeys beside the app, where the portal's own address is in the bar."""

from dataclasses import replace

import falcon
import structlog

from service.access import factors, passkeys
from service.access.audit import Event
from service.access.factors import account_of
from service.access.passkeys import (
    ADD,
    CONFIRM,
    MOST,
    NAME_MAX,
    ChallengeStale,
    Party,
    PasskeyRefused,
    Shown,
    bound_to,
    party_of,
)
from service.access.weiter import Weiter
from service.settings import Level2Settings
from service.store.passkeys import of_account
from service.store.records import Passkey
from service.web.client import source_of
from service.web.context import Reader, Room, reader_of
from service.web.errors import NotFoundHere
from service.web.fields import form_again
from service.web.intake import Submitted
from service.web.level2 import form_key, read_form, require_to_change, rules_of, small_form
from service.web.level2_pages import PasskeyForm, PasskeysPage, PasskeyView
from service.web.noted import note_alone
from service.web.pages import Field, FieldError, Form, Way
from service.web.render import write_page
from service.web.session import RESIDENT

log = structlog.get_logger()

PATH, CONFIRM_PATH = "konto/passkeys", "bestaetigen/passkey"
_SAFETY, _APP = "konto/sicherheit", "konto/sicherheit/app"
_ADD, _REMOVE = "hinzufuegen", "loeschen:"
_ANCHOR = "passkey"
_FRAMES = {"iframe", "frame", "embed", "object", "fencedframe"}


def party_for(req: falcon.Request, reader: Reader) -> Party | None:
    """Return who the portal is to the reader's authenticators; None where there can be no passkeys.

    That is: where the Mandant wants none, in a fragment, in a frame, and without TLS. Where a browser does not say
    what it shows the page in, the script looks.
    """
    visitor, rules = reader.visitor, reader.mandant.level2
    if rules is None or not rules.passkeys or visitor is None:
        return None
    if visitor.session_hash is None or visitor.in_frame or req.get_header("Sec-Fetch-Dest") in _FRAMES:
        return None
    return party_of(reader.room.settings.service.public_url)


def passkey_rules(reader: Reader) -> Level2Settings:
    """Return the Mandant's rules; raises NotFoundHere where there are no passkeys."""
    rules = rules_of(reader)
    if not rules.passkeys:
        raise NotFoundHere
    return rules


def to_confirm(req: falcon.Request, reader: Reader, weiter: str, error: str = "") -> PasskeyForm | None:
    """Return the form by which a passkey is shown in place of a code; None where there is none to show."""
    party = party_for(req, reader)
    if party is None:
        return None
    challenge = reader.room.challenges.issue(bound_to(reader.signed_in, CONFIRM), now=reader.room.clock())
    options = passkeys.to_confirm(reader.signed_in, party, challenge)
    if options is None:
        return None
    form = small_form(
        reader, CONFIRM_PATH, weiter, reader.words("Mit Passkey bestätigen"), *answer_fields(challenge.token)
    )
    return scripted_form(reader, "get", options, form, error)


def step_up(req: falcon.Request, reader: Reader, form: Submitted) -> str:
    """Raise the session by the passkey that was shown; return what is wrong with it, or nothing."""
    rules, source = passkey_rules(reader), source_of(req)
    try:
        shown = _shown(req, reader, form, CONFIRM)
        passkeys.step_up(reader.signed_in, shown, minutes=rules.minutes, source=source)
    except ChallengeStale:
        return too_late(reader)
    except PasskeyRefused as refused:
        log.warning("passkey_refused", reason=refused.reason, request_id=req.context.request_id)
        event = Event.PASSKEY_CLONED if refused.cloned else Event.LEVEL2_FAILED
        note_alone(event, source, {"code": "passkey"})
        return reader.words("Dieser Passkey passt nicht. Bitte bestätigen Sie mit einem Code aus Ihrer App.")
    log.info("level2", request_id=req.context.request_id)
    return ""


class Passkeys:
    """`/{mandant}/konto/passkeys`: an account's passkeys, listed, added and removed, all of it at level 2."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """List them."""
        reader = reader_of(req)
        passkey_rules(reader)
        if self._may_change(resp, reader):
            self._show(req, resp, reader)

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Add the one that the browser has made, or remove one."""
        reader = reader_of(req)
        passkey_rules(reader)
        form = read_form(req, self._room)
        key = form_key(reader, form)
        if not self._may_change(resp, reader):
            return
        if key is None:
            resp.status = falcon.HTTP_403
            self._show(req, resp, reader, form_again(reader.words))
            return
        aktion = form.get("aktion")
        error = self._add(req, reader, form) if aktion == _ADD else self._remove(req, reader, aktion)
        if error:
            resp.status = falcon.HTTP_422
            self._show(req, resp, reader, error)
            return
        resp.status = falcon.HTTP_303
        resp.location = reader.link(PATH)

    def _add(self, req: falcon.Request, reader: Reader, form: Submitted) -> str:
        name = form.get("name").strip() or reader.words("Passkey")
        try:
            shown = _shown(req, reader, form, ADD)
            passkeys.add(reader.signed_in, shown, name=name, source=source_of(req))
        except ChallengeStale:
            return too_late(reader)
        except PasskeyRefused as refused:
            log.warning("passkey_refused", reason=refused.reason, request_id=req.context.request_id)
            return reader.words("Der Passkey ließ sich nicht hinzufügen. Bitte versuchen Sie es noch einmal.")
        log.info("passkey_added", request_id=req.context.request_id)
        return ""

    def _remove(self, req: falcon.Request, reader: Reader, aktion: str) -> str:
        """Remove the passkey that the button names; one that is gone already is no error."""
        if aktion.startswith(_REMOVE) and passkeys.remove(
            reader.signed_in, aktion.removeprefix(_REMOVE), source=source_of(req)
        ):
            log.info("passkey_removed", request_id=req.context.request_id)
        return ""

    def _may_change(self, resp: falcon.Response, reader: Reader) -> bool:
        """Tell whether there is an app that passkeys may stand beside; if not, lead to where there is."""
        stands = factors.standing(reader.signed_in)
        require_to_change(reader, stands, Weiter(PATH))
        if not stands.has_factor:
            resp.status = falcon.HTTP_303
            resp.location = reader.link(_APP)
        return stands.has_factor

    def _show(self, req: falcon.Request, resp: falcon.Response, reader: Reader, error: str = "") -> None:
        words, known = reader.words, of_account(account_of(reader.signed_in))
        adding = _to_add(req, reader, error) if len(known) < MOST else None
        form = small_form(reader, PATH, "", words("Entfernen"))
        page = PasskeysPage(
            title=words("Passkeys"),
            text=words(
                "Mit einem Passkey bestätigen Sie durch Fingerabdruck, Gesicht oder die Sperre Ihres Geräts, ohne "
                "einen Code abzutippen. Die App bleibt daneben gültig."
            ),
            passkeys=tuple(_view(reader, one) for one in known),
            form=form if adding or not error else replace(form, errors=(FieldError(_ANCHOR, error),)),
            adding=adding,
            elsewhere="" if adding or len(known) >= MOST else _elsewhere(reader),
            back=Way(words("Zurück"), reader.link(_SAFETY)),
        )
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)


def _to_add(req: falcon.Request, reader: Reader, error: str) -> PasskeyForm | None:
    party = party_for(req, reader)
    if party is None:
        return None
    words = reader.words
    challenge = reader.room.challenges.issue(bound_to(reader.signed_in, ADD), now=reader.room.clock())
    options = passkeys.to_create(reader.signed_in, party, challenge, company=reader.mandant.name)
    hint = words("Zum Beispiel: Mein Telefon. Daran erkennen Sie den Passkey in dieser Liste.")
    name = Field("name", "text", words("Name"), hint=hint, maxlength=NAME_MAX, autocomplete="off")
    form = small_form(reader, PATH, "", words("Passkey hinzufügen"), name, *answer_fields(challenge.token))
    return scripted_form(reader, "create", options, form, error)


def answer_fields(token: str) -> tuple[Field, ...]:
    """Return the fields that go back: the challenge, and what the script puts in of the authenticator's answer."""
    return Field("challenge", "hidden", "", token), Field("credential", "hidden", "")


def scripted_form(reader: Reader, kind: str, options: str, form: Form, error: str) -> PasskeyForm:
    """Return a form for the script to fill; `kind` is what the authenticator is asked for."""
    failed = reader.words("Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.")
    errors = (FieldError(_ANCHOR, error),) if error else ()
    script = f"/{reader.mandant_id}/{reader.room.renderer.passkey_script.path}"
    aktion = _ADD if kind == "create" else "bestaetigen"
    return PasskeyForm(kind, aktion, options, replace(form, errors=errors), script, failed)


def _shown(req: falcon.Request, reader: Reader, form: Submitted, purpose: str) -> Shown:
    """Return what was shown for a challenge of this session; raises PasskeyRefused, ChallengeStale."""
    party = party_for(req, reader)
    if party is None:
        raise PasskeyRefused("not at top level")
    now = reader.room.clock()
    challenge = reader.room.challenges.read(form.get("challenge"), bound_to(reader.signed_in, purpose), now=now)
    return Shown(party, challenge, form.get("credential"))


def too_late(reader: Reader) -> str:
    """Say that the challenge was no longer good."""
    return reader.words("Das hat zu lange gedauert. Bitte versuchen Sie es noch einmal.")


def _elsewhere(reader: Reader) -> str:
    return reader.words(
        "Hinzufügen können Sie einen Passkey nur, wenn das Mieterportal in einem eigenen Fenster offen ist und nicht "
        "in einer anderen Seite."
    )


def _view(reader: Reader, one: Passkey) -> PasskeyView:
    words = reader.words
    used = words("zuletzt benutzt am {day}", day=words.day(one.used_at)) if one.used_at else words("noch nicht benutzt")
    added = words("Hinzugefügt am {day}", day=words.day(one.created_at))
    return PasskeyView(one.name, f"{added}, {used}", f"{_REMOVE}{one.id_hash}")
