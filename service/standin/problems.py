"""Refusals of the interface: RFC 9457 problem documents with the codes of interface v1."""

import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, NoReturn

import falcon

PROBLEM_TYPE = "application/problem+json"
_CODES = {
    401: "NICHT_ANGEMELDET",
    404: "NICHT_GEFUNDEN",
    405: "NICHT_GEFUNDEN",
    410: "CURSOR_ABGELAUFEN",
    429: "RATE_LIMIT",
    503: "WARTUNG",
}
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Feld:
    """A field that is wrong: JSON Pointer (RFC 6901), and PFLICHT, TYP, WERT, LAENGE, FORMAT, FEHLT or ABWEICHEND."""

    pfad: str
    code: str


class Problem(falcon.HTTPError):
    """An answer other than the one asked for, with its code and the fields it is about."""

    def __init__(self, status: int, code: str, title: str, *, felder: Sequence[Feld] = ()) -> None:
        super().__init__(status, title=title)
        self.problem_code = code
        self.felder = tuple(felder)


def invalid(felder: Sequence[Feld], *, code: str = "VALIDIERUNG", title: str = "Die Angaben sind ungültig") -> Problem:
    """Return the 422 that names the fields."""
    return Problem(422, code, title, felder=felder)


def reused(what: str) -> Problem:
    """Return the 409 for an id that already carries another body."""
    return Problem(409, "KEY_WIEDERVERWENDET", f"{what} liegt unter dieser Kennung schon mit anderem Inhalt vor")


def unknown(what: str) -> Problem:
    """Return the 404 for something that was never filed here."""
    return Problem(404, "NICHT_GEFUNDEN", f"{what} ist nicht bekannt")


def too_large() -> Problem:
    """Return the 413 for a body over the limit."""
    return Problem(413, "ANHANG_GROESSE", "Der Inhalt ist zu groß")


def document(error: falcon.HTTPError, request_id: str) -> dict[str, Any]:
    """Return the problem document of an error; `request_id` becomes `korrelationsId`."""
    code = error.problem_code if isinstance(error, Problem) else _code_of(error.status_code)
    body: dict[str, Any] = {
        "type": f"urn:immotion-standin:problem:{code.lower().replace('_', '-')}",
        "title": error.title,
        "status": error.status_code,
        "code": code,
        "wiederholbar": error.status_code in _TEMPORARY,
        "korrelationsId": request_id,
    }
    if error.description:
        body["detail"] = error.description
    if isinstance(error, Problem) and error.felder:
        body["felder"] = [asdict(feld) for feld in error.felder]
    return body


def _code_of(status: int) -> str:
    return _CODES.get(status, "STOERUNG" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "VALIDIERUNG")


def serialize(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError) -> None:
    """Write an error as problem document (falcon's error serializer)."""
    resp.content_type = PROBLEM_TYPE
    resp.text = falcon.media.JSONHandler().serialize(document(error, req.context.request_id), PROBLEM_TYPE).decode()


def internal_error(req: falcon.Request, _resp: falcon.Response, error: Exception, _params: object) -> NoReturn:
    """Answer an error of the stand-in's own with a problem document; where it happened goes to the server's log."""
    where = "".join(traceback.format_tb(error.__traceback__))
    req.log_error(f"{req.context.request_id} {type(error).__name__}\n{where}")
    raise falcon.HTTPInternalServerError(title="Störung im Nachbau") from error
