"""How the sync commands say things: tables, ages, effects."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from service.cli.common import counted
from service.store.clean import line
from service.store.deliveries import OWED
from service.store.records import OwedRow, OwedVorgang
from service.vorgang.delivery import DeliveryStatus, Effect, Owing, Quittung, is_held
from service.vorgang.delivery_facts import what_of

_HEAD = ("Mandant", "waiting", "oldest", "parked", "5 min", "1 h", "sent", "breaker", "worker seen")
_WIDTHS = (20, 8, 12, 7, 6, 6, 9, 10, 12)
_LEFT = {"Mandant", "breaker"}
_NUMBER = 100


def age(moment: datetime | None, now: datetime) -> str:
    """Say how long ago something was, to two units."""
    if moment is None:
        return "-"
    minutes, seconds = divmod(max(0, int((now - moment).total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((index for index, (count, _unit) in enumerate(parts) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"


def status_table(rows: Sequence[DeliveryStatus], now: datetime) -> Iterator[str]:
    """Give the lines of `sync status`."""
    yield _line(_HEAD)
    for row in rows:
        backlog = row.backlog
        breaker = row.breaker.state if row.breaker else "closed"
        counts = (backlog.parked, backlog.sent_5min, backlog.sent_hour, backlog.sent)
        seen, oldest = age(row.worker_seen, now), age(backlog.oldest_waiting, now)
        yield _line((backlog.mandant, str(backlog.waiting), oldest, *map(str, counts), breaker, seen))
    for row in rows:
        for reason, aside in row.documents_parked.items():
            yield f"DOCUMENTS {row.backlog.mandant}: {aside} parked, {reason}"
        if row.mails.waiting or row.mails.parked:
            oldest = f", the oldest for {age(row.mails.oldest_waiting, now)}" if row.mails.waiting else ""
            yield f"MAIL {row.mails.mandant}: {row.mails.waiting} waiting{oldest}; {row.mails.parked} parked"
    alarms = [alarm for row in rows for alarm in row.alarms]
    yield "" if alarms else "\nno alarm stands"
    for alarm in alarms:
        what = f"{alarm.kind} {alarm.detail}".strip()
        yield f"ALARM {alarm.mandant}: {what}, {alarm.count} in all, last {age(alarm.last_at, now)} ago"


def _line(cells: Sequence[str]) -> str:
    pairs = zip(cells, _HEAD, _WIDTHS, strict=True)
    return " ".join(cell.ljust(width) if head in _LEFT else cell.rjust(width) for cell, head, width in pairs).rstrip()


def owing_lines(found: Sequence[OwedVorgang], now: datetime) -> Iterator[str]:
    """Give a line for each Vorgang that owes something, and one for its last error."""
    for owed in found:
        named = " ".join(filter(None, [owed.head.mandant, owed.meldenummer, f"({owed.head.vorgang_id})", owed.typ]))
        rows = counted(owed.rows, "row")
        yield f"{named}: {rows}; next {_row(owed.head, now, behind=None)}"


def vorgang_lines(vorgang: Owing, rows: Sequence[OwedRow], now: datetime) -> Iterator[str]:
    """Give what was and is owed of one Vorgang, or of a document."""
    yield from _about(vorgang)
    behind: int | None = None
    for row in rows:
        yield f"  row {row.id}  {_row(row, now, behind=behind)}"
        if row.state in OWED and behind is None:
            behind = row.id
    if not rows:
        yield "  nothing was ever owed: it was born in immotion"


def _about(vorgang: Owing) -> Iterator[str]:
    if isinstance(vorgang, Quittung):
        yield f"{vorgang.mandant} ({vorgang.id}), receipts of a document"
        return
    number = line(vorgang.vorgangsnummer or "no number yet", _NUMBER)  # as immotion gave it, whatever that was
    yield f"{vorgang.mandant} {vorgang.meldenummer} ({vorgang.id}), {vorgang.typ}, {vorgang.status}"
    yield f"filed {_moment(vorgang.meldezeit)}, immotion: {number}"


def _row(row: OwedRow, now: datetime, *, behind: int | None) -> str:
    parts = [f"{what_of(row)} {row.state}", *_when(row, now, behind)]
    parts += [f"{row.attempts} attempts failed"] if row.attempts else []
    parts += ["outcome of the last attempt unknown"] if row.outcome_unknown and row.state != "sent" else []
    parts += [f"last error: {row.last_error}"] if row.last_error else []
    return ", ".join([*parts, f"request {row.request_id}"])


def _when(row: OwedRow, now: datetime, behind: int | None) -> list[str]:
    if row.state == "sent":
        return [_moment(row.sent_at)]
    if row.state not in OWED:
        return ["immotion has deleted the Vorgang"]
    owed = f"owed for {age(row.created_at, now)}"
    if row.state == "parked":
        return [owed]
    if is_held(row, now):
        return [owed, f"held by a worker until {_moment(row.lease_until)} (claim {row.fence})"]
    return [owed, f"behind row {behind}" if behind is not None else f"next attempt {_moment(row.next_at)}"]


def _moment(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def retry_effect(rows: int, vorgaenge: int, held: int) -> str:
    """Say what a retry does, before it does it."""
    said = (
        f"{counted(rows, 'row')} of {_vorgaenge(vorgaenge)} will be sent again now, each Vorgang's rows in their "
        "order; their attempts, and the five days after which a delivery is given up, count anew."
    )
    return said + (f" A worker is sending {counted(held, 'row')}: that stays as it is." if held else "")


def park_effect(rows: int) -> str:
    """Say what parking does, before it does it."""
    return (
        f"The next row of {_vorgaenge(rows)} will be put aside until `mieterportal sync retry`; "
        "their later rows wait behind it. Residents see no difference."
    )


def parked_text(effects: Sequence[Effect]) -> str:
    """Say what parking did."""
    held = sum(effect.held for effect in effects)
    said = f"parked: {counted(sum(effect.rows for effect in effects), 'row')}"
    if held:
        said += f"; {held} of them being sent: immotion may have it and is asked before it is sent again"
    return said


def _vorgaenge(count: int) -> str:
    return "1 Vorgang" if count == 1 else f"{count} Vorgänge"
