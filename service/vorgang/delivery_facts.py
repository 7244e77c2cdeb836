"""Delivery as JSON: the same on the command line (`--json`) and in the admin interface (docs/admin-api.yaml)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.store.records import Alarm, BreakerState, OwedRow, OwedVorgang
from service.vorgang.delivery import DeliveryStatus, Owing, is_held

Facts = dict[str, Any]
WHOLE = "VORGANG"
QUITTUNG = "QUITTUNG"


def status_facts(row: DeliveryStatus, now: datetime) -> Facts:
    """Return how delivery stands for one Mandant."""
    backlog = row.backlog
    oldest = backlog.oldest_waiting
    return {
        "mandant": backlog.mandant,
        "waiting": backlog.waiting,
        "oldest_waiting": moment(oldest),
        "oldest_waiting_seconds": None if oldest is None else max(0, int((now - oldest).total_seconds())),
        "parked": backlog.parked,
        "documents_parked": dict(row.documents_parked),
        "sent": backlog.sent,
        "sent_5min": backlog.sent_5min,
        "sent_hour": backlog.sent_hour,
        "breaker": breaker_facts(row.breaker),
        "worker_seen": moment(row.worker_seen),
        "feeds_read": {name: moment(read) for name, read in sorted(row.feeds_read.items())},
        "mails": {
            "waiting": row.mails.waiting,
            "oldest_waiting": moment(row.mails.oldest_waiting),
            "parked": row.mails.parked,
        },
        "alarms": [alarm_facts(alarm) for alarm in row.alarms],
    }


def breaker_facts(breaker: BreakerState | None) -> Facts:
    """Return the breaker; one that never changed is closed."""
    if breaker is None:
        return {"state": "closed", "failures": 0, "since": None, "next_probe_at": None, "last_success_at": None}
    return {
        "state": breaker.state,
        "failures": breaker.failures,
        "since": moment(breaker.since),
        "next_probe_at": moment(breaker.next_probe_at),
        "last_success_at": moment(breaker.last_success_at),
    }


def alarm_facts(alarm: Alarm) -> Facts:
    """Return one alarm."""
    return {
        "kind": alarm.kind,
        "detail": alarm.detail,
        "count": alarm.count,
        "first_at": moment(alarm.first_at),
        "last_at": moment(alarm.last_at),
    }


def owing_facts(owed: OwedVorgang, now: datetime) -> Facts:
    """Return one line of the list of Vorgänge that owe something."""
    numbers = {"meldenummer": owed.meldenummer, "vorgangsnummer": owed.vorgangsnummer, "typ": owed.typ}
    head = row_facts(owed.head, now)
    return {"id": str(owed.head.vorgang_id), "mandant": owed.head.mandant, **numbers, "rows": owed.rows, "next": head}


def vorgang_facts(vorgang: Owing, rows: list[OwedRow], now: datetime) -> Facts:
    """Return the numbers of a Vorgang (of a document, none) and all that was and is owed of it; nothing written."""
    return {
        "id": str(vorgang.id),
        "mandant": vorgang.mandant,
        "meldenummer": vorgang.meldenummer,
        "vorgangsnummer": vorgang.vorgangsnummer,
        "typ": vorgang.typ,
        "meldezeit": moment(vorgang.meldezeit),
        "status": vorgang.status,
        "routing": _routing(vorgang.routing),
        "rows": [row_facts(row, now) for row in rows],
    }


def row_facts(row: OwedRow, now: datetime) -> Facts:
    """Return one delivery."""
    return {
        "row": row.id,
        "what": what_of(row),
        "state": row.state,
        "created_at": moment(row.created_at),
        "attempts": row.attempts,
        "next_at": moment(row.next_at) if row.state == "waiting" else None,
        "held_until": moment(row.lease_until) if is_held(row, now) else None,
        "claims": row.fence,
        "outcome_unknown": row.outcome_unknown,
        "sent_at": moment(row.sent_at),
        "last_error": row.last_error,
        "request_id": row.request_id,
    }


def what_of(row: OwedRow) -> str:
    """Return what is delivered: the kind of an Aktivität, a Vorgang, or what became of a document."""
    return QUITTUNG if row.lesung_id or row.quittung else row.art or WHOLE


def moment(value: datetime | None) -> str | None:
    """Write a time in UTC as RFC 3339."""
    return None if value is None else value.isoformat().replace("+00:00", "Z")


def _routing(routing: Mapping[str, Any]) -> Facts:
    return {name: routing[name] for name in ("regel", "vorgangsart", "prioritaet") if routing.get(name)}
