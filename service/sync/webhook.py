"""`POST /hooks/immotion/{mandant}`: immotion says that its feed has something new. Mounted by `service.app`.

Nothing in its body is believed: it is a nudge to ask the feed, which is the truth.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

import falcon
import structlog
from standardwebhooks import Webhook, WebhookVerificationError

from service.keys import Keys, under
from service.store import inbox, sessions
from service.store.database import connected, in_transaction

log = structlog.get_logger()

BODY_MAX = 64 * 1024
_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_ID_MAX = 256
# The library gives up at the first entry that is none, though the right one may follow.
_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=")
# The library takes five minutes of difference either way; nothing older than both can come again.
_KEPT = timedelta(minutes=11)
# No connection of the CMS has such a name, so the ids of webhooks and tokens do not meet.
_ISSUER = "@immotion"
# So many are written at once in this process; the threads of the portal are for residents.
_AT_ONCE = 2


class WebhookRefused(Exception):
    """It is not signed with a secret of this Mandant, or not now."""


class ImmotionHook:
    """Takes a signed webhook, once by its id, and leaves a note for the sync workers."""

    access = "public"
    needs_store = False

    def __init__(self, secrets: Mapping[str, Keys], clock: Callable[[], datetime]) -> None:
        """`secrets` are each Mandant's, any of which may sign."""
        self._verifiers = {mandant: under(given, _verifiers) for mandant, given in secrets.items()}
        self._clock = clock
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Answer 204; 401 for whatever is not signed properly, 409 for an id that was used, 429 in a storm."""
        known = self._verifiers.get(mandant)
        verifiers = known.now() if known else ()
        if not verifiers:
            raise falcon.HTTPNotFound
        body = _read(req)
        if body is None:
            _refuse(req, resp, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            resp.set_header("Connection", "close")
            return
        try:
            webhook_id = _verified(req, body, verifiers)
        except WebhookRefused as refused:
            log.warning("webhook_refused", mandant=mandant, reason=str(refused), request_id=req.context.request_id)
            _refuse(req, resp, HTTPStatus.UNAUTHORIZED)
            resp.set_header("WWW-Authenticate", "Standard-Webhooks")
            return
        self._take(req, resp, mandant, webhook_id)

    def _take(self, req: falcon.Request, resp: falcon.Response, mandant: str, webhook_id: str) -> None:
        if not self._room.acquire(blocking=False):
            _refuse(req, resp, HTTPStatus.TOO_MANY_REQUESTS)
            resp.set_header("Retry-After", "1")
            return
        try:
            with connected():
                in_transaction(lambda: self._note(mandant, webhook_id))
            resp.status = falcon.HTTP_204
        except sessions.TokenAlreadyUsed:
            _refuse(req, resp, HTTPStatus.CONFLICT)
        finally:
            self._room.release()

    def _note(self, mandant: str, webhook_id: str) -> None:
        now = self._clock()
        sessions.use_up(mandant, _ISSUER, webhook_id, now + _KEPT)
        inbox.nudge(mandant, now)


def _verifiers(secrets: Sequence[str]) -> tuple[Webhook, ...]:
    return tuple(Webhook(secret) for secret in secrets)


def _read(req: falcon.Request) -> bytes | None:
    """Return the body; None when it is too large, without reading more of it than is allowed."""
    if (req.content_length or 0) > BODY_MAX:
        return None
    body: bytes = req.stream.read(BODY_MAX + 1)
    return None if len(body) > BODY_MAX else body


def _verified(req: falcon.Request, body: bytes, verifiers: Sequence[Webhook]) -> str:
    """Return the id of a webhook that one of the secrets has signed; raises WebhookRefused."""
    headers = {name: req.get_header(name) or "" for name in _HEADERS}
    if len(headers["webhook-id"]) > _ID_MAX:
        raise WebhookRefused("id too long")
    headers["webhook-signature"] = " ".join(filter(_SIGNATURE.fullmatch, headers["webhook-signature"].split()))
    reason = "no secret"
    for verifier in verifiers:
        try:
            verifier.verify(body, headers, json_parse=False)
        except WebhookVerificationError as refused:
            reason = str(refused)
        except (ValueError, AssertionError, TypeError, ArithmeticError) as broken:
            # what the library makes of a signature that is none, or of a body that is no text
            reason = type(broken).__name__
        else:
            return headers["webhook-id"]
    raise WebhookRefused(reason)


def _refuse(req: falcon.Request, resp: falcon.Response, status: HTTPStatus) -> None:
    """Answer with a problem document as the portal's other interfaces do (`service.web.problems`)."""
    facts = {"type": "about:blank", "title": status.phrase, "status": status.value, "code": status.name.lower()}
    resp.status = status.value
    resp.content_type = "application/problem+json"
    resp.text = json.dumps(facts | {"request_id": req.context.request_id})
