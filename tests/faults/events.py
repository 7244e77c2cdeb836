"""Events delivered again and again, in any order, to many readers: the same end as in order once."""

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid5

import requests

from service.settings import Settings
from service.store import vorgaenge
from service.store.database import connected, transaction
from service.store.models import AktivitaetRow, AnhangRow, EreignisRow, VorgangRow
from service.store.query import dicts
from service.store.records import Vorgang
from service.sync.worker import DONE, _Worker
from tests.faults import webhooks
from tests.faults.ground import at_last, installed, opened
from tests.faults.points import Finding
from tests.support.portal import MANDANT, Installation
from tests.support.vorgaenge import some_vorgang

Event = dict[str, Any]
Rows = dict[str, list[dict[str, Any]]]

_IDS = UUID("0b8f7a52-5c6e-4d8a-9a53-2f0f3f6f0a11")
_BEGINNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_PER_VORGANG = 30
_BORN_EVERY = 10
_PAGE = 200
_SETTLED_S, _EACH_S = 40, 0.03
_CODES = ("ZUGEWIESEN", "IN_PRUEFUNG", "BEAUFTRAGT", "TERMINIERT", "IN_AUSFUEHRUNG", "ERLEDIGT", "NICHT_IM_KATALOG")
_PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def measure(
    directory: Path, engine: str, *, events: int = 10_000, pollers: int = 8, processes: int = 4
) -> list[Finding]:
    """Give one installation the events in order once, the other 1 to 5 times each, shuffled, and compare the rows."""
    chance = Random(events)  # noqa: S311 - repeatable on purpose
    story = _story(events, chance)
    with installed(directory / "once", engine) as (installation, _), opened(installation) as settings:
        expected = _end(installation, story, story, _read_here(settings))
    deliveries = [event for event in story for _ in range(chance.randint(1, 5))]
    chance.shuffle(deliveries)
    signed = f'webhook_secrets = ["{webhooks.SECRET}"]'
    with installed(directory / "storm", engine, immotion=signed) as (installation, _), opened(installation):
        installation.start_portal()
        with webhooks.storming(installation) as answers:
            found = _end(installation, story, deliveries, _polling(installation, pollers, processes, events))
        refused = webhooks.refusals(installation)
        logs = "".join(path.read_text(encoding="utf-8") for path in installation.directory.glob("pollers*.log"))
    point = f"{events:,} events, {len(deliveries):,} deliveries shuffled, {pollers} pollers"
    different = {name: _differing(rows, found[name]) for name, rows in expected.items()}
    messages = Counter((row["vorgang_id"], row["zeit"], row["art"]) for row in found["messages"])
    steps = logs.count('"sync_step_failed"') + logs.count('"sync_paused"') + logs.count('"event_parked"')
    return [
        Finding(
            point,
            engine,
            ", ".join(f"{count} of {len(expected[name])} {name} differ" for name, count in different.items()),
            "the same end as in order once",
            not any(different.values()) and all(expected.values()),
        ),
        Finding(
            f"{point}: messages",
            engine,
            f"{sum(messages.values()) - len(messages)} doubled, {len(messages)} in all",
            "0 doubled",
            len(messages) == len(found["messages"]) == len(expected["messages"]),
        ),
        Finding(
            f"{point}: webhooks storming",
            engine,
            f"{sum(answers.values()):,} sent, answered {dict(answers)}; then {refused}",
            "taken or told to slow down; forged, changed, stale, early, replayed and unsigned ones refused",
            answers[204] > 0 and set(answers) <= {204, 429} and set(refused.values()) <= {401, 409},
        ),
        Finding(f"{point}: disturbances", engine, f"{steps} steps of a poller failed", "none", steps == 0),
    ]


@dataclass(frozen=True, slots=True)
class _Case:
    """A Vorgang of the story; one that immotion has begun is known to the portal only by its events."""

    number: int
    born: bool

    @property
    def externe_id(self) -> UUID:
        return uuid5(_IDS, f"vorgang {self.number}")

    @property
    def immotion_id(self) -> str:
        return f"im-{self.number:06d}"


def _cases(events: int) -> list[_Case]:
    return [_Case(number, number % _BORN_EVERY == 0) for number in range(max(2, events // _PER_VORGANG))]


def _story(count: int, chance: Random) -> list[Event]:
    """Return the events of all cases in an order in which they could have happened, numbered per Vorgang from 1."""
    cases = _cases(count)
    seqs: Counter[int] = Counter()
    events = []
    for number in range(count):
        case = cases[number] if number < len(cases) else chance.choice(cases)
        seqs[case.number] += 1
        events.append(_event(number, case, seqs[case.number], chance))
    return events


def _event(number: int, case: _Case, seq: int, chance: Random) -> Event:
    typ, daten = _begun(case) if seq == 1 else chance.choice(_HAPPENINGS)(number, chance)
    return {
        "ereignisId": f"e-{number:06d}",
        "typ": typ,
        "zeit": (_BEGINNING + timedelta(seconds=37 * number)).isoformat(),
        "mandant": MANDANT,
        "vorgangId": case.immotion_id,
        **({} if case.born else {"externeId": str(case.externe_id)}),
        "vorgangSeq": seq,
        "sichtbarkeit": "MIETER" if seq == 1 or chance.random() < 0.8 else "INTERN",
        "daten": daten,
    }


def _begun(case: _Case) -> tuple[str, Event]:
    known = {"vorgangsnummer": f"V-2026-{case.number:06d}", "vorgangId": case.immotion_id}
    told = {"typ": "KONTAKT", "betreff": "Anruf", "beschreibung": "x", "melder": {"personNr": "P1"}}
    return "VORGANG_ANGELEGT", known | told if case.born else known


def _status(_number: int, chance: Random) -> tuple[str, Event]:
    text = {"textMieter": "Wir kümmern uns."} if chance.random() < 0.5 else {}
    return "STATUS", {"status": {"code": chance.choice(_CODES), **text}}


def _assignment(_number: int, chance: Random) -> tuple[str, Event]:
    return "ZUORDNUNG", {"aufgabentraeger": {"anzeigeName": chance.choice(["Frau Ay", "Herr Ö", "Team Nord"])}}


def _appointment(number: int, _chance: Random) -> tuple[str, Event]:
    return "TERMIN", {"termin": {"von": f"2026-04-{number % 28 + 1:02d}T08:00:00+02:00", "firma": "Sanitär Nord"}}


def _message(number: int, _chance: Random) -> tuple[str, Event]:
    return "AKTIVITAET", {"text": f"Nachricht {number}", "autor": "Frau Ay"}


def _document(number: int, _chance: Random) -> tuple[str, Event]:
    return "DOKUMENT", {"dokumentId": f"d-{number % 7}", "dateiname": "brief.pdf", "mime": "application/pdf"}


_HAPPENINGS: tuple[Callable[[int, Random], tuple[str, Event]], ...] = (
    _status,
    _status,
    _assignment,
    _appointment,
    _message,
    _message,
    _document,
)


def _end(
    installation: Installation,
    story: Sequence[Event],
    deliveries: Sequence[Event],
    reading: AbstractContextManager[None],
) -> Rows:
    """Have the deliveries read, and return what the rows are when everything has been applied."""
    cases = _cases(len(story))
    _file(case for case in cases if not case.born)
    installation.start_standin()
    for number in range(7):
        url = f"{installation.standin_url}/_standin/dokumente/d-{number}?dateiname=brief.pdf"
        requests.put(url, data=_PDF, headers={"Content-Type": "application/pdf"}, timeout=10).raise_for_status()
    with reading:
        _deliver(installation, deliveries)
    return _rows(cases)


def _file(cases: Iterator[_Case]) -> None:
    with connected(), transaction():
        for case in cases:
            vorgaenge.insert(_filed(case))


def _filed(case: _Case) -> Vorgang:
    return some_vorgang(mandant=MANDANT, id=case.externe_id, meldenummer=f"vorher-{case.number}")


@contextmanager
def _read_here(settings: Settings) -> Iterator[None]:
    """Read everything in this process, one after the other, when all of it is there."""
    yield
    assert _Worker(settings).round(threading.Event()) == DONE


@contextmanager
def _polling(installation: Installation, loops: int, processes: int, events: int) -> Iterator[None]:
    """Run so many feed loops in several processes, until so many events are settled or the time is over."""
    names = [f"pollers{number}" for number in range(processes)]
    for number, name in enumerate(names):
        share = loops // processes + (number < loops % processes)
        installation.start_command(name, [sys.executable, "-m", "tests.faults.pollers", str(share)])
    try:
        yield
        at_last(_unsettled, lambda left: left == (events, 0, 0), _SETTLED_S + events * _EACH_S)
    finally:
        for name in names:
            installation.stop(name)


def _deliver(installation: Installation, deliveries: Sequence[Event]) -> None:
    left = iter(deliveries)
    while page := list(islice(left, _PAGE)):
        answer = requests.post(f"{installation.standin_url}/_standin/ereignisse", json=page, timeout=60)
        answer.raise_for_status()


def _unsettled() -> tuple[int, int, int]:
    """Return how many events are here, how many of them wait, and how many files have not been fetched."""
    with connected():
        return (
            EreignisRow.select().count(),
            EreignisRow.select().where(EreignisRow.state == "waiting").count(),
            AnhangRow.select().where(AnhangRow.stored_at.is_null()).count(),
        )


def _rows(cases: Sequence[_Case]) -> Rows:
    """Return every row that the events have made, without what no two runs have in common."""
    with connected():
        found = {
            "Vorgänge": dicts(VorgangRow.select()),
            "messages": dicts(AktivitaetRow.select()),
            "files": dicts(AnhangRow.select()),
            "events": dicts(EreignisRow.select()),
        }
    keys = {row["id"]: row["immotion_id"] or str(row["id"]) for row in found["Vorgänge"]}
    born = {case.immotion_id for case in cases if case.born}
    for row in found["Vorgänge"]:
        row["id"] = keys[row["id"]]
        if row["immotion_id"] in born:
            del row["meldenummer"]
    for row in found["messages"] + found["files"]:
        row["vorgang_id"] = keys[row["vorgang_id"]]
    for row in found["files"]:
        for name in ("id", "created_at", "stored_at", *_OF_FETCHING):
            del row[name]
    for row in found["events"]:
        del row["id"], row["received_at"]
    return found


_OF_FETCHING = ("fetch_attempts", "fetch_at", "fetch_since", "fetch_error")


def _differing(expected: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]]) -> int:
    here, there = (Counter(json.dumps(row, default=str, sort_keys=True) for row in rows) for rows in (expected, found))
    return max(sum((here - there).values()), sum((there - here).values()))
