"""`mieterportal sync`: forward, and see and steer what is owed to immotion."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import click

from service.cli.audit import operator
from service.cli.common import agree, counted, read_settings, store_needed, with_store

_MANY = 50


@click.group()
def sync() -> None:
    """Forward Vorgänge to immotion, take in what comes back, see and steer what is owed."""


@sync.command("run")
@click.option("--once", is_flag=True, help="Deliver what is due, read the feed once, then end.")
def run(once: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Run the sync worker until SIGTERM; it sends the mails and scans the files that wait for it, too.

    With --once, ends with 75 when something could not be delivered or the database does not answer.

    Example: mieterportal sync run --once
    """
    from service import metrics  # noqa: PLC0415 - only where used
    from service.log import configure_logging  # noqa: PLC0415
    from service.notify.sender import sender_for  # noqa: PLC0415
    from service.store.database import open_database  # noqa: PLC0415
    from service.sync.scans import scans_for  # noqa: PLC0415
    from service.sync.worker import run as run_worker  # noqa: PLC0415

    configure_logging()
    settings = read_settings()
    if not once:
        open_database(settings.service.database)  # for the metrics: each process of the worker opens it for itself
        metrics.serve(settings, _now)
    with store_needed():
        sys.exit(run_worker(settings, once=once, errands=[sender_for, scans_for]))


@sync.command("status")
@click.option("--mandant", help="Only this Mandant.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
@with_store
def status(mandant: str | None, as_json: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Show per Mandant what waits for immotion and since when, what is parked, the rate, the breaker, and alarms.

    Mails that wait or are parked are told of, too.

    Example: mieterportal sync status --json
    """
    from service.cli.sync_text import status_table  # noqa: PLC0415 - only where used
    from service.vorgang import delivery  # noqa: PLC0415
    from service.vorgang.delivery_facts import status_facts  # noqa: PLC0415

    now = _now()
    rows = delivery.status(_mandanten(mandant), now)
    if as_json:
        _print_json([status_facts(row, now) for row in rows])
        return
    click.echo("\n".join(status_table(rows, now)))


@sync.command("show")
@click.argument("vorgang", required=False)
@click.option("--parked", "state", flag_value="parked", help="List the Vorgänge whose next delivery is parked.")
@click.option("--waiting", "state", flag_value="waiting", help="List the Vorgänge that wait for their next delivery.")
@click.option("--mandant", help="Only this Mandant.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
@with_store
def show(vorgang: str | None, state: str | None, mandant: str | None, limit: int, as_json: bool) -> None:  # noqa: FBT001 - options of the command line
    """Show what is owed for a Vorgang (id or Meldenummer): attempts, last error, next attempt; or list what is owed.

    Example: mieterportal sync show 2026-000123
    """
    if (vorgang is None) == (state is None):
        raise click.UsageError("name a Vorgang, or say --parked or --waiting")
    if vorgang is not None:
        _show_one(vorgang, mandant, as_json=as_json)
        return
    _show_list(str(state), mandant, limit, as_json=as_json)


def _show_list(state: str, mandant: str | None, limit: int, *, as_json: bool) -> None:
    from service.cli.sync_text import owing_lines  # noqa: PLC0415 - only where used
    from service.store import deliveries  # noqa: PLC0415
    from service.vorgang.delivery_facts import owing_facts  # noqa: PLC0415

    names, now = _mandanten(mandant), _now()
    found = [owed for name in names for owed in deliveries.owing(name, state, after=0, limit=limit + 1)]
    if as_json:
        _print_json([owing_facts(owed, now) for owed in found[:limit]])
    else:
        click.echo("\n".join(owing_lines(found[:limit], now)) or f"nothing is {state}")
    if len(found) > limit:
        click.echo(f"there are more than {limit}; see them with --limit", err=True)


def _show_one(name: str, mandant: str | None, *, as_json: bool) -> None:
    from service.cli.sync_text import vorgang_lines  # noqa: PLC0415 - only where used
    from service.store import deliveries  # noqa: PLC0415
    from service.vorgang.delivery_facts import vorgang_facts  # noqa: PLC0415

    vorgang = _vorgang(name, mandant)
    rows = deliveries.rows_of(vorgang.mandant, vorgang.id)
    if as_json:
        _print_json(vorgang_facts(vorgang, rows, _now()))
        return
    click.echo("\n".join(vorgang_lines(vorgang, rows, _now())))


@sync.command("retry")
@click.argument("vorgaenge", metavar="[VORGANG]…", nargs=-1)
@click.option("--parked", is_flag=True, help="All that is parked, of the Mandant named by --mandant.")
@click.option("--documents", is_flag=True, help="All documents of immotion that are parked: fetch them again.")
@click.option("--mandant", help="The Mandant; needed with --parked and --documents when there is more than one.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@with_store
def retry(vorgaenge: tuple[str, ...], parked: bool, documents: bool, mandant: str | None, yes: bool) -> None:  # noqa: FBT001 - flags
    """Send again now what is owed, with attempts and age counted anew; the order within a Vorgang is kept.

    Says first how many rows of how many Vorgänge that are, and asks.

    Example: mieterportal sync retry --parked --mandant musterbau
    """
    if bool(vorgaenge) + parked + documents != 1:
        raise click.UsageError("name Vorgänge, or say --parked or --documents")
    if documents:
        _retry_documents(_one_mandant(mandant), yes=yes)
        return
    if parked:
        _retry_parked(_one_mandant(mandant), yes=yes)
        return
    _retry_named(_named(vorgaenge, mandant), yes=yes)


def _retry_parked(mandant: str, *, yes: bool) -> None:
    from service.access import audit  # noqa: PLC0415 - only where used
    from service.cli.sync_text import retry_effect  # noqa: PLC0415
    from service.store import deliveries  # noqa: PLC0415
    from service.vorgang import delivery  # noqa: PLC0415

    rows, vorgaenge = deliveries.parked(mandant)
    if not rows:
        click.echo(f"{mandant}: nothing is parked")
        return
    agree(retry_effect(rows, vorgaenge, held=0), yes=yes)

    def note() -> None:
        facts = {"rows": rows, "vorgaenge": vorgaenge}
        audit.note(audit.Event.ADMIN_RETRY, operator(mandant, _now()), subject="parked", facts=facts)

    done = 0
    with click.progressbar(length=rows, label="making due", file=sys.stderr, hidden=rows <= delivery.BATCH) as bar:
        for batch in delivery.retry_parked(mandant, clock=_now, spend=note):
            done += batch
            bar.update(batch)
    click.echo(f"due now: {counted(done, 'row')}")


def _retry_documents(mandant: str, *, yes: bool) -> None:
    from service.access import audit  # noqa: PLC0415 - only where used
    from service.store import documents  # noqa: PLC0415
    from service.store.database import transaction  # noqa: PLC0415

    aside = sum(documents.parked([mandant]).get(mandant, {}).values())
    if not aside:
        click.echo(f"{mandant}: no document is parked")
        return
    agree(f"{aside} documents of immotion will be fetched again now; their attempts count anew.", yes=yes)
    now = _now()
    with transaction():
        done = documents.retry_parked(mandant, now)
        audit.note(audit.Event.ADMIN_RETRY, operator(mandant, now), subject="documents", facts={"documents": done})
    click.echo(f"due now: {done}")


def _retry_named(found: Sequence[Any], *, yes: bool) -> None:
    from service.access import audit  # noqa: PLC0415 - only where used
    from service.cli.sync_text import retry_effect  # noqa: PLC0415
    from service.vorgang import delivery  # noqa: PLC0415

    effects = [delivery.effect_of_retry(vorgang, _now()) for vorgang in found]
    rows, held = sum(effect.rows for effect in effects), sum(effect.held for effect in effects)
    if not rows:
        click.echo("a worker is sending it at this moment" if held else "nothing is owed; immotion has it all")
        return
    agree(retry_effect(rows, sum(effect.vorgaenge for effect in effects), held=held), yes=yes)

    def change(vorgang: Any) -> Any:  # noqa: ANN401 - service.store.records.Vorgang, only where used
        retry = partial(delivery.retry, vorgang, now=_now())
        return audit.counted(audit.Event.ADMIN_RETRY, operator(vorgang.mandant, _now()), retry, subject=str(vorgang.id))

    done = sum(effect.rows for effect in _each(found, change))
    click.echo(f"due now: {counted(done, 'row')}")


@sync.command("park")
@click.argument("vorgaenge", metavar="VORGANG…", nargs=-1, required=True)
@click.option("--reason", default="", help="Why, for whoever looks later; no names.")
@click.option("--mandant", help="The Mandant, when a Meldenummer exists in several.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@with_store
def park(vorgaenge: tuple[str, ...], reason: str, mandant: str | None, yes: bool) -> None:  # noqa: FBT001 - a flag
    """Put the next delivery of Vorgänge aside until `sync retry`; their later rows wait behind it.

    Says first what that means, and asks.

    Example: mieterportal sync park 2026-000123 --reason "immotion moves its units"
    """
    from service.access import audit  # noqa: PLC0415 - only where used
    from service.cli.sync_text import park_effect, parked_text  # noqa: PLC0415
    from service.vorgang import delivery  # noqa: PLC0415

    found = _named(vorgaenge, mandant)
    rows = sum(delivery.effect_of_park(vorgang).rows for vorgang in found)
    if not rows:
        click.echo("nothing to park: nothing is owed, or it is parked already")
        return
    agree(park_effect(rows), yes=yes)

    def change(vorgang: Any) -> Any:  # noqa: ANN401 - service.store.records.Vorgang, only where used
        park = partial(delivery.park, vorgang, reason=reason)
        return audit.counted(audit.Event.ADMIN_PARK, operator(vorgang.mandant, _now()), park, subject=str(vorgang.id))

    effects = _each(found, change)
    click.echo(parked_text(effects))


def _each(found: Sequence[Any], change: Callable[[Any], Any]) -> list[Any]:
    with click.progressbar(found, label="Vorgänge", file=sys.stderr, hidden=len(found) < _MANY) as bar:
        return [change(vorgang) for vorgang in bar]


def _named(names: Iterable[str], mandant: str | None) -> list[Any]:
    """Return each Vorgang once, by whatever names it was named."""
    found = [_vorgang(name, mandant) for name in names]
    return list({vorgang.id: vorgang for vorgang in found}.values())


def _vorgang(name: str, mandant: str | None) -> Any:  # noqa: ANN401 - service.store.records.Vorgang, only where used
    from service.vorgang import delivery  # noqa: PLC0415 - only where used

    found = delivery.find(_mandanten(mandant), name)
    if not found:
        click.echo(f"{name}: no such Vorgang", err=True)
        sys.exit(1)
    if len(found) > 1:
        raise click.UsageError(f"{name} exists in {_list(vorgang.mandant for vorgang in found)}; say --mandant")
    return found[0]


def _mandanten(mandant: str | None) -> list[str]:
    known = list(read_settings().mandanten)
    if mandant is not None and mandant not in known:
        raise click.UsageError(f"no such Mandant; there are: {_list(known)}")
    return known if mandant is None else [mandant]


def _one_mandant(mandant: str | None) -> str:
    known = _mandanten(mandant)
    if len(known) > 1:
        raise click.UsageError(f"say --mandant; there are: {_list(known)}")
    return known[0]


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


def _now() -> datetime:
    return datetime.now(UTC)
