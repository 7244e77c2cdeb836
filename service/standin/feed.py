"""The feed of events: appended in one order, read by an opaque cursor that a reset makes unknown."""

import base64
import binascii
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.standin import vorgaenge
from service.standin.ledger import Ledger
from service.standin.problems import Feld, Problem, invalid
from service.standin.vorgaenge import Vorgang
from service.standin.words import JsonObject, stamp

_ORDER = ("ereignisId", "typ", "zeit", "mandant", "vorgangId", "externeId", "vorgangSeq", "sichtbarkeit", "daten")


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of the feed; `more` says whether asking again at once is worthwhile."""

    entries: list[JsonObject]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class Question:
    """What a reader asks for; `table` is `ereignisse` or `stammdaten`."""

    table: str
    cursor: str
    limit: int
    typ: str = ""


def append(ledger: Ledger, connection: sqlite3.Connection, draft: Mapping[str, Any]) -> JsonObject:
    """Complete an event from the ledger, append it, bring its Vorgang up to date, and return it.

    Missing ids, time, Mandant and vorgangSeq are filled in; `sichtbarkeit` is INTERN unless said otherwise. The same
    ereignisId may be appended again: delivery is at least once. Raises the 422 problem if no Mandant can be told.
    """
    key = str(draft.get("externeId") or draft.get("vorgangId") or "")
    vorgang = vorgaenge.find(connection, key) if key else None
    event = {
        "ereignisId": ledger.new_id(),
        "zeit": stamp(ledger.now()),
        "mandant": vorgang.mandant if vorgang else _last_mandant(connection),
        "sichtbarkeit": "INTERN",
        "daten": {},
        **(_ids(vorgang) if vorgang else {}),
        **draft,
    }
    if not event["mandant"]:
        raise invalid([Feld("/mandant", "PFLICHT")])
    folge = vorgang.key if vorgang else key.lower()
    if folge:
        event["vorgangSeq"] = _next_seq(connection, folge, draft.get("vorgangSeq"))
    event = {name: event[name] for name in _ORDER if name in event}
    connection.execute(
        "INSERT INTO ereignisse (typ, schluessel, koerper) VALUES (?, ?, ?)", (event["typ"], folge, json.dumps(event))
    )
    if vorgang:
        vorgaenge.apply_event(connection, vorgang, event)
    ledger.feed_grew()
    return event


def _ids(vorgang: Vorgang) -> JsonObject:
    externe = {"externeId": vorgang.externe_id} if vorgang.externe_id else {}
    return {"vorgangId": vorgang.vorgang_id, **externe}


def _last_mandant(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT mandant FROM vorgaenge ORDER BY id DESC LIMIT 1").fetchone()
    return str(row["mandant"]) if row else ""


def _next_seq(connection: sqlite3.Connection, key: str, given: int | None) -> int:
    row = connection.execute("SELECT seq FROM folgen WHERE schluessel = ?", (key,)).fetchone()
    last = int(row["seq"]) if row else 0
    seq = given if given is not None else last + 1
    connection.execute("INSERT OR REPLACE INTO folgen VALUES (?, ?)", (key, max(seq, last)))
    return seq


def read(ledger: Ledger, question: Question) -> Page:
    """Return the entries after the cursor; an empty cursor begins at the oldest. Raises the 410 problem."""
    with ledger.reading() as connection:
        generation = _generation(connection)
        (newest,) = connection.execute(
            f"SELECT coalesce(max(seq), 0) FROM {question.table}"  # noqa: S608 - one of two names of our own
        ).fetchone()
        after = _position(question, generation, newest)
        rows = connection.execute(
            f"SELECT seq, koerper FROM {question.table} WHERE seq > :after"  # noqa: S608 - as above
            + (" AND typ = :typ" if question.typ else "")
            + " ORDER BY seq LIMIT :limit",
            {"after": after, "typ": question.typ, "limit": question.limit + 1},
        ).fetchall()
    more = len(rows) > question.limit
    rows = rows[: question.limit]
    position = rows[-1]["seq"] if more else newest
    cursor = _cursor(question.table, generation, position)
    return Page([json.loads(row["koerper"]) for row in rows], cursor, more)


def _generation(connection: sqlite3.Connection) -> str:
    (generation,) = connection.execute("SELECT wert FROM angaben WHERE name = 'generation'").fetchone()
    return str(generation)


def _cursor(table: str, generation: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{table}.{generation}.{position}".encode()).decode().rstrip("=")


def _position(question: Question, generation: str, newest: int) -> int:
    if not question.cursor:
        return 0
    try:
        text = base64.urlsafe_b64decode(question.cursor + "=" * (-len(question.cursor) % 4)).decode()
        table, of_generation, position = text.split(".")
        seq = int(position)
    except (binascii.Error, ValueError):
        table, of_generation, seq = "", "", 0
    if (table, of_generation) != (question.table, generation) or not 0 <= seq <= newest:
        raise Problem(410, "CURSOR_ABGELAUFEN", "Dieser Cursor ist nicht bekannt; bitte alles abgleichen")
    return seq
