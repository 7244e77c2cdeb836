"""Signing in to the own login by a passkey: the form that offers it, and what the browser sends back."""

import falcon
import structlog

from cms_adapters.own import OwnConnector
from service.access.guesttoken import Guest
from service.access.own.passkey import note_refused, sign_in, to_sign_in
from service.access.passkeys import (
    ChallengeStale,
    Party,
    PasskeyRefused,
    Shown,
    bound_to_guest,
    party_of,
)
from service.store.records import OwnAccount
from service.web.client import source_of
from service.web.context import Reader, reader_of
from service.web.guest import SIGN_IN, Entry, GuestDesk
from service.web.level2_pages import PasskeyForm
from service.web.pages import Field
from service.web.passkeys import answer_fields, scripted_form, too_late

log = structlog.get_logger()


class PasskeyProblem(Exception):
    """Nobody was signed in; `said` is what the page says of it."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


def offer(desk: GuestDesk, reader: Reader, guest: Guest, weiter: str, error: str = "") -> PasskeyForm | None:
    """Return the form by which a passkey signs in; None in a frame, and where there can be none."""
    party = _party(reader, guest)
    if party is None:
        return None
    challenge = reader.room.challenges.issue(bound_to_guest(reader.mandant_id, guest.value), now=reader.room.clock())
    fields = Field("weiter", "hidden", "", weiter), *answer_fields(challenge.token)
    action = reader.link(f"{SIGN_IN}/passkey")
    form = desk.form(reader, guest, action, reader.words("Mit Passkey anmelden"), *fields)
    return scripted_form(reader, "get", to_sign_in(party, challenge), form, error)


def account_of(req: falcon.Request, entry: Entry, login: OwnConnector) -> OwnAccount:
    """Return whose passkey was shown; raises PasskeyProblem, TooManyRequests."""
    reader, source = reader_of(req), source_of(req)
    try:
        account = sign_in(_shown(reader, entry), login.id, reader.room.rates, source)
    except ChallengeStale as stale:
        raise PasskeyProblem(too_late(reader)) from stale
    except PasskeyRefused as refused:
        log.warning("passkey_refused", reason=refused.reason, request_id=req.context.request_id)
        note_refused(refused, login.id, source)
        said = reader.words("Dieser Passkey passt nicht. Bitte melden Sie sich mit Ihrem Kennwort an.")
        raise PasskeyProblem(said) from refused
    log.info("signed_in", request_id=req.context.request_id)
    return account


def _shown(reader: Reader, entry: Entry) -> Shown:
    """Return what was shown for a challenge of this browser; raises PasskeyRefused, ChallengeStale."""
    party = _party(reader, entry.guest) if entry.by_cookie else None
    if party is None:
        raise PasskeyRefused("not at top level")
    bound = bound_to_guest(reader.mandant_id, entry.guest.value)
    challenge = reader.room.challenges.read(entry.form.get("challenge"), bound, now=reader.room.clock())
    return Shown(party, challenge, entry.form.get("credential"))


def _party(reader: Reader, guest: Guest) -> Party | None:
    rules = reader.mandant.level2
    if rules is None or not rules.passkeys or guest.in_frame:
        return None
    return party_of(reader.room.settings.service.public_url)
