"""`mieterportal erase`, `hold` and `retention`: deleting what is over or asked for, and keeping what must be kept."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import click

from service.cli.audit import operator
from service.cli.common import TEMPORARY, agree, mandant_of, read_settings, with_store
from service.store.clean import line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.access.erasure import Plan, Report

_REASON_MAX = 200  # the column's length


@click.command("erase")
@click.argument("mandant")
@click.argument("person_nr")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@with_store
def erase(mandant: str, person_nr: str, yes: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Erase a person: in every table, in files, and the accounts that act for nobody else. Cannot be undone.

    Ends with 1 if something of the person's stays, and says why: legal holds, Vorgänge that are open or that immotion
    has not got yet. Run it again when that is over, and after restoring a backup.

    Example: mieterportal erase musterbau 0004711
    """
    from service.access.erasure import UnderHold  # noqa: PLC0415 - only where used
    from service.access.erasure import erase as apply  # noqa: PLC0415
    from service.access.erasure import plan as look  # noqa: PLC0415
    from service.access.vault import Vault  # noqa: PLC0415
    from service.storage import storage_of  # noqa: PLC0415

    settings = read_settings()
    mandant_of(settings, mandant)
    service = settings.service
    try:
        agree("\n".join(_effect(look(mandant, person_nr))), yes=yes)
        storage = storage_of(service, Vault(service.encryption_keys))
        report = apply(mandant, person_nr, storage=storage, source=operator(mandant, datetime.now(UTC)))
    except UnderHold as held:
        for hold in held.holds:
            click.echo(f"nothing was erased: hold {hold.id} stands since {hold.created_at:%Y-%m-%d}: {hold.reason}")
        sys.exit(1)
    click.echo("\n".join(_done(report)))
    sys.exit(0 if report.whole else 1)


def _effect(plan: "Plan") -> "Iterator[str]":
    who, vorgaenge = plan.who, plan.vorgaenge
    yield f"goes: {len(vorgaenge.free)} Vorgänge, {len(who.accounts)} accounts, and all else that is theirs alone"
    yield from _stays(plan)


def _stays(plan: "Plan") -> "Iterator[str]":
    who, vorgaenge = plan.who, plan.vorgaenge
    reasons = (
        (vorgaenge.open, "Vorgänge are open: have them closed in immotion"),
        (vorgaenge.owed, "Vorgänge are owed to immotion: see mieterportal sync status"),
        (vorgaenge.held, "Vorgänge are under a legal hold: see mieterportal hold list"),
        (plan.openings, "openings of documents are owed to immotion: see mieterportal sync status"),
        (len(who.shared), "accounts act for others, too: they lose this person only"),
    )
    yield from (f"stays: {count} {reason}" for count, reason in reasons if count)
    yield "stays: documents for a building, for all, or of a contract with other parties, who see them still"
    yield "comes back: master data, unless immotion deletes the person; not touched: backups, and a file drop's folders"


def _done(report: "Report") -> "Iterator[str]":
    yield from (f"{table}: {count}" for table, count in report.erased.rows.items())
    yield f"events emptied: {report.events}"
    yield f"files: {len(report.erased.files)}"
    if report.left:
        yield f"{report.left} files cannot be deleted now: their keys are gone, the worker deletes them within a day"
    if report.waiting:
        yield f"stays: {report.waiting} events that wait to be applied"
    yield from _stays(report.plan)


@click.group("hold")
def hold() -> None:
    """Keep everything of a person, or a Vorgang, from deletion by policy or erasure, as long as the law needs it."""


@hold.command("add")
@click.argument("mandant")
@click.option("--person", help="A Personennummer: all that is theirs.")
@click.option("--vorgang", help="The id or Meldenummer of a Vorgang.")
@click.option("--reason", required=True, help="Why, at most 200 characters; only operators read it.")
@with_store
def hold_add(mandant: str, person: str | None, vorgang: str | None, reason: str) -> None:
    """Begin a hold; prints its id.

    Example: mieterportal hold add musterbau --person 0004711 --reason "Rechtsstreit 12 C 34/26"
    """
    from service.access.audit import Event, note  # noqa: PLC0415 - only where used
    from service.store import holds, stammdaten  # noqa: PLC0415
    from service.store.database import transaction  # noqa: PLC0415

    mandant_of(read_settings(), mandant)
    reason = line(reason.strip(), _REASON_MAX + 1)
    named = [one.strip() for one in (person, vorgang) if one is not None]
    if len(named) != 1 or "" in named or not 0 < len(reason) <= _REASON_MAX:
        raise click.UsageError("name a --person or a --vorgang, one of them, and a reason of at most 200 characters")
    now = datetime.now(UTC)
    vorgang_id = _vorgang(mandant, vorgang) if vorgang is not None else None
    with transaction():
        key = holds.add(mandant, person=person, vorgang_id=vorgang_id, reason=reason, now=now)
        note(Event.HOLD_SET, operator(mandant, now), subject=str(key))
    click.echo(key)
    if person is not None and stammdaten.has_persons(mandant) and stammdaten.missing(mandant, "PERSON", [person]):
        click.echo("the master data know no such person: is the number right?", err=True)


def _vorgang(mandant: str, name: str) -> UUID:
    from service.vorgang.delivery import find  # noqa: PLC0415 - only where used

    found = find([mandant], name)
    if not found:
        click.echo("no such Vorgang", err=True)
        sys.exit(1)
    return found[0].id


@hold.command("list")
@click.argument("mandant")
@with_store
def hold_list(mandant: str) -> None:
    """Show the holds that stand.

    Example: mieterportal hold list musterbau
    """
    from service.store import holds  # noqa: PLC0415 - only where used

    mandant_of(read_settings(), mandant)
    standing = holds.standing(mandant)
    if not standing:
        click.echo("no hold stands", err=True)
    for one in standing:
        what = f"person {one.person}" if one.person is not None else f"Vorgang {one.vorgang_id}"
        click.echo(f"{one.id} since {one.created_at:%Y-%m-%d} {what}: {one.reason}")


@hold.command("end")
@click.argument("mandant")
@click.argument("hold_id", type=click.UUID)
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@with_store
def hold_end(mandant: str, hold_id: UUID, yes: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """End a hold: what it covered is deleted by policy again, and may be erased.

    Example: mieterportal hold end musterbau 019a2b3c-…
    """
    from service.access.audit import Event, note  # noqa: PLC0415 - only where used
    from service.store import holds  # noqa: PLC0415
    from service.store.database import transaction  # noqa: PLC0415

    mandant_of(read_settings(), mandant)
    agree("what it covers may be deleted from now on", yes=yes)
    now = datetime.now(UTC)
    with transaction():
        ended = holds.end(mandant, hold_id, now)
        if ended is not None:
            note(Event.HOLD_ENDED, operator(mandant, now), subject=str(hold_id))
    if ended is None:
        click.echo("no such hold stands", err=True)
        sys.exit(1)
    click.echo("ended")


@click.command("retention")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@with_store
def retention(dry_run: bool, yes: bool) -> None:  # noqa: FBT001 - flags of the command line
    """Delete what is over by each Mandant's policy, as the sync worker does every hour.

    Example: mieterportal retention --dry-run
    """
    from service.access.vault import Vault  # noqa: PLC0415 - only where used
    from service.house import houses_of  # noqa: PLC0415
    from service.storage import storage_of  # noqa: PLC0415
    from service.sync.retention import Policy, apply, look, policies_of  # noqa: PLC0415

    settings, now = read_settings(), datetime.now(UTC)
    houses = houses_of(settings)
    service, policies = settings.service, policies_of(settings, lambda mandant: houses.of(mandant).catalog)
    for one in look(policies, now):
        held = f", {one.held} more are held" if one.held else ""
        arten = f" ({', '.join(one.arten)} without loeschenNach)" if one.arten else ""
        click.echo(f"{one.mandant} {one.kind}: {one.rows} from before {one.before:%Y-%m-%d}{arten}{held}")
    if dry_run:
        return
    agree("they are deleted for good; events are emptied", yes=yes)
    storage = storage_of(service, Vault(service.encryption_keys))
    files = apply(policies, Policy(service.draft_days, service.audit_days), now)
    try:
        for file_id in files:
            storage.delete(file_id)
    except OSError as fault:
        click.echo(f"files: {fault.strerror}; the worker deletes what is left within a day", err=True)
        sys.exit(TEMPORARY)
    click.echo(f"deleted, with {len(files)} files")
