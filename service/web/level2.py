"""Asking for a second factor where an action needs it; the pages that ask are `bestaetigen` and `sicherheit`."""

from uuid import UUID

import falcon

from service.access import factors
from service.access.codes import Kind
from service.access.factors import Factors, Standing, TooManyTries
from service.access.formtoken import FormTokenRefused
from service.access.level2 import Demand, demand
from service.access.weiter import Weiter
from service.settings import Level2Settings
from service.web.context import Reader, Room
from service.web.errors import FactorNeeded, Level2Needed, NotFoundHere
from service.web.fields import form_again, plain_form
from service.web.intake import Submitted
from service.web.pages import Field, Form

_CODE_MAX = 40


def demanded(reader: Reader, action: str) -> Demand:
    """Return what the Mandant asks of the visitor for this action; no query where it asks nothing of anybody."""
    rules = reader.mandant.level2
    return Demand.NOTHING if rules is None or action not in rules.actions else _demanded_by(reader, rules)


def _demanded_by(reader: Reader, rules: Level2Settings) -> Demand:
    stands = factors.standing(reader.signed_in)
    now = reader.room.clock().astimezone(reader.room.zone)
    return demand(has_factor=stands.has_factor, until=stands.until, compulsory_from=rules.compulsory_from, now=now)


def require(reader: Reader, action: str, weiter: Weiter) -> None:
    """Go on only at level 2, if this action needs it; raises Level2Needed, FactorNeeded."""
    _insist(demanded(reader, action), weiter)


def require_always(reader: Reader, weiter: Weiter) -> None:
    """Go on only at level 2, whatever the Mandant's actions are; raises Level2Needed, FactorNeeded.

    Raises NotFoundHere where there are no second factors.
    """
    _insist(_demanded_by(reader, rules_of(reader)), weiter)


def insist(reader: Reader, weiter: Weiter) -> None:
    """Go on only at level 2, also for somebody who has no second factor yet; raises Level2Needed, FactorNeeded.

    Raises NotFoundHere where there are no second factors.
    """
    rules_of(reader)
    stands = factors.standing(reader.signed_in)
    if not stands.has_factor:
        raise FactorNeeded(weiter)
    require_to_change(reader, stands, weiter)


def _insist(needed: Demand, weiter: Weiter) -> None:
    if needed == Demand.CONFIRM:
        raise Level2Needed(weiter)
    if needed == Demand.SET_UP:
        raise FactorNeeded(weiter)


def require_to_change(reader: Reader, stands: Standing, weiter: Weiter) -> None:
    """Let nobody change a second factor without it, whatever the Mandant's actions are; raises Level2Needed."""
    if stands.has_factor and not stands.is_raised(reader.room.clock()):
        raise Level2Needed(weiter)


def rules_of(reader: Reader) -> Level2Settings:
    """Return the Mandant's rules; raises NotFoundHere where there are no second factors."""
    if reader.mandant.level2 is None:
        raise NotFoundHere
    return reader.mandant.level2


def read_form(req: falcon.Request, room: Room) -> Submitted:
    """Read a form that takes no files."""
    form = room.intake.read(req, taken=lambda _fields: (0, 0))
    room.intake.discard(form.files)
    return form


def form_key(reader: Reader, form: Submitted) -> UUID | None:
    """Return the key of a form that was made for this session; None for any other, or an old one."""
    given = form.get("csrf_token"), form.get("idempotency_key")
    try:
        return reader.room.tokens.check(reader.visitor, reader.mandant_id, *given)
    except FormTokenRefused:
        return None


def factors_of(reader: Reader, rules: Level2Settings) -> Factors:
    """Return what second factors of this Mandant need."""
    return Factors(reader.room.vault, reader.room.hasher, rules.minutes)


def code_field(reader: Reader, *, recovery: bool = False, error: str = "") -> Field:
    """Return the field of a code; what was typed is never shown again."""
    words = reader.words
    label = words("Ersatzcode") if recovery else words("Code aus Ihrer App")
    hint = (
        words("Zum Beispiel: 3-K7QM-2XPD")
        if recovery
        else words("Sechs Ziffern, zum Beispiel 482\N{NO-BREAK SPACE}913")
    )
    return Field(
        "code",
        "code",
        label,
        hint=hint,
        required=True,
        error=error,
        autocomplete="off" if recovery else "one-time-code",
        inputmode="text" if recovery else "numeric",
        maxlength=_CODE_MAX,
    )


def small_form(reader: Reader, action: str, weiter: str, submit: str, *fields: Field, expired: bool = False) -> Form:
    """Return a form of these fields that carries `weiter` along."""
    token = reader.room.tokens.issue(reader.signed_in)
    again = form_again(reader.words) if expired else ""
    return plain_form(reader.link(action), token, submit, (Field("weiter", "hidden", "", weiter), *fields), again)


def help_for(reader: Reader, kind: Kind, *, recovery: bool = False) -> str:
    """Say what to do about a code that does not fit, by its form alone: nothing of it tells what would have fitted.

    `recovery`: the field asked for a recovery code.
    """
    words = reader.words
    if recovery and kind not in {Kind.EMPTY, Kind.RECOVERY}:
        return words(
            "Das ist kein Ersatzcode. Ein Ersatzcode sieht aus wie 3-K7QM-2XPD. "
            "Haben Sie einen Code aus der App, wählen Sie „Code aus der App eingeben“."
        )
    clock = f"{reader.room.clock().astimezone(reader.room.zone):%H:%M:%S}"
    return {
        Kind.APP: words(
            "Dieser Code passt nicht oder wurde schon benutzt. Warten Sie, bis die App den nächsten zeigt. "
            "Geht die Uhr Ihres Geräts richtig? Unsere zeigt {time}.",
            time=clock,
        ),
        Kind.RECOVERY: words("Dieser Ersatzcode passt nicht oder wurde schon benutzt. Bitte prüfen Sie jedes Zeichen."),
        Kind.EMPTY: words("Bitte geben Sie den Code ein."),
        Kind.DIGITS: words("Der Code der App hat genau sechs Ziffern. Bitte geben Sie alle sechs ein."),
        Kind.KEY: words(
            "Das ist zu lang für einen Code, etwa ein Schlüssel oder ein Aktivierungscode. "
            "Gebraucht werden die sechs Ziffern, die Ihre App zeigt."
        ),
        Kind.OTHER: words("Gebraucht werden die sechs Ziffern aus Ihrer App oder ein Ersatzcode wie 3-K7QM-2XPD."),
    }[kind]


def too_many(resp: falcon.Response, reader: Reader, tries: TooManyTries) -> str:
    """Answer 429 and say when to try again; the other kind of code is held up by itself."""
    seconds = max(1, round((tries.until - reader.room.clock()).total_seconds()))
    resp.status = falcon.HTTP_429
    resp.set_header("Retry-After", str(seconds))
    at = f"{tries.until.astimezone(reader.room.zone):%H:%M:%S}"
    said = reader.words("Das waren zu viele falsche Codes. Um {time} Uhr geht es weiter.", time=at)
    if tries.kind == Kind.RECOVERY:
        return said
    instead = reader.words("Ein Ersatzcode hilft schon jetzt.")
    return f"{said} {instead}"
