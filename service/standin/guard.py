"""What every call passes before and after its work: request id, faults, bearer token, same origin, headers."""

import hmac
import re
import socket
import threading
from collections import Counter
from hashlib import sha256
from urllib.parse import urlsplit

import falcon

from service.standin.faults import FaultSwitch
from service.standin.ledger import Ledger
from service.standin.problems import Problem

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Interface:
    """A resource of Vorgang interface v1: counted, spoiled by faults, and behind the bearer token unless `open`."""

    call: str
    key_param: str | None = None
    open: bool = False


class RequestId:
    """Gives every call an id: the caller's, or a new one."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        given = req.get_header("X-Request-ID") or ""
        req.context.request_id = given if _REQUEST_ID.fullmatch(given) else self._ledger.new_id()
        req.context.fault = None
        resp.set_header("X-Request-ID", req.context.request_id)
        resp.set_header("X-Content-Type-Options", "nosniff")
        resp.set_header("Cache-Control", "no-store")


class SameOrigin:
    """Refuses what another web site lets a visitor's browser do to the clerk pages and the test side."""

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, resource: object, _params: dict[str, str]
    ) -> None:
        if req.method in _SAFE_METHODS or isinstance(resource, Interface):
            return
        site = req.get_header("Sec-Fetch-Site")
        origin = req.get_header("Origin")
        if site is not None and site not in {"same-origin", "none"}:
            raise falcon.HTTPForbidden(title="Diese Anfrage kam von einer anderen Website")
        if origin is not None and urlsplit(origin).netloc != req.netloc:
            raise falcon.HTTPForbidden(title="Diese Anfrage kam von einer anderen Website")


class CountCalls:
    """Counts the calls of the interface by what they were about."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, resource: object, params: dict[str, str]
    ) -> None:
        if isinstance(resource, Interface):
            key = params[resource.key_param].lower() if resource.key_param else ""
            self._ledger.count_call(key, f"{req.method} {resource.call}")


class Inquiries:
    """Remembers whether immotion was asked for a Vorgang between two attempts to file it, since this process began.

    Whoever does not know what became of an attempt has to ask before the next one: it is counted for each externeId how
    often one that is known arrived again without an answered question in between.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._unasked: set[str] = set()
        self._blind: Counter[str] = Counter()

    def blind(self) -> dict[str, int]:
        """Return how often each Vorgang arrived again, unasked, although it was known."""
        with self._lock:
            return dict(self._blind)

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, resource: object, params: dict[str, str]
    ) -> None:
        """Look at an attempt before anything is done with it, or spoiled."""
        if req.method != "PUT" or not _about_a_vorgang(resource):
            return
        key = params["vorgang"].lower()
        with self._lock:
            again = key in self._unasked
            self._unasked.add(key)
        if again and self._known(key):
            with self._lock:
                self._blind[key] += 1

    def process_response(
        self,
        req: falcon.Request,
        _resp: falcon.Response,
        resource: object,
        _req_succeeded: bool,  # noqa: FBT001 - falcon calls it so
    ) -> None:
        """Count a question as asked once it is answered."""
        if req.method == "GET" and _about_a_vorgang(resource) and req.context.fault in {None, "slow"}:
            with self._lock:
                self._unasked.discard(req.path.rpartition("/")[2].lower())

    def _known(self, key: str) -> bool:
        with self._ledger.reading() as connection:
            found = connection.execute("SELECT 1 FROM vorgaenge WHERE externe_id = ?", (key,)).fetchone()
        return found is not None


def _about_a_vorgang(resource: object) -> bool:
    return isinstance(resource, Interface) and resource.call == "/vorgaenge"


class Spoil:
    """Carries out the fault that was drawn for a call of the interface."""

    def __init__(self, ledger: Ledger, switch: FaultSwitch) -> None:
        self._ledger = ledger
        self._switch = switch

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, params: dict[str, str]
    ) -> None:
        if not isinstance(resource, Interface):
            return
        key = params[resource.key_param].lower() if resource.key_param else ""
        fault = req.context.fault = self._switch.draw(f"{req.method} {resource.call}", key)
        match fault:
            case "timeout":
                self._ledger.closing.wait(self._switch.faults.timeout_s)
                _cut(req, resp)
            case "slow":
                self._ledger.closing.wait(self._switch.faults.slow_s)
            case "cut_before":
                _cut(req, resp)
            case "token_expired":
                with self._ledger.transaction() as connection:
                    connection.execute("DELETE FROM zugaenge")
            case "500":
                raise Problem(500, "STOERUNG", "Eingeschaltete Störung")
            case "503" | "429":
                raise _come_back(fault, self._switch.faults.retry_after_s)

    def process_response(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        _resource: object,
        _req_succeeded: bool,  # noqa: FBT001 - falcon calls it so
    ) -> None:
        if req.context.fault == "cut_after_commit":
            _cut(req, resp)


def _come_back(kind: str, seconds: int) -> Problem:
    problem = Problem(int(kind), "RATE_LIMIT" if kind == "429" else "WARTUNG", "Bitte später noch einmal")
    problem.headers = {"Retry-After": str(seconds)}
    return problem


def _cut(req: falcon.Request, resp: falcon.Response) -> None:
    """Close the connection under the answer; what falcon writes afterwards reaches nobody."""
    connection: socket.socket = req.env["gunicorn.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    resp.complete = True
    close = getattr(resp.stream, "close", None)
    if close:
        close()
    resp.data, resp.text, resp.stream = b"", None, None


class Bearer:
    """Asks for the configured token, or one that /oauth2/token gave out; without a configured token for nothing."""

    def __init__(self, ledger: Ledger, token: str | None) -> None:
        self._ledger = ledger
        self._token = token

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, resource: object, _params: dict[str, str]
    ) -> None:
        if self._token is None or not isinstance(resource, Interface) or resource.open:
            return
        scheme, _, shown = (req.auth or "").partition(" ")
        if scheme.lower() == "bearer" and (same_secret(shown, self._token) or self._given_out(shown)):
            return
        problem = Problem(401, "NICHT_ANGEMELDET", "Der Zugang fehlt oder gilt nicht")
        problem.headers = {"WWW-Authenticate": 'Bearer realm="immotion-standin"'}
        raise problem

    def _given_out(self, shown: str) -> bool:
        with self._ledger.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM zugaenge WHERE sha256 = ? AND gueltig_bis > ?",
                (sha256(shown.encode()).hexdigest(), self._ledger.now().timestamp()),
            ).fetchone()
        return row is not None


def same_secret(shown: str, expected: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(shown.encode(), expected.encode())
