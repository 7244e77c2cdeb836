"""Tells the portal by signed webhook that the feed has something new; the portal then asks the feed."""

import json
import sys
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass

from standardwebhooks import Webhook

from service.standin.ledger import Ledger
from service.standin.words import stamp

_PAUSE_S = 0.2
_TIMEOUT_S = 5
_LOOK_S = 60.0


@dataclass(frozen=True, slots=True)
class Hook:
    """Where to, and what signs it (Standard Webhooks, `whsec_…`)."""

    url: str
    secret: str


def start(ledger: Ledger, hook: Hook) -> threading.Thread:
    """Send a webhook whenever the feed has grown, until the ledger is closed; several events make one."""
    thread = threading.Thread(target=_watch, args=[ledger, hook, ledger.growth], daemon=True)
    thread.start()
    return thread


def _watch(ledger: Ledger, hook: Hook, seen: int) -> None:
    while not ledger.closing.is_set():
        ledger.wait_for_growth(seen, _LOOK_S)
        if ledger.growth != seen and not ledger.closing.is_set():
            seen = ledger.growth
            send(ledger, hook)
            ledger.closing.wait(_PAUSE_S)


def send(ledger: Ledger, hook: Hook) -> bool:
    """Send one webhook; False when the portal did not take it, which costs nothing but time."""
    now, name = ledger.now(), f"msg_{ledger.new_id()}"
    body = json.dumps({"type": "ereignisse.neu", "timestamp": stamp(now), "data": {}})
    headers = {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(hook.secret).sign(name, now, body),
    }
    request = urllib.request.Request(hook.url, body.encode(), headers, method="POST")  # noqa: S310 - given by whoever starts us
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310 - as above
            return True
    except (urllib.error.URLError, OSError) as fault:
        sys.stderr.write(f"webhook: {type(fault).__name__}\n")
        return False
