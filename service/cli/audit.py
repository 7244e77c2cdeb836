"""`mieterportal audit`: what happened that matters for safety; and what the command line itself adds to it."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from service.cli.common import mandant_of, read_settings, with_store

if TYPE_CHECKING:
    from service.access.audit import Source

_SINCE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])


@click.command("audit")
@click.argument("mandant")
@click.option("--since", type=_SINCE, help="Not before this day, or day and time, in the zone of the settings.")
@click.option("--event", help="Only this event, such as sign_in.")
@click.option("--person", help="Only what concerns this Personennummer.")
@click.option("--account", help="Only what concerns this account, as it is shown here.")
@click.option("--after", type=click.IntRange(0), help="Those after the entry with this id, the oldest first.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=100, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
@with_store
def audit(mandant: str, after: int | None, limit: int, as_json: bool, **wanted: Any) -> None:  # noqa: ANN401, FBT001 - options of the command line
    """Show the audit log of a Mandant: the newest entries, the latest at the end. It has no texts and no secrets.

    Example: mieterportal audit musterbau --since 2026-11-01 --event sign_in_failed
    """
    from service.access.audit import Event  # noqa: PLC0415 - only where used
    from service.store import audit as store  # noqa: PLC0415
    from service.store.records import AuditFilter  # noqa: PLC0415

    settings = read_settings()
    mandant_of(settings, mandant)
    if wanted["event"] is not None and wanted["event"] not in set(Event):
        raise click.UsageError(f"no such event; there are: {', '.join(Event)}")
    zone = ZoneInfo(settings.service.timezone)
    if wanted["since"] is not None:
        wanted["since"] = wanted["since"].replace(tzinfo=zone)
    asked = AuditFilter(**wanted)
    if after is None:
        found = store.newest(mandant, asked, limit=limit + 1)
        shown = found[-limit:]
    else:
        found = store.following(mandant, asked, after=after, limit=limit + 1)
        shown = found[:limit]
    for entry in shown:
        click.echo(json.dumps(_facts(entry), ensure_ascii=False) if as_json else " ".join(_words(entry, zone)))
    if len(found) > limit:
        click.echo(f"there are more than {limit}; see them with --limit, --since or --after", err=True)


def operator(mandant: str, now: datetime) -> "Source":
    """Return the command line as who acts."""
    from service.access.audit import Actor, Notice, Source  # noqa: PLC0415 - only where used

    settings = read_settings()
    lang = settings.mandanten[mandant].languages[0] if mandant in settings.mandanten else ""
    notice = None if settings.service.mail is None else Notice(lang)
    return Source(mandant=mandant, actor=Actor.OPERATOR, now=now, notice=notice)


def _facts(entry: Any) -> dict[str, Any]:  # noqa: ANN401 - service.store.records.AuditEntry, only where used
    names = ("id", "mandant", "event", "actor", "connection", "account", "person", "subject", "address", "request_id")
    moment = entry.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"at": moment} | {name: getattr(entry, name) for name in names} | {"facts": dict(entry.facts)}


def _words(entry: Any, zone: ZoneInfo) -> Iterator[str]:  # noqa: ANN401 - service.store.records.AuditEntry
    yield entry.at.astimezone(zone).isoformat(sep=" ", timespec="seconds")
    yield f"#{entry.id} {entry.event} {entry.actor}"
    named = ("person", "account", "connection", "subject", "address", "request_id")
    for name, value in [(name, getattr(entry, name)) for name in named] + sorted(entry.facts.items()):
        if value not in {None, ""}:
            yield f"{name}={_word(value)}"


def _word(value: object) -> str:
    """Return a value as one word; what a CMS has sent may hold anything."""
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)
