"""Brings the bytes of documents for residents here: checked before anybody sees them, kept once however many have them.

What cannot be had is tried again later and later, what residents could not open is put aside at once; neither stops
the others.
"""

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from uuid import uuid4

import structlog

from service.files.names import clean_name
from service.files.papers import SIZE_MAX, check_paper, is_plain_name
from service.files.refusal import Unfit
from service.files.storage import Incoming
from service.store import dateien, dokumente, vorgaenge
from service.store.database import connected, in_transaction
from service.store.dokument_records import Angekuendigt, Paper, Stored
from service.store.records import Datei
from service.sync.alarms import raise_alarm
from service.sync.documents import BATCH, FAILING, Fetcher, check, code_of, next_try, raise_if_bad, receive
from service.sync.feed import read_master_data
from service.sync.immotion.channel import Channel, Permanent, Temporary
from service.vorgang.dokumente import owe_provided, unmet

log = structlog.get_logger()

PROVIDED = 200
_LONGEST_S = 5.0


class _Final(Permanent):
    """Asking again would bring the same."""


def fetch_dokumente(mandant: str, channel: Channel, fetcher: Fetcher) -> int:
    """Fetch what is announced, due and not here, for some seconds at most; returns how many documents came.

    When one is for somebody unknown, immotion is asked for its master data first: that may have come with it.
    Raises CredentialsRefused, OSError and StoreUnavailable: those are nothing that a document has done.
    """
    until, total, looked = time.monotonic() + _LONGEST_S, 0, False
    while True:
        with connected():
            wanted = dokumente.due(mandant, fetcher.clock(), limit=BATCH)
        if not looked and any(one.unbekannt for one in wanted):
            looked = True
            with suppress(Temporary, Permanent):  # who has to know of that asks for master data regularly
                read_master_data(mandant, channel, clock=fetcher.clock)
        fetched, goes_on = _fetch_all(wanted, channel, fetcher)
        total += fetched
        if not goes_on or len(wanted) < BATCH or time.monotonic() > until:
            return total


def tell_provided(mandant: str, *, report: bool, clock: Callable[[], datetime]) -> int:
    """Owe immotion, batch by batch, that documents of its feed are there for residents; returns how many are new there.

    Without `report` (a channel that carries no such word), it is only noted.
    """
    total = 0
    while True:
        with connected():
            if not dokumente.provided(mandant, limit=1):
                return total
            step = partial(owe_provided, mandant, report=report, limit=PROVIDED, now=clock())
            done = in_transaction(step)
        total += done
        if done < PROVIDED:
            return total


def _fetch_all(wanted: list[Angekuendigt], channel: Channel, fetcher: Fetcher) -> tuple[int, bool]:
    """Fetch these; returns how many came, and whether it is worth going on."""
    fetched = failing = 0
    for one in wanted:
        try:
            _fetch(one, channel, fetcher)
            fetched, failing = fetched + 1, 0
        except (Temporary, Permanent) as fault:
            _note(one, fault, fetcher)
            failing = failing + 1 if isinstance(fault, Temporary) else 0
        if failing == FAILING:
            return fetched, False
    return fetched, True


def _fetch(one: Angekuendigt, channel: Channel, fetcher: Fetcher) -> None:
    _require_fit(one)
    with fetcher.storage.incoming() as incoming:
        stated = "" if _copied(one, incoming, fetcher) else receive(one.dokument_id, channel, incoming)
        check(one.sha256, one.bytes, incoming, stated)
        incoming.finish()
        try:
            paper = check_paper(incoming.path)
        except Unfit as unfit:
            raise _Final(unfit.refusal.name) from unfit
        _keep(one, paper, incoming, fetcher)


def _require_fit(one: Angekuendigt) -> None:
    """Look at what is known before anything is asked for."""
    if one.bytes > SIZE_MAX:
        raise _Final("TOO_LARGE")
    if not is_plain_name(one.dateiname):
        raise _Final("NAME")
    if one.unbekannt:
        with connected():
            missing = unmet(one.mandant, one.unbekannt)
        if missing:
            raise Permanent(next(iter(missing.values())))


def _copied(one: Angekuendigt, incoming: Incoming, fetcher: Fetcher) -> bool:
    """Take the bytes of the Vorgang's own file, if it has them."""
    if one.anhang_id is None:
        return False
    with connected():
        anhang = vorgaenge.anhang(one.anhang_id)
    if anhang is None:
        return False
    with fetcher.storage.open(anhang) as file:
        shutil.copyfileobj(file, incoming)
    return True


def _keep(one: Angekuendigt, paper: Paper, incoming: Incoming, fetcher: Fetcher) -> None:
    """Note where the bytes are: with those of the Vorgang, with the same bytes of another document, or here anew."""
    name, now = clean_name(one.dateiname, paper.mime), fetcher.clock()

    def known() -> bool:
        file_id = one.anhang_id or dokumente.kept_file(one.mandant, incoming.sha256)
        if file_id is not None:
            stored = Stored(file_id, paper, incoming.bytes, incoming.sha256)
            dokumente.mark_stored(one.id, stored, name, now=now)
        return file_id is not None

    with connected():
        if in_transaction(known):
            return
    file_id = uuid4()
    stored = Stored(file_id, paper, incoming.bytes, incoming.sha256)
    kept = fetcher.storage.keep(incoming, file_id)

    def store() -> None:
        dateien.add([Datei(file_id, one.mandant, now, kept.sealed_key, kept.scan, found=kept.found)])
        dokumente.mark_stored(one.id, stored, name, now=now)

    with connected():
        in_transaction(store)
    raise_if_bad(kept, one.mandant, now, dokument=str(one.id))


def _note(one: Angekuendigt, fault: Temporary | Permanent, fetcher: Fetcher) -> None:
    now, attempts = fetcher.clock(), one.attempts + 1
    next_at = None if isinstance(fault, _Final) else next_try(one, fault, now, fetcher)
    code = code_of(fault)
    with connected():
        written = dokumente.note_failure(one, code, next_at=next_at, now=now)
    log.warning("document_not_fetched", mandant=one.mandant, dokument=str(one.id), error=str(fault), attempts=attempts)
    if written and next_at is None:
        raise_alarm("document_parked", mandant=one.mandant, detail=code, now=now, dokument=str(one.id))
