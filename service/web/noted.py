"""What was refused: counted, and noted in the audit log. No fault of the database is told of here."""

from collections.abc import Mapping
from dataclasses import replace

import falcon
import structlog

from service.access import audit
from service.access.audit import Actor, Event, Source, code_of
from service.access.rates import TooManyRequests
from service.store.database import StoreUnavailable, connected
from service.web.client import count_by_address, source_of
from service.web.context import Reader
from service.web.problems import is_api

log = structlog.get_logger()

_SIGN_IN = "/{mandant}/sso/{connection}"


def count_refused_token(req: falcon.Request, reason: str) -> TooManyRequests | None:
    """Count and note that a token was shown to a Mandant and refused; returns the limit that it reached, if it did.

    A good token is not counted here and never refused for the bad ones: nobody is locked out. A flood of them does not
    fill the audit log.
    """
    reader: Reader | None = getattr(req.context, "reader", None)
    if reader is None:
        return None
    try:
        count_by_address(req, "sso_address")
        reader.room.rates.hit("sso_mandant", reader.mandant_id)
    except TooManyRequests as reached:
        note_limit(req, reached)
        return reached
    _note_refused_token(req, reader, reason)
    return None


def note_limit(req: falcon.Request, reached: TooManyRequests) -> None:
    """Note that somebody has reached a limit, once in its time; for which account, also before it is signed in."""
    if not reached.first:
        return
    source = source_of(req)
    if reached.kind.endswith("_account"):
        source = replace(source, account=reached.who[1])
    note_alone(Event.LIMITED, source, {"limit": reached.kind})


def by_browser(req: falcon.Request) -> bool:
    """Tell whether a browser has shown the token, so that a person reads the answer."""
    return req.uri_template == _SIGN_IN


def _note_refused_token(req: falcon.Request, reader: Reader, reason: str) -> None:
    event = Event.SIGN_IN_FAILED if by_browser(req) else Event.TOKEN_REFUSED
    connection = _connection(req, reader)
    who = replace(source_of(req), actor=Actor.NOBODY, connection=connection, account=None, person=None)
    note_alone(event, who, {"reason": code_of(reason), "for": _purpose(req)})


def warn_refused(req: falcon.Request, event: str) -> None:
    """Write to the log who asked for what is not theirs, or sent a form that was not: by account, a hash, and route.

    It is not noted in the audit log: nothing has happened, and whoever tries ids in masses must not fill the database.
    """
    reader: Reader | None = getattr(req.context, "reader", None)
    visitor = reader.visitor if reader is not None else None
    log.warning(
        event,
        method=req.method,
        route=req.uri_template or "",
        mandant=reader.mandant_id if reader is not None else "",
        connection=visitor.connection if visitor is not None else "",
        account=visitor.account if visitor is not None else "",
        request_id=req.context.request_id,
    )


def note_alone(event: Event, source: Source, facts: Mapping[str, str | int]) -> None:
    """Add an entry of what changed nothing; where it cannot be written, the log has it."""
    try:
        with connected():
            audit.note(event, source, facts=facts)
    except StoreUnavailable as fault:
        log.warning("audit_unwritten", audit_event=event.value, fault=str(fault), request_id=source.request_id)


def _purpose(req: falcon.Request) -> str:
    """Return what the token was shown for, as the claim `typ` would say it."""
    template = req.uri_template or ""
    if template.startswith(_SIGN_IN):
        return "login" if template == _SIGN_IN else "logout"
    return "admin" if is_api(req) else "fragment"


def _connection(req: falcon.Request, reader: Reader) -> str:
    """Return the connection that the token was shown for, if there is one of that name."""
    in_path = req.path.split("/")[3:4] if (req.uri_template or "").startswith(_SIGN_IN) else []
    in_header = (req.auth or "").partition(" ")[2].partition(":")[0]
    named = in_path[0] if in_path else in_header
    return named if named in reader.mandant.connections else ""
