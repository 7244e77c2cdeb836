"""A clock that is an hour off: no storm of resends, no lease that does harm, no token too many, nothing typed lost."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from unittest.mock import patch
from uuid import UUID
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from itsdangerous import TimestampSigner

from cms_adapters import tokens
from service.app import create_app
from service.files.storage import Folder
from service.settings import Settings
from service.store.database import connected
from service.store.models import OutboxRow, VorgangRow
from service.store.query import dicts
from service.sync.alarms import watch
from service.sync.housekeeping import tidy
from service.sync.retry import LONGEST
from service.sync.worker import IDLE_S, WATCH_EVERY_S
from tests.faults.ground import at_last, installed, opened
from tests.faults.outage import Owed, SkippingClock, added_to, forwarder
from tests.faults.points import Finding
from tests.faults.workload import switch_faults
from tests.support.portal import MANDANT, Installation, Resident

HOUR = 3600.0
_WINDOW_S = 60.0
_PROBES = 4
_SLOW_S = 1.0
_FAILED_BEFORE = 300
_SETTLED_S = 60
_PATIENCE_S = LONGEST.total_seconds() + 3 * WATCH_EVERY_S


def measure(directory: Path, engine: str, *, waiting: int = 500, sick: int = 20) -> list[Finding]:
    """Let the clocks of worker, portal and CMS jump by an hour, forwards and back.

    `waiting` Vorgänge are owed; `sick` of them are always answered 500.
    """
    with installed(directory / "resends", engine) as (installation, _), opened(installation) as settings:
        installation.start_standin()
        found = [
            _while_away(installation, settings, engine, waiting),
            _while_sick(installation, settings, engine, sick),
        ]
        found.append(_two_workers(installation, settings, engine, waiting // 5))
    with installed(directory / "tokens", engine) as (installation, _), opened(installation) as settings:
        return [*found, *_tokens(installation, settings, engine)]


class JumpingClock(SkippingClock):
    """A wall clock that jumps; the monotonic one, as on a real machine, does not."""

    def __init__(self) -> None:
        super().__init__()
        self._off = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._off)

    def jump(self, seconds: float) -> None:
        self._off += seconds


@dataclass
class _Minutes:
    """Counts the calls of a forwarder in the minute before and after each jump of its clock."""

    clock: JumpingClock
    forward: Callable[[], int]
    calls: Counter[str]
    counted: list[int] = field(default_factory=list)

    def pass_one(self) -> None:
        self.calls.clear()
        until = self.clock.monotonic() + _WINDOW_S
        while self.clock.monotonic() < until:
            if not self.forward():
                self.clock.skip(IDLE_S)
        self.counted.append(sum(self.calls.values()))

    def around_jumps(self) -> list[int]:
        """Return the calls of four minutes: as it is, an hour ahead, right again, an hour behind."""
        self.pass_one()
        for seconds in (HOUR, -HOUR, -HOUR):
            self.clock.jump(seconds)
            self.pass_one()
        self.clock.jump(HOUR)
        return self.counted


def _told(minutes: list[int]) -> str:
    return "{} calls a minute before, {} after +1 h, {} after it was set right, {} after −1 h".format(*minutes)


def _while_away(installation: Installation, settings: Settings, engine: str, waiting: int) -> Finding:
    clock, calls, owed = JumpingClock(), Counter[str](), Owed()
    switch_faults(installation, rate=1, kinds=["503"])
    with forwarder(settings, clock, calls) as worker:
        owed.file(waiting, clock.now())
        _Minutes(clock, worker.forward, calls).pass_one()
        minutes = _Minutes(clock, worker.forward, calls).around_jumps()
        switch_faults(installation, rate=0)
        lost = _deliver_all(installation, worker.forward, clock, owed)
    return Finding(
        f"clock ±1 h, immotion away, {waiting} waiting",
        engine,
        f"{_told(minutes)}; {lost} lost afterwards",
        f"at most {_PROBES} calls in any minute, 0 lost",
        max(minutes) <= _PROBES and lost == 0,
    )


def _while_sick(installation: Installation, settings: Settings, engine: str, sick: int) -> Finding:
    clock, calls, owed = JumpingClock(), Counter[str](), Owed()
    owed.file(sick, clock.now())
    keys = [str(one) for one in owed.added]
    switch_faults(installation, rate=1, kinds=["500"], calls=["PUT /vorgaenge"], keys=keys)
    with forwarder(settings, clock, calls) as worker:
        for _ in range(_FAILED_BEFORE):
            if not worker.forward():
                clock.skip(5)
        minutes = _Minutes(clock, worker.forward, calls).around_jumps()
        switch_faults(installation, rate=0)
        lost = _deliver_all(installation, worker.forward, clock, owed)
    most = minutes[0] + 3 * sick  # a look-up and one more try for each; some are due twice in a minute by chance
    return Finding(
        f"clock ±1 h, {sick} Vorgänge always answered 500",
        engine,
        f"{_told(minutes)}; {lost} lost afterwards",
        f"each is tried once more (at most {most} calls), 0 lost",
        max(minutes) <= most and lost == 0,
    )


def _deliver_all(installation: Installation, forward: Callable[[], int], clock: SkippingClock, owed: Owed) -> int:
    """Forward until nothing is owed any more, as long as an operator has to wait; return how many have not arrived.

    That is the longest wait of a retry and a few looks of the watch: what a wrong clock has written adds nothing to it.
    """
    until, watched = clock.monotonic() + _PATIENCE_S, -float(WATCH_EVERY_S)
    while _left() and clock.monotonic() < until:
        if clock.monotonic() - watched >= WATCH_EVERY_S:
            watched = clock.monotonic()
            watch({MANDANT: {}}, clock.now())
        if not forward():
            clock.skip(5)
    arrived = {UUID(str(row["externeId"])) for row in installation.ledger()}
    return len(owed.added.keys() - arrived)


def _left() -> int:
    with connected():
        return int(OutboxRow.select().where(OutboxRow.state != "sent").count())


def _leased() -> int:
    with connected():
        return int(OutboxRow.select().where(OutboxRow.lease_until.is_null(False)).count())


def _two_workers(installation: Installation, settings: Settings, engine: str, waiting: int) -> Finding:
    """Let a second worker, whose clock is an hour ahead, see every lease of the first as over."""
    clock, ahead, owed = JumpingClock(), JumpingClock(), Owed()
    ahead.jump(HOUR)
    owed.file(waiting, clock.now())
    switch_faults(installation, rate=1, kinds=["slow"], slow_s=_SLOW_S, calls=["PUT /vorgaenge"])
    ended = threading.Event()
    with forwarder(settings, clock, Counter()) as right, forwarder(settings, ahead, Counter()) as wrong:
        threads = [threading.Thread(target=_forward_until, args=[one.forward, ended]) for one in (right, wrong)]
        threads[0].start()
        at_last(_leased, lambda count: count > 0, _SETTLED_S)
        threads[1].start()
        at_last(_leased, lambda count: count > 0, _SETTLED_S)
        watch({MANDANT: {}}, clock.now())  # as the first worker does once a minute: it shortens the other's leases
        at_last(_left, lambda left: left == 0, _SETTLED_S)
        ended.set()
        for thread in threads:
            thread.join()
    switch_faults(installation, rate=0)
    rows = {UUID(str(row["externeId"])): row for row in installation.ledger()}
    mine = {one: rows[one] for one in owed.added if one in rows}
    sent = [row["aufrufe"]["PUT /vorgaenge"] for row in mine.values()]
    disordered = sum(added_to(row) != owed.added[one] for one, row in mine.items())
    return Finding(
        f"a second worker whose clock is 1 h ahead, {waiting} waiting",
        engine,
        f"{waiting - len(mine)} lost, {disordered} out of order, {sum(sent) - len(sent)} sent again, none more than "
        f"{max(sent)} times",
        "0 lost, 0 out of order, each sent three times at most",
        len(mine) == waiting
        and not disordered
        and max(sent) <= 3,  # by the right one, by the wrong one, and once more when its lease is cut
    )


def _forward_until(forward: Callable[[], int], ended: threading.Event) -> None:
    while not ended.is_set():
        if not forward():
            ended.wait(IDLE_S)


def _tokens(installation: Installation, settings: Settings, engine: str) -> Iterator[Finding]:
    clock = JumpingClock()
    with _served(installation, settings, clock):
        resident = installation.resident()
        yield _cms_off(resident, engine)
        yield _portal_jumps(resident, clock, engine)
        yield _replay(resident, settings, clock, engine)


def _cms_off(resident: Resident, engine: str) -> Finding:
    """Post a form with tokens of a CMS whose clock is off, then with a good one."""
    refused, kept = [], 0
    for seconds in (HOUR, -HOUR):
        form = resident.schaden(beschreibung=(typed := f"Getippt, {seconds:+.0f} s"))
        off = [_token_at(resident, time.time() + seconds) for _ in range(2)]
        refused.append(resident.get("melden/schaden", token=off[0]).status_code)
        refused.append(resident.post("melden/schaden", form, token=off[1]).status_code)
        stored_early = _stored(typed)
        again = resident.post("melden/schaden", form)
        kept += not stored_early and again.status_code == 303 and _stored(typed) == 1
    return Finding(
        "tokens of a CMS whose clock is 1 h off",
        engine,
        f"answers {sorted(set(refused))}, {kept} of 2 forms filed as typed with a good token",
        "401, nothing typed lost",
        set(refused) == {401} and kept == 2,
    )


def _portal_jumps(resident: Resident, clock: JumpingClock, engine: str) -> Finding:
    """Let the portal's clock jump, and the CMS's with it, between the form and its posting."""
    statuses, kept = [], 0
    for seconds in (HOUR, -HOUR):
        form = resident.schaden(beschreibung=(typed := f"Dazwischen, {seconds:+.0f} s"))
        clock.jump(seconds)
        answer = resident.post("melden/schaden", form, token=_token_at(resident, time.time() + seconds))
        statuses.append(answer.status_code)
        kept += _stored(typed) == 1 if answer.status_code == 303 else typed in answer.text
        clock.jump(-seconds)
    return Finding(
        "the clock of portal and CMS jumps by 1 h between form and posting",
        engine,
        f"answers {statuses}, {kept} of 2 forms filed or shown again as typed",
        "nothing typed lost",
        kept == 2 and set(statuses) <= {303, 403},
    )


def _token_at(resident: Resident, moment: float) -> str:
    """Return a token as a CMS issues it at this moment."""
    claims = tokens.new_claims(
        typ="fragment",
        iss=resident.connection,
        aud=f"{resident.url}/{resident.mandant}",
        sub=resident.sub,
        sid=resident.sid,
        now=int(moment),
        person=resident.person,
    )
    return tokens.issue(claims, resident.key)


def _replay(resident: Resident, settings: Settings, clock: JumpingClock, engine: str) -> Finding:
    """Use up a token, tidy while the clock is an hour ahead, and show the token again when it is right."""
    form = resident.form("melden/kontakt") | {"aktion": "speichern", "beschreibung": "x"}
    token = resident.token()
    first = resident.post("melden/kontakt", form, token=token).status_code
    at_once = resident.post("melden/kontakt", form, token=token).status_code
    clock.jump(HOUR)
    ahead = resident.post("melden/kontakt", form, token=token).status_code
    tidy(Folder(settings.service.files), draft_days=30, audit_days=365, now=clock.now())
    clock.jump(-HOUR)
    after = resident.post("melden/kontakt", form, token=token).status_code
    return Finding(
        "a used token shown again: at once, at +1 h, and after the clock was set right",
        engine,
        f"first {first}, then {at_once}, {ahead}, {after}",
        "401 each time",
        (first, at_once, ahead, after) == (200, 401, 401, 401),
    )


def _stored(typed: str) -> int:
    with connected():
        return sum(row["beschreibung"] == typed for row in dicts(VorgangRow.select(VorgangRow.beschreibung)))


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _served(installation: Installation, settings: Settings, clock: JumpingClock) -> Iterator[None]:
    """Serve the portal in this process, every one of its clocks being this one."""
    app = create_app(settings, clock=clock.now)
    server = make_server("127.0.0.1", installation.portal_port, app, _Server, _Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with patch.object(TimestampSigner, "get_timestamp", lambda _: int(clock.now().timestamp())):
            yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
