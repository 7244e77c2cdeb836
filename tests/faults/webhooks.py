"""Webhooks as immotion sends them, in a storm, and as somebody else would: forged, stale, shown again."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import requests
from standardwebhooks import Webhook

from tests.support.portal import MANDANT, Installation

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
_FOREIGN = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
_STALE = timedelta(hours=1)
_THREADS = 2
_PAUSE_S = 0.01
# Nothing in a body is believed: this would end a Vorgang.
_LIE = json.dumps({"ereignisId": "lie", "typ": "STATUS", "sichtbarkeit": "MIETER", "daten": {"status": "ABGELEHNT"}})


@contextmanager
def storming(installation: Installation) -> Iterator[Counter[int]]:
    """Post signed webhooks all the time; the answers' statuses are counted."""
    answers, over = Counter[int](), threading.Event()
    threads = [threading.Thread(target=_storm, args=[installation, answers, over]) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _storm(installation: Installation, answers: Counter[int], over: threading.Event) -> None:
    with requests.Session() as http:
        while not over.wait(_PAUSE_S):
            answers[_post(http, installation, headers(SECRET))] += 1


def refusals(installation: Installation) -> dict[str, int]:
    """Return the answers to webhooks that nobody may act on."""
    taken = headers(SECRET)
    with requests.Session() as http:
        until = time.monotonic() + 10
        while _post(http, installation, taken) != requests.codes.no_content:
            assert time.monotonic() < until, "no webhook is taken"
            time.sleep(0.1)
            taken = headers(SECRET)
        return {
            "forged": _post(http, installation, headers(_FOREIGN)),
            "changed": _post(http, installation, headers(SECRET), _LIE.replace("lie", "another")),
            "stale": _post(http, installation, headers(SECRET, -_STALE)),
            "early": _post(http, installation, headers(SECRET, _STALE)),
            "replayed": _post(http, installation, taken),
            "unsigned": _post(http, installation, {}),
        }


def headers(secret: str, off: timedelta = timedelta(0)) -> dict[str, str]:
    """Sign the body as Standard Webhooks wants it, at a moment that is off by so much."""
    webhook_id, moment = f"msg_{uuid4().hex}", datetime.now(UTC) + off
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, moment, _LIE),
    }


def _post(http: requests.Session, installation: Installation, signed: dict[str, str], body: str = _LIE) -> int:
    url = f"{installation.url}/hooks/immotion/{MANDANT}"
    return http.post(url, data=body, headers=signed | {"Content-Type": "application/json"}, timeout=30).status_code
