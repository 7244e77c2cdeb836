"""Problem documents (RFC 9457): every error where no person reads it. They say what and where, never whose."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import falcon

_CODES = {
    HTTPStatus.UNAUTHORIZED: ("token_refused", "Not signed in"),
    HTTPStatus.SERVICE_UNAVAILABLE: ("store_unavailable", "The database does not answer"),
}


class ApiProblem(Exception):
    """A request of the admin interface that cannot be answered; `parameters` name what is wrong in it."""

    def __init__(self, status: HTTPStatus, code: str, *, parameters: Sequence[str] = ()) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.parameters = tuple(parameters)


def is_api(req: falcon.Request) -> bool:
    """Tell whether a program asks: `/{mandant}/api/v1/…` and `/hooks/…` answer in JSON whatever happens."""
    parts = req.path.split("/")
    return parts[2:4] == ["api", "v1"] or parts[1] == "hooks"


def write_problem(req: falcon.Request, resp: falcon.Response, problem: ApiProblem) -> None:
    """Answer with a problem document; `code` is for programs, `request_id` finds the line in the log."""
    status = problem.status
    title = _CODES.get(status, ("", status.phrase))[1]
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status.value}
    body |= {"code": problem.code, "request_id": req.context.request_id}
    if problem.parameters:
        body["parameters"] = list(problem.parameters)
    resp.status = status.value
    resp.content_type = "application/problem+json"
    resp.text = json.dumps(body)


def problem_of(status: str | int) -> ApiProblem:
    """Return the problem that a status code stands for."""
    known = HTTPStatus(falcon.http_status_to_code(status))
    return ApiProblem(known, _CODES.get(known, (known.name.lower(), ""))[0])
